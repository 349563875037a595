"""The manifest of a backup: which files it has, with their checksums. A manifest of a stranger is not trusted to be sound."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from heron.backups import FORMAT, MANIFEST, VERSION, Backup, BackupFile
from heron.catalog.plugin_tables import FOLDER, NAME
from heron.convert import dumps, loads, structure, unstructure
from heron.errors import CatalogueError, HeronError, NotFound
from heron.inside import FILE_NAME, open_file

_MOST_BYTES = 64 * 1024 * 1024
_PATH = re.compile(
    rf"{re.escape(FILE_NAME)}|vectors/m[0-9a-f]{{12}}\.f(?:16|32)\.[0-9]{{4,8}}|{FOLDER}/{NAME}\.db"
)
"""What files of a backup are called: the catalogue, the parts of each file of vectors, and the tables of plugins."""

_SHA256 = re.compile("[0-9a-f]{64}")
SERIES = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z(?:-[0-9]+)?")
"""The names of the backups of a series, which begin with the time."""


@frozen
class Manifest:
    """What `backup.json` says."""

    format: str
    version: int
    heron: str
    made_at: str
    made_by: str
    workspace: str
    items: int
    vectors: int
    files: list[BackupFile]

    def told(self, path: Path, shared: int = 0) -> Backup:
        """The record of this backup."""
        size = sum(file.size for file in self.files)
        return Backup(
            path,
            self.made_at,
            self.made_by,
            self.heron,
            self.workspace,
            self.items,
            self.vectors,
            size,
            shared,
        )

    def text(self) -> bytes:
        """The bytes of the file."""
        return dumps(unstructure(self)).encode() + b"\n"


def found_backup(path: Path) -> Path:
    """The folder of the backup that is meant: the folder itself, or the newest backup of a series in it; raises NotFound."""
    path = Path(os.path.realpath(path))
    if os.path.lexists(path / MANIFEST):
        return path
    whole = series(path)
    if not whole:
        raise NotFound(
            f"there is no whole backup in {path}",
            hint=f"give the folder that has {MANIFEST}, or the one in which heron backup made a series",
        )
    return whole[-1]


def series(path: Path) -> Sequence[Path]:
    """The backups of a series, the oldest first; none if there is no such folder."""
    try:
        names = sorted(path.iterdir(), key=lambda each: _order(each.name))
    except OSError:
        return ()
    return [each for each in names if SERIES.fullmatch(each.name) and os.path.lexists(each / MANIFEST)]


def _order(name: str) -> tuple[str, int]:
    time, _, number = name.partition("Z")
    return time, int(number[1:]) if number[1:].isdigit() else 0


def read_manifest(folder: Path) -> Manifest:
    """What a backup says of itself. Raises CatalogueError for a manifest that is damaged, newer, or names what no backup has."""
    file = folder / MANIFEST
    try:
        with open_file(file, "rb") as stream:
            text = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"{folder} is no backup: it has no {MANIFEST}") from None
    except OSError as error:
        raise CatalogueError(f"{file} cannot be read: {error.strerror or error}") from None
    if len(text) > _MOST_BYTES:
        raise CatalogueError(f"{file} is too large to be the manifest of a backup")
    try:
        given: Any = loads(text)
        if not isinstance(given, dict) or given.get("format") != FORMAT:
            raise CatalogueError(f"{file} is not the manifest of a backup of Heron")
        if type(given.get("version")) is not int or given["version"] > VERSION:
            raise CatalogueError(
                f"{folder} was written by a newer Heron", hint="upgrade with pip install --upgrade heron"
            )
        made = structure(given, Manifest, str(file))
        made.told(folder)
    except CatalogueError:
        raise
    except (HeronError, ValueError) as error:
        raise CatalogueError(f"{file} is damaged: {error}") from None
    _check(made, file)
    return made


def _check(manifest: Manifest, file: Path) -> None:
    paths = [each.path for each in manifest.files]
    for each in manifest.files:
        if not _PATH.fullmatch(each.path):
            raise CatalogueError(
                f"{file} names {each.path[:80]!r}, which no backup has", hint="it is damaged, or forged"
            )
        if each.size < 0 or not _SHA256.fullmatch(each.sha256):
            raise CatalogueError(f"{file}: the size or the checksum of {each.path} is none")
    if len(set(paths)) < len(paths) or FILE_NAME not in paths:
        raise CatalogueError(f"{file} names a file twice, or no catalogue", hint="it is damaged, or forged")
