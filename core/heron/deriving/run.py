"""One run of a deriver: items whose values are out of date get new ones, and values that people gave stay."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from attrs import frozen

from heron.catalog.derived import Before, DerivedStore, Values
from heron.catalog.items import ItemService, bundles
from heron.catalog.schema import SchemaService
from heron.deriving.elsewhere import deriving, fingerprint, given
from heron.errors import HeronError
from heron.hooks import PluginManager
from heron.hooks.derivers import MetadataDeriver
from heron.jobs import ImportProblem
from heron.media.kinds import Kinds
from heron.media.reader import UnknownFormat
from heron.metadata.validation import Validator
from heron.models import Item, Json
from heron.pictures.elsewhere import Asked
from heron.pictures.files import NoPicture, NoText
from heron.pictures.rounds import PROBLEMS, Produce, Rounds
from heron.pictures.service import PictureService

_KEPT = 256
"""Items whose values are stored in one transaction."""


@frozen(eq=False)
class Piece:
    """The values that were derived of one item, or of its frame with the inner id `owner`, or the error in place of them."""

    item: Item
    owner: int
    place: str
    fingerprint: str
    values: Mapping[str, Json] | HeronError
    number: int | None = None
    """The number of the frame, None for an item."""


class Run:
    """Derives values of items and counts the results. Values that are stored stay when the run is interrupted."""

    def __init__(
        self,
        store: DerivedStore,
        items: ItemService,
        schema: SchemaService,
        pictures: PictureService,
        plugins: PluginManager,
        kinds: Kinds,
        record: MetadataDeriver,
        *,
        again: bool,
    ) -> None:
        self._store = store
        self._items = items
        self._schema = schema
        self._pictures = pictures
        self._plugins = plugins
        self._kinds = kinds
        self._record = record
        self._again = again
        self._keys = [key.name for key in record.keys]
        self._values: Callable[[Any, Item], dict[str, Json]] | None = None
        self._validator = Validator(schema.current())
        self._before: dict[int, Before] = {}
        self._asked_for: dict[int, Any] = {}
        """What workers have: by the inner id of an item its fingerprint, or its frames by number with theirs."""

        self._pending: list[Values] = []
        self.derived = 0
        self.skipped = 0
        self.kept = 0
        self.failed = 0
        self.waiting = 0
        self.without_content = 0
        self.problems: list[ImportProblem] = []

    def __call__(
        self, items: Iterable[Item], advanced: Callable[[int], None], produce: Produce[Piece] | None = None
    ) -> None:
        """Derive the values of items that are out of date; `advanced` is called with the number of items done.

        Items whose store does not answer are asked for again at the end. `produce` derives by workers.
        """
        done = 0
        if produce is None:
            self._load()
        rounds: Rounds[Piece] = Rounds(self._read, self._pieces, self._owner_of, produce=produce)
        try:
            with closing(rounds(self._known(items))) as pieces:
                for item, piece in pieces:
                    if isinstance(piece, Piece):
                        self._take(piece)
                        continue
                    done += 1
                    self._asked_for.pop(item.id, None)
                    if isinstance(piece, HeronError):
                        self._note(item, item.name, piece)
                    advanced(done)
            self.waiting = rounds.waiting
            self.problems = [*self.problems, *rounds.problems][:PROBLEMS]
        finally:
            self._keep()

    def _read(self, ids: Sequence[int]) -> Iterator[Item]:
        return self._known(item for some in bundles(ids) for item in self._items._records(some).values())

    def _known(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, after it is read what was derived of them. Runs in the thread that asks for the next item."""
        for bundle in bundles(items, _KEPT):
            once = {item.id: item for item in bundle}
            self._store._require_update(list(once))
            self._before.update(self._store._before(self._record.name, self._keys, list(once)))
            yield from once.values()

    def _pieces(self, item: Item, made: Collection[Hashable]) -> Iterator[Piece]:
        """The values of an item, if they are out of date."""
        if (wanted := self._wanted(item)) is not None:
            assert self._values is not None
            seen, print_ = wanted
            yield Piece(item, item.id, item.name, print_, self._values(self._pictures._files, seen))

    def _load(self) -> None:
        self._values = deriving(self._plugins, self._record)

    def _owner_of(self, piece: Piece) -> Hashable:
        """What need not be made again where the store of an item has not answered to the end."""
        return None

    def _wanted(self, item: Item) -> tuple[Item, str] | None:
        """The item as the deriver gets it, and its fingerprint; None for one that is up to date, or whose values people gave."""
        before = self._before.pop(item.id, Before(None, False))
        seen = given(self._record, item)
        print_ = fingerprint(self._record, seen)
        return (seen, print_) if self._is_due(before, print_) else None

    def _is_due(self, before: Before, print_: str) -> bool:
        """Whether values are to be computed; counts those that need not."""
        if not self._again:
            if before.is_given:
                self.kept += 1
                return False
            if before.fingerprint == print_:
                self.skipped += 1
                return False
        return True

    def asked(self, item: Item, made: Collection[Hashable]) -> Asked | None:
        """What a worker is to derive of an item."""
        wanted = self._wanted(item)
        if wanted is None:
            return None
        seen, self._asked_for[item.id] = wanted
        return self._pictures._asked(seen, own=True, metadata=seen.metadata)

    def piece_of(self, item: Item, number: int | None, values: Mapping[str, Json]) -> Piece:
        """The values that a worker has derived."""
        return Piece(item, item.id, item.name, self._asked_for[item.id], values)

    def _take(self, piece: Piece) -> None:
        """Keep values, to be stored soon; values that the schema does not accept fail their item."""
        item, values = piece.item, piece.values
        if isinstance(values, HeronError):
            self._note(item, piece.place, values)
            return
        try:
            self._validator.encode(values, piece.place)
        except HeronError as error:
            self._note(item, piece.place, HeronError(f"deriver {self._record.name}: {error}"))
            return
        self._pending.append(Values(piece.owner, item.uuid, piece.fingerprint, values, piece.number))
        if len(self._pending) >= _KEPT:
            self._keep()

    def _keep(self) -> None:
        made, self._pending = self._pending, []
        if made:
            self.derived += self._store._keep(self._record.name, self._keys, made, self._record.of)

    def _note(self, item: Item, place: str, error: HeronError) -> None:
        if isinstance(error, NoText) or (
            isinstance(error, NoPicture | UnknownFormat) and not self._is_visual(item)
        ):
            self.without_content += 1
            return
        self.failed += 1
        if len(self.problems) < PROBLEMS:
            self.problems.append(ImportProblem(place, item.url, str(error)))

    def _is_visual(self, item: Item) -> bool:
        kind = self._kinds.get(item.kind)
        return kind is None or kind.visual
