"""The project itself: format, lint, types, floors, and what must never be in it."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from heron.cli.plugin_template import KINDS, write_plugin

ROOT = Path(__file__).parent.parent
TOOLS = {
    "ruff check": [sys.executable, "-m", "ruff", "check", "."],
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "import-linter": [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
def test_the_tool_has_nothing_to_say(tool):
    done = subprocess.run(TOOLS[tool], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_types_are_right_here_and_in_a_new_plugin_with_a_part_of_every_kind(tmp_path):
    """One run for both, since most of its time goes into what they import."""
    write_plugin("mine", tmp_path, list(KINDS))
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]
    files = [str(path) for pattern in patterns for path in ROOT.glob(pattern)]
    assert len(files) > len(patterns)
    assert (ROOT / "core" / "heron" / "py.typed").is_file()  # or an author's mypy would not see the types
    mine = tmp_path / "heron-mine" / "heron_mine"
    command = [sys.executable, "-m", "mypy", "--strict", *files, str(mine)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (mine / "wrong.py").write_text("import heron\n\nopened: int = heron.open('.')\n")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert re.search(r"wrong.py:3: error: .*Workspace", done.stdout), done.stdout + done.stderr


def test_no_modules_import_each_other_in_a_circle():
    """Imports for type checking count too. What is left after taking away, again and again, who imports nobody."""
    graph = grimp.build_graph("heron", cache_dir=None)
    left = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while free := {module for module, imported in left.items() if not imported & left.keys()}:
        left = {module: imported for module, imported in left.items() if module not in free}
    assert left == {}


@pytest.mark.xdist_group("one_worker")
def test_tests_of_a_group_run_in_one_worker(request):
    """With versions of pytest and pytest-xdist that do not fit together, groups are ignored without a word."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("there is one process: run with -n")
    assert request.node.nodeid.endswith("@one_worker")


def sources():
    return [
        path
        for part in ("core", "plugins", "tests", "benchmarks", "docs")
        for path in (ROOT / part).rglob("*.py")
    ]


def test_every_module_begins_with_a_sentence():
    for path in sources():
        text = path.read_text()
        if text.strip() and "tests" not in path.parts:
            assert re.match(r'"""[A-Z`].*', text), path


def test_modules_of_the_core_stay_small():
    long = {
        str(path): lines
        for path in (ROOT / "core").rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    long.pop(
        str(ROOT / "core" / "heron" / "__init__.py"), None
    )  # a list of names, which formatters make long
    assert long == {}


SQL = re.compile(
    r"\b(SELECT\s|INSERT (OR \w+ )?INTO\b|UPDATE \S+ SET\b|DELETE FROM\b|REPLACE INTO\b|(FROM|JOIN) \w+ WHERE\b)"
)
HOLDS_SQL = re.compile(r"core/heron/(catalog/.+|search/sqlite\w*)\.py")
OF_FILES = {
    "core/heron/ingest/vector_files/parquet.py", "core/heron/ingest/metadata_files.py",
    "core/heron/ingest/manifest/gathering.py", "core/heron/ingest/datasets/joined.py",
    "core/heron/testing/query_functions.py",
}  # fmt: skip
"""Modules whose SQL is for other files: Parquet with DuckDB, and rows that wait in a temporary file of SQLite."""


def texts(path):
    """The texts in a module, but those that stand alone, such as docstrings."""
    tree = ast.parse(path.read_text())
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_sql_on_the_catalogue_is_written_in_the_catalogue_and_in_the_sqlite_engine_alone():
    """Modules with SQL for other files have no way to the catalogue."""
    for path in (path for part in ("core/heron", "plugins") for path in (ROOT / part).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if HOLDS_SQL.fullmatch(name) or "tests" in path.parts:
            continue
        if name in OF_FILES:
            assert not re.search(r"\bDatabase\b|_database\b", path.read_text()), name
            continue
        for text in texts(path):
            assert not SQL.search(text), f"{name}: {text}"


def test_no_secret_and_no_place_of_a_machine_is_in_the_sources():
    bad = re.compile(r"(AKIA[0-9A-Z]{16}|BEGIN (RSA |EC )?PRIVATE KEY|/home/\w+/|/Users/\w+/)")
    for path in [*sources(), *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "pyproject.toml"]:
        if path != Path(__file__):
            assert not bad.search(path.read_text()), path
