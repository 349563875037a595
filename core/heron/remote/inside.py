"""What servers write in `.heron`, where a stranger may have put links: the note of where they serve, and bodies they receive."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from heron.errors import CatalogueError
from heron.inside import DIRECTORY, make_folder, open_file
from heron.showing import SERVING

_RECEIVING = "receiving"


@contextmanager
def noted(root: Path, url: str, frame_in: Sequence[str]) -> Iterator[None]:
    """Note in `.heron` where the workspace is served, for notebooks; where nothing can be written, nobody is told."""
    note = root / DIRECTORY / SERVING
    content = json.dumps({"url": url, "pid": os.getpid(), "frame_in": list(frame_in)}).encode()
    with suppress(OSError):
        note.unlink(missing_ok=True)  # of a server that was killed, or a link
        with open_file(note, "xb") as stream:
            stream.write(content)
    try:
        yield
    finally:
        with suppress(OSError):
            with open_file(note, "rb") as stream:
                is_ours = stream.read(len(content) + 1) == content
            if is_ours:
                note.unlink()


def receiving(root: Path) -> Path:
    """A new name for a body until it has come as a whole; it tells the process that writes it. Raises CatalogueError."""
    folder = root / DIRECTORY / _RECEIVING
    plain_folder(folder)
    return folder / f"{os.getpid()}-{uuid4().hex}"


def received_before(root: Path) -> Sequence[Path]:
    """What earlier processes have left in the folder of `receiving`; nothing if it is a link."""
    folder = root / DIRECTORY / _RECEIVING
    return () if folder.is_symlink() else tuple(folder.glob("*-*"))


def plain_folder(folder: Path) -> None:
    """Make a folder unless it exists; raises CatalogueError if it cannot be made, or is a link to elsewhere."""
    try:
        make_folder(folder)
    except OSError as error:
        raise CatalogueError(f"{folder} cannot be used: {error.strerror or error}") from error
