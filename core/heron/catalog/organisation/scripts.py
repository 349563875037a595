"""The SQL that makes the tables of users, groups, roles, projects and the log; a released script is never edited."""

from __future__ import annotations

ORGANISATION = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE,
    member_type TEXT NOT NULL CHECK (member_type IN ('internal', 'external', 'workforce')),
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    is_owner INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    CHECK (role = 'member' OR member_type = 'internal')
);
CREATE UNIQUE INDEX users_owner ON users(is_owner) WHERE is_owner;

CREATE TABLE user_groups (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE group_members (
    group_id INTEGER NOT NULL REFERENCES user_groups(id) ON DELETE CASCADE,
    user_id INTEGER REFERENCES users(id) ON DELETE CASCADE,
    member_group_id INTEGER REFERENCES user_groups(id) ON DELETE CASCADE,
    CHECK ((user_id IS NULL) <> (member_group_id IS NULL)),
    UNIQUE (user_id, group_id),
    UNIQUE (member_group_id, group_id)
);
CREATE INDEX group_members_group ON group_members(group_id);

CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'not_started',
    archived_at TEXT,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE project_datasets (
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, dataset_id)
) WITHOUT ROWID;
CREATE INDEX project_datasets_dataset ON project_datasets(dataset_id);

CREATE TABLE project_tags (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE tagged_projects (
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES project_tags(id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX tagged_projects_tag ON tagged_projects(tag_id);

CREATE TABLE roles (
    id INTEGER PRIMARY KEY,
    user_id INTEGER REFERENCES users(id) ON DELETE CASCADE,
    group_id INTEGER REFERENCES user_groups(id) ON DELETE CASCADE,
    folder_id INTEGER REFERENCES folders(id) ON DELETE CASCADE,
    dataset_id INTEGER REFERENCES datasets(id) ON DELETE CASCADE,
    integration_id INTEGER REFERENCES integrations(id) ON DELETE CASCADE,
    project_id INTEGER REFERENCES projects(id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    granted_at TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    CHECK ((user_id IS NULL) + (group_id IS NULL) = 1),
    CHECK ((folder_id IS NULL) + (dataset_id IS NULL) + (integration_id IS NULL) + (project_id IS NULL) = 3)
);
CREATE UNIQUE INDEX roles_once ON roles(
    ifnull(user_id, 0), ifnull(group_id, 0), ifnull(folder_id, 0), ifnull(dataset_id, 0), ifnull(integration_id, 0),
    ifnull(project_id, 0)
);
CREATE INDEX roles_user ON roles(user_id) WHERE user_id IS NOT NULL;
CREATE INDEX roles_group ON roles(group_id) WHERE group_id IS NOT NULL;
CREATE INDEX roles_folder ON roles(folder_id) WHERE folder_id IS NOT NULL;
CREATE INDEX roles_dataset ON roles(dataset_id) WHERE dataset_id IS NOT NULL;
CREATE INDEX roles_integration ON roles(integration_id) WHERE integration_id IS NOT NULL;
CREATE INDEX roles_project ON roles(project_id) WHERE project_id IS NOT NULL;

CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    user TEXT NOT NULL,
    verb TEXT NOT NULL,
    noun TEXT NOT NULL,
    resource TEXT NOT NULL,
    uuid TEXT,
    count INTEGER NOT NULL DEFAULT 1,
    details TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX folders_creator ON folders(created_by);
"""

CREDENTIALS = """
CREATE TABLE credentials (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('key', 'token')),
    name TEXT NOT NULL,
    value BLOB NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TEXT,
    last_used_at TEXT,
    UNIQUE (user_id, kind, name)
);
"""
"""The public keys of users, and the SHA-256 of their tokens."""
