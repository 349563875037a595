"""Tells a catalogue whose making was interrupted from one that is whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from heron.inside import require_catalogue


def is_unfinished(file: Path) -> bool:
    """Whether a catalogue has no tables: its making was interrupted, by a full disk for instance."""
    require_catalogue(file)
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
    except sqlite3.Error:
        return False
