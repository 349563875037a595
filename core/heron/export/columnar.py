"""Writes datasets as Parquet and as Arrow files: typed columns, in row groups, so that memory does not grow with the rows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Literal

from heron.catalog.dataset_rows import Columns, DatasetRows
from heron.columns.typed import Observed, Type
from heron.export.batches import Batches, Misfit
from heron.export.headers import PREFIX
from heron.export.plain import columns_of
from heron.export.states import changed_meanwhile, in_one_state
from heron.export.typed_fields import OF_SCHEMA, flat_facts
from heron.models import DatasetRow

ROWS = 16_384
"""The most rows of a row group."""

VECTOR_BYTES = 32 * 1024 * 1024
"""The most bytes of vectors in a row group."""


class ColumnsExporter:
    """One row an item: its fields, facts by their names in queries, `metadata.KEY` with the types of the schema,
    `vector.KEY` as a list of fixed size, and `members` and `frames` as lists of structs.

    A key that the schema does not know, or of which a value is not of its type, has the type of all its values, or else is a
    text, in which numbers, lists and objects are JSON. So are the metadata and metrics of frames.
    """

    def __init__(self, form: Literal["parquet", "arrow"]) -> None:
        self._form = form

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows in groups, and return their number."""
        if isinstance(rows, DatasetRows):
            return in_one_state(rows, stream, lambda: self._of_catalogue(rows, stream))
        everything = [*columns_of(rows)]  # those of a version, which cannot be read again
        types = _types_of(everything)
        return self._table(everything, types, _texts(types), {}, stream)

    def _of_catalogue(self, rows: DatasetRows, stream: IO[bytes]) -> int:
        facts, keys = _facts(rows), _keys(rows)
        start = stream.tell() if stream.seekable() else None
        try:
            return self._table(rows.columns(), facts | keys, _texts(facts), rows.vectors, stream)
        except Misfit as error:
            if start is None:
                raise changed_meanwhile() from error
        stream.seek(start)
        stream.truncate()
        try:
            types = keys | _types_of(rows.columns())
            return self._table(rows.columns(), types, _texts(types), rows.vectors, stream)
        except Misfit as error:
            raise changed_meanwhile() from error

    def _table(
        self,
        rows: Iterable[Columns],
        types: Mapping[str, Type],
        mixed: Container[str],
        sizes: Mapping[str, int],
        stream: IO[bytes],
    ) -> int:
        batches = Batches(types, mixed, sizes)
        bytes_of_row = 4 * sum(sizes.values())
        size = max(1, VECTOR_BYTES // bytes_of_row) if bytes_of_row else ROWS
        count, group, held = 0, list[Any](), 0

        with _writer(self._form, stream, batches.schema) as writer:
            for columns in rows:
                there = len(columns["position"])
                for first in range(0, there, size):
                    group.append(batches.batch(columns, first, first + size))
                    held += len(group[-1])
                    if held >= min(size, ROWS):
                        writer.write(_joined(group))
                        group, held = [], 0
                count += there
            if group:
                writer.write(_joined(group))
        return count


def _joined(group: Sequence[Any]) -> Any:
    """Batches as a table, which is written as one row group."""
    import pyarrow as pa

    return pa.Table.from_batches(group).combine_chunks()


def _writer(form: Literal["parquet", "arrow"], stream: IO[bytes], schema: Any) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    sink = pa.PythonFile(stream, mode="w")
    if form == "arrow":
        return pa.ipc.new_file(sink, schema)
    return parquet.ParquetWriter(sink, schema, compression="zstd")


def _facts(rows: DatasetRows) -> dict[str, Type]:
    """The types of facts by their values."""
    observed = Observed()
    for records in rows.facts():
        for record in records:
            observed.add(flat_facts(record))
    return dict(sorted(observed.types().items()))


def _keys(rows: DatasetRows) -> dict[str, Type]:
    """The types of keys by the schema."""
    schema = rows.schema()
    types = {PREFIX + name: OF_SCHEMA.get(schema.require(name).type) for name in schema.keys()}  # noqa: SIM118
    return {name: type for name, type in types.items() if type is not None}


def _types_of(rows: Iterable[Columns]) -> dict[str, Type]:
    """The types of facts and keys by their values."""
    observed = Observed()
    for columns in rows:
        for extra, metadata in zip(columns["facts"], columns["metadata"], strict=True):
            observed.add(flat_facts(extra))
            observed.add((PREFIX + key, value) for key, value in metadata.items())
    return observed.types()


def _texts(types: Mapping[str, Type]) -> set[str]:
    return {name for name, type in types.items() if type == "text"}
