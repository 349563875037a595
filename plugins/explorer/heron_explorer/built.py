"""The page as it was built: its files, each with its type, its tag and its compressed form."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from attrs import field, frozen

import heron

FOLDER = Path(__file__).parent / "static"
ASSETS = "assets"
PAGES = ("index.html", "plot.html")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}
_REASON = "not-built.txt"
_WORTH = 1024
"""Files of fewer bytes are not compressed."""


@frozen
class File:
    """A file of the page, and the same in gzip where that is worth it."""

    content: bytes = field(repr=False)
    zipped: bytes | None = field(repr=False)
    media_type: str
    tag: str

    @classmethod
    def of(cls, content: bytes, suffix: str) -> File:
        """The file with a content and a suffix."""
        media_type = _TYPES.get(suffix) or mimetypes.guess_type(f"a{suffix}")[0] or "application/octet-stream"
        worth = len(content) >= _WORTH and media_type.startswith(("text/", "image/svg"))
        zipped = gzip.compress(content, 6, mtime=0) if worth else None
        return cls(content, zipped, media_type, hashlib.sha256(content).hexdigest()[:32])


@cache
def file_at(path: Path) -> File:
    """A file of the page, read once."""
    return File.of(path.read_bytes(), path.suffix)


def pages(folder: Path = FOLDER) -> Mapping[str, Path]:
    """The pages by name; raises PluginError where the page was not built."""
    found = {name: folder / name for name in PAGES}
    missing = [path for path in found.values() if not path.is_file()]
    if missing:
        reason = folder / _REASON
        why = (
            reason.read_text(encoding="utf-8").strip()
            if reason.is_file()
            else "Heron was installed without it"
        )
        raise heron.PluginError(
            f"the Explorer's page is not here: {why}",
            hint="install Heron again where Node (20.19 or newer) or the package index can be reached",
        )
    return found


def assets(folder: Path = FOLDER) -> Mapping[str, Path]:
    """The files beside the pages, by name: their names contain a hash of what is in them."""
    place = folder / ASSETS
    return {path.name: path for path in place.iterdir() if path.is_file()} if place.is_dir() else {}
