"""Probing: one file becomes an item with its facts, or a reason why not. Runs in any executor."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve

from heron.errors import (
    BadCredentials,
    HeronError,
    InvalidInput,
    MediaError,
    ObjectChanged,
    PluginError,
    Unreachable,
)
from heron.hooks import MediaDecoder, PluginManager, StoredObject
from heron.hooks.manager import install_hint
from heron.ingest.units import Outcome, ProbeOptions, Unit
from heron.media.files import PREFETCH, LocalFile, RemoteFile, look_at, remote_file
from heron.media.sniff import Sniffed, Sniffer
from heron.metadata.sidecars import sidecar_metadata
from heron.models import MAX_METADATA, ImportProblem, Json, MediaFacts, Member, NewItem
from heron.storage.retries import PatientStorage

THUMBNAIL = 256
"""Longest side of a thumbnail in pixels."""

_TIMES = 2
"""How often an object that was replaced while it was read is begun anew before that counts as a failure."""

Peeked = tuple[StoredObject, bytes] | HeronError
"""An object and its beginning, or why it could not be had."""

_A = {"image": "an image", "dicom": "a DICOM file"}


class Prober:
    """Probes chunks of units; it can be sent to another process, where it makes its decoders anew.

    `opener` gives the storage for a URL; without one, only local files can be probed.
    """

    def __init__(
        self,
        plugins: PluginManager,
        options: ProbeOptions,
        opener: Callable[[str], PatientStorage] | None = None,
    ) -> None:
        self._plugins = plugins
        self._options = options
        self._opener = opener
        self._sniffer: Sniffer | None = None
        self._decoders: dict[str, Any] = {}

    def __getstate__(self) -> tuple[PluginManager, ProbeOptions]:
        return self._plugins, self._options

    def __setstate__(self, state: tuple[PluginManager, ProbeOptions]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __call__(self, units: Sequence[Unit]) -> list[Outcome]:
        """Probe some units, in their order. A unit that fails never stops the others."""
        peeked = self._peeked(units) if self._opener is not None else {}
        return [self._probe(unit, peeked) for unit in units]

    def _peeked(self, units: Sequence[Unit]) -> dict[str, Peeked]:
        """The beginnings of stored objects by their URL, fetched at the same time where a storage can do that."""
        assert self._opener is not None
        wanted: dict[int, tuple[PatientStorage, list[str]]] = {}
        for unit in units:
            if unit.path is None and not (unit.members or unit.facts or unit.problem or unit.sidecar_of):
                try:
                    storage = self._opener(unit.url)
                except HeronError:
                    continue  # looking at the unit says so once more
                wanted.setdefault(id(storage), (storage, []))[1].append(unit.url)
        peeked: dict[str, Peeked] = {}
        for storage, urls in wanted.values():
            with suppress(Exception):  # looking at the units one by one says with which a plugin fails
                peeked.update(zip(urls, storage.peek_all(urls, PREFETCH), strict=True))
        return peeked

    def _probe(self, unit: Unit, peeked: dict[str, Peeked]) -> Outcome:
        if unit.problem is not None:
            return Outcome(unit, None, (_problem(unit, unit.problem),))
        if unit.facts is not None:
            return Outcome(unit, _given_item(unit, unit.facts))
        try:
            for _ in range(_TIMES):
                try:
                    return self._outcome(unit, peeked)
                except ObjectChanged:
                    continue  # it was replaced while it was read: read the new one
            return self._outcome(unit, peeked)
        except (Unreachable, BadCredentials) as error:
            return Outcome(unit, None, (_problem(unit, str(error)),), is_outage=True)
        except HeronError as error:
            return Outcome(unit, None, (_problem(unit, str(error)),))
        except (OSError, MemoryError, EOFError) as error:
            return Outcome(unit, None, (_problem(unit, f"{unit.place} cannot be read: {error}"),))
        except Exception as error:  # noqa: BLE001 - a storage plugin can be wrong in any way
            text = f"{unit.url} cannot be read: {type(error).__name__}: {error}"
            return Outcome(unit, None, (_problem(unit, text.splitlines()[0]),))

    def _outcome(self, unit: Unit, peeked: dict[str, Peeked]) -> Outcome:
        if unit.sidecar_of is not None:
            return Outcome(evolve(unit, metadata=self._sidecar(unit)), None, action="sidecar")
        if unit.members:
            return self._group(unit)
        file = self._look_at(unit.path, unit.url, peeked.pop(unit.url, None))
        facts, picture, warnings = self._examine(file)
        item = NewItem(
            url=unit.url,
            facts=_as_declared(facts, unit, file),
            name=unit.name or file.name,
            size=file.size,
            etag=file.etag,
            modified_at=file.modified_at,
            content_hash=file.sha256() if self._options.content_hash else None,
            metadata=unit.metadata,
        )
        problems = tuple(ImportProblem(unit.place, unit.url, text, "warning") for text in warnings)
        return Outcome(unit, item, problems, picture)

    def _look_at(self, path: Path | None, url: str, peeked: Peeked | None = None) -> LocalFile | RemoteFile:
        """A local path, or a URL, as a file whose beginning is at hand."""
        if path is not None:
            return look_at(path, url)
        assert self._opener is not None, "no storage at hand"
        if isinstance(peeked, HeronError):
            raise peeked
        storage = self._opener(url)
        return remote_file(url, storage, *(peeked or storage.peek(url, PREFETCH)))

    def _group(self, unit: Unit) -> Outcome:
        """An item of several files: each is looked at, and the first gives the facts."""
        members, facts, picture = [], None, None
        warnings: list[str] = []
        for number, member in enumerate(unit.members):
            try:
                file = self._look_at(None, member.url)
                found = self._sniffed(file)
                expected = "dicom" if unit.kind == "dicom" else "image"
                if found is None or found.format.kind != expected:
                    is_what = found.format.media_type if found else "of no known format"
                    raise MediaError(f"{member.url} is {is_what}, {_A[expected]} is expected")
                if facts is None:
                    facts, picture, warnings = self._examine(file)
            except HeronError as error:
                error.message = f"member {number}: {error.message}"
                raise
            members.append(Member(member.url, file.size, file.etag))
        assert facts is not None
        facts = evolve(facts, kind=unit.kind or "image_group", frame_count=len(members))
        item = _given_item(evolve(unit, members=tuple(members)), facts)
        problems = tuple(ImportProblem(unit.place, unit.url, text, "warning") for text in warnings)
        return Outcome(unit, item, problems, picture)

    def _sidecar(self, unit: Unit) -> Mapping[str, Json]:
        assert unit.stored is not None
        name = unit.url.rpartition("/")[2]
        if unit.stored.size > MAX_METADATA:
            raise InvalidInput(f"sidecar {name} is larger than {MAX_METADATA:,} bytes")
        assert self._opener is not None
        return sidecar_metadata(self._opener(unit.url).read(unit.url), name)

    def _sniffed(self, file: LocalFile | RemoteFile) -> Sniffed | None:
        if self._sniffer is None:
            self._sniffer = Sniffer(self._plugins.decoders())
        return self._sniffer.sniff(file.head, file.name)

    def _examine(self, file: LocalFile | RemoteFile) -> tuple[MediaFacts, bytes | None, list[str]]:
        sniffed = self._sniffed(file)
        if sniffed is None:
            note = "no known format, catalogued by its name and size alone"
            return (
                MediaFacts(kind="other", media_type=file.media_type, note=note),
                None,
                [f"{file.name}: {note}"],
            )
        file.media_type = sniffed.format.media_type
        warnings = [_lie(file, sniffed)] if sniffed.claimed else []
        try:
            decoder = self._decoder(sniffed.decoder)
        except PluginError as error:
            note = str(error)
            facts = MediaFacts(kind=sniffed.format.kind, media_type=file.media_type, note=note)
            return facts, None, [*warnings, f"{file.name}: {note}"]
        facts = _guarded(decoder.probe, sniffed.decoder, file)
        if facts.note:
            warnings.append(f"{file.name}: {facts.note}")
        elif warnings:
            facts = evolve(facts, note=warnings[0])
        picture = None
        if self._options.thumbnails:
            picture = _jpeg(_guarded(decoder.picture, sniffed.decoder, file, THUMBNAIL))
        return facts, picture, warnings

    def _decoder(self, record: MediaDecoder) -> Any:
        if record.name not in self._decoders:
            try:
                self._decoders[record.name] = self._plugins.load(record)
            except PluginError as error:
                self._decoders[record.name] = error
        decoder = self._decoders[record.name]
        if isinstance(decoder, PluginError):
            raise decoder
        return decoder


def _guarded(call: Any, record: MediaDecoder, *arguments: Any) -> Any:
    """Call a decoder; whatever else than a HeronError comes out of it becomes a sentence."""
    try:
        return call(*arguments)
    except (HeronError, MemoryError):
        raise
    except Exception as error:
        text = f"{arguments[0].name}: decoder {record.name} failed with {type(error).__name__}: {error}"
        raise HeronError(
            text.splitlines()[0], hint=f"see {install_hint(record)}" if record.requires else None
        ) from error


def _lie(file: LocalFile | RemoteFile, sniffed: Sniffed) -> str:
    assert sniffed.claimed is not None
    return (
        f"{file.name} is named like {sniffed.claimed.media_type}, its content is {sniffed.format.media_type}"
    )


def _given_item(unit: Unit, facts: MediaFacts) -> NewItem:
    """The item of a unit whose facts are known."""
    size = unit.size
    if size is None and unit.members and all(member.size is not None for member in unit.members):
        size = sum(member.size or 0 for member in unit.members)
    return NewItem(unit.url, facts, unit.name, size, metadata=unit.metadata, members=unit.members)


def _as_declared(facts: MediaFacts, unit: Unit, file: LocalFile | RemoteFile) -> MediaFacts:
    """The facts, if they are of the kind that the source says; a container may hold video or sound alone."""
    if unit.kind is None or unit.kind == facts.kind:
        return facts
    if {unit.kind, facts.kind} == {"video", "audio"}:
        return evolve(facts, kind=unit.kind)
    raise MediaError(f"{unit.url} is declared as {unit.kind}, its content is {file.media_type}")


def _jpeg(picture: Any) -> bytes | None:
    if picture is None:
        return None
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _problem(unit: Unit, reason: str) -> ImportProblem:
    return ImportProblem(unit.place, unit.urls(), reason)
