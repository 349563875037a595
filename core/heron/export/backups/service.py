"""Makes backups of a workspace while others use it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from typing import IO

from heron._version import __version__
from heron.backups import MANIFEST, VERSION, Backup, BackupFile
from heron.catalog.access import WORKSPACE, Access
from heron.catalog.backups import snapshot
from heron.catalog.database import Database
from heron.catalog.plugin_tables import FOLDER, table_files
from heron.errors import AlreadyExists, CatalogueError, HeronError, InvalidInput, PermissionDenied
from heron.export.backups.copying import flush, hash_of, kept, writing
from heron.export.backups.manifest import Manifest, read_manifest, series
from heron.export.parts import part_of
from heron.inside import DIRECTORY, FILE_NAME, open_file
from heron.times import now

PART = 64 * 1024 * 1024
"""Vectors are kept in files of so many bytes: a backup shares those that are full with the backup before."""

_TRIES = 5
"""A set of vectors that was compacted during the snapshot has another file: then a new snapshot is made, so often at most."""

Progress = Callable[[str, int, int], None]


def _silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


class _Moved(Exception):
    """A file that the snapshot names is no longer there."""


class BackupService:
    """Makes backups: `backup("/backups/lake")`."""

    def __init__(self, database: Database, access: Access, directory: Path) -> None:
        self._database = database
        self._access = access
        self._directory = directory

    def __call__(self, folder: str | Path, *, single: bool = False, progress: Progress = _silent) -> Backup:
        """Make a backup in a folder named by the time, `folder/2026-11-29T163000Z`; with `single`, `folder` itself, which must be empty or missing.

        It has one state of the catalogue, and the vectors that this state names, whatever others write meanwhile, and one state of each of the
        tables that plugins keep. Thumbnails are in the catalogue; columns and what makes searching vectors fast are caches, and are made anew. It appears whole or not at
        all. Files whose bytes the backup before has are hard links to these. Owner and admins may make one. `progress` gets what is
        copied, `catalogue` or `vectors`, with what is done and how much that is in all. Raises HeronError for a place that is full.
        """
        self._access.require("update", WORKSPACE)
        if not self._access.sees_all("item"):
            raise PermissionDenied(f"{self._access.user.email} may not make backups, which contain all items")
        made_at = now()
        place = _outside(Path(folder))
        before = () if single else series(place)
        with writing(place):
            target = _free_single(place) if single else _free_name(place, made_at)
            made = self._made(target, before[-1] if before else None, made_at, progress)
        if not (self._database.is_read_only or self._database.refuses_writes):
            with self._database.doing(self, "make"):
                self._access.note(WORKSPACE, to=str(target), items=made.items)
        return made

    def _made(self, target: Path, before: Path | None, made_at: str, progress: Progress) -> Backup:
        part = part_of(target)
        try:
            part.mkdir()
            (part / "vectors").mkdir()
            manifest, shared = self._written(part, _earlier(before), made_at, progress)
            with (part / MANIFEST).open("xb") as stream:
                stream.write(manifest.text())
                stream.flush()
                os.fsync(stream.fileno())
            for folder in part.iterdir():
                flush(folder) if folder.is_dir() else None
            flush(part)
            if target.exists():
                target.rmdir()
            part.rename(target)
            flush(target.parent)
        finally:
            rmtree(part, ignore_errors=True)
        return manifest.told(target, shared)

    def _written(
        self, part: Path, earlier: Mapping[str, Path], made_at: str, progress: Progress
    ) -> tuple[Manifest, int]:
        """Write all files but the manifest; the manifest, and the bytes that are shared with the backup before."""
        for _ in range(_TRIES):
            with self._opened_vectors() as opened:
                found = self._snapshot(part, progress)
                try:
                    files = [*self._files(part, found, opened, earlier, progress)]
                except _Moved:
                    continue
            return (
                Manifest(
                    format="heron-backup", version=VERSION if any(file.path.startswith(FOLDER) for file, _ in files) else 1, heron=__version__, made_at=made_at,
                    made_by=self._access.user.email, workspace=found.workspace, items=found.items,
                    vectors=found.vectors, files=[file for file, _ in files],
                ),
                sum(file.size for file, is_shared in files if is_shared),
            )  # fmt: skip
        raise CatalogueError(
            "the files of vectors are replaced again and again",
            hint="try again when no vectors are compacted",
        )

    def _snapshot(self, part: Path, progress: Progress) -> snapshot.Snapshot:
        (part / FILE_NAME).unlink(missing_ok=True)
        return snapshot.take(
            self._database.path,
            part / FILE_NAME,
            read_only=self._database.is_read_only,
            progress=lambda done, total: progress("catalogue", done, total),
        )

    @contextmanager
    def _opened_vectors(self) -> Iterator[dict[str, IO[bytes]]]:
        """The files of vectors, opened before the snapshot, so that those that are swept meanwhile can be read to the end."""
        with ExitStack() as stack:
            opened: dict[str, IO[bytes]] = {}
            folder = self._directory / "vectors"
            for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
                if path.suffix in (".f32", ".f16"):
                    with suppress(OSError):
                        opened[path.name] = stack.enter_context(open_file(path, "rb"))
            yield opened

    def _files(
        self,
        part: Path,
        found: snapshot.Snapshot,
        opened: Mapping[str, IO[bytes]],
        earlier: Mapping[str, Path],
        progress: Progress,
    ) -> Iterator[tuple[BackupFile, bool]]:
        flush(part / FILE_NAME)
        with open_file(part / FILE_NAME, "rb") as copied:
            size = os.fstat(copied.fileno()).st_size
            yield BackupFile(FILE_NAME, size, hash_of(copied, size)), False
        for tables in table_files(self._directory):
            yield self._tables(tables, part), False
        total, done = sum(file.size for file in found.files), 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            progress("vectors", done, total)

        for file in found.files:
            with self._vectors(file.name, opened) as stream:
                if os.fstat(stream.fileno()).st_size < file.size:
                    raise CatalogueError(
                        f"{self._directory / 'vectors' / file.name} is cut short",
                        hint="heron vectors verify --repair, then make the backup",
                    )
                stream.seek(0)
                for number, start in enumerate(range(0, file.size, PART)):
                    path = f"vectors/{file.name}.{number:04}"
                    with suppress(FileNotFoundError):  # of a try before
                        (part / path).unlink()
                    yield kept(stream, min(PART, file.size - start), part, path, earlier, advance)

    def _tables(self, path: Path, part: Path) -> BackupFile:
        """Copy the tables of a plugin into the backup."""
        (part / FOLDER).mkdir(exist_ok=True)
        name = f"{FOLDER}/{path.name}"
        (part / name).unlink(missing_ok=True)  # of a try before
        snapshot.take_tables(path, part / name, read_only=self._database.is_read_only)
        flush(part / name)
        with open_file(part / name, "rb") as copied:
            size = os.fstat(copied.fileno()).st_size
            return BackupFile(name, size, hash_of(copied, size))

    @contextmanager
    def _vectors(self, name: str, opened: Mapping[str, IO[bytes]]) -> Iterator[IO[bytes]]:
        """A file of vectors; raises _Moved if it is there no more."""
        if name in opened:
            yield opened[name]
            return
        try:
            found = open_file(self._directory / "vectors" / name, "rb")
        except FileNotFoundError:
            raise _Moved from None
        with found:
            yield found


def _earlier(backup: Path | None) -> Mapping[str, Path]:
    """The files of an earlier backup by checksum; none if it cannot be read."""
    if backup is None:
        return {}
    try:
        return {
            file.sha256: backup / file.path for file in read_manifest(backup).files if file.path != FILE_NAME
        }
    except HeronError:
        return {}


def _outside(path: Path) -> Path:
    """The path with all links resolved; raises InvalidInput if it lies within `.heron`."""
    target = Path(os.path.realpath(path))
    if DIRECTORY in (part.casefold() for part in target.parts):
        raise InvalidInput(
            f"{path} is part of a workspace", hint="name a folder elsewhere, best on another disk"
        )
    return target


def _free_single(place: Path) -> Path:
    if place.is_dir() and any(place.iterdir()):
        raise AlreadyExists(f"{place} is a folder that is not empty", hint="name a new folder")
    if place.exists() and not place.is_dir():
        raise AlreadyExists(f"{place} is a file", hint="name a new folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _free_name(place: Path, made_at: str) -> Path:
    """A new name for a backup in a series, by the time."""
    if place.exists() and not place.is_dir():
        raise AlreadyExists(f"{place} is a file", hint="name a folder")
    place.mkdir(parents=True, exist_ok=True)
    name = f"{made_at[:19].replace(':', '')}Z"
    target, number = place / name, 1
    while os.path.lexists(target):
        number += 1
        target = place / f"{name}-{number}"
    return target
