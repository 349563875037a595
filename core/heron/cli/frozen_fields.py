"""Fields of frozen items for --columns: read from the frozen row, and never from the catalogue as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from heron.convert import item_to_dict
from heron.models import ITEM_FIELDS, DatasetRow, Item

if TYPE_CHECKING:
    from heron.versions import DatasetVersion


class FrozenFields:
    """The fields that `names` lists: keys of the schema of then, fields of items, and facts such as `exif.Model`."""

    def __init__(self, version: DatasetVersion, names: str) -> None:
        """Raises UsageError for what can be no field of a frozen row."""
        self._names = [name.strip() for name in names.split(",") if name.strip()]
        for name in self._names:
            if name not in version.schema and name not in ITEM_FIELDS and "." not in name:
                raise click.UsageError(
                    f"{name} is neither a field of items nor a key of the schema of {version.name}: write metadata.{name} "
                    "for a key that was not in the schema."
                )
        self._keys = frozenset(version.schema)

    def of(self, item: Item) -> dict[str, Any]:
        """The fields of an item."""
        known = item_to_dict(item)
        return {name: self._value(name, known, item) for name in self._names}

    def cells(self, rows: Sequence[DatasetRow]) -> dict[str, list[Any]]:
        """The columns of a table."""
        found = [self.of(row.item) for row in rows]
        columns = {name: [of[name] for of in found] for name in self._names}
        return {"row": [row.position for row in rows], **columns, "since": [row.since for row in rows]}

    def _value(self, name: str, known: dict[str, Any], item: Item) -> Any:
        space, dot, rest = name.partition(".")
        if name in self._keys or (dot and space == "metadata"):
            return item.metadata.get(name if name in self._keys else rest)
        if dot and space == "item":
            return known.get(rest)
        if name in ITEM_FIELDS:
            return known.get(name)
        facts = item.facts.extra.get(space)
        return facts.get(rest) if isinstance(facts, dict) else None
