"""Folders that appear under their name only once all their files are complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from attrs import frozen

from heron.errors import AlreadyExists, HeronError, InvalidInput
from heron.export.files import outside_of_workspaces
from heron.export.parts import part_of


@frozen
class NewFolder:
    """The folder into which an exporter writes."""

    path: Path

    def create(self, name: str) -> IO[bytes]:
        """A new file below the folder; raises InvalidInput for a name that leads elsewhere, and for one that exists."""
        parts = PurePosixPath(name).parts
        windows = PureWindowsPath(name)
        if not parts or ".." in windows.parts or windows.anchor or PurePosixPath(name).anchor or "\0" in name:
            raise InvalidInput(f"{name!r} is not the name of a file below the folder of an export")
        file = self.path.joinpath(*parts)
        if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(self.path)):
            raise InvalidInput(f"{name!r} leads out of the folder of an export by a link")
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return file.open("xb")
        except FileExistsError as error:
            raise InvalidInput(f"the export writes {name!r} twice") from error


@contextmanager
def whole_folder(path: Path) -> Iterator[NewFolder]:
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
        yield NewFolder(part)
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
