"""Completion of values: names from the catalogue, fast, without messages or writes."""

import os
import shutil
import subprocess
import sys

import pytest

import heron
from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.naming import Names
from heron.models import MediaFacts, NewItem
from tests.counting import steps

EXE = [sys.executable, "-c", "from heron.cli.main import run; run()"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace with something under every noun; some names need quotes."""
    place = tmp_path_factory.mktemp("completed")
    with heron.open(place, discover=False) as workspace:
        workspace.schema.add_scalar("city", "varchar")
        workspace.schema.add_scalar("captured", "datetime")
        workspace.schema.add_embedding("look", 2)
        workspace.folders.create("Driving/2026")
        workspace.folders.create("Rainy, nights")
        facts = MediaFacts("image", "image/png")
        names = ("a one.png", "b.png")
        new = [NewItem(f"s3://b/{number}", facts, name) for number, name in enumerate(names)]
        workspace.registration.register(new, "Driving/2026")
        workspace.vectors.add("look", "a one.png", [[1.0, 0.0]])
        workspace.collections.create("Best of 'em")
        workspace.datasets.create("night-1")
        workspace.presets.create("nights", heron.Query(where="width > 1"))
        workspace.integrations.create("lab", "local")
    return place


def asking(words):
    """The environment by which bash asks for the completion of the last of some words."""
    asked = {"_HERON_COMPLETE": "bash_complete", "COMP_WORDS": "\n".join(["heron", *words])}
    return {**os.environ, **asked, "COMP_CWORD": str(len(words))}


def completed(place, words):
    """The values that are offered for the last of some words."""
    done = subprocess.run(EXE, cwd=place, env=asking(words), capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


CASES = {
    ("items", "--folder", "D"): ["Driving", "Driving/2026"],
    ("folders", "show", "R"): ["Rainy,\\ nights"],
    ("items", "show", "a"): ["a\\ one.png"],
    ("search", "--item", "a"): ["a\\ one.png"],
    ("collections", "show", ""): ["Best\\ of\\ \\'em"],
    ("search", "--collection", "B"): ["Best\\ of\\ \\'em"],
    ("datasets", "export", "n"): ["night-1"],
    ("leakage", "night-1", "n"): ["night-1"],
    ("search", "--preset", "n"): ["nights"],
    ("presets", "show", "n"): ["nights"],
    ("integrations", "check", "l"): ["lab"],
    ("import", "--integration", "l"): ["lab"],
    ("search", "--key", ""): ["look"],
    ("vectors", "rebuild", "l"): ["look"],
    ("metadata", "merge", "c"): ["city=", "captured="],
    ("schema", "index", "ci"): ["city"],
    ("search", "--sort", "-width,-ci"): ["-width,-city"],
    ("search", "--sort", "capt"): ["captured", "captured_at"],
    ("plot", "look", "--color", "ci"): ["city"],
    ("datasets", "export", "x", "--format", "csv"): ["csv", "csv-frames", "csv-members"],
    ("embed", "--embedder", "vis"): ["visual"],
    ("schema", "add", "x", "varc"): ["varchar"],
    ("integrations", "add", "x", "--backend", "lo"): ["local"],
    ("data",): ["datasets"],
    ("collections", "create", "B"): [],
}


@pytest.mark.slow
@pytest.mark.parametrize(("words", "expected"), CASES.items(), ids=lambda value: " ".join(value))
def test_values_are_completed(place, words, expected):
    assert completed(place, words) == expected


@pytest.mark.parametrize(("shell", "typed"), [("zsh", "3"), ("fish", "a")])
def test_other_shells_quote_by_themselves(place, shell, typed):
    asked = {"_HERON_COMPLETE": f"{shell}_complete", "COMP_WORDS": "heron items show a", "COMP_CWORD": typed}
    done = subprocess.run(EXE, cwd=place, env={**os.environ, **asked}, capture_output=True, text=True)
    assert "a one.png" in done.stdout
    assert "b.png" not in done.stdout


@pytest.mark.slow
def test_bash_puts_names_with_blanks_in_whole(place):
    heron_command = place / "bin" / "heron"
    heron_command.parent.mkdir(exist_ok=True)
    heron_command.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from heron.cli.main import run; run()" "$@"\n'
    )
    heron_command.chmod(0o755)
    script = (
        'eval "$(heron completion bash)"; COMP_CWORD=3; COMP_WORDS=(heron search --collection "$1"); '
        "_heron_completion heron; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    environment = {**os.environ, "PATH": f"{heron_command.parent}:{os.environ['PATH']}"}

    def offered(typed):
        command = ["bash", "-c", script, "bash", typed]
        return subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert offered("B") == "Best\\ of\\ \\'em\n"
    assert offered('"Best of') == "Best of 'em\n"


def test_a_workspace_is_found_by_its_option(place, tmp_path):
    assert completed(tmp_path, ["-w", str(place), "folders", "show", "Dri"]) == ["Driving", "Driving/2026"]


def test_what_is_not_there_offers_nothing(tmp_path, place):
    assert completed(tmp_path, ["folders", "show", ""]) == []
    shutil.copytree(place, tmp_path / "copy")
    (tmp_path / "copy" / ".heron" / "catalog.db").write_bytes(b"nonsense" * 1000)
    assert completed(tmp_path / "copy", ["folders", "show", ""]) == []


def test_nothing_is_written(place):
    def state():
        return {p.name: (p.stat().st_mtime_ns, p.stat().st_size) for p in (place / ".heron").iterdir()}

    before = state()
    assert completed(place, ["folders", "show", "Dri"])
    assert completed(place, ["items", "show", "a"])
    assert state() == before


def test_names_are_seen_while_somebody_writes(place):
    with heron.open(place, discover=False) as workspace, workspace._database.write():
        workspace.folders.create("Unfinished")
        assert completed(place, ["folders", "show", "Dri"]) == ["Driving", "Driving/2026"]
        assert completed(place, ["folders", "show", "Unf"]) == []
        workspace.folders.delete("Unfinished")


def test_what_the_user_may_not_see_is_not_offered(place):
    class Hiding(Access):
        def granted(self, verb, noun, alias, standing):
            return f"{alias}.path LIKE 'Driving%'" if noun in ("folder", "item") else "0"

    database = Database(place / ".heron", create=False, read_only=True)
    names = Names(database, Hiding(database))
    assert names.beginning("folder", "") == ["Driving", "Driving/2026"]
    assert names.beginning("item", "a") == ["a one.png"]
    for noun in ("collection", "dataset", "preset", "integration", "vector"):
        assert names.beginning(noun, "") == []
    database.close()


def test_completion_costs_the_same_among_a_thousand_items_and_among_twenty_thousand(tmp_path):
    facts = MediaFacts("image", "image/png")

    def cost(workspace):
        names = Names(workspace._database, workspace.access)
        return [
            steps(workspace._database, lambda: found.append(names.beginning("item", "picture-0009"))),
            steps(workspace._database, lambda: found.append(names.beginning("item", ""))),
            steps(workspace._database, lambda: found.append(names.beginning("folder", ""))),
            steps(workspace._database, lambda: found.append(names.keys())),
        ]

    costs, found = [], []
    with heron.open(tmp_path, discover=False) as workspace:
        for first, end in ((0, 1000), (1000, 20_000)):
            new = (NewItem(f"s3://b/{n}", facts, f"picture-{n:06}.png") for n in range(first, end))
            workspace.registration.register(new, "F")
            costs.append(cost(workspace))
    assert [len(names) for names in found[:3]] == [len(names) for names in found[4:7]] == [100, 100, 1]
    assert all(many <= few + 500 for few, many in zip(*costs, strict=True)), costs
    assert max(costs[1]) < 10_000, costs


def test_completion_imports_nothing_heavy(place):
    script = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
        "from heron.cli.main import run; run()"
    )
    command = [sys.executable, "-c", script]
    for words in (["items", "show", "a"], ["items", "--folder", ""], ["search", "--sort", "w"]):
        done = subprocess.run(command, cwd=place, env=asking(words), capture_output=True, text=True)
        assert done.stdout
        assert "heron.cli.completing" in done.stderr.split()
        assert not {"numpy", "PIL", "sqlglot", "rich", "fsspec", "loky"} & set(done.stderr.split())
