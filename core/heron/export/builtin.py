"""The built-in exporters: JSON, JSON lines, and tables as CSV."""

from __future__ import annotations

from collections.abc import Iterable

from heron.hooks import DatasetExporter, Exporter, hookimpl
from heron.hooks.contributions import Content


def _load_json() -> Exporter:
    from heron.export.plain import JsonExporter

    return JsonExporter()


def _load_jsonl() -> Exporter:
    from heron.export.plain import JsonLinesExporter

    return JsonLinesExporter()


def _load_csv() -> Exporter:
    from heron.export.tables import CsvExporter

    return CsvExporter()


def _load_csv_members() -> Exporter:
    from heron.export.tables import CsvMembersExporter

    return CsvMembersExporter()


def _load_csv_frames() -> Exporter:
    from heron.export.tables import CsvFramesExporter

    return CsvFramesExporter()


_BOTH: tuple[Content, ...] = ("members", "frames")


@hookimpl
def register_exporters() -> Iterable[DatasetExporter]:
    """JSON, JSON lines, and tables as CSV."""
    yield DatasetExporter(
        name="json",
        summary="a JSON array, one object a row",
        suffix=".json",
        load=_load_json,
        contains=_BOTH,
    )
    yield DatasetExporter(
        name="jsonl",
        summary="one JSON object a line, for tools that stream",
        suffix=".jsonl",
        load=_load_jsonl,
        contains=_BOTH,
    )
    yield DatasetExporter(
        name="csv", summary="a table, one column a metadata key", suffix=".csv", load=_load_csv
    )
    yield DatasetExporter(
        name="csv-members",
        summary="a table of the files of groups, sequences and series",
        suffix="",
        load=_load_csv_members,
        contains=["members"],
    )
    yield DatasetExporter(
        name="csv-frames",
        summary="a table of the chosen frames",
        suffix="",
        load=_load_csv_frames,
        contains=["frames"],
    )
