"""The process that runs the metrics and embedders of one plugin, within limits."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heron.errors import MediaError, PluginError
from heron.hooks import (
    BoundedEmbedder,
    EmbedderModel,
    LimitedEmbedder,
    PluginManager,
    QualityMetrics,
    TurningEmbedder,
)
from heron.hooks.door import PASSED, reason
from heron.isolation.channel import Message
from heron.isolation.serving import Packed, Service, run


class Parts:
    """Answers for the metrics and embedders of a plugin, each loaded when it is first asked."""

    def __init__(self, plugin: str, service: Service) -> None:
        self._plugin = plugin
        self._service = service
        self._manager: PluginManager | None = None
        self._loaded: dict[str, tuple[str, Any]] = {}

    def answers(self, request: Message, content: bytes) -> Iterator[Packed]:
        """The one answer to a request."""
        with self._service.clock.running():
            who, part = self._part(request)
            try:
                message, payload = _answer(who, part, request, content)
            except PASSED:
                raise
            except BaseException as error:
                raise PluginError(f"{who} failed in {request['verb']} with {reason(error)}") from error
        yield {**message, "is_last": True}, payload

    def _part(self, request: Message) -> tuple[str, Any]:
        sort, name = request["sort"], request["name"]
        key = f"{sort} {name} {request['given']}"
        if key not in self._loaded:
            self._manager = self._manager or PluginManager(only=[self._plugin])
            records: Iterator[Any] = self._manager.contributions(
                EmbedderModel if sort == "embedder" else QualityMetrics
            )
            record = next((each for each in records if each.name == name), None)
            if record is None:
                status = next((each.status for each in self._manager.statuses), "")
                raise PluginError(
                    f"plugin {self._plugin} brings no {sort} {name} in its own process: {status}"
                )
            who, part = self._manager.named(record), self._manager.load(record, *request["given"])
            if sort == "embedder":
                _check_parts(who, part, record.embeds)
            self._loaded[key] = who, part
        return self._loaded[key]


def _answer(who: str, part: Any, request: Message, content: bytes) -> Packed:
    verb = request["verb"]
    if verb == "measure":
        [picture] = _pictures(request, content)
        return {"numbers": _numbers(who, part(picture, *request["of"]))}, b""
    if verb == "abilities":
        return {
            "is_bounded": isinstance(part, BoundedEmbedder),
            "is_limited": isinstance(part, LimitedEmbedder),
            "turns": isinstance(part, TurningEmbedder),
        }, b""
    if verb == "begin":
        return _described(who, part), b""
    if verb == "embed_images":
        return _array(who, verb, part.embed_images(_pictures(request, content)))
    if verb == "embed_texts":
        return _array(who, verb, part.embed_texts(request["texts"]))
    if verb in ("outside", "turned"):
        import numpy

        vectors = numpy.frombuffer(content, "float32").reshape(request["shape"])
        if verb == "turned":
            turned = part.turned(vectors, request["quarters"], mirrored=request["mirrored"])
            return _array(who, verb, turned)
        return {"list": [bool(each) for each in part.outside(vectors)]}, b""
    if verb == "fits":
        return {"list": [bool(each) for each in part.fits(request["texts"])]}, b""
    return {"list": [str(word) for word in part.unknown(request["texts"][0])]}, b""


def _check_parts(who: str, part: Any, sides: Sequence[str]) -> None:
    """Raise PluginError for what is no embedder of these sides."""
    methods = [name for side, name in (("image", "embed_images"), ("text", "embed_texts")) if side in sides]
    missing = [name for name in ("size", "revision", *methods) if not hasattr(part, name)]
    if missing:
        raise PluginError(f"{who} has no {', '.join(missing)}, which heron.Embedder requires")


def _described(who: str, part: Any) -> Message:
    if type(part.size) is not int or not isinstance(part.revision, str):
        raise PluginError(
            f"{who} has the size {part.size!r:.80} and the revision {part.revision!r:.80}, expected a number and a text"
        )
    told = {name: getattr(part, name, "") for name in ("source", "scores")}
    if wrong := [one for one in told.values() if not isinstance(one, str)]:
        raise PluginError(f"{who} says {wrong[0]!r:.80}, expected a sentence")
    model = getattr(part, "model", None)
    return {
        "size": part.size,
        "revision": part.revision,
        "shortest_side": getattr(part, "shortest_side", 0),
        **told,
        **({"model": str(model)} if model is not None else {}),
    }


def _numbers(who: str, given: Any) -> dict[str, float]:
    """What metrics have answered, without what is no number."""
    if not isinstance(given, Mapping):
        raise PluginError(f"{who} failed in measure: it gave {given!r:.80}, expected numbers by name")
    found = {}
    for name, value in given.items():
        try:
            found[str(name)] = float(value)
        except (TypeError, ValueError, OverflowError):
            continue
    return found


def _array(who: str, verb: str, given: Any) -> Packed:
    import numpy

    found = numpy.ascontiguousarray(given)
    if found.dtype.kind not in "fiu":
        raise PluginError(f"{who} returned {found.dtype.name} in {verb}, expected numbers")
    return {"type": found.dtype.str, "shape": found.shape}, found.tobytes()


def _pictures(request: Message, content: bytes) -> Sequence[Any]:
    from PIL import Image

    pictures, start, mode = [], 0, request["mode"]
    for width, height in request["sizes"]:
        length = width * height * len(mode)
        pictures.append(Image.frombytes(mode, (width, height), content[start : start + length]))
        start += length
    if start != len(content):
        raise MediaError("the pictures are not as large as their content")
    return pictures


if __name__ == "__main__":
    *limits, named = sys.argv[1:]
    run(lambda service: Parts(named, service).answers, *limits)
