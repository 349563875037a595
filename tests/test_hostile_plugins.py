"""Hostile plugins beside an import: the other files land, each failure names its plugin, nothing hangs, no output is spoiled."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs.hostile_plugins import HOSTILE
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals")]

FILES = int(os.environ.get("HERON_HOSTILE_FILES", "40"))
"""The good files of the import; `python -m benchmarks.hostile` takes 1,000."""

LIMITS = {
    "HERON_DECODER_SECONDS": "1", "HERON_DECODER_WAIT": "2", "HERON_DECODER_MEMORY": "512", "HERON_EMBEDDER_SECONDS": "2",
    "HERON_PLUGIN_SECONDS": "2", "HERON_TASK_SECONDS": "3", "HERON_PATIENCE": "1",
}  # fmt: skip

BY_NAME = {hostile.name: hostile for hostile in HOSTILE}


def install(site: Path) -> None:
    """Install all of them into a folder."""
    for hostile in HOSTILE:
        module = hostile.name.replace("-", "_")
        (site / f"{module}.py").write_text(hostile.code)
        info = site / f"hostile_{module}-1.0.dist-info"
        info.mkdir()
        distribution = f"hostile-{hostile.name.replace('_', '-')}"
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[heron]\n{hostile.name} = {module}\n")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What was said: by the import with all plugins, under the key None, and by the command that meets each of the others."""
    place = tmp_path_factory.mktemp("hostile")
    site, lake = place / "site", place / "lake"
    site.mkdir()
    install(site)
    folder = lake / "in"
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"{number:03}.txt").write_text(f"text {number}")
    for name, colour in {"green": (0, 250, 0), "red": (250, 0, 0), "blue": (0, 0, 250)}.items():
        Image.new("RGB", (8, 8), colour).save(folder / f"{name}.png")
    for hostile in HOSTILE:
        if hostile.sort == "decoder" and not hostile.tried:
            (folder / f"it.{hostile.name}").write_bytes(f"{hostile.name}:".encode())
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
    before += [(["schema", "add", name, name], name) for name in types]
    runs = [*before, *((list(hostile.tried), hostile.name) for hostile in tried)]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("hostile_run.py")), str(lake)],
        input=json.dumps([{"arguments": arguments, "plugins": plugins} for arguments, plugins in runs]),
        capture_output=True,
        text=True,
        env={**os.environ, **LIMITS, "PYTHONPATH": str(site)},
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    found = {hostile.name: result for hostile, result in zip(tried, results[len(before) :], strict=True)}
    return {None: results[1], **found, "lake": lake}


def test_there_are_sixty_and_more_of_every_sort():
    assert len(HOSTILE) == len(BY_NAME) >= 60


def test_the_import_ends_and_the_other_files_land(told):
    run = told[None]
    assert run["status"] is not None, run
    report = json.loads(run["out"])
    failing = [h for h in HOSTILE if h.sort == "decoder" and not h.tried and h.costs == "its file"]
    assert report["job"]["failed"] == len(failing)
    assert report["job"]["added"] == FILES + 3 + sum(
        h.sort == "decoder" and not h.tried for h in HOSTILE
    ) - len(failing)
    assert run["seconds"] < 90


def spoken(run):
    return f"{run['out']}\n{run['err']}".replace('\\"', '"')


@pytest.mark.parametrize("name", BY_NAME)
def test_what_goes_wrong_names_its_plugin_and_spoils_nothing(told, name):
    hostile = BY_NAME[name]
    run = told[name if hostile.tried else None]
    assert run["status"] is not None, f"it hangs: {run}"
    text = spoken(run)
    if hostile.says:
        assert re.search(
            hostile.says, " ".join(text.split()) if hostile.tried[:1] == ("plugins",) else text
        ), text
    assert "NOISE" not in run["out"], run["out"]
    assert "Traceback" not in text
