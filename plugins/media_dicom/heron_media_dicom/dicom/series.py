"""Series: what is kept of each file, and how the files of a series are ordered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

import heron
from heron_media_dicom.dicom.facts import media_facts
from heron_media_dicom.dicom.geometry import gaps, normal_of, positions_along, ranks, same_direction
from heron_media_dicom.dicom.header import Header, whole
from heron_media_dicom.dicom.values import printable

LARGEST_HEADER = 4000
"""The most characters of JSON that are kept of a file."""

_KEYWORD = 30
"""Characters of JSON that a fact takes in addition to its value."""

_DIRECTORY = "1.2.840.10008.1.3.10"
"""The class of a DICOMDIR, which contains no object itself."""

_PASSES = ("TemporalPositionIdentifier", "AcquisitionNumber", "EchoNumbers", "TriggerTime")
"""Facts that distinguish passes over the same positions; the first that does is used."""


@frozen
class _Slice:
    """One file of a series: its index in the given list, its facts and frames, and the rank of its position."""

    place: int
    facts: Mapping[str, Any]
    frames: int
    rank: int = 0

    @property
    def number(self) -> tuple[int, str]:
        """InstanceNumber, then SOPInstanceUID; files without a number come last."""
        return whole(self.facts, "InstanceNumber", 2**53), str(self.facts.get("SOPInstanceUID", ""))


def part_of(header: Header) -> heron.Part | None:
    """The part that a file is of its series; None for a DICOMDIR and for a file that names no series."""
    series = header.facts.get("SeriesInstanceUID")
    if not isinstance(series, str) or header.facts.get("MediaStorageSOPClassUID") == _DIRECTORY:
        return None
    facts = header.facts
    raw_size = len(b"".join([raw for _, raw in header.elements.values.values()]))
    if raw_size + _KEYWORD * len(facts) > LARGEST_HEADER:
        facts = _shortened(facts)
    times = header.frame_times()
    return heron.Part(series, {"dicom": facts, "frames": header.frames, "last": times[-1] if times else None})


def series_of(parts: Sequence[heron.Part]) -> heron.Series:
    """Order the files of one series; raises MediaError if they are of several studies.

    Slices are sorted by their position along the normal of their orientation (PS3.3 C.7.6.2.1.1). If
    positions repeat, the passes over them follow each other; if a position is missing or orientations differ,
    all are sorted by InstanceNumber, or without these by SliceLocation. Ties are sorted by InstanceNumber and
    SOPInstanceUID; a warning tells if nothing but the latter orders them.
    """
    _check_study(parts)
    warnings: list[str] = []
    slices = _without_duplicates(parts, warnings)
    positions = _positions(slices, warnings) or _locations(slices, warnings)
    if positions:
        slices = [evolve(one, rank=rank) for one, rank in zip(slices, ranks(positions), strict=True)]
    _warn_of_mixture(slices, warnings)
    ordered = sorted(slices, key=_key(slices))
    facts = {**ordered[0].facts, **_stack(slices, positions, warnings)}
    last = parts[ordered[0].place].header["last"] if len(ordered) == 1 else None
    return heron.Series(
        order=[one.place for one in ordered],
        frame_counts=[one.frames for one in ordered],
        facts=media_facts(facts, sum(one.frames for one in ordered), last),
        name=_name(facts),
        warnings=warnings,
    )


def _shortened(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts without the longest ones, so that the rest fits."""
    sizes = {name: len(json.dumps({name: value})) for name, value in facts.items()}
    room = LARGEST_HEADER - 100
    kept = {}
    for name in sorted(facts, key=lambda name: sizes[name]):
        room -= sizes[name]
        if room >= 0:
            kept[name] = facts[name]
    return kept


def _check_study(parts: Sequence[heron.Part]) -> None:
    found = (part.header["dicom"].get("StudyInstanceUID") for part in parts)
    studies = list(dict.fromkeys(uid for uid in found if isinstance(uid, str)))
    if len(studies) > 1:
        one, other = (printable(uid) for uid in studies[:2])
        raise heron.MediaError(
            f"series {printable(parts[0].series)} has files of {len(studies)} studies, such as {one} and {other}",
            hint="a series belongs to one study; import the studies apart, or correct their StudyInstanceUID",
        )


def _without_duplicates(parts: Sequence[heron.Part], warnings: list[str]) -> list[_Slice]:
    """The files; of those with the same SOPInstanceUID, only the first."""
    seen: set[str] = set()
    kept, repeated = [], []
    for place, part in enumerate(parts):
        facts = part.header["dicom"]
        uid = facts.get("SOPInstanceUID")
        if uid in seen:
            repeated.append(uid)
            continue
        if isinstance(uid, str):
            seen.add(uid)
        kept.append(_Slice(place, facts, part.header["frames"]))
    if repeated:
        warnings.append(
            f"{len(repeated):,} files repeat the SOPInstanceUID of another, such as {printable(repeated[0])}, and are left out"
        )
    return kept


def _positions(slices: Sequence[_Slice], warnings: list[str]) -> list[float]:
    """Millimetres along the common normal; empty if a slice has no position, or orientations differ."""
    orientations = [one.facts.get("ImageOrientationPatient") for one in slices]
    normals = [normal_of(orientation) for orientation in orientations]
    first = normals[0]
    if first is None or None in normals:
        return []
    others = sum(not same_direction(orientations[0], other) for other in orientations)
    if others:
        warnings.append(
            f"{others:,} of {len(slices):,} files have another orientation than the first, as a localizer has, "
            "so all stand by InstanceNumber"
        )
        return []
    return positions_along(first, [one.facts.get("ImagePositionPatient") for one in slices])


def _locations(slices: Sequence[_Slice], warnings: list[str]) -> list[float]:
    """Millimetres by SliceLocation, for files without positions and numbers that tell their order; empty if they have none."""
    numbers = [one.facts.get("InstanceNumber") for one in slices]
    if len(slices) < 2 or len({number for number in numbers if type(number) is int}) == len(slices):
        return []
    found = [one.facts.get("SliceLocation") for one in slices]
    if all(type(place) in (int, float) for place in found) and len(set(found)) > 1:
        warnings.append("the files have no positions and no numbers, so they stand by SliceLocation")
        return [float(place) for place in found]  # type: ignore[arg-type]
    if all(type(number) is not int for number in numbers):
        warnings.append(
            f"the order of the {len(slices):,} files is not known: they have no positions, numbers and locations"
        )
    return []


def _key(slices: Sequence[_Slice]) -> Callable[[_Slice], Any]:
    """The sort key: pass, if positions repeat and it distinguishes all files; then position, then number."""
    if len({one.rank for one in slices}) in (1, len(slices)):
        return lambda one: (one.rank, one.number)
    for keyword in _PASSES:
        values = [one.facts.get(keyword) for one in slices]
        if all(type(value) in (int, float) for value in values):
            pairs = {(value, one.rank) for value, one in zip(values, slices, strict=True)}
            if len(pairs) == len(slices):
                return lambda one, keyword=keyword: (one.facts[keyword], one.rank, one.number)  # type: ignore[misc]
    return lambda one: (one.rank, one.number)


def _warn_of_mixture(slices: Sequence[_Slice], warnings: list[str]) -> None:
    sizes = {(one.facts.get("Columns"), one.facts.get("Rows")) for one in slices if one.frames}
    if len(sizes) > 1:
        named = sorted(f"{columns} x {rows}" for columns, rows in sizes)
        warnings.append(f"the pictures have {len(sizes):,} sizes, such as {named[0]} and {named[1]} pixels")
    frames = {one.facts.get("FrameOfReferenceUID") for one in slices} - {None}
    if len(frames) > 1:
        warnings.append(
            f"the files have {len(frames):,} frames of reference, so their positions cannot be compared"
        )


def _stack(slices: Sequence[_Slice], positions: Sequence[float], warnings: list[str]) -> dict[str, Any]:
    """The number of slices, and the millimetres between them; empty for files with several frames each."""
    if any(one.frames != 1 for one in slices):
        return {}
    if not positions:
        return {"NumberOfSlices": len(slices)}
    spacing, missing, places = gaps(positions)
    if missing:
        where = " and ".join(f"between {low:g} and {high:g} mm" for low, high in places[:3])
        more = f" and at {len(places) - 3:,} more places" if len(places) > 3 else ""
        slices_are = "slice is" if missing == 1 else "slices are"
        warnings.append(f"{missing:,} {slices_are} missing {where} along the normal{more}")
    count = len({one.rank for one in slices})
    return {"NumberOfSlices": count, **({"SpacingBetweenSlices": spacing} if spacing else {})}


def _name(facts: Mapping[str, Any]) -> str | None:
    """SeriesDescription, or modality and number; never personal facts."""
    description = facts.get("SeriesDescription")
    if isinstance(description, str):
        return description[:300]
    return " ".join(str(facts[name]) for name in ("Modality", "SeriesNumber") if name in facts) or None
