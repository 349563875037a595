"""The tables of the catalogue, as a list of migrations to which new ones are only appended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from heron.catalog.columns.scripts import COLUMN_CHANGES, COLUMNS, COLUMNS_ANEW, FRAME_COLUMNS
from heron.catalog.derived_scripts import DERIVED, DERIVED_FRAMES
from heron.catalog.foreign import json_path
from heron.catalog.full_text import dropping, full_text_statements
from heron.catalog.mirror_scripts import MIRRORS
from heron.catalog.organisation.scripts import CREDENTIALS, ORGANISATION
from heron.catalog.organisation.sent_scripts import COLLECTION, SENT
from heron.catalog.plugin_scripts import PLUGINS
from heron.catalog.scripts import (
    CLOUD,
    CONVERSIONS,
    FIRST,
    IDENTITY,
    MEDIA,
    STORES,
    VECTOR_SUMS,
    VECTORS,
    WAITING,
)
from heron.catalog.versions.scripts import VERSIONS
from heron.times import now
from heron.uuids import new_uuid

if TYPE_CHECKING:
    from sqlite_utils import Database

SET = "heron"
"""The name of the set of migrations in the table `_sqlite_migrations` of sqlite-utils."""

Migration = Callable[["Database"], None]


class _Migrations:
    """The migrations in order. sqlite-utils, whose import takes 0.3 s, is loaded only to apply a migration."""

    def __init__(self) -> None:
        self.functions: list[Migration] = []

    def __call__(self) -> Callable[[Migration], Migration]:
        """Register a function as the next migration; its name is recorded when it was applied."""

        def add(function: Migration) -> Migration:
            self.functions.append(function)
            return function

        return add

    @property
    def names(self) -> list[str]:
        """The names of all migrations, in the order in which they are applied."""
        return [function.__name__ for function in self.functions]

    def applied(self, connection: sqlite3.Connection) -> list[str]:
        """The names of the migrations that were applied to a file, in order."""
        table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
        if connection.execute(table).fetchone() is None:
            return []
        rows = connection.execute(
            "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid", [SET]
        )
        return [str(row[0]) for row in rows]

    def apply(self, connection: sqlite3.Connection) -> None:
        """Apply the pending migrations, each with its record in one transaction or savepoint."""
        import sqlite_utils

        pending = sqlite_utils.Migrations(SET)
        for function in self.functions:
            pending()(function)
        pending.apply(sqlite_utils.Database(connection, execute_plugins=False))


migrations = _Migrations()

APPLICATION_ID = 0x4845524E
"""`HERN` in ASCII: marks the SQLite file as a Heron catalogue (PRAGMA application_id)."""


@migrations()
def first_tables(db: Database) -> None:
    """Folders, items, frames, schema, collections, datasets, presets and imports."""
    for statement in _statements(FIRST):
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


@migrations()
def cloud_tables(db: Database) -> None:
    """Integrations, members of groups and series, synced folders and their sidecars."""
    for statement in _statements(CLOUD):
        db.execute(statement)


@migrations()
def media_tables(db: Database) -> None:
    """Metrics and thumbnails of frames, and parts of series that wait until an import has seen them all."""
    for statement in _statements(MEDIA):
        db.execute(statement)


@migrations()
def vector_tables(db: Database) -> None:
    """Which row of which matrix file is the vector of which item or frame (frame 0: the item itself), and projections."""
    for statement in _statements(VECTORS):
        db.execute(statement)


@migrations()
def local_places(db: Database) -> None:
    """URLs of local files below the workspace become paths from there; `kept` is a function of the connection."""
    for table, column in (
        ("items", "url"),
        ("members", "url"),
        ("sidecars", "url"),
        ("synced_folders", "prefix"),
    ):
        db.execute(f"UPDATE {table} SET {column} = kept({column}) WHERE substr({column}, 1, 8) = 'file:///'")


@migrations()
def column_tables(db: Database) -> None:
    """Which files contain the columns of items, and which items have changed since."""
    for statement in _statements(COLUMNS):
        db.execute(statement)


@migrations()
def synced_trees(db: Database) -> None:
    """Synced folders say whether they are flat; those of before are."""
    db.execute("ALTER TABLE synced_folders ADD COLUMN flat INTEGER NOT NULL DEFAULT 1")


@migrations()
def conversions(db: Database) -> None:
    """The values of before the last conversion of each key, and how many values of a key do not have its type's form.

    `not_fitting` is NULL until these were counted. Keys with a null character, which no JSON path can name, are forgotten.
    """
    for statement in _statements(CONVERSIONS):
        db.execute(statement)
    db.execute("ALTER TABLE schema_keys ADD COLUMN not_fitting INTEGER")
    db.execute("DELETE FROM unknown_keys WHERE instr(CAST(name AS BLOB), x'00') > 0")


@migrations()
def stores(db: Database) -> None:
    """The stores of items. Their names come later, from the plugins: of the store of an integration, or of the defaults.

    Items without an integration are in the store of the defaults, unless an import had an integration that is deleted.
    """
    for statement in _statements(STORES):
        db.execute(statement)


@migrations()
def waiting_units(db: Database) -> None:
    """Units of imports that wait until their store answers again, and whether the source of an import was read to its end."""
    for statement in _statements(WAITING):
        db.execute(statement)


@migrations()
def column_changes_once(db: Database) -> None:
    """An item that changes often is one change, so that the changes are never more than the items."""
    for statement in _statements(COLUMN_CHANGES):
        db.execute(statement)


@migrations()
def organisation(db: Database) -> None:
    """Users, of whom the first is the owner, groups, roles, projects with their tags, and the log."""
    for statement in _statements(ORGANISATION):
        db.execute(statement)
    db.execute(_OWNER, [new_uuid(), now()])


_OWNER = """
INSERT INTO users (uuid, email, member_type, role, is_owner, created_at, created_by)
VALUES (?, 'owner', 'internal', 'admin', 1, ?, 'owner')
"""


@migrations()
def workspace_identity(db: Database) -> None:
    """The workspace has a UUID, by which its pushed columns are known as its own."""
    for statement in _statements(IDENTITY):
        db.execute(statement)
    db.execute("INSERT INTO workspace (id, uuid) VALUES (1, ?)", [new_uuid()])


@migrations()
def mirrored_trees(db: Database) -> None:
    """A dataset with a backing folder has the items of the folders below it too; those of before get them."""
    for statement in _statements(MIRRORS):
        db.execute(statement)


@migrations()
def items_by_name(db: Database) -> None:
    """Pages of a folder in the order of names are read from an index."""
    db.execute("CREATE INDEX items_folder_name ON items(folder_id, name)")


@migrations()
def dataset_versions(db: Database) -> None:
    """Versions of datasets with their frozen rows, and what the rows of a dataset were chosen by."""
    for statement in _statements(VERSIONS):
        db.execute(statement)


@migrations()
def credentials(db: Database) -> None:
    """Public keys and tokens of users."""
    for statement in _statements(CREDENTIALS):
        db.execute(statement)


@migrations()
def project_work(db: Database) -> None:
    """A collection can belong to a project, and what was sent to annotation is remembered."""
    for statement in (COLLECTION, *_statements(SENT)):
        db.execute(statement)


@migrations()
def frame_columns(db: Database) -> None:
    """Columns of frames."""
    for statement in _statements(FRAME_COLUMNS):
        db.execute(statement)


@migrations()
def derived_values(db: Database) -> None:
    """What derivers have computed of which item."""
    for statement in _statements(DERIVED):
        db.execute(statement)


@migrations()
def vector_checksums(db: Database) -> None:
    """Checksums of blocks of vectors."""
    for statement in _statements(VECTOR_SUMS):
        db.execute(statement)


@migrations()
def full_text_signs(db: Database) -> None:
    """Indexes of text find words inside Chinese, Japanese or Thai; `spaced` is a function of the connection."""
    keys = {f"text_{row[0]}": row[1] for row in db.execute("SELECT id, name FROM schema_keys").fetchall()}
    tables = db.execute(
        "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE text%fts5%'"
    ).fetchall()
    for (table,) in tables:
        if table in keys:
            for statement in (*dropping(table), *full_text_statements(table, json_path(keys[table]))):
                db.execute(statement)


@migrations()
def plugin_tables(db: Database) -> None:
    """Options of plugins, and the plugins that brought metadata types."""
    for statement in _statements(PLUGINS):
        db.execute(statement)


@migrations()
def columns_anew(db: Database) -> None:
    """Once the newest rows are gone, the columns end below them, for their ids are used again; no change has the id of another. All
    columns of before are made anew.
    """
    for statement in _statements(COLUMNS_ANEW):
        db.execute(statement)


@migrations()
def derived_values_of_frames(db: Database) -> None:
    """What derivers have computed of which frame."""
    for statement in _statements(DERIVED_FRAMES):
        db.execute(statement)


OPTIONAL = frozenset(
    {
        "columns_anew",
        "full_text_signs",
        "plugin_tables",
        "derived_values",
        "derived_values_of_frames",
        "vector_checksums",
        "frame_columns",
        "credentials",
        "project_work",
        "items_by_name",
        "dataset_versions",
        "mirrored_trees",
        "local_places",
        "column_tables",
        "synced_trees",
        "conversions",
        "stores",
        "waiting_units",
        "column_changes_once",
        "organisation",
        "workspace_identity",
    }
)
"""Migrations without which a file that cannot be written is read all the same."""


def imagine(connection: sqlite3.Connection, pending: Collection[str]) -> None:
    """Show the results of optional migrations in a file that cannot be written, by views of this connection only."""
    if "synced_trees" in pending:
        connection.execute("CREATE TEMP VIEW synced_folders AS SELECT *, 1 AS flat FROM main.synced_folders")
    if "waiting_units" in pending:
        connection.execute("CREATE TEMP VIEW imports AS SELECT *, 0 AS is_read FROM main.imports")
        connection.execute(
            "CREATE TEMP VIEW import_waiting AS "
            "SELECT 0 AS id, 0 AS import_id, '' AS place, '' AS url, '' AS reason, '{}' AS unit WHERE 0"
        )
    if "dataset_versions" in pending:
        _imagine_tables(connection, VERSIONS)
    if "plugin_tables" in pending:
        _imagine_tables(connection, PLUGINS)
    if "derived_values" in pending:
        _imagine_tables(connection, DERIVED)
    if "derived_values_of_frames" in pending:
        _imagine_tables(connection, DERIVED_FRAMES)
    if "frame_columns" in pending:
        _imagine_tables(connection, FRAME_COLUMNS)
    if "columns_anew" in pending:
        for made_by, table in (("column_tables", "column_state"), ("frame_columns", "frame_column_state")):
            if made_by not in pending:
                unused = f"SELECT id, version, 0 AS is_used, 0 AS covered FROM main.{table}"
                connection.execute(f"CREATE TEMP VIEW {table} AS {unused}")
    if "vector_checksums" in pending:
        _imagine_tables(connection, VECTOR_SUMS)
    if "credentials" in pending:
        _imagine_tables(connection, CREDENTIALS)
    if "organisation" in pending:
        _imagine_tables(connection, ORGANISATION)
        connection.execute(_OWNER, [new_uuid(), now()])
        connection.commit()
    if "project_work" in pending:
        connection.execute(
            "CREATE TEMP VIEW collections AS SELECT *, NULL AS project_id FROM main.collections"
        )
        _imagine_tables(connection, SENT)


def _imagine_tables(connection: sqlite3.Connection, script: str) -> None:
    for statement in _statements(script):
        if statement.lstrip().startswith("CREATE TABLE"):
            connection.execute(statement.replace("CREATE TABLE", "CREATE TEMP TABLE"))


def _statements(script: str) -> list[str]:
    """Split a script so that it can run inside the migration's transaction (executescript would commit it)."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
