"""The video and audio formats, and how each is recognised by its first bytes."""

from __future__ import annotations

import heron

_MP4_BRANDS = (
    rb"iso[m2-9abc]|mp4[12]|mp71|avc1|av01|dash|cmfc|cmf2|MSNV|M4V[ HP]|3g[p2].|f4v |F4V |mmp4|XAVC|NDS.|NDX."
)
"""Major brands (ISO/IEC 14496-12, 4.3, and the registration authority's list). They are listed because pictures
(avif, heic, mif1, crx) begin with `ftyp` too."""

_M4A_BRANDS = rb"M4[ABP] "

_PICTURE_BRANDS = rb"av(?:if|is|ci|cs)|he[ivm][cxmsv]|mif[12]|msf1|miaf|jp[2xm] |jxl |crx |pred|unif"
"""Major brands of pictures; any other brand may be a film."""

_EBML = rb"\x1aE\xdf\xa3.{1,48}?B\x82"
"""A Matroska header up to the element DocType (RFC 8794, 11.2); what follows is its size and its text."""


_WITH_SIZES = (
    "video/mp4", "video/quicktime", "video/webm", "video/matroska", "video/x-msvideo", "audio/mp4", "audio/wav", "audio/flac", "audio/ogg",
)  # fmt: skip
"""Formats that say where they end."""


def _video(media_type: str, *suffixes: str, signature: bytes) -> heron.MediaFormat:
    return heron.MediaFormat(
        media_type=media_type,
        kind="video",
        suffixes=suffixes,
        signature=signature,
        checked="end" if media_type in _WITH_SIZES else "first frame",
    )


def _audio(
    media_type: str, *suffixes: str, signature: bytes, needs_suffix: bool = False
) -> heron.MediaFormat:
    return heron.MediaFormat(
        media_type=media_type,
        kind="audio",
        suffixes=suffixes,
        signature=signature,
        needs_suffix=needs_suffix,
        checked="end" if media_type in _WITH_SIZES else "first frame",
    )


_ASF = rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"
"""The identifier of the header object (ASF 1.2, 10.1); films and sounds have the same."""

VIDEO = [
    _video("video/mp4", ".mp4", ".m4v", ".3gp", ".3g2", signature=rb"....ftyp(?:" + _MP4_BRANDS + rb")"),
    _video("video/quicktime", ".mov", ".qt", signature=rb"....ftyp(?:qt  |mqt )"),
    _video(
        "video/mp4",
        ".mp4",
        ".m4v",
        ".3gp",
        ".3g2",
        signature=rb"\0\0..ftyp(?!" + _PICTURE_BRANDS + rb")[\x20-\x7e]{2}",
    ),
    # Older films have no ftyp. The size before the first box must not look like text ("the mdat atom").
    _video(
        "video/quicktime",
        ".mov",
        ".qt",
        signature=rb"(?![\t\n\r -~]{4})....mdat|[\0-\x08]...moov|\0...(?:wide|free|skip|pnot)",
    ),
    _video("video/webm", ".webm", signature=_EBML + rb".{1,8}?webm"),
    _video("video/matroska", ".mkv", signature=_EBML + rb".{1,8}?matroska"),
    _video("video/x-msvideo", ".avi", signature=rb"RIFF....AVI "),
    _video("video/ogg", ".ogv", signature=rb"OggS\0.{23}\x80theora"),
    # .ts is no suffix of it here: programs in TypeScript have it, and are no films that lie
    _video("video/mp2t", ".m2ts", ".mts", ".m2t", signature=rb"(?:G.{187}){3}G|.{4}(?:G.{191}){3}G"),
    _video("video/mpeg", ".mpg", ".mpeg", ".vob", signature=rb"\x00\x00\x01\xba[\x21-\x7f]"),
    _video("video/x-flv", ".flv", signature=rb"FLV\x01[\x00\x01\x04\x05]\x00{3}\x09"),
    _video("video/x-ms-wmv", ".wmv", ".asf", signature=_ASF),
]
"""Formats with pictures."""

AUDIO = [
    _audio(
        "audio/mpeg",
        ".mp3",
        signature=rb"ID3[\x02-\x04][\0-\xfe].[\0-\x7f]{4}|\xff[\xfa\xfb\xf2\xf3][\x10-\xef]",
    ),
    _audio("audio/wav", ".wav", ".wave", signature=rb"(?:RIFF|RF64|BW64)....WAVE"),
    _audio("audio/flac", ".flac", signature=rb"fLaC[\0\x80]\0\0\x22"),
    _audio("audio/ogg", ".ogg", ".oga", ".opus", signature=rb"OggS\0"),
    # Recorders write .m4a files with the brand of a film. The format that needs its suffix stands first, since
    # a suffix belongs to the first format that lists it.
    _audio(
        "audio/mp4",
        ".m4a",
        ".m4b",
        signature=rb"....ftyp(?:" + _M4A_BRANDS + rb"|" + _MP4_BRANDS + rb")",
        needs_suffix=True,
    ),
    _audio("audio/mp4", ".m4a", ".m4b", signature=rb"....ftyp" + _M4A_BRANDS),
    _audio("audio/aiff", ".aif", ".aiff", ".aifc", signature=rb"FORM....AIF[FC]"),
    _audio("audio/aac", ".aac", signature=rb"\xff[\xf0\xf1\xf8\xf9]|ID3[\x02-\x04]", needs_suffix=True),
    _audio("audio/x-ms-wma", ".wma", signature=_ASF, needs_suffix=True),
]
"""Formats of sound alone."""
