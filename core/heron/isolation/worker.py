"""The process that runs the decoders of one plugin, within limits."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from typing import Any

from heron.errors import PluginError
from heron.hooks import PluginManager
from heron.hooks.manager import BUILT_IN
from heron.isolation.channel import Message
from heron.isolation.files import SentFile
from heron.isolation.packing import pack
from heron.isolation.serving import Packed, Service, run
from heron.media.reader import Decoding, here

_STREAMS = ("frames", "text", "page_texts", "values")


class Decoders:
    """Answers for the decoders of a plugin, each loaded when it is first asked."""

    def __init__(self, plugin: str, service: Service) -> None:
        self._plugin = plugin
        self._service = service
        self._manager: PluginManager | None = None
        self._decoders: dict[str, Decoding] = {}

    def answers(self, request: Message, content: bytes) -> Iterator[Packed]:
        """The answers to a request, which names the decoder and its method."""
        verb = request["verb"]
        with self._service.clock.running():
            file, arguments, given = pickle.loads(content)  # noqa: S301 - sent by the process that this one serves
            if isinstance(file, SentFile):
                file.fetch = self._service.fetch
                arguments = (file, *arguments)
            decoder = self._decoder(request["decoder"], given)
            if verb in _STREAMS:
                pieces = getattr(decoder, verb)(*arguments)
            else:
                message, payload = _answer(decoder, verb, arguments)
        if verb in _STREAMS:
            yield from self._pieces(verb, pieces)
        else:
            yield {**message, "is_last": True}, payload

    def _pieces(self, verb: str, pieces: Any) -> Iterator[Packed]:
        try:
            while True:
                with self._service.clock.running():
                    piece = next(pieces, None)
                    packed = None if piece is None else pack(verb, piece)
                if packed is None:
                    return
                yield packed
        finally:
            with self._service.clock.running():
                pieces.close()

    def _decoder(self, name: str, given: dict[str, Any]) -> Decoding:
        if self._manager is None:
            self._manager = (
                PluginManager(builtin=["heron.media.builtin"], discover=False)
                if self._plugin == BUILT_IN
                else PluginManager(only=[self._plugin])
            )
        if name not in self._decoders:
            record = next((each for each in self._manager.decoders() if each.name == name), None)
            if record is None:
                status = next((each.status for each in self._manager.statuses), "")
                raise PluginError(
                    f"plugin {self._plugin} brings no decoder {name} in its own process: {status}"
                )
            self._decoders[name] = here(self._manager, record, **given)
        return self._decoders[name]


def _answer(decoder: Decoding, verb: str, arguments: tuple[Any, ...]) -> Packed:
    if verb == "abilities":
        return {"abilities": decoder.abilities}, b""
    if verb == "times":
        file, whole = arguments
        return pack(verb, decoder.times(file, whole=whole))
    return pack(verb, getattr(decoder, verb)(*arguments))


if __name__ == "__main__":
    *limits, named = sys.argv[1:]
    run(lambda service: Decoders(named, service).answers, *limits)
