"""`heron plugins new` writes a project that works as it is."""

import subprocess
import sys

import pytest

import heron
from heron.cli.plugin_template import write_plugin


@pytest.mark.slow
def test_the_tests_of_a_new_plugin_pass(tmp_path):
    write_plugin("media_mine", tmp_path)
    project = tmp_path / "heron-media-mine"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    types = [sys.executable, "-m", "mypy", "--strict", "heron_media_mine"]
    done = subprocess.run(types, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_names_that_python_cannot_import_are_refused(tmp_path):
    for name in ("Media", "media-mine", "../x", "1x", ""):
        with pytest.raises(heron.InvalidInput, match="cannot name a plugin"):
            write_plugin(name, tmp_path)


def test_nothing_is_overwritten(tmp_path):
    write_plugin("mine", tmp_path)
    with pytest.raises(heron.AlreadyExists):
        write_plugin("mine", tmp_path)
