"""The built-in exporters: JSON, JSON lines, tables as CSV, Parquet and Arrow."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from heron.hooks import DatasetExporter, Exporter, hookimpl
from heron.hooks.contents import EVERYTHING


def _json() -> Exporter:
    from heron.export.plain import JsonExporter

    return JsonExporter()


def _jsonl() -> Exporter:
    from heron.export.plain import JsonLinesExporter

    return JsonLinesExporter()


def _table(name: str) -> Exporter:
    from heron.export import tables

    made: Exporter = getattr(tables, name)()
    return made


def _columns(form: Any) -> Exporter:
    from heron.export.columnar import ColumnsExporter

    return ColumnsExporter(form)


@hookimpl
def register_exporters() -> Iterable[DatasetExporter]:
    """Formats of one file with all that the catalogue knows, and tables."""
    yield DatasetExporter(
        name="json",
        summary="a JSON array, one object a row",
        suffix=".json",
        load=_json,
        contains=EVERYTHING,
        read_with="any JSON reader; `heron import --manifest`",
    )
    yield DatasetExporter(
        name="jsonl",
        summary="one JSON object a line, for tools that stream",
        suffix=".jsonl",
        load=_jsonl,
        contains=EVERYTHING,
        read_with="any JSON reader; `heron import --manifest`",
    )
    yield DatasetExporter(
        name="csv",
        summary="a table, one column a metadata key",
        suffix=".csv",
        load=partial(_table, "CsvExporter"),
        contains=["metadata", "tags"],
        read_with="spreadsheets; `heron import --manifest`",
    )
    yield DatasetExporter(
        name="csv-members",
        summary="a table of the files of groups, sequences and series",
        suffix="",
        load=partial(_table, "CsvMembersExporter"),
        contains=["members"],
        read_with="spreadsheets",
    )
    yield DatasetExporter(
        name="csv-frames",
        summary="a table of the chosen frames",
        suffix="",
        load=partial(_table, "CsvFramesExporter"),
        contains=["frames"],
        read_with="spreadsheets",
    )
    for form, suffix in (("parquet", ".parquet"), ("arrow", ".arrow")):
        yield DatasetExporter(
            name=form,
            summary="typed columns in row groups, members and frames as lists",
            suffix=suffix,
            load=partial(_columns, form),
            requires=["pyarrow"],
            extra="arrow",
            contains=EVERYTHING,
            read_with="Polars, pandas, DuckDB, PyArrow",
        )
