"""The tables of what derivers have computed."""

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

DERIVED_FRAMES = """
CREATE TABLE derived_frames (
    frame_id INTEGER NOT NULL REFERENCES frames(id) ON DELETE CASCADE,
    deriver TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    written TEXT NOT NULL,
    PRIMARY KEY (frame_id, deriver)
) WITHOUT ROWID;
"""
