"""Events: what happened is told after the commit, whoever did it, with the workspace, and never what was undone."""

from __future__ import annotations

import pytest

import heron
from heron.cli.main import status
from heron.hooks import events
from tests.conftest import draw
from tests.memory_storage import Lake, LakePlugin

EVENTS = [name for name, hook in vars(events).items() if hasattr(hook, "heron_spec")]


class Ear:
    """A plugin that hears all events, and keeps what they are about."""

    def __init__(self):
        self.heard = []
        self.workspaces = set()

    def hear(self, event, workspace, *about):
        self.workspaces.add(workspace.root)
        self.heard.append((event, *about))

    def take(self):
        heard, self.heard = self.heard, []
        return heard

    @heron.hookimpl
    def items_imported(self, workspace, items):
        self.hear("items_imported", workspace, [item.name for item in items])

    @heron.hookimpl
    def items_updated(self, workspace, items):
        self.hear("items_updated", workspace, [item.name for item in items])

    @heron.hookimpl
    def items_vanished(self, workspace, items):
        self.hear("items_vanished", workspace, [item.name for item in items])

    @heron.hookimpl
    def items_restored(self, workspace, items):
        self.hear("items_restored", workspace, [item.name for item in items])

    @heron.hookimpl
    def items_deleted(self, workspace, items):
        self.hear("items_deleted", workspace, [(item.name, item.url) for item in items])

    @heron.hookimpl
    def metadata_changed(self, workspace, items):
        self.hear("metadata_changed", workspace, [(item.name, item.metadata) for item in items])

    @heron.hookimpl
    def vectors_added(self, workspace, key):
        self.hear("vectors_added", workspace, key)

    @heron.hookimpl
    def dataset_created(self, workspace, dataset):
        self.hear("dataset_created", workspace, dataset.title, dataset.row_count)

    @heron.hookimpl
    def dataset_changed(self, workspace, dataset):
        self.hear("dataset_changed", workspace, dataset.title, dataset.row_count)

    @heron.hookimpl
    def collection_changed(self, workspace, collection):
        self.hear("collection_changed", workspace, collection.title)

    @heron.hookimpl
    def exported(self, workspace, dataset, path, format, rows):
        self.hear("exported", workspace, dataset, path.name, format, rows)

    @heron.hookimpl
    def job_finished(self, workspace, job):
        self.hear("job_finished", workspace, job.state, job.added)


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def lake():
    return Lake()


@pytest.fixture
def plugins(ear, lake):
    return [ear, LakePlugin(lake)]


NAMES = [f"p{number}.jpg" for number in range(6)]


def test_every_event_is_heard_in_this_file():
    assert sorted(EVENTS) == sorted(name for name in vars(Ear) if hasattr(vars(Ear)[name], "heron_impl"))


def test_each_deed_is_told_once_with_its_workspace(workspace, ear, pictures, tmp_path):
    workspace.ingest.files([pictures], folder="A")
    assert ear.take() == [("items_imported", NAMES), ("job_finished", "done", 6)]
    items = workspace.items.list()

    workspace.metadata.merge((item, {"day": 1}) for item in items[:2])
    assert ear.take() == [("metadata_changed", [("p0.jpg", {"day": 1}), ("p1.jpg", {"day": 1})])]
    workspace.metadata.merge([(items[0], {"day": 1})])
    assert ear.take() == [], "nothing has changed"
    workspace.frames.add(items[0], [(0, 0.0, True)])
    workspace.frames.set_metadata(items[0], 0, {"seen": True})
    assert ear.take() == [("metadata_changed", [("p0.jpg", {"day": 1})])]

    workspace.schema.add_embedding("v", 2)
    workspace.vectors.add("v", items[:1], [[1.0, 0.0]])
    assert ear.take() == [("vectors_added", "v")]

    workspace.collections.create("Best")
    workspace.collections.add("Best", items[:3])
    workspace.collections.update("Best", title="Better")
    assert ear.take() == [("collection_changed", title) for title in ("Best", "Best", "Better")]

    workspace.datasets.create("train", items=items[:2])
    workspace.datasets.add("train", items[2:4])
    assert ear.take() == [("dataset_created", "train", 2), ("dataset_changed", "train", 4)]
    workspace.export("train", tmp_path / "train.jsonl")
    assert ear.take() == [("exported", "train", "train.jsonl", "jsonl", 4)]

    workspace.items.delete(items[3])
    told = ear.take()
    assert ("items_deleted", [("p3.jpg", items[3].url)]) in told
    assert ("dataset_changed", "train", 3) in told
    assert len(told) == 2
    workspace.datasets.delete("train")
    assert ear.take() == [], "there is no record of it any more"
    assert ear.workspaces == {workspace.root}


def test_a_sync_tells_what_came_changed_vanished_and_returned(workspace, ear, lake):
    for number in range(3):
        lake.put(f"mem://b/{number}.txt", b"words")
    workspace.synced.bind("B", "mem://b/")
    workspace.ingest.sync("B")
    assert ear.take() == [("items_imported", ["0.txt", "1.txt", "2.txt"]), ("job_finished", "done", 3)]
    lake.put("mem://b/0.txt", b"other words")
    gone = lake.buckets["b"].pop("1.txt")
    workspace.ingest.sync("B")
    assert ear.take() == [
        ("items_updated", ["0.txt"]),
        ("items_vanished", ["1.txt"]),
        ("job_finished", "done", 0),
    ]
    lake.put("mem://b/1.txt", gone)
    workspace.ingest.sync("B")
    assert ear.take() == [("items_restored", ["1.txt"]), ("job_finished", "done", 0)]


def test_nothing_is_told_before_the_commit_and_nothing_that_is_undone(workspace, ear, pictures):
    workspace.ingest.files([pictures], folder="A")
    ear.take()
    with workspace.atomic():
        workspace.collections.create("Best")
        workspace.datasets.create("train", items=workspace.items.list())
        assert ear.take() == []
    assert ear.take() == [("collection_changed", "Best"), ("dataset_created", "train", 6)]
    with pytest.raises(KeyError), workspace.atomic():
        workspace.collections.create("Worse")
        raise KeyError
    with workspace.atomic():
        with pytest.raises(heron.AlreadyExists):
            workspace.datasets.create("train", items=workspace.items.list())
        workspace.collections.create("Worst")
    assert ear.take() == [("collection_changed", "Worst")]
    workspace.ingest.files([pictures], folder="B", skip_duplicates=False, dry_run=True)
    assert ear.take() == []


def test_bundles_stay_small_and_lose_nothing(workspace, ear):
    workspace.registration.register(
        (
            heron.NewItem(f"mem://b/{number}.txt", heron.MediaFacts("text", "text/plain"))
            for number in range(3000)
        ),
        folder="A",
    )
    heard = ear.take()
    assert [event for event, _ in heard] == ["items_imported"] * 3
    assert [name for _, names in heard for name in names] == [f"{number}.txt" for number in range(3000)]
    assert max(len(names) for _, names in heard) == 1024


def test_what_a_plugin_changes_when_it_is_told_is_told_too_but_not_without_end(tmp_path, ear, monkeypatch):
    monkeypatch.setattr("heron.catalog.happenings.MOST", 5)

    class Restless:
        @heron.hookimpl
        def collection_changed(self, workspace, collection):
            workspace.collections.create(f"after {collection.title}"[-300:])

    with heron.open(tmp_path, plugins=[ear, Restless()], discover=False) as workspace:
        with pytest.warns(heron.PluginWarning, match="go on making more"):
            workspace.collections.create("one")
        assert 5 <= len(ear.take()) <= 7
        ear.take()
        with pytest.warns(heron.PluginWarning, match="go on making more"):
            workspace.collections.create("two")
        assert ear.take()[0] == ("collection_changed", "two")


def test_a_plugin_cannot_spoil_what_the_next_one_hears(tmp_path, ear, pictures):
    class Vandal:
        @heron.hookimpl
        def items_imported(self, items):
            items[0].facts.extra.clear()
            items[0].metadata["spoilt"] = True

    class Careful:
        @heron.hookimpl
        def items_imported(self, items):
            self.seen = (dict(items[0].facts.extra), dict(items[0].metadata))

    careful = [Careful(), Careful()]
    plugins = [careful[0], Vandal(), careful[1]]
    draw(pictures / "p0.jpg", seed=0, exif=None or b"")
    with heron.open(tmp_path / "lake", plugins=plugins, discover=False) as workspace:
        workspace.ingest.files([pictures / "p0.jpg"], folder="A")
        expected = (dict(workspace.items.list()[0].facts.extra), {})
    assert [each.seen for each in careful] == [expected, expected]


def test_what_a_plugin_raises_is_said_on_the_command_line(tmp_path, monkeypatch, capsys):
    from heron.cli.context import Context

    class Broken:
        @heron.hookimpl
        def collection_changed(self):
            raise SystemExit("no\nmore")

    heron.init(tmp_path / "lake", discover=False).close()
    monkeypatch.setattr(
        Context, "workspace", lambda self: heron.open(tmp_path / "lake", plugins=[Broken()], discover=False)
    )
    assert status(["collections", "create", "Best", "--where", "kind = 'image'"]) == 0
    err = capsys.readouterr().err
    assert err == "Warning: plugin Broken#0:Broken: collection_changed failed: SystemExit: no\n"


def test_a_verb_has_not_failed_if_its_news_cannot_be_read(workspace, ear, monkeypatch):
    def busy(ref):
        raise heron.CatalogueBusy("busy")

    monkeypatch.setattr(workspace.collections, "find", busy)
    with (
        pytest.warns(heron.PluginWarning, match="plugins were not told of collection_changed: busy"),
        workspace.atomic(),
    ):
        workspace._database.execute(
            "INSERT INTO collections (uuid, title, created_at, created_by) VALUES ('u', 'Best', '2026-01-31T12:00:00.000000Z', 'owner')"
        )
    assert [collection.title for collection in workspace.collections.list()] == ["Best"]


def test_nothing_is_noted_where_nobody_listens(tmp_path, pictures):
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.ingest.files([pictures], folder="A")
        assert workspace._database.rows("SELECT name FROM sqlite_temp_master") == []
