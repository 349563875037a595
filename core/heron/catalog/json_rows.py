"""The text of an item as JSON, made by SQLite itself, which is several times as fast as to read it and write it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heron.convert import dumps
from heron.models import ITEM_FIELDS
from heron.times import is_stored

NUMBER = "json_number"
"""The SQL function that writes a number with a fraction as JSON, with the fewest digits that lead back to it."""

TIMES = tuple(name for name, field in ITEM_FIELDS.items() if field.form == "time")
"""The fields whose values `are_times` has to check: SQLite takes longer for that than for all else."""


def json_sql(expressions: Mapping[str, str]) -> str:
    """The SQL of the members of a JSON object, as `item_to_dict` gives them, each after a comma: `,"uuid":"…","name":"…"`.

    `expressions` are the SQL of the fields. The text is NULL for an item with a value that is not of the form that Heron writes,
    but for times, which are written as they are.
    """
    return " || ".join(_member(name, expressions[name]) for name in ITEM_FIELDS)


def _member(name: str, sql: str) -> str:
    field = ITEM_FIELDS[name]
    before = f"',\"{name}\":'"
    if field.form == "json":
        return f"{before} || iif(json_valid({sql}), {sql}, NULL)"
    if field.form == "lines":
        texts = f"'[' || replace(json_quote({sql}), '\\n', '\",\"') || ']'"
        return f"{before} || iif({sql} IS NULL, '[]', iif(instr({sql}, '\\'), NULL, {texts}))"
    if field.form == "time":
        value = f"'\"' || {sql} || '\"'"
    elif field.sql is not None and field.sql.startswith("REAL"):
        value = f"{NUMBER}({sql})"
    else:
        value = f"json_quote({sql})"
    if field.sql is not None and "NOT NULL" in field.sql:
        return f"{before} || {value}"
    if field.nullable:
        return f"{before} || iif({sql} IS NULL, 'null', {value})"
    return f"iif({sql} IS NULL, '', {before} || {value})"


def are_times(values: Iterable[Any]) -> bool:
    """Whether these are times as Heron writes them, or None."""
    return all(value is None or (type(value) is str and is_stored(value)) for value in {*values})


def number(value: float) -> str:
    """The function behind `NUMBER`."""
    return dumps(value)
