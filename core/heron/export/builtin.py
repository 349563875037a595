"""The built-in exporters: JSON, JSON lines and CSV."""

from __future__ import annotations

from collections.abc import Iterable

from heron.hooks import DatasetExporter, Exporter, hookimpl


def _load_json() -> Exporter:
    from heron.export.plain import JsonExporter

    return JsonExporter()


def _load_jsonl() -> Exporter:
    from heron.export.plain import JsonLinesExporter

    return JsonLinesExporter()


def _load_csv() -> Exporter:
    from heron.export.plain import CsvExporter

    return CsvExporter()


@hookimpl
def register_exporters() -> Iterable[DatasetExporter]:
    """JSON, JSON lines and CSV."""
    yield DatasetExporter(
        name="json", summary="a JSON array, one object a row", suffix=".json", load=_load_json
    )
    yield DatasetExporter(
        name="jsonl",
        summary="one JSON object a line, for tools that stream",
        suffix=".jsonl",
        load=_load_jsonl,
    )
    yield DatasetExporter(
        name="csv", summary="a table, one column a metadata key", suffix=".csv", load=_load_csv
    )
