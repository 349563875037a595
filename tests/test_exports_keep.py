"""Each format keeps what it declares, and nothing else is declared: an item with everything is exported, and looked for."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import pytest

import heron
from heron.catalog.datasets import DatasetService
from heron.cli.main import status
from heron.convert import item_to_dict
from heron.errors import InvalidInput, NotFound
from heron.hooks.contents import EVERYTHING
from heron.models import MediaFacts, Member, NewFrame, NewItem
from tests.conftest import draw

MARKS = {
    "metadata": "mark-of-metadata", "tags": "mark-of-tags", "facts": "mark-of-facts", "frames": "mark-of-frames",
    "vectors": "0.640625",
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A picture and a group, both with metadata, tag, facts and vectors; the group has members and a marked frame."""
    root = tmp_path_factory.mktemp("everything")
    for number in range(3):
        draw(root / f"part{number}.png", seed=number)
    urls = [(root / f"part{number}.png").as_uri() for number in range(3)]
    facts = {"width": 64, "height": 48, "extra": {"exif": {"Model": MARKS["facts"], "Iso": 100}}}
    metadata = {
        "city": MARKS["metadata"],
        "score": 1.5,
        "seen": "2026-01-31T12:00:00.000000Z",
        "odd": [1, {"a": None}],
    }
    items = [
        NewItem(urls[0], MediaFacts("image", "image/png", captured_at="2026-01-01T00:00:00Z", **facts), metadata=metadata),
        NewItem(
            f"{urls[1]}#image_group-1",
            MediaFacts("image_group", "image/png", frame_count=2, **facts),
            name="pair",
            metadata=metadata,
            members=[Member(urls[1], 10), Member(urls[2], 20)],
            frames=[NewFrame(1, None, False, {"side": MARKS["frames"]})],
        ),
    ]  # fmt: skip
    with heron.open(root) as workspace:
        workspace.schema.add_scalar("city", "varchar")
        workspace.schema.add_scalar("score", "number")
        workspace.schema.add_scalar("seen", "datetime")
        workspace.schema.add_embedding("v", 3)
        workspace.registration.register(items, "Lake/with everything")
        kept = workspace.items.list()
        workspace.collections.create(MARKS["tags"], items=kept)
        frame = next(iter(workspace.frames.list("pair")))
        workspace.vectors.add("v", [*kept, frame], [[0.640625, 0.1, 1e-20], [1, 2, 3], [0.640625, 0, 1]])
        workspace.datasets.create("D", items=kept)
        yield workspace


def formats(lake):
    return {exporter.name: exporter for exporter in lake.plugins.contributions(heron.DatasetExporter)}


FORMATS = [
    "json", "jsonl", "csv", "csv-members", "csv-frames", "parquet", "arrow", "coco", "label-studio", "cvat", "encord",
    "copies", "links", "fiftyone", "huggingface", "webdataset", "croissant",
]  # fmt: skip


def texts_of(path):
    """All that an export has, as text, and the bytes of its files that are no links."""
    files = (
        [path]
        if path.is_file()
        else [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    )
    data = [file.read_bytes() for file in files]
    if path.suffix in (".parquet", ".arrow"):
        return repr(table(path).to_pylist()), data
    names = " ".join(str(file) for file in path.rglob("*"))
    return names + b"\n".join(data).decode("utf-8", "replace"), data


def table(path):
    parquet, ipc = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow.ipc")
    if path.suffix == ".parquet":
        return parquet.read_table(path)
    with path.open("rb") as stream:
        return ipc.open_file(stream).read_all()


def test_the_formats_are_these(lake):
    known = set(formats(lake))
    assert known >= set(FORMATS)
    assert {name for name in known - set(FORMATS) if not name.startswith("dicom")} == set(), (
        "test the new ones here"
    )


@pytest.mark.parametrize("format", FORMATS)
def test_a_format_keeps_what_it_declares(lake, tmp_path, format):
    exporter = formats(lake)[format]
    target = tmp_path / f"out{exporter.suffix}"
    keys = ["v"] if "vectors" in exporter.contains else []
    lake.export("D", target, format=format, vectors=keys)
    text, data = texts_of(target)
    kept = {content for content, mark in MARKS.items() if mark in text}
    pictures = [(lake.root / f"part{number}.png").read_bytes() for number in range(3)]
    there = [any(picture in each for each in data) for picture in pictures]
    kept |= {"files"} if there[0] else set()
    kept |= {"members"} if "part2.png" in text or there[2] else set()
    assert kept == set(exporter.contains)
    assert exporter.read_with


def test_vectors_are_refused_by_formats_without_them_and_for_keys_that_have_none(
    lake, tmp_path, monkeypatch, capsys
):
    with pytest.raises(InvalidInput, match="csv has no place for vectors") as refusal:
        lake.export("D", tmp_path / "d.csv", vectors=["v"])
    assert "parquet" in refusal.value.hint
    with pytest.raises(NotFound, match="nothing"):
        lake.export("D", tmp_path / "d.json", vectors=["nothing"])
    monkeypatch.chdir(lake.root)
    assert status(["datasets", "export", "D", "-o", "d.csv", "--vectors", "v"]) == 1
    assert "has no place for vectors" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_columns_have_the_types_of_the_schema(lake, tmp_path):
    pa = pytest.importorskip("pyarrow")
    for form in ("parquet", "arrow"):
        assert lake.export("D", tmp_path / f"d.{form}", vectors=["v"]) == 2
        found = table(tmp_path / f"d.{form}")
        schema = found.schema
        assert schema.field("metadata.score").type == pa.float64()
        assert schema.field("metadata.seen").type == pa.timestamp("us", "UTC")
        assert schema.field("exif.Iso").type == pa.int64()
        assert schema.field("vector.v").type == pa.list_(pa.float32(), 3)
        first, pair = found.to_pylist()
        assert first["metadata.seen"].isoformat() == "2026-01-31T12:00:00+00:00"
        assert first["metadata.odd"] == '[1,{"a":null}]'
        assert first["vector.v"][0] == 0.640625
        assert first["tags"] == [MARKS["tags"]]
        assert (first["members"], first["frames"]) == ([], [])
        assert [member["size"] for member in pair["members"]] == [10, 20]
        assert json.loads(pair["frames"][0]["metadata"]) == {"side": MARKS["frames"]}


def test_row_groups_are_bounded_and_a_value_of_another_type_is_kept(workspace, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("heron.export.columnar.ROWS", 1000)
    facts = MediaFacts("image", "image/png")
    items = [
        NewItem(f"s3://lake/{n}.png", facts, metadata={"late": "much"} if n == 2400 else {})
        for n in range(2500)
    ]
    workspace.registration.register(items, "A")
    workspace.datasets.create("D", items=workspace.items.list())
    workspace.schema.add_scalar("late", "number")  # the text was there before the key
    assert workspace.export("D", tmp_path / "d.parquet") == 2500
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(tmp_path / "d.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [1000, 1000, 500]
    assert file.read().column("metadata.late").to_pylist()[2400] == "much"
    assert workspace.export("D", tmp_path / "d.csv") == 2500
    with (tmp_path / "d.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows if row["metadata.late"]] == ["2400.png"]
    assert {row["tags"] for row in rows} == {""}, "rows before the key was found are as wide as the others"


ODD = ['a"b\\', "tab\t", "\x01\x7f", "é 🐦  ", "line\nbreak", "/slash", "'=1", "nul"]


def test_the_straight_path_gives_what_records_give(workspace, tmp_path):
    """JSON is written by SQLite, and CSV and Parquet from columns: the same as from records, for values of all kinds."""
    items = [
        NewItem(
            f"file://{workspace.root}/a%20{number}.png",
            MediaFacts(
                "video", "video/mp4", 1, 2, 3, fps=fps, duration=0.1 + 0.2, codec=odd or None,
                captured_at="2026-01-01T00:00:00.5Z" if number % 2 else None, extra={"exif": {odd: odd}}, note=odd,
            ),
            name=f"n{number}",
            size=2**53 + number,
            metadata={"text": odd, f'k"\\{number}é': [odd, 1e-7, 1e22, True, None, {}]},
        )
        for number, (odd, fps) in enumerate(zip(ODD, [1e-7, 29.97, 1e16, 1 / 3, 25.0, 1e22, 0.1, None], strict=True))
    ]  # fmt: skip
    workspace.registration.register(items, "Ä/b")
    for title in ("plain", 'with "quotes"', "back\\nslash"):
        workspace.collections.create(title, items=workspace.items.list()[:4])
    workspace.datasets.create("D", items=workspace.items.list())
    expected = [{"position": row.position, **item_to_dict(row.item)} for row in workspace.datasets.rows("D")]
    bundles = workspace.datasets._exported("D", "none", ()).texts()
    straight = [row for bundle in bundles for row in bundle if isinstance(row, str)]
    assert len(straight) == 4, "only those with a backslash in a tag go the long way"
    workspace.export("D", tmp_path / "d.jsonl")
    lines = (tmp_path / "d.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == json.loads(json.dumps(expected))
    assert [list(json.loads(line)) for line in lines] == [list(row) for row in expected], (
        "the keys have their order"
    )
    assert [record for record, _, _ in workspace.datasets._exported("D", "none", ()).plain()] == expected
    rows = list(workspace.datasets.rows("D"))
    assert len(rows) == len(ODD)
    slow = SimpleNamespace(rows=lambda *args, **more: iter(rows))
    from heron.export.tables import CsvExporter

    with (tmp_path / "slow.csv").open("wb") as stream:
        CsvExporter().write(slow.rows(), stream)
    workspace.export("D", tmp_path / "d.csv")
    assert (tmp_path / "d.csv").read_bytes() == (tmp_path / "slow.csv").read_bytes()


@pytest.mark.parametrize("format", ["json", "csv", "parquet"])
def test_what_somebody_else_wrote_into_the_catalogue_is_named_and_not_exported(workspace, tmp_path, format):
    workspace.registration.register([NewItem("s3://lake/a.png", MediaFacts("image", "image/png"))], "A")
    workspace.datasets.create("D", items=workspace.items.list())
    for column, text in (("metadata", '{"a":'), ("captured_at", "yesterday")):
        with workspace._database.write():
            workspace._database.connection.execute(f"UPDATE items SET {column} = ?", [text])
        with pytest.raises(heron.CatalogueError, match=column):
            workspace.export("D", tmp_path / f"d.{format}")
        with workspace._database.write():
            workspace._database.connection.execute("UPDATE items SET metadata = '{}', captured_at = NULL")
    assert not list(tmp_path.glob("d.*"))


def test_vectors_follow_the_frames_that_are_chosen(lake, tmp_path):
    lake.export("D", tmp_path / "d.json", vectors=["v"])
    first, pair = json.loads((tmp_path / "d.json").read_text())
    assert first["vectors"]["v"] == [float(number) for number in lake.vectors.get("v", first["uuid"])]
    assert [frame["number"] for frame in pair["frames"]] == [1]
    assert pair["frames"][0]["vectors"] == {"v": [0.640625, 0.0, 1.0]}
    lake.export("D", tmp_path / "none.json", frames="none", vectors=["v"])
    assert "frames" not in json.loads((tmp_path / "none.json").read_text())[1]


def test_cells_that_were_made_safe_come_back_as_they_were(tmp_path, monkeypatch):
    texts = ["=1+1", "+1", "-1", "@x", "a=1", "'=1", "''@", "'plain", "plain'"]
    with heron.open(tmp_path / "a") as ws:
        facts = MediaFacts("image", "image/png")
        metadata = {f"k{number}": text for number, text in enumerate(texts)}
        for key in metadata:
            ws.schema.add_scalar(key, "varchar")
        url = draw(tmp_path / "a.png").as_uri()
        ws.registration.register([NewItem(url, facts, name="=cmd()", metadata=metadata)], "A")
        ws.datasets.create("D", items=ws.items.list())
        schema = ws.schema.to_dict()
        monkeypatch.chdir(tmp_path / "a")
        assert status(["datasets", "export", "D", "-o", "../d.csv", "--safe-cells"]) == 0
        [item] = ws.items.list()
        ws.metadata.replace({item.uuid: {}})
        assert status(["metadata", "import", "../d.csv"]) == 0
        assert ws.items.get(item.uuid).metadata == metadata
    with (tmp_path / "d.csv").open(newline="") as stream:
        [row] = csv.DictReader(stream)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    with heron.open(tmp_path / "b") as other:
        other.schema.set_from_dict(schema)
        other.ingest.manifest(tmp_path / "d.csv", folder="Back")
        assert {item.name: item.metadata for item in other.items.list()} == {"=cmd()": metadata}


def test_what_is_declared_is_checked():
    with pytest.raises(TypeError, match="'vectors'"):
        heron.DatasetExporter(name="x", summary="x", suffix="", load=DatasetService, contains=["vector"])
    assert set(EVERYTHING) == {"metadata", "tags", "facts", "members", "frames", "vectors"}


def test_rows_of_all_forms_stand_in_their_order(workspace, tmp_path):
    """Plain ones, groups, one with frames and one whose time was written by another program, in one bundle."""
    items = [NewItem(f"s3://b/{n}.jpg", MediaFacts("image", "image/jpeg"), name=f"n{n}") for n in range(9)]
    workspace.registration.register(items, "A")
    everything = workspace.items.list()
    database = workspace.datasets._database
    for place in (2, 3):
        database.execute(
            "INSERT INTO members (item_id, position, url) VALUES (?, 0, ?)",
            [everything[place].id, f"s3://b/m{place}.jpg"],
        )
    for place, time in ((5, "2026-01-31T12:00:00+02:00"), (7, "2026-01-31 12:00:00Z")):
        database.execute("UPDATE items SET captured_at = ? WHERE id = ?", [time, everything[place].id])
    database.execute("INSERT INTO frames (item_id, number, is_key) VALUES (?, 3, 1)", [everything[8].id])
    workspace.datasets.create("D", items=everything)
    expected = [item_to_dict(row.item)["name"] for row in workspace.datasets.rows("D")]
    for format in ("json", "jsonl"):
        workspace.export("D", tmp_path / f"d.{format}", format=format)
    text = (tmp_path / "d.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert json.loads((tmp_path / "d.json").read_text()) == rows
    assert [row["name"] for row in rows] == expected and [row["position"] for row in rows] == [*range(9)]
    assert [place for place, row in enumerate(rows) if "members" in row] == [2, 3]
    assert [row["captured_at"] for row in rows if "captured_at" in row] == [
        "2026-01-31T10:00:00.000000Z", "2026-01-31T12:00:00.000000Z",
    ]  # fmt: skip
    assert [frame["number"] for frame in rows[8]["frames"]] == [3]


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_keys_that_have_no_value_at_all_do_not_hinder_a_table(workspace, tmp_path, format):
    pytest.importorskip("pyarrow")
    facts = MediaFacts("image", "image/jpeg", extra={"exif": {"Gone": float("nan"), "Model": "M"}})
    workspace.registration.register([NewItem("s3://b/a.jpg", facts, metadata={"free": None})], "A")
    workspace.datasets.create("D", items=workspace.items.list())
    assert workspace.export("D", tmp_path / f"d.{format}") == 1
    import polars

    read = polars.read_parquet if format == "parquet" else polars.read_ipc
    assert read(tmp_path / f"d.{format}")["exif.Model"].to_list() == ["M"]
