"""The video and audio formats, and how each is recognised by its first bytes."""

from __future__ import annotations

import heron

_MP4_BRANDS = (
    rb"iso[m2-9abc]|mp4[12]|mp71|avc1|av01|dash|cmfc|cmf2|MSNV|M4V[ HP]|3g[p2].|f4v |F4V |mmp4|XAVC|NDS.|NDX."
)
"""Major brands (ISO/IEC 14496-12, 4.3, and the registration authority's list). They are listed because pictures
(avif, heic, mif1, crx) begin with `ftyp` too."""

_M4A_BRANDS = rb"M4[ABP] "

_EBML = rb"\x1aE\xdf\xa3.{1,48}?B\x82"
"""A Matroska header up to the element DocType (RFC 8794, 11.2); what follows is its size and its text."""


def _video(media_type: str, *suffixes: str, signature: bytes) -> heron.MediaFormat:
    return heron.MediaFormat(media_type=media_type, kind="video", suffixes=suffixes, signature=signature)


def _audio(
    media_type: str, *suffixes: str, signature: bytes, needs_suffix: bool = False
) -> heron.MediaFormat:
    return heron.MediaFormat(
        media_type=media_type, kind="audio", suffixes=suffixes, signature=signature, needs_suffix=needs_suffix
    )


VIDEO = [
    _video("video/mp4", ".mp4", ".m4v", ".3gp", ".3g2", signature=rb"....ftyp(?:" + _MP4_BRANDS + rb")"),
    _video("video/quicktime", ".mov", ".qt", signature=rb"....ftyp(?:qt  |mqt )"),
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
]
"""Formats of sound alone."""
