"""The names that the API has for kinds of items and for places of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heron import InvalidInput, Item

_TYPES: Mapping[str, str] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "text": "plainText",
    "pdf": "pdf",
    "nifti": "nifti",
    "dicom": "dicomSeries",
    "image_group": "imageGroup",
    "image_sequence": "imageSequence",
}

OTHER = "group"
"""The type of items of a kind that the API has no name for; a client breaks off at names that it does not know."""

_NEVER = ("dicomFile", "timeseries", "scene", "group")
"""Types of the API of which Heron has no kind; asking for them finds nothing, and `group` finds all other kinds."""

_DATA_TYPES: Mapping[str, str] = {
    "image": "IMAGE",
    "video": "VIDEO",
    "audio": "AUDIO",
    "text": "PLAIN_TEXT",
    "pdf": "PDF",
    "nifti": "NIFTI",
    "dicom": "DICOM",
    "image_group": "IMG_GROUP",
    "image_sequence": "IMG_GROUP",
}

_PLACES: Mapping[str, tuple[str, int]] = {
    "file": ("encord", 0),
    "s3": ("s3", 1),
    "s3a": ("s3", 1),
    "gs": ("gcp", 2),
    "gcs": ("gcp", 2),
    "az": ("azure", 3),
    "abfs": ("azure", 3),
    "abfss": ("azure", 3),
    "obs": ("openTelekom", 4),
}

_BITS = {"u8": 8, "s16": 16, "s32": 32, "flt": 32, "dbl": 64, "s64": 64}


def item_type(kind: str) -> str:
    """The item type of a kind."""
    return _TYPES.get(kind, OTHER)


def data_type(kind: str) -> str:
    """The type of a row of a dataset, of v1."""
    return _DATA_TYPES.get(kind, "GROUP")


def condition_of_types(types: list[str]) -> str | None:
    """A condition that an item is of one of some item types; None without types."""
    if not types:
        return None
    kinds = []
    for name in types:
        found = [kind for kind, type in _TYPES.items() if type == name]
        if not found and name not in _NEVER:
            raise InvalidInput(
                f"{name!r} is not an item type, which are {', '.join([*_TYPES.values(), *_NEVER])}"
            )
        kinds += found
    parts = [f"item.kind IN ({_quoted(kinds)})"] if kinds else []
    if "group" in types:
        parts.append(f"item.kind NOT IN ({_quoted(_TYPES)})")
    return f"({' OR '.join(parts)})" if parts else "item.kind = ''"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def location(url: str) -> str:
    """The name of the kind of storage where a file lies."""
    return _PLACES.get(url.partition(":")[0], ("directAccess", 0))[0]


def location_number(url: str) -> int:
    """The number of the kind of storage, of v1."""
    return _PLACES.get(url.partition(":")[0], ("", 0))[1]


def dicom_uids(item: Item) -> dict[str, str | None]:
    """The UIDs of a DICOM item."""
    tags = item.facts.extra.get("dicom", {})
    named = {"Instance": "SOPInstanceUID", "Study": "StudyInstanceUID", "Series": "SeriesInstanceUID"}
    return {f"dicom{name}Uid": tags.get(tag) for name, tag in named.items()}


def sound(item: Item) -> dict[str, Any]:
    """What the API says of sound; the bits of a sample are known for some forms of samples."""
    facts = item.facts
    form = facts.extra.get("audio", {}).get("sample_format")
    bits = _BITS.get(form.removesuffix("p")) if isinstance(form, str) else None
    return {
        "audioSampleRate": facts.sample_rate,
        "audioBitDepth": bits,
        "audioCodec": facts.codec,
        "audioNumChannels": facts.channels,
    }
