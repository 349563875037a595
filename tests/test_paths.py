"""Paths: what a person writes for a file, as a field of items and as a name of items."""

import csv
import json
import shutil
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import heron
from heron.catalog.paths import path_of, urls_of
from heron.errors import QueryError
from heron.models import MediaFacts, NewItem
from tests.conftest import draw

ODD = (
    "a b.png",
    "100%.png",
    "a%20b.png",
    "what?.png",
    "no#1.png",
    "日本.png",
    "line\nbreak.png",
    "é'quote.png",
)
FACTS = MediaFacts("image", "image/png")


@pytest.fixture
def lake(tmp_path):
    """A lake with pictures of odd names below it, and one beside it."""
    for number, name in enumerate(ODD):
        draw(tmp_path / "lake" / "train" / "cat 1" / name, seed=number)
    draw(tmp_path / "lake" / "root.png", seed=20)
    draw(tmp_path / "beside" / "b c.png", seed=21)
    with heron.open(tmp_path / "lake", discover=False) as ws:
        ws.ingest.files([tmp_path / "lake", tmp_path / "beside"], folder="P", ignore_errors=True)
        broken = next((tmp_path / "lake" / "train" / "cat 1").glob("line*")).as_uri()
        if ws.items.count() < len(ODD) + 2:  # no import of files takes such a name, a sync does
            ws.registration.register([NewItem(broken, FACTS)], "P")
        yield ws


def paths(ws, **query):
    return {item.path for item in ws.search.all(**query)}


def test_a_path_is_what_a_person_writes(lake, tmp_path):
    below = {f"train/cat 1/{name}" for name in ODD}
    assert paths(lake) == {*below, "root.png", f"{tmp_path}/beside/b c.png"}
    for item in lake.items.list():
        place = lake.root / item.path
        assert place.is_file() and place.as_uri() == item.url


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("s3://bucket/a%20b.jpg", "s3://bucket/a b.jpg"),
        ("s3://bucket/50%25%20off.jpg", "s3://bucket/50% off.jpg"),
        ("s3://bucket/a+b=c.jpg", "s3://bucket/a+b=c.jpg"),
        ("gs://bucket/%E6%97%A5.jpg", "gs://bucket/日.jpg"),
        ("https://host/x%20y?v=1", "https://host/x y?v=1"),
        ("file:///media/a%20b.jpg", "/media/a b.jpg"),
        ("file:./views/1%20a.png#image_group-0f", "views/1 a.png#image_group-0f"),
        ("file:./scans/#series=1.2%2F3", "scans/#series=1.2%2F3"),
        ("s3://b/%E9.jpg", "s3://b/%E9.jpg"),
        ("file:./%61.jpg", "file:./%61.jpg"),
        ("x.jpg", "x.jpg"),
    ],
)
def test_the_path_of_a_url(url, path):
    assert path_of(url) == path and url in urls_of(path)


letters = st.text(st.sampled_from("aé日/.%#?+ &'\n2"), max_size=8)
starts = st.sampled_from(("file:./", "file:///", "s3://b/", "https://h.example/", "file://host/", ""))


@given(starts, st.one_of(letters.map(quote), letters.map(lambda text: quote(text, safe="/+&'=:")),
                         letters.filter(lambda text: not any(map(str.isspace, text)))))  # fmt: skip
def test_a_path_leads_back_to_each_url_that_has_it(start, rest):
    url = start + rest
    assert url in urls_of(path_of(url))


@given(st.lists(st.tuples(starts, letters).map(lambda parts: parts[0] + quote(parts[1], safe="/%#")), max_size=6),
       st.data())  # fmt: skip
def test_sql_and_python_give_one_path(tmp_path_factory, urls, data):
    with heron.open(tmp_path_factory.mktemp("w"), discover=False) as ws:
        items = [NewItem(url, FACTS, name="x") for url in urls if url]
        ws.registration.register(items, "A")
        kept = ws._database.places.kept
        found = ws.items.list()
        assert [item.path for item in found] == [path_of(kept(item.url)) for item in items]
        for item in found:
            text = item.path.replace("'", "''")
            same = {other.id for other in found if other.path == item.path}
            assert {other.id for other in ws.search.all(where=f"path = '{text}'")} == same
            assert {other.id for other in ws.search.all(where=f"path IN ('{text}', '-')")} == same


def test_conditions_and_sorts_take_paths(lake, tmp_path):
    assert len(paths(lake, where="path LIKE 'train/%'")) == len(ODD)
    for name in ODD:
        text = f"train/cat 1/{name}".replace("'", "''")
        for written in (text, f"./{text}", f"{lake.root}/{text}"):
            assert paths(lake, where=f"path = '{written}'") == {f"train/cat 1/{name}"}, written
    assert paths(lake, where=f"path = '{tmp_path}/beside/b c.png'") == {f"{tmp_path}/beside/b c.png"}
    assert len(paths(lake, where="path <> 'root.png'")) == len(ODD) + 1
    assert len(paths(lake, where="NOT path IN ('root.png', 'train/cat 1/100%.png')")) == len(ODD)
    assert [item.path for item in lake.search(sort="path")] == sorted(paths(lake))


def test_equal_paths_are_looked_up_by_the_index_of_urls(lake):
    for where in (
        "path = 'root.png'",
        "path IN ('root.png', 'train/cat 1/a b.png')",
        "width > 1 AND path = 'root.png'",
    ):
        plan = lake.search.explain(where=where)
        steps = lake._database.rows(
            f"EXPLAIN QUERY PLAN SELECT 1 FROM items WHERE {plan.sql}", plan.parameters
        )
        assert any("items_url" in row["detail"] for row in steps), where
        assert not any(row["detail"].startswith("SCAN items") for row in steps), where


def test_paths_stand_in_json_tables_and_exports(lake, tmp_path, run):
    text = "train/cat 1/100%.png"
    [row] = lake.search.values(lake.search(where=f"path = '{text}'").rows, "name,path")
    assert row == {"name": "100%.png", "path": text}
    lake.datasets.create("d", items=lake.items.list())
    for format in ("json", "jsonl", "csv"):
        lake.export("d", tmp_path / f"d.{format}", format=format)
    given = paths(lake)
    assert {row["path"] for row in json.loads((tmp_path / "d.json").read_text())} == given
    assert {json.loads(line)["path"] for line in (tmp_path / "d.jsonl").open()} == given
    assert {row["path"] for row in csv.DictReader((tmp_path / "d.csv").open(newline=""))} == given
    assert {item["path"] for item in json.loads(run("items", "--json"))["items"]} == given
    assert text in run("items", "--columns", "path")


def test_a_lake_that_was_moved_has_the_same_paths(lake, tmp_path):
    before = {path for path in paths(lake) if not path.startswith("/")}
    lake.close()
    shutil.move(tmp_path / "lake", tmp_path / "far")
    with heron.open(tmp_path / "far", discover=False) as ws:
        assert {path for path in paths(ws) if not path.startswith("/")} == before
        assert paths(ws, where="path = 'root.png'") == {"root.png"}


def test_a_key_that_is_called_path_is_never_taken_for_the_path_of_the_file(lake):
    [item] = lake.search(where="path = 'root.png'")
    lake.metadata.merge([(item.uuid, {"path": "north"})])
    with pytest.raises(QueryError, match="path is a field of items, and a key") as refusal:
        lake.search(where="path = 'north'")
    assert refusal.value.hint == "write item.path or metadata.path"
    with pytest.raises(QueryError, match="a key that the schema does not know"):
        lake.search(sort="path")
    assert (
        paths(lake, where="metadata.path = 'north'")
        == paths(lake, where="item.path = 'root.png'")
        == {"root.png"}
    )
    lake.schema.add_scalar("path", "varchar")
    assert paths(lake, where="path = 'north'") == paths(lake, where="item.path = 'root.png'") == {"root.png"}


def test_metadata_and_vectors_come_by_path(lake, tmp_path):
    lake.schema.add_scalar("label", "varchar")
    with (tmp_path / "rows.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label"])
        writer.writerows([f"train/cat 1/{name}", str(number)] for number, name in enumerate(ODD))
        writer.writerow([f"{tmp_path}/beside/b c.png", "beside"])
        writer.writerow(["cat 1/a b.png", "nobody"])
    for by in (None, "path"):
        report = lake.ingest.metadata_file(tmp_path / "rows.csv", by=by)
        assert (report.updated, report.unmatched) == (len(ODD) + 1, ("cat 1/a b.png",))
    for number, name in enumerate(ODD):
        [item] = lake.search(where=f"label = '{number}'")
        assert item.path == f"train/cat 1/{name}"
    np.save(tmp_path / "v.npy", np.eye(2, dtype=np.float32))
    (tmp_path / "v.ids.json").write_text(json.dumps(["root.png", "train/cat 1/a%20b.png"]))
    done = lake.vector_files.import_file(
        "mine", tmp_path / "v.npy", ids=tmp_path / "v.ids.json", by="path", create=True
    )
    assert done.kept == 2


def test_a_path_beside_another_name_stays_metadata(lake, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"name": "root.png", "path": "north"}\n')
    assert lake.ingest.metadata_file(tmp_path / "rows.jsonl").updated == 1
    [item] = lake.search(where="item.path = 'root.png'")
    assert item.metadata == {"path": "north"}


# Spellings


SPELLINGS = [
    "{path}", "./{path}", "train/../{path}", "{root}/{path}", "{root}//train/./cat 1/{name}", "file://{root}/{path}",
    "file:///{root}/{path}", "file://localhost{root}/{path}", "FILE://{root}/{path}", "{url}", "file://{root}/train/cat%201/{quoted}",
    "train/cat%201/{quoted}",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["a b.png", "100%.png", "日本.png", "é'quote.png", "no#1.png"])
def test_an_item_is_found_by_its_file_in_every_spelling(lake, spelling, name):
    [item] = [item for item in lake.items.list() if item.name == name]
    text = spelling.format(path=item.path, root=lake.root, name=name, url=item.url, quoted=quote(name))
    assert lake.items.get(text) == item
    assert lake.items._called("url", [text]) == {text: [(item.id, item.uuid)]}
    assert lake.collections.match_names([text]).matched == {text: item.uuid}
    assert lake.items.move([text], lake.folders.ensure("moved")) == 1


def test_a_name_that_is_taken_for_escaped_is_not_guessed(lake):
    """Of `a b.png` and `a%20b.png`, a URL means the first, and a path may mean both."""
    with pytest.raises(heron.InvalidInput, match="2 items are called"):
        lake.items.get("train/cat 1/a%20b.png")
    assert lake.items.get(f"{lake.root.as_uri()}/train/cat 1/a%20b.png").name == "a b.png"
    assert lake.items.get(f"{lake.root.as_uri()}/train/cat%201/a%2520b.png").name == "a%20b.png"


def test_names_come_before_paths(lake):
    [item] = lake.search(where="path = 'root.png'")
    lake.items.rename("train/cat 1/a b.png", "root.png")
    with pytest.raises(heron.InvalidInput, match=r"2 items are called 'root\.png'"):
        lake.items.get("root.png")
    assert lake.items.get("./root.png") == item
    lake.items.rename("./root.png", "train/cat 1/a b.png")
    assert lake.items.get("train/cat 1/a b.png") == item


def test_a_relative_path_may_be_from_the_current_folder(lake, monkeypatch):
    monkeypatch.chdir(lake.root / "train")
    for text in ("cat 1/a b.png", "./cat 1/a b.png", "train/cat 1/a b.png", "../train/cat 1/a b.png"):
        assert lake.items.get(text).name == "a b.png", text


def test_a_relative_path_with_two_meanings_is_refused(lake, monkeypatch):
    draw(lake.root / "train" / "root.png", seed=50)
    monkeypatch.chdir(lake.root / "train")
    for imported in (False, True):
        if imported:
            lake.ingest.files([lake.root / "train" / "root.png"], folder="Q")
        with pytest.raises(heron.InvalidInput, match="another one of the current folder"):
            lake.items.get("./root.png")
    assert lake.items.get(f"{lake.root}/root.png").folder_path == "P/lake"
    (lake.root / "train" / "root.png").unlink()
    lake.items.delete(lake.items.list(folder="Q"))
    (lake.root / "train" / "root.png").symlink_to(lake.root / "root.png")
    assert lake.items.get("./root.png").path == "root.png"


@pytest.mark.parametrize("text", ["", "/", ".", "\0", "file://host/x.png", "file://[", "a" * 5000, "s3://b/x", "x://", "#", "nobody.png"])  # fmt: skip
def test_what_names_no_file_names_no_item(lake, text):
    assert lake.items.find(text) is None
    assert not lake.items._called("url", [text]) and not lake.items._called("path", [text])


def test_objects_are_found_in_other_spellings(lake):
    group = "s3://lake/a%20b/1.png#image_group-00"
    for url in ("s3://lake/a%20b.png", "s3://lake/50%25.png", group):
        lake.registration.register([NewItem(url, FACTS)], "S")
    for text, url in {
        "s3://lake/a b.png": "s3://lake/a%20b.png", "S3://lake/a%20b.png": "s3://lake/a%20b.png", "s3://lake/50%.png": "s3://lake/50%25.png",
        "s3://lake/%61%20b.png": "s3://lake/a%20b.png", "s3://lake/a b/1.png#image_group-00": group,
    }.items():  # fmt: skip
        assert lake.items.get(text).url == url, text


def test_rows_of_files_name_items_by_paths_and_urls_in_any_spelling(lake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lake.schema.add_scalar("label", "varchar")
    root = lake.root
    given = {
        "train/cat 1/a b.png": "a b.png", f"file:///{root}/train/cat 1/100%25.png": "100%.png", f"{root}/train/cat%201/日本.png": "日本.png",
        "beside/b c.png": "b c.png", f"{tmp_path.as_uri()}/lake/root.png": "root.png",
    }  # fmt: skip
    rows = [{"url": text, "label": name} for text, name in given.items()] + [
        {"url": "cat 1/a b.png", "label": "x"}
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    report = lake.ingest.metadata_file("rows.json")
    assert (report.updated, report.unmatched) == (len(given), ("cat 1/a b.png",))
    for name in given.values():
        [item] = lake.search(where=f"label = '{name}'")
        assert item.name == name
    np.save(tmp_path / "v.npy", np.ones((len(given), 2), np.float32))
    (tmp_path / "v.ids.txt").write_text("".join(f"{text}\n" for text in given))
    assert lake.vector_files.import_file("mine", tmp_path / "v.npy", create=True).kept == len(given)
