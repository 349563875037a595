"""The Basic Application Level Confidentiality Profile (PS3.15, annex E): what happens to each attribute.

The list is table E.1-1 in the edition of 2026c, as dicom-anonymizer has it, without options: dates, devices, institutions and
descriptions go too. What the table does not know of and nobody else either (private and unknown attributes) is removed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom import DataElement
from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_for_tag

PROFILE = "Basic Application Level Confidentiality Profile, DICOM PS3.15 table E.1-1, edition 2026c"
METHOD = ("Basic Application Confidentiality Profile", "DICOM PS3.15 table E.1-1, edition 2026c")
"""What files say of how they were treated, in texts of at most 64 characters."""

Action = Literal["removed", "emptied", "replaced", "UID replaced"]

DUMMIES: Mapping[str, Any] = {
    "AE": "ANONYMIZED", "AS": "000Y", "CS": "ANONYMIZED", "DA": "19000101", "DS": "0", "DT": "19000101000000", "FD": 0.0, "FL": 0.0,
    "IS": "0", "LO": "ANONYMIZED", "LT": "ANONYMIZED", "PN": "ANONYMIZED", "SH": "ANONYMIZED", "SL": 0, "SS": 0, "ST": "ANONYMIZED",
    "TM": "000000", "UC": "ANONYMIZED", "UL": 0, "UR": "http://anonymized.invalid", "US": 0, "UT": "ANONYMIZED",
}  # fmt: skip
"""What stands for a value, by the type of the attribute; an attribute of another type is emptied."""

_OF_TAG: Mapping[tuple[int, ...], Action] = {
    **dict.fromkeys(table.D_TAGS, "replaced"),
    **dict.fromkeys(table.Z_TAGS, "emptied"),
    **dict.fromkeys(table.X_TAGS, "removed"),
    **dict.fromkeys(table.U_TAGS, "UID replaced"),
    **dict.fromkeys(table.Z_D_TAGS, "replaced"),
    **dict.fromkeys(table.X_Z_TAGS, "emptied"),
    **dict.fromkeys(table.X_D_TAGS, "replaced"),
    **dict.fromkeys(table.X_Z_D_TAGS, "replaced"),
    **dict.fromkeys(table.X_Z_U_STAR_TAGS, "UID replaced"),
}
"""Where the table leaves a choice, what keeps files valid."""

_GROUPS = (0x5000, 0x6000)
"""Curves and overlays, of which the table names some attributes; the others are nothing without them."""

_OF_FILE = (0x0002, 0xFFFC)
"""Groups of the file and not of the dataset: they are made anew."""


def action_of(element: DataElement) -> Action | None:
    """What the profile does with an attribute, None if it is kept."""
    tag = element.tag
    if (known := _OF_TAG.get((tag.group, tag.element))) is not None:
        return known
    if (
        tag.is_private
        or tag.group in _OF_FILE
        or tag.group & 0xFF00 in _GROUPS
        or element.VR == "UN"
        or not keyword_for_tag(tag)
    ):
        return "removed"
    if element.VR == "PN":
        return "emptied"
    return "UID replaced" if element.VR == "UI" and not _is_of_class(element) else None


def _is_of_class(element: DataElement) -> bool:
    """Whether a UID says what something is, and not which one."""
    return keyword_for_tag(element.tag).endswith(("ClassUID", "ClassesUID", "SyntaxUID"))


_TEXTS = re.compile(r"[^\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]*")
_FORMS = {"UI": re.compile(r"[0-9.]*"), **dict.fromkeys(("DS", "IS"), re.compile(r"[0-9+\-.eE ]*"))}
_NUMBERS = {"FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"}


def is_plausible(element: DataElement) -> bool:
    """Whether what is kept can be what it says: a damaged length lets a value take in the attributes behind it, and a name with them."""
    value = element.value
    if element.VR not in dictionary_VR(element.tag):
        return False
    if element.VR in _NUMBERS:
        most = dictionary_VM(element.tag)
        return not most.isdecimal() or int(most) >= element.VM
    values = value if isinstance(value, list | tuple) or element.VM > 1 else (value,)
    form = _FORMS.get(element.VR, _TEXTS)
    return all(
        form.fullmatch(str(each).rstrip("\0"))
        for each in values
        if isinstance(each, str) or (element.VR in _FORMS and each is not None)
    )
