"""Takes from a catalogue what later migrations have made, so that it is as one of before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def without_versions(file: Path) -> None:
    """As before there were versions of datasets."""
    with closing(sqlite3.connect(file)) as plain:
        for table in (
            "version_blocks",
            "frozen_blocks",
            "dataset_versions",
            "dataset_numbers",
            "dataset_sources",
        ):
            plain.execute(f"DROP TABLE {table}")
        plain.execute("DELETE FROM _sqlite_migrations WHERE name = 'dataset_versions'")
        plain.commit()
