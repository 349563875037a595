"""Folders that appear under their name only once all their files are complete, and the files of items that go into them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING

from heron.catalog.copied_files import LOCK, CopiedFile, CopiedFiles
from heron.catalog.taken_names import TakenNames
from heron.errors import AlreadyExists, HeronError, InvalidInput
from heron.export.copying import copied, is_whole
from heron.export.files import outside_of_workspaces
from heron.export.names import Template, path_of
from heron.export.parts import part_of, unfinished_of
from heron.storage.waiting import OUTAGES
from heron.vectors.files import exclusive

if TYPE_CHECKING:
    from heron.export.media import ItemFiles
    from heron.models import DatasetRow, Item, Member


_SMALL = 4_000_000
"""The most bytes of a file that is copied beside others: a larger one keeps the disk busy by itself, and Ctrl-C would wait for it."""

_THREADS = 4


class NewFolder:
    """The folder into which an exporter writes, and the files of items that it can copy there."""

    def __init__(
        self, path: Path, files: ItemFiles, template: Template | None = None, notes: CopiedFiles | None = None
    ) -> None:
        """`notes` are those of an export that goes on when it was interrupted."""
        self.path = path
        self.files = files
        self._template = template
        self._notes = notes
        self._names = TakenNames()
        self._pool: ThreadPoolExecutor | None = None
        self._answered: set[str] = set()
        """The stores from which a file has come."""

    def name(self, row: DatasetRow, member: Member | None = None, *, below: str | None = None) -> str:
        """A path for the file of an item, or of one of its members, that no other file has.

        It is made by the template, if the user gave one, or else is the folder and the name in the catalogue; `below` a folder, the
        name alone. All names fit every file system. A second file of one name gets a number.
        """
        if self._template is not None:
            wanted = self._template.path_of(row, member)
        else:
            wanted = path_of(row.item, member, is_flat=below is not None)
        return self._names.file(f"{below}/{wanted}" if below else wanted)

    def create(self, name: str) -> IO[bytes]:
        """A new file below the folder; raises InvalidInput for a name that leads elsewhere, and for one that exists."""
        file = self._free(name)
        if self._notes is not None and self._notes.is_resumed and not self._names.has(name):
            file.unlink(missing_ok=True)
        if not self._names.has(name):
            self._names.file(name)
        if self._notes is not None:
            self._notes.note(name, CopiedFile("", None, 0, None))
        try:
            return file.open("xb")
        except FileExistsError as error:
            raise InvalidInput(f"the export writes {name!r} twice") from error

    def copy(self, item: Item, name: str, member: Member | None = None) -> bool:
        """Copy the file of an item, or of one of its members; False if it cannot be read, which the user is told."""
        file = self._free(name)
        if self._notes is not None and self._notes.is_resumed:
            known = self._notes.get(name)
            if known is not None and is_whole(file, known, self.files, item, member):
                self._notes.note(name, known)
                return True
            file.unlink(missing_ok=True)
        return self._finished(file, item, name, member, lambda: copied(file, self.files, item, member))

    def copy_all(self, wanted: Sequence[tuple[Item, str]]) -> Sequence[bool]:
        """Copy the files of items; what the system does for small local ones overlaps, since it waits for the disk.

        If this raises, copies that have begun end before the folder is closed; they are not noted.
        """
        if self._notes is not None and self._notes.is_resumed:
            return [self.copy(item, name) for item, name in wanted]
        begun: list[tuple[Path, Future[CopiedFile] | None]] = []
        for item, name in wanted:
            file = self._free(name)
            copy = partial(copied, file, self.files, item, None)
            begun.append((file, self._threads().submit(copy) if self._is_small(item) else None))
        return [
            self.copy(item, name) if future is None else self._finished(file, item, name, None, future.result)
            for (item, name), (file, future) in zip(wanted, begun, strict=True)
        ]

    def _is_small(self, item: Item) -> bool:
        """Whether it is one small local file, for which nothing has to be asked in the catalogue."""
        is_file = item.url.startswith("file:") and "#" not in item.url and not self.files.is_frozen
        return is_file and item.size is not None and item.size <= _SMALL

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, "heron-copy")
        return self._pool

    def _finished(
        self, file: Path, item: Item, name: str, member: Member | None, make: Callable[[], CopiedFile]
    ) -> bool:
        """Note the copy that `make` makes or has made; False if its source cannot be read, which the user is told."""
        try:
            made = make()
        except FileExistsError as error:
            raise InvalidInput(f"the export writes {name!r} twice") from error
        except HeronError as error:
            file.unlink(missing_ok=True)
            self.failed(item, error, member)
            return False
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        if not made.url.startswith("file:"):
            self._answered.add(_store_of(made.url))
        if self._notes is not None:
            self._notes.note(name, made)
        return True

    def link(self, item: Item, name: str, member: Member | None = None) -> bool:
        """Make a symbolic link to a local file; False if there is no local file, which the user is told."""
        try:
            local = self.files.local(item, member)
            if local is None:
                raise HeronError("only local files can be linked to")
            if not Path(local).is_file():
                raise HeronError("no such file")
        except HeronError as error:
            self.files.failed(item, error, member)
            return False
        file = self._free(name)
        if file.is_symlink() or file.exists():
            raise InvalidInput(f"the export writes {name!r} twice")
        file.symlink_to(local)
        return True

    def remove(self, name: str) -> None:
        """Remove a file that was copied or linked."""
        (self.path / name).unlink()
        if self._notes is not None:
            self._notes.forget(name)

    @contextmanager
    def open(self, item: Item, member: Member | None = None) -> Iterator[tuple[IO[bytes], int]]:
        """The file of an item, or of a member, to read, and its size in bytes; raises HeronError if it cannot be read."""
        with self.files.open(item, member) as opened:
            yield opened

    def failed(self, item: Item, error: HeronError, member: Member | None = None) -> None:
        """Tell the user that a file could not be read, and is not in the export.

        Raises the error if the export can go on later, and the store has answered before: then nothing is left out.
        """
        if self._notes is not None and isinstance(error, OUTAGES):
            url = item.url if member is None else member.url
            if self._notes.is_resumed or _store_of(url) in self._answered:
                raise error
        self.files.failed(item, error, member)

    def _free(self, name: str) -> Path:
        """The place of a new file, in a folder that exists."""
        above, _, own = name.rpartition("/")
        if self._last is None or above != self._last[0] or not _is_plain(own):
            parts = PurePosixPath(name).parts
            windows = PureWindowsPath(name)
            if (
                not parts
                or ".." in windows.parts
                or windows.anchor
                or PurePosixPath(name).anchor
                or "\0" in name
            ):
                raise InvalidInput(f"{name!r} is not the name of a file below the folder of an export")
            folder = self.path.joinpath(*parts[:-1])
            if not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(self.path)):
                raise InvalidInput(f"{name!r} leads out of the folder of an export by a link")
            folder.mkdir(parents=True, exist_ok=True)
            self._last, own = (above, folder), parts[-1]
        return self._last[1] / own

    _last: tuple[str, Path] | None = None
    """The folder that was used last, as names have it; it is there and leads nowhere else."""

    def close(self) -> None:
        """Forget the names, and end the threads."""
        self._names.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _is_plain(own: str) -> bool:
    """Whether the last part of a name is one of a file on every system."""
    return own not in ("", ".", "..") and not {"\\", ":", "\0"} & {*own}


def _store_of(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


@contextmanager
def whole_folder(
    path: Path, files: ItemFiles, *, template: Template | None = None, resume: str | None = None
) -> Iterator[NewFolder]:
    """A new folder that appears under its name only once it is complete.

    It may exist if it is empty. Raises AlreadyExists for anything else with this name, HeronError if it cannot be written. With
    `resume`, which identifies the export, an interrupted one leaves its copies beside, and goes on with them: after Ctrl-C, after the
    process was killed, and after a store was lost.
    """
    if str(path) == "-":
        raise InvalidInput("this format writes a folder, which standard output cannot take", hint="-o FOLDER")
    target = outside_of_workspaces(path)
    part = unfinished_of(target, resume) if resume else part_of(target)
    keeps = False
    with ExitStack() as stack:
        try:
            _check_free(path, target)
            part.mkdir(exist_ok=resume is not None)
            if resume and not stack.enter_context(exclusive(part / LOCK)):
                keeps = True
                raise AlreadyExists(f"another process writes {path}", hint="wait for it to end")
            notes = CopiedFiles(part) if resume else None
            folder = NewFolder(part, files, template, notes)
            try:
                yield folder
            except (KeyboardInterrupt, *OUTAGES) as error:
                keeps = notes is not None and notes.count() > 0
                if isinstance(error, HeronError) and keeps:
                    error.hint = "the same export goes on with what was copied before"
                raise
            finally:
                folder.close()
                if notes is not None:
                    notes.close() if keeps else None
            if notes is not None:
                notes.finish()
                (part / LOCK).unlink()
            _check_free(path, target)
            if target.exists():
                target.rmdir()
            part.rename(target)
        except OSError as error:
            raise HeronError(f"{path} cannot be written: {error.strerror or error}") from error
        finally:
            if not keeps:
                shutil.rmtree(part, ignore_errors=True)


def _check_free(path: Path, target: Path) -> None:
    if target.is_dir():
        if any(target.iterdir()):
            raise AlreadyExists(f"{path} is a folder that is not empty", hint="name a new folder")
    elif target.exists():
        raise AlreadyExists(f"{path} is a file", hint="this format writes a folder: name a new one")
