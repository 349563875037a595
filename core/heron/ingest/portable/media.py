"""Brings the files of a portable export into the folder of a workspace, without ever replacing one that is there."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from heron.catalog.paths import HERE
from heron.errors import AlreadyExists, HeronError, InvalidInput
from heron.export.parts import part_of
from heron.export.portable.media import name_in_export
from heron.ingest.portable.source import BROKEN, Source, check_file_name
from heron.metadata.keys import printable
from heron.times import moment

_BLOCK = 1 << 20

Wanted = Sequence[Any]
"""A file of an export: its URL, its name in the export, its size in bytes, its SHA-256, and when it was changed."""


def place_of(row: Wanted) -> str:
    """The path below a workspace's folder at which a file of an export is put; raises InvalidInput for one that leads elsewhere."""
    url, name = row[0], check_file_name(row[1])
    if name != name_in_export(url):
        raise InvalidInput(f"media.jsonl: {printable(name)} is not the file of {printable(url)}")
    place = name.removeprefix("media/")
    place = place.removeprefix("here/") if place.startswith("here/") else place
    if ".heron" in (part.casefold() for part in place.split("/")):
        raise InvalidInput(f"media.jsonl: {printable(name)} would lie within .heron, and is not used")
    return place


def url_of(place: str) -> str:
    """The URL, in stored form, of a file below the workspace's folder."""
    return HERE + quote(place)


class IncomingMedia:
    """The files of an export on their way: first complete and checked beside the others, then at their places."""

    def __init__(self, root: Path, source: Source) -> None:
        self._root = root
        self._source = source
        self._real = os.path.realpath(root)
        self._part = Path()
        self._placed: list[Path] = []

    def is_here(self, row: Wanted) -> bool:
        """Whether the file is at its place already; raises AlreadyExists if another one is."""
        target = self._target(row)
        if not os.path.lexists(target):
            return False
        try:
            if target.is_file() and target.stat().st_size == row[2] and _digest(target) == row[3]:
                return True
        except OSError as error:
            raise HeronError(f"{target} cannot be read: {error.strerror or error}") from error
        raise AlreadyExists(
            f"{target} is here already, and is another file than that of the export",
            hint="move it away, or merge with --no-media, which leaves the files in the export",
        )

    @contextmanager
    def coming(self) -> Iterator[IncomingMedia]:
        """While files come; what was not confirmed at the end is removed again."""
        self._part = part_of(self._root / "media")
        try:
            yield self
        except BaseException:
            for path in self._placed:
                with suppress(OSError):
                    path.unlink()
            raise
        finally:
            shutil.rmtree(self._part, ignore_errors=True)

    def keep(self) -> None:
        """The catalogue knows the files now: they stay, whatever happens."""
        self._placed.clear()

    def fetch(self, number: int, row: Wanted) -> None:
        """Copy a file beside its place, and check it."""
        self._part.mkdir(exist_ok=True)
        digest, size = hashlib.sha256(), 0
        try:
            with self._source.open(row[1]) as stream, (self._part / str(number)).open("xb") as target:
                while block := stream.read(min(_BLOCK, row[2] - size + 1)):
                    size += len(block)
                    if size > row[2]:
                        break
                    digest.update(block)
                    target.write(block)
        except BROKEN as error:
            raise HeronError(f"{row[1]} cannot be copied: {error}") from error
        if size != row[2] or digest.hexdigest() != row[3]:
            raise InvalidInput(
                f"{row[1]} was changed or damaged: it is not the file that media.jsonl names",
                hint="copy the export again",
            )
        if row[4] is not None:
            when = round(moment(row[4]).timestamp() * 1_000_000) * 1000
            with suppress(OSError, OverflowError):
                os.utime(self._part / str(number), ns=(when, when))

    def put(self, rows: Callable[[], Iterator[tuple[int, Wanted]]]) -> None:
        """Give all fetched files their places; none replaces another one."""
        for number, row in rows():
            come = self._part / str(number)
            if not come.exists():
                continue  # it was there already
            target = self._target(row)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                self._require_within(target)
                try:
                    os.link(come, target)
                except FileExistsError:
                    raise AlreadyExists(f"{target} appeared meanwhile", hint="merge again") from None
                except OSError:  # a file system without hard links
                    if os.path.lexists(target):
                        raise AlreadyExists(f"{target} appeared meanwhile", hint="merge again") from None
                    come.rename(target)
            except OSError as error:
                raise HeronError(f"{target} cannot be written: {error.strerror or error}") from error
            self._placed.append(target)

    def _target(self, row: Wanted) -> Path:
        target = self._root.joinpath(*place_of(row).split("/"))
        self._require_within(target)
        return target

    def _require_within(self, target: Path) -> None:
        if not os.path.realpath(target.parent).startswith(self._real.rstrip("/") + "/") and (
            os.path.realpath(target.parent) != self._real
        ):
            raise InvalidInput(
                f"{target} leads out of the folder of the workspace by a link, and is not written"
            )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
