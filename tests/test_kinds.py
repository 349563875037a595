"""Kinds of items: the built-in ones and those of plugins, in conditions, manifests and imports."""

import json

import pytest

import heron
from heron.errors import InvalidInput, QueryError
from heron.hooks import MediaKind, PluginManager
from heron.media.kinds import BUILT_IN, Kinds
from heron.models import MediaFacts, NewItem
from tests.toy_clouds import ToyClouds, cloud


class Given:
    """A plugin that brings these kinds."""

    def __init__(self, *kinds):
        self.kinds = kinds

    @heron.hookimpl
    def register_kinds(self):
        yield from self.kinds


@pytest.fixture
def plugins():
    return [ToyClouds()]


def kind(name, **more):
    return MediaKind(name=name, summary="", **more)


def test_files_of_a_kind_of_a_plugin_are_imported_and_found(workspace, tmp_path):
    workspace.ingest.files([cloud(tmp_path / "a.cloud", points=5)], folder="A")
    (item,) = workspace.search(where="kind = 'point_cloud' AND kind IN ('point_cloud', 'image')")
    assert (item.kind, item.name) == ("point_cloud", "a.cloud")


def test_without_the_plugin_its_items_stay_and_its_kind_is_refused_in_conditions(workspace, tmp_path):
    workspace.ingest.files([cloud(tmp_path / "a.cloud", points=5)], folder="A")
    with heron.open(workspace.root, discover=False) as bare:
        assert [item.kind for item in bare.items.list()] == ["point_cloud"]
        assert bare.search.count(where="kind LIKE 'point%'") == 1
        with pytest.raises(QueryError, match="expected one of image, "):
            bare.search(where="kind = 'point_cloud'")
        with pytest.raises(InvalidInput, match="'point_cloud' is not a kind of item"):
            bare.registration.register([NewItem("s3://a/b", MediaFacts("point_cloud", "x/y"))], "A")


def test_an_unknown_kind_is_refused_with_a_suggestion(workspace):
    with pytest.raises(InvalidInput, match="'point_clout' is not a kind of item") as refusal:
        workspace.registration.register([NewItem("s3://a/b", MediaFacts("point_clout", "x/y"))], "A")
    assert refusal.value.hint == "did you mean point_cloud?"
    with pytest.raises(QueryError, match="other, point_cloud"):
        workspace.search(where="kind = 'point_clout'")


@pytest.mark.parametrize(
    ("name", "text"),
    {
        "array.json": '{"point_clouds": [{"objectUrl": "s3://lake/a", "title": "A", "pointCloudMetadata": {"points": 9}}]}',
        "kind.jsonl": '{"kind": "PointCloud", "objectUrl": "s3://lake/a", "title": "A", "pointCloudMetadata": {"points": 9}}',
    }.items(),
)  # fmt: skip
def test_a_manifest_gives_the_kind_and_its_facts(workspace, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    workspace.ingest.manifest(tmp_path / name, folder="A")
    (item,) = workspace.items.list()
    assert (item.kind, item.facts.media_type) == ("point_cloud", "application/x-cloud")
    assert item.facts.extra == {"point_cloud": {"points": 9}}
    assert workspace.search.count(where="point_cloud.points = 9") == 1


def test_a_csv_manifest_names_the_kind_in_its_title_column(workspace, tmp_path):
    file = cloud(tmp_path / "a.cloud", points=3)
    (tmp_path / "m.csv").write_text(f"ObjectURL,Point cloud title\n{file.as_uri()},Cloud\n")
    workspace.ingest.manifest(tmp_path / "m.csv", folder="A")
    assert [(item.kind, item.name) for item in workspace.items.list()] == [("point_cloud", "Cloud")]


def test_an_unknown_kind_in_a_manifest_is_a_problem_with_a_suggestion(workspace, tmp_path):
    (tmp_path / "m.jsonl").write_text('{"kind": "point_clout", "objectUrl": "s3://lake/a"}\n')
    report = workspace.ingest.manifest(tmp_path / "m.jsonl", folder="A", ignore_errors=True)
    (problem,) = report.problems
    assert "is not a kind of data (did you mean pointcloud?)" in problem.reason


def test_manifests_that_are_created_have_the_array_of_the_kind(workspace, tmp_path):
    cloud(tmp_path / "lake in" / "a.cloud", points=3)
    workspace.ingest.write_manifest(str(tmp_path / "lake in"), tmp_path / "m.json", with_facts=True)
    written = json.loads((tmp_path / "m.json").read_text())
    (entry,) = written["point_clouds"]
    assert entry["point_cloudMetadata"]["mimeType"] == "application/x-cloud"
    workspace.ingest.manifest(tmp_path / "m.json", folder="A")
    assert [item.kind for item in workspace.items.list()] == ["point_cloud"]


def test_kinds_that_are_not_visual_are_not_embedded_by_default(workspace, tmp_path):
    files = [cloud(tmp_path / "a.cloud", points=5), tmp_path / "t.txt"]
    files[1].write_text("words")
    workspace.ingest.files(files, folder="A")
    workspace.registration.register([NewItem("s3://a/b", MediaFacts("pdf", "application/pdf"))], "A")
    assert [item.kind for item in workspace.embed.chosen()] == ["pdf"]


@pytest.mark.parametrize(
    "name", ["", "Cloud", "point cloud", "point-cloud", "2d", "a" * 65, "size", "metric"]
)
def test_a_kind_has_a_plain_name(name):
    with pytest.raises(ValueError, match="cannot be the name of a kind"):
        kind(name)


@pytest.mark.parametrize(
    ("brought", "words"),
    [
        (kind("video"), "kind video is built in and cannot be replaced"),
        (kind("film", arrays=["Videos"]), "kind film: videos in manifests is the kind video"),
    ],
)
def test_a_kind_that_takes_a_name_of_a_built_in_one_is_refused_with_its_plugin(brought, words):
    manager = PluginManager(builtin=["heron.media.builtin"], discover=False, plugins=[Given(brought)])
    assert manager.statuses[-1].status == f"failed: {words}"
    assert list(manager.contributions(MediaKind)) == list(BUILT_IN.values())


def test_a_kind_that_two_plugins_bring_is_a_conflict():
    manager = PluginManager(
        builtin=["heron.media.builtin"], discover=False, plugins=[Given(kind("x")), Given(kind("x"))]
    )
    assert all(status.status.startswith("conflict") for status in manager.statuses[1:])
    assert Kinds(lambda: manager).get("x") is None


def test_plugins_are_not_loaded_for_a_kind_that_is_built_in():
    def never():
        raise AssertionError("plugins were loaded")

    assert Kinds(never).get("dicom") == Kinds(never).in_manifest("DICOM_series") == BUILT_IN["dicom"]
