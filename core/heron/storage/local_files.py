"""Reading local files and walking local folders."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path

from attrs import field, frozen

from heron.catalog.spelling import absolute_path
from heron.errors import HeronError, InvalidInput, NotFound, PermissionDenied
from heron.export.parts import part_of
from heron.hooks import StoredObject
from heron.storage.filesystem import FilesystemStorage
from heron.vectors.files import replace


@frozen
class BadEntry(StoredObject):
    """Something in a listing that cannot be read: a broken link, a pipe, a name that is not UTF-8."""

    problem: str = field(kw_only=True)
    """Why it cannot be read, as a sentence."""


class LocalStorage(FilesystemStorage):
    """Local files as `file:///…` URLs; plain paths are accepted too."""

    def __init__(self) -> None:
        from fsspec.implementations.local import LocalFileSystem

        super().__init__(LocalFileSystem(skip_instance_cache=True))

    def path_of(self, url: str) -> str:
        """The absolute path of a file URL or path."""
        return str(absolute_path(url))

    def url_of(self, path: str) -> str:
        """The file URL of a path, with spaces as %20."""
        return Path(path).as_uri()

    def _list(self, prefix: str) -> Iterator[StoredObject]:
        """The files at and below a path, as `walk` finds them; a link to a file counts as a file."""
        path = absolute_path(prefix)
        if not os.path.lexists(path):
            raise NotFound(f"{prefix} is not there")
        for folder, names in walk(path):
            for name in names:
                place = folder / name
                if place.is_dir():
                    raise PermissionDenied(f"{place} cannot be listed", hint="check its rights")
                try:
                    yield self.stat(place.as_uri())
                except HeronError as error:
                    if os.path.lexists(place):  # otherwise it was deleted meanwhile
                        yield BadEntry(place.as_uri(), 0, problem=error.message)

    def explain(self, error: Exception, url: str) -> HeronError:
        """The HeronError for an error of the system; of a file that is missing, what to do where it was moved."""
        found = super().explain(error, url)
        if isinstance(found, NotFound):
            return NotFound(
                found.message, hint="if files were moved: heron relocate OLD NEW says where they are"
            )
        return found

    def stat(self, url: str) -> StoredObject:
        """Look up a file; links are followed."""
        path = absolute_path(url)
        try:
            status = path.stat()
        except OSError as error:
            raise self.explain(error, url) from error
        if not stat.S_ISREG(status.st_mode):
            raise NotFound(f"{url} is not a file")
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        return StoredObject(self.url_of(str(path)), status.st_size, modified_at=modified)

    def write(self, url: str, content: bytes) -> None:
        """Write a file that gets its name only when it is complete and on disk; folders are made."""
        path = absolute_path(url)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = part_of(path)
            try:
                with part.open("xb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                replace(part, path)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritten(error, path) from error

    def delete(self, url: str) -> None:
        """Delete a file; nothing happens if it is not there."""
        path = absolute_path(url)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritten(error, path) from error

    def sign(self, url: str, expires: int) -> str:
        """Raise InvalidInput: a local file has no URL that others could open."""
        raise InvalidInput(f"{url}: a local file cannot be signed")


def _unwritten(error: OSError, path: Path) -> HeronError:
    """The error for a file that cannot be written or deleted."""
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError):
        return PermissionDenied(f"{path} cannot be written: {reason}", hint="check the rights on its folder")
    return HeronError(
        f"{path} cannot be written: {reason}",
        hint="free some space there" if error.errno in (ENOSPC, EDQUOT) else None,
    )


def walk(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """The folders at and below a path, each with the sorted names of its files; for a file, its folder with
    this one name.

    Hidden files and folders are skipped unless `path` itself is hidden. Links are followed. Each folder is visited
    once: the real ones first, then what links lead to; a link to a folder above is a loop, and is skipped. Whatever
    is no folder counts as a file, and so does a folder that cannot be read, so that reading it raises the error.
    Raises NotFound.
    """
    if not os.path.lexists(path):
        raise NotFound(f"{path} is not there", hint="check the spelling, or quote a name with spaces")
    seen: set[tuple[int, int]] = set()
    pending, links = [path], deque[Path]()
    while pending or links:
        here = pending.pop() if pending else links.popleft()
        if _is_known(here, seen) or (here != path and here.is_symlink() and _is_loop(here, path)):
            continue
        files, folders, linked = _listed(here)
        if files:
            yield (here if folders is not None else here.parent), files
        pending += reversed(folders or [])
        links += linked


def _is_known(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether a folder was visited before; from now on it was."""
    try:
        status = path.stat()
    except OSError:
        return False
    key = (status.st_dev, status.st_ino)
    if not stat.S_ISDIR(status.st_mode):
        return False
    was_seen = key in seen
    seen.add(key)
    return was_seen


def _is_loop(link: Path, root: Path) -> bool:
    """Whether a link leads to a folder that holds the link, or the root of the walk."""
    target = Path(os.path.realpath(link))
    return any(Path(os.path.realpath(below)).is_relative_to(target) for below in (link.parent, root))


def _listed(path: Path) -> tuple[list[str], list[Path] | None, list[Path]]:
    """The names of the files in a folder, its subfolders, and the links to folders in it; for anything that is not
    a readable folder, its own name and None.
    """
    try:
        if not path.is_dir():
            return [path.name], None, []
        with os.scandir(path) as entries:
            listed = sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name
            )
    except OSError:
        return [path.name], None, []
    folders = [entry for entry in listed if _is_folder(entry)]
    files = [entry.name for entry in listed if not _is_folder(entry)]
    real = [Path(entry.path) for entry in folders if not entry.is_symlink()]
    return files, real, [Path(entry.path) for entry in folders if entry.is_symlink()]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links, for instance, which is one bad entry and no more
        return False
