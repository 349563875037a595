"""Runs an exporter of any format, so that what it writes appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heron.errors import InvalidInput
from heron.export.files import whole_file
from heron.export.folders import whole_folder

if TYPE_CHECKING:
    from heron.hooks import PluginManager
    from heron.models import DatasetRow


def export_rows(
    plugins: PluginManager, format: str, rows: Iterable[DatasetRow], path: Path, *, safe_cells: bool = False
) -> int:
    """Write rows to a file, or to a folder where the format is one of several files; returns the number of rows.

    `safe_cells` is for the format csv alone. Raises PluginError for an unknown format, AlreadyExists for a folder that is not empty.
    """
    known = plugins.exporter(format)
    exporter: Any = plugins.load(known)
    if safe_cells:
        from heron.export.tables import CsvExporter

        if not isinstance(exporter, CsvExporter):
            raise InvalidInput(f"safe cells are for csv, not for {format}")
        exporter = CsvExporter(safe_cells=True)
    count: int
    if known.writes_folder:
        with whole_folder(path) as folder:
            count = exporter.write_folder(rows, folder)
    else:
        with whole_file(path) as stream:
            count = exporter.write(rows, stream)
    return count
