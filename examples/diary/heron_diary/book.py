"""The diary: one JSON object a line, in the folder of the workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import heron


def place(workspace: heron.Workspace) -> Path:
    """The file of the diary."""
    return Path(workspace.root) / ".heron" / "diary.jsonl"


def note(workspace: heron.Workspace, text: str) -> None:
    """Add a line; one write of a short line is never torn apart by another process."""
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), "text": text})
    with place(workspace).open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")


def entries(workspace: heron.Workspace) -> Iterator[dict[str, str]]:
    """The lines, the oldest first."""
    if place(workspace).exists():
        with place(workspace).open(encoding="utf-8") as stream:
            yield from map(json.loads, stream)
