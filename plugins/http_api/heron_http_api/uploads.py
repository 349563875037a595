"""Files that clients send to be imported: they lie below `uploads/` of the workspace, a folder for each upload."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import heron
from heron.remote import inside, wire

FOLDER = "uploads"
SCHEME = "upload:"

LARGEST = 256 * 1024**3
"""The largest file that can be sent, in bytes."""

_ID = re.compile(r"[0-9a-f]{32}")
_log = logging.getLogger("heron.server")


def forget_unfinished(root: Path) -> int:
    """Delete what processes that have ended were receiving, and return how many files that were."""
    count = 0
    for path in inside.received_before(root):
        process = path.name.partition("-")[0]
        if process.isdecimal() and not _is_alive(int(process)):
            path.unlink(missing_ok=True)
            count += 1
    if count:
        _log.warning("%d uploads that a server had not received as a whole when it ended were deleted", count)
    return count


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return process != os.getpid()  # this one has just started


def begin(workspace: heron.Workspace) -> dict[str, str]:
    """Make the folder of an upload, and return its id; only who may register items may send files."""
    if not workspace.access.may("create", "import"):
        raise heron.PermissionDenied(f"{workspace.user.email} may not import files")
    id = uuid4().hex
    inside.plain_folder(workspace.root / FOLDER)
    (workspace.root / FOLDER / id).mkdir()
    (workspace.root / FOLDER / f"{id}.json").write_bytes(wire.dumped({"user": workspace.user.email}))
    return {"id": id, "source": SCHEME + id}


def place_of(workspace: heron.Workspace, id: str, name: str) -> Path:
    """Where a file of an upload lies; raises NotFound for an upload of somebody else, InvalidInput for a name that is none."""
    folder = _folder(workspace, id)
    parts = name.split("/")
    if len(name.encode()) > 1000 or any(not _is_name(part) for part in parts):
        raise heron.InvalidInput(
            f"{name[:100]!r} is not the name of a file", hint="give names without . and .., as a/b.jpg"
        )
    return folder.joinpath(*parts)


def _is_name(part: str) -> bool:
    is_plain = part not in ("", ".", "..") and part.isprintable() and "\\" not in part
    return is_plain and len(part.encode()) <= 255


def _folder(workspace: heron.Workspace, id: str) -> Path:
    kept = workspace.root / FOLDER / f"{id}.json"
    if not _ID.fullmatch(id) or not kept.is_file():
        raise heron.NotFound(f"there is no upload {id[:40]!r}", hint="POST /uploads begins one")
    if wire.parsed(kept.read_bytes())["user"] != workspace.user.email:
        raise heron.NotFound(f"there is no upload {id!r}", hint="POST /uploads begins one")
    return workspace.root / FOLDER / id


def located(workspace: heron.Workspace, given: Any) -> Any:
    """Sources of an import, with the folders and files of uploads in place of `upload:ID` and `upload:ID/NAME`."""
    if isinstance(given, list):
        return [located(workspace, source) for source in given]
    text = str(given)
    if not text.startswith(SCHEME):
        return text
    id, _, name = text.removeprefix(SCHEME).partition("/")
    place = place_of(workspace, id, name) if name else _folder(workspace, id)
    if not place.exists():
        raise heron.NotFound(f"{text} was not sent")
    return str(place)
