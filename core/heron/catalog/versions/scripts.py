"""The SQL that makes the tables of dataset versions, which cannot be changed; a released script is never edited."""

from __future__ import annotations

VERSIONS = """
CREATE TABLE dataset_sources (
    id INTEGER PRIMARY KEY,
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    verb TEXT NOT NULL,
    source TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE INDEX dataset_sources_dataset ON dataset_sources(dataset_id);

CREATE TABLE dataset_numbers (
    dataset_id INTEGER PRIMARY KEY REFERENCES datasets(id) ON DELETE CASCADE,
    last INTEGER NOT NULL
);

CREATE TABLE dataset_versions (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    sources TEXT NOT NULL DEFAULT '[]',
    schema TEXT NOT NULL DEFAULT '{}',
    row_count INTEGER NOT NULL,
    unhashed INTEGER NOT NULL,
    digest TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (dataset_id, number)
);

CREATE TABLE frozen_blocks (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    row_count INTEGER NOT NULL,
    uuids BLOB NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE version_blocks (
    version_id INTEGER NOT NULL REFERENCES dataset_versions(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    block_id INTEGER NOT NULL REFERENCES frozen_blocks(id),
    PRIMARY KEY (version_id, position)
) WITHOUT ROWID;
CREATE INDEX version_blocks_block ON version_blocks(block_id);

CREATE TRIGGER frozen_version BEFORE UPDATE ON dataset_versions BEGIN
    SELECT RAISE(ABORT, 'a version of a dataset cannot be changed');
END;

CREATE TRIGGER frozen_block BEFORE UPDATE ON frozen_blocks BEGIN
    SELECT RAISE(ABORT, 'the rows of a version cannot be changed');
END;

CREATE TRIGGER frozen_block_of_version BEFORE UPDATE ON version_blocks BEGIN
    SELECT RAISE(ABORT, 'the rows of a version cannot be changed');
END;

CREATE TRIGGER unused_block AFTER DELETE ON version_blocks
WHEN NOT EXISTS (SELECT 1 FROM version_blocks WHERE block_id = OLD.block_id) BEGIN
    DELETE FROM frozen_blocks WHERE id = OLD.block_id;
END;
"""
