"""What a request must not name: places on the disk of the machine that answers it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heron.workspace import Workspace


def urls_of_manifest(workspace: Workspace, path: Path, format: str | None = None) -> Iterator[str]:
    """The URLs of all entries of a manifest, or of a dataset in a format; raises InvalidInput for a file that is none."""
    for unit in workspace.ingest._sources.manifest(path, None, format).units():
        yield unit.url
        yield from (member.url for member in unit.members)
        if unit.path is not None:
            yield str(unit.path)
