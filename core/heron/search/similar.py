"""Makes the query vector: one vector from the texts, items, frames, files and vectors of a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from heron.catalog.frames import FrameService
from heron.catalog.items import ItemService
from heron.catalog.vectors.rows import VectorSet
from heron.catalog.vectors.store import VectorStore
from heron.embedders.passages import Passage, vector_of
from heron.errors import InvalidInput, NotFound, PluginError, QueryError
from heron.hooks import BoundedEmbedder, EmbedderModel, LimitedEmbedder, PluginManager
from heron.hooks.door import guarded
from heron.media.kinds import Kinds
from heron.media.sizing import LONGEST, Sight
from heron.metadata.keys import printable, shown_path
from heron.models import Frame, Item, Json, Query
from heron.search.sureness import Sureness
from heron.uuids import is_uuid
from heron.vectors.checking import checked
from heron.vectors.npy import read_npy
from heron.wording import counted

if TYPE_CHECKING:
    from PIL.Image import Image

Array = np.ndarray[Any, Any]

Vector = Sequence[float] | Array
Thing = Item | Frame | Path | Vector
"""What the result of a query can be similar to; a path is that of a picture or a `.npy` file."""


_LONGEST_SENTENCE = 2_000


class Behind:
    """An embedder behind the door: what it raises is a PluginError that names it. `who` is it, its plugin and distribution.

    `shortest_side` is the shortest side in pixels that it needs of a picture, 0 if it does not say; `source` and `scores` are sentences
    about what it was loaded from and what the scores of texts mean, empty if it does not say.
    """

    def __init__(self, who: str, embedder: Any, sides: Sequence[str] = ("image",)) -> None:
        """Raises PluginError for what is no embedder of these sides."""
        self.who = who
        self._embedder = embedder
        with guarded(who, "load", "its parts", PluginError):
            missing = [part for part in parts_of(sides) if not hasattr(embedder, part)]
            side = getattr(embedder, "shortest_side", 0)
            told = [getattr(embedder, part, "") for part in ("source", "scores")]
        if missing:
            raise PluginError(f"{who} has no {', '.join(missing)}, which heron.Embedder requires")
        if type(side) is not int or not 0 <= side <= LONGEST:
            raise PluginError(
                f"{who} has the shortest_side {side!r:.80}, expected pixels from 0 to {LONGEST:,}"
            )
        self.shortest_side = side
        if wrong := [one for one in told if not isinstance(one, str) or len(one) > _LONGEST_SENTENCE]:
            raise PluginError(
                f"{who} says {wrong[0]!r:.80}, expected a sentence of at most {_LONGEST_SENTENCE:,} characters"
            )
        self.source, self.scores = (shown_path(one) for one in told)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed_images(self, images: Sequence[Image]) -> Array:
        """The vectors of pictures, numbers of shape (len(images), size); raises PluginError."""
        return self._vectors("embed_images", images)

    def embed_texts(self, texts: Sequence[str]) -> Array:
        """The vectors of texts, numbers of shape (len(texts), size); raises PluginError, InvalidInput."""
        return self._vectors("embed_texts", texts)

    def _vectors(self, verb: str, given: Sequence[Any]) -> Array:
        about = counted(len(given), "picture" if verb == "embed_images" else "text")
        with guarded(self.who, verb, about, PluginError):
            vectors: Array = np.asarray(getattr(self._embedder, verb)(given))
        return self._numbers(vectors, len(given))

    def turned(self, vectors: Array, quarters: int, *, mirrored: bool) -> Array:
        """As `TurningEmbedder.turned`; raises PluginError."""
        with guarded(self.who, "turned", counted(len(vectors), "vector"), PluginError):
            made: Array = np.asarray(self._embedder.turned(vectors, quarters, mirrored=mirrored))
        made = self._numbers(made, len(vectors))
        if not np.isfinite(made).all():
            raise PluginError(f"{self.who} turned vectors into numbers that are not finite")
        return made

    def _numbers(self, vectors: Array, count: int) -> Array:
        if vectors.shape != (count, self.size):
            raise PluginError(
                f"{self.who} returned an array of shape {vectors.shape}, expected {(count, self.size)}"
            )
        if vectors.dtype.kind not in "fiu":
            raise PluginError(f"{self.who} returned {vectors.dtype.name}, expected numbers")
        return vectors


class BoundedBehind(Behind):
    """A `BoundedEmbedder` behind the door."""

    def outside(self, vectors: Array) -> Sequence[bool]:
        """As `BoundedEmbedder.outside`; raises PluginError."""
        with guarded(self.who, "outside", counted(len(vectors), "vector"), PluginError):
            return [bool(each) for each in self._embedder.outside(vectors)]

    def unknown(self, text: str) -> Sequence[str]:
        """As `BoundedEmbedder.unknown`; raises PluginError."""
        with guarded(self.who, "unknown", "a text", PluginError):
            return [str(word) for word in self._embedder.unknown(text)]


class LimitedBehind(Behind):
    """A `LimitedEmbedder` behind the door."""

    def fits(self, texts: Sequence[str]) -> Sequence[bool]:
        """As `LimitedEmbedder.fits`; raises PluginError."""
        with guarded(self.who, "fits", counted(len(texts), "text"), PluginError):
            found = [bool(each) for each in self._embedder.fits(texts)]
            if len(found) != len(texts):
                raise ValueError(f"gave {len(found):,} answers for {len(texts):,} texts")
            return found


class _BoundedAndLimited(BoundedBehind, LimitedBehind):
    pass


def parts_of(sides: Sequence[str]) -> Sequence[str]:
    """What an embedder of these sides has."""
    methods = [
        method for side, method in (("image", "embed_images"), ("text", "embed_texts")) if side in sides
    ]
    return ("size", "revision", *methods)


def _door(embedder: Any) -> type[Behind]:
    """The door for an embedder."""
    is_bounded, is_limited = isinstance(embedder, BoundedEmbedder), isinstance(embedder, LimitedEmbedder)
    if is_bounded:
        return _BoundedAndLimited if is_limited else BoundedBehind
    return LimitedBehind if is_limited else Behind


class Embedders:
    """The embedders of a workspace; each model is loaded when it is first needed."""

    def __init__(self, plugins: Callable[[], PluginManager]) -> None:
        self.plugins = plugins
        self._loaded: dict[tuple[str, str | None], Behind] = {}

    def record(self, name: str) -> EmbedderModel:
        """The record of an embedder; raises PluginError."""
        return self.plugins().embedder(name)

    def get(self, name: str, model: str | None = None) -> Behind:
        """An embedder with its weights loaded; raises PluginError, and InvalidInput for a model that it does not accept."""
        known = self._loaded.get((name, model))
        if known is None:
            record = self.record(name)
            if model is not None and not record.takes_model:
                raise InvalidInput(f"embedder {name} has one model only, leave {printable(model)} out")
            made = self._made(record, (model,) if record.takes_model else ())
            who = self.plugins().named(record)
            known = _door(made)(str(who) if self.plugins().isolates(record) else who, made, record.embeds)
            self._loaded[name, model] = known
        return known

    def _made(self, record: EmbedderModel, arguments: tuple[str | None, ...]) -> Any:
        plugins = self.plugins()
        if not plugins.isolates(record):
            return plugins.load(record, *arguments)
        from heron.isolation.pictures import isolated_embedder

        plugins.require(record)
        return isolated_embedder(plugins.plugin_of(record), record.name, plugins.named(record), arguments)

    def of(self, kept: VectorSet) -> Behind:
        """The embedder that made the vectors of a set; raises QueryError if there is none, or it has another revision."""
        if kept.embedder is None:
            raise QueryError(
                f"the vectors of {kept.key!r} were imported, and no embedder is known that makes more",
                hint="search by --like an item, or a vector",
            )
        loaded = self.get(kept.embedder, kept.model)
        if loaded.revision != kept.revision:
            raise QueryError(
                f"the vectors of {kept.key!r} were made by another revision of {kept.embedder}",
                hint=f"heron embed --again --frames --embedder {kept.embedder} --key '{kept.key}' makes them again",
            )
        return loaded

    def is_ready(self, name: str | None) -> bool:
        """Whether an embedder is installed with the packages that it needs."""
        try:
            self.plugins().require(self.record(name or ""))
        except PluginError:
            return False
        return True


@frozen
class Sought:
    """A query vector, float32 of shape (size,), the key of the vectors to compare with, and the names of its parts.

    `things` are the items and frames among its parts.
    """

    key: str
    vector: Array
    things: Sequence[Item | Frame]


class Similar:
    """Makes query vectors."""

    def __init__(
        self,
        vectors: VectorStore,
        items: ItemService,
        frames: FrameService,
        embedders: Embedders,
        contents_of: Callable[[Item | Frame | Path, EmbedderModel, Sight], Iterator[Any]],
    ) -> None:
        self._vectors = vectors
        self._items = items
        self._frames = frames
        self._embedders = embedders
        self.sureness = Sureness(vectors, embedders.of)
        self._kinds = Kinds(embedders.plugins)
        self._contents_of = contents_of
        """Gives what an embedder reads of a thing: its picture, or the passages of its text."""

    def of(self, query: Query) -> Sought:
        """The query vector: the sum of the unit vectors of the text and of everything in `like`."""
        things = [self._meant(given) for given in query.like]
        kept = self._set_of(query, things)
        parts = [
            (_shown(given), self._of_thing(kept, thing, given))
            for given, thing in zip(query.like, things, strict=True)
        ]
        if query.text is not None:
            parts.insert(0, (f"the text {printable(query.text)}", self._of_text(kept, query.text)))
        total = np.zeros(kept.size, dtype=np.float64)
        for name, part in parts:
            length = np.linalg.norm(part.astype(np.float64))
            if not length:
                raise InvalidInput(
                    f"the vector of {name} is zero and has no direction", hint="nothing can be similar to it"
                )
            total += part / length
        if not total.any():
            raise InvalidInput(f"{' and '.join(name for name, _ in parts)} cancel each other out")
        found = [thing for thing in things if isinstance(thing, Item | Frame)]
        return Sought(kept.key, total.astype(np.float32), found)

    def key_of(self, query: Query) -> str:
        """The key of the vectors that a query is compared with; raises QueryError and NotFound as `of` does."""
        return self._set_of(query, [self._meant(given) for given in query.like]).key

    def doubts(self, key: str, query: Query, hits: Sequence[Item | Frame]) -> Sequence[str]:
        """Sentences that say what the scores of these hits are worth."""
        from heron.search.doubts import doubts

        return doubts(self._vectors, self._embedders.record, self._embedders.get, key, query.text, hits)

    def _set_of(self, query: Query, things: Sequence[Thing]) -> VectorSet:
        """The embedding to search by: the named one, or the one that fits best; raises QueryError."""
        if query.key is not None:
            return self._vectors._named(query.key)
        there = self._vectors._embedding_keys()
        if query.text is not None:
            there = [kept for kept in there if kept.takes_text]
            if not there:
                raise QueryError(
                    "no embedding takes text queries yet",
                    hint="heron embed --embedder clip makes one; words in text keys are found by --words",
                )
        if not there:
            raise QueryError("there are no vectors to compare with", hint="heron embed makes some")
        fitting = (kept for kept in there if all(self._fits(kept, thing) for thing in things))
        return next(fitting, there[0])

    def _fits(self, kept: VectorSet, thing: Thing) -> bool:
        """Whether a thing has, or can get, a vector to compare with those of a set."""
        if isinstance(thing, Item | Frame) and kept.key in self._vectors.sizes(thing):
            return True
        if isinstance(thing, Item | Frame | Path):
            return self._embedders.is_ready(kept.embedder) and self._reads(kept, thing)
        return np.shape(thing)[-1:] == (kept.size,)

    def _reads(self, kept: VectorSet, thing: Item | Frame | Path) -> bool:
        """Whether an embedder reads what there is of a thing, as far as its kind tells: its picture or its text."""
        contents = self._embedders.record(kept.embedder or "").contents
        kind = self._kinds.get(thing.kind) if isinstance(thing, Item) else None
        if kind is None:
            return "picture" in contents or isinstance(thing, Path)
        return (kind.visual and "picture" in contents) or (kind.has_text and "text" in contents)

    def _of_text(self, kept: VectorSet, text: str | None) -> Array:
        if not text or not text.strip():
            raise QueryError("the text to search for is empty")
        if kept.embedder is not None and not kept.takes_text:
            raise QueryError(
                f"the embedder {kept.embedder} of {kept.key!r} takes no text",
                hint="heron plugins lists embedders; clip takes texts",
            )
        return self._checked(kept, vector_of(self._embedders.of(kept), [Passage(text)], 1)[None], "the text")

    def _of_thing(self, kept: VectorSet, thing: Thing, given: Json) -> Array:
        if isinstance(thing, Path):
            return self._embedded(kept, thing, given)
        if not isinstance(thing, Item | Frame):
            return self._checked(kept, thing, given if isinstance(given, str) else "the vector given")
        vector = self._vectors.find(kept.key, thing)
        if vector is None and isinstance(thing, Item):
            vector = self._mean_of_frames(kept, thing)
        if vector is None and kept.embedder is None:
            name = thing.name if isinstance(thing, Item) else f"{thing.item}, frame {thing.number}"
            raise QueryError(f"{name} has no vector under {kept.key!r}")
        return vector if vector is not None else self._embedded(kept, thing, given)

    def _mean_of_frames(self, kept: VectorSet, item: Item) -> Array | None:
        found = [self._vectors.find(kept.key, frame) for frame in self._frames.stream(item)]
        there = [vector for vector in found if vector is not None]
        return sum(there[1:], there[0]) / len(there) if there else None

    def _meant(self, given: Json) -> Thing:
        """The item, frame, picture or vector that a reference means; raises NotFound and InvalidInput."""
        if not isinstance(given, str):
            vector: Vector = given
            return vector
        name, mark, number = given.rpartition("#")
        if mark and number.isdecimal() and len(number) < 10 and (item := self._items.find(name)) is not None:
            return self._frames.get(item, int(number))
        item = self._item(given)
        if item is not None:
            return item
        if not _is_file(given):
            raise NotFound(
                f"there is no item and no file {printable(given):.200}",
                hint="heron items lists UUIDs and names",
            )
        path = Path(given).expanduser()
        return read_npy(path) if path.suffix.lower() == ".npy" else path

    def _item(self, given: str) -> Item | None:
        """The item that is meant, or None; the path of a file that is there means that picture, not the item of it."""
        is_called = is_uuid(given) or given in self._items._called("name", [given])
        return None if not is_called and _is_file(given) else self._items.find(given)

    def _embedded(self, kept: VectorSet, thing: Item | Frame | Path, name: str) -> Array:
        """The vector of a picture or a text that has none yet; it is not stored."""
        embedder = self._embedders.of(kept)
        assert kept.embedder is not None
        record = self._embedders.record(kept.embedder)
        contents = self._contents_of(thing, record, Sight(record.picture_size, embedder.shortest_side))
        return self._checked(kept, vector_of(embedder, contents, record.batch)[None], name)

    def _checked(self, kept: VectorSet, vector: Any, name: str) -> Array:
        array = checked(vector, kept.size, lambda row: name)
        if len(array) != 1:
            raise InvalidInput(f"{name} contains {len(array):,} vectors, expected one")
        first: Array = array[0]
        return first


def _is_file(given: str) -> bool:
    try:
        return Path(given).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # too long, an unknown home directory, a NUL character
        return False


def _shown(thing: Json) -> str:
    return printable(thing) if isinstance(thing, str) else "the vector given"
