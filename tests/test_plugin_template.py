"""`heron plugins new` writes a project that works as it is."""

import importlib
import subprocess
import sys

import pytest

import heron
from heron.cli.plugin_template import KINDS, write_plugin
from heron.cli.plugin_template import project as plugin_project
from heron.hooks import program_specs, specs


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a part of every kind."""
    place = tmp_path_factory.mktemp("template")
    write_plugin("mine", place, list(KINDS))
    return place / "heron-mine"


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["pytest", "ruff"])
def test_a_new_plugin_of_every_kind_passes(project, tool):
    arguments = {
        "pytest": ["pytest", "-q", "-p", "no:cacheprovider", "-p", "heron.pytest_plugin"],
        "ruff": ["ruff", "check", "--select", "E,F,I", "--line-length", "160", "."],
    }
    done = subprocess.run(
        [sys.executable, "-m", *arguments[tool]], cwd=project, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert tool != "pytest" or " passed" in done.stdout


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_a_new_plugin_of_one_kind_is_loaded_with_what_it_brings(tmp_path, monkeypatch, kind):
    write_plugin(f"only_{kind or 'usual'}".lower(), tmp_path, [kind] if kind else ())
    name = f"only_{kind or 'usual'}"
    monkeypatch.syspath_prepend(str(tmp_path / f"heron-{name.replace('_', '-')}"))
    module = importlib.import_module(f"heron_{name}")
    with heron.open(tmp_path, plugins=[module], discover=False) as workspace:
        status = workspace.plugins.statuses[-1]
        assert status.status == "loaded"
        assert status.contributions


def test_every_hook_has_a_kind():
    hooks = {name for name in {**vars(specs), **vars(program_specs)} if name.startswith("register_")}
    text = "".join(
        text
        for kind in KINDS
        for place, text in plugin_project("mine", [kind]).items()
        if place.endswith("__init__.py")
    )
    assert {hook for hook in hooks if f"def {hook}(" not in text} == {
        "register_kinds",
        "register_options",
        "register_tables",
    }


def test_names_that_python_cannot_import_are_refused(tmp_path):
    for name in ("Media", "media-mine", "../x", "1x", ""):
        with pytest.raises(heron.InvalidInput, match="cannot name a plugin"):
            write_plugin(name, tmp_path)


def test_nothing_is_overwritten(tmp_path):
    write_plugin("mine", tmp_path)
    with pytest.raises(heron.AlreadyExists):
        write_plugin("mine", tmp_path)
