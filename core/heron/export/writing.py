"""Runs an exporter of any format, so that what it writes appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from heron.catalog.dataset_rows import DatasetRows
from heron.deadline import begun_anew
from heron.errors import InvalidInput, PluginError
from heron.export.files import whole_file
from heron.export.folders import whole_folder
from heron.export.media import ItemFiles
from heron.hooks.door import Stranger, guarded

if TYPE_CHECKING:
    from heron.export.names import Template
    from heron.hooks import DatasetExporter, PluginManager
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
    if keys and "vectors" not in plugins.exporter(format).contains:
        others = _names(plugins, lambda exporter: "vectors" in exporter.contains)
        raise InvalidInput(f"{format} has no place for vectors", hint=f"these have: {others}")


def template_of(plugins: PluginManager, format: str, text: str | None) -> Template | None:
    """A template for the names of files; raises InvalidInput for one that is not valid, and for a format that does not take one."""
    if text is None:
        return None
    if not plugins.exporter(format).takes_template:
        others = _names(plugins, lambda exporter: exporter.takes_template)
        raise InvalidInput(f"{format} does not name files by a template", hint=f"these do: {others}")
    from heron.export.names import Template

    return Template.parsed(text)


def _names(plugins: PluginManager, condition: Callable[[DatasetExporter], bool]) -> str:
    from heron.hooks import DatasetExporter

    return ", ".join(each.name for each in plugins.contributions(DatasetExporter) if condition(each))


def export_rows(
    plugins: PluginManager,
    format: str | None,
    rows: Iterable[DatasetRow],
    path: Path,
    files: tuple[StorageService, list[str] | None],
    *,
    safe_cells: bool = False,
    template: str | None = None,
) -> int:
    """Write rows to a file, or to a folder where the format is one of several files; returns the number of rows.

    Without a format, it is that of the suffix, and JSON without a suffix. A folder gets copies of files if its format contains
    them: `files` are the storage of items, and a list that gets a sentence for each that cannot be read, or None to raise it.
    `safe_cells` is for the format csv alone. `template` makes the names of files. An export of the same
    dataset goes on where it was interrupted, if its format can. Raises PluginError for an unknown format, AlreadyExists for a folder
    that is not empty, and the errors of `format_of` and `template_of`.
    """
    format = format_of(plugins, path, format if format or path.suffix else "json")
    names = template_of(plugins, format, template)
    known = plugins.exporter(format)
    exporter: Any = plugins.load(known)
    if safe_cells:
        from heron.export.tables import CsvExporter

        if not isinstance(exporter, CsvExporter):
            raise InvalidInput(f"safe cells are for csv, not for {format}")
        exporter = CsvExporter(safe_cells=True)
    count: int
    if known.writes_folder:
        resume, is_frozen = None, False
        if isinstance(rows, DatasetRows):
            resume = f"{rows.identity} {format} {template}" if known.resumes else None
        else:
            given = iter(rows)
            first = [*islice(given, 1)]
            is_frozen = any(row.since for row in first)
            rows = chain(first, given)
        with whole_folder(path, ItemFiles(*files, is_frozen), template=names, resume=resume) as folder:
            count = _written(plugins, known, path, lambda given: exporter.write_folder(given, folder), rows)
    else:
        with whole_file(path) as stream:
            count = _written(plugins, known, path, lambda given: exporter.write(given, stream), rows)
    return count


def _written(
    plugins: PluginManager,
    known: DatasetExporter,
    path: Path,
    write: Callable[[Iterator[DatasetRow]], object],
    rows: Iterable[DatasetRow],
) -> int:
    """The number of rows that an exporter has written. Of a stranger's one only its own time counts, which begins anew with each row."""
    who = plugins.named(known)
    if not isinstance(who, Stranger):
        return cast(int, write(rows))  # type: ignore[arg-type]
    failed: list[BaseException] = []

    def given() -> Iterator[DatasetRow]:
        following = begun_anew(partial(next, iter(rows), None))
        try:
            while (row := following()) is not None:
                yield cast("DatasetRow", row)
        except Exception as error:
            failed.append(error)
            raise

    verb = "write_folder" if known.writes_folder else "write"
    try:
        with guarded(who, verb, path.name, PluginError):
            count = write(given())
    except PluginError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) or (failed and cause is failed[0]):
            raise cause from None  # of the disk, or of reading the rows, which the exporter has passed on
        raise
    if type(count) is not int or count < 0:
        raise PluginError(
            f"{path.name}: {who} failed in {verb}: it gave {count!r:.80}, expected the number of rows"
        )
    return count
