"""Metadata from files: JSON, JSONL, CSV and Parquet, by UUID, URL or name, and what is reported of each row."""

from __future__ import annotations

import csv
import json

import pytest

import heron
from heron.cli.main import status
from heron.errors import HeronError, InvalidInput, MetadataError, NotFound
from heron.models import MediaFacts, NewItem
from tests.conftest import draw

UNKNOWN = "01a1fc7f-6634-7b8f-8ffa-50166ba72775"


@pytest.fixture
def workspace(workspace):
    workspace.schema.add_scalar("speed", "number")
    workspace.schema.add_scalar("dark", "boolean")
    workspace.schema.add_scalar("city", "varchar")
    workspace.schema.add_scalar("seen", "datetime")
    workspace.schema.add_scalar("place", "geospatial")
    workspace.schema.add_embedding("clip", 3)
    return workspace


def register(workspace, count=1, folder="A", **fields):
    facts = MediaFacts("image", "image/jpeg")
    new = (NewItem(f"s3://lake/{number}.jpg", facts, **fields) for number in range(count))
    workspace.registration.register(new, folder)
    return list(workspace.items.list(folder=folder))


def stored(workspace):
    return [item.metadata for item in workspace.items.list()]


@pytest.fixture
def apply(workspace, tmp_path):
    """Write text into a file of this name and apply it."""

    def apply(name, content, **options):
        file = tmp_path / name
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return workspace.ingest.metadata_file(file, **options)

    return apply


@pytest.fixture
def parquet(tmp_path):
    """Write the answer of a query into a Parquet file."""
    duckdb = pytest.importorskip("duckdb")

    def write(query):
        file = tmp_path / "table.parquet"
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
        return file

    return write


# JSON


def test_json_array_takes_metadata_beside_the_name_or_nested(workspace, apply):
    first, second = register(workspace, 2)
    rows = [{"uuid": first.uuid, "speed": 1, "tags": ["a"]}, {"uuid": second.uuid, "metadata": {"speed": 2}}]
    assert apply("rows.json", rows).updated == 2
    assert stored(workspace) == [{"speed": 1, "tags": ["a"]}, {"speed": 2}]


def test_json_object_is_keyed_by_uuid(workspace, apply):
    first, second = register(workspace, 2)
    report = apply("rows.json", {first.uuid: {"speed": 1}, second.uuid.upper(): {"speed": 2}})
    assert (report.updated, report.unmatched, report.ambiguous) == (2, (), {})
    assert stored(workspace) == [{"speed": 1}, {"speed": 2}]


def test_a_key_in_a_json_object_never_redirects_the_row_to_another_item(workspace, apply):
    first, second = register(workspace, 2)
    values = {"uuid": second.uuid, "url": "u", "name": "n", "metadata": {"a": 1}}
    assert apply("rows.json", {first.uuid: values}).updated == 1
    assert stored(workspace) == [values, {}]


@pytest.mark.parametrize("column", ["uuid", "id", "url", "objectUrl", "name", "title"])
def test_a_row_names_its_item_in_any_of_these_columns(workspace, apply, column):
    (item,) = register(workspace)
    name = {"uuid": item.uuid, "id": item.uuid, "url": item.url, "objectUrl": item.url}.get(column, item.name)
    assert apply("rows.json", [{column: name, "speed": 1}]).updated == 1
    assert stored(workspace) == [{"speed": 1}]


def test_by_says_which_of_several_columns_names_the_item(workspace, apply):
    first, second = register(workspace, 2)
    rows = [{"uuid": first.uuid, "url": second.url, "speed": 1}]
    apply("rows.json", rows, by="url")
    assert stored(workspace) == [{}, {"speed": 1}]
    apply("rows.json", rows)
    assert stored(workspace) == [{"speed": 1}, {"speed": 1}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[{]", "rows.json is not valid JSON"),
        ("", "rows.json is not valid JSON"),
        ("3", "expected an object or an array"),
        ([{"name": "0.jpg"}, 7], r"rows.json: \$\[1\]: expected an object, got int"),
        ({"u": {}, "v": [1]}, r"rows.json: \$\.v\[0\]: expected an object"),
        ([{"speed": 1}], r"\$\[0\] names no item"),
        ([{"name": "", "speed": 1}], r"\$\[0\] names no item"),
        ([{"name": 3, "speed": 1}], r"\$\[0\] names no item"),
    ],
)
def test_broken_json_is_refused_with_the_place(workspace, apply, content, reason):
    register(workspace)
    with pytest.raises(InvalidInput, match=reason):
        apply("rows.json", content)
    assert stored(workspace) == [{}]


# JSONL


def test_jsonl_passes_over_empty_lines(workspace, apply):
    register(workspace, 2)
    lines = '{"name": "0.jpg", "speed": 1}\n\n{"name": "1.jpg", "speed": 2}'
    assert apply("rows.jsonl", lines).updated == 2
    assert stored(workspace) == [{"speed": 1}, {"speed": 2}]


def test_a_broken_line_is_refused_with_its_number(workspace, apply):
    register(workspace)
    for line, reason in [("{", "not valid JSON"), ("[]", "expected an object"), ("{}", "names no item")]:
        with pytest.raises(InvalidInput, match=rf"rows\.jsonl, line 3:? {reason}"):
            apply("rows.jsonl", f'{{"name": "0.jpg", "speed": 1}}\n\n{line}\n')
    assert stored(workspace) == [{}]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ['{"name": "1500.jpg", "speed": "fast"}', '{"speed": 1}', "{"])
def test_a_fault_in_row_1500_leaves_1000_updated_and_says_so(workspace, apply, fault):
    register(workspace, 2000)
    lines = [f'{{"name": "{number}.jpg", "speed": {number}}}' for number in range(2000)]
    lines[1500] = fault
    with pytest.raises(InvalidInput) as refusal:
        apply("rows.jsonl", "\n".join(lines))
    assert "the 1,000 items of the batches before were updated" in str(refusal.value)
    assert stored(workspace) == [{"speed": number} for number in range(1000)] + [{}] * 1000


def test_a_bundle_whose_rows_name_their_items_in_different_ways_is_still_one(workspace, apply):
    first, _ = register(workspace, 2)
    lines = [{"uuid": first.uuid, "speed": 1}, {"name": "1.jpg", "speed": "fast"}]
    with pytest.raises(MetadataError, match=r"1\.jpg"):
        apply("rows.jsonl", "\n".join(map(json.dumps, lines)))
    assert stored(workspace) == [{}, {}]


def test_the_last_of_several_rows_of_an_item_wins_however_they_name_it(workspace, apply):
    (item,) = register(workspace)
    lines = [{"uuid": item.uuid, "speed": 1}, {"name": "0.jpg", "speed": 2}, {"uuid": item.uuid, "speed": 3}]
    apply("rows.jsonl", "\n".join(map(json.dumps, lines)))
    assert stored(workspace) == [{"speed": 3}]


# CSV


def test_csv_cells_become_values_of_their_keys_types(workspace, apply):
    register(workspace)
    table = (
        "name,speed,dark,city,seen,place,clip,unknown\n"
        '0.jpg,1.5,true,007,2026-01-31,"36.75, 3","[1, 2, 3]",42\n'
    )
    assert apply("rows.csv", table).updated == 1
    assert stored(workspace) == [
        {
            "speed": 1.5,
            "dark": True,
            "city": "007",
            "seen": "2026-01-31T00:00:00.000000Z",
            "place": {"latitude": 36.75, "longitude": 3.0},
            "unknown": "42",
        }
    ]
    assert workspace.vectors.find("clip", next(workspace.items.stream())).tolist() == [1, 2, 3]


def test_an_empty_cell_is_not_given_and_changes_nothing(workspace, apply):
    register(workspace, metadata={"speed": 1, "city": "Algiers", "dark": True})
    apply("rows.csv", "name,speed,city\n0.jpg,,Oran\n")
    assert stored(workspace) == [{"speed": 1, "city": "Oran", "dark": True}]


def test_replacing_by_a_csv_leaves_nothing_else(workspace, apply):
    register(workspace, metadata={"speed": 1, "dark": True})
    apply("rows.csv", "name,city\n0.jpg,Oran\n", replace=True)
    assert stored(workspace) == [{"city": "Oran"}]


def test_csv_with_a_byte_order_mark_quotes_and_line_breaks_is_read(workspace, apply):
    register(workspace)
    apply("rows.csv", '\ufeffname,city\r\n"0.jpg","a, ""b""\r\nc 東京"\r\n')
    assert stored(workspace) == [{"city": 'a, "b"\r\nc 東京'}]


def test_a_cell_longer_than_pythons_own_limit_is_read(workspace, apply):
    register(workspace)
    apply("rows.csv", f"name,story\n0.jpg,{'x' * 500_000}\n")
    assert stored(workspace) == [{"story": "x" * 500_000}]


def test_a_wrong_cell_is_refused_with_item_key_and_value(workspace, apply):
    register(workspace)
    with pytest.raises(MetadataError, match=r"0\.jpg.*'speed'.*expected a number.*'fast'"):
        apply("rows.csv", "name,speed\n0.jpg,fast\n")
    with pytest.raises(MetadataError, match=r"'dark'.*expected true or false.*'yes'"):
        apply("rows.csv", "name,dark\n0.jpg,yes\n")


def test_a_line_with_too_many_cells_is_refused_with_its_number(workspace, apply):
    register(workspace)
    with pytest.raises(InvalidInput, match=r"rows\.csv, line 5 has more cells than the header"):
        apply("rows.csv", 'name,city\n0.jpg,"two\nlines"\n\n0.jpg,a,b\n')
    assert stored(workspace) == [{}]


def test_a_table_without_a_column_that_names_the_item_is_refused(workspace, apply):
    with pytest.raises(InvalidInput, match=r"line 2 names no item") as refusal:
        apply("rows.csv", "file,speed\n0.jpg,1\n")
    assert refusal.value.hint == "give it a column uuid, url, path or name"


@pytest.mark.parametrize("content", ["", "name,speed\n"])
def test_a_table_without_rows_changes_nothing(workspace, apply, content):
    assert apply("rows.csv", content).updated == 0


def test_an_exported_dataset_comes_back_unchanged(workspace, tmp_path):
    metadata = {
        "speed": 1.5, "dark": False, "city": "a\nb, 東京", "seen": "2026-01-31T12:00:00Z", "place": [36.75, 3],
        "clip": [0.1, 0.2, 0.3], "unknown": "text", "name": "a key that is called name", "uuid": "x", "url": "y",
    }  # fmt: skip
    items = register(workspace, 3, metadata=metadata)
    workspace.metadata.replace({items[1].uuid: {}})
    before = stored(workspace)
    workspace.datasets.create("train", items=items)
    file = tmp_path / "train.csv"
    workspace.export("train", file, format="csv")
    for replace in (False, True):
        assert workspace.ingest.metadata_file(file, replace=replace).updated == 3
        assert stored(workspace) == before


def test_an_exported_dataset_can_be_edited_and_read_again(workspace, tmp_path):
    items = register(workspace, 2, metadata={"speed": 1})
    workspace.datasets.create("train", items=items)
    file = tmp_path / "train.csv"
    workspace.export("train", file, format="csv")
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[1] |= {"metadata.speed": "2", "metadata.city": "Oran"}
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[1]))
        writer.writeheader()
        writer.writerows(rows)
    workspace.ingest.metadata_file(file)
    assert stored(workspace) == [{"speed": 1}, {"speed": 2, "city": "Oran"}]


def test_an_export_of_items_without_metadata_brings_none(workspace, tmp_path):
    workspace.datasets.create("train", items=register(workspace, 2))
    file = tmp_path / "train.csv"
    workspace.export("train", file, format="csv")
    workspace.ingest.metadata_file(file)
    assert stored(workspace) == [{}, {}]


def test_an_exported_json_dataset_comes_back_unchanged(workspace, tmp_path):
    workspace.datasets.create("train", items=register(workspace, 2, metadata={"speed": 1, "name": "n"}))
    file = tmp_path / "train.json"
    workspace.export("train", file)
    assert workspace.ingest.metadata_file(file, replace=True).updated == 2
    assert stored(workspace) == [{"speed": 1, "name": "n"}] * 2


# Parquet


def test_parquet_values_keep_their_types(workspace, parquet):
    (item,) = register(workspace)
    file = parquet(
        f"SELECT uuid '{item.uuid}' AS uuid, 1.5::DOUBLE AS speed, true AS dark, 'Algiers' AS city, "
        "TIMESTAMPTZ '2026-01-31 13:00:00+01' AS seen, [1, 2, 3]::FLOAT[] AS clip, "
        "{'latitude': 36.75::DOUBLE, 'longitude': 3.0::DOUBLE} AS place, 7 AS unknown, NULL AS nothing, "
        "TIMESTAMPTZ '2026-01-31 12:00:00+00' AS \"odd \"\" time\", DATE '2026-01-31' AS day"
    )
    assert workspace.ingest.metadata_file(file).updated == 1
    assert stored(workspace) == [
        {
            "speed": 1.5,
            "dark": True,
            "city": "Algiers",
            "seen": "2026-01-31T12:00:00.000000Z",
            "place": {"latitude": 36.75, "longitude": 3.0},
            "unknown": 7,
            'odd " time': "2026-01-31T12:00:00.000000Z",
            "day": "2026-01-31",
        }
    ]
    assert workspace.vectors.find("clip", item).tolist() == [1, 2, 3]


def test_parquet_dates_are_datetimes_and_times_without_an_offset_are_refused(workspace, parquet):
    register(workspace)
    workspace.ingest.metadata_file(parquet("SELECT '0.jpg' AS name, DATE '2026-01-31' AS seen"))
    assert stored(workspace) == [{"seen": "2026-01-31T00:00:00.000000Z"}]
    with pytest.raises(MetadataError, match=r"'seen'.*UTC offset"):
        workspace.ingest.metadata_file(
            parquet("SELECT '0.jpg' AS name, TIMESTAMP '2026-01-31 12:00' AS seen")
        )


def test_parquet_of_several_thousand_rows_is_applied(workspace, parquet):
    register(workspace, 2500)
    query = "SELECT 's3://lake/' || i || '.jpg' AS url, i AS speed FROM range(2500) AS t(i)"
    assert workspace.ingest.metadata_file(parquet(query)).updated == 2500
    assert stored(workspace) == [{"speed": number} for number in range(2500)]


def test_a_parquet_row_that_names_no_item_is_refused_with_its_number(workspace, parquet):
    register(workspace)
    query = "SELECT * FROM (VALUES ('0.jpg', 1), (NULL, 2)) AS t(name, speed)"
    with pytest.raises(InvalidInput, match=r"table\.parquet, row 1 names no item"):
        workspace.ingest.metadata_file(parquet(query))
    assert stored(workspace) == [{}]


def test_a_file_that_is_no_parquet_is_refused_in_one_line(workspace, apply):
    pytest.importorskip("duckdb")
    with pytest.raises(InvalidInput, match=r"rows\.parquet is not readable Parquet") as refusal:
        apply("rows.parquet", b"PAR1 and nonsense")
    assert len(str(refusal.value).splitlines()) == 1


# Rows and items


def test_unmatched_and_ambiguous_rows_are_reported_and_change_nothing(workspace, apply):
    register(workspace, 2, "A")
    register(workspace, 1, "B")
    rows = [{"name": name, "speed": 1} for name in ("0.jpg", "1.jpg", "2.jpg")]
    rows += [{"uuid": UNKNOWN, "speed": 1}, {"url": "s3://lake/0.jpg", "speed": 1}]
    report = apply("rows.json", rows)
    assert report.updated == 1
    assert report.unmatched == ("2.jpg", UNKNOWN)
    assert report.ambiguous == {"0.jpg": 2, "s3://lake/0.jpg": 2}
    assert stored(workspace) == [{}, {"speed": 1}, {}]


def test_an_ambiguous_name_can_be_told_apart_by_url_or_uuid(workspace, apply):
    facts = MediaFacts("image", "image/jpeg")
    workspace.registration.register([NewItem(f"s3://{b}/0.jpg", facts) for b in ("a", "b")], "A")
    assert apply("rows.json", [{"name": "0.jpg", "url": "s3://b/0.jpg", "speed": 1}]).updated == 1
    assert [metadata.get("speed") for metadata in stored(workspace)] == [None, 1]


def test_more_names_than_fit_into_one_statement_are_found(workspace, apply):
    register(workspace, 1800)
    rows = [{"url": f"s3://lake/{number}.jpg", "speed": 1} for number in range(1900)]
    report = apply("rows.json", rows)
    assert (report.updated, len(report.unmatched)) == (1800, 100)


# Files


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "parquet"])
def test_a_missing_file_is_not_found(workspace, tmp_path, suffix):
    pytest.importorskip("duckdb")
    with pytest.raises(NotFound, match=rf"rows\.{suffix} is not there"):
        workspace.ingest.metadata_file(tmp_path / f"rows.{suffix}")


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "parquet"])
def test_a_folder_in_the_place_of_a_file_is_refused(workspace, tmp_path, suffix):
    pytest.importorskip("duckdb")
    (tmp_path / f"rows.{suffix}").mkdir()
    with pytest.raises(HeronError, match=rf"rows\.{suffix} (cannot be read|is not there)"):
        workspace.ingest.metadata_file(tmp_path / f"rows.{suffix}")


def test_a_file_of_another_kind_is_refused_and_the_kinds_are_named(workspace, apply):
    with pytest.raises(InvalidInput, match=r"ends with \.json, \.jsonl, \.ndjson, \.csv, \.parquet"):
        apply("rows.xlsx", "")


def test_text_that_is_no_utf8_is_refused(workspace, apply):
    with pytest.raises(InvalidInput, match=r"rows\.csv is not UTF-8 text"):
        apply("rows.csv", b"name,city\n0.jpg,Z\xfcrich\n")
    with pytest.raises(InvalidInput, match=r"rows\.jsonl, line 1"):
        apply("rows.jsonl", b'{"name": "Z\xfcrich"}')


def test_an_id_that_is_no_uuid_is_metadata_as_in_tables_of_others(workspace, tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("id,Name,dark\n17,0.jpg,True\n")
    register(workspace)
    assert workspace.ingest.metadata_file(file).updated == 1
    [item] = workspace.items.by_name("0.jpg")
    assert item.metadata == {"id": "17", "dark": True}


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv"])
def test_a_byte_order_mark_is_no_part_of_a_row(workspace, tmp_path, ending):
    items = register(workspace, 1)
    text = {
        "jsonl": f'{{"name": "{items[0].name}", "tone": "x"}}\n',
        "json": f'[{{"name": "{items[0].name}", "tone": "x"}}]',
        "csv": f"name,tone\n{items[0].name},x\n",
    }
    (tmp_path / f"rows.{ending}").write_text("\ufeff" + text[ending], encoding="utf-8")
    assert workspace.ingest.metadata_file(tmp_path / f"rows.{ending}").updated == 1
    assert workspace.items.list()[0].metadata == {"tone": "x"}


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv"])
@pytest.mark.parametrize(
    "number", ["9007199254740993", "18446744073709551617", "-9223372036854775809", "1" * 25, "1" * 400]
)
def test_a_number_that_would_be_rounded_is_refused(workspace, tmp_path, ending, number):
    workspace.schema.add_scalar("n", "number")
    items = register(workspace, 1)
    text = {
        "jsonl": f'{{"name": "{items[0].name}", "n": {number}}}\n',
        "json": f'[{{"name": "{items[0].name}", "n": {number}}}]',
        "csv": f"name,n\n{items[0].name},{number}\n",
    }
    (tmp_path / f"rows.{ending}").write_text(text[ending])
    with pytest.raises((InvalidInput, MetadataError), match="n"):
        workspace.ingest.metadata_file(tmp_path / f"rows.{ending}")
    if len(number) > 16 and ending != "csv":  # of a key outside of the schema, what no column holds
        (tmp_path / f"rows.{ending}").write_text(text[ending].replace('"n"', '"free"'))
        with pytest.raises((InvalidInput, MetadataError), match="free"):
            workspace.ingest.metadata_file(tmp_path / f"rows.{ending}")
    assert workspace.items.list()[0].metadata == {}


# Our own exports


@pytest.fixture
def groups(workspace, tmp_path):
    """A group of two files with metadata, one of its frames with some too, as dataset D."""
    for number in range(2):
        draw(tmp_path / "views" / f"{number}.png", seed=number)
    workspace.ingest.files([tmp_path / "views"], folder="V", batch_as="group")
    workspace.metadata.merge_all(workspace.items.list(), {"city": "Oran", "speed": 1})
    workspace.frames.set_metadata("views", 1, {"city": "left"})
    workspace.datasets.create("D", items=workspace.items.list())
    return workspace


@pytest.mark.parametrize("table", ["frames", "members"])
@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("trimmed", [False, True])
def test_a_table_of_frames_or_members_is_refused_and_changes_nothing(
    groups, tmp_path, table, replace, trimmed
):
    file = tmp_path / "table.csv"
    groups.export("D", file, format=f"csv-{table}")
    if trimmed:
        lines = file.read_text().splitlines()
        file.write_text("\n".join(line.partition(",")[2] for line in lines))
    for by in (None, "uuid", "name"):
        with pytest.raises(InvalidInput, match=f"is an exported table of {table}"):
            groups.ingest.metadata_file(file, replace=replace, by=by)
    assert stored(groups) == [{"city": "Oran", "speed": 1}]


def test_keys_of_ones_own_that_begin_with_frame_are_imported(workspace, apply):
    register(workspace)
    workspace.schema.add_scalar("frame.number", "number")
    apply("rows.csv", "name,frame.number,frame.colour,member.of\n0.jpg,3,red,crew\n")
    assert stored(workspace) == [{"frame.number": 3, "frame.colour": "red", "member.of": "crew"}]


@pytest.mark.parametrize("by", ["path", "name", "url"])
@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv"])
def test_an_export_is_imported_where_the_lake_lies_elsewhere(tmp_path, monkeypatch, capsys, suffix, by):
    def lake(root):
        for number in range(3):
            draw(root / "in" / f"{number}.png", seed=number)
        opened = heron.open(root)
        opened.ingest.files([root / "in"], folder="A")
        return opened

    with lake(tmp_path / "here") as here:
        for number, item in enumerate(here.items.list()):
            here.metadata.merge({item: {"city": f"Oran {number}", "path": "north"}})
        here.datasets.create("D", items=here.items.list())
        here.export("D", tmp_path / f"d.{suffix}", format=suffix)
    with lake(tmp_path / "there") as there:
        monkeypatch.chdir(there.root)
        code = status(["metadata", "import", str(tmp_path / f"d.{suffix}"), "--by", by])
        said = capsys.readouterr().out
        [sentence] = [line for line in said.splitlines() if line.startswith("Passed over")]
        assert "that are not metadata: position, " in sentence
        assert "size" in sentence
        found = {item.name: item.metadata for item in there.items.list()}
        if by == "url":  # it names the files of the other lake
            assert (code, set(map(str, found.values()))) == (1, {"{}"})
        else:
            assert code == 0
            assert found == {f"{n}.png": {"city": f"Oran {n}", "path": "north"} for n in range(3)}


def test_columns_beside_nested_metadata_are_said(workspace, apply):
    register(workspace)
    rows = [{"name": "0.jpg", "speed": 3, "empty": None, "metadata": {"city": "Oran"}}]
    assert apply("rows.json", rows).passed_over == ("speed",)
    assert stored(workspace) == [{"city": "Oran"}]


# What is checked before anything is written


@pytest.mark.parametrize(
    "header", ["name,city,speed,city", "city,name,city,name", "uuid,metadata.city,metadata.city"]
)
def test_doubled_headers_are_refused(workspace, apply, header):
    (item,) = register(workspace)
    cells = {"name": item.name, "uuid": item.uuid, "speed": "1"}
    row = ",".join(cells.get(column, "Oran") for column in header.split(","))
    with pytest.raises(InvalidInput, match=r"several columns '(metadata\.)?city'"):
        apply("rows.csv", f"{header}\n{row}\n")
    assert stored(workspace) == [{}]


def test_columns_without_a_name_may_be_empty_and_lose_no_cell(workspace, apply):
    register(workspace)
    assert apply("rows.csv", "name,,city,\n0.jpg,,Oran,\n").updated == 1
    for cells in ("0.jpg,lost,Oran,", "0.jpg,,Oran,lost"):
        with pytest.raises(MetadataError, match=r"metadata key .* empty"):
            apply("rows.csv", f"name,,city,\n{cells}\n", replace=True)
    assert stored(workspace) == [{"city": "Oran"}]


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.json"])
def test_a_key_of_another_case_is_refused_unless_it_is_meant(workspace, apply, name):
    register(workspace, 2)
    rows = [{"name": "0.jpg", "speed": 1}, {"name": "1.jpg", "City": "Oran"}]
    content = {
        "rows.csv": "name,speed,City\n0.jpg,1,\n1.jpg,,Oran\n",
        "rows.jsonl": "\n".join(map(json.dumps, rows)),
        "rows.json": rows,
    }[name]
    for dry_run in (True, False):
        with pytest.raises(InvalidInput, match=r"1 key differs .* only by case: 'City' .*'city'") as refusal:
            apply(name, content, dry_run=dry_run)
        assert "--as-is" in refusal.value.hint
    assert stored(workspace) == [{}, {}]
    report = apply(name, content, as_is=True)
    assert (report.updated, report.unknown_keys) == (2, ("City",))
    assert stored(workspace) == [{"speed": 1}, {"City": "Oran"}]
    assert apply("remove.json", [{"name": "1.jpg", "City": None, "CITY": None}]).updated == 1
    assert stored(workspace)[1] == {}


def test_two_keys_of_the_schema_may_differ_by_case(workspace, apply):
    register(workspace)
    workspace.schema.add_scalar("City", "varchar")
    assert apply("rows.csv", "name,City,city\n0.jpg,a,b\n").updated == 1
    assert stored(workspace) == [{"City": "a", "city": "b"}]


@pytest.mark.slow
@pytest.mark.parametrize("key", ["Speed", "a\nb", " "])
def test_a_key_that_is_refused_in_row_1500_leaves_all_as_it_was(workspace, apply, key):
    register(workspace, 2000)
    rows = [{"name": f"{number}.jpg", "speed": number} for number in range(2000)]
    rows[1500][key] = 1
    with pytest.raises(HeronError, match=r"rows\.jsonl"):
        apply("rows.jsonl", "\n".join(map(json.dumps, rows)))
    assert stored(workspace) == [{}] * 2000


def test_a_dry_run_counts_what_would_change_and_writes_nothing(workspace, apply):
    items = register(workspace, 4, metadata={"speed": 1})
    rows = [
        {"name": "0.jpg", "speed": 1}, {"name": "1.jpg", "speed": 2}, {"name": "2.jpg", "clip": [1, 2, 3]},
        {"name": "3.jpg", "speed": 1, "wether": "sun"}, {"name": "4.jpg", "speed": 7},
    ]  # fmt: skip
    before = [item.updated_at for item in items]
    report = apply("rows.json", rows, dry_run=True)
    assert (report.updated, report.would_change, report.rows) == (0, 3, 5)
    assert (report.unmatched, report.unknown_keys) == (("4.jpg",), ("wether",))
    assert apply("rows.json", rows[:1], dry_run=True).would_change == 0
    assert (
        apply("rows.json", [{"name": "0.jpg", "city": "Oran"}] * 2, dry_run=True, replace=True).would_change
        == 1
    )
    with pytest.raises(MetadataError, match="expected a number"):
        apply("rows.json", [{"name": "0.jpg", "speed": "fast"}], dry_run=True)
    assert stored(workspace) == [{"speed": 1}] * 4
    assert [item.updated_at for item in workspace.items.list()] == before
    assert workspace.vectors.find("clip", items[2]) is None
    assert workspace.schema.current().get("wether") is None
    done = apply("rows.json", rows)
    assert (done.updated, done.would_change) == (4, None)


def test_the_command_says_unknown_keys_in_one_sentence(workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(workspace.root)
    register(workspace)
    keys = ["spede", *(f"k{number}" for number in range(30))]
    (tmp_path / "rows.json").write_text(json.dumps([{"name": "0.jpg", **dict.fromkeys(keys, 1)}]))
    assert status(["metadata", "import", str(tmp_path / "rows.json"), "--dry-run"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "A dry run, nothing was changed. Would change 1 item."
    assert second.startswith(
        "31 keys are not in the schema, stored as given: spede (did you mean speed?), k0"
    )
    assert second.endswith("k18 and 11 more.")
    (tmp_path / "none.json").write_text('[{"name": "no.jpg", "speed": 1}]')
    assert status(["metadata", "import", str(tmp_path / "none.json"), "--dry-run"]) == 1
    (tmp_path / "case.json").write_text('[{"name": "0.jpg", "Speed": 1}]')
    assert status(["metadata", "import", str(tmp_path / "case.json")]) == 1
    assert "--as-is" in capsys.readouterr().err
    assert status(["metadata", "import", str(tmp_path / "case.json"), "--as-is"]) == 0
    assert stored(workspace) == [{"Speed": 1}]
