"""Pushed columns: one state of what the user may see, as Parquet files elsewhere."""

import json
import shutil
from datetime import datetime

import pytest

import heron
from heron.export.pushed import parts
from heron.models import MediaFacts, NewItem
from tests.hidden_half import HalfHidden

pl = pytest.importorskip("polars")


def new_item(number):
    extra = {"exif": {"ISO": number, "Lens": "a" if number % 2 else 5}, "metric": {"sharpness": number / 7}}
    metadata = {
        "n": number, "city": f"c{number % 10}", "when": "2026-01-31T12:00:00Z", "sure": number % 3 == 0,
        "at": [36.5, 3.0], "loose": {"x": [number]}, "mixed": number if number % 2 else "ü",
    }  # fmt: skip
    kind = "video" if number % 3 == 0 else "image"
    facts = MediaFacts(
        kind, f"{kind}/x", width=number, duration=number / 2, extra=extra, captured_at="1999-12-31T23:00:00Z"
    )
    return NewItem(f"s3://b/{number}%20.jpg", facts, metadata=metadata)


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """Sixty items in two folders, in blocks of 20 ids, with frames, tags and vectors."""
    monkeypatch.setattr(parts, "BLOCK", 20)
    monkeypatch.setattr(parts, "VECTOR_BYTES", 160)
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        types = {"n": "number", "city": "varchar", "when": "datetime", "sure": "boolean", "at": "geospatial"}
        workspace.schema.set_from_dict(types)
        workspace.schema.add_embedding("my face", 4)
        workspace.registration.register(map(new_item, range(30)), "Open")
        workspace.registration.register(map(new_item, range(30, 60)), "Secret/Deep")
        items = workspace.items.list()
        workspace.vectors.add("my face", items, [[number, 1, 0, 0.5] for number in range(60)])
        workspace.collections.create("Best", items=items[:2])
        workspace.collections.create("Worst", items=items[1:40])
        yield workspace


def manifest(place):
    return json.loads((place / "_heron.json").read_text())


def frame(place, table):
    files = [place / file["path"] for file in manifest(place)["tables"][table]["files"]]
    return pl.read_parquet(files, hive_partitioning=True) if files else pl.DataFrame()


def files(place):
    return {str(path.relative_to(place)) for path in place.rglob("*.parquet")}


def test_every_field_fact_and_key_of_items_is_a_column(lake, tmp_path):
    place = tmp_path / "out"
    pushed = lake.columns.push(place)
    assert pushed.tables == {"items": 60, "frames": 0, f"vectors/{folder(place)}": 60}
    assert (pushed.written, pushed.removed, pushed.left_out) == (pushed.files, 0, {})
    found = frame(place, "items").sort("width")
    types = manifest(place)["tables"]["items"]["columns"]
    assert sorted(types) == sorted(found.columns)
    for number, item in enumerate(lake.items.list()):
        row = found.row(number, named=True)
        assert (row["uuid"], row["name"], row["folder"]) == (item.uuid, item.name, item.folder_path)
        assert (row["url"], row["path"], row["kind"]) == (item.url, item.path, item.kind)
        assert (row["duration"], row["captured_at"]) == (item.facts.duration, item.facts.captured_at)
        assert (row["created_at"], row["updated_at"]) == (item.created_at, item.updated_at)
        assert sorted(row["tags"]) == sorted(item.tags)
        assert (row["exif.ISO"], row["metric.sharpness"]) == (number, number / 7)
        assert row["exif.Lens"] == ("a" if number % 2 else "5")
        assert (row["metadata.n"], row["metadata.city"]) == (number, f"c{number % 10}")
        assert row["metadata.when"] == datetime.fromisoformat("2026-01-31T12:00:00Z")
        assert row["metadata.sure"] is (number % 3 == 0)
        assert row["metadata.at"] == {"latitude": 36.5, "longitude": 3.0}
        assert json.loads(row["metadata.loose"]) == {"x": [number]}
        assert row["metadata.mixed"] == (str(number) if number % 2 else "ü")
    assert types["width"] == "integer" and found["width"].dtype == pl.Int64


def folder(place):
    [name] = [path.name for path in (place / "vectors").iterdir()]
    return name


def test_items_are_partitioned_by_kind_and_vectors_by_key(lake, tmp_path):
    place = tmp_path / "out"
    lake.columns.push(place)
    tables = manifest(place)["tables"]
    assert tables["items"]["partitioned_by"] == ["kind"]
    assert {file["partition"]["kind"] for file in tables["items"]["files"]} == {"image", "video"}
    assert len(tables["items"]["files"]) == 6  # three blocks of two kinds
    [vectors] = [table for name, table in tables.items() if name.startswith("vectors/")]
    assert (vectors["key"], vectors["size"], len(vectors["files"])) == ("my face", 4, 6)
    found = frame(place, vectors["path"])
    items = {item.uuid: number for number, item in enumerate(lake.items.list())}
    assert found["vector"].dtype == pl.List(pl.Float32)
    assert {uuid: vector[0] for uuid, vector in zip(found["item"], found["vector"], strict=True)} == items
    assert set(found["frame"]) == {None}


def test_frames_and_their_vectors_have_the_item_and_the_number(workspace, tmp_path):
    workspace.schema.add_scalar("seen", "varchar")
    workspace.schema.add_embedding("face", 2)
    facts = MediaFacts("video", "video/mp4", frame_count=100, fps=10.0, duration=10.0)
    workspace.registration.register([NewItem("s3://b/a.mp4", facts), NewItem("s3://b/b.mp4", facts)], "V")
    item, other = workspace.items.list()
    workspace.frames.set(item, {3: {"seen": "car"}, 7: None})
    workspace.frames.set(other, {4: {"seen": "bus"}})
    workspace.vectors.add("face", [other, workspace.frames.get(item, 7)], [[1, 2], [3, 4]])
    place = tmp_path / "out"
    workspace.columns.push(place)
    found = frame(place, "frames").sort("number")
    assert found.select("item", "number", "seconds", "is_key", "metadata.seen").rows() == [
        (item.uuid, 3, 0.3, True, "car"), (other.uuid, 4, 0.4, True, "bus"), (item.uuid, 7, 0.7, True, None),
    ]  # fmt: skip
    rows = frame(place, "vectors/key=face").select("item", "frame", "vector").rows()
    assert rows == [(other.uuid, None, [1, 2]), (item.uuid, 7, [3, 4])]


def test_values_of_another_type_than_their_key_are_left_out_and_counted(workspace, tmp_path):
    workspace.registration.register(
        [NewItem(f"s3://b/{n}", MediaFacts("image", "image/x"), metadata={"n": v}) for n, v in enumerate([1, "two", 2.5])],
        "A",
    )  # fmt: skip
    workspace.schema.add_scalar("n", "number")
    pushed = workspace.columns.push(tmp_path / "out")
    assert pushed.left_out == {"items.metadata.n": 1}
    assert manifest(tmp_path / "out")["tables"]["items"]["left_out"] == {"metadata.n": 1}
    assert frame(tmp_path / "out", "items")["metadata.n"].to_list() == [1.0, None, 2.5]


def test_whole_numbers_and_floats_of_all_sizes_keep_their_value(workspace, tmp_path):
    values = {
        "whole": [1, 2**62, -(2**63) + 1],
        "huge": [2**64 - 1, 1, 2],
        "both": [1, 2.5, None],
        "near": [2**60 + 1, 0.5, 3],
    }
    items = [
        NewItem(f"s3://b/{n}", MediaFacts("image", "image/x", extra={"las": {k: v[n] for k, v in values.items()}}))
        for n in range(3)
    ]  # fmt: skip
    workspace.registration.register(items, "A")
    workspace.columns.push(tmp_path / "out")
    found = frame(tmp_path / "out", "items")
    assert found["las.whole"].to_list() == values["whole"]
    assert found["las.huge"].to_list() == [str(2**64 - 1), "1", "2"]
    assert found["las.both"].to_list() == [1.0, 2.5, None]
    assert found["las.near"].to_list() == [str(2**60 + 1), "0.5", "3"]  # no float is 2**60 + 1


def test_pushing_again_writes_what_changed_and_keeps_the_state_before_for_its_readers(lake, tmp_path):
    place = tmp_path / "out"
    first = lake.columns.push(place)
    before = files(place)
    again = lake.columns.push(place)
    assert (again.written, again.removed, again.files) == (0, 0, first.files) and files(place) == before
    lake.metadata.merge({lake.items.list()[25]: {"city": "Oslo"}})
    changed = lake.columns.push(place)
    assert (changed.written, changed.removed) == (1, 0)
    [old] = manifest(place)["replaced"]
    assert old in before and (place / old).exists()
    assert "Oslo" in frame(place, "items")["metadata.city"].to_list()
    last = lake.columns.push(place)
    assert (last.written, last.removed) == (0, 1) and not (place / old).exists()
    assert files(place) == {file["path"] for t in manifest(place)["tables"].values() for file in t["files"]}


def test_deleted_items_and_vectors_are_gone_in_the_next_state(lake, tmp_path):
    place = tmp_path / "out"
    lake.columns.push(place)
    lake.items.delete(lake.items.list()[:10])
    pushed = lake.columns.push(place)
    assert sorted(pushed.tables.values()) == [0, 50, 50]
    assert frame(place, "items")["width"].min() == 10


def test_what_a_user_may_not_see_is_not_pushed(lake, tmp_path):
    lake.metadata.merge({lake.items.list()[40]: {"hidden_key": "hidden value"}})
    with heron.open(tmp_path / "lake", discover=False) as half:
        half.access = HalfHidden(half._database)
        pushed = half.columns.push(tmp_path / "half")
    assert sorted(pushed.tables.values()) == [0, 30, 30]
    place = tmp_path / "half"
    assert set(frame(place, "items")["folder"]) == {"Open"}
    seen = {item.uuid for item in lake.items.list(folder="Open")}
    assert set(frame(place, "items")["uuid"]) == set(frame(place, f"vectors/{folder(place)}")["item"]) == seen
    text = (place / "_heron.json").read_text()
    assert "hidden_key" not in text and "Secret" not in text and "half@example.org" in text
    with pytest.raises(heron.AlreadyExists, match=r"columns that half@example\.org may see"):
        lake.columns.push(place)


def test_all_tables_show_one_state(lake, tmp_path):
    """What is written while a push reads is in the next one."""
    with heron.open(lake.root, discover=False) as other:
        written = []

        def write(done, total):
            if not written:
                written.append(other.items.delete(other.items.list()[30:]))

        pushed = lake.columns.push(tmp_path / "out", progress=write)
    assert written and sorted(pushed.tables.values()) == [0, 60, 60]
    assert sorted(lake.columns.push(tmp_path / "out").tables.values()) == [0, 30, 30]


def test_an_empty_workspace_is_pushed_too(workspace, tmp_path):
    assert workspace.columns.push(tmp_path / "out").tables == {"items": 0, "frames": 0}


def test_delta_tables_have_the_rows_of_the_manifest_through_changes_of_rows_and_of_columns(lake, tmp_path):
    deltalake = pytest.importorskip("deltalake", reason="the extra delta is not installed")
    place = tmp_path / "out"
    lake.columns.push(place, delta=True)
    vectors = place / "vectors" / folder(place)

    def same():
        table = deltalake.DeltaTable(place / "items")
        named = {str(place / file["path"]) for file in manifest(place)["tables"]["items"]["files"]}
        assert {uri.removeprefix("file://") for uri in table.file_uris()} == named
        found = pl.scan_delta(str(place / "items")).collect()
        wanted = frame(place, "items")
        assert found.select(wanted.columns).sort("uuid").equals(wanted.sort("uuid"))
        return table.version()

    assert same() == 0
    lake.columns.push(place)  # nothing has changed
    assert same() == 0
    lake.metadata.merge({lake.items.list()[25]: {"city": "Oslo"}})
    lake.columns.push(place)  # goes on with Delta
    assert same() == 1
    lake.schema.add_scalar("new", "number")
    lake.metadata.merge({lake.items.list()[25]: {"new": 1}})
    lake.items.delete(lake.items.list()[:1])
    lake.columns.push(place)
    assert same() == 2
    assert pl.scan_delta(str(vectors)).collect().height == 59
    (place / "items" / "_delta_log" / "00000000000000000000.json").write_text("{")
    lake.items.delete(lake.items.list()[:1])
    state = (place / "_heron.json").read_text()
    with pytest.raises(heron.HeronError, match="cannot be continued"):
        lake.columns.push(place)
    assert (place / "_heron.json").read_text() == state
    shutil.rmtree(place / "items" / "_delta_log")
    lake.columns.push(place)
    assert same() == 0


def test_a_catalogue_of_before_gets_an_identity_and_one_that_may_not_be_written_is_told(tmp_path):
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        database = workspace._database
        with database.write():
            database.execute("DROP TABLE workspace")
            database.execute("DELETE FROM _sqlite_migrations WHERE name = 'workspace_identity'")
    file = tmp_path / "lake" / ".heron" / "catalog.db"
    from heron.catalog.database import Database

    old = Database(file.parent, create=False, read_only=True)
    assert old.row("SELECT count(*) FROM items")[0] == 0
    old.close()
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        first = workspace._push._rows.workspace()
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        assert workspace._push._rows.workspace() == first
