"""Where files lie that were uploaded: first below `.heron`, and once an import takes them, in a folder of the workspace."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from uuid import UUID, uuid4

from heron import InvalidInput

FOLDER = "uploads"
"""The folder of the workspace in which uploaded files stay."""

KEPT_DAYS = 7
"""How long a file waits for the import that takes it."""

_MARK = "heron-upload/"
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


class Uploaded:
    """The uploaded files of a workspace."""

    def __init__(self, root: Path) -> None:
        self._waiting = root / ".heron" / FOLDER
        self._kept = root / FOLDER

    def announce(self) -> UUID:
        """The id of a new upload; what was uploaded long ago and never imported is removed."""
        limit = time.time() - KEPT_DAYS * 24 * 3600
        for file in self._waiting.iterdir() if self._waiting.is_dir() else ():
            if file.is_file() and file.stat().st_mtime < limit:
                file.unlink(missing_ok=True)
        return uuid4()

    def place(self, upload: UUID) -> Path:
        """Where the bytes of an upload wait."""
        return self._waiting / str(upload)

    def take(self, upload: UUID, name: str) -> Path:
        """Move the file of an upload into the workspace, under a name like that of its item; raises InvalidInput."""
        waiting = self.place(upload)
        if not waiting.is_file():
            raise InvalidInput(f"nothing was uploaded for {name}", hint="upload the file again")
        folder = self._kept / time.strftime("%Y-%m-%d", time.gmtime()) / upload.hex[:12]
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / file_name(name)
        shutil.move(waiting, kept)
        return kept

    def give_back(self, upload: UUID, kept: Path) -> None:
        """Undo `take`, for an import that did not take the file."""
        if kept.is_file():
            shutil.move(kept, self.place(upload))
            kept.parent.rmdir()


def key_of(upload: UUID) -> str:
    """What a client names as the URL of an upload."""
    return f"{_MARK}{upload}"


def upload_of(url: str | None) -> UUID | None:
    """The upload that a URL means, or None."""
    if url is None or not url.startswith(_MARK):
        return None
    try:
        return UUID(url.removeprefix(_MARK))
    except ValueError:
        return None


def file_name(title: str) -> str:
    """A title as the name of a file."""
    name = _NOT_IN_NAMES.sub("_", title).strip(". ")
    return name.encode()[-150:].decode(errors="ignore") or "file"
