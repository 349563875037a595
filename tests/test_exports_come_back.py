"""What one workspace exports, another one imports: as a manifest, and as metadata of items that it has already."""

import pytest

import heron
from tests.conftest import draw

SCHEMA = {"city": "varchar", "score": "number", "seen": "datetime", "ok": "boolean"}


@pytest.fixture
def workspace(workspace, tmp_path):
    """A workspace with two pictures, a GIF of three frames and a group, with metadata, that is exported as d.FORMAT."""
    place = tmp_path / "given"
    for number in range(4):
        draw(place / ("group" if number > 1 else ".") / f"p {number}.png", seed=number)
    frames = [draw(tmp_path / f"{number}.png", seed=number) for number in range(3)]
    from PIL import Image

    first, *others = map(Image.open, frames)
    first.save(place / "film.gif", save_all=True, append_images=others)
    workspace.schema.set_from_dict(SCHEMA)
    workspace.ingest.files([place / "p 0.png", place / "p 1.png", place / "film.gif"], folder="A")
    workspace.ingest.files([place / "group"], folder="G", batch_as="group")
    items = workspace.items.list()
    workspace.metadata.merge(
        {
            item.uuid: {
                "city": f"Olso, {item.name}",
                "score": number / 4,
                "seen": "2026-01-31T10:00:00+02:00",
                "ok": number > 1,
            }
            for number, item in enumerate(items)
        }
    )
    film = workspace.items.get("film.gif")
    workspace.metadata.merge({film.uuid: {"$heron": {"frames": {"1": {"what": "a bird"}}}}})
    workspace.items.rename("p 1.png", "renamed")
    workspace.datasets.create("D", items=items)
    for format in ("json", "jsonl", "csv"):
        workspace.export("D", tmp_path / f"d.{format}")
    return workspace


def known(workspace):
    """What people have said about the items, and what these consist of."""
    return {
        item.name: (
            item.kind, item.metadata, [member.url for member in workspace.items.members(item)],
            [(frame.number, frame.metadata) for frame in workspace.frames.list(item) if frame.metadata],
            (item.facts.width, item.facts.height, item.facts.frame_count),
        )
        for item in workspace.items.list()
    }  # fmt: skip


@pytest.fixture
def elsewhere(tmp_path):
    with heron.open(tmp_path / "other" / "lake", discover=False) as opened:
        opened.schema.set_from_dict(SCHEMA)
        yield opened


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_an_export_is_imported_as_a_manifest(workspace, elsewhere, tmp_path, format):
    report = elsewhere.ingest.manifest(tmp_path / f"d.{format}", folder="B")
    assert (report.added, report.failed) == (4, 0)
    assert known(elsewhere) == known(workspace)
    assert next(members for _, _, members, *_ in known(elsewhere).values() if members)


def test_a_table_is_imported_as_a_manifest_but_its_groups_are_not(workspace, elsewhere, tmp_path):
    report = elsewhere.ingest.manifest(tmp_path / "d.csv", folder="B", ignore_errors=True)
    assert (report.added, report.failed) == (3, 1)
    assert "has several files, which are not in CSV" in report.problems[0].reason
    expected, found = known(workspace), known(elsewhere)
    for name in ("p 0.png", "renamed"):
        assert found[name] == expected[name]
    assert found["film.gif"][:2] == expected["film.gif"][:2]


@pytest.mark.parametrize("format", ["json", "jsonl", "csv"])
def test_an_export_is_metadata_for_the_same_files_in_another_workspace(
    workspace, elsewhere, tmp_path, format
):
    given = tmp_path / "given"
    elsewhere.ingest.files([given / "p 0.png", given / "p 1.png", given / "film.gif"], folder="X")
    elsewhere.ingest.files([given / "group"], folder="Y", batch_as="group")
    report = elsewhere.ingest.metadata_file(tmp_path / f"d.{format}")
    assert (report.updated, report.unmatched, report.ambiguous) == (4, (), {})
    by_url = {item.url: item.metadata for item in workspace.items.list()}
    assert {item.url: item.metadata for item in elsewhere.items.list()} == by_url


def test_an_export_is_metadata_for_a_copy_of_the_lake_by_its_paths(tmp_path):
    for name in ("here", "there"):
        draw(tmp_path / name / "a b" / "1.png")
        with heron.open(tmp_path / name, discover=False) as opened:
            opened.ingest.files([tmp_path / name / "a b"], folder="A")
            if name == "here":
                opened.metadata.merge({"1.png": {"city": "Oslo"}})
                opened.datasets.create("D", items=opened.items.list())
                opened.export("D", tmp_path / "d.csv")
            else:
                assert opened.ingest.metadata_file(tmp_path / "d.csv").updated == 1
                assert opened.items.get("1.png").metadata == {"city": "Oslo"}
