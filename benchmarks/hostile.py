"""All hostile plugins of `docs/hostile_plugins` beside an import: what lands, what is said of each, and the seconds with and without them.

`python -m benchmarks.hostile --files 1000`. The exit status is 1 if a good file does not land, a plugin is not named, or an output is spoiled.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from docs.hostile_plugins import HOSTILE, Hostile
from PIL import Image

LIMITS = {
    "HERON_DECODER_SECONDS": "1", "HERON_DECODER_WAIT": "2", "HERON_DECODER_MEMORY": "512", "HERON_EMBEDDER_SECONDS": "2",
    "HERON_PLUGIN_SECONDS": "2", "HERON_PATIENCE": "1",
}  # fmt: skip
"""Limits far below the usual ones, so that what hangs is ended soon. Those of a task stay as they are."""

LONGEST = 600
"""The seconds after which the import counts as one that hangs."""

PICTURES = {"green": (0, 250, 0), "red": (250, 0, 0), "blue": (0, 0, 250)}


def install(site: Path) -> None:
    """Install all of them into a folder, as pip does."""
    site.mkdir(parents=True)
    for hostile in HOSTILE:
        module = hostile.name.replace("-", "_")
        (site / f"{module}.py").write_text(hostile.code)
        info = site / f"hostile_{module}-1.0.dist-info"
        info.mkdir()
        distribution = f"hostile-{hostile.name.replace('_', '-')}"
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[heron]\n{hostile.name} = {module}\n")


def fill(folder: Path, count: int) -> None:
    """Write `count` texts, three pictures, and a file for each hostile decoder."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:03}.txt").write_text(f"text {number}")
    for name, colour in PICTURES.items():
        Image.new("RGB", (8, 8), colour).save(folder / f"{name}.png")
    for hostile in decoders():
        (folder / f"it.{hostile.name}").write_bytes(f"{hostile.name}:".encode())


def decoders() -> list[Hostile]:
    """The hostile decoders that an import meets."""
    return [hostile for hostile in HOSTILE if hostile.sort == "decoder" and not hostile.tried]


def failing() -> list[Hostile]:
    """Those of them that cost their file."""
    return [hostile for hostile in decoders() if hostile.costs == "its file"]


def is_named(hostile: Hostile, text: str) -> bool:
    """Whether the outputs of a command say of a plugin what they should."""
    text = text.replace('\\"', '"')
    return (
        re.search(hostile.says, " ".join(text.split()) if hostile.tried[:1] == ("plugins",) else text)
        is not None
    )


@frozen
class Ran:
    """A command that has ended, or was ended with the status None."""

    status: int | None
    out: str
    err: str
    seconds: float
    cpu: float
    """Seconds of processor time, of all its processes."""


def heron(lake: Path, site: Path | None, *arguments: str) -> Ran:
    """Run `heron` in a workspace, with the plugins of a folder or with Heron's own alone."""
    environment = {**os.environ, **LIMITS}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(
        [Path(sys.executable).with_name("heron"), *arguments],
        cwd=lake, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        status: int | None = None
        try:
            out, err = process.communicate(timeout=LONGEST)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(status, out, err, time.monotonic() - begin, cpu)


def imported(lake: Path, site: Path | None) -> tuple[Ran, Mapping[str, Any]]:
    """Import the folder `in`, and the job as it was reported."""
    made = heron(lake, None, "init")
    assert made.status == 0, made.err
    ran = heron(lake, site, "import", "in", "--folder", "A", "--ignore-errors", "--thumbnails", "--json")
    try:
        return ran, json.loads(ran.out)["job"]
    except ValueError:
        sys.exit(f"the import ended with {ran.status} and said:\n{ran.out}\n{ran.err}")


def faults(lake: Path, site: Path, ran: Ran, job: Mapping[str, Any], good: int) -> Iterator[str]:
    """What is not as it should be, in sentences."""
    expected = good + len(decoders()) - len(failing())
    if (job["added"], job["failed"]) != (expected, len(failing())):
        yield f"{job['added']} files landed and {job['failed']} failed, expected {expected} and {len(failing())}"
    report = heron(lake, None, "imports", "report", "1", "--json")
    listed = heron(lake, site, "plugins")
    for hostile in HOSTILE:
        said = f"{report.out}\n{ran.err}" if not hostile.tried else listed.out
        if hostile.tried[:1] in ((), ("plugins",)) and not is_named(hostile, said):
            yield f"{hostile.name} is not named with {hostile.says}"
    for each in (ran, listed):
        if "NOISE" in each.out or "Traceback" in each.out + each.err:
            yield "an output is spoiled"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both imports and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--files", type=int, default=1_000, help="the good files of the import")
    count = parser.parse_args(arguments).files
    with tempfile.TemporaryDirectory() as place:
        site = Path(place, "site")
        install(site)
        for name in ("without", "with"):
            fill(Path(place, name, "in"), count)
        alone, own = imported(Path(place, "without"), None)
        beside, job = imported(Path(place, "with"), site)
        found = list(faults(Path(place, "with"), site, beside, job, count + len(PICTURES)))
    print(f"|  | Heron's own plugins | with {len(HOSTILE)} hostile plugins |\n|---|---:|---:|")
    print(f"| files that landed | {own['added']:,} | {job['added']:,} |")
    print(f"| files that failed | {own['failed']:,} | {job['failed']:,} |")
    print(f"| exit status | {alone.status} | {beside.status} |")
    print(f"| seconds | {alone.seconds:.1f} | {beside.seconds:.1f} |")
    print(f"| seconds of processor time | {alone.cpu:.1f} | {beside.cpu:.1f} |")
    for sentence in found:
        print(sentence, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
