"""Answers requests in a process of its own, within limits. It imports little, so that such a process starts quickly."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from heron.errors import HeronError, PluginError
from heron.isolation.channel import Channel, Message

Packed = tuple[Message, bytes]
"""A message and its bytes."""

END: Packed = {"end": True}, b""
"""What follows the last of several answers. A single answer has `is_last`."""


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


class Service:
    """What answers requests, one after another; each is a generator that takes the time of `clock` for its work."""

    def __init__(self, channel: Channel, clock: Clock) -> None:
        self._channel = channel
        self.clock = clock
        self._reading = threading.Lock()

    def fetch(self, start: int, end: int) -> bytes:
        """A part of a file that only the other process can read. If it cannot, it ends this one."""
        with self._reading, self.clock.paused():
            self._channel.send({"read": [start, end - start]})
            return self._channel.receive()[1]

    def serve(self, answers: Callable[[Message, bytes], Iterator[Packed]]) -> None:
        """Answer until the other process closes its side, or memory was too little."""
        while True:
            try:
                request, content = self._channel.receive()
            except EOFError:
                return
            try:
                last = self._sent(answers(request, content))
            except MemoryError:
                last = {"error": "MemoryError"}, b""
            except (EOFError, BrokenPipeError):
                return
            except BaseException as error:  # noqa: BLE001 - the next file waits
                last = _told(error), b""
            self._channel.send(*last)
            if last[0].get("error") == "MemoryError":
                return

    def _sent(self, answers: Any) -> Packed:
        """Send answers as they are asked for; returns the last one, which is not sent."""
        with closing(answers):
            for answer in answers:
                if "is_last" in answer[0]:
                    return answer  # type: ignore[no-any-return]
                self._channel.send(*answer)
                if not self._channel.receive()[0]["next"]:
                    break
        return END


def _told(error: BaseException) -> Message:
    """An error for the other process."""
    if isinstance(error, HeronError):
        sort = "PluginError" if isinstance(error, PluginError) else "MediaError"
        return {"error": sort, "message": error.message, "hint": error.hint}
    return {"error": "other", "message": " ".join(f"{type(error).__name__}: {error}".split())[:300]}


def run(
    made: Callable[[Service], Callable[[Message, bytes], Iterator[Packed]]],
    seconds: str,
    wait: str,
    memory: str,
) -> None:
    """Serve on what are standard input and output, within these limits; nothing else can write there. Never returns."""
    most = int(memory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks decides when to stop
    incoming, outgoing, nothing = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDWR)
    is_shown = bool(os.environ.get("HERON_PLUGIN_OUTPUT"))
    os.dup2(nothing, 0)
    os.dup2(2 if is_shown else nothing, 1)
    if not is_shown:
        os.dup2(nothing, 2)
    with suppress(ValueError, OSError):  # not every system can limit memory
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    service = Service(Channel(incoming, outgoing), Clock(float(seconds), float(wait)))
    try:
        service.serve(made(service))
    finally:
        os._exit(0)  # threads of the decoder do not hold it up
