"""What the export of a dataset tells of itself: its progress, and what its format leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from heron.cli.exits import Unfinished
from heron.models import DatasetRow
from heron.wording import counted


def reported(
    rows: Iterator[DatasetRow], progress: Callable[[int], None], counts: Counter[str]
) -> Iterator[DatasetRow]:
    """The same rows; `progress` is called with their number, and members and frames of frozen rows are counted."""
    from heron.catalog.dataset_rows import DatasetRows

    if isinstance(rows, DatasetRows):
        rows.progress = progress
        return rows
    return _counted(rows, progress, counts)


def _counted(
    rows: Iterator[DatasetRow], progress: Callable[[int], None], counts: Counter[str]
) -> Iterator[DatasetRow]:
    for number, row in enumerate(rows, start=1):
        counts.update(members=len([*row.members]), frames=len([*row.frames]))
        yield row
        progress(number)


@contextmanager
def goes_on(resumes: bool) -> Iterator[None]:
    """Say of an export that was interrupted, and can go on, that it can."""
    from heron.storage.waiting import OUTAGES

    again = "the same command goes on from there, if files were copied"
    try:
        yield
    except KeyboardInterrupt:
        if not resumes:
            raise
        raise Unfinished("interrupted, the files that were copied are kept", hint=again) from None
    except OUTAGES as error:
        if not resumes:
            raise
        raise Unfinished(error.message, hint=again) from error


def left_out_sentence(numbers: dict[str, int], format: str) -> str:
    """What a format does not contain, and which does."""
    what = {
        "items": "of other kinds",
        "members": "of groups and series",
        "frames": "with metadata, or chosen",
    }
    parts = [f"{counted(number, name[:-1])} {what[name]}" for name, number in numbers.items()]
    tables = " and ".join(f"csv-{name}" for name in numbers if name != "items")
    hint = f", and as tables --format {tables}" if tables else ""
    return f"{format} does not contain {' and '.join(parts)}; json does{hint}"
