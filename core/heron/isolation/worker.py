"""The process that runs the decoders of one plugin, within limits; started by `process.py`."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from heron.errors import HeronError, PluginError
from heron.hooks import PluginManager
from heron.hooks.door import reason
from heron.isolation.channel import Channel, Message
from heron.isolation.files import SentFile
from heron.isolation.packing import Packed, pack
from heron.media.reader import Decoding, here

_STREAMS = ("frames", "text", "values")


class Clock:
    """Limits the processor time of a call, and the time until it answers. The system ends the process, whatever it does."""

    def __init__(self, seconds: float, wait: float) -> None:
        self._seconds = seconds
        self._wait = wait

    @contextmanager
    def running(self) -> Iterator[None]:
        """The time of a call, or of one piece of its answer."""
        signal.setitimer(signal.ITIMER_PROF, self._seconds)
        signal.setitimer(signal.ITIMER_REAL, self._wait)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The time in which a storage is read by the other process."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, self._wait)


class Worker:
    """Answers requests, one after another."""

    def __init__(self, plugin: str, channel: Channel, clock: Clock) -> None:
        self._plugin = plugin
        self._channel = channel
        self._clock = clock
        self._reading = threading.Lock()
        self._manager: PluginManager | None = None
        self._decoders: dict[str, Decoding] = {}

    def serve(self) -> None:
        """Answer until the other process closes its side, or memory was too little."""
        while True:
            try:
                request, content = self._channel.receive()
            except EOFError:
                return
            last: Packed = {}, b""
            try:
                for last in self._answers(request, content):
                    if "is_last" in last[0] or "end" in last[0]:
                        break
                    self._channel.send(*last)
                    if not self._channel.receive()[0]["next"]:
                        last = {"end": True}, b""
                        break
            except MemoryError:
                last = {"error": "MemoryError"}, b""
            except (EOFError, BrokenPipeError):
                return
            except BaseException as error:  # noqa: BLE001 - the next file waits
                last = _told(error), b""
            self._channel.send(*last)
            if last[0].get("error") == "MemoryError":
                return

    def _answers(self, request: Message, content: bytes) -> Iterator[Packed]:
        verb = request["verb"]
        with self._clock.running():
            file, arguments = pickle.loads(content)  # noqa: S301 - sent by the process that this one serves
            if isinstance(file, SentFile):
                file.fetch = self._fetch
                arguments = (file, *arguments)
            decoder = self._decoder(request["decoder"])
            if verb == "abilities":
                found: Any = None
            elif verb == "times":
                found = decoder.times(arguments[0], whole=arguments[1])
            else:
                found = getattr(decoder, verb)(*arguments)
        if verb == "abilities":
            yield {"abilities": decoder.abilities, "is_last": True}, b""
        elif verb not in _STREAMS:
            message, content = pack(verb, found)
            yield {**message, "is_last": True}, content
        else:
            yield from self._pieces(verb, found)

    def _pieces(self, verb: str, found: Iterator[Any]) -> Iterator[Packed]:
        try:
            while True:
                with self._clock.running():
                    piece = next(found, None)
                    packed = None if piece is None else pack(verb, piece)
                yield packed or ({"end": True}, b"")
                if packed is None:
                    return
        finally:
            with self._clock.running():
                found.close()  # type: ignore[attr-defined]

    def _decoder(self, name: str) -> Decoding:
        if self._manager is None:
            self._manager = PluginManager(only=[self._plugin])
        if name not in self._decoders:
            record = next((each for each in self._manager.decoders() if each.name == name), None)
            if record is None:
                status = next((each.status for each in self._manager.statuses), "")
                raise PluginError(
                    f"plugin {self._plugin} brings no decoder {name} in its own process: {status}"
                )
            self._decoders[name] = here(self._manager, record)
        return self._decoders[name]

    def _fetch(self, start: int, end: int) -> bytes:
        """A part of a file that only the other process can read; raises OSError."""
        with self._reading, self._clock.paused():
            self._channel.send({"read": [start, end - start]})
            answer, content = self._channel.receive()
        if not answer["ok"]:
            raise OSError("the file cannot be read")
        return content


def _told(error: BaseException) -> Message:
    """An error for the other process."""
    if isinstance(error, HeronError):
        sort = "PluginError" if isinstance(error, PluginError) else "MediaError"
        return {"error": sort, "message": error.message, "hint": error.hint}
    return {"error": "other", "message": reason(error)}


def main(plugin: str, seconds: str, wait: str, memory: str) -> None:
    """Serve on what are standard input and output, within these limits; nothing else can write there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks decides when to stop
    incoming, outgoing, nothing = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    with suppress(ValueError, OSError):  # not every system can limit memory
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    try:
        Worker(plugin, Channel(incoming, outgoing), Clock(float(seconds), float(wait))).serve()
    finally:
        os._exit(0)  # threads of the decoder do not hold it up


if __name__ == "__main__":
    main(*sys.argv[1:])
