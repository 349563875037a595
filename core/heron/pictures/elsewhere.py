"""Pictures of items made by the workers of an executor: what is sent to them, and what they make of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Generator, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import evolve, field, frozen

from heron.catalog.spelling import absolute_path
from heron.errors import HeronError
from heron.executors.shipping import Environment
from heron.executors.workers import Task, Workers
from heron.hooks import PluginManager
from heron.jobs import Integration
from heron.media.kinds import Kinds
from heron.media.reader import MediaReader
from heron.media.sizing import Sight, frames_seen, portrait_seen
from heron.models import Frame, Item, Member
from heron.pictures.files import ItemFiles
from heron.storage.openers import Opener
from heron.storage.retries import PatientStorage
from heron.storage.waiting import Patience, current, working_for
from heron.uuids import new_uuid

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")

GRAIN = 16
"""Items of one task."""

FRAMES = 64
"""The most frames of one unit, so that a long video is many units."""


@frozen
class Asked:
    """The pictures to make of one item: its own, `portrait` for that of the middle frame of a film, and frames by number.

    `frames` are their records, in the same order, where these are wanted.
    """

    item: Item
    members: tuple[Member, ...]
    integration: Integration | None
    own: bool = False
    numbers: tuple[int, ...] = ()
    frames: tuple[Frame, ...] = ()


@frozen
class Given:
    """What was made of the pictures of one item: by the numbers of frames, None for the item itself, and what ended it."""

    made: tuple[tuple[int | None, Any], ...] = ()
    error: HeronError | None = None


Picture = tuple[Item, int | None, "Image"]
"""A picture of an item, or of its frame of that number."""


class Finish(Protocol):
    """What becomes of pictures, `batch` at a time. It is pickled, so it has settings only."""

    @property
    def size(self) -> int:
        """The longest side of the pictures in pixels."""

    @property
    def shortest(self) -> int:
        """The shortest side for which it may be longer, as in `heron.media.sizing.Sight`."""

    @property
    def batch(self) -> int:
        """The number of pictures that are finished together."""

    @property
    def portrait(self) -> bool:
        """Whether the middle frame of a film stands for it."""

    def begin(self, plugins: PluginManager) -> Callable[[Sequence[Picture]], list[Any]]:
        """The function that makes something of each picture; raises HeronError if this worker cannot do it."""


class Drawing:
    """The work: reads the files of items and finishes their pictures."""

    def __init__(
        self, plugins: PluginManager, finish: Finish, limits: tuple[float, float] | None = None
    ) -> None:
        self._plugins = plugins
        self._finish = finish
        self._limits = limits
        self._reader = MediaReader(plugins)
        self._kinds = Kinds(lambda: plugins)
        self._opener = Opener(lambda: plugins)
        self._make: Any = None
        self._beginning = Lock()
        self._patience = Patience(limits[0], silence=limits[1]) if limits else current()

    def begin(self) -> Drawing:
        """Load what finishes pictures."""
        self._make = self._finish.begin(self._plugins)
        return self

    def recipe(self) -> DrawingRecipe:
        """How a worker makes it again."""
        patience = self._patience or Patience()
        return DrawingRecipe(Environment.of(self._plugins), self._finish, patience.limits, type(self))

    def failed(self, unit: Asked, reason: str) -> Given:
        """What is given for an item that no worker could read."""
        return Given(error=HeronError(f"{unit.item.name} was given up: {reason}"))

    def fits(self, unit: Asked, result: object) -> bool:
        """Whether this can be what was made of an item."""
        return isinstance(result, Given) and {number for number, _ in result.made} <= {None, *unit.numbers}

    def file(self, unit: Asked) -> Path | None:
        """The local file of an item."""
        return (
            absolute_path(unit.item.url) if unit.item.url.startswith("file:") and not unit.members else None
        )

    def __call__(self, units: Sequence[Asked]) -> list[Given]:
        """Make the pictures of some items, and finish them in batches."""
        with self._beginning:
            if self._make is None:
                self.begin()
        made: list[list[tuple[int | None, Any]]] = [[] for _ in units]
        errors: list[HeronError | None] = [None] * len(units)
        batch: list[tuple[int, Picture]] = []

        def finish() -> None:
            found = self._make([picture for _, picture in batch]) if batch else ()
            for (position, (_, number, _)), result in zip(batch, found, strict=True):
                self._collect(made[position], number, result)
            batch.clear()

        with working_for(self._patience):
            for position, unit in enumerate(units):
                for picture in self._tried(unit):
                    if isinstance(picture, HeronError):
                        errors[position] = picture
                        break
                    batch.append((position, picture))
                    if len(batch) >= self._finish.batch:
                        finish()
            finish()
        return [Given(tuple(found), error) for found, error in zip(made, errors, strict=True)]

    def _tried(self, unit: Asked) -> Iterator[Picture | HeronError]:
        """The pictures of an item, and the error that ends them."""
        try:
            for number, picture in self._contents(unit):
                yield unit.item, number, picture
        except HeronError as error:
            yield error
        except (OSError, MemoryError) as error:
            yield HeronError(f"{unit.item.name} cannot be read: {error}")

    def _files(self, unit: Asked) -> ItemFiles:
        shelf = _Shelf(unit, self._opener)
        return ItemFiles(shelf, shelf, lambda: self._reader, self._kinds)

    def _collect(self, made: list[tuple[int | None, Any]], number: int | None, result: Any) -> None:
        """Add what was made of one picture to what was made of its item."""
        made.append((number, result))

    def _contents(self, unit: Asked) -> Iterator[tuple[int | None, Any]]:
        """What there is to finish of an item, with the numbers of frames."""
        files, sight = self._files(unit), Sight(self._finish.size, self._finish.shortest)
        if unit.own:
            picture = (
                portrait_seen(files, unit.item, sight)
                if self._finish.portrait
                else files.picture(unit.item, sight.longest)
            )
            if picture is not None:
                yield None, picture
        yield from frames_seen(files, unit.item, unit.numbers, sight)


@frozen
class DrawingRecipe:
    """From what a worker makes the work."""

    environment: Environment
    finish: Finish
    limits: tuple[float, float]
    work: type[Drawing] = Drawing
    job: str = field(factory=new_uuid)

    def build(self) -> Drawing:
        """The work, with all that it needs; raises PluginError."""
        return self.work(self.environment.open(), self.finish, self.limits).begin()


@frozen
class _Shelf:
    """What a worker knows of the item of a unit, in place of the catalogue."""

    unit: Asked
    opener: Opener

    def members(self, item: Item) -> Sequence[Member]:
        return self.unit.members

    def of(self, item: Item) -> Integration | None:
        return self.unit.integration

    def open(self, url: str, integration: Integration | None = None) -> PatientStorage:
        return self.opener.storage(url, integration)


def by_workers(
    items: Iterable[Item],
    made_of: Callable[[Item], Collection[Hashable]],
    *,
    asked: Callable[[Item, Collection[Hashable]], Asked | None],
    piece_of: Callable[[Item, int | None, Any], T],
    work: Drawing,
    workers: Workers,
) -> Generator[tuple[Item, T | HeronError | None], None, None]:
    """Like `in_threads`, by the workers of an executor: the catalogue is read here, the files there.

    `asked` says which pictures of an item to make, without those of `made_of`, which are there; None for none.
    """
    waiting: deque[tuple[list[_Part], Task[Asked, Given] | None]] = deque()
    failed: set[int] = set()

    def taken() -> Iterator[tuple[Item, T | HeronError | None]]:
        parts, task = waiting.popleft()
        results = iter(task.results() if task is not None else ())
        for part in parts:
            if not isinstance(part, Asked):
                item, error = part
                if item.id not in failed:
                    yield item, error
                failed.discard(item.id)
                continue
            given = next(results)
            if part.item.id in failed:
                continue
            for number, made in given.made:
                yield part.item, piece_of(part.item, number, made)
            if given.error is not None:
                failed.add(part.item.id)
                yield part.item, given.error

    stream = _parts(items, lambda item: asked(item, made_of(item)))
    while parts := list(islice(stream, workers.grain)):
        units = [part for part in parts if isinstance(part, Asked)]
        waiting.append((parts, workers.submit(work, units) if units else None))
        if len(waiting) >= workers.ahead:
            yield from taken()
    while waiting:
        yield from taken()


_Part = Asked | tuple[Item, HeronError | None]
"""Pictures to make, or the end of an item."""


def _parts(items: Iterable[Item], asked: Callable[[Item], Asked | None]) -> Iterator[_Part]:
    for item in items:
        try:
            found = asked(item)
        except HeronError as error:
            yield item, error
            continue
        if found is not None:
            for start in range(0, len(found.numbers) or 1, FRAMES):
                some = slice(start, start + FRAMES)
                yield evolve(
                    found,
                    own=found.own and not start,
                    numbers=found.numbers[some],
                    frames=found.frames[some],
                )
        yield item, None
