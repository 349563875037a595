"""CSV manifests: headers decide the kind of the rows below them, further columns are metadata."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron import InvalidInput, json_stream
from heron.ingest import forms
from heron.ingest.manifest.entries import Entries
from heron.ingest.manifest.tables import table_units
from heron.metadata.schema import Schema
from heron.models import MAX_METADATA
from tests.conftest import draw


@pytest.fixture
def urls(tmp_path):
    """The URLs of four pictures."""
    return [draw(tmp_path / "in" / f"p{number}.png", seed=number).as_uri() for number in range(4)]


@pytest.fixture
def load(workspace, tmp_path, urls):
    """Import a table in which 0 to 3 in braces stand for pictures, with errors ignored; returns the report."""

    def load(text, **options):
        file = tmp_path / "table.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.format(*urls).encode())
        return workspace.ingest.manifest(file, **{"folder": "A", "ignore_errors": True} | options)

    return load


def names(workspace):
    return [item.name for item in workspace.items.list()]


def faults(workspace, report):
    job = getattr(report, "job", report)
    return {problem.place: problem.reason for problem in workspace.imports.problems(job)}


def members(workspace, urls):
    """The members of each item, as the numbers of the pictures."""
    return [[urls.index(m.url) for m in workspace.items.members(item)] for item in workspace.items.list()]


# Headers


@pytest.mark.parametrize("header", ["ObjectURL,Image title", "objecturl, IMAGE TITLE ", "Title,object_url"])
def test_a_header_is_read_in_any_case_and_order(workspace, load, header):
    row = "{0},first\n" if not header.startswith("Title") else "first,{0}\n"
    assert load(f"{header}\n{row}").added == 1
    [item] = workspace.items.list()
    assert (item.name, item.kind, item.facts.width) == ("first", "image", 64)


@pytest.mark.parametrize(
    ("title", "kind"),
    [("Video title", "video"), ("Audio title", "audio"), ("NIfTI title", "nifti"), ("PDF title", "pdf")],
)
def test_the_header_declares_the_kind_and_content_of_another_is_refused(workspace, load, title, kind):
    told = faults(workspace, load(f"ObjectURL,{title}\n{{0}},x\n"))
    assert f"is declared as {kind}, but its content is image/png" in told["line 2"]


def test_one_column_is_by_what_the_files_are(workspace, load, tmp_path):
    (tmp_path / "in" / "notes.txt").write_text("words")
    text = (tmp_path / "in" / "notes.txt").as_uri()
    assert load(f"ObjectURL\n{{0}}\n{text}\n").added == 2
    assert [(item.name, item.kind) for item in workspace.items.list()] == [
        ("p0.png", "image"),
        ("notes.txt", "text"),
    ]


def test_a_new_header_row_starts_a_new_kind(workspace, load, urls):
    report = load(
        "ObjectURL,Image title,city\n{0},a,Oslo\n\nobjecturl,image group title,create video\n{1},g,true\n{0},g,\n"
        "{2},h,false\n{3},i,\nObjectURL\n{3}\n"
    )
    assert report.failed == 0
    assert [(item.name, item.kind, item.metadata) for item in workspace.items.list()] == [
        ("a", "image", {"city": "Oslo"}),
        ("g", "image_sequence", {}),
        ("h", "image_group", {}),
        ("i", "image_group", {}),
        ("p3.png", "image", {}),
    ]
    assert members(workspace, urls) == [[], [1, 0], [2], [3], []]


def test_one_title_below_two_headers_is_two_groups(workspace, load, urls):
    table = "ObjectURL,Image group title\n{0},g\n{1},g\n"
    assert load(table + table.replace("0", "2").replace("1", "3")).added == 2
    assert members(workspace, urls) == [[0, 1], [2, 3]]


def test_many_headers_in_a_row_mix_nothing_up(workspace, load, urls):
    tables = [f"ObjectURL,Image group title\n{{{number % 4}}},g\n" for number in range(60)]
    report = load("ObjectURL\n".join(tables))
    assert (report.added, report.failed) == (60, 0)
    assert members(workspace, urls) == [[number % 4] for number in range(60)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty (begin with a header such as ObjectURL,Image title)"),
        ("\n \n,,\n", "the file is empty"),
        ("{0}\n", "the first row is not a header (begin with a header such as ObjectURL,Image title"),
        ("url,title\n{0},a\n", "the first row is not a header"),
        ("sep=;\nObjectURL,Image title\n{0},a\n", "the first row is not a header"),
        ("ObjectURL,Object_URL\n{0},a\n", "line 1: the header has ObjectURL and Object_URL, only one of them"),
        ("ObjectURL,Image title,Video title\n", "line 1: the header has Image title and Video title, only one"),
        ("ObjectURL,city,City,city\n{0},a,b,c\n", "line 1: the header has 'city' twice"),
        ('ObjectURL,Image title\n{0},"a\n{1},b\n', "line 3: not valid CSV: unexpected end of data"),
        ('ObjectURL,Image title\n{0},"a"b\n', "line 2: not valid CSV: ',' expected after '\"'"),
        ("ObjectURL\n{0}\n".encode("utf-16"), "is not UTF-8 text"),
        (b"ObjectURL,Image title\ns3://a,Z\xfcrich\n", "is not UTF-8 text"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_such_table_is_refused_in_one_sentence(workspace, load, text, said):
    with pytest.raises(InvalidInput) as refusal:
        load(text)
    assert said in str(refusal.value) and "table.csv" in str(refusal.value)
    assert workspace.imports.list()[0].state == "failed"


def test_a_table_of_a_header_alone_imports_nothing(load):
    assert load("ObjectURL,Image title\n").added == 0


# Rows


def test_rows_of_one_title_are_one_group_in_their_order_with_the_metadata_of_the_first(workspace, load, urls):
    load("ObjectURL,Image group title,city,shot\n{2},g,Oslo,\n{0},g,Bergen,1\n{2},g,,2\n{1},h,,\n")
    assert members(workspace, urls) == [[2, 0, 2], [1]]
    assert [item.metadata for item in workspace.items.list()] == [{"city": "Oslo", "shot": "1"}, {}]


def test_rows_of_one_title_are_one_group_wherever_they_stand(workspace, load, urls):
    rows = "{0},g,,Oslo\n{1},h,,\n{2},g,true,\n{3},i,,\n{3},g,,Bergen\n{0},h,,Rome\n"
    report = load("ObjectURL,Image group title,Create video,city\n" + rows)
    assert (report.added, report.failed) == (3, 0)
    assert [(item.name, item.kind, item.metadata) for item in workspace.items.list()] == [
        ("g", "image_sequence", {"city": "Oslo"}),
        ("h", "image_group", {"city": "Rome"}),
        ("i", "image_group", {}),
    ]
    assert members(workspace, urls) == [[0, 2, 3], [1, 0], [3]]


def test_a_scattered_group_with_a_faulty_row_is_not_there_at_all(workspace, load, urls):
    report = load("ObjectURL,Image group title\n{0},g\n{1},h\nnowhere,g\n{2},\n{3},\n{3},h\n")
    assert {place: reason[:30] for place, reason in faults(workspace, report).items()} == {
        "line 2": "line 2.objectUrl_1: 'nowhere' ",
        "line 5": "line 5: the title is missing, ",
        "line 6": "line 6: the title is missing, ",
    }
    assert members(workspace, urls) == [[1, 3]]


def test_an_import_of_scattered_groups_that_is_resumed_adds_each_once(workspace, tmp_path, urls):
    """The position of a job counts the groups, so their order must be the same when the file is read again."""
    rows = [f"{urls[number % 4]},g{number % 7}" for number in range(70)]
    file = tmp_path / "t.csv"
    file.write_text("\n".join(["ObjectURL,Image group title", *rows]))
    read = lambda: [unit.name for unit in workspace.ingest._sources.manifest(file, None).units()]  # noqa: E731
    assert read() == read() == [f"g{number}" for number in range(7)]


@pytest.mark.slow
def test_the_memory_of_scattered_groups_does_not_grow_with_the_table():
    def table(count):
        yield b"ObjectURL,Image group title\n"
        for number in range(count):
            yield b"s3://lake/%d.jpg,g%d\n" % (number, number * 7919 % (count // 4))

    def measured(count):
        data = io.BytesIO(b"".join(table(count)))
        tracemalloc.start()
        try:
            assert (
                sum(1 for _ in table_units(data, "t.csv", Entries(lambda url: url), Schema({}))) == count // 4
            )
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    measured(400)
    assert measured(40_000) < measured(4_000) + 300_000


# Separators, and files packed or named otherwise


@pytest.mark.parametrize(
    "text",
    [
        "ObjectURL;Image title;city\n{0};a, b;Oslo\n",
        "ObjectURL\tImage title\tcity\n{0}\ta, b\tOslo\n",
        "ObjectURL|Image title|city\r\n{0}|a, b|Oslo\r\n",
        'sep=,\nObjectURL,Image title,city\n{0},"a, b",Oslo\n',
        '\ufeffsep=;\r\n"ObjectURL";Image title;city\r\n{0};"a, b";Oslo\r\n',
        "\nSEP=\t\nObjectURL\tImage title\tcity\n{0}\ta, b\tOslo\n",
    ],
)
def test_the_first_line_says_how_the_cells_are_separated(workspace, load, text):
    assert load(text + "nowhere\n").failed == 1
    [item] = workspace.items.list()
    assert (item.name, item.metadata) == ("a, b", {"city": "Oslo"})
    last = len(text.splitlines()) + 1
    assert list(faults(workspace, workspace.imports.list()[0])) == [f"line {last}"]


def test_a_comma_of_other_lands_in_a_number_is_refused_and_not_read_as_another_number(workspace, load):
    workspace.schema.add_scalar("speed", "number")
    report = load("ObjectURL;speed\n{0};12,5\n{1};12.5\n")
    assert "expected a number, got '12,5'" in faults(workspace, report)["line 2"]
    assert [item.metadata for item in workspace.items.list()] == [{"speed": 12.5}]


def test_a_packed_table_is_read_and_a_damaged_one_is_refused(workspace, tmp_path, urls):
    packed = gzip.compress(f"ObjectURL,Image title\n{urls[0]},a\n".encode())
    file = tmp_path / "t.csv.gz"
    for content, said in [
        (packed[:-6], "is damaged or was cut off"), (b"ObjectURL\n", "is not a gzip file"), (packed[:12] + b"x" * 30, "t.csv.gz"),
    ]:  # fmt: skip
        file.write_bytes(content)
        with pytest.raises(InvalidInput, match=said):
            workspace.ingest.manifest(file, folder="A")
    file.write_bytes(packed)
    assert workspace.ingest.manifest(file, folder="A").added == 1


@pytest.mark.parametrize("name", ["m.jsonl", "m.csv", "m.json"])
def test_a_line_that_no_memory_holds_is_refused(workspace, tmp_path, monkeypatch, name):
    for module in (forms, json_stream):
        monkeypatch.setattr(module, "LONGEST", 2 << 20)
    file = tmp_path / f"{name}.gz"
    file.write_bytes(gzip.compress(b'{"objectUrl": "' + b"a" * (9 << 20)))
    with pytest.raises(InvalidInput, match="longer than 2 MB"):
        workspace.ingest.manifest(file, folder="A")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",a,", "line 3.objectUrl: URL '' is empty or contains a space"),
        ("s3://a b,a,", "line 3.objectUrl: URL 's3://a b' is empty or contains a space"),
        ("nowhere,a,", "line 3.objectUrl: 'nowhere' is not a URL"),
        ("{0},a,Oslo,more", "line 3: cell 4, 'more', has no name in the header (put a cell that contains a comma"),
        ("{0},a,Oslo, ,,more", "line 3: cell 6, 'more', has no name in the header"),
        ("{0}," + "x" * 301, "has 301 characters, at most 300"),
        ('{0},"a\nb",', "holds a line break"),
        ("{0},a," + "x" * (MAX_METADATA + 1), "metadata has 10,485,772 bytes, at most 10,485,760"),
    ],
    ids=lambda value: value[:40],
)  # fmt: skip
def test_a_faulty_row_is_told_with_its_line_and_the_others_land(workspace, load, row, said):
    report = load(f"ObjectURL,Image title,city\n{{0}},x,\n{row}\n{{1}},y,Oslo\n")
    [problem] = workspace.imports.problems(report.job)
    assert problem.place == "line 3" and said in problem.reason
    assert names(workspace) == ["x", "y"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("{0},,\n", "line 2: the title is missing, which groups the rows of one item"),
        ("{0},g,perhaps\n", "line 2: Create video: expected true or false, got 'perhaps'"),
        ("{0},g,true\n{1},g,false\n", "line 2: the rows of 'g' have different values of Create video"),
        ("{0},g,\n{1},g,,x\n", "line 3: cell 4, 'x', has no name in the header"),
        ("{0},g,\n,g,\n", "line 2.objectUrl_1: URL '' is empty or contains a space"),
    ],
)
def test_a_fault_in_any_row_fails_its_whole_group(workspace, load, rows, said):
    report = load(f"ObjectURL,Image group title,Create video\n{rows}{{2}},h,\n")
    [problem] = workspace.imports.problems(report.job)
    assert said in problem.reason
    assert names(workspace) == ["h"]


@pytest.mark.parametrize("word", ["true", "TRUE", "Yes", "1"])
def test_create_video_can_stand_in_any_row_of_the_group(workspace, load, word):
    load(f"ObjectURL,Image group title,Create video\n{{0}},g,\n{{1}},g,{word}\n")
    assert [item.kind for item in workspace.items.list()] == ["image_sequence"]


def test_empty_cells_beyond_the_header_as_spreadsheets_write_them_do_no_harm(workspace, load):
    assert load("ObjectURL,Image title,,\n{0},a,,\n{1},b,,,,\nObjectURL,,,\n{2},,,\n{3}\n").added == 4
    assert names(workspace) == ["a", "b", "p2.png", "p3.png"]


def test_a_value_below_an_empty_header_cell_is_not_lost_silently(workspace, load):
    told = faults(workspace, load("ObjectURL,,city\n{0},lost,Oslo\n"))
    assert told["line 2"].startswith("line 2: cell 2, 'lost', has no name in the header")


def test_quoted_line_breaks_commas_and_a_mark_are_read_and_lines_counted_by_their_first(workspace, load):
    text = '\ufeffObjectURL,Image title,note\r\n"{0}","a, ""b""","one\r\ntwo"\r\n"nowhere",c,"\nthree\n"\r\n'
    report = load(text)
    [item] = workspace.items.list()
    assert (item.name, item.metadata) == ('a, "b"', {"note": "one\r\ntwo"})
    assert list(faults(workspace, report)) == ["line 4"]


def test_further_columns_are_metadata_by_the_types_of_the_schema(workspace, load):
    workspace.schema.set_from_dict(
        {"speed": "number", "dark": "boolean", "seen": "datetime", "place": "geospatial"}
    )
    workspace.schema.add_embedding("clip", 2)
    report = load(
        "speed,dark,ObjectURL,Image title,seen,place,clip,City,city\n"
        '1.5,True,{0},a,2026-01-31,"36.75, 3","[1, 2]",42,007\n'
        "fast,,{1},b,,,,,\n"
        ",,{2},c,,,,,\n"
    )
    with_all, bare = workspace.items.list()
    assert with_all.metadata == {
        "speed": 1.5,
        "dark": True,
        "seen": "2026-01-31T00:00:00.000000Z",
        "place": {"latitude": 36.75, "longitude": 3.0},
        "City": "42",
        "city": "007",
    }
    assert workspace.vectors.find("clip", with_all).tolist() == [1, 2]
    assert (bare.metadata, workspace.vectors.find("clip", bare)) == ({}, None)
    told = faults(workspace, report)["line 3"]
    assert "metadata key 'speed': expected a number, got 'fast'" in told


def test_columns_of_key_frames_are_json_and_become_frames(workspace, load):
    block = '"{{""config"":{{}},""frames"":{{""0"":{{""mood"":1}}}}}}"'
    report = load(f'ObjectURL,keyframes,$heron\n{{0}},"[0]",{block}\n{{1}},13 17,\n{{2}},,{{{{}}}}\n')
    first, second = workspace.items.list()
    assert (first.metadata, second.metadata) == ({}, {})
    [frame] = workspace.frames.list(first)
    assert (frame.number, frame.is_key, frame.metadata) == (0, True, {"mood": 1})
    assert list(workspace.frames.list(second)) == []
    assert faults(workspace, report)["line 3"].startswith("line 3: keyframes: not valid JSON")


def test_the_last_group_before_a_break_is_not_taken_for_whole(workspace, load):
    with pytest.raises(InvalidInput, match="unexpected end of data"):
        load('ObjectURL,Image group title\n{0},g\n{1},g\n{0},h\n{1},"h')
    assert "h" not in names(workspace)


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(str.strip)


@given(st.lists(st.tuples(st.sampled_from("ab"), CELL, CELL), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_what_a_csv_writer_writes_is_what_is_read(rows, end):
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator=end)
    writer.writerow(["ObjectURL", "Image title", "x", "y"])
    writer.writerows([f"s3://lake/{name}.jpg", "t", *cells] for name, *cells in rows)
    data = io.BytesIO(stream.getvalue().encode())
    units = list(table_units(data, "t.csv", Entries(lambda url: url), Schema(lambda: {})))
    assert [unit.url for unit in units] == [f"s3://lake/{name}.jpg" for name, *_ in rows]
    assert [(unit.metadata or {}).get("x", "") for unit in units] == [x for _, x, _ in rows]
    assert [(unit.metadata or {}).get("y", "") for unit in units] == [y for _, _, y in rows]
    assert [unit.place for unit in units] == [f"line {number + 2}" for number in range(len(rows))]
