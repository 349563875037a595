"""Hostile plugins beside an import: the other files land, each failure names its plugin, nothing hangs, no output is spoiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.hostile import LIMITS, PICTURES, decoders, failing, fill, install, is_named
from docs.hostile_plugins import HOSTILE

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals")]

FILES = 40
"""The texts of the import; `python -m benchmarks.hostile` takes 1,000, which are read in worker processes."""

BY_NAME = {hostile.name: hostile for hostile in HOSTILE}


def in_use(hostile):
    """The plugins with which one is met: routes are those of the server."""
    return f"{hostile.name},server" if hostile.sort == "routes" else hostile.name


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What was said: by the import with all plugins, under the key None, and by the command that meets each of the others."""
    place = tmp_path_factory.mktemp("hostile")
    site, lake = place / "site", place / "lake"
    install(site)
    fill(lake / "in", FILES)
    tried = [hostile for hostile in HOSTILE if hostile.tried]
    types = [
        hostile.name
        for hostile in tried
        if hostile.sort == "metadata type" and "parameters" not in hostile.name
    ]
    before = [
        (["init"], "none"),
        (["import", "in", "--folder", "A", "--ignore-errors", "--thumbnails", "--json"], None),
    ]
    before += [(["datasets", "create", "D", "--folder", "A"], "none")]
    before += [(["embed", "--embedder", "visual", "--where", "name LIKE '%.png'"], "none")]
    before += [(["schema", "add", name, name], name) for name in types]
    runs = [(*run, True) for run in before]
    runs += [(list(hostile.tried), in_use(hostile), False) for hostile in tried]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("hostile_run.py")), str(lake)],
        input=json.dumps([dict(zip(("arguments", "plugins", "makes"), run, strict=True)) for run in runs]),
        capture_output=True,
        text=True,
        env={**os.environ, **LIMITS, "HERON_TASK_SECONDS": "3", "PYTHONPATH": str(site)},
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    found = {hostile.name: result for hostile, result in zip(tried, results[len(before) :], strict=True)}
    return {None: results[1], **found}


def test_there_are_sixty_and_more_of_every_sort():
    assert len(HOSTILE) == len(BY_NAME) >= 60


def test_the_import_ends_and_the_other_files_land(told):
    run = told[None]
    assert run["status"] is not None, run
    report = json.loads(run["out"])
    assert report["job"]["failed"] == len(failing())
    assert report["job"]["added"] == FILES + len(PICTURES) + len(decoders()) - len(failing())
    assert run["seconds"] < 90


@pytest.mark.parametrize("name", BY_NAME)
def test_what_goes_wrong_names_its_plugin_and_spoils_nothing(told, name):
    hostile = BY_NAME[name]
    run = told[name if hostile.tried else None]
    assert run["status"] is not None, f"it hangs: {run}"
    text = f"{run['out']}\n{run['err']}"
    assert is_named(hostile, text), text
    assert "NOISE" not in run["out"], run["out"]
    assert "Traceback" not in text
