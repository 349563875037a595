"""The command line: what it prints, its exit status, and one line for every error."""

import io
import json
import os
import subprocess
import sys

import pytest

from heron.cli.main import COMMANDS, main, status
from tests.conftest import draw

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
            yield from _with_subcommands((name,), command, context)


def _with_subcommands(path, command, context):
    import click

    yield path, command
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        yield from _with_subcommands((*path, name), command.get_command(context, name), context)


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


@pytest.mark.parametrize("arguments", [["items"], ["folders", "list"], ["items", "show", "a.jpg"]])
def test_reading_the_catalogue_loads_no_plugin_framework(workspace, arguments):
    """The modules of hooks take a fifth of the time of such a command."""
    program = (
        "import sys; from heron.cli.main import status; "
        f"status({arguments}); print([name for name in sys.modules if name.startswith('heron.hooks')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=workspace.root, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_conditions_on_a_small_lake_are_answered_without_numpy(workspace):
    program = (
        "import sys; from heron.cli.main import status; status(['search', '--where', 'size > 0']); "
        "print([name for name in ('numpy', 'polars') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=workspace.root, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


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
