"""Metadata from files: JSON, JSONL, CSV and Parquet, by UUID, URL or name, and what is reported of each row."""

from __future__ import annotations

import json

import pytest

from heron.errors import HeronError, InvalidInput, MetadataError, NotFound
from heron.models import MediaFacts, NewItem

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
