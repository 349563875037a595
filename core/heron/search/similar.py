"""What a query is to be similar to: texts, items, frames, files and vectors become one vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

from heron.catalog.frames import FrameService
from heron.catalog.items import ItemService
from heron.catalog.vector_rows import VectorSet
from heron.catalog.vectors import VectorStore
from heron.errors import HeronError, InvalidInput, NotFound, PluginError, QueryError
from heron.hooks import Embedder, EmbedderModel, PluginManager
from heron.metadata.keys import printable
from heron.models import Frame, Item, Json, Query

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


T = TypeVar("T")


class Embedders:
    """The embedders of a workspace, each model loaded when it is first needed."""

    def __init__(self, plugins: Callable[[], PluginManager]) -> None:
        self._plugins = plugins
        self._loaded: dict[tuple[str, str | None], Embedder] = {}

    def record(self, name: str) -> EmbedderModel:
        """The record of an embedder; raises PluginError."""
        return self._plugins().embedder(name)

    def get(self, name: str, model: str | None = None) -> Embedder:
        """An embedder with its weights loaded; raises PluginError, and InvalidInput for a model that it does not take."""
        known = self._loaded.get((name, model))
        if known is None:
            record = self.record(name)
            if model is not None and not record.takes_model:
                raise InvalidInput(f"embedder {name} has one model only, leave {printable(model)} out")
            arguments = (model,) if record.takes_model else ()
            known = self._plugins().load(record, *arguments)
            missing = [part for part in ("size", "revision", "embed_images") if not hasattr(known, part)]
            if missing:
                raise PluginError(f"embedder {name} has no {', '.join(missing)}, as heron.Embedder asks for")
            self._loaded[name, model] = known
        return known

    def is_ready(self, name: str | None) -> bool:
        """Whether an embedder is there with the packages that it needs."""
        try:
            self._plugins().require(self.record(name or ""))
        except PluginError:
            return False
        return True


def vectors_of(name: str, embed: Callable[[Sequence[T]], Any], given: Sequence[T], size: int) -> Array:
    """What an embedder of that name makes of pictures or texts: numbers of shape (len(given), size).

    Raises PluginError where it fails, or makes something else.
    """
    import numpy as np

    try:
        vectors: Array = np.asarray(embed(given))
    except (HeronError, MemoryError):
        raise
    except Exception as error:
        text = f"embedder {name} failed with {type(error).__name__}: {error}"
        raise PluginError(text.splitlines()[0]) from error
    if vectors.shape != (len(given), size):
        raise PluginError(f"embedder {name} made an array of shape {vectors.shape}, not {(len(given), size)}")
    if vectors.dtype.kind not in "fiu":
        raise PluginError(f"embedder {name} made {vectors.dtype.name}, not numbers")
    return vectors


@frozen
class Sought:
    """A vector to be near to, float32 of shape (size,), the key whose vectors it is compared with, and what gave it."""

    key: str
    vector: Array
    things: Sequence[Item | Frame]
    about: str


class Similar:
    """Makes the vector of a query."""

    def __init__(
        self,
        vectors: VectorStore,
        items: ItemService,
        frames: FrameService,
        embedders: Embedders,
        picture_of: Callable[[Item | Frame | Path, int], Any],
    ) -> None:
        self._vectors = vectors
        self._items = items
        self._frames = frames
        self._embedders = embedders
        self._picture_of = picture_of

    def of(self, query: Query) -> Sought:
        """The vector of a query: the sum of the unit vectors of its text and of all that it is to be like."""
        import numpy as np

        kept = self._set_of(query)
        things: list[Item | Frame] = []
        parts = [self._of_text(kept, query.text)] if query.text is not None else []
        parts += [self._of_thing(kept, thing, things) for thing in query.like]
        about = [f"the text {printable(query.text)}"] if query.text is not None else []
        about += [_shown(thing) for thing in query.like]
        total = np.zeros(kept.size, dtype=np.float64)
        for part, name in zip(parts, about, strict=True):
            length = np.linalg.norm(part.astype(np.float64))
            if not length:
                raise InvalidInput(
                    f"the vector of {name} is zero and has no direction", hint="nothing can be similar to it"
                )
            total += part / length
        if not total.any():
            raise InvalidInput(f"{' and '.join(about)} cancel each other out")
        return Sought(kept.key, total.astype(np.float32), things, " and ".join(about))

    def _set_of(self, query: Query) -> VectorSet:
        """The embedding to search by: the one named, or the one that fits best; raises QueryError."""
        there = self._vectors.embedding_keys()
        if query.key is not None:
            found = next((kept for kept in there if kept.key == query.key), None)
            if found is None:
                known = ", ".join(kept.key for kept in there)
                raise QueryError(
                    f"there are no vectors under {printable(query.key)}",
                    hint=f"there are some under: {known}" if known else "heron embed makes some",
                )
            return found
        if query.text is not None:
            there = [kept for kept in there if kept.takes_text]
            if not there:
                raise QueryError(
                    "no embedding takes text queries yet",
                    hint="heron embed --embedder clip makes one; words in text keys are found by --words",
                )
        if not there:
            raise QueryError("there are no vectors to compare with", hint="heron embed makes some")
        fitting = (kept for kept in there if all(self._fits(kept, thing) for thing in query.like))
        return next(fitting, there[0])

    def _fits(self, kept: VectorSet, thing: Json) -> bool:
        """Whether a thing has, or can be given, a vector to compare with those of a set."""
        if not isinstance(thing, str):
            return bool(len(thing) == kept.size)
        if (found := self._found(thing)) is not None:
            return kept.key in self._vectors.sizes(found) or self._embedders.is_ready(kept.embedder)
        if thing.lower().endswith(".npy"):
            return bool(_npy(Path(thing).expanduser()).shape[-1:] == (kept.size,))
        return self._embedders.is_ready(kept.embedder)

    def _embedder(self, kept: VectorSet) -> Embedder:
        if kept.embedder is None:
            raise QueryError(
                f"the vectors of {kept.key!r} were given, no embedder is known that makes more",
                hint="search by --like an item, or a vector",
            )
        loaded = self._embedders.get(kept.embedder, kept.model)
        if loaded.revision != kept.revision:
            raise QueryError(
                f"the vectors of {kept.key!r} were made by another revision of {kept.embedder}",
                hint=f"heron embed --again --frames --embedder {kept.embedder} --key '{kept.key}' makes them anew",
            )
        return loaded

    def _of_text(self, kept: VectorSet, text: str | None) -> Array:
        if not text or not text.strip():
            raise QueryError("the text to search for is empty")
        if kept.embedder is not None and not kept.takes_text:
            raise QueryError(
                f"the embedder {kept.embedder} of {kept.key!r} takes no text",
                hint="heron plugins lists embedders; clip takes texts",
            )
        return self._made(kept, self._embedder(kept).embed_texts, text, "the text")

    def _of_thing(self, kept: VectorSet, given: Json, things: list[Item | Frame]) -> Array:
        if not isinstance(given, str):
            return self._checked(kept, given, "the vector given")
        thing = self._found(given)
        if thing is None:
            return self._of_file(kept, Path(given).expanduser())
        things.append(thing)
        vector = self._vectors.get(kept.key, thing)
        if vector is None and isinstance(thing, Item):
            vector = self._mean_of_frames(kept, thing)
        if vector is None and kept.embedder is None:
            name = thing.name if isinstance(thing, Item) else f"{thing.item}, frame {thing.number}"
            raise QueryError(f"{name} has no vector under {kept.key!r}")
        return vector if vector is not None else self._embedded(kept, thing, given)

    def _mean_of_frames(self, kept: VectorSet, item: Item) -> Array | None:
        found = [self._vectors.get(kept.key, frame) for frame in self._frames.list(item)]
        there = [vector for vector in found if vector is not None]
        return sum(there[1:], there[0]) / len(there) if there else None

    def _found(self, given: str) -> Item | Frame | None:
        """The item, or the frame, that a text means; None where it means a file. Raises NotFound."""
        name, mark, number = given.rpartition("#")
        is_frame = mark and number.isdecimal() and len(number) < 10
        if is_frame and (item := self._named(name)) is not None:
            return self._frames.get(item, int(number))
        item = self._named(given)
        if item is None and not _is_file(given):
            raise NotFound(
                f"there is no item and no file {printable(given):.200}",
                hint="heron items lists UUIDs and names",
            )
        return item

    def _named(self, given: str) -> Item | None:
        try:
            return self._items.get(given)
        except NotFound:
            found = self._items.by_name(given)
        if len(found) > 1:
            raise InvalidInput(
                f"{len(found):,} items are called {printable(given)}", hint="give the UUID of one"
            )
        return found[0] if found else None

    def _of_file(self, kept: VectorSet, path: Path) -> Array:
        if path.suffix.lower() == ".npy":
            return self._checked(kept, _npy(path), str(path))
        return self._embedded(kept, path, str(path))

    def _embedded(self, kept: VectorSet, thing: Item | Frame | Path, name: str) -> Array:
        """The vector of a picture that has none yet; it is not kept."""
        embedder = self._embedder(kept)
        assert kept.embedder is not None
        picture = self._picture_of(thing, self._embedders.record(kept.embedder).picture_size)
        return self._made(kept, embedder.embed_images, picture, name)

    def _made(self, kept: VectorSet, embed: Callable[[Sequence[T]], Any], given: T, name: str) -> Array:
        return self._checked(kept, vectors_of(kept.embedder or "", embed, [given], kept.size), name)

    def _checked(self, kept: VectorSet, vector: Any, name: str) -> Array:
        from heron.vectors.checking import checked

        array = checked(vector, kept.size, lambda row: name)
        if len(array) != 1:
            raise InvalidInput(f"{name} holds {len(array):,} vectors, one is needed")
        first: Array = array[0]
        return first


def _npy(path: Path) -> Array:
    """The array in a `.npy` file; raises InvalidInput."""
    from heron.vectors.npy import read_npy

    return read_npy(path)


def _is_file(given: str) -> bool:
    try:
        return Path(given).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # too long, no such home, a NUL
        return False


def _shown(thing: Json) -> str:
    return printable(thing) if isinstance(thing, str) else "the vector given"
