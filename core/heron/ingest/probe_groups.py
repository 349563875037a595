"""Probing items of several files: groups and sequences of images, and series, whose files the decoder sorts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import evolve

from heron.catalog.paths import path_of
from heron.catalog.sampling import SLICES, all_frames, prepared
from heron.catalog.series import FoundPart
from heron.convert import dumps, loads
from heron.errors import HeronError, MediaError, NotFound, PluginError
from heron.hooks import Part
from heron.ingest.probe_items import ItemProber, as_jpeg, given_item, warned
from heron.ingest.units import Outcome, Unit
from heron.media.kinds import Kinds
from heron.media.montage import MOST, montage
from heron.media.personal import without_personal
from heron.media.reader import THUMBNAIL, Decoding
from heron.models import MAX_NAME, OTHER, Json, Kind, MediaFacts, Member, NewItem
from heron.storage.opening import OpenedFile, media_file
from heron.storage.retries import PatientStorage

_EXPECTED = {"image": "an image", "dicom": "a DICOM file"}


class GroupProber:
    """Probes the members of groups and series."""

    def __init__(self, items: ItemProber, opener: Callable[[str], PatientStorage] | None) -> None:
        self._items = items
        self._opener = opener

    def group(self, unit: Unit) -> Outcome:
        """The item of a unit with members, in the order given; the members of a series are sorted."""
        is_series = unit.kind is not None and self._items.kinds.is_series(unit.kind)
        expected = unit.kind if unit.kind is not None and is_series else "image"
        if is_series:
            parts = self._parts(unit)
            if parts is not None:
                return self.series(unit, parts)
        members: list[Member] = []
        found: list[MediaFacts] = []
        pictures: list[Any] = []
        for number, member in enumerate(unit.members):
            with _of_member(number):
                file = self._member(member.url, [expected])
                examined = self._items.examine(file)
                if unit.kind == "image_sequence" and found:
                    _check_size(examined.facts, found[0], member.url)
                found += [examined.facts] if not found else []
                if len(pictures) < MOST and self._items.options.thumbnails and examined.decoder:
                    pictures += filter(None, [examined.decoder.picture(file, THUMBNAIL)])
            members.append(Member(member.url, file.size, getattr(file, "etag", None)))
        [first] = found
        facts = evolve(first, kind=unit.kind or "image_group", frame_count=len(members))
        item = prepared(given_item(evolve(unit, members=tuple(members)), facts))
        return Outcome(
            unit,
            with_members(item, self._items.kinds),
            warned(unit, filter(None, [first.note])),
            as_jpeg(montage(pictures, THUMBNAIL)),
        )

    def part(
        self, file: OpenedFile, decoder: Decoding, metadata: Mapping[str, Json] | None
    ) -> FoundPart | None:
        """The description of a file as a part of its series; None if it does not belong to a series."""
        part = decoder.part(file)
        if part is None:
            return None
        header: Mapping[str, Json] = part.header
        if not self._items.options.personal:
            header = without_personal(MediaFacts(OTHER, "", extra=header), decoder.record).extra
        return FoundPart(
            decoder.record.name,
            part.series,
            file.url,
            file.size,
            getattr(file, "etag", None),
            dumps(header),
            metadata,
        )

    def series(self, unit: Unit, parts: Sequence[FoundPart]) -> Outcome:
        """The item of the parts of one series; raises MediaError if they cannot form one item."""
        decoder = self._items.reader.named(parts[0].decoder)
        found = [Part(part.series, loads(part.header)) for part in parts]
        series = decoder.series(found, unit.name or f"series {parts[0].series}"[:MAX_NAME])
        members = tuple(
            Member(parts[place].url, parts[place].size, parts[place].etag, frames)
            for place, frames in zip(series.order, series.frame_counts, strict=True)
        )
        facts: MediaFacts = series.facts
        if not self._items.options.personal:
            facts = without_personal(facts, decoder.record)
        if series.warnings:
            facts = evolve(facts, note="; ".join([*filter(None, [facts.note]), *series.warnings])[:1000])
        unit = evolve(unit, metadata=_together(unit, parts))
        item = NewItem(
            url=unit.url,
            facts=facts,
            name=unit.name or series.name or f"series {parts[0].series}"[:MAX_NAME],
            size=unit.size if unit.parts else sum(part.size for part in parts),
            metadata=unit.metadata,
            members=members,
        )
        item = with_members(prepared(item), self._items.kinds)
        picture, problems = None, list(series.warnings)
        if self._items.options.thumbnails and decoder.has_frames:
            try:
                picture = self._middle(members, decoder)
            except MediaError as error:
                problems.append(str(error))
        return Outcome(unit, item, warned(unit, problems), picture)

    def grown(self, unit: Unit) -> Outcome:
        """The item of new parts of a series together with its existing members, as far as their files still exist."""
        decoder = self._items.reader.named(unit.parts[0].decoder)
        kinds = self._items.series_kinds(decoder.record)
        parts = list(unit.parts)
        gone = []
        for member in unit.members:
            try:
                part = self.part(self._member(member.url, kinds), decoder, None)
            except (MediaError, NotFound):
                part = None
            if part is not None and part.series == parts[0].series:
                parts.append(part)
            else:
                gone.append(member.url)
        outcome = self.series(unit, parts)
        if not gone:
            return outcome
        left_out = f"{len(gone):,} of its files are not there any more, such as {gone[0]}"
        return evolve(outcome, problems=(*outcome.problems, *warned(unit, [left_out])))

    def _parts(self, unit: Unit) -> list[FoundPart] | None:
        """The members of a series that a manifest lists, as parts; None if no installed plugin reads them."""
        parts: list[FoundPart] = []
        for number, member in enumerate(unit.members):
            with _of_member(number):
                file = self._member(member.url, [unit.kind or OTHER])
                decoder = self._series_decoder(file)
                if decoder is None:
                    return None
                part = self.part(file, decoder, None)
                if part is None:
                    raise MediaError(f"{path_of(member.url)} does not belong to a series")
                if parts and part.series != parts[0].series:
                    raise MediaError(
                        f"{path_of(member.url)} belongs to series {part.series}, the first member to {parts[0].series}"
                    )
                parts.append(part)
        return parts

    def _series_decoder(self, file: OpenedFile) -> Decoding | None:
        with suppress(PluginError):
            decoder = self._items.reader.opened(file)
            return decoder if decoder.has_series else None
        return None

    def _member(self, url: str, expected: Sequence[Kind]) -> OpenedFile:
        """A member as a file; raises MediaError if it is of none of the expected kinds."""
        file = media_file(url, self._opener)
        sniffed = self._items.reader.sniff(file)
        if sniffed is None or sniffed.format.kind not in expected:
            is_what = sniffed.format.media_type if sniffed else "of no known format"
            what = _EXPECTED.get(expected[0], f"a file of the kind {expected[0]}")
            raise MediaError(f"{url} is {is_what}, expected {what}")
        return file

    def _middle(self, members: Sequence[Member], decoder: Decoding) -> bytes | None:
        """The thumbnail of a series: its middle frame."""
        left = sum(member.frame_count for member in members) // 2
        for member in members:
            if left < member.frame_count:
                file = media_file(member.url, self._opener)
                self._items.reader.sniff(file)
                return as_jpeg(next((p for _, p in decoder.frames(file, [left], THUMBNAIL)), None))
            left -= member.frame_count
        return None


class _of_member:  # noqa: N801 - reads as a phrase in a with statement
    """Adds to an error the number of the member that it is about."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, HeronError):
            error.message = f"member {self._number}: {error.message}"


def with_members(item: NewItem, kinds: Kinds) -> NewItem:
    """The item with its members as frames, merged with the frames in its metadata."""
    most = SLICES if kinds.is_series(item.facts.kind) else None
    frames = {frame.number: frame for frame in all_frames(item.facts.frame_count or 0, most)}
    frames.update((frame.number, frame) for frame in item.frames)
    return evolve(item, frames=[frames[number] for number in sorted(frames)])


def _check_size(facts: MediaFacts, first: MediaFacts, url: str) -> None:
    if (facts.width, facts.height) != (first.width, first.height):
        raise MediaError(
            f"{url} is {facts.width}x{facts.height}, the first picture of the sequence {first.width}x{first.height}",
            hint="import pictures of different sizes as a group",
        )


def _together(unit: Unit, parts: Sequence[FoundPart]) -> Mapping[str, Json] | None:
    """The metadata of a series: that of its parts, merged with that of the source for the whole series."""
    together: dict[str, Json] = {}
    for part in parts:
        together.update(part.metadata or {})
    together.update(unit.metadata or {})
    return together or None
