"""README and docs tell the truth: blocks are generated, examples run, links lead somewhere."""

import importlib.util
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import heron
from tests.conftest import draw

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "benchmarks").glob("*.md"),
]
spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", generate.PAGES)
def test_generated_blocks_are_up_to_date(page):
    text = (ROOT / page).read_text()
    assert text == generate.rewritten(text), "run: python docs/generate.py"


@pytest.fixture
def tour(tmp_path):
    for number in range(4):
        draw(tmp_path / "pictures" / f"a{number}.jpg", size=(320 + number, 240), seed=number)
    return tmp_path


@pytest.mark.slow
def test_the_tour_in_the_shell_works_line_by_line(tour):
    [_, _, text] = blocks("README.md", "sh")
    program = tour / "heron"
    program.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from heron.cli.main import run; run()' \"$@\"\n"
    )
    program.chmod(0o755)
    lines = text.strip().splitlines()
    assert len(lines) <= 10
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", f'PATH="{tour}:$PATH"; {line}'], cwd=tour, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout, line
    assert (tour / "rain-1.csv").read_text().count("\n") == 5


def test_the_tour_in_python_works_line_by_line(tour, monkeypatch):
    monkeypatch.chdir(tour)
    [text] = blocks("README.md", "python")
    names = {}
    for line in text.strip().splitlines():
        exec(line, names)
    assert names["report"].embedded == 4
    assert len(names["alike"]) == 3
    assert len(names["hits"]) == 4
    assert names["dataset"].row_count == 4
    names["ws"].close()
    assert (tour / "rain-1.json").exists()


def test_the_two_commands_are_what_ci_runs():
    first, second, *_ = blocks("README.md", "sh")
    script = (ROOT / ".ci" / "run").read_text()
    assert (
        "install --quiet '.[media,clip,plot,columns,explore]' &&" in first
        and "install --quiet '.[media,clip,plot,columns,explore]'\n" in script
    )
    assert "heron quickstart" in first and 'heron" quickstart' in script
    assert "install --quiet -e '.[test]'" in second and "install --quiet --editable '.[test]'" in script


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("hook", generate.plugins._hooks(), ids=lambda hook: hook.__name__)
def test_the_example_of_every_hook_is_a_working_plugin(hook, tmp_path):
    from heron.hooks import PluginManager

    [indented] = re.findall(r"```python\n(.*?)```", inspect.cleandoc(hook.__doc__), re.DOTALL)
    code = textwrap.dedent(indented)
    module = type(sys)("example_plugin")
    module.__file__ = str(tmp_path / "example_plugin.py")
    exec(compile(code, hook.__name__, "exec"), vars(module))
    manager = PluginManager(discover=False, plugins=[module])
    [status] = manager.statuses
    assert not status.status.startswith(("failed", "conflict")), status.status
    if hook.__name__.startswith("register_"):
        assert len([each for each in status.contributions if not each.startswith("event ")]) == 1
    else:
        with heron.open(tmp_path, plugins=[module], discover=False) as workspace:
            (tmp_path / "a.txt").write_text("words")
            workspace.ingest.files([tmp_path / "a.txt"], folder="A")
            workspace.datasets.create("D", items=workspace.items.list())


def test_public_names_are_sorted_documented_and_there():
    assert heron.__all__ == sorted(heron.__all__)
    for name in heron.__all__:
        assert getattr(heron, name).__doc__ or name == "__version__"
