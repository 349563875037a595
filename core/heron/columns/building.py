"""Makes columns of rows of the catalogue: one column for each field, fact and key, and for each type of value that it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import or_
from typing import TYPE_CHECKING, Any, Literal

from heron.convert import dumps, loads, loads_all
from heron.errors import HeronError

if TYPE_CHECKING:
    import polars

Origin = Literal["column", "metadata", "fact"]
"""Where the values of a column come from."""

Family = Literal["whole", "real", "boolean", "text", "time", "other"]
"""The type of the values of a column.

`time` is a whole number of microseconds since 1970 for texts that are all in the form of `times.utc_iso`, whose order is
that of the numbers. `other` is true where there is a list, an object, or a value that no column holds exactly.
"""

Place = tuple[Origin, tuple[str, ...]]
"""Where a value stands: in which column of the table, or at which path in the JSON of metadata or facts."""

Name = tuple[Origin, tuple[str, ...], Family]
"""What identifies a column: its origin, its path there, and its family."""

MAX_COLUMNS = 1000
"""The most columns in a segment. Of further facts and keys it is only known that they may exist."""

_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
_TIME_LENGTH = 27


def title(name: Name) -> str:
    """The name of a column in the file."""
    origin, path, family = name
    return dumps([origin, family, *path])


def name_of(title: str) -> Name:
    """The opposite of `title`."""
    origin, family, *path = loads(title)
    return origin, tuple(path), family


def frame_of(
    ids: Sequence[int],
    columns: Mapping[str, Sequence[Any]],
    metadata: Sequence[str],
    facts: Sequence[str],
) -> tuple[polars.DataFrame, set[Place]]:
    """A table with a column `id`, and those of items: plain columns by name, and JSON texts of metadata and facts.

    Also returns the places without columns: those of fewest items if there are too many, and `(origin, ())` if a
    text is damaged.
    """
    import polars as pl

    series = [pl.Series("id", ids, pl.Int64)]
    for name, values in columns.items():
        series += _split(("column", (name,)), values)
    found: list[tuple[int, Place, list[Any]]] = []
    left_out: set[Place] = set()
    origins: tuple[tuple[Origin, Sequence[str]], ...] = (("metadata", metadata), ("fact", facts))
    for origin, texts in origins:
        try:
            rows = [] if set(texts) == {"{}"} else loads_all(texts)
        except (HeronError, TypeError):
            rows = [None]
        if set(map(type, rows)) <= {dict}:
            found += [
                (len(values) - values.count(None), (origin, path), values) for path, values in _by_path(rows)
            ]
        elif rows:
            left_out.add((origin, ()))
    found.sort(key=lambda entry: -entry[0])
    kept = max(0, MAX_COLUMNS - len(series))
    for _, place, values in found[:kept]:
        series += _split(place, values)
    return pl.DataFrame(series), left_out.union(place for _, place, _ in found[kept:])


def _by_path(
    rows: Sequence[dict[str, Any]], parents: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """The values of objects by path, those of objects within them too."""
    keys = list(dict.fromkeys(chain.from_iterable(rows)))
    if len(set(map(tuple, rows))) == 1:  # all have the same keys in the same order
        columns: Iterable[list[Any]] = map(list, zip(*map(dict.values, rows), strict=True))
    else:
        columns = ([row.get(key) for row in rows] for key in keys)
    for key, values in zip(keys, columns, strict=True):
        yield (*parents, key), values
        if dict in set(map(type, values)):
            yield from _by_path([value if type(value) is dict else {} for value in values], (*parents, key))


def _split(place: Place, values: Sequence[Any]) -> Iterable[polars.Series]:
    """The columns of one place: one for each family of values that it has."""
    types = set(map(type, values))
    types.discard(type(None))
    others: list[polars.Series] = []
    for kind in types:
        own = values if len(types) == 1 else [value if type(value) is kind else None for value in values]
        column = _column(place, kind, own)
        if column.name == title((*place, "other")):
            others.append(column)
        else:
            yield column
    if others:
        yield reduce(or_, (column.fill_null(False) for column in others)).replace(False, None)


def _column(place: Place, kind: type, values: Sequence[Any]) -> polars.Series:
    """The column of values of one type, with None for the others."""
    import polars as pl

    if kind is str:
        return _texts(place, values)
    families: dict[type, tuple[Family, Any]] = {
        int: ("whole", pl.Int64), float: ("real", pl.Float64), bool: ("boolean", pl.Boolean),
    }  # fmt: skip
    try:
        family, dtype = families[kind]
        return pl.Series(title((*place, family)), values, dtype)
    except (KeyError, OverflowError, TypeError, pl.exceptions.PolarsError):
        return _others(place, values)


def _others(place: Place, values: Sequence[Any]) -> polars.Series:
    """The column that tells for which rows there is a value that no column holds."""
    import polars as pl

    return pl.Series(
        title((*place, "other")), [None if value is None else True for value in values], pl.Boolean
    )


def _texts(place: Place, values: Sequence[str | None]) -> polars.Series:
    """A column of texts, or of times if all texts are times; SQLite ends a text at a NUL, so these are others."""
    import polars as pl

    texts = pl.Series(title((*place, "text")), values, pl.String)
    if texts.str.contains("\0", literal=True).any():
        return _others(place, values)
    first = next((value for value in values if value is not None), "")
    if len(first) == _TIME_LENGTH and first[10] == "T" and first[-1] == "Z":
        times = texts.str.to_datetime(_TIME, time_unit="us", strict=False)
        if times.null_count() == texts.null_count() and (times.dt.strftime(_TIME) == texts).all():
            return times.cast(pl.Int64).rename(title((*place, "time")))
    return texts


def as_texts(times: polars.Series) -> polars.Series:
    """The texts of a column of times."""
    import polars as pl

    return times.cast(pl.Datetime("us")).dt.strftime(_TIME)
