"""The transfer syntaxes: their names, and how their pixels are encoded (PS3.5 Annex A, PS3.6 table A-1)."""

from __future__ import annotations

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"

_PLAIN = {
    IMPLICIT_LITTLE: "Implicit VR Little Endian",
    "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
    DEFLATED: "Deflated Explicit VR Little Endian",
    BIG_ENDIAN: "Explicit VR Big Endian",
}

_COMPRESSED = {
    "1.2.840.10008.1.2.1.98": "Encapsulated Uncompressed",
    "1.2.840.10008.1.2.4.50": "JPEG Baseline",
    "1.2.840.10008.1.2.4.51": "JPEG Extended",
    "1.2.840.10008.1.2.4.57": "JPEG Lossless",
    "1.2.840.10008.1.2.4.70": "JPEG Lossless SV1",
    "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-Lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.92": "JPEG 2000 Part 2 Lossless",
    "1.2.840.10008.1.2.4.93": "JPEG 2000 Part 2",
    "1.2.840.10008.1.2.4.94": "JPIP Referenced",
    "1.2.840.10008.1.2.4.95": "JPIP Referenced Deflate",
    "1.2.840.10008.1.2.4.100": "MPEG-2 Main Level",
    "1.2.840.10008.1.2.4.101": "MPEG-2 High Level",
    "1.2.840.10008.1.2.4.102": "MPEG-4 AVC/H.264 High 4.1",
    "1.2.840.10008.1.2.4.103": "MPEG-4 AVC/H.264 High 4.1 BD",
    "1.2.840.10008.1.2.4.104": "MPEG-4 AVC/H.264 High 4.2 2D",
    "1.2.840.10008.1.2.4.105": "MPEG-4 AVC/H.264 High 4.2 3D",
    "1.2.840.10008.1.2.4.106": "MPEG-4 AVC/H.264 Stereo",
    "1.2.840.10008.1.2.4.107": "HEVC/H.265 Main",
    "1.2.840.10008.1.2.4.108": "HEVC/H.265 Main 10",
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.4.201": "HTJ2K Lossless",
    "1.2.840.10008.1.2.4.202": "HTJ2K Lossless RPCL",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
    "1.2.840.10008.1.2.5": "RLE Lossless",
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame",
}


def is_compressed(syntax: str) -> bool:
    """Whether pixels are in fragments, as in every syntax but the four uncompressed ones."""
    return syntax not in _PLAIN


def name_of(syntax: str) -> str:
    """The name of a transfer syntax, or its UID if it is unknown."""
    return _PLAIN.get(syntax) or _COMPRESSED.get(syntax) or syntax
