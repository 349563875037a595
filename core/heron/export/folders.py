"""Folders that appear under their name only once all their files are complete, and the files of items that go into them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING

from attrs import frozen

from heron.errors import AlreadyExists, HeronError, InvalidInput
from heron.export.files import outside_of_workspaces
from heron.export.parts import part_of

if TYPE_CHECKING:
    from heron.export.media import ItemFiles
    from heron.models import Item, Member


_BLOCK = 1 << 20


@frozen
class NewFolder:
    """The folder into which an exporter writes, and the files of items that it can copy there."""

    path: Path
    files: ItemFiles

    def create(self, name: str) -> IO[bytes]:
        """A new file below the folder; raises InvalidInput for a name that leads elsewhere, and for one that exists."""
        try:
            return self._free(name).open("xb")
        except FileExistsError as error:
            raise InvalidInput(f"the export writes {name!r} twice") from error

    def copy(self, item: Item, name: str, member: Member | None = None) -> bool:
        """Copy the file of an item, or of one of its members; False if it cannot be read, which the user is told."""
        with self.create(name) as target:
            try:
                with self.files.open(item, member) as (source, size):
                    shutil.copyfileobj(source, target, _BLOCK)
                    if target.tell() != size:
                        raise HeronError(f"{target.tell():,} bytes came, and not {size:,}")
                return True
            except HeronError as error:
                self.files.failed(item, error, member)
        (self.path / name).unlink()
        return False

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

    @contextmanager
    def open(self, item: Item, member: Member | None = None) -> Iterator[tuple[IO[bytes], int]]:
        """The file of an item, or of a member, to read, and its size in bytes; raises HeronError if it cannot be read."""
        with self.files.open(item, member) as opened:
            yield opened

    def failed(self, item: Item, error: HeronError, member: Member | None = None) -> None:
        """Tell the user that a file could not be read, and is not in the export."""
        self.files.failed(item, error, member)

    def _free(self, name: str) -> Path:
        """The place of a new file, in a folder that exists."""
        parts = PurePosixPath(name).parts
        windows = PureWindowsPath(name)
        if not parts or ".." in windows.parts or windows.anchor or PurePosixPath(name).anchor or "\0" in name:
            raise InvalidInput(f"{name!r} is not the name of a file below the folder of an export")
        file = self.path.joinpath(*parts)
        if not Path(os.path.realpath(file.parent)).is_relative_to(os.path.realpath(self.path)):
            raise InvalidInput(f"{name!r} leads out of the folder of an export by a link")
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


@contextmanager
def whole_folder(path: Path, files: ItemFiles) -> Iterator[NewFolder]:
    """A new folder that appears under its name only once it is complete.

    It may exist if it is empty. Raises AlreadyExists for anything else with this name, HeronError if it cannot be written.
    """
    if str(path) == "-":
        raise InvalidInput("this format writes a folder, which standard output cannot take", hint="-o FOLDER")
    target = outside_of_workspaces(path)
    part = part_of(target)
    try:
        _check_free(path, target)
        part.mkdir()
        yield NewFolder(part, files)
        _check_free(path, target)
        if target.exists():
            target.rmdir()
        part.rename(target)
    except OSError as error:
        raise HeronError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_free(path: Path, target: Path) -> None:
    if target.is_dir():
        if any(target.iterdir()):
            raise AlreadyExists(f"{path} is a folder that is not empty", hint="name a new folder")
    elif target.exists():
        raise AlreadyExists(f"{path} is a file", hint="this format writes a folder: name a new one")
