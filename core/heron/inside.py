"""Opens the files in `.heron`, which may come from a stranger: only regular files, and never through a link."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from heron.errors import CatalogueError, NotFound

DIRECTORY = ".heron"
"""The folder of a workspace, in its root."""

FILE_NAME = "catalog.db"
"""The catalogue in that folder."""

ASIDE = ".heron-before-restore"
"""The name of a workspace's folder for the moment in which a restored one takes its place."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._-]*")
_FLAGS = {
    "rb": os.O_RDONLY,
    "r+b": os.O_RDWR,
    "wb": os.O_WRONLY | os.O_CREAT,
    "ab": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "xb": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    "lock": os.O_RDWR | os.O_CREAT,
}


def child(folder: Path, name: object) -> Path:
    """The path of a file directly in a folder; raises CatalogueError for a name that leads out of the folder."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CatalogueError(
            f"{str(name)[:80]!r} cannot be the name of a file in {folder}",
            hint="the catalogue is damaged, or forged",
        )
    return folder / name


def descriptor(path: Path, mode: str) -> int:
    """Open a regular file for `rb`, `r+b`, `wb`, `ab`, `xb` or `lock`, and return its descriptor.

    Neither the file nor its folder may be a link. A file to be written must not have a second name (a hard
    link), which could be anywhere. A pipe or a device is refused without waiting for it. Raises OSError; its
    `strerror` says what is wrong.
    """
    flags = _FLAGS[mode] | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    folder = _folder(path.parent)
    try:
        opened = os.open(path.name, flags, 0o666, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _refused(path) from None
        raise
    finally:
        os.close(folder)
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            raise _refused(path)
        if mode != "rb" and found.st_nlink > 1:
            raise OSError(
                errno.EMLINK, "it has a second name, a hard link, which writing would change too", path
            )
        if mode == "wb":
            os.ftruncate(opened, 0)
    except BaseException:
        os.close(opened)
        raise
    return opened


def open_file(path: Path, mode: str) -> BinaryIO:
    """Open a file by `descriptor`."""
    opened: Any = os.fdopen(descriptor(path, mode), "rb" if mode == "rb" else mode.replace("x", "w"))
    return opened  # type: ignore[no-any-return]


def require_plain(path: Path) -> None:
    """Raise OSError if something other than a regular file has that path; it need not exist."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise _refused(path)
    os.close(_folder(path.parent))


def require_catalogue(file: Path) -> None:
    """Raise CatalogueError if the catalogue, a file beside it, or its folder is a link or of another type.

    SQLite opens these files itself, follows links, writes to files with a second name, and would wait for a pipe.
    """
    try:
        mode = os.lstat(file.parent).st_mode
    except FileNotFoundError:
        return  # SQLite reports it
    except OSError as error:
        raise CatalogueError(f"{file.parent} cannot be opened: {error.strerror}") from None
    wrong = file.parent if not stat.S_ISDIR(mode) else None
    for suffix in ("", "-wal", "-shm", "-journal"):
        path = Path(f"{file}{suffix}")
        try:
            found = os.lstat(path)
        except OSError:
            continue  # missing, or SQLite reports what is wrong
        if not stat.S_ISREG(found.st_mode):
            wrong = wrong or path
        elif found.st_nlink > 1:
            raise CatalogueError(
                f"{path} has a second name, a hard link, whose file would change too, and is not used",
                hint=f"give it a file of its own: cp {path} {path}.new; mv {path}.new {path}",
            )
    if wrong is not None:
        needed = "folder" if wrong == file.parent else "file"
        raise CatalogueError(
            f"{wrong} is not a regular {needed}, and is not used",
            hint=f"a link could lead anywhere: replace it with a regular {needed}",
        )


def own_users() -> set[int]:
    """The ids of the users whose files count as one's own: under sudo also the calling user, as in Git."""
    own = {os.geteuid()}
    caller = os.environ.get("SUDO_UID", "")
    if 0 in own and caller.isdecimal():
        own.add(int(caller))
    return own


def other_owner(file: Path) -> int | None:
    """The id of the other user who owns a file or its folder; None if both are one's own, or missing."""
    for path in (file.parent, file):
        try:
            owner = os.lstat(path).st_uid
        except OSError:
            continue  # opening it reports why
        if owner not in own_users():
            return owner
    return None


def make_folder(path: Path) -> None:
    """Create a folder unless it exists; raises OSError if something else has the path, such as a link to a folder."""
    try:
        path.mkdir()
    except FileExistsError:
        os.close(_folder(path))


def is_catalogue(file: Path) -> bool:
    """Whether a catalogue exists; raises CatalogueError without permission to read its folder."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except PermissionError as error:
        raise CatalogueError(
            f"{file.parent} cannot be read: {error.strerror}", hint="use -w for another workspace"
        ) from None
    except (OSError, ValueError):
        return False


def find(start: str | Path = ".") -> Path:
    """The root of the workspace to use: HERON_WORKSPACE, or the nearest folder with `.heron/`, from here upwards."""
    chosen = os.environ.get("HERON_WORKSPACE")
    if chosen:
        return Path(chosen).absolute()
    here = Path(start).absolute()
    for folder in (here, *here.parents):
        require_settled(folder)
        if is_catalogue(folder / DIRECTORY / FILE_NAME):
            return folder
    raise NotFound(
        f"there is no workspace in {here} or above", hint="run heron init, or heron quickstart for a tour"
    )


def require_settled(root: Path) -> None:
    """Raise CatalogueError if a restore was killed between the two steps in which it replaces the workspace in a folder."""
    aside = root / ASIDE
    if os.path.lexists(aside) and not os.path.lexists(root / DIRECTORY):
        raise CatalogueError(
            f"a restore in {root} was interrupted, and the workspace of before is {aside}",
            hint=f"mv {aside} {root / DIRECTORY} brings it back; then restore again",
        )


def make_workspace_folder(path: Path) -> None:
    """Create the folder `.heron`, with a file that makes Git ignore it; raises CatalogueError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        make_folder(path)
        with suppress(FileExistsError), open_file(path / ".gitignore", "xb") as stream:
            stream.write(b"*\n")
    except OSError as error:
        reason = error.strerror or error
        raise CatalogueError(f"no workspace can be made in {path.parent}: {reason}") from error


def _folder(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise OSError(
                errno.ENOTDIR, "its folder is a link, or not a folder, and is not used", path
            ) from None
        raise


def _refused(path: Path) -> OSError:
    return OSError(errno.ELOOP, "it is a link or not a regular file, and is not used", str(path))
