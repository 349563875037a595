"""The keys of a metadata file, checked against the schema before anything of the file is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from heron.errors import HeronError, InvalidInput
from heron.metadata.keyframes import has_blocks
from heron.metadata.keys import printable
from heron.metadata.schema import Schema
from heron.metadata.validation import Validator
from heron.models import Json
from heron.wording import counted

_SHOWN = 5


def unknown_keys(file: Path, rows: Iterable[Mapping[str, Json]], schema: Schema, *, as_is: bool) -> list[str]:
    """The keys of all rows that the schema does not know, in the order of the file.

    Raises MetadataError for a key that cannot be stored, and InvalidInput for keys that differ from keys of the schema
    only by case, unless `as_is`. Rows after the first one that cannot be read are not looked at, for an import stops there.
    """
    validator = Validator(schema)
    known = set(schema.keys())
    unknown: dict[str, None] = {}
    for key in _keys(rows):
        if key not in known and key not in unknown:
            validator.encode({key: ""}, str(file))
            if not has_blocks({key: {}}):
                unknown[key] = None
    if not as_is:
        _check_case(file, unknown, known)
    return list(unknown)


def _keys(rows: Iterable[Mapping[str, Json]]) -> Iterator[str]:
    """The keys that rows give a value; None removes a key, whatever it is called."""
    try:
        for row in rows:
            yield from (key for key, value in row.items() if value is not None)
    except HeronError:  # the import itself says so, with what it updated before
        return


def _check_case(file: Path, unknown: Iterable[str], known: Iterable[str]) -> None:
    by_lower = {key.lower(): key for key in known}
    close = [(key, by_lower[key.lower()]) for key in unknown if key.lower() in by_lower]
    if not close:
        return
    pairs = ", ".join(
        f"{printable(key)} (the schema has {printable(other)})" for key, other in close[:_SHOWN]
    )
    more = f" and {len(close) - _SHOWN:,} more" if len(close) > _SHOWN else ""
    verb = "differs" if len(close) == 1 else "differ"
    raise InvalidInput(
        f"{file}: {counted(len(close), 'key')} {verb} from keys of the schema only by case: {pairs}{more}",
        hint="rename them in the file, or import them as keys of their own by --as-is (as_is=True)",
    )
