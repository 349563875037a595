"""Probing: reads one file and returns an item with its facts, or a problem. Runs in any executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from attrs import evolve, field, frozen

from heron.catalog.paths import path_of
from heron.catalog.sampling import prepared
from heron.catalog.series import FoundPart
from heron.errors import HeronError, InvalidInput, MediaError, ObjectChanged, PluginError
from heron.executors.shipping import Environment
from heron.hooks import PluginManager
from heron.ingest.probe_groups import GroupProber, with_members
from heron.ingest.probe_items import ItemProber, given_item, problem, warned
from heron.ingest.units import Outcome, ProbeOptions, Unit
from heron.jobs import Integration
from heron.media.archives import ZipMember, is_zip, members
from heron.media.files import PREFETCH
from heron.media.reader import Decoding
from heron.metadata.keyframes import has_settings
from heron.metadata.sidecars import sidecar_metadata
from heron.models import MAX_METADATA, Json, Kind, NewItem
from heron.storage.answers import CheckedStorage
from heron.storage.openers import Opener
from heron.storage.opening import OpenedFile, Peeked, local_or_stored
from heron.storage.retries import PatientStorage
from heron.storage.waiting import OUTAGES, Patience, current, working_for
from heron.uuids import new_uuid

_TIMES = 2
"""How often an object that was replaced while it was being read is read again before it counts as a failure."""


class Prober:
    """Probes some units at a time: the work of an import, which workers make again by its recipe.

    `opener` returns the storage for a URL; without one, only local files can be probed. It opens the storages of
    `integration`, as a worker does, and of the defaults. With `isolates_all`, no decoder runs in this process.
    """

    def __init__(
        self,
        plugins: PluginManager,
        options: ProbeOptions,
        opener: Callable[[str], PatientStorage] | None = None,
        integration: Integration | None = None,
        patience: Patience | None = None,
        *,
        isolates_all: bool = False,
    ) -> None:
        self._plugins = plugins
        self._options = options
        self._opener = opener
        self._integration = integration
        self._patience = patience or current()
        self._items = ItemProber(plugins, options, isolates_all=isolates_all)
        self._groups = GroupProber(self._items, opener)

    def recipe(self) -> ProbeRecipe:
        """How a worker makes it again."""
        patience = self._patience or Patience()
        return ProbeRecipe(
            Environment.of(self._plugins),
            self._options,
            self._opener is not None,
            self._integration,
            patience.limits,
        )

    def failed(self, unit: Unit, reason: str) -> Outcome:
        """The outcome of a unit that no worker could probe."""
        who = self._reader_of(unit)
        text = f"{unit.place} was given up: {reason}" + (f", {who}" if who else "")
        return Outcome(unit, None, (problem(unit, text),))

    def _reader_of(self, unit: Unit) -> str | None:
        """The decoder of a file or the storage of an object, with its plugin, as messages name it.

        None if that cannot be said without reading more.
        """
        with suppress(Exception):
            if unit.path is None:
                storage = self._opener(unit.url).storage if self._opener is not None else None
                return storage.who if isinstance(storage, CheckedStorage) else None
            sniffed = self._items.reader.sniff(local_or_stored(unit.path, unit.url, self._opener))
            return self._plugins.named(sniffed.decoder) if sniffed is not None else None
        return None

    def fits(self, unit: Unit, result: object) -> bool:
        """Whether this is an outcome of a unit."""
        return isinstance(result, Outcome) and result.unit.url == unit.url

    def file(self, unit: Unit) -> Path | None:
        """The local file of a unit."""
        return unit.path

    def __call__(self, units: Sequence[Unit]) -> list[Outcome]:
        """Probe some units, in their order. A unit that fails never stops the others."""
        with working_for(self._patience):
            peeked = self._peeked(units) if self._opener is not None else {}
            return [self._probe(unit, peeked) for unit in units]

    def _peeked(self, units: Sequence[Unit]) -> dict[str, Peeked]:
        """The first bytes of stored objects by URL, fetched concurrently if the storage can do that."""
        assert self._opener is not None
        wanted: dict[int, tuple[PatientStorage, list[str]]] = {}
        for unit in units:
            if unit.path is None and not (
                unit.members or unit.parts or unit.facts or unit.problem or unit.sidecar_of
            ):
                try:
                    storage = self._opener(unit.url)
                except HeronError:
                    continue  # probing the unit raises the error again
                wanted.setdefault(id(storage), (storage, []))[1].append(unit.url)
        peeked: dict[str, Peeked] = {}
        for storage, urls in wanted.values():
            with suppress(Exception):  # probing the units one by one shows on which unit a plugin fails
                peeked.update(zip(urls, storage.peek_all(urls, PREFETCH), strict=True))
        return peeked

    def _probe(self, unit: Unit, peeked: dict[str, Peeked]) -> Outcome:
        if unit.problem is not None:
            return Outcome(unit, None, (problem(unit, unit.problem),))
        try:
            if unit.facts is not None:
                return Outcome(unit, self._given(unit))
            for _ in range(_TIMES):
                try:
                    return self._outcome(unit, peeked)
                except ObjectChanged:
                    continue  # it was replaced while it was being read: read the new one
            return self._outcome(unit, peeked)
        except OUTAGES as error:
            return Outcome(unit, None, (problem(unit, str(error)),), is_outage=True)
        except HeronError as error:
            return Outcome(unit, None, (problem(unit, str(error)),))
        except (OSError, MemoryError, EOFError) as error:
            return Outcome(unit, None, (problem(unit, f"{unit.place} cannot be read: {error}"),))
        except Exception as error:  # noqa: BLE001 - a storage plugin can raise anything
            text = f"{path_of(unit.url)} cannot be read: {type(error).__name__}: {error}"
            return Outcome(unit, None, (problem(unit, text.splitlines()[0]),))

    def kind_of_series(self, decoder: str) -> Kind:
        """The kind of the series of a decoder, by its name; raises PluginError."""
        return self._items.series_kinds(self._items.reader.named(decoder).record)[0]

    def _given(self, unit: Unit) -> NewItem:
        """The item of a unit whose facts the source gives; its frames are sampled if the source asks for it, which a block
        of key frames with settings does, whether it has any or leaves them to their defaults.
        """
        assert unit.facts is not None
        asks = self._options.samples_given or has_settings(unit.metadata or {})
        samples = asks and unit.facts.kind == "video"
        item = prepared(given_item(unit, unit.facts), self._options.sampling_rate if samples else None)
        return with_members(item, self._items.kinds) if unit.members else item

    def _outcome(self, unit: Unit, peeked: dict[str, Peeked]) -> Outcome:
        if unit.sidecar_of is not None:
            return Outcome(evolve(unit, metadata=self._sidecar(unit)), None, action="sidecar")
        if unit.parts:
            return self._groups.grown(unit)
        if unit.members:
            return self._groups.group(unit)
        file = local_or_stored(unit.path, unit.url, self._opener, peeked.pop(unit.url, None))
        if self._options.group_series and (unit.kind is None or self._items.kinds.is_series(unit.kind)):
            found = self._archive(unit, file) if is_zip(file.head) else self._part(unit, file)
            if found is not None:
                return found
        return self._items.item(unit, file)

    def _part(self, unit: Unit, file: OpenedFile) -> Outcome | None:
        """The file as a part of a series; None if it is an item by itself."""
        part = self._found_part(file, unit)
        return Outcome(unit, None, action="part", parts=(part,)) if part is not None else None

    def _archive(self, unit: Unit, file: OpenedFile) -> Outcome:
        """The parts of series in an archive; an archive without any is an item by itself."""
        parts: list[FoundPart] = []
        broken: list[str] = []
        others = 0
        for member in _sound(file, broken):
            try:
                if isinstance(member, MediaError):
                    raise member
                part = self._found_part(member, unit)
            except HeronError as error:
                if type(error) not in (HeronError, MediaError):
                    raise  # the storage failed, not the member
                broken.append(str(error))
                continue
            if part is None:
                others += 1
            else:
                parts.append(part)
        if not parts:
            alone = self._items.item(unit, file)
            return evolve(alone, problems=(*alone.problems, *warned(unit, broken)))
        if others:
            broken.append(f"{file.name}: {others:,} files in it that are not parts of series were skipped")
        return Outcome(unit, None, warned(unit, broken), action="part", parts=tuple(parts))

    def _found_part(self, file: OpenedFile, unit: Unit) -> FoundPart | None:
        decoder = self._series_decoder(file, unit.kind)
        if decoder is None:
            return None
        return self._groups.part(file, decoder, unit.metadata)

    def _series_decoder(self, file: OpenedFile, kind: Kind | None) -> Decoding | None:
        sniffed = self._items.reader.sniff(file)
        if sniffed is None or not self._items.kinds.is_series(sniffed.format.kind):
            return None
        if kind not in (None, sniffed.format.kind):
            return None
        try:
            decoder = self._items.reader.decoding(sniffed.decoder, sniffed.clash)
        except PluginError:
            return None  # catalogued by its kind alone, with a note that says so
        return decoder if decoder.has_series else None

    def _sidecar(self, unit: Unit) -> Mapping[str, Json]:
        assert unit.stored is not None
        name = unit.url.rpartition("/")[2]
        if unit.stored.size > MAX_METADATA:
            raise InvalidInput(f"sidecar {name} is larger than {MAX_METADATA:,} bytes")
        assert self._opener is not None
        return sidecar_metadata(self._opener(unit.url).read(unit.url), name)


@frozen
class ProbeRecipe:
    """From what a worker makes a prober; the integration has references in place of secrets."""

    environment: Environment
    options: ProbeOptions
    reads_stores: bool
    integration: Integration | None
    limits: tuple[float, float]
    """How long a worker waits for an object and for a silent store, in seconds."""

    job: str = field(factory=new_uuid)
    """Each job has its own: what it has learned of a store does not count for the next one."""

    def build(self) -> Prober:
        """The prober; raises PluginError, and BadCredentials if a secret is not where its reference says."""
        plugins = self.environment.open()
        opener: Callable[[str], PatientStorage] | None = None
        if self.reads_stores:
            storages = Opener(lambda: plugins)
            opener = partial(storages.storage, integration=self.integration)
            if self.integration is not None:
                opener(f"{self.integration.backend}://")
        single, silence = self.limits
        patience = Patience(single, silence=silence)
        return Prober(plugins, self.options, opener, self.integration, patience)


def _sound(archive: OpenedFile, broken: list[str]) -> Iterator[ZipMember | MediaError]:
    """The members of an archive up to the first damage, which is added to `broken`."""
    try:
        yield from members(archive)
    except MediaError as error:
        broken.append(str(error))
