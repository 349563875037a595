"""The records of backups: what one contains, what making one did, and what restoring one does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from attrs import field, frozen

from heron.records import Record
from heron.times import moment

FORMAT = "heron-backup"
VERSION = 2
"""2 for a backup with tables of plugins, which Heron before that refuses; 1 for one without."""
MANIFEST = "backup.json"
"""The file that makes a folder a backup. It is written last."""


@frozen(repr=False)
class BackupFile(Record):
    """A file of a backup: its path below the folder of the backup, its bytes, and their SHA-256."""

    path: str
    size: int
    sha256: str


@frozen(repr=False)
class Backup(Record):
    """A backup of a workspace: its folder, when it was made and by which version of Heron, and the items in it.

    `bytes` is the size of all files; `shared_bytes` of them are hard links to files of the backup before.
    """

    path: Path
    made_at: datetime = field(converter=moment)
    made_by: str
    heron: str
    workspace: str
    items: int
    vectors: int
    bytes: int
    shared_bytes: int = 0

    def _shown(self) -> Iterator[str]:
        yield f"{self.path.name}, {self.items} items, {self.bytes} bytes"


@frozen(repr=False)
class Restored(Record):
    """What was restored, or with a dry run what would be: the backup and the folder of the workspace.

    `replaces` says whether a workspace was there before.
    """

    backup: Backup
    path: Path
    replaces: bool
