"""The command line: what it prints, its exit status, and one line for every error."""

import io
import json
import os
import subprocess
import sys

import pytest

from heron.cli.main import COMMANDS, main, status
from tests.conftest import draw
from tests.test_catalogue_file import without_override

EXE = [sys.executable, "-c", "from heron.cli.main import run; run()"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty folder; returns what it printed, and checks its exit status."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, exit_status=0):
        assert status(list(arguments)) == exit_status, capsys.readouterr()
        out, err = capsys.readouterr()
        if exit_status == 1:
            assert len(err.strip().splitlines()) == 1, err
            assert err.startswith("Error: ")
            assert "Traceback" not in err
        return err if exit_status in (1, 2) else out

    return call


@pytest.fixture
def lake(run, tmp_path):
    """A workspace with three pictures in folder P."""
    run("init")
    for number in range(3):
        draw(tmp_path / "in" / f"p{number}.jpg", size=(64 + number, 48), seed=number)
    run("import", "in", "--folder", "P")
    return run


def items(run, *arguments):
    return json.loads(run("search", "--json", *arguments))["items"]


def commands():
    """Every command of the program, groups and subcommands."""
    import click

    with click.Context(main, info_name="heron") as context:
        for name in main.list_commands(context):
            command = main.get_command(context, name)
            yield (name,), command
            for sub in command.list_commands(context) if isinstance(command, click.Group) else ():
                yield (name, sub), command.get_command(context, sub)


@pytest.mark.parametrize(("path", "command"), [pytest.param(p, c, id=" ".join(p)) for p, c in commands()])
def test_every_help_has_a_sentence_and_an_example_that_names_the_command(run, path, command):
    text = run(*path, "--help")
    assert "Example:" in text
    assert f"heron {path[0]}" in text.partition("Example:")[2]


def test_summaries_of_the_help_are_those_of_the_commands():
    for (name, *sub), command in commands():
        if not sub:
            assert command.help.partition("\n")[0] == COMMANDS[name]


def test_without_a_workspace_every_command_says_what_to_do(run):
    for line in ("items", "folders", "search", "schema", "collections", "datasets", "presets", "imports"):
        assert "there is no workspace" in run(line, exit_status=1)
        assert "heron init" in run(line, exit_status=1)


def test_the_workspace_is_found_upwards_by_option_and_by_environment(lake, tmp_path, monkeypatch):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    assert len(items(lake)) == 3
    monkeypatch.chdir("/")
    assert "p0.jpg" in lake("-w", str(tmp_path), "items")
    monkeypatch.setenv("HERON_WORKSPACE", str(tmp_path))
    assert "p0.jpg" in lake("items")
    assert "is not a workspace" in lake("-w", str(tmp_path / "deep"), "items", exit_status=1)


def test_a_second_init_is_refused(lake):
    assert "is a workspace already" in lake("init", exit_status=1)


def test_wrong_usage_exits_with_2(lake):
    assert "Did you mean items?" in lake("item", exit_status=2)
    lake("import", exit_status=2)
    lake("items", "--limit", "0", exit_status=2)
    lake("items", "--limit", "many", exit_status=2)
    lake("metadata", "merge", "city=x", exit_status=2)
    lake("metadata", "merge", "city", "--folder", "P", exit_status=2)


def test_lists_are_tables_for_people_and_json_for_programs(lake):
    assert lake("items").splitlines()[0].split() == [
        "name", "id", "folder", "kind", "size", "dimensions", "collections",
    ]  # fmt: skip
    for line in (
        "folders list", "schema show", "schema types", "presets list", "collections list", "datasets list",
        "imports list", "plugins list", "items list", "search", "metadata verify", "schema verify", "imports report 1",
    ):  # fmt: skip
        json.loads(lake(*line.split(), "--json"))


def test_pages_lead_to_each_other(lake):
    first = json.loads(lake("search", "--sort", "-width", "--limit", "2", "--json"))
    second = json.loads(
        lake("search", "--sort", "-width", "--limit", "2", "--cursor", first["cursor"], "--json")
    )
    assert [i["name"] for i in first["items"] + second["items"]] == ["p2.jpg", "p1.jpg", "p0.jpg"]
    assert second["cursor"] is None
    page = json.loads(lake("items", "--limit", "2", "--json"))
    assert [i["name"] for i in json.loads(lake("items", "--cursor", page["cursor"], "--json"))["items"]] == [
        "p2.jpg"
    ]


@pytest.mark.slow
def test_a_whole_walk_from_schema_to_dataset(lake, tmp_path):
    lake("schema", "add", "city", "varchar")
    lake("schema", "add", "dark", "boolean")
    lake("schema", "add", "weather", "enum", "--option", "sun", "--option", "rain")
    lake("schema", "add-options", "weather", "fog")
    lake("schema", "index", "city")
    lake("metadata", "merge", "city=Algiers", "dark=true", "weather=fog", "--where", "width >= 65")
    assert [i["metadata"]["dark"] for i in items(lake, "--where", "city = 'Algiers'")] == [True, True]
    lake("metadata", "merge", "city=", "--where", "width = 65")
    assert lake("search", "--where", "city IS NULL", "--count").strip() == "2"
    lake("presets", "create", "big", "--where", "width > 64", "--sort", "-width")
    assert lake("search", "--preset", "big", "--where", "dark", "--count").strip() == "2"
    lake("collections", "create", "Big", "--preset", "big")
    assert items(lake, "--where", "in_collection('Big')")[0]["tags"] == ["Big"]
    lake("datasets", "create", "D", "--collection", "Big")
    assert "2 rows" in lake("datasets", "export", "D", "-o", "d.csv")
    assert (tmp_path / "d.csv").read_text().count("\n") == 3
    lake("schema", "dump", "schema.toml")
    lake("schema", "delete", "city")
    lake("schema", "load", "schema.toml")
    assert json.loads(lake("schema", "show", "--json"))["city"] == {"type": "varchar", "indexed": True}


def test_names_from_a_file_are_reported_as_matched_ambiguous_and_unmatched(lake, tmp_path):
    lake("import", "in/p0.jpg", "--folder", "Q")
    (tmp_path / "names.txt").write_text("p0.jpg\np1.jpg\nnobody.jpg\n")
    text = lake("collections", "create", "C", "--names", "names.txt")
    assert "1 matched, 1 ambiguous, 1 unmatched" in text
    assert "unmatched: nobody.jpg" in text


def test_deleting_asks_and_says_what_it_would_delete(lake):
    lake("collections", "create", "C", "--folder", "P")
    text = lake("folders", "delete", "P", exit_status=2)
    assert "0 folders and 3 items" in text and "3 memberships in collections" in text
    lake("folders", "delete", "P", "--yes")
    assert items(lake) == []


def test_the_report_of_an_import_is_kept_and_written_as_csv(lake, tmp_path):
    (tmp_path / "in" / "broken.jpg").write_bytes(b"")
    assert "1 failed" in lake("import", "in", "--folder", "P", "--ignore-errors", exit_status=3)
    assert "is empty" in lake("imports", "report", "2")
    lake("imports", "report", "2", "-o", "report.csv")
    rows = (tmp_path / "report.csv").read_text().splitlines()
    assert rows[0] == "severity,place,url,reason" and rows[1].startswith("failure,")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["import", "nowhere", "--folder", "P"], "nowhere is not there"),
        (["import", "in", "--folder", "x" * 301], "at most 300"),
        (["import", "nobody://x/y", "--folder", "P"], "no storage is called 'nobody'"),
        (["schema", "add", "$a", "varchar"], "cannot start with $"),
        (["schema", "add", "a/b", "varchar"], "holds '/'"),
        (["schema", "add", "a", "varchr"], "did you mean varchar?"),
        (["schema", "add", "a", "enum"], "takes options"),
        (["schema", "load", "nowhere.json"], "is not there"),
        (["schema", "load", "schema.yaml"], "ends with .json or .toml"),
        (["search", "--where", "widht > 5"], "did you mean width?"),
        (["search", "--where", "width > 5; DROP TABLE items"], "more than one statement"),
        (["search", "--where", "width > '5'"], "expected a number"),
        (["search", "--cursor", "nonsense"], "the cursor is damaged"),
        (["search", "--preset", "nope"], "there is no preset"),
        (["items", "show", "nope"], "there is no item"),
        (["collections", "show", "nope"], "there is no collection"),
        (["datasets", "export", "nope", "-o", "x.json"], "there is no dataset"),
        (["metadata", "import", "nowhere.csv"], "is not there"),
        (["metadata", "import", "in/p0.jpg"], "a metadata file ends with"),
        (["imports", "report", "99"], "there is no import"),
        (["folders", "rename", "P", "a/b"], "cannot be '.' or '..', or contain '/'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_every_mistake_gets_one_line(lake, line, said):
    assert said in lake(*line, exit_status=1)


def test_an_unexpected_error_is_one_line_too(lake, monkeypatch):
    from heron.catalog.items import ItemService

    monkeypatch.setattr(ItemService, "page", lambda *_, **__: 1 / 0)
    assert "something unexpected happened: ZeroDivisionError" in lake("items", exit_status=1)


def test_a_closed_pipe_is_no_error(lake, tmp_path):
    shell = f"{sys.executable} -c 'from heron.cli.main import run; run()' items --json | head -c 5"
    done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(run, shell):
    assert "_HERON_COMPLETE" in run("completion", shell)


def test_completion_knows_the_commands(tmp_path):
    environment = {
        **os.environ,
        "_HERON_COMPLETE": "bash_complete",
        "COMP_WORDS": "heron da",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(EXE, env=environment, capture_output=True, text=True)
    assert "datasets" in done.stdout


HEAVY = [
    "numpy",
    "PIL",
    "pydicom",
    "s3fs",
    "av",
    "onnxruntime",
    "usearch",
    "pandas",
    "sqlite_utils",
    "sqlglot",
    "cattrs",
    "fsspec",
    "rich",
    "duckdb",
]


@pytest.mark.parametrize("code", ["import heron", "from heron.cli.main import status; status(['--help'])"])
def test_starting_imports_nothing_heavy(code):
    check = f"{code}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_loading_all_plugins_imports_nothing_heavy():
    check = (
        "from heron.builtin import plugin_manager; plugin_manager()\nimport sys\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# Where a workspace is made


def test_init_makes_the_workspace_that_the_option_or_the_environment_names(run, tmp_path, monkeypatch):
    run("-w", "by option", "init")
    monkeypatch.setenv("HERON_WORKSPACE", str(tmp_path / "by environment"))
    run("init")
    run("init", "by argument")
    assert sorted(path.parent.parent.name for path in tmp_path.glob("*/.heron/catalog.db")) == [
        "by argument", "by environment", "by option",
    ]  # fmt: skip
    assert not (tmp_path / ".heron").exists()


def test_init_refuses_two_different_folders(run, tmp_path):
    assert "Which folder?" in run("-w", "a", "init", "b", exit_status=2)
    assert list(tmp_path.iterdir()) == []
    run("-w", "a", "init", str(tmp_path / "a"))


# Interruptions and questions


class Screen(io.StringIO):
    """Standard input with somebody in front of it."""

    def isatty(self):
        return True


def test_an_interruption_says_where_to_look(lake, monkeypatch, capsys):
    from heron.catalog.items import ItemService

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(ItemService, "page", interrupt)
    assert status(["items"]) == 1
    assert "interrupted (heron imports shows what was kept)" in capsys.readouterr().err


def test_answering_no_changes_nothing_and_says_so(lake, monkeypatch):
    monkeypatch.setattr("sys.stdin", Screen("n\n"))
    assert "nothing was changed" in lake("folders", "delete", "P", exit_status=1)
    assert len(items(lake)) == 3


def test_replacing_by_nothing_asks_first(lake):
    lake("schema", "add", "city", "varchar")
    lake("metadata", "merge", "city=Oslo", "--folder", "P")
    assert "Remove all metadata of these items" in lake("metadata", "replace", "--folder", "P", exit_status=2)
    assert lake("search", "--where", "city = 'Oslo'", "--count").strip() == "3"
    lake("metadata", "replace", "--folder", "P", "--yes")
    assert lake("search", "--where", "city IS NULL", "--count").strip() == "3"


# Presets and choosing


def test_a_condition_cannot_break_out_of_its_preset(lake):
    lake("presets", "create", "first", "--where", "width = 64 -- of the first; /* ")
    assert [i["name"] for i in items(lake, "--preset", "first", "--where", "height = 48 -- x")] == ["p0.jpg"]
    for where in ("1=1) OR (1=1", "width > 0) OR (width > 0", "*/ ) OR (width > 0"):
        assert "is not a SQL condition" in lake(
            "search", "--preset", "first", "--where", where, exit_status=1
        )
    assert [i["name"] for i in items(lake, "--preset", "first", "--where", "width > 0 OR height > 0")] == [
        "p0.jpg"
    ]


def test_the_page_size_of_a_preset_does_not_cut_what_is_chosen(lake):
    lake("presets", "create", "one", "--where", "width > 0", "--limit", "1")
    assert len(items(lake, "--preset", "one")) == 1
    assert "3 items" in lake("collections", "create", "C", "--preset", "one")


def test_a_preset_is_shown(lake):
    lake("presets", "create", "one", "--where", "width > 0", "--limit", "1")
    assert "width > 0" in lake("presets", "show", "one")
    assert json.loads(lake("presets", "show", "one", "--json"))["query"]["limit"] == 1
    assert "there is no preset" in lake("presets", "show", "two", exit_status=1)


@pytest.mark.parametrize(
    "choice",
    [
        ["--backing-folder", "P", "--folder", "P"],
        ["--collection", "C", "--backing-folder", "P"],
    ],
)
def test_a_dataset_takes_its_items_from_one_place(lake, choice):
    lake("collections", "create", "C", "--folder", "P")
    assert "Which items?" in lake("datasets", "create", "D", *choice, exit_status=2)
    assert json.loads(lake("datasets", "list", "--json")) == {"items": [], "cursor": None}


# Written files


def test_a_written_file_leaves_those_beside_it_alone(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    (tmp_path / "keep.csv.part").write_text("mine")
    lake("datasets", "export", "D", "-o", "keep.csv")
    assert (tmp_path / "keep.csv.part").read_text() == "mine"
    assert not list(tmp_path.glob(".heron-*"))


def test_a_link_stays_a_link_and_the_rights_of_a_file_stay(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "d.csv"
    target.write_text("old")
    target.chmod(0o604)
    (tmp_path / "d.csv").symlink_to(target)
    lake("datasets", "export", "D", "-o", "d.csv")
    assert (tmp_path / "d.csv").is_symlink()
    assert target.read_text().count("\n") == 4
    assert target.stat().st_mode & 0o777 == 0o604


def test_a_pipe_is_written_to_and_stays(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    os.mkfifo(tmp_path / "d.csv")
    with subprocess.Popen(["cat", tmp_path / "d.csv"], stdout=subprocess.PIPE) as reader:
        lake("datasets", "export", "D", "-o", "d.csv")
        assert reader.communicate(timeout=10)[0].count(b"\n") == 4
    assert (tmp_path / "d.csv").is_fifo()


def test_a_dash_is_standard_output(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    assert len(json.loads(lake("datasets", "export", "D", "-o", "-", "--format", "json"))) == 3
    assert lake("imports", "report", "1", "-o", "-").splitlines() == ["severity,place,url,reason"]
    assert not (tmp_path / "-").exists()


def test_what_cannot_be_written_is_one_line(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    (tmp_path / "there.csv").mkdir()
    for target in ("nowhere/d.csv", "in/p0.jpg/d.csv"):
        assert "cannot be written" in lake("datasets", "export", "D", "-o", target, exit_status=1)
    assert "is a directory" in lake("datasets", "export", "D", "-o", "there.csv", exit_status=2)


def test_an_export_needs_a_format(lake):
    lake("datasets", "create", "D", "--folder", "P")
    assert "json, jsonl, csv" in lake("datasets", "export", "D", "-o", "d.doc", exit_status=2)
    lake("datasets", "export", "D", "-o", "d.doc", "--format", "csv")


# Long lists


@pytest.mark.slow
def test_long_tables_end_with_a_word_that_there_is_more(lake):
    lake("collections", "create", "C", "--folder", "P")
    lake("datasets", "create", "D", "--folder", "P")
    lake("metadata", "merge", "unknown=1", "--folder", "P")
    for line in ("collections show C", "datasets show D", "metadata verify", "schema verify"):
        assert len(lake(*line.split(), "--limit", "2").splitlines()) == 4, line
        assert "There is more" in lake(*line.split(), "--limit", "2")
        assert "There is more" not in lake(*line.split(), "--limit", "3")
        json.loads(lake(*line.split(), "--json"))
    shown = json.loads(lake("collections", "show", "C", "--json"))
    assert shown["collection"]["title"] == "C"
    assert [item["name"] for item in shown["items"]] == ["p0.jpg", "p1.jpg", "p2.jpg"]
    assert len(json.loads(lake("metadata", "verify", "--json", "--limit", "1"))) == 1


def test_lists_are_printed_as_they_come(lake, monkeypatch, capsys):
    from heron.catalog.collections import CollectionService

    lake("collections", "create", "C", "--folder", "P")
    item = items(lake)[0]["uuid"]

    def endless(self, title):
        while True:
            yield self._items.get(item)

    monkeypatch.setattr(CollectionService, "items", endless)
    assert len(lake("collections", "show", "C", "--limit", "5").splitlines()) == 7


# What reaches the screen

ESCAPE = "\x1b[31m\x9b2J\r"


def test_no_control_character_reaches_the_screen(lake, tmp_path):
    name = f"red{ESCAPE}"
    (tmp_path / "in" / f"{name}.txt").write_bytes(b"")
    (tmp_path / "names.txt").write_text(name + "nobody")
    said = [
        lake("import", "in", "--folder", "P", "--ignore-errors", exit_status=3),
        lake("imports", "report", "2"),
        lake("collections", "create", "Names", "--names", "names.txt"),
        lake("import", f"nowhere{ESCAPE}", "--folder", "P", exit_status=1),
        lake("datasets", "export", f"nobody{ESCAPE}", "-o", "x.csv", exit_status=1),
    ]
    for text in said:
        assert "red" in text or "nowhere" in text or "nobody" in text
        assert all(character.isprintable() or character == "\n" for character in text), text


def test_json_holds_control_characters_as_escapes_only(lake):
    lake("presets", "create", "p", "--where", "name = 'a\x9bb'")
    text = lake("presets", "list", "--json")
    assert "\x9b" not in text and json.loads(text)["items"][0]["query"]["where"] == "name = 'a\x9bb'"


def test_one_is_not_written_as_several(lake):
    lake("schema", "add", "city", "varchar")
    assert "into 1 item\n" in lake("metadata", "merge", "city=x", "--where", "width = 64")
    assert "of 1 row\n" in lake("datasets", "create", "D", "--where", "width = 64")
    assert "of 3 items\n" in lake("collections", "create", "C", "--folder", "P")


def test_a_boolean_of_a_row_is_written_as_in_json(lake):
    lake("schema", "add", "night", "boolean")
    lake("metadata", "merge", "night=true", "--folder", "P")
    lake("datasets", "create", "D", "--folder", "P")
    assert "night=true" in lake("datasets", "show", "D")


def test_an_item_is_shown_with_its_folder_and_the_time_of_its_file(lake):
    [first, *_] = items(lake)
    assert first["folder"] == "P" and first["modified_at"].endswith("Z")
    shown = lake("items", "show", first["uuid"])
    assert first["modified_at"] in shown and "folder" in shown


# Mistakes


def test_numbers_that_are_none_or_too_large_are_wrong_usage(lake):
    for cursor in ("²", "9" * 30):
        assert "is not a cursor" in lake("items", "--cursor", cursor, exit_status=2)
    for line in ("items", "search", "datasets show D", "metadata verify"):
        lake(*line.split(), "--limit", "9" * 20, exit_status=2)
    lake("datasets", "metadata", "D", "9" * 20, exit_status=2)


def test_a_row_past_the_end_is_not_there(lake):
    lake("datasets", "create", "D", "--folder", "P")
    assert "has no row 3, it has 3 rows" in lake("datasets", "metadata", "D", "3", exit_status=1)


def test_names_have_to_be_text(lake, tmp_path):
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in lake("collections", "create", "C", "--names", "names.txt", exit_status=1)


# Files that cannot be written, or are empty


def test_an_empty_catalogue_file_is_damaged(lake, tmp_path):
    (tmp_path / ".heron" / "catalog.db").write_bytes(b"")
    assert "is damaged" in lake("items", exit_status=1)
    assert (tmp_path / ".heron" / "catalog.db").stat().st_size == 0


@pytest.mark.slow
@pytest.mark.parametrize("in_use", [False, True])
def test_a_workspace_without_the_right_to_write_is_read(lake, tmp_path, in_use):
    command = without_override()
    home = tmp_path / ".heron"
    before = sorted(path.name for path in home.iterdir())

    def call(*arguments):
        return subprocess.run(
            [*command, *EXE, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    import heron

    user = heron.open(tmp_path, discover=False) if in_use else None
    if user:
        user.folders.create("While open")
    files = list(home.iterdir())
    for path in (*files, home, tmp_path):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for line in ("items", "folders", "search --where width>0", "schema", "imports", "metadata verify"):
            assert (done := call(*line.split())).returncode == 0, done.stderr
        assert "p0.jpg" in call("items").stdout
        assert ("While open" in call("folders").stdout) == in_use
        refused = call("folders", "create", "New")
    finally:
        for path in (tmp_path, home, *files):
            path.chmod(0o755)
        if user:
            user.close()
    assert refused.returncode == 1
    assert "can be read, but not written" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert sorted(path.name for path in home.iterdir()) == before


def test_a_table_fits_the_screen_by_leaving_out_empty_columns_then_shortening(monkeypatch, capsys):
    from heron.cli import tables

    monkeypatch.setattr(tables.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "50")
    tables.print_table(["name", "id", "tags"], [(f"a-{'very-' * 20}long-name.jpg", "0123ab", "")], "none")
    head, row = capsys.readouterr().out.splitlines()
    assert "tags" not in head
    assert row.endswith("0123ab") and "…" in row and len(row) == 50


def test_a_key_that_the_schema_does_not_know_is_pointed_out(lake):
    lake("schema", "add", "city", "varchar")
    assert "ciyt is not in the schema, it is stored as given (did you mean city?)" in lake(
        "metadata", "merge", "ciyt=Oslo", "--folder", "P"
    )
    assert "not in the schema" not in lake("metadata", "merge", "city=Oslo", "--folder", "P")


def test_a_key_named_like_a_field_is_pointed_out(lake):
    assert "item.size is the field of the item" in lake("schema", "add", "size", "varchar")


# Frames


@pytest.fixture
def film(run, tmp_path):
    """A workspace with an animation of five frames as item `film.gif`."""
    from PIL import Image

    run("init")
    pages = [Image.new("RGB", (40, 30), (number * 40, 0, 0)) for number in range(5)]
    pages[0].save(tmp_path / "film.gif", save_all=True, append_images=pages[1:], duration=500)
    run("import", "film.gif", "--folder", "F")
    return run


def test_key_frames_are_set_listed_extracted_and_removed(film, tmp_path):
    assert film("keyframes", "set", "film.gif", "1", "3", "-m", "event=braking") == (
        "film.gif has 2 frames in the catalogue.\n"
    )
    film("keyframes", "set", "film.gif", "1.2", "--seconds", "--sampling-rate", "1")
    listed = json.loads(film("keyframes", "list", "film.gif", "--json"))["items"]
    assert [(f["number"], f["seconds"], f["is_key"]) for f in listed] == [
        (0, 0.0, False), (1, 0.5, True), (2, 1.0, True), (3, 1.5, True), (4, 2.0, False),
    ]  # fmt: skip
    assert listed[1]["metadata"] == {"event": "braking"}
    assert "event=braking" in film("keyframes", "list", "film.gif", "--keys")
    written = json.loads(film("keyframes", "extract", "film.gif", "--keys", "-o", "out", "--json"))["files"]
    assert written == [f"out/film-00000{number}.png" for number in (1, 2, 3)]
    assert film("keyframes", "remove", "film.gif", "1", "9") == "Removed 1 frame of film.gif\n"
    assert (
        film("keyframes", "set", "film.gif", "2", "--replace") == "film.gif has 2 frames in the catalogue.\n"
    )


def test_key_frames_are_set_for_chosen_items_and_failures_are_told(film, tmp_path, capsys):
    draw(tmp_path / "one.png")
    film("import", "one.png", "--folder", "F")
    assert (
        film("keyframes", "set", "--item", "film.gif", "1", "3") == "1 item has 2 frames in the catalogue.\n"
    )
    assert status(["keyframes", "set", "--folder", "F", "2", "--json"]) == 1
    done = json.loads(capsys.readouterr().out)
    assert (done["items"], done["frames"], len(done["problems"])) == (1, 3, 1)
    assert json.loads(film("keyframes", "list", "film.gif", "--json"))["items"][1]["number"] == 2
    for wrong in ((), ("film.gif",), ("--folder", "F"), ("film.gif", "soon"), ("--folder", "F", "--", "-1")):
        film("keyframes", "set", *wrong, exit_status=2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["5"], "film.gif: there is no frame 5, it has 5 frames"),
        (["1.5"], "film.gif: 1.5 is not a frame number (seconds go with --seconds)"),
        (["nan"], "film.gif: nan is not a frame number"),
        (["inf", "--seconds"], "film.gif: nothing is shown at inf s"),
        (["3.1", "--seconds"], "film.gif: nothing is shown at 3.1 s, it has 5 frames"),
    ],
)
def test_frames_that_cannot_be_are_refused(film, arguments, reason):
    assert reason in film("keyframes", "set", "film.gif", *arguments, exit_status=1)
    assert film("keyframes", "list", "film.gif").startswith("film.gif has no frames in the catalogue.")


def test_frames_are_searched_counted_and_paged(film):
    film("keyframes", "set", "film.gif", "0", "2", "4")
    assert film("search", "--frames", "--where", "frame.number > 1", "--count") == "2\n"
    page = json.loads(film("search", "--frames", "--sort", "-frame.number", "--limit", "2", "--json"))
    assert [frame["number"] for frame in page["items"]] == [4, 2]
    rest = film("search", "--frames", "--sort", "-frame.number", "--limit", "2", "--cursor", page["cursor"])
    assert "film.gif" in rest
    assert "More:" not in rest
    told = film("search", "--where", "frame.number > 1", exit_status=1)
    assert "frame.number is a field of frames (search frames: heron search --frames)" in told


def test_pictures_are_shown_as_files_and_text_as_text(film, tmp_path):
    assert (
        film("show", "film.gif", "--frame", "3", "-o", "f.png", "--size", "20") == "Wrote f.png (20 x 15)\n"
    )
    assert "there is no" in film("show", "nothing.gif", exit_status=1)
    (tmp_path / "a.txt").write_text("plain \x1b[31mwords\n")
    film("import", "a.txt", "--folder", "F")
    assert "plain  [31mwords" in film("show", "a.txt", "--text")
    assert "contains no text" in film("show", "film.gif", "--text", exit_status=1)
    made = json.loads(film("thumbnails", "--folder", "F", "--json"))
    assert made["failed"] == 0
    assert made["items"] >= 1


def test_metadata_for_no_known_item_is_a_failure_and_for_several_is_said(lake, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"name": "nobody.jpg", "city": "Oslo"}\n')
    assert "--by uuid, url, path or name" in lake("metadata", "import", "rows.jsonl", exit_status=1)
    lake("import", "in/p0.jpg", "--folder", "Q")
    (tmp_path / "rows.jsonl").write_text('{"name": "p0.jpg", "city": "Oslo"}\n')
    assert "2 items, none changed: p0.jpg" in lake("metadata", "import", "rows.jsonl")
