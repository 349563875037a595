"""The embedding service: chooses the items for an embedder, and the key under which its vectors are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from functools import partial

from attrs import frozen

from heron.catalog.frames import FrameService
from heron.catalog.items import ItemService
from heron.catalog.referring import ITEM, ItemRefs
from heron.catalog.schema import SchemaService
from heron.catalog.vectors.rows import MadeBy, VectorSet
from heron.catalog.vectors.store import VectorStore
from heron.embedding.contents import Reading
from heron.embedding.elsewhere import Embedding, Vectors
from heron.embedding.run import Run
from heron.errors import InvalidInput
from heron.executors.opening import ExecutorRef, opened
from heron.hooks import EmbedderModel, PluginManager
from heron.jobs import ImportProblem
from heron.media.kinds import Kinds
from heron.models import Item, Query
from heron.pictures.elsewhere import GRAIN, by_workers
from heron.pictures.service import PictureService
from heron.records import Record
from heron.search.doubts import bounds_of
from heron.search.service import SearchService
from heron.search.similar import Behind, Embedders
from heron.storage.waiting import patiently
from heron.wording import counted


@frozen(repr=False)
class Embedded(Record):
    """The result of embedding: new vectors, things that had one already, items that failed, the first problems, and items
    that have no picture. `notes` say from which files the model was read, what its scores mean, what the vectors are worth
    where the model knows only some sort of pictures, and which texts were longer than the model reads at once.
    """

    key: str
    embedded: int
    skipped: int
    failed: int = 0
    problems: tuple[ImportProblem, ...] = ()
    without_picture: int = 0
    notes: tuple[str, ...] = ()
    waiting: int = 0
    """Items whose store did not answer, or refused the credentials: the same call again takes just them."""

    texts: int = 0
    """How many of the new vectors are of texts."""

    without_text: int = 0
    """Items, and pages, without a text, for an embedder of texts."""


class EmbeddingService:
    """Computes vectors: call the service itself."""

    def __init__(
        self,
        items: ItemService,
        frames: FrameService,
        schema: SchemaService,
        vectors: VectorStore,
        search: SearchService,
        pictures: PictureService,
        embedders: Embedders,
        plugins: Callable[[], PluginManager],
    ) -> None:
        self._plugins = plugins
        self._kinds = Kinds(plugins)
        self._items = items
        self._frames = frames
        self._schema = schema
        self._vectors = vectors
        self._search = search
        self._pictures = pictures
        self._embedders = embedders

    @patiently()
    def __call__(
        self,
        embedder: str = "visual",
        items: ItemRefs | Query | None = None,
        *,
        model: str | None = None,
        key: str | None = None,
        frames: bool = False,
        again: bool = False,
        executor: ExecutorRef | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Embedded:
        """Compute the vectors of pictures or texts of items, as the embedder reads them, and with `frames` those of their frames: of pictures, or of
        the texts of pages.

        Without `items`, all items that have pictures, or for an embedder of texts, those that have text. `model` is a directory or the name of a model, for an
        embedder that takes one; the default is the model of the vectors already stored. The vectors are
        stored under `key`, a key of the schema, which is created if it is missing; the default is the
        embedder's name. Items that have a vector of the same content by the same model are skipped, unless
        `again`; so an interrupted run continues where it stopped. `progress` is called with the number of
        items done. `executor` runs the work, as for `ingest.files`; the default is this process.

        Vectors that were given are kept, and a set of another model or revision is refused, unless `again`.

        Files that cannot be read, or that the embedder fails for, are in the report. Raises PluginError if the embedder is not available,
        fails for four items one after the other, or for all of a new key, and InvalidInput for a key of another type.
        """
        self._vectors._rights.require("update", key or embedder)
        record = self._embedders.record(embedder)
        reading = Reading.of(record)
        loaded = self._embedders.get(embedder, model or self._vectors._model_of(key or embedder, embedder))
        name = getattr(loaded, "model", model) if record.takes_model else None
        self._items._database.require_no_transaction("embedding")
        made_by = MadeBy(embedder, name, loaded.revision, "text" in record.embeds)
        is_new = self._schema.current().get(key or embedder) is None
        kept = self._prepared(key or embedder, made_by, loaded, again)
        run = Run(
            self._vectors,
            self._items,
            self._frames,
            self._pictures,
            self._kinds,
            record,
            loaded,
            kept,
            with_frames=frames,
            again=again,
        )
        try:
            if executor is None:
                run(self.chosen(items, embedder), progress)
            else:
                finish = Vectors(
                    embedder,
                    name,
                    loaded.revision,
                    record.picture_size,
                    record.batch,
                    shortest=loaded.shortest_side,
                    reading=reading,
                )
                work = Embedding(self._plugins(), finish)
                with opened(self._plugins(), executor, grain=max(GRAIN, record.batch)) as workers:
                    produce = partial(
                        by_workers, asked=run.asked, piece_of=run.vector_of, work=work, workers=workers
                    )
                    run(self.chosen(items, embedder), progress, produce)
            if is_new and not run.embedded and run.failure is not None:
                raise run.failure
        except BaseException:
            if is_new and not run.embedded:
                self._take_back(kept)
            raise
        self._vectors.refresh(kept.key)
        return Embedded(
            kept.key,
            run.embedded,
            run.skipped,
            run.failed,
            tuple(run.problems),
            run.without_picture,
            _notes(record, loaded, run),
            run.waiting,
            min(run.texts, run.embedded),
            run.without_text,
        )

    def chosen(self, items: ItemRefs | Query | None = None, embedder: str = "visual") -> Iterator[Item]:
        """The items that are embedded: those given, or all of the kinds that an embedder reads."""
        if items is None:
            items = self._all(embedder)
        if isinstance(items, Query):
            yield from self._search.all(items)
        else:
            yield from (self._items.get(item) for item in ITEM.many(items))

    def _count(self, items: ItemRefs | Query | None = None, embedder: str = "visual") -> int | None:
        """The number of items that `chosen` gives, if it is known without reading them."""
        if isinstance(items, Sized):
            return len(items)
        if items is None:
            return self._search.count(self._all(embedder))
        return None

    def _all(self, embedder: str) -> Query:
        """The query for all items of kinds with pictures, with text, or with either, as an embedder reads them."""
        reading = Reading.of(self._embedders.record(embedder))
        kinds = ", ".join(
            f"'{kind.name}'"
            for kind in self._kinds.all()
            if (reading.pictures and kind.visual) or (reading.texts and kind.has_text)
        )
        return Query(where=f"item.kind IN ({kinds})")

    def _prepared(self, key: str, made_by: MadeBy, loaded: Behind, again: bool) -> VectorSet:
        """The vector set for the vectors; records this embedder as their maker."""
        known = self._schema.current().get(key)
        if known is None:
            self._schema.add_embedding(key, loaded.size)
        elif known.parameters.get("size") != loaded.size:
            raise InvalidInput(
                f"key {key!r} ({known.type}) takes no vectors of {loaded.size:,} numbers",
                hint="give another key with --key",
            )
        return self._vectors._prepared(key, made_by, again=again)

    def _take_back(self, kept: VectorSet) -> None:
        """Take a key that was made for vectors which could not be computed out of the schema again, unless others have used it."""
        with self._items._database.write():
            now = self._vectors._rows.find(kept.key)
            if now is not None and not self._vectors._rows.live_count(now):
                self._vectors._rows.delete(now)
                self._schema._take_back(kept.key)


def _notes(record: EmbedderModel, loaded: Behind, run: Run) -> tuple[str, ...]:
    notes = []
    if (first := bounds_of(record)) is not None:
        notes.append(first)
        if run.outside:
            verb = "is" if run.outside == 1 else "are"
            pictures = run.embedded - min(run.texts, run.embedded)
            notes.append(f"{run.outside:,} of the {pictures:,} new pictures {verb} unlike all that it knows.")
    if run.long:
        verb, has = ("is", "It has") if run.long == 1 else ("are", "Each has")
        notes.append(
            f"{counted(run.long, 'text')} {verb} longer than {record.name} reads at once. {has} one vector, the mean of its passages; "
            f"{run.passages:,} passages in all."
        )
    return tuple(note for note in (*notes, loaded.source, loaded.scores) if note)
