"""Who may do what: a verb that changes records asks `require`, and a SELECT that finds records is narrowed by `scope`.

The rule for services:

- A verb that finds or lists records asks for no right. `scope` leaves out what the user may not read, as if it were not
  there; so do `items.get`, `folders.get` and the others by which verbs find the records that they are given. A verb that
  uses a record without finding it again asks `require("read", record)`.
- A verb that changes a record asks `require(verb, record)` first; one that changes many rows asks `require_all` with
  their inner ids, or `require_where` with a condition. One row that is forbidden refuses the whole call.
- A verb that makes something asks `require("create", place, noun)`; the place is a folder, or WORKSPACE.
- What has no record is asked for on WORKSPACE (to read files, storages and sets of vectors) or SCHEMA.

Public keys and tokens, together `credential`, belong to their user: nobody else but an admin sees or changes them.

Frames follow their item. Members, thumbnails, sidecars, metadata and vectors have no noun of their own: to change them is
to update their item; to change the vectors of a key is also to update its vector set.

Users, groups and roles are rows of the catalogue. What follows from them for the acting user is kept for one state of the
catalogue only (`Database.state`), so that what one process grants or revokes holds at once in all. `catalog/rights.py` has
the tables of roles and the SQL; here are the two questions on which all others rest:

`Access.may(verb, noun)` says what the user may do in the workspace as a whole: use it, edit its schema, create a
collection, dataset, preset, integration, import, vector set, project or top folder.

`Access.granted(verb, noun, alias, standing)` is a SQL condition on one row, the one called `alias`: a row of the noun's
own table, or, for items and folders, the row of `folders` that contains the item or is the folder. It may read other tables
(roles, groups, `created_by`), and must be true, false or NULL for each row; NULL is a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

from attrs import frozen

from heron.catalog.organisation.emails import canonical_email
from heron.catalog.rights import MEMBERS, datasets_shared, of_member
from heron.catalog.rights import Noun as Noun
from heron.catalog.rights import Verb as Verb
from heron.catalog.standing import MANY, Known, Standing, one_of
from heron.convert import dumps
from heron.errors import InvalidInput, PermissionDenied
from heron.organisation import User

if TYPE_CHECKING:
    from heron.catalog.database import Database, Row
    from heron.catalog.vectors.rows import VectorSet
    from heron.jobs import ImportJob, Integration, SyncedFolder
    from heron.models import Collection, Dataset, Folder, Frame, Item, Json, Preset
    from heron.organisation import Group, Project, ProjectTag, UserKey, UserToken

OWNER = User(email="owner", role="owner")


class Place(Enum):
    """Resources that exist once in a workspace and have no row."""

    WORKSPACE = "workspace"
    SCHEMA = "schema"


WORKSPACE, SCHEMA = Place.WORKSPACE, Place.SCHEMA

if TYPE_CHECKING:
    Record = (
        Folder | Item | Frame | Collection | Dataset | Preset | ImportJob | Integration | SyncedFolder | VectorSet
        | Project | Group | ProjectTag | User | UserKey | UserToken | Place
    )  # fmt: skip

_NOUNS: dict[str, tuple[Noun, str, str]] = {
    "Folder": ("folder", "id", "path"),
    "SyncedFolder": ("folder", "folder_id", "folder"),
    "Item": ("item", "id", "name"),
    "Frame": ("frame", "id", "number"),
    "Collection": ("collection", "id", "title"),
    "Dataset": ("dataset", "id", "title"),
    "Preset": ("preset", "name", "name"),
    "ImportJob": ("import", "id", "source"),
    "Integration": ("integration", "id", "name"),
    "VectorSet": ("vector", "id", "key"),
    "Project": ("project", "id", "title"),
    "User": ("user", "email", "email"),
    "Group": ("group", "id", "name"),
    "ProjectTag": ("tag", "id", "name"),
    "UserKey": ("credential", "id", "name"),
    "UserToken": ("credential", "id", "name"),
}
"""For each class of records: the noun, the attribute that identifies the row, and the attribute for messages."""

_TABLES: dict[Noun, tuple[str, str, str]] = {
    "folder": ("folders", "id", "path"),
    "item": ("items", "id", "name"),
    "frame": ("frames", "id", "number"),
    "collection": ("collections", "id", "title"),
    "dataset": ("datasets", "id", "title"),
    "preset": ("presets", "name", "name"),
    "import": ("imports", "id", "source"),
    "integration": ("integrations", "id", "name"),
    "vector": ("vector_sets", "id", "key"),
    "project": ("projects", "id", "title"),
    "user": ("users", "email", "email"),
    "group": ("user_groups", "id", "name"),
    "tag": ("project_tags", "id", "name"),
    "role": ("roles", "id", "role"),
    "log": ("log", "id", "id"),
    "credential": ("credentials", "id", "name"),
}
"""For each noun: the table, the column that identifies a row, and the column for messages."""

_EVERYTHING = "1"

_NAMED: frozenset[Noun] = frozenset({"collection", "dataset", "integration", "project"})
"""Nouns whose rows are named in conditions by their inner ids, unless they are many."""

_FEW = 20_000
"""Up to so many items are found by their folders; a list of more is read in its own order, and each item is looked at."""


@frozen
class Reach:
    """The folders whose items a user may read, without those below, and single items beside them, ascending; inner ids."""

    folders: Sequence[int]
    items: Sequence[int]


def acting_user(database: Database, email: str | None) -> User:
    """The user with an e-mail address, or the owner for None; raises PermissionDenied for an unknown address."""
    if email is None:
        row = database.row(f"{USERS} WHERE is_owner")
        return user_of(row) if row is not None else OWNER
    with suppress(InvalidInput):
        email = canonical_email(email) if email != OWNER.email else email
    row = database.row(f"{USERS} WHERE email = ?", [email])
    if row is not None:
        return user_of(row)
    raise unknown_user(email, [each["email"] for each in database.rows("SELECT email FROM users LIMIT 2")])


def unknown_user(email: str, known: Sequence[str] = (OWNER.email,)) -> PermissionDenied:
    """The error for an address that is not that of a user; it names the other user if there is one only."""
    return PermissionDenied(
        f"{email!r} is not a user of this workspace"
        + (f": it has one user, {known[0]!r}" if len(known) == 1 else ""),
        hint=f"leave the user out, or name {known[0]!r}"
        if len(known) == 1
        else "an admin adds users: heron org users add EMAIL",
    )


USERS = "SELECT email, CASE WHEN is_owner THEN 'owner' ELSE role END AS role, member_type, uuid, created_at FROM users"
"""The SELECT for `user_of`."""


def user_of(row: Row) -> User:
    """The record of a row of `users`."""
    return User(row["email"], row["role"], row["member_type"], row["uuid"], row["created_at"])


class Access:
    """The acting user's rights."""

    def __init__(self, database: Database, user: User = OWNER) -> None:
        self.user = user
        self._database = database
        self._known: Known | None = None

    # What users and roles say

    def _now(self) -> Known:
        """What is known of the user's rights in the present state of the catalogue."""
        state = self.user.email, self._database.state()
        known = self._known
        if known is None or known.state != state:
            sql = "SELECT id, role, member_type FROM users WHERE email = ?"
            row = self._database.row(sql, [self.user.email])
            standing = None if row is None else Standing(row[0], row[1] == "admin", row[2] == "internal")
            known = Known(
                state, standing
            )  # the standing is None for somebody who is not, or no longer, a user
            if not self._database.is_writing:  # what is being written can be undone
                self._known = known
        return known

    def may(self, verb: Verb, noun: Noun) -> bool:
        """Whether the user may do this in the workspace as a whole."""
        standing = self._now().standing
        return standing is not None and (standing.is_admin or verb in MEMBERS.get(noun, ()))

    def granted(self, verb: Verb, noun: Noun, alias: str, standing: Standing | None) -> str:
        """A SQL condition that the user may do this to the row `alias`; `1` is true for every row and costs nothing."""
        if standing is None:
            return "0"
        if standing.is_admin:
            return _EVERYTHING
        return of_member(standing.id, standing.is_internal, verb, noun, alias)

    def reach(self) -> Reach | None:
        """Where the items are that the user may read, as inner ids, for engines that do not ask SQLite; None for everywhere."""
        known = self._now()
        return known.once("reach", lambda: self._reach(known))

    def _reach(self, known: Known) -> Reach | None:
        granted = self.granted("read", "item", "folders", known.standing)
        if granted == _EVERYTHING:
            return None
        datasets = self._datasets_shared(known)
        shared = (
            f"SELECT DISTINCT item_id FROM dataset_rows WHERE {one_of('dataset_id', datasets)} ORDER BY 1"
        )
        return Reach(
            [row[0] for row in self._database.rows(f"SELECT id FROM folders WHERE {granted}")],
            [row[0] for row in self._database.rows(shared)] if datasets else (),
        )

    def _datasets_shared(self, known: Known) -> Sequence[int]:
        """The datasets that show the user their items, by roles on them and on projects; inner ids, ascending."""
        standing = known.standing
        if standing is None or standing.is_admin:
            return ()
        select = f"{datasets_shared(standing.id)} ORDER BY id"
        return known.once("shared", lambda: [row[0] for row in self._database.rows(select)])

    # What services call

    def require(self, verb: Verb, record: Record, noun: Noun | None = None) -> None:
        """Raise PermissionDenied, which names the user, the verb and the resource, unless the verb is allowed.

        For `create`, the record is the parent (a folder, or WORKSPACE) and `noun` is what is created in it.
        """
        if isinstance(record, Place):
            if not self.may(verb, noun or record.value):
                raise self._refused(verb, _made(noun) if noun else f"the {record.value}")
            if verb not in ("read", "create"):
                self._database.deeds.ask(self.user.email, *named(record))
            return
        own, key, shown = _NOUNS[type(record).__name__]
        if verb != "read":
            self._database.deeds.ask(self.user.email, *named(record))
        table, column, _ = _TABLES[own]
        if verb == "create":
            assert own == "folder" and noun is not None, "things are created in a folder, or in the workspace"
            condition = self.granted(verb, noun, table, self._now().standing)
        else:
            condition = self._condition(verb, own, table)
        if condition == _EVERYTHING:
            return
        sql = f"SELECT 1 FROM {table} WHERE {table}.{column} = ? AND ({condition})"
        if self._database.row(sql, [getattr(record, key)]) is None:
            what = f"{own} {getattr(record, shown)!r}"
            raise self._refused(verb, f"{_made(noun)} in {what}" if noun else what)

    def require_self(self, user: User) -> None:
        """Raise PermissionDenied unless the user is the acting user, or that is an admin: for what belongs to a user alone."""
        if user.email != self.user.email and not self.may("update", "credential"):
            raise self._refused("update", f"credential of user {user.email!r}")

    def require_all(self, verb: Verb, noun: Noun, ids: Iterable[int]) -> None:
        """The same for many rows of one noun, by inner ids, in one statement."""
        if self._database.deeds.is_open and verb not in ("read", "create"):
            ids = list(ids)
            self._ask_all(noun, ids)
        where = f"{_TABLES[noun][0]}.id IN (SELECT value FROM json_each(?))"
        self._require_rows(verb, noun, where, lambda: [dumps(list(ids))])

    def require_where(self, verb: Verb, noun: Noun, where: str, parameters: Sequence[Json] = ()) -> None:
        """The same for all rows of the noun's table for which a SQL condition is true, including rows hidden from the user."""
        self._require_rows(verb, noun, where, lambda: parameters)

    def _require_rows(
        self, verb: Verb, noun: Noun, where: str, parameters: Callable[[], Sequence[Json]]
    ) -> None:
        table, _, shown = _TABLES[noun]
        condition = self._condition(verb, noun, table)
        if condition == _EVERYTHING:
            return
        is_seen = self._condition("read", noun, table)
        row = self._database.row(
            f"SELECT {table}.{shown}, ({is_seen}) FROM {table} "
            f"WHERE ({where}) AND ({condition}) IS NOT TRUE ORDER BY 2 DESC LIMIT 1",
            parameters(),
        )
        if row is not None:
            raise self._refused(verb, f"{noun} {row[0]!r}" if row[1] else f"all of these {noun}s")

    def _ask_all(self, noun: Noun, ids: Sequence[int]) -> None:
        """Keep for the log that these rows are to be changed, the first of them by name."""
        table, _, shown = _TABLES[noun]
        first = self._database.row(f"SELECT * FROM {table} WHERE id = ?", ids[:1]) if ids else None
        if first is not None:
            uuid = first["uuid"] if len(ids) == 1 and "uuid" in first.keys() else None  # noqa: SIM118 - no mapping
            self._database.deeds.ask(self.user.email, noun, str(first[shown]), uuid, len(ids))

    def note(self, record: Record, **details: Json) -> None:
        """Note in the log what the verb that runs has done to a record."""
        self._database.deeds.note(self.user.email, *named(record), 1, details)

    def scope(self, noun: Noun, alias: str) -> str:
        """A SQL condition on the noun's table, named `alias` in the statement, that is true for rows that the user may see.

        It is `1` for the owner. It has no parameters, is in parentheses unless it is one word, and is true for the present state
        of the catalogue: ask again for each statement.
        """
        return _alone(self._condition("read", noun, alias))

    def condition(self, verb: Verb, noun: Noun, alias: str) -> str:
        """The same for rows to which the user may do this."""
        return _alone(self._condition(verb, noun, alias))

    def listing(self) -> str:
        """The scope of `items` for a statement that lists or counts them: of a user who sees few of them, it reads only these."""
        return _alone(self._condition("read", "item", "items", lists=True))

    def sees_all(self, noun: Noun) -> bool:
        """Whether the user sees all rows of this noun."""
        return self.scope(noun, "any_row") == _EVERYTHING

    def _condition(self, verb: Verb, noun: Noun, alias: str, *, lists: bool = False) -> str:
        """The condition on a row of the noun's own table."""
        known = self._now()
        return known.once(
            (verb, noun, alias, lists), lambda: self._found(verb, noun, alias, known, lists=lists)
        )

    def _found(self, verb: Verb, noun: Noun, alias: str, known: Known, *, lists: bool) -> str:
        if noun == "frame":
            item = f"{alias}_item"
            of_item = self._found("read" if verb == "read" else "update", "item", item, known, lists=False)
            if of_item in ("0", _EVERYTHING):
                return of_item
            return f"EXISTS (SELECT 1 FROM items AS {item} WHERE {item}.id = {alias}.item_id AND {of_item})"
        if noun == "item":
            held = self._in_folders(verb, alias, known, lists=lists)
            datasets = self._datasets_shared(known) if verb == "read" and held != _EVERYTHING else ()
            if not datasets:
                return held
            rows = f"shared.item_id = {alias}.id AND {one_of('+shared.dataset_id', datasets)}"
            return f"({held} OR EXISTS (SELECT 1 FROM dataset_rows AS shared WHERE {rows}))"
        granted = self.granted(verb, noun, alias, known.standing)
        if noun not in _NAMED or granted in ("0", _EVERYTHING):
            return granted
        ids = self._ids(f"SELECT id FROM {_TABLES[noun][0]} AS {alias} WHERE {granted} ORDER BY id")
        return granted if ids is None else one_of(f"{alias}.id", ids)

    def _in_folders(self, verb: Verb, alias: str, known: Known, *, lists: bool) -> str:
        """The condition that an item is in a folder where the user may do something.

        The `+` keeps SQLite from finding items by their folders: it would read all that the user may see for each name.
        """
        granted = self.granted(verb, "item", "place", known.standing)
        if granted in ("0", _EVERYTHING):
            return granted
        select = f"SELECT place.id FROM folders AS place WHERE {granted}"
        ids = known.once(("folders", verb), lambda: self._ids(f"{select} ORDER BY 1"))

        def held(column: str) -> str:
            return f"{column} IN ({select})" if ids is None else one_of(column, ids)

        column = f"{alias}.folder_id"
        if lists and known.once("few", lambda: self._are_few(held("items.folder_id"))):
            return held(column)
        return held(f"+{column}")

    def _ids(self, select: str) -> Sequence[int] | None:
        """The inner ids that a SELECT finds, ascending; None if they are too many to name in statements."""
        rows = self._database.rows(f"{select} LIMIT {MANY + 1}")
        return [row[0] for row in rows] if len(rows) <= MANY else None

    def _are_few(self, condition: str) -> bool:
        found = f"SELECT 1 FROM items WHERE {condition} LIMIT {_FEW + 1}"
        return int(self._database.value(f"SELECT count(*) FROM ({found})")) <= _FEW

    def _refused(self, verb: Verb, resource: str) -> PermissionDenied:
        return PermissionDenied(
            f"{self.user.email} may not {verb} {resource}",
            hint="ask an admin of the workspace for a role on it",
        )


def named(record: Record) -> tuple[str, str, str | None]:
    """The noun of a record, its path, title or name, and the UUID if it has one."""
    if isinstance(record, Place):
        return record.value, record.value, None
    noun, _, shown = _NOUNS[type(record).__name__]
    return noun, str(getattr(record, shown)), getattr(record, "uuid", None) or None


def _alone(condition: str) -> str:
    """A condition that can be joined to others."""
    return condition if condition in ("0", _EVERYTHING) else f"({condition})"


def _made(noun: Noun | None) -> str:
    return "vectors" if noun == "vector" else f"{noun}s"
