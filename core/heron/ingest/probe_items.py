"""Probing items of one file: facts, frames that become rows, a thumbnail and its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from heron.catalog.paths import path_of
from heron.catalog.sampling import SLICES, all_frames, prepared
from heron.errors import MediaError
from heron.hooks import MediaDecoder, PluginManager
from heron.ingest.units import Outcome, ProbeOptions, Unit
from heron.jobs import ImportProblem
from heron.media.kinds import Kinds
from heron.media.reader import THUMBNAIL, Decoding, Examined, Measuring, MediaReader
from heron.models import Kind, MediaFacts, NewFrame, NewItem
from heron.storage.opening import OpenedFile

if TYPE_CHECKING:
    from PIL.Image import Image

NOT_SAMPLED = "its frames are not sampled, since that reads the whole file: heron keyframes set does it"


class ItemProber:
    """Probes single files. Loaded decoders are kept for the next file."""

    def __init__(self, plugins: PluginManager, options: ProbeOptions, *, isolates_all: bool = False) -> None:
        self.options = options
        self.reader = MediaReader(plugins, isolates_all=isolates_all)
        self._measuring = Measuring(plugins)
        self.kinds = Kinds(lambda: plugins)

    def item(self, unit: Unit, file: OpenedFile) -> Outcome:
        """The item for a file."""
        found = self.examine(file)
        facts = as_declared(found.facts, unit, file)
        problems = list(found.warnings)
        facts, picture = self._pictured(facts, found.decoder, file, problems)
        item = NewItem(
            url=unit.url,
            facts=facts,
            name=unit.name or file.name,
            size=file.size,
            etag=getattr(file, "etag", None),
            modified_at=getattr(file, "modified_at", None),
            content_hash=file.sha256() if self.options.content_hash else None,  # type: ignore[union-attr]
            metadata=unit.metadata,
        )
        item = self._with_frames(item, found.decoder, file)
        return Outcome(unit, item, warned(unit, problems), picture)

    def series_kinds(self, record: MediaDecoder) -> list[Kind]:
        """The kinds of the formats of a decoder whose files make up series."""
        return [format.kind for format in record.formats if self.kinds.is_series(format.kind)]

    def examine(self, file: OpenedFile) -> Examined:
        """The facts of a file; raises MediaError."""
        return self.reader.examine(file, personal=self.options.personal)

    def _pictured(
        self, facts: MediaFacts, decoder: Decoding | None, file: OpenedFile, problems: list[str]
    ) -> tuple[MediaFacts, bytes | None]:
        """The thumbnail, if requested, and the facts with its metrics, or with a note that says why there is no
        thumbnail.
        """
        if decoder is None or not self.options.thumbnails:
            return facts, None
        try:
            picture = decoder.picture(file, THUMBNAIL)
        except MediaError as error:
            problems.append(str(error))
            return _noted(facts, str(error)), None
        if picture is not None and facts.kind == "image":
            measures = self._measuring(picture, facts.width, facts.height)
            facts = evolve(facts, extra={**facts.extra, "metric": measures})
        return facts, as_jpeg(picture)

    def _with_frames(self, item: NewItem, decoder: Decoding | None, file: OpenedFile) -> NewItem:
        """The item with the frames that become rows."""
        kind = self.kinds.get(item.facts.kind)
        has_slices = kind is not None and kind.slices
        if decoder is None or not decoder.has_frames or not (has_slices or item.facts.kind == "video"):
            return prepared(item)
        if has_slices:
            return _with_slices(prepared(item), decoder.times(file, whole=False))
        try:
            times = decoder.times(file, whole=file.path is not None)
        except MediaError as error:
            return evolve(prepared(item), facts=_noted(item.facts, str(error)))
        if times is None:
            return evolve(prepared(item), facts=_noted(item.facts, NOT_SAMPLED))
        return prepared(item, self.options.sampling_rate, times)


def _with_slices(item: NewItem, times: Sequence[float] | None) -> NewItem:
    """The item with its slices as frames, in addition to the frames that its metadata names."""
    frames = all_frames(item.facts.frame_count or 0, SLICES)
    if times:
        frames = [NewFrame(frame.number, times[frame.number]) for frame in frames]
    asked = {frame.number: frame for frame in item.frames}
    return evolve(
        item, frames=sorted({**{f.number: f for f in frames}, **asked}.values(), key=lambda f: f.number)
    )


def _noted(facts: MediaFacts, note: str) -> MediaFacts:
    return evolve(facts, note=f"{facts.note}; {note}" if facts.note else note)


def given_item(unit: Unit, facts: MediaFacts) -> NewItem:
    """The item of a unit whose facts are known."""
    size = unit.size
    if size is None and unit.members and all(member.size is not None for member in unit.members):
        size = sum(member.size or 0 for member in unit.members)
    return NewItem(unit.url, facts, unit.name, size, metadata=unit.metadata, members=unit.members)


def as_declared(facts: MediaFacts, unit: Unit, file: OpenedFile) -> MediaFacts:
    """The facts, if the kind is the declared one; a container can contain video, or only audio."""
    if unit.kind is None or unit.kind == facts.kind:
        return facts
    if {unit.kind, facts.kind} == {"video", "audio"}:
        return evolve(facts, kind=unit.kind)
    raise MediaError(f"{path_of(unit.url)} is declared as {unit.kind}, but its content is {file.media_type}")


def as_jpeg(picture: Image | None) -> bytes | None:
    """A thumbnail in its stored form."""
    if picture is None:
        return None
    from heron.media.thumbnails import encode_thumbnail

    return encode_thumbnail(picture)


def problem(unit: Unit, reason: str) -> ImportProblem:
    """Why a unit cannot be imported."""
    return ImportProblem(unit.place, unit.urls(), reason)


def warned(unit: Unit, warnings: Iterable[str]) -> tuple[ImportProblem, ...]:
    """The warnings of a unit that is imported nevertheless."""
    return tuple(ImportProblem(unit.place, unit.url, text, "warning") for text in warnings)
