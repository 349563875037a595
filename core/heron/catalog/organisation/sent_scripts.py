"""The SQL that makes the tables of what was sent to annotation, and lets a collection belong to a project."""

from __future__ import annotations

COLLECTION = (
    "ALTER TABLE collections ADD COLUMN project_id INTEGER REFERENCES projects(id) ON DELETE SET NULL"
)

SENT = """
CREATE TABLE sent_tasks (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    format TEXT NOT NULL,
    file TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    sent_by TEXT NOT NULL
);
CREATE INDEX sent_tasks_project ON sent_tasks(project_id);

CREATE TABLE sent_items (
    sent_id INTEGER NOT NULL REFERENCES sent_tasks(id) ON DELETE CASCADE,
    item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,
    frames TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (sent_id, item_id)
) WITHOUT ROWID;
CREATE INDEX sent_items_item ON sent_items(item_id);
CREATE INDEX collections_project ON collections(project_id) WHERE project_id IS NOT NULL;
"""
