"""Turns the facts of a header into those that all media have: size, frames, time of capture, frame rate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import heron
from heron_media_dicom.dicom.header import Header, whole
from heron_media_dicom.dicom.syntaxes import is_compressed, name_of
from heron_media_dicom.dicom.values import printable

_TIMES = ("Acquisition", "Content", "Series", "Study")
_ZONE = re.compile(r"([+-]\d\d)(\d\d)")


def facts_of(header: Header) -> heron.MediaFacts:
    """All facts of a file."""
    times = header.frame_times()
    return media_facts(header.facts, header.frames, times[-1] if times else None)


def media_facts(facts: Mapping[str, Any], frames: int, last: float | None) -> heron.MediaFacts:
    """The facts of a file or a series with `frames` pictures (0 without pixels), the last shown at `last` seconds."""
    syntax = facts.get("TransferSyntaxUID", "")
    rate = _rate(facts, frames, last) if frames > 1 else None
    return heron.MediaFacts(
        kind="dicom",
        media_type="application/dicom",
        width=whole(facts, "Columns") or None,
        height=whole(facts, "Rows") or None,
        frame_count=frames or None,
        fps=rate,
        duration=round(frames / rate, 6) if rate else None,
        codec=printable(name_of(syntax)) if syntax and is_compressed(syntax) else None,
        captured_at=captured_at(facts),
        extra={"dicom": dict(facts)},
    )


def captured_at(facts: Mapping[str, Any]) -> str | None:
    """The time of capture in UTC: the first of acquisition, content, series and study that has a date and a time.
    Times without an offset count as UTC. If no date has a time, the first date counts, at midnight.
    """
    found = _first(facts)
    if found is None:
        return None
    zone = _ZONE.fullmatch(str(facts.get("TimezoneOffsetFromUTC", "")))
    try:
        moment = datetime.fromisoformat(found)
        if moment.tzinfo is None:
            moment = datetime.fromisoformat(f"{found}{zone[1]}:{zone[2]}" if zone else f"{found}+00:00")
        return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
    except (ValueError, OverflowError):
        return None


def _first(facts: Mapping[str, Any]) -> str | None:
    exact = facts.get("AcquisitionDateTime")
    if isinstance(exact, str):
        return exact
    pairs = [(facts.get(f"{name}Date"), facts.get(f"{name}Time")) for name in _TIMES]
    dates = [(day, clock) for day, clock in pairs if isinstance(day, str)]
    timed = [f"{day}T{clock}" for day, clock in dates if isinstance(clock, str)]
    return timed[0] if timed else f"{dates[0][0]}T00:00:00" if dates else None


def _rate(facts: Mapping[str, Any], frames: int, last: float | None) -> float | None:
    """Frames per second: by the times of the frames, or by the rates recommended for display."""
    if last:
        return round((frames - 1) / last, 6)
    rates = (facts.get("CineRate"), facts.get("RecommendedDisplayFrameRate"))
    return next((float(rate) for rate in rates if type(rate) is int and 0 < rate < 100_000), None)
