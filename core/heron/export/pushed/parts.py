"""The tables of pushed columns: which columns they have, and their rows as Parquet files, block by block."""

from __future__ import annotations

import hashlib
import io
import mmap
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from attrs import frozen

from heron.catalog.columns.visible import Table, VisibleRows
from heron.catalog.vectors.rows import VectorSet
from heron.columns.typed import Observed, TypedColumn, dtype_of, series_of
from heron.convert import loads
from heron.export.pushed.manifest import PushedFile, PushedTable
from heron.export.typed_fields import OF_SCHEMA, flat_facts, type_of_field
from heron.models import FRAME_FIELDS, ITEM_FIELDS

if TYPE_CHECKING:
    import polars

BLOCK = 100_000
"""The inner ids of a block: its rows are in files of their own, so that a change is a change of few files."""

VECTOR_BYTES = 32 * 1024 * 1024
"""The most bytes of vectors in a file; it has at most as many rows as a block."""

_LEFT_OUT = ("deleted_at",)
_PARTITIONS: Mapping[Table, str | None] = {"items": "kind", "frames": None}

Write = Callable[[str, bytes], None]
"""Writes a file by its path, unless it is there already."""

Progress = Callable[[int], None]
"""Is called with the number of rows that were written."""


@frozen
class _Plan:
    """The columns of a table: fields of its rows, and what is in the JSON texts of each source, by the name of the column."""

    fields: Mapping[str, TypedColumn]
    more: Mapping[str, TypedColumn]


def table_of(rows: VisibleRows, table: Table, write: Write, progress: Progress) -> PushedTable:
    """Write the rows of items or frames, and return what was written."""
    import polars as pl

    plan = _plan(rows, table)
    partition = _PARTITIONS[table]
    files: list[PushedFile] = []
    left_out: Counter[str] = Counter()
    for above, up_to in rows.blocks(table, BLOCK):
        bundles = [
            _frame(rows, table, plan, bundle, left_out) for bundle in rows.bundles(table, above, up_to)
        ]
        if not bundles:
            continue
        frame = pl.concat(bundles)
        files += _written(frame, table, partition, write)
        progress(frame.height)
    columns = {column.name: column.type for column in (*plan.fields.values(), *plan.more.values())}
    return PushedTable(
        path=table,
        rows=sum(file.rows for file in files),
        columns=columns,
        files=files,
        partitioned_by=[partition] if partition else [],
        left_out=dict(left_out),
    )


def vectors_of(rows: VisibleRows, kept: VectorSet, write: Write, progress: Progress) -> PushedTable:
    """Write the vectors of a key with the item and frame of each, and return what was written."""
    import polars as pl

    path = f"vectors/key={_folder_of(kept.key)}"
    numbers = rows.numbers(kept)
    step = max(1, min(BLOCK, VECTOR_BYTES // (4 * kept.size)))
    files: list[PushedFile] = []
    for first in range(0, kept.row_count, step):
        owners = rows.owners(kept, first, first + step)
        if not owners:
            continue
        places, items, frames = zip(*owners, strict=True)
        vectors = numbers[list(places)].astype("float32", copy=False)
        frame = pl.DataFrame(
            {
                "item": pl.Series(items, dtype=pl.String),
                "frame": pl.Series(frames, dtype=pl.Int64),
                "vector": pl.Series(vectors, dtype=pl.Array(pl.Float32, kept.size)).arr.to_list(),
            }
        )
        files += _written(frame, path, None, write)
        _let_go(numbers)
        progress(frame.height)
    columns = {"item": "text", "frame": "integer", "vector": "floats"}
    return PushedTable(path, sum(file.rows for file in files), columns, files, key=kept.key, size=kept.size)


def _let_go(mapped: Any) -> None:
    """Give the memory of a mapped file back, which is read once only."""
    pages = getattr(mapped.base, "_mmap", None)
    if pages is not None:
        pages.madvise(mmap.MADV_DONTNEED)


def _folder_of(key: str) -> str:
    """The name of a folder for a key: without spaces and signs, which engines would escape in ways of their own."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", key)
    return plain if plain == key else f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def _written(
    frame: polars.DataFrame, folder: str, partition: str | None, write: Write
) -> Iterator[PushedFile]:
    """Write the rows of a block: one file for each value of the column by which the table is partitioned."""
    if partition is None:
        yield _file(frame, folder, {}, write)
        return
    parts = frame.partition_by(partition, maintain_order=True, include_key=False, as_dict=True)
    for (value,), part in sorted(parts.items()):
        folder_of_part = f"{folder}/{partition}={quote(str(value), safe='')}"
        yield _file(part, folder_of_part, {partition: str(value)}, write)


def _file(frame: polars.DataFrame, folder: str, partition: Mapping[str, str], write: Write) -> PushedFile:
    stream = io.BytesIO()
    frame.rechunk().write_parquet(
        stream, compression="zstd", statistics=True, row_group_size=max(1, frame.height)
    )
    content = stream.getvalue()
    path = f"{folder}/{hashlib.sha256(content).hexdigest()[:32]}.parquet"
    write(path, content)
    return PushedFile(path, frame.height, len(content), dict(partition))


def _plan(rows: VisibleRows, table: Table) -> _Plan:
    """The columns of a table; types of facts, of metrics and of keys without a built-in type are those of their values."""
    declared = ITEM_FIELDS if table == "items" else FRAME_FIELDS
    fields = {} if table == "items" else {"item": TypedColumn("item", "text")}
    for name, field in declared.items():
        if field.form == "json" or name in _LEFT_OUT:
            continue
        fields[name] = TypedColumn(name, type_of_field(field))
    more: dict[str, TypedColumn] = {}
    facts = Observed()
    for texts in rows.texts(table, "facts" if table == "items" else "metrics"):
        for text in texts:
            facts.add(flat_facts(loads(text)) if table == "items" else _metrics(loads(text)))
    more.update((name, TypedColumn(name, type, True)) for name, type in sorted(facts.types().items()))
    schema = rows.schema()
    for key in schema.all():
        if key.type in OF_SCHEMA:
            more[f"metadata.{key.name}"] = TypedColumn(f"metadata.{key.name}", OF_SCHEMA[key.type])
    others = Observed()
    for texts in rows.texts(table, "metadata"):
        for record in rows.shown([loads(text) for text in texts]):
            others.add((key, record[key]) for key in record if f"metadata.{key}" not in more)
    for key_name, type in sorted(others.types().items()):
        more[f"metadata.{key_name}"] = TypedColumn(f"metadata.{key_name}", type, True)
    return _Plan(fields, more)


def _frame(
    rows: VisibleRows, table: Table, plan: _Plan, bundle: Sequence[Any], left_out: Counter[str]
) -> polars.DataFrame:
    """Some rows with all columns of the table."""
    import polars as pl

    by_name = dict(zip(bundle[0].keys(), zip(*bundle, strict=True), strict=True))
    found: list[polars.Series] = []

    def add(column: TypedColumn, values: Sequence[Any]) -> None:
        series, missing = series_of(column, values)
        found.append(series)
        if missing:
            left_out[column.name] += missing

    for name, column in plan.fields.items():
        add(column, by_name[name])
    source, flat = ("facts", flat_facts) if table == "items" else ("metrics", _metrics)
    records = [dict(flat(loads(text))) if text != "{}" else {} for text in by_name[source]]
    metadata = rows.shown([loads(text) if text != "{}" else {} for text in by_name["metadata"]])
    for record, values in zip(records, metadata, strict=True):
        record.update((f"metadata.{key}", value) for key, value in values.items())
    nothing = [name for name in plan.more if not any(name in record for record in records)]
    for name, column in plan.more.items():
        if name in nothing:
            found.append(pl.Series(name, [None] * len(records), dtype_of(column.type)))
        else:
            add(column, [record.get(name) for record in records])
    return pl.DataFrame(found)


def _metrics(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in metrics.items():
        yield f"metric.{name}", value
