"""The table of what derivers have computed."""

from __future__ import annotations

DERIVED = """
CREATE TABLE derived (
    item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
    deriver TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    written TEXT NOT NULL,
    PRIMARY KEY (item_id, deriver)
) WITHOUT ROWID;
"""
