"""Says which DICOM files the profile alone cannot make safe: documents, and pictures into which texts may be burnt."""

from __future__ import annotations

from pydicom import Dataset

from heron_export_dicom.reading import BadFile

KEY = "burned_in_annotation"
"""The key of metadata by which a user says of an item whether texts are burnt into its pictures."""

WELL_KNOWN = "1.2.840.10008."
"""The beginning of the UIDs of the standard itself."""

_REFUSED = {
    "1.2.840.10008.5.1.4.1.1.88.": "its text may tell of a person (a structured report)",
    "1.2.840.10008.5.1.4.1.1.104.": "it is an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.66": "it is raw data, in a form of its device",
    "1.2.840.10008.5.1.4.1.1.9.": "it is a waveform, whose channels may have been annotated",
    "1.2.840.10008.5.1.4.1.1.11.": "it is a presentation state, whose graphics may be texts",
}
"""Classes of files, and beginnings of classes, which end with a dot."""

_BURNT = {
    "1.2.840.10008.5.1.4.1.1.7": "secondary captures",
    "1.2.840.10008.5.1.4.1.1.6": "ultrasound pictures",
    "1.2.840.10008.5.1.4.1.1.3": "ultrasound pictures",
    "1.2.840.10008.5.1.4.1.1.77.1.1": "endoscopic pictures",
    "1.2.840.10008.5.1.4.1.1.77.1.4": "photographs",
}
"""Beginnings of classes of pictures that usually have texts of the device in them."""

_MODALITIES = {
    "US": "ultrasound pictures", "IVUS": "ultrasound pictures", "ES": "endoscopic pictures", "XC": "photographs", "GM": "photographs",
    "OT": "pictures of other devices", "DOC": "documents", "HC": "printed pictures", "ECG": "curves", "EPS": "curves", "HD": "curves",
    "BMD": "reports of bone density", "BDUS": "ultrasound pictures", "OPV": "reports of visual fields",
}  # fmt: skip


def check(dataset: Dataset, said: object) -> str:
    """Raise BadFile for a file that cannot be de-identified; else, "NO" if it is said that no text is burnt in, or "" if nothing is.

    `said` is what the user says of it: False if no text is burnt in.
    """
    kind = str(dataset.SOPClassUID)
    if not kind.startswith(WELL_KNOWN):
        raise BadFile("its class is not one of the standard, so nobody knows what is in it")
    for beginning, reason in _REFUSED.items():
        if kind == beginning or (beginning.endswith(".") and kind.startswith(beginning)):
            raise BadFile(reason)
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x0102) in dataset and dataset[group, 0x0102].value:
            raise BadFile("an overlay stands in bits of its pixels")
    burnt = str(dataset.get("BurnedInAnnotation") or "").strip().upper()
    if said is True:
        raise BadFile(f"texts are burnt into its pictures, as its {KEY} says")
    if said is False:
        return "NO"
    if burnt not in ("", "NO"):
        raise BadFile(
            "texts are burnt into its pictures" if burnt == "YES" else f"it says {burnt!r} of burnt-in texts"
        )
    usual = _usual(dataset, kind)
    if usual and burnt != "NO":
        raise BadFile(f"it does not say that no text is burnt in, and {usual} usually have some")
    return burnt


def _usual(dataset: Dataset, kind: str) -> str | None:
    """What it is, if such pictures usually have texts burnt into them."""
    for beginning, name in _BURNT.items():
        if kind == beginning or kind.startswith(f"{beginning}."):
            return name
    values = dataset.get("ImageType") or ()
    if any("SCREEN" in str(value).upper() for value in ([values] if isinstance(values, str) else values)):
        return "captures of screens"
    if dataset.get("ConversionType"):
        return "converted pictures"
    return _MODALITIES.get(str(dataset.get("Modality") or "").upper())
