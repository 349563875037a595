"""`heron plugins new` writes a project that works as it is."""

import importlib
import shlex
import struct
import subprocess
import sys

import pytest
from PIL import Image

import heron
from heron.cli.main import status
from heron.cli.plugin_template import KINDS, USES, uses, write_plugin
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
        "pytest": [
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:schemathesis",
            "-p",
            "heron.pytest_plugin",
        ],
        "ruff": ["ruff", "check", "--select", "E,F,I", "--line-length", "160", "."],
    }
    done = subprocess.run(
        [sys.executable, "-m", *arguments[tool]], cwd=project, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert tool != "pytest" or " passed" in done.stdout


@pytest.mark.slow
def test_the_commands_of_the_readme_use_each_part(project, tmp_path, monkeypatch, capsys):
    info = project / "heron_mine-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: heron-mine\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[heron]\nmine = heron_mine\n")
    monkeypatch.syspath_prepend(str(project))
    monkeypatch.setenv("PYTHONPATH", str(project))
    monkeypatch.setenv("HERON_PLUGINS", "mine")
    monkeypatch.chdir(tmp_path)
    for name, colour in (("a b", "red"), ("b", "blue"), ("c", "green")):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("RGB", (64, 32), colour).save(tmp_path / "photos" / f"{name}.png")
    (tmp_path / "photos" / "note.txt").write_text("words")
    (tmp_path / "data/FOLDER").mkdir(parents=True)
    (tmp_path / "data/FOLDER/far.txt").write_text("far")
    (tmp_path / "red.ff").write_bytes(b"farbfeld" + struct.pack(">II4H", 1, 1, 65535, 0, 0, 65535))
    (tmp_path / "labels.jsonl").write_text('{"file": "photos/b.png", "label": "blue"}\n')
    assert status(["init"]) == 0
    assert status(["import", "photos", "--folder", "Lake"]) == 0
    lines = [line for kind in USES for line in uses(kind, {"name": "mine", "dashed": "mine"})]
    for line in lines:
        command, *arguments = shlex.split(line.replace("/data", str(tmp_path / "data")))
        if command == "heron" and arguments[0] not in ("serve", "explore"):
            if "labels.jsonl" in arguments and "-o" in arguments:
                arguments[arguments.index("labels.jsonl")] = "exported.jsonl"
            code = status(arguments)
            said = capsys.readouterr()
            assert code == 0, f"{line}: {said.out}{said.err}"
            assert said.out.strip() and "No item matches" not in said.out, line


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
