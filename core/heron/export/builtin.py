"""The built-in exporters: JSON and CSV."""

from __future__ import annotations

from collections.abc import Iterable

from heron.hooks import DatasetExporter, Exporter, hookimpl


def _load_json() -> Exporter:
    from heron.export.plain import JsonExporter

    return JsonExporter()


def _load_csv() -> Exporter:
    from heron.export.plain import CsvExporter

    return CsvExporter()


@hookimpl
def register_exporters() -> Iterable[DatasetExporter]:
    """JSON and CSV."""
    yield DatasetExporter(
        name="json", summary="a JSON array, one object a row", suffix=".json", load=_load_json
    )
    yield DatasetExporter(
        name="csv", summary="a table, one column a metadata key", suffix=".csv", load=_load_csv
    )
