"""Lakes that were moved: with their workspace, and away from it."""

import shutil

import numpy as np
import pytest

import heron
from heron.catalog.places import Places
from heron.errors import AlreadyExists, NotFound
from heron.models import MediaFacts, Member, NewItem
from tests.conftest import draw


@pytest.fixture
def old(tmp_path):
    """A workspace with its lake below it, and pictures beside it that it knows too."""
    place = tmp_path / "old"
    for number in range(3):
        draw(place / "data" / f"a {number}.png", seed=number)
        draw(tmp_path / "beside" / f"b{number}.png", seed=9 - number)
    with heron.open(place, discover=False) as ws:
        ws.schema.add_scalar("city", "varchar")
        ws.ingest.files([place / "data"], folder="P", thumbnails=True)
        ws.ingest.files([tmp_path / "beside"], folder="Q")
        ws.ingest.follow("S", (place / "data").as_uri() + "/")
        ws.ingest.follow("T", (tmp_path / "beside").as_uri() + "/")
        ws.ingest.sync("S")
        ws.ingest.sync("T")
        ws.metadata.merge_all(ws.items.list(), {"city": "Oslo"})
        ws.embed("visual")
        ws.collections.create("C", items=ws.items.list())
        ws.datasets.create("D", items=ws.items.list())
    return place


def urls(ws, folder=None):
    return {item.name: item.url for item in ws.items.list(folder=folder)}


def readable(ws, folder=None):
    return all(ws.pictures.portrait(item, size=16) is not None for item in ws.items.list(folder=folder))


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree], ids=["moved", "copied"])
def test_a_lake_below_its_workspace_is_found_where_it_is(old, tmp_path, move):
    new = tmp_path / "elsewhere" / "new"
    new.parent.mkdir()
    move(old, new)
    with heron.open(new, discover=False) as ws:
        assert urls(ws, "P") == {f"a {n}.png": (new / "data" / f"a {n}.png").as_uri() for n in range(3)}
        assert readable(ws)
        assert ws.synced.get("S").prefix == (new / "data").as_uri() + "/"
        assert ws.ingest.sync("S").added == 0 and ws.search.count(where="in_folder('S')") == 3
        report = ws.ingest.files([new / "data"], folder="P", skip_duplicates=True)
        assert (report.added, report.skipped) == (0, 3)
        assert ws.search.count(where="city = 'Oslo'") == 12
        assert len(ws.search(like=ws.items.list()[0])) == 11
        url = (new / "data" / "a 1.png").as_uri()
        for where in (
            f"url = '{url}'",
            f"url IN ('{url}')",
            "url LIKE '%/new/data/a%201.png'",
            f"url >= '{url}' AND url <= '{url}'",
        ):
            assert {item.folder_path for item in ws.search(where=where)} == {"P", "S"}, where
        assert next(iter(ws.datasets.rows("D"))).item.url.startswith(new.as_uri())
    with heron.open(new, discover=False) as ws:
        assert readable(ws, "P")


def test_metadata_and_vectors_come_by_the_new_urls(old, tmp_path):
    new = tmp_path / "new"
    old.rename(new)
    with heron.open(new, discover=False) as ws:
        url = (new / "data" / "a 2.png").as_uri()
        ws.items.delete(ws.items.list(folder="S"))
        (tmp_path / "rows.jsonl").write_text(f'{{"url": "{url}", "city": "Bergen"}}\n')
        assert ws.ingest.metadata_file(tmp_path / "rows.jsonl").updated == 1
        assert [item.name for item in ws.search(where="city = 'Bergen'")] == ["a 2.png"]
        np.save(tmp_path / "v.npy", np.ones((1, 4), np.float32))
        (tmp_path / "v.ids.txt").write_text(url + "\n")
        done = ws.vector_files.import_file(
            "mine", tmp_path / "v.npy", ids=tmp_path / "v.ids.txt", by="url", create=True
        )
        assert done.kept == 1


def test_a_workspace_opened_through_a_link_knows_its_files(old, tmp_path):
    (tmp_path / "link").symlink_to(old)
    with heron.open(tmp_path / "link", discover=False) as ws:
        assert urls(ws, "P")["a 0.png"] == (tmp_path / "link" / "data" / "a 0.png").as_uri()
        for given in (tmp_path / "link" / "data", old / "data"):
            assert ws.ingest.files([given], folder="P", skip_duplicates=True).skipped == 3


@pytest.mark.parametrize(
    "url",
    [
        "file:///lake/a",
        "file:///lake/",
        "file:///lakes/a",
        "file:///",
        "s3://lake/a",
        "file:///lake/%C3%A9#x",
    ],
)
def test_the_stored_form_of_a_url_gives_the_url(tmp_path, url):
    places = Places(tmp_path)
    url = url.replace("file:///lake", tmp_path.as_uri())
    stored = places.kept(url)
    assert places.located(stored) == url
    assert stored.startswith("file:./") == url.startswith(tmp_path.as_uri() + "/")


# Relocation


def test_files_beside_a_workspace_are_relocated(old, tmp_path):
    (tmp_path / "beside").rename(tmp_path / "far")
    with heron.open(old, discover=False) as ws:
        before = {item.uuid: (item.metadata, item.tags) for item in ws.items.list()}
        with pytest.raises(NotFound, match="heron relocate"):
            ws.storage.open("file:///").stat(urls(ws, "Q")["b0.png"])
        assert ws.storage.relocate(tmp_path / "beside", tmp_path / "far", dry_run=True) == heron.Relocated(
            6, 0, 1
        )
        assert "beside" in urls(ws, "Q")["b0.png"]
        assert ws.storage.relocate(tmp_path / "beside", tmp_path / "far", verify=True) == heron.Relocated(
            6, 0, 1
        )
        assert urls(ws, "Q") == {f"b{n}.png": (tmp_path / "far" / f"b{n}.png").as_uri() for n in range(3)}
        assert readable(ws) and ws.ingest.sync("T").added == 0
        assert {item.uuid: (item.metadata, item.tags) for item in ws.items.list()} == before
        assert len(ws.search(like=ws.items.list()[0])) == 11


def test_files_that_move_into_the_workspace_follow_it_from_then_on(old, tmp_path):
    (tmp_path / "beside").rename(old / "inside")
    with heron.open(old, discover=False) as ws:
        ws.storage.relocate(tmp_path / "beside", old / "inside")
    old.rename(tmp_path / "new")
    with heron.open(tmp_path / "new", discover=False) as ws:
        assert urls(ws, "Q")["b1.png"] == (tmp_path / "new" / "inside" / "b1.png").as_uri() and readable(ws)


def test_a_prefix_ends_at_a_slash(tmp_path):
    workspace = heron.open(tmp_path)
    items = [
        NewItem(f"s3://lake/{name}/x.jpg", MediaFacts("image", "image/jpeg")) for name in ("cat", "cats")
    ]
    members = (Member("s3://lake/cat/1.jpg"), Member("s3://lake/cat/2.jpg"))
    items.append(
        NewItem("s3://lake/cat/1.jpg#image_group-1", MediaFacts("image_group", "image/jpeg"), members=members)
    )
    workspace.registration.register(items, "A")
    assert workspace.storage.relocate("s3://lake/cat", "s3://other/dog/") == heron.Relocated(2, 2, 0)
    assert [item.url for item in workspace.items.list()] == [
        "s3://other/dog/x.jpg", "s3://lake/cats/x.jpg", "s3://other/dog/1.jpg#image_group-1",
    ]  # fmt: skip
    [group] = workspace.search(where="kind = 'image_group'")
    assert [m.url for m in workspace.items.members(group)] == ["s3://other/dog/1.jpg", "s3://other/dog/2.jpg"]


def test_what_is_missing_or_there_twice_changes_nothing(old, tmp_path):
    with heron.open(old, discover=False) as ws:
        before = {item.uuid: item.url for item in ws.items.list()}
        with pytest.raises(NotFound, match="6 files not found at the new place"):
            ws.storage.relocate(tmp_path / "beside", tmp_path / "nowhere", verify=True)
        with pytest.raises(NotFound, match="no file of the catalogue lies below"):
            ws.storage.relocate(tmp_path / "stranger", tmp_path / "nowhere")
        shutil.copytree(tmp_path / "beside", tmp_path / "copy")
        ws.ingest.files([tmp_path / "copy" / "b0.png"], folder="Q")
        with pytest.raises(AlreadyExists, match=r"imported already.*b0\.png"):
            ws.storage.relocate(tmp_path / "beside", tmp_path / "copy")
        assert {item.uuid: item.url for item in ws.items.list()}.items() >= before.items()


def test_catalogues_of_before_learn_where_their_files_lie(old, tmp_path):
    with heron.open(old, discover=False) as ws, ws._database.write():
        for table, column in (("items", "url"), ("synced_folders", "prefix")):
            ws._database.execute(f"UPDATE {table} SET {column} = located({column})")
        ws._database.execute("DELETE FROM _sqlite_migrations WHERE name = 'local_places'")
        assert ws._database.value("SELECT count(*) FROM items WHERE url LIKE 'file:./%'") == 0
    heron.open(old, discover=False).close()
    old.rename(tmp_path / "new")
    with heron.open(tmp_path / "new", discover=False) as ws:
        assert readable(ws) and ws.synced.get("S").prefix == (tmp_path / "new" / "data").as_uri() + "/"


def test_the_url_of_an_item_is_looked_up_by_its_index(old):
    with heron.open(old, discover=False) as ws:
        plan = ws.search.explain(where=f"url = '{urls(ws)['a 0.png']}'")
        where = f"SELECT 1 FROM items WHERE {plan.sql}"
        steps = ws._database.rows(f"EXPLAIN QUERY PLAN {where}", plan.parameters)
        assert any("items_url" in row["detail"] for row in steps)


@pytest.mark.parametrize(
    "spelling",
    [
        "file://{w}/a.png",
        "file:///{w}/a.png",
        "file:///{w}//a.png",
        "file://localhost{w}/./a.png",
        "file://{w}/q/../%61.png",
        "FILE://{w}/a.png",
    ],
)
def test_one_file_has_one_url_however_it_is_spelt(workspace, tmp_path, spelling):
    assert workspace.storage.normalise(spelling.format(w=tmp_path)) == (tmp_path / "a.png").as_uri()
