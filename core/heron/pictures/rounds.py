"""Rounds: a job over many items asks again at its end for those whose store did not answer."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Generator, Hashable, Iterable, Sequence
from contextlib import closing
from typing import Generic, TypeVar

from heron.errors import HeronError
from heron.jobs import ImportProblem
from heron.models import Item
from heron.pictures.making import in_threads
from heron.references import UnsetVariable
from heron.storage.waiting import OUTAGES, current

T = TypeVar("T")

PROBLEMS = 100
"""The most problems that a report contains."""


MadeOf = Callable[[Item], Collection[Hashable]]
"""Says what was made of an item in an earlier round."""

Pieces = Generator[tuple[Item, T | HeronError | None], None, None]
Produce = Callable[[Iterable[Item], MadeOf], Pieces[T]]


class Rounds(Generic[T]):
    """Makes pieces of items in threads, round after round. Only ids are kept of the items that wait."""

    def __init__(
        self,
        read: Callable[[Sequence[int]], Iterable[Item]],
        work: Callable[[Item, Collection[Hashable]], Iterable[T]],
        owner_of: Callable[[T], Hashable] = lambda piece: None,
        produce: Produce[T] | None = None,
    ) -> None:
        """`read` gives items by inner ids; `work` makes the pieces of an item, but not those of the owners that it gets,
        which an earlier round has made; `owner_of` says what a piece belongs to, None if that needs no memory. `produce` makes
        the pieces of all items, in place of threads and `work`; it gets the items, and what says which owners were made.
        """
        self._read = read
        self._work = work
        self._owner_of = owner_of
        self._produce = produce or self._in_threads
        self._waiting = array("q")
        self._hopeful = 0
        """How many of those that wait may have an answer later in this job."""

        self._made: dict[int, set[Hashable]] = {}
        """The owners of the pieces that were made of items that wait."""

        self.problems: list[ImportProblem] = []
        """Why items wait, of the first ones."""

    @property
    def waiting(self) -> int:
        """The number of items whose store did not answer, or refused the credentials, in the last round."""
        return len(self._waiting)

    def __call__(self, items: Iterable[Item]) -> Generator[tuple[Item, T | HeronError | None], None, None]:
        """Yields the pieces of each item, then None if it is done, or its error; nothing more for one that waits."""
        yield from self._round(items)
        patience = current()
        for _ in patience.rounds(lambda: self._hopeful, "item") if patience is not None else ():
            ids, self._waiting, self._hopeful = self._waiting, array("q"), 0
            self.problems.clear()
            yield from self._round(self._read(ids))

    def _round(self, items: Iterable[Item]) -> Generator[tuple[Item, T | HeronError | None], None, None]:
        before, self._made = self._made, {}
        now: dict[int, set[Hashable]] = {}
        with closing(self._produce(items, lambda item: before.get(item.id, ()))) as pieces:
            for item, piece in pieces:
                if isinstance(piece, OUTAGES):
                    self._wait(item, piece, before.get(item.id, set()) | now.pop(item.id, set()))
                    continue
                if piece is None or isinstance(piece, HeronError):
                    now.pop(item.id, None)
                elif (owner := self._owner_of(piece)) is not None:
                    now.setdefault(item.id, set()).add(owner)
                yield item, piece

    def _in_threads(self, items: Iterable[Item], made_of: MadeOf) -> Pieces[T]:
        return in_threads(items, lambda item: self._work(item, made_of(item)))

    def _wait(self, item: Item, error: HeronError, made: set[Hashable]) -> None:
        self._waiting.append(item.id)
        self._hopeful += not isinstance(error, UnsetVariable)
        if made:
            self._made[item.id] = made
        if len(self.problems) < PROBLEMS:
            self.problems.append(ImportProblem(item.name, item.url, str(error), "waiting"))
