"""A temporary file that stores outcomes until all of them are known."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import IO, Any

from attrs import fields_dict

from heron.catalog.registration import Known
from heron.errors import CatalogueError
from heron.hooks import StoredObject
from heron.ingest.units import Outcome, Unit
from heron.jobs import ImportProblem
from heron.models import MediaFacts, Member, NewItem


def _by_position(record: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Serialises a record as its class and its values, three times faster than with the names of its fields."""
    values = attrgetter(*fields_dict(record))
    return lambda found: (record, values(found))


_RECORDS = (Outcome, Unit, NewItem, MediaFacts, Member, ImportProblem, StoredObject, Known)
_DISPATCH: dict[type, Callable[[Any], Any]] = {record: _by_position(record) for record in _RECORDS}


class Spool:
    """Stores batches of outcomes on disk, and yields them in order. Use it in a `with` statement."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `__exit__`
        self._batches = 0

    def keep(self, batch: Sequence[Outcome]) -> None:
        """Append a batch."""
        pickler = pickle.Pickler(self._file, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = _DISPATCH
        try:
            pickler.dump(batch)
        except OSError as error:
            raise CatalogueError(
                f"the results cannot be stored in {tempfile.gettempdir()}: {error.strerror or error}",
                hint="free some space, or set TMPDIR to another folder",
            ) from error
        self._batches += 1

    def __iter__(self) -> Iterator[Sequence[Outcome]]:
        self._file.seek(0)
        for _ in range(self._batches):
            yield pickle.load(self._file)  # noqa: S301 - written by `keep`, into a file without a name

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
