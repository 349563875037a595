"""Probing: one file becomes an item with its facts, or a reason why not. Runs in any executor."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from heron.errors import HeronError, PluginError
from heron.hooks import MediaDecoder, PluginManager
from heron.hooks.manager import install_hint
from heron.ingest.units import Outcome, ProbeOptions, Unit
from heron.media.files import LocalFile, RemoteFile, look_at, look_at_object
from heron.media.sniff import Sniffed, Sniffer
from heron.models import ImportProblem, MediaFacts, NewItem, utc_iso

THUMBNAIL = 256
"""Longest side of a thumbnail in pixels."""


class Prober:
    """Probes chunks of units; it can be sent to another process, where it makes its decoders anew."""

    def __init__(self, plugins: PluginManager, options: ProbeOptions) -> None:
        self._plugins = plugins
        self._options = options
        self._sniffer: Sniffer | None = None
        self._decoders: dict[str, Any] = {}
        self._storages: dict[str, Any] = {}

    def __getstate__(self) -> tuple[PluginManager, ProbeOptions]:
        return self._plugins, self._options

    def __setstate__(self, state: tuple[PluginManager, ProbeOptions]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __call__(self, units: Sequence[Unit]) -> list[Outcome]:
        """Probe some units, in their order. A unit that fails never stops the others."""
        return [self._probe(unit) for unit in units]

    def _probe(self, unit: Unit) -> Outcome:
        if unit.problem is not None:
            return Outcome(unit, None, (_problem(unit, unit.problem),))
        try:
            file, modified_at = self._look_at(unit)
            facts, picture, warnings = self._examine(file)
            item = NewItem(
                url=unit.url,
                facts=facts,
                name=file.name,
                size=file.size,
                etag=unit.stored.etag if unit.stored else None,
                modified_at=modified_at,
                content_hash=file.sha256() if self._options.content_hash else None,
                metadata=unit.metadata,
            )
        except HeronError as error:
            return Outcome(unit, None, (_problem(unit, str(error)),))
        except (OSError, MemoryError) as error:
            return Outcome(unit, None, (_problem(unit, f"{unit.place} cannot be read: {error}"),))
        problems = tuple(ImportProblem(unit.place, unit.url, text, "warning") for text in warnings)
        return Outcome(unit, item, problems, picture)

    def _look_at(self, unit: Unit) -> tuple[LocalFile | RemoteFile, str | None]:
        """The unit as a file, and when it was changed."""
        if unit.stored is None:
            assert unit.path is not None
            file = look_at(unit.path, unit.url)
            return file, _modified(file)
        scheme = unit.url.partition(":")[0]
        if scheme not in self._storages:
            self._storages[scheme] = self._plugins.load(self._plugins.storage(scheme), {})
        return look_at_object(unit.stored, self._storages[scheme]), unit.stored.modified_at

    def _examine(self, file: LocalFile | RemoteFile) -> tuple[MediaFacts, bytes | None, list[str]]:
        if self._sniffer is None:
            self._sniffer = Sniffer(self._plugins.decoders())
        sniffed = self._sniffer.sniff(file.head, file.name)
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


def _modified(file: LocalFile) -> str | None:
    try:
        return utc_iso(datetime.fromtimestamp(file.modified, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def _jpeg(picture: Any) -> bytes | None:
    if picture is None:
        return None
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _problem(unit: Unit, reason: str) -> ImportProblem:
    return ImportProblem(unit.place, unit.url, reason)
