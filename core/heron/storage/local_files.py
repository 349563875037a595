"""Reading local files and walking local folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from heron.errors import InvalidInput, NotFound, PermissionDenied
from heron.hooks import StoredObject
from heron.storage.filesystem import FilesystemStorage


class LocalStorage(FilesystemStorage):
    """Local files as `file:///…` URLs; plain paths are accepted too."""

    def __init__(self) -> None:
        from fsspec.implementations.local import LocalFileSystem

        super().__init__(LocalFileSystem(skip_instance_cache=True))

    def path_of(self, url: str) -> str:
        """The absolute path of a file URL or path."""
        return str(path_of_url(url))

    def url_of(self, path: str) -> str:
        """The file URL of a path, with spaces as %20."""
        return Path(path).as_uri()

    def _list(self, prefix: str) -> Iterator[StoredObject]:
        """The files at and below a path, as `walk` finds them; a link to a file counts as a file."""
        path = path_of_url(prefix)
        if not os.path.lexists(path):
            raise NotFound(f"{prefix} is not there")
        for folder, names in walk(path):
            for name in names:
                place = folder / name
                if place.is_dir():
                    raise PermissionDenied(f"{place} cannot be listed", hint="check its rights")
                if place.exists():  # otherwise it was deleted meanwhile, or is a broken link
                    yield self.stat(place.as_uri())

    def stat(self, url: str) -> StoredObject:
        """Look up a file; links are followed."""
        path = path_of_url(url)
        try:
            status = path.stat()
        except OSError as error:
            raise self.explain(error, url) from error
        if not stat.S_ISREG(status.st_mode):
            raise NotFound(f"{url} is no file")
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        return StoredObject(self.url_of(str(path)), status.st_size, modified_at=modified)

    def sign(self, url: str, expires: int) -> str:
        """Raise InvalidInput: a local file has no URL that others could open."""
        raise InvalidInput(f"{url}: a local file cannot be signed")


def path_of_url(url: str) -> Path:
    """The absolute path of a `file:` URL or of a plain path; raises InvalidInput for another scheme."""
    if not url or "\0" in url:
        raise InvalidInput(f"{url!r} is no path")
    if url.lower().startswith("file:"):
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            raise InvalidInput(f"{url} lies on another machine ({parts.netloc})")
        return Path(os.path.abspath(unquote(parts.path)))  # noqa: PTH100 - resolve() would follow links
    if "://" in url:
        raise InvalidInput(f"{url} is no local file")
    return Path(os.path.abspath(url))  # noqa: PTH100


def walk(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """The folders at and below a path, each with the sorted names of its files; for a file, its folder with
    this one name.

    Hidden files and folders are skipped unless `path` itself is hidden. Links to files are followed; links to
    folders are not, so that a loop of links cannot trap the walk. A folder that cannot be read is yielded as
    if it were a file, so that reading it raises the error. Raises NotFound.
    """
    if not os.path.lexists(path):
        raise NotFound(f"{path} is not there", hint="check the spelling, or quote a name with spaces")
    pending = [path]
    while pending:
        here = pending.pop()
        files, folders = _listed(here)
        if files:
            yield (here if folders is not None else here.parent), files
        pending += reversed(folders or [])


def _listed(path: Path) -> tuple[list[str], list[Path] | None]:
    """The names of the files in a folder, and its subfolders; for anything that is not a readable folder, its
    own name and None.
    """
    try:
        if not path.is_dir():
            return [path.name], None
        with os.scandir(path) as entries:
            listed = sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name
            )
        files = [entry.name for entry in listed if not entry.is_dir()]
        return files, [Path(entry.path) for entry in listed if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return [path.name], None
