"""The record of tables that a plugin keeps in a workspace, in a file of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from attrs import field, frozen

from heron.hooks.contributions import Contribution


def _texts(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"expected a list of texts, got the text {given!r}")
    return tuple(given)


def _checked_name(tables: PluginTables, attribute: Any, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise ValueError(f"{name!r} cannot be the name of tables: it starts with a-z and has a-z, 0-9 and _")


def _checked_migrations(tables: PluginTables, attribute: Any, migrations: Sequence[str]) -> None:
    if not migrations or not all(isinstance(each, str) and each.strip() for each in migrations):
        raise ValueError(f"tables {tables.name}: it has one migration or more, each a text of SQL")


@frozen(kw_only=True)
class PluginTables(Contribution):
    """Tables of a plugin's own, which `workspace.tables.open(name)` opens: an SQLite file of the workspace, apart from the catalogue.

    `migrations` are scripts of SQL. Each is applied once, in order, and in one transaction with its record; a release appends new
    ones, and never changes those that were released. `heron plugins purge` deletes the file.
    """

    sort: ClassVar[str] = "tables"

    name: str = field(validator=_checked_name)
    migrations: Sequence[str] = field(converter=_texts, validator=_checked_migrations)
