"""Restores a backup: everything is copied and checked beside the workspace, and then takes its place at once.

A workspace that is there is renamed, and deleted only when the restored one is in place. A process that is killed leaves either
the old workspace, or the old one under the name `ASIDE` (which the next restore, and each command, tells of), or the new one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from heron.backups import Restored
from heron.catalog.backups.checking import checked, is_in_use, prepare
from heron.consent import require_trusted
from heron.errors import AlreadyExists, CatalogueBusy, CatalogueError, HeronError, InvalidInput
from heron.export.backups.copying import blocks, flush, writing
from heron.export.backups.manifest import Manifest, found_backup, read_manifest
from heron.export.parts import part_of
from heron.inside import (
    ASIDE,
    DIRECTORY,
    FILE_NAME,
    make_workspace_folder,
    open_file,
    other_owner,
    own_users,
    require_settled,
)

Progress = Callable[[int, int], None]
Allowed = Callable[[Path], None]
"""Raises PermissionDenied unless the acting user may replace the workspace in that `.heron`, or read this one as an admin."""


def restore(
    backup: Path, root: Path, *, replace: bool, dry_run: bool, user: str, allowed: Allowed, progress: Progress
) -> Restored:
    """Restore a backup, or the newest one of a series, as the workspace in the folder `root`."""
    folder = found_backup(backup)
    owner = other_owner(folder / FILE_NAME)
    if owner is not None:
        require_trusted(folder, owner)
    manifest = read_manifest(folder)
    root = root.absolute()
    target = root / DIRECTORY
    require_settled(root)
    if os.path.lexists(root / ASIDE):
        raise CatalogueError(
            f"{root / ASIDE} is the workspace that an interrupted restore has replaced",
            hint="look whether you need it, then remove it",
        )
    replaces = os.path.lexists(target)
    if replaces and not replace:
        raise AlreadyExists(
            f"{root} is a workspace already", hint="restore elsewhere, or give --replace (replace=True)"
        )
    if replaces:
        allowed(target)
    with writing(root), _stage(target, dry_run=dry_run) as stage:
        (stage / "vectors").mkdir()
        _copy(folder, manifest, stage, progress)
        found = checked(stage, manifest.workspace, folder / FILE_NAME)
        allowed(stage)
        if not dry_run:
            prepare(stage, found, user, {"backup": str(folder), "made_at": manifest.made_at})
            _settled(stage)
            _put(stage, target)
    return Restored(manifest.told(folder), root, replaces)


@contextmanager
def _stage(target: Path, *, dry_run: bool) -> Iterator[Path]:
    """A folder beside `.heron` that is removed unless it took its place; for a dry run, one in the temporary folder."""
    import tempfile

    if dry_run:
        with tempfile.TemporaryDirectory(prefix="heron-restore-") as name:
            stage = Path(name) / DIRECTORY
            make_workspace_folder(stage)
            yield stage
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = part_of(target)
    try:
        make_workspace_folder(stage)
        yield stage
    finally:
        rmtree(stage, ignore_errors=True)


def _copy(folder: Path, manifest: Manifest, stage: Path, progress: Progress) -> None:
    """Copy all files, and compare sizes and checksums; the parts of a file of vectors become one file."""
    from hashlib import sha256

    total, done = sum(file.size for file in manifest.files), 0
    for file in sorted(manifest.files, key=lambda each: each.path):
        place = folder / file.path
        whole = sha256()
        name = file.path if file.path == FILE_NAME else re.sub(r"\.[0-9]+$", "", file.path)
        try:
            source = open_file(place, "rb")
        except OSError as error:
            raise CatalogueError(f"{place} cannot be read: {error.strerror or error}") from None
        with source:
            status = os.fstat(source.fileno())
            if status.st_uid not in own_users():
                require_trusted(folder, status.st_uid)
            if status.st_size != file.size:
                raise CatalogueError(
                    f"{place} has {status.st_size:,} bytes, and not {file.size:,} as in the manifest",
                    hint="the backup is damaged: use another one",
                )
            (stage / name).parent.mkdir(exist_ok=True)
            with (stage / name).open("ab") as copy:
                for block in blocks(source, file.size):
                    copy.write(block)
                    whole.update(block)
                    done += len(block)
                    progress(done, total)
                copy.flush()
                os.fsync(copy.fileno())
        if whole.hexdigest() != file.sha256:
            raise CatalogueError(
                f"{place} has another checksum than in the manifest",
                hint="the backup is damaged: use another one",
            )


def _settled(stage: Path) -> None:
    """Flush all files and names to disk."""
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            (stage / f"{FILE_NAME}{suffix}").unlink()
    flush(stage / FILE_NAME)
    for folder in stage.iterdir():
        flush(folder) if folder.is_dir() else None
    flush(stage)


def _put(stage: Path, target: Path) -> None:
    """Put the restored workspace in its place, which another process must not use at this moment."""
    aside = target.parent / ASIDE
    is_there = os.path.lexists(target)
    if is_there:
        if target.is_symlink() or not target.is_dir():
            raise InvalidInput(f"{target} is a link or a file, and is not replaced")
        target.rename(aside)
        if is_in_use(aside / FILE_NAME):
            aside.rename(target)
            raise CatalogueBusy(
                f"{target.parent} is open in another process",
                hint="end it, such as heron serve, then restore again",
            )
    try:
        stage.rename(target)
    except OSError as error:
        if is_there and not os.path.lexists(target):
            aside.rename(target)
        raise HeronError(f"{target} cannot be made: {error.strerror or error}") from error
    flush(target.parent)
    if is_there:
        rmtree(aside, ignore_errors=True)
