"""The SQL that makes the tables and triggers of columns; a released script is never edited."""

from __future__ import annotations

COLUMNS = """
CREATE TABLE column_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL DEFAULT 0,
    is_used INTEGER NOT NULL DEFAULT 0,
    covered INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE column_segments (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    left_out TEXT NOT NULL DEFAULT '[]'
);

CREATE TABLE column_changes (
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL
);

CREATE TRIGGER columns_changed AFTER UPDATE ON items WHEN (SELECT is_used FROM column_state WHERE id = 1) BEGIN
    INSERT INTO column_changes (item_id) VALUES (NEW.id);
END;

CREATE TRIGGER columns_removed AFTER DELETE ON items WHEN (SELECT is_used FROM column_state WHERE id = 1) BEGIN
    INSERT INTO column_changes (item_id) VALUES (OLD.id);
END;

INSERT INTO column_state (id) VALUES (1);
"""

COLUMN_CHANGES = """
DROP TRIGGER columns_changed;
DROP TRIGGER columns_removed;
DELETE FROM column_changes WHERE id NOT IN (SELECT max(id) FROM column_changes GROUP BY item_id);
CREATE UNIQUE INDEX column_changes_item ON column_changes(item_id);

CREATE TRIGGER column_of_changed AFTER UPDATE ON items WHEN (SELECT is_used FROM column_state WHERE id = 1) BEGIN
    DELETE FROM column_changes WHERE item_id = NEW.id;
    INSERT INTO column_changes (item_id) VALUES (NEW.id);
END;

CREATE TRIGGER column_of_removed AFTER DELETE ON items WHEN (SELECT is_used FROM column_state WHERE id = 1) BEGIN
    DELETE FROM column_changes WHERE item_id = OLD.id;
    INSERT INTO column_changes (item_id) VALUES (OLD.id);
END;
"""

FRAME_COLUMNS = """
CREATE TABLE frame_column_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL DEFAULT 0,
    is_used INTEGER NOT NULL DEFAULT 0,
    covered INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE frame_column_segments (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    left_out TEXT NOT NULL DEFAULT '[]'
);

CREATE TABLE frame_column_changes (
    id INTEGER PRIMARY KEY,
    frame_id INTEGER NOT NULL UNIQUE
);

CREATE TRIGGER frame_column_of_changed AFTER UPDATE ON frames
WHEN (SELECT is_used FROM frame_column_state WHERE id = 1) BEGIN
    DELETE FROM frame_column_changes WHERE frame_id = NEW.id;
    INSERT INTO frame_column_changes (frame_id) VALUES (NEW.id);
END;

CREATE TRIGGER frame_column_of_removed AFTER DELETE ON frames
WHEN (SELECT is_used FROM frame_column_state WHERE id = 1) BEGIN
    DELETE FROM frame_column_changes WHERE frame_id = OLD.id;
    INSERT INTO frame_column_changes (frame_id) VALUES (OLD.id);
END;

INSERT INTO frame_column_state (id) VALUES (1);
"""

_ANEW = """
DROP TABLE {prefix}_changes;
CREATE TABLE {prefix}_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    {changed} INTEGER NOT NULL UNIQUE
);

DROP TRIGGER {prefix}_of_removed;
CREATE TRIGGER {prefix}_of_removed AFTER DELETE ON {table}
WHEN (SELECT is_used FROM {prefix}_state WHERE id = 1) BEGIN
    DELETE FROM {prefix}_changes WHERE {changed} = OLD.id;
    INSERT INTO {prefix}_changes ({changed}) VALUES (OLD.id);
    UPDATE {prefix}_state SET covered = (SELECT coalesce(max(id), 0) FROM {table})
    WHERE id = 1 AND covered > (SELECT coalesce(max(id), 0) FROM {table});
END;

DELETE FROM {prefix}_segments;
UPDATE {prefix}_state SET version = version + 1, is_used = 0, covered = 0;
"""
COLUMNS_ANEW = _ANEW.format(table="items", prefix="column", changed="item_id") + _ANEW.format(
    table="frames", prefix="frame_column", changed="frame_id"
)
