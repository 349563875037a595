"""The deriving service: lists the derivers, and runs one over items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from functools import partial
from itertools import chain, islice

from attrs import frozen

from heron.catalog.derived import DerivedStore
from heron.catalog.frames import FrameService
from heron.catalog.items import ItemService
from heron.catalog.limits import at_most
from heron.catalog.referring import ITEM, ItemRefs
from heron.catalog.schema import SchemaService
from heron.deriving.elsewhere import Deriver, Deriving
from heron.deriving.frames import FrameRun
from heron.deriving.run import Run
from heron.errors import InvalidInput, PluginError
from heron.executors.opening import ExecutorRef, opened
from heron.hooks import PluginManager
from heron.hooks.derivers import DerivedKey, MetadataDeriver
from heron.jobs import ImportProblem
from heron.media.kinds import Kinds
from heron.models import Item, Query
from heron.pictures.elsewhere import GRAIN, by_workers
from heron.pictures.service import PictureService
from heron.records import Record
from heron.search.service import SearchService
from heron.storage.waiting import patiently


@frozen(repr=False)
class DeriverInfo(Record):
    """A deriver as `ws.derive.list` gives it. `problem` says why it cannot be used here; None if it can be."""

    name: str
    summary: str
    version: str
    reads: str
    keys: tuple[str, ...]
    uses: tuple[str, ...]
    kinds: tuple[str, ...]
    on_import: bool
    plugin: str
    problem: str | None = None
    of: str = "items"
    """What it applies to, `items` or `frames`."""


@frozen(repr=False)
class Derived(Record):
    """The result of deriving: items with new values, items whose values were up to date, items whose values somebody gave or
    changed, which stay, items that failed, the first problems, and items without a picture or text. For a deriver of frames,
    frames are counted; a file that cannot be read counts once.
    """

    deriver: str
    keys: tuple[str, ...]
    derived: int
    skipped: int
    kept: int = 0
    failed: int = 0
    problems: tuple[ImportProblem, ...] = ()
    without_content: int = 0
    waiting: int = 0
    """Items whose store did not answer, or refused the credentials: the same call again takes just them."""

    of: str = "items"
    """What the deriver applies to, `items` or `frames`."""


class DerivingService:
    """Computes derived metadata: call the service itself."""

    def __init__(
        self,
        store: DerivedStore,
        items: ItemService,
        frames: FrameService,
        schema: SchemaService,
        search: SearchService,
        pictures: PictureService,
        plugins: Callable[[], PluginManager],
    ) -> None:
        self._store = store
        self._items = items
        self._frames = frames
        self._schema = schema
        self._search = search
        self._pictures = pictures
        self._plugins = plugins
        self._kinds = Kinds(plugins)

    def list(self, *, limit: int | None = None) -> list[DeriverInfo]:
        """The derivers of the plugins that are in use, at most `limit` of them."""
        self._store._require_read()
        return list(islice(self._infos(), None if limit is None else at_most(limit)))

    def _infos(self) -> Iterator[DeriverInfo]:
        plugins = self._plugins()
        for record in plugins.contributions(MetadataDeriver):
            problem = None
            try:
                plugins.require(record)
                self._require_own_keys(record)
            except (PluginError, InvalidInput) as error:
                problem = str(error)
            yield DeriverInfo(
                record.name,
                record.summary,
                record.version,
                record.reads,
                tuple(key.name for key in record.keys),
                tuple(record.uses),
                tuple(record.kinds),
                record.on_import,
                plugins.plugin_of(record),
                problem,
                record.of,
            )

    @patiently()
    def __call__(
        self,
        deriver: str,
        items: ItemRefs | Query | None = None,
        *,
        again: bool = False,
        executor: ExecutorRef | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Derived:
        """Compute the values that a deriver gives for the keys that it owns; the keys are created if they are missing.

        Without `items`, all items of the kinds that it takes; a deriver of frames gives values for the frames that they have in the catalogue. Items, or frames, whose values are up to date are skipped, so an interrupted run
        continues where it stopped; so are items of which somebody else gave or changed a value. `again` computes all anew, over these too.
        `progress` is called with the number of items done. `executor` runs the work, as for `ingest.files`.

        An item that fails is in the report, and keeps what it has. Raises PluginError if the deriver is not available, and InvalidInput
        for a key that has another type, or that another deriver gives too.
        """
        plugins = self._plugins()
        record = plugins.deriver(deriver)
        plugins.require(record)
        self._items._database.require_no_transaction("deriving")
        self._require_own_keys(record)
        stream = self.chosen(record.name, items)
        first = next(stream, None)
        if first is not None:
            self._store._require_update([first.id])
            self._make_keys(record)
            stream = chain([first], stream)
        parts = (self._store, self._items, self._schema, self._pictures, plugins, self._kinds, record)
        run = (
            FrameRun(self._frames, *parts, again=again) if record.of == "frames" else Run(*parts, again=again)
        )
        if executor is None:
            run(stream, progress)
        else:
            work = Deriving(plugins, Deriver(record.name, record.version))
            with opened(plugins, executor, grain=GRAIN) as workers:
                produce = partial(
                    by_workers, asked=run.asked, piece_of=run.piece_of, work=work, workers=workers
                )
                run(stream, progress, produce)
        return Derived(
            record.name,
            tuple(key.name for key in record.keys),
            run.derived,
            run.skipped,
            run.kept,
            run.failed,
            tuple(run.problems),
            run.without_content,
            run.waiting,
            record.of,
        )

    def chosen(self, deriver: str, items: ItemRefs | Query | None = None) -> Iterator[Item]:
        """The items that a deriver gets: those of the given ones, or of all, whose kinds it takes."""
        record = self._plugins().deriver(deriver)
        kinds = self._kinds_of(record)
        if items is None:
            items = self._all(record)
        found = (
            self._search.all(items)
            if isinstance(items, Query)
            else (self._items.get(item) for item in ITEM.many(items))
        )
        yield from (item for item in found if kinds is None or item.kind in kinds)

    def _count(self, deriver: str, items: ItemRefs | Query | None = None) -> int | None:
        """The number of items that `chosen` gives, if it is known without reading them."""
        if isinstance(items, Sized):
            return len(items)
        return self._search.count(self._all(self._plugins().deriver(deriver))) if items is None else None

    def _kinds_of(self, record: MetadataDeriver) -> set[str] | None:
        """The kinds that a deriver takes; None for all."""
        if record.kinds:
            return set(record.kinds)
        if record.reads == "facts":
            return None
        return {
            kind.name
            for kind in self._kinds.all()
            if (kind.has_text if record.reads == "text" else kind.visual)
        }

    def _all(self, record: MetadataDeriver) -> Query:
        kinds = self._kinds_of(record)
        return Query(where=None if kinds is None else f"item.kind IN ({', '.join(map(repr, sorted(kinds)))})")

    def _require_own_keys(self, record: MetadataDeriver) -> None:
        """Raise InvalidInput for a key that another deriver gives too, of items or of frames as this one."""
        plugins = self._plugins()
        own = {key.name for key in record.keys}
        for other in plugins.contributions(MetadataDeriver):
            for key in other.keys:
                if other is not record and other.of == record.of and key.name in own:
                    raise InvalidInput(
                        f"{plugins.named(record)} and {plugins.named(other)} both give the key {key.name!r}",
                        hint="uninstall one, or name the plugins to use in HERON_PLUGINS",
                    )

    def _make_keys(self, record: MetadataDeriver) -> None:
        """Add the keys that are missing to the schema; raises InvalidInput for one that has another type."""
        schema = self._schema.current()
        missing = [key for key in record.keys if schema.get(key.name) is None]
        for key in record.keys:
            if self._plugins().metadata_type(key.type).vector:
                raise InvalidInput(
                    f"deriver {record.name}: the key {key.name!r} is an embedding, whose vectors come from embedders"
                )
            if key not in missing and (fault := _mismatch(self._schema, key)):
                raise InvalidInput(f"deriver {record.name}: {fault}", hint="rename or convert that key")
        if missing:
            with self._schema.edit() as edited:
                for key in missing:
                    edited.add(key.name, key.type, **key.parameters)


def _mismatch(service: SchemaService, key: DerivedKey) -> str | None:
    """How a key of the schema differs from the one that a deriver fills; None if it is as that needs it."""
    known = service.current().require(key.name)
    wanted = service.current().copy()
    wanted.put(key.name, None)
    made = wanted.add(key.name, key.type, **key.parameters)
    if known.type != made.type:
        return f"the key {key.name!r} has the type {known.type}, not {made.type}"
    for name, value in made.parameters.items():
        there = known.parameters.get(name)
        fits = set(value) <= set(there or ()) if isinstance(value, list | tuple) else there == value
        if not fits:
            return f"the key {key.name!r} has other {name} than {value!r:.120}"
    return None
