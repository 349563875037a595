"""Facts of video and audio, under the names, and in the words, of ffprobe and MediaInfo."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from operator import sub
from typing import Any

import av
from PIL.Image import Transpose

import heron
from heron_media_video.completeness import missing
from heron_media_video.containers import Media
from heron_media_video.decoding import frames, packets, rewind, undecodable
from heron_media_video.index import FrameIndex, frame_index
from heron_media_video.pictures import transposition
from heron_media_video.sound_ends import sound_cut_off

_COUNTED = 1024 * 1024
"""Bytes up to which a file of another machine is read through to count its frames, and any file is decoded for that."""

_TRIED = 100
"""At least one of this many packets must be decodable."""

_LIES = 100
"""How many times longer than its frames a film without sound claims to last, when its header is not believed."""

_TAG = 500
"""Most characters of a tag that are kept."""

_ROTATION = {None: 0, Transpose.ROTATE_270: 90, Transpose.ROTATE_180: 180, Transpose.ROTATE_90: 270}
_SWAPPED = (Transpose.ROTATE_90, Transpose.ROTATE_270, Transpose.TRANSPOSE, Transpose.TRANSVERSE)

_FIELD_ORDER = {1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}
_RANGE = {1: "tv", 2: "pc"}
_SPACE = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc", 10: "bt2020c"
}  # fmt: skip
_TRANSFER = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear", 13: "iec61966-2-1",
    14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67",
}  # fmt: skip
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 11: "smpte431",
    12: "smpte432",
}  # fmt: skip
"""The numbers of ITU-T H.273, 8.1 to 8.3, in ffprobe's words."""

_FILM_TAGS = ("title", "comment", "encoder", "make", "model", "location")
_SOUND_TAGS = (
    "title", "artist", "album", "album_artist", "composer", "genre", "date", "track", "disc", "comment", "encoder"
)  # fmt: skip


def film_facts(media: Media, index: FrameIndex | None) -> heron.MediaFacts:
    """The facts of a file with pictures; raises MediaError where none can be decoded."""
    stream = media.pictures
    first = _first_frame(media, stream)
    turn = transposition(first)
    width, height = (first.height, first.width) if turn in _SWAPPED else (first.width, first.height)
    rate, mode = _rate(stream, index)
    tags, doubt = _tags(media, stream), _doubt(index)
    video: dict[str, Any] = {
        "profile": stream.profile,
        "pixel_format": first.format.name,
        "bit_rate": stream.bit_rate or media.container.bit_rate,
        "rotation": _ROTATION.get(turn),
        "frame_rate_mode": mode,
        "timestamps": "unreliable" if doubt else None,
        "sample_aspect_ratio": _ratio(stream.sample_aspect_ratio),
        "interlaced": first.interlaced_frame,
        "field_order": _FIELD_ORDER.get(stream.codec_context.field_order),
        "color_range": _RANGE.get(first.color_range),
        "color_space": _SPACE.get(first.colorspace),
        "color_transfer": _TRANSFER.get(first.color_trc),
        "color_primaries": _PRIMARIES.get(first.color_primaries),
        "has_audio": media.sound is not None,
        **{name: tags.get(name) for name in _FILM_TAGS},
    }
    extra = {"video": _known(video)}
    if media.sound is not None:
        extra["audio"] = _known({"codec": _codec(media.sound), **_sound(media.sound)})
    return heron.MediaFacts(
        kind="video",
        media_type=media.file.media_type,
        width=width,
        height=height,
        frame_count=None if index is None else len(index.shown),
        fps=rate,
        duration=_duration(media, stream, index),
        codec=_codec(stream),
        sample_rate=media.sound.codec_context.sample_rate or None if media.sound is not None else None,
        channels=media.sound.codec_context.channels or None if media.sound is not None else None,
        captured_at=_captured_at(tags),
        extra=extra,
        note="; ".join(filter(None, (missing(media), doubt))) or None,
    )


def sound_facts(media: Media) -> heron.MediaFacts:
    """The facts of a file of sound; raises MediaError where there is none, or none can be decoded."""
    stream = media.sound
    if stream is None:
        raise heron.MediaError(f"{media.file.name} has neither pictures nor sound that can be decoded")
    _first_frame(media, stream)
    tags = _tags(media, stream)
    sound = _sound(stream)
    sound["bit_rate"] = sound["bit_rate"] or media.container.bit_rate
    return heron.MediaFacts(
        kind="audio",
        media_type=media.file.media_type,
        duration=_duration(media, stream, None),
        codec=_codec(stream),
        sample_rate=stream.codec_context.sample_rate or None,
        channels=stream.codec_context.channels or None,
        captured_at=_captured_at(tags),
        extra={"audio": _known({**sound, **{name: tags.get(name) for name in _SOUND_TAGS}})},
        note=missing(media) or sound_cut_off(media),
    )


def _first_frame(media: Media, stream: Any) -> Any:
    """The first frame that can be decoded."""
    context = stream.codec_context
    for packet in islice(packets(media, stream), _TRIED):
        for frame in frames(context, packet):
            return frame
    for frame in frames(context, None):
        return frame
    raise undecodable(media)


def film_index(media: Media) -> FrameIndex | None:
    """The times of all frames of an open file that stands at its beginning, and does so afterwards.

    None if they are not in tables, and the file is neither on this machine nor small.
    """
    is_small = media.file.size <= _COUNTED
    if media.table is None and media.file.path is None and not is_small:
        return None
    index = frame_index(media, may_read=media.file.path is not None or is_small, may_decode=is_small)
    with suppress(av.FFmpegError):  # then nothing comes out of it, which is said
        rewind(media, media.pictures)
    return index


def _doubt(index: FrameIndex | None) -> str | None:
    """A sentence about times that are not to be trusted."""
    if index is None or (index.is_ordered and not index.moved):
        return None
    count = f": {index.moved:,} of {len(index.shown):,}" if index.is_ordered else ""
    return f"its timestamps cannot be trusted (repeated or going back{count})"


def _rate(stream: Any, index: FrameIndex | None) -> tuple[float | None, str | None]:
    """Average frames per second, and whether the time between frames is constant, by MediaInfo's words."""
    nominal = float(stream.average_rate or 0) or None
    if index is None or len(index.shown) < 2:
        return nominal and round(nominal, 6), None
    shown = index.shown
    steps = list(map(sub, shown[1:], shown))
    shortest, longest = min(steps), max(steps)
    measured = float(len(steps) / ((shown[-1] - shown[0]) * index.unit))
    if longest > shortest + (
        1 if shortest >= 10 else 0
    ):  # a clock of milliseconds rounds 29.97 frames per second
        return round(measured, 6), "variable"
    is_nominal = nominal is not None and abs(nominal - measured) < measured / 1000
    return round(nominal if nominal and is_nominal else measured, 6), "constant"


def _duration(media: Media, stream: Any, index: FrameIndex | None) -> float | None:
    """Seconds from beginning to end: of the file, or else of the stream, or else of its frames."""
    if index is not None and index.length is not None:
        return round(index.length, 6)
    seconds = float(media.container.duration or 0) / 1e6
    if seconds <= 0 and stream.duration:
        seconds = float(stream.duration * stream.time_base)
    if index is not None and len(index.shown) > 1:
        span = index.shown[-1] - index.shown[0]
        shown = float(span * index.unit) * len(index.shown) / (len(index.shown) - 1)
        lies = media.sound is None and seconds > _LIES * max(1.0, shown)
        seconds = shown if seconds < float(span * index.unit) or lies else seconds
    return round(seconds, 6) if 0 < seconds < 1e9 else None


def _sound(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "profile": stream.profile,
        "bit_rate": stream.bit_rate,
        "sample_format": context.format.name if context.format else None,
        "bit_depth": _bit_depth(stream),
        "channel_layout": context.layout.name if context.layout else None,
    }


def _bit_depth(stream: Any) -> int | None:
    """Bits of a sample, of codecs that keep samples as they are; those that lose something have none."""
    context = stream.codec_context
    name = context.codec.canonical_name
    digits = "".join(filter(str.isdigit, name.removeprefix("pcm_"))) if name.startswith("pcm_") else ""
    if digits:
        return int(digits)
    if name == "flac" and context.extradata and len(context.extradata) >= 18:  # STREAMINFO (RFC 9639, 8.2)
        return (int.from_bytes(context.extradata[12:14], "big") >> 4 & 0x1F) + 1
    return None


def _codec(stream: Any) -> str:
    return str(stream.codec_context.codec.canonical_name)


def _ratio(ratio: Any) -> str | None:
    return f"{ratio.numerator}:{ratio.denominator}" if ratio and ratio != 1 else None


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _tags(media: Media, stream: Any) -> dict[str, str]:
    """Tags of the file and, where it has none of that name, of the stream; those of Apple by their last word."""
    tags: dict[str, str] = {}
    for given in (media.container.metadata, stream.metadata):
        for name, value in given.items():
            plain = name.lower().removeprefix("com.apple.quicktime.").removesuffix(".iso6709")
            text = value.replace("\0", " ").strip()[:_TAG]
            if text:
                tags.setdefault(plain, text)
    return tags


def _captured_at(tags: Mapping[str, str]) -> str | None:
    """The time of recording in UTC; a time without a zone is taken as UTC."""
    for name in ("creationdate", "creation_time"):
        try:
            moment = datetime.fromisoformat(tags.get(name, ""))
            moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if moment.timestamp() > 0:  # a clock that was never set says 1970, or 1904
            return moment.isoformat(timespec="microseconds")[:-6] + "Z"
    return None
