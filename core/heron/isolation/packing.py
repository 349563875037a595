"""What decoders answer, as JSON and bytes, and back. What comes back is checked as any answer is, by `heron.media.answers`."""

from __future__ import annotations

import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import asdict

from heron.hooks import Part, Series, Values, Window
from heron.isolation.channel import Message
from heron.isolation.serving import Packed
from heron.models import MediaFacts
from heron.times import utc_iso

if TYPE_CHECKING:
    from PIL.Image import Image


def pack(verb: str, answer: Any) -> Packed:
    """The answer of a decoder to a call, or one piece of it."""
    return ({"none": True}, b"") if answer is None else _WAYS[verb][0](answer)


def unpack(verb: str, message: Message, content: bytes) -> Any:
    """The answer again; raises ValueError, TypeError or KeyError for what is none."""
    return None if message.get("none") else _WAYS[verb][1](message, content)


def _facts(facts: MediaFacts) -> Packed:
    found = asdict(facts, recurse=False)
    if facts.captured_at is not None:
        found["captured_at"] = utc_iso(facts.captured_at)
    return {"facts": found}, b""


def _facts_of(message: Message, content: bytes) -> MediaFacts:
    return MediaFacts(**message["facts"])


def _picture(picture: Image) -> Packed:
    return {"mode": picture.mode, "size": picture.size}, picture.tobytes()


def _picture_of(message: Message, content: bytes) -> Image:
    from PIL import Image

    width, height = map(int, message["size"])
    mode = message["mode"]
    if mode not in ("RGB", "RGBA") or min(width, height) < 1 or width * height * len(mode) != len(content):
        raise ValueError("the picture is not as large as its content")
    return Image.frombytes(mode, (width, height), content)


def _times(times: Sequence[float]) -> Packed:
    return {}, array.array("d", times).tobytes()


def _times_of(message: Message, content: bytes) -> Sequence[float]:
    return list(array.array("d", content))


def _frame(pair: tuple[int, Image]) -> Packed:
    message, content = _picture(pair[1])
    return {**message, "number": int(pair[0])}, content


def _frame_of(message: Message, content: bytes) -> tuple[int, Image]:
    return message["number"], _picture_of(message, content)


def _text(text: str) -> Packed:
    return {}, text.encode()


def _text_of(message: Message, content: bytes) -> str:
    return content.decode()


def _page(pair: tuple[int, str]) -> Packed:
    return {"number": int(pair[0])}, pair[1].encode()


def _page_of(message: Message, content: bytes) -> tuple[int, str]:
    return message["number"], content.decode()


def _values(pair: tuple[int, Values | None]) -> Packed:
    number, values = pair
    if values is None:
        return {"number": int(number)}, b""
    import numpy

    found = numpy.ascontiguousarray(values.array)
    return {
        "number": int(number),
        "type": found.dtype.str,
        "shape": found.shape,
        "windows": [
            [float(window.width), float(window.level), str(window.name)] for window in values.windows
        ],
        "curve": values.curve,
        "inverted": bool(values.inverted),
        "units": values.units,
        "axes": values.axes,
        "spacing": [float(each) for each in values.spacing],
        "depth": None if values.depth is None else float(values.depth),
    }, found.tobytes()


def _values_of(message: Message, content: bytes) -> tuple[int, Values | None]:
    if "type" not in message:
        return message["number"], None
    import numpy

    kind = numpy.dtype(str(message["type"]))
    if kind.kind not in "iuf":
        raise ValueError("the values are no numbers")
    across, down = message["spacing"]
    return message["number"], Values(
        numpy.frombuffer(content, kind).reshape(message["shape"]).copy(),
        [Window(width, level, name) for width, level, name in message["windows"]],
        message["curve"],
        message["inverted"],
        message["units"],
        message["axes"],
        (across, down),
        message["depth"],
    )


def _volume(numbers: range) -> Packed:
    return {"start": numbers.start, "stop": numbers.stop}, b""


def _volume_of(message: Message, content: bytes) -> range:
    return range(message["start"], message["stop"])


def _part(part: Part) -> Packed:
    return {"series": part.series, "header": dict(part.header)}, b""


def _part_of(message: Message, content: bytes) -> Part:
    return Part(message["series"], message["header"])


def _series(series: Series) -> Packed:
    message, content = _facts(series.facts)
    own = {
        "order": [int(place) for place in series.order],
        "frame_counts": [int(count) for count in series.frame_counts],
        "name": series.name,
        "warnings": list(series.warnings),
    }
    return {**message, **own}, content


def _series_of(message: Message, content: bytes) -> Series:
    facts = _facts_of(message, content)
    return Series(message["order"], message["frame_counts"], facts, message["name"], message["warnings"])


_WAYS: dict[str, tuple[Callable[[Any], Packed], Callable[[Message, bytes], Any]]] = {
    "probe": (_facts, _facts_of),
    "picture": (_picture, _picture_of),
    "times": (_times, _times_of),
    "frames": (_frame, _frame_of),
    "text": (_text, _text_of),
    "page_texts": (_page, _page_of),
    "values": (_values, _values_of),
    "volume": (_volume, _volume_of),
    "part": (_part, _part_of),
    "series": (_series, _series_of),
}
