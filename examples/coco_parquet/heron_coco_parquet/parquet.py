"""Parquet in row groups, so that memory does not grow with the dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

import heron

SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("size", pa.int64()),
        ("metadata", pa.string()),
    ]
)
GROUP = 16_384


class Parquet:
    """Writes a row for each item; metadata is text of JSON."""

    def write(self, rows: Iterator[heron.DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows; returns their number."""
        count = 0
        with pq.ParquetWriter(stream, SCHEMA) as writer:
            while some := list(islice(rows, GROUP)):
                items = [row.item for row in some]
                columns = [
                    [i.url for i in items],
                    [i.name for i in items],
                    [i.kind for i in items],
                    [i.size for i in items],
                ]
                columns.append([json.dumps(dict(item.metadata), ensure_ascii=False) for item in items])
                writer.write_table(pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA))
                count += len(some)
        return count
