"""Runs an exporter of any format, so that what it writes appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heron.errors import InvalidInput
from heron.export.files import whole_file
from heron.export.folders import whole_folder
from heron.export.media import ItemFiles

if TYPE_CHECKING:
    from heron.hooks import PluginManager
    from heron.models import DatasetRow
    from heron.storage.service import StorageService


def format_of(plugins: PluginManager, path: Path, format: str | None = None) -> str:
    """The format in which to write to a path: `format`, or that of the path's suffix.

    Raises InvalidInput for a suffix that is of no format, or of another one than `format`; PluginError for an unknown format.
    """
    from heron.hooks import DatasetExporter

    exporters = list(plugins.contributions(DatasetExporter))
    suffix = path.suffix.lower()
    by_suffix = {exporter.suffix: exporter.name for exporter in exporters if exporter.suffix}
    if format is None:
        if suffix not in by_suffix:
            raise InvalidInput(
                f"which format? {path} has none in its name",
                hint=f"give one of {', '.join(e.name for e in exporters)}",
            )
        return by_suffix[suffix]
    own = plugins.exporter(format).suffix
    if own and suffix != own and suffix in by_suffix:
        raise InvalidInput(
            f"{path.name} has the suffix of {by_suffix[suffix]}, but the format is {format}",
            hint=f"call it {path.stem}{own}, or leave the format out",
        )
    return format


def require_vectors(plugins: PluginManager, format: str, keys: Sequence[str]) -> None:
    """Raise InvalidInput if vectors are asked for, and the format cannot hold them."""
    from heron.hooks import DatasetExporter

    if keys and "vectors" not in plugins.exporter(format).contains:
        others = [e.name for e in plugins.contributions(DatasetExporter) if "vectors" in e.contains]
        raise InvalidInput(f"{format} has no place for vectors", hint=f"these have: {', '.join(others)}")


def export_rows(
    plugins: PluginManager,
    format: str | None,
    rows: Iterable[DatasetRow],
    path: Path,
    files: tuple[StorageService, list[str] | None],
    *,
    safe_cells: bool = False,
) -> int:
    """Write rows to a file, or to a folder where the format is one of several files; returns the number of rows.

    Without a format, it is that of the suffix, and JSON without a suffix. A folder gets copies of files if its format contains
    them: `files` are the storage of items, and a list that gets a sentence for each that cannot be read, or None to raise it.
    `safe_cells` is for the format csv alone. Raises PluginError for an unknown format, AlreadyExists for a folder that is not
    empty, and the errors of `format_of`.
    """
    format = format_of(plugins, path, format if format or path.suffix else "json")
    known = plugins.exporter(format)
    exporter: Any = plugins.load(known)
    if safe_cells:
        from heron.export.tables import CsvExporter

        if not isinstance(exporter, CsvExporter):
            raise InvalidInput(f"safe cells are for csv, not for {format}")
        exporter = CsvExporter(safe_cells=True)
    count: int
    if known.writes_folder:
        stream = iter(rows)
        first = [*islice(stream, 1)]
        is_frozen = any(row.since for row in first)
        rows = chain(first, stream)
        with whole_folder(path, ItemFiles(*files, is_frozen)) as folder:
            count = exporter.write_folder(rows, folder)
    else:
        with whole_file(path) as stream:
            count = exporter.write(rows, stream)
    return count
