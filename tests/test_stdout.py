"""Standard output is Heron's: plugins, C libraries and subprocesses that print do not spoil what commands print."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import draw

PROGRAM = [sys.executable, "-c", "from heron.cli.main import run; run()"]

NOISY = """
import ctypes, os, subprocess, sys
import click
import heron

def noise(where):
    print(f"noise by print {where}")
    sys.stdout.write(f"noise by write {where}\\n")
    os.write(1, f"noise by descriptor {where}\\n".encode())
    libc = ctypes.CDLL(None)
    libc.puts(f"noise by C {where}".encode())
    libc.fflush(None)
    subprocess.run([sys.executable, "-c", f"print('noise by a subprocess {where}')"])

noise("in import")

class Decoder:
    def probe(self, file):
        noise("in probe")
        return heron.MediaFacts("text", "text/x-noisy")

def load():
    noise("in load")
    return Decoder()

@heron.hookimpl
def register_decoders():
    noise("in a hook")
    noisy = heron.MediaFormat(media_type="text/x-noisy", kind="text", suffixes=[".noisy"], signature=b"NOISY")
    yield heron.MediaDecoder(name="noisy", summary="Noisy files", formats=[noisy], load=load)

class Writer:
    def write(self, rows, stream):
        noise("in export")
        return sum(bool(stream.write(row.item.name.encode() + b"\\n")) for row in rows)

@heron.hookimpl
def register_exporters():
    yield heron.DatasetExporter(name="noisy", summary="Noisy", suffix=".noisy", load=Writer)

@heron.hookimpl
def items_imported(items):
    noise("in an event")

@heron.hookimpl
def register_commands():
    yield heron.CliCommand(name="speak", summary="Speak.", load=lambda: speak)

@click.command("speak")
@click.pass_obj
def speak(context):
    print(f"words of the command, {context.workspace().items.count()} items")
"""


@pytest.fixture
def lake(tmp_path):
    site = tmp_path / "site"
    info = site / "noisy-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "noisy.py").write_text(NOISY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[heron]\nnoisy = noisy\n")
    (tmp_path / "lake").mkdir()
    draw(tmp_path / "lake" / "in" / "a.png", seed=1)
    (tmp_path / "lake" / "in" / "b.noisy").write_bytes(b"NOISY words")
    return tmp_path / "lake"


def heron_in(lake, *arguments, code=0, **more):
    environment = {**os.environ, "PYTHONPATH": str(lake.parent / "site"), **more}
    environment.pop("HERON_PLUGINS", None)
    done = subprocess.run([*PROGRAM, *arguments], cwd=lake, capture_output=True, text=True, env=environment)
    assert done.returncode == code, done.stderr
    assert "noise" not in done.stdout, done.stdout
    return done


@pytest.mark.slow
def test_what_plugins_print_is_no_output_of_a_command(lake):
    heron_in(lake, "init")
    assert "noise by C in import" in heron_in(lake, "plugins", "--json").stderr
    done = heron_in(lake, "import", "in", "--folder", "P", "--json")
    assert json.loads(done.stdout)["job"]["added"] == 2
    for way in ("print", "write", "descriptor", "C", "a subprocess"):
        for place in ("in import", "in an event"):  # decoders run in processes whose output goes nowhere
            assert f"noise by {way} {place}" in done.stderr, (way, place)
    assert json.loads(heron_in(lake, "items", "--json").stdout)["items"]
    assert "b.noisy" in heron_in(lake, "items").stdout
    heron_in(lake, "datasets", "create", "D", "--folder", "P")
    done = heron_in(lake, "datasets", "export", "D", "-o", "-", "--format", "noisy")
    assert done.stdout.split() == ["a.png", "b.noisy"] and "noise by print in export" in done.stderr
    assert heron_in(lake, "items", "--csv").stdout.startswith("name,")
    assert "Commands:" in heron_in(lake, "--help").stdout
    assert "Usage" in heron_in(lake, "items", "--help").stdout


@pytest.mark.slow
def test_the_command_of_a_plugin_prints_what_it_wants(lake):
    heron_in(lake, "init")
    assert heron_in(lake, "speak").stdout == "words of the command, 0 items\n"


@pytest.mark.slow
def test_a_program_keeps_its_own_output(lake):
    code = (
        "import os, sys, heron\nbefore = sys.stdout\n"
        "with heron.open('.') as ws: ws.ingest.files(['in'], folder='P')\n"
        "assert sys.stdout is before\nos.write(1, b'descriptor\\n')\nprint('mine')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(lake.parent / "site")}
    environment.pop("HERON_PLUGINS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=lake, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "mine\n" in done.stdout and "descriptor\n" in done.stdout


@pytest.mark.slow
def test_closed_and_broken_outputs_are_no_accident(lake):
    heron_in(lake, "init")
    program = f'"{sys.executable}" -c "from heron.cli.main import run; run()"'
    closed = subprocess.run(f"{program} folders >&-", shell=True, cwd=lake, capture_output=True, text=True)
    assert "Traceback" not in closed.stderr and "unexpected" not in closed.stderr
    if Path("/dev/full").exists():
        full = subprocess.run(
            f"{program} folders >/dev/full", shell=True, cwd=lake, capture_output=True, text=True
        )
        assert full.stderr == "Error: standard output cannot be written: No space left on device\n"
        assert full.returncode == 1
    piped = subprocess.run(
        f"{program} --help | head -1", shell=True, cwd=lake, capture_output=True, text=True
    )
    assert piped.stdout.startswith("Usage") and piped.stderr == ""
