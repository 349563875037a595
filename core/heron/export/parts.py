"""Names the temporary files of exports, and removes those that killed processes have left."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from heron.catalog.holder import mark_of, runs

AGAIN = 60.0
"""Seconds after which the same folder is searched again; a command that writes 1,000 pictures lists their folder once."""

_NAME = re.compile(r"\.heron-([0-9a-f]{12})-([0-9]+(?:@[0-9]+)?)-[0-9a-f]{16}\.part")

_last: tuple[Path, float] = (Path(), -AGAIN)


def part_of(target: Path) -> Path:
    """A new name beside a target for what will replace it; parts there whose processes are gone are removed."""
    global _last
    now = time.monotonic()
    if target.parent != _last[0] or now - _last[1] >= AGAIN:
        _last = (target.parent, now)
        _sweep(target.parent)
    return target.with_name(f".heron-{_machine()}-{mark_of(os.getpid())}-{token_hex(8)}.part")


def unfinished_of(target: Path, export: str) -> Path:
    """The folder beside a target in which an export that can go on keeps its files; `export` identifies the export."""
    digest = hashlib.sha256(f"{target.name}\0{export}".encode()).hexdigest()[:16]
    return target.with_name(f".heron-{digest}.unfinished")


def _sweep(folder: Path) -> None:
    """Remove the parts in a folder that processes of this machine wrote which no longer run."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found is None or found[1] != _machine() or runs(found[2]):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    Path(entry.path).unlink()


def _machine() -> str:
    """A name of this machine and of the container in which process ids have their meaning."""
    try:
        container = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        container = 0
    return hashlib.sha256(f"{platform.node()}/{container}".encode()).hexdigest()[:12]
