"""Tables on terminals of several widths, in pipes, in locales and with odd names; and as CSV."""

import codecs
import csv
import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

import heron
from heron.cli import screen, tables
from heron.cli.tables import distinct, fitted
from heron.models import MediaFacts, NewItem

PROGRAM = [sys.executable, "-c", "from heron.cli.main import run; run()"]
IMAGE = MediaFacts("image", "image/jpeg", 640, 480, extra={"exif": {"Model": "X100"}})


def environment(**more):
    dropped = ("COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "PYTHONIOENCODING")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "TERM": "xterm", "HERON_PLUGINS": "", **more}


def on_terminal(place, *arguments, width=80, **more):
    """What a command writes to a terminal of that width, standard error included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, *arguments], cwd=place, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more)
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the terminal is closed when the process has ended
            break
        if not part:
            break
        said += part
    os.close(ours)
    process.wait()
    return said.decode().replace("\r\n", "\n")


def in_pipe(place, *arguments, **more):
    done = subprocess.run(
        [*PROGRAM, *arguments], cwd=place, capture_output=True, env=environment(**more), check=False
    )
    assert b"unexpected" not in done.stderr, done.stderr
    return done.stdout


LONG = "a-photograph-of-the-harbour-of-Algiers-on-a-rainy-evening-"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    place = tmp_path_factory.mktemp("screens")
    with heron.open(place, discover=False) as workspace:
        workspace.registration.register(
            [
                NewItem(f"s3://lake/{LONG}1.jpg", IMAGE, size=1_234_567, metadata={"city": "Algiers"}),
                NewItem(f"s3://lake/{LONG}2.jpg", IMAGE, size=7, metadata={"city": "Oslo"}),
                NewItem(
                    "s3://lake/東京の写真.jpg",
                    IMAGE,
                    name="東京の写真.jpg",
                    size=77,
                    metadata={"city": "東京"},
                ),
                NewItem("s3://lake/e.jpg", IMAGE, name="👩‍👩‍👧 e\u0301.jpg", metadata={"city": "Zürich"}),
                NewItem("s3://lake/c.jpg", IMAGE, name='=1+1,"x".jpg', metadata={"city": "a\x1b[31m\nb"}),
            ],
            "Driving/2026",
        )
        workspace.collections.create("C", items=list(workspace.items.stream()))
        workspace.datasets.create("D", items=list(workspace.items.stream()))
    return place


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_rows_fit_the_terminal_and_differ(lake, width):
    lines = on_terminal(lake, "items", width=width, NO_COLOR="1").splitlines()
    assert len(lines) >= 6
    assert all(screen.cells(line) <= width for line in lines[:6])
    assert lines[0].startswith("name")
    assert len({line[:25] for line in lines[1:6]} | set(lines[1:3])) >= 5
    assert lines[1].split("  ")[0] != lines[2].split("  ")[0]


@pytest.mark.slow
def test_columns_has_precedence_over_the_terminal_and_pipes_cut_nothing(lake):
    assert (
        max(map(screen.cells, on_terminal(lake, "items", COLUMNS="60", NO_COLOR="1").splitlines()[:6])) <= 60
    )
    piped = in_pipe(lake, "items", COLUMNS="60").decode()
    assert f"{LONG}1.jpg" in piped and "…" not in piped and "\x1b" not in piped


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"CLICOLOR": "0"}, False),
        ({"CLICOLOR": "1"}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, False),
    ],
)
def test_colours_follow_the_environment(lake, given, coloured):
    for line in (["folders"], ["items", "show", "nobody"], ["items", "--nonsense"]):
        assert ("\x1b[" in on_terminal(lake, *line, **given)) == (coloured and "--nonsense" not in line)


@pytest.mark.slow
def test_a_pipe_has_colours_only_where_they_are_forced(lake):
    assert b"\x1b[" not in in_pipe(lake, "folders")
    assert b"\x1b[1m" in in_pipe(lake, "folders", CLICOLOR_FORCE="1")
    assert b"\x1b[" not in in_pipe(lake, "folders", CLICOLOR_FORCE="0")
    assert b"\x1b[" not in in_pipe(lake, "items", "--json", CLICOLOR_FORCE="1")


def test_a_bar_ends_in_whole_cells_where_the_encoding_has_no_part_of_one():
    codecs.register_error("heron", screen._written)
    assert "██▏ – 東".encode("latin-1", "heron") == rb"## - \u6771"


@pytest.mark.slow
def test_another_encoding_gets_other_characters_and_json_stays_json(lake):
    import json

    said = in_pipe(lake, "items", PYTHONIOENCODING="latin-1").decode("latin-1")
    assert "\\u6771\\u4eac" in said
    said = in_pipe(lake, "items", "--columns", "name,city", PYTHONIOENCODING="latin-1").decode("latin-1")
    assert "Zürich" in said
    found = json.loads(in_pipe(lake, "items", "--json", PYTHONIOENCODING="latin-1").decode("ascii"))
    assert found["items"][2]["name"] == "東京の写真.jpg" and found["items"][3]["name"].startswith("👩")
    assert "..." in on_terminal(lake, "items", width=60, PYTHONIOENCODING="ascii")
    rows = list(
        csv.DictReader(io.StringIO(in_pipe(lake, "items", "--csv", PYTHONIOENCODING="ascii").decode()))
    )
    assert rows[2]["name"] == "東京の写真.jpg"


# One process is enough for the rest


@pytest.fixture
def run(lake, monkeypatch, capsys):
    from heron.cli.main import status

    monkeypatch.chdir(lake)
    monkeypatch.setenv("HERON_PLUGINS", "")

    def run(*arguments, code=0):
        assert status([*arguments]) == code
        return capsys.readouterr()

    return run


def test_the_fields_of_conditions_and_sorts_are_columns(run):
    head, first, *_ = run(
        "items", "--where", "city > 'B' AND width > 1", "--sort", "-exif.Model"
    ).out.splitlines()
    assert head.split()[:5] == ["name", "id", "exif.Model", "city", "width"]
    assert "X100" in first and "640" in first
    assert "city" not in run("items").out.splitlines()[0]
    assert run("search", "--where", "name = 'e.jpg' OR folder = 'Driving/2026'").out.splitlines()[0].split()[:3] == [
        "name", "id", "folder",
    ]  # fmt: skip


def test_a_short_id_names_an_item_wherever_a_uuid_does(run, lake):
    rows = csv.DictReader(io.StringIO(run("items", "--csv").out))
    uuids = {row["name"]: row["uuid"] for row in rows}
    for line in run("items").out.splitlines()[1:]:
        if not line.startswith("東京"):
            continue
        id = line.split()[1]
        assert uuids["東京の写真.jpg"].endswith(id) and 6 <= len(id) < 36
        for command in (("items", "show"), ("show",), ("metadata", "show")):
            assert "東京" in run(*command, id).out
        assert (
            "5 of" not in run("items", "--item", id).out and "東京" in run("items", "--item", id.upper()).out
        )
        assert "1 item" in run("metadata", "merge", "seen=1", "--item", id).out
        assert "東京" in run("items", "show", uuids["東京の写真.jpg"][:23]).out


def test_a_part_of_several_uuids_is_refused_with_a_few_of_them(run):
    uuid = next(iter(csv.DictReader(io.StringIO(run("items", "--csv").out))))["uuid"]
    said = run("items", "show", uuid[:13], code=1).err
    assert "several items" in said and said.count(uuid[:13]) >= 4 and "…" in said
    assert "there is no item" in run("items", "show", "12345678", code=1).err
    assert "there is no item" in run("items", "show", "abc12", code=1).err


def test_short_ids_are_unique_and_no_numbers(workspace):
    workspace.registration.register([NewItem(f"s3://b/{n}.jpg", IMAGE) for n in range(3000)], "A")
    uuids = [item.uuid for item in workspace.items.stream()]
    short = workspace.items._short_ids.of(uuids)
    assert len(set(short.values())) == 3000
    for uuid, id in short.items():
        assert uuid.endswith(id) and 6 <= len(id) <= 17 and not id.isdecimal()
        assert sum(other.endswith(id) for other in uuids) == 1
    chosen = [short[uuid] for uuid in uuids[::100]]
    assert [workspace.items.get(id).uuid for id in chosen] == uuids[::100]
    assert workspace.items.delete(chosen) == 30


def test_an_end_without_a_letter_goes_on_to_the_part_before(workspace):
    from heron.catalog.short_ids import _shortest

    uuid = "01a22652-e582-7cd0-9ebb-413756027129"
    assert _shortest(uuid, [uuid]) == "b-413756027129"
    assert _shortest(uuid, [uuid, "01a22652-e582-7cd0-8aab-413756027129"]) == "bb-413756027129"


def test_a_name_has_precedence_over_a_short_id(workspace):
    workspace.registration.register([NewItem("s3://b/a.jpg", IMAGE), NewItem("s3://b/b.jpg", IMAGE)], "A")
    first, second = workspace.items.list()
    [id] = workspace.items._short_ids.of([first.uuid]).values()
    assert workspace.items.get(id) == first
    workspace.items.rename(second, id)
    assert workspace.items.get(id) == second
    assert workspace.items.move(id, "A") == 1


@pytest.mark.parametrize(
    "line",
    [
        "items", "items list", "search", "folders", "folders list", "collections", "collections list", "collections show C",
        "datasets", "datasets show D", "presets", "imports", "integrations", "schema", "schema types", "schema verify",
        "metadata verify", "vectors status", "plugins", "duplicates", "search --frames",
    ],
)  # fmt: skip
def test_lists_are_printed_as_csv_and_nothing_else(run, line):
    said = run(*line.split(), "--csv").out
    head, *rows = list(csv.reader(io.StringIO(said)))
    assert head and all(len(row) == len(head) for row in rows)
    for arguments in ([*line.split(), "--csv", "--json"],):
        refused = run(*arguments, code=2)
        assert refused.out == "" and "give one of them" in refused.err


def test_csv_has_whole_values(run):
    rows = list(csv.DictReader(io.StringIO(run("items", "--csv").out)))
    assert [row["size"] for row in rows] == ["1234567", "7", "77", "", ""]
    assert rows[4]["name"] == '=1+1,"x".jpg' and len(rows[0]["uuid"]) == 36
    rows = list(csv.DictReader(io.StringIO(run("items", "--csv", "--columns", "name,city").out)))
    assert rows[4]["city"] == "a\x1b[31m\nb" and list(rows[0]) == ["name", "city"]
    assert "--csv goes after list" in run("folders", "--csv", "list", code=2).err


def test_columns_are_chosen_on_every_table_of_items(run):
    for line in ("items", "search", "collections show C", "datasets show D"):
        said = run(*line.split(), "--columns", "city,name").out
        assert said.splitlines()[0].split()[-2:] == ["city", "name"], line
        assert "there is no field" in run(*line.split(), "--columns", "nonsense", code=1).err


def test_control_characters_are_shown_and_do_nothing(run):
    said = run("items", "--columns", "city").out
    assert r"a\x1b[31m\nb" in said and "\x1b" not in said


def test_text_is_measured_in_cells_of_a_terminal():
    assert [screen.cells(text) for text in ("abc", "東京", "e\u0301", "🇩🇪", "👩‍👩‍👧")] == [3, 4, 1, 2, 2]
    assert screen.cut_end("東京の写真", 6) == "東京…"
    assert screen.cut_end("e\u0301e\u0301e\u0301e\u0301", 3) == "e\u0301e\u0301…"
    assert screen.cut_middle("0123456789", 5) == "01…89"
    assert screen.cut_middle("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 5) == "👩‍👩‍👧…👩‍👩‍👧"
    assert screen.cut_end("🇩🇪🇫🇷", 3) == "🇩🇪…"


def test_cells_that_differ_are_cut_so_that_they_differ():
    for texts in (
        ["beginning-1-" + "x" * 50, "beginning-2-" + "x" * 50],
        ["x" * 50 + "-1.jpg", "x" * 50 + "-2.jpg"],
        ["x" * 50 + "1" + "x" * 50, "x" * 50 + "2" + "x" * 50, "short"],
    ):
        cut = distinct(texts, 20)
        assert len(set(cut)) == len(texts) and all(screen.cells(text) <= 20 for text in cut)


def test_columns_become_narrower_and_then_fewer():
    def widths(natural, width, fixed=(), empty=()):
        places = range(len(natural))
        kept = [place in fixed for place in places]
        return fitted(natural, kept, kept, [place in empty for place in places], width)

    assert widths([10, 20], 80) == [10, 20]
    assert widths([10, 60, 30], 70) == [10, 28, 28]
    assert widths([10, 60, 30], 75, empty=[2]) == [10, 60, 0]
    assert widths([10, 60, 30], 50, empty=[2]) == [10, 38, 0]
    narrow = widths([60, 6, 20, 20, 20], 40, fixed=[1])
    assert narrow[1] == 6 and narrow[0] >= 24 and narrow[-1] == 0 and sum(narrow) <= 38
    assert widths([200], 80) == [80]


def test_one_long_cell_does_not_widen_the_others_in_a_pipe(capsys):
    tables.print_table(["url", "n"], [("x" * 500, 1), ("short", 2)], "none")
    long, short = capsys.readouterr().out.splitlines()[1:]
    assert len(long) > 500 and len(short) < 70


def test_numbers_stand_on_the_right(capsys):
    tables.print_table(["name", "n", "size"], [("007", 1, tables.Size(5)), ("12", 20_000, None)], "none")
    assert capsys.readouterr().out.splitlines() == [
        "name       n  size",
        "007        1   5 B",
        "12    20,000",
    ]
