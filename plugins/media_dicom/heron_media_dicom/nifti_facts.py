"""The facts of a NIfTI volume, in millimetres and seconds."""

from __future__ import annotations

import math
from typing import Any

import heron
from heron_media_dicom.nifti_header import Header
from heron_media_dicom.nifti_picture import View

_MILLIMETRES = {0: ("unknown", 1.0), 1: ("m", 1e3), 2: ("mm", 1.0), 3: ("um", 1e-3)}
"""Name and length of the units of space, by bits 0 to 2 of `xyzt_units`; unknown ones count as millimetres."""

_SECONDS = {0: ("unknown", 1.0), 8: ("s", 1.0), 16: ("ms", 1e-3), 24: ("us", 1e-6)}
"""The same for time, bits 3 to 5; unknown ones count as seconds."""

_NO_TIME = {32: "Hz", 40: "ppm", 48: "rad/s"}
"""Other units of the fourth axis."""

_LONGEST = 1e12
"""Seconds and millimetres above which a number is treated as noise."""


def facts_of(file: heron.MediaFile, header: Header, notes: list[str]) -> heron.MediaFacts:
    """The facts of a volume; `notes` are the remarks made so far."""
    orientation = header.orientation
    spacing, step = _spacing(header), _time_step(header)
    if None in spacing:
        notes.append("the header has no valid voxel spacing")
    if orientation is None:
        notes.append("the header has no valid orientation, slices are shown as if it were RAS")
    if not header.frame_count:
        notes.append("it contains a CIFTI-2 matrix, which has no slices to show")
    width, height = View.of(orientation).size(header.shape)
    return heron.MediaFacts(
        kind="nifti",
        media_type=file.media_type,
        width=width if header.frame_count else None,
        height=height if header.frame_count else None,
        frame_count=header.frame_count or None,
        duration=round(header.shape[3] * step, 9) if step and header.shape[3] > 1 else None,
        extra={"nifti": _own_facts(header, orientation, spacing, step)},
        note="; ".join(notes) or None,
    )


def _own_facts(
    header: Header, orientation: str | None, spacing: list[float | None], step: float | None
) -> dict[str, Any]:
    fields = header.fields
    space, time = int(fields["xyzt_units"]) & 7, int(fields["xyzt_units"]) & 56
    found = {
        "version": header.version,
        "shape": list(header.shape),
        "spacing": None if None in spacing else spacing,
        "orientation": orientation,
        "datatype": fields.get_value_label("datatype"),
        "volumes": header.volumes,
        "time_step": step,
        "units": _MILLIMETRES.get(space, ("unknown",))[0],
        "time_units": _NO_TIME.get(time) or _SECONDS.get(time, ("unknown",))[0],
        "description": _text(fields["descrip"]),
        "intent": fields.get_value_label("intent_code"),
        "intent_name": _text(fields["intent_name"]),
        "sform_code": int(fields["sform_code"]),
        "qform_code": int(fields["qform_code"]),
        "scl_slope": _number(fields["scl_slope"]),
        "scl_inter": _number(fields["scl_inter"]),
        "cal_min": _number(fields["cal_min"]),
        "cal_max": _number(fields["cal_max"]),
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _spacing(header: Header) -> list[float | None]:
    """Distance of voxels along the first three axes, in millimetres."""
    factor = _MILLIMETRES.get(int(header.fields["xyzt_units"]) & 7, ("", 1.0))[1]
    return [_positive(length, factor) for length in header.fields["pixdim"][1:4]]


def _time_step(header: Header) -> float | None:
    """Seconds from one volume to the next; None if the fourth axis is not time."""
    unit = _SECONDS.get(int(header.fields["xyzt_units"]) & 56)
    if len(header.shape) < 4 or unit is None:
        return None
    return _positive(header.fields["pixdim"][4], unit[1])


def _positive(value: Any, factor: float) -> float | None:
    found = _number(value)
    if not found or abs(found * factor) * 32_767 > _LONGEST:
        return None
    return round(abs(found * factor), 9) or None


def _number(value: Any) -> float | None:
    """The number that was meant: for single precision, the one with the shortest decimal form."""
    found = float(str(value))
    return found if math.isfinite(found) else None


def _text(value: Any) -> str:
    content: bytes = value.item()
    text = content.partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
