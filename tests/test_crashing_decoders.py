"""A decoder that ends Heron's own process, in which it wants to run: `imports resume` reads in worker processes, so it costs its file, and is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from heron.cli.exits import FAILURES

CRASHING = """
import os
import heron

class Tape:
    def probe(self, file):
        os.abort()

    def picture(self, file, size):
        return None

@heron.hookimpl
def register_decoders():
    form = heron.MediaFormat(media_type="video/x-tape", kind="video", suffixes=[".tape"], signature=b"TAPE")
    yield heron.MediaDecoder(name="tape", summary="Tapes", formats=[form], load=Tape, isolation="none")
"""

PROGRAM = (sys.executable, "-c", "from heron.cli.program import run; run()")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_crash_costs_its_file_when_the_import_is_resumed(tmp_path):
    info = tmp_path / "site" / "tapes-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site" / "tapes.py").write_text(CRASHING)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tapes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[heron]\ntapes = tapes\n")
    lake = tmp_path / "lake" / "in"
    lake.mkdir(parents=True)
    for number in range(13):
        (lake / f"{number:02}.txt").write_text(f"text {number}")
    (lake / "06.tape").write_bytes(b"TAPE words")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    environment.pop("HERON_PLUGINS", None)

    def heron(*arguments):
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=lake.parent,
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
        )

    heron("init")
    crashed = heron("import", "in", "--folder", "A", "--ignore-errors")
    assert crashed.returncode == -signal.SIGABRT
    resumed = heron("imports", "resume", "1", "--json")
    assert resumed.returncode == FAILURES, resumed.stderr
    report = json.loads(resumed.stdout)
    assert (report["job"]["added"], report["job"]["failed"]) == (13, 1)
    [problem] = report["problems"]
    assert problem["reason"].endswith(
        "06.tape was given up: its worker ended each time it was read, decoder tape (plugin tapes of tapes)"
    )
