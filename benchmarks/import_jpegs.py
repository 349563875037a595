"""Importing 5,000 JPEGs, beside a bare Pillow loop over the same files on the same cores.

The loop opens each file, reads its size and EXIF, and keeps them, in one process for each core that it may use.
Both are measured warm: what they import is imported before.
Run: python benchmarks/import_jpegs.py [FILES]
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from measure import in_fresh_process, median, table, timed

import heron


def make_files(directory: Path, count: int) -> None:
    """Distinct 1024x768 JPEGs of about 100 kB with EXIF, cheaply: one picture, and a number in each one's EXIF."""
    from PIL import Image

    random.seed(1)
    noise = Image.frombytes("RGB", (256, 192), random.randbytes(256 * 192 * 3)).resize((1024, 768))
    for number in range(count):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110], exif[0x0112] = "Heron", "Finch 2", 1
        detail = exif.get_ifd(0x8769)
        detail[0x9003] = f"2026:01:{number % 28 + 1:02} 12:00:00"
        detail[0x829A], detail[0x8827] = 0.008, 100
        exif[0x010E] = f"picture {number}"
        if number == 0:
            noise.save(directory / "first.jpg", quality=80, exif=exif)
            first = (directory / "first.jpg").read_bytes()
            body = first[first.index(b"\xff\xdb") :]
        block = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
        header = b"\xff\xd8\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
        (directory / f"{number:05}.jpg").write_bytes(header + body)
    (directory / "first.jpg").unlink()


def look(paths: Sequence[Path]) -> list[tuple[Any, ...]]:
    """The bare loop."""
    from PIL import Image

    found = []
    for path in paths:
        with Image.open(path) as image:
            exif = image.getexif()
            detail = exif.get_ifd(0x8769)
            found.append((path.stat().st_size, image.size, image.format, dict(exif), dict(detail)))
    return found


def bare(directory: str) -> None:
    """The bare loop, in as many processes as there are cores to use."""
    paths = sorted(Path(directory).glob("*.jpg"))
    cores = len(os.sched_getaffinity(0))
    if cores == 1:
        look(paths)
        return
    with ProcessPoolExecutor(cores) as pool:
        list(pool.map(look, [paths[start : start + 64] for start in range(0, len(paths), 64)]))


def ours(directory: str, **options: bool) -> None:
    """Heron's own import into a new workspace."""
    with tempfile.TemporaryDirectory() as root, heron.open(root, discover=False) as workspace:
        report = workspace.ingest.files([directory], folder="A", **options)
        assert report.failed == 0 and report.added == len(list(Path(directory).glob("*.jpg"))), report


WORK = {
    "Pillow loop": bare,
    "Heron, facts": ours,
    "Heron, facts and SHA-256": lambda directory: ours(directory, content_hash=True),
    "Heron, facts and thumbnails": lambda directory: ours(directory, thumbnails=True),
}


def main(count: int, runs: int = 3) -> None:
    """Run all in turn, each in a process of its own, on one core and on all."""
    with tempfile.TemporaryDirectory() as directory:
        make_files(Path(directory), count)
        for cores in ("one core", "all cores"):
            results: dict[str, list[dict[str, float]]] = {name: [] for name in WORK}
            for _ in range(runs):
                for name in WORK:
                    results[name].append(in_fresh_process(__file__, name, directory, cores))
            mid = {
                n: {k: median([run[k] for run in found]) for k in found[0]} for n, found in results.items()
            }
            base = mid["Pillow loop"]
            table(
                f"Importing {count:,} JPEGs of 1024x768 with EXIF, {cores}",
                ["work", "files/s (wall)", "files per CPU s", "ratio to the loop (wall)", "(CPU)"],
                [
                    [
                        name,
                        f"{count / m['wall']:,.0f}",
                        f"{count / m['processor']:,.0f}",
                        f"{base['wall'] / m['wall']:.2f}",
                        f"{base['processor'] / m['processor']:.2f}",
                    ]
                    for name, m in mid.items()
                ],
            )


def measured(name: str, directory: str, cores: str) -> None:
    """Time one kind of work, once everything that either needs is imported, and print it."""
    if cores == "one core":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as warm:
        (Path(warm) / "a").mkdir()
        shutil.copy(next(Path(directory).glob("*.jpg")), Path(warm) / "a" / "a.jpg")
        look([Path(warm) / "a" / "a.jpg"])
        ours(str(Path(warm) / "a"))
    wall, processor = timed(lambda: WORK[name](directory))
    print(json.dumps({"wall": wall, "processor": processor}))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measured(*sys.argv[1:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
