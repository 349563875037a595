"""The processes of a reader or decoder: started when they are needed, used again, and replaced when they end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

from heron.errors import HeronError, MediaError, PluginError
from heron.hooks import MediaFile
from heron.isolation.channel import Message
from heron.isolation.process import Ended, Limits, Process, Source

_MOST_IDLE = 4
"""The most idle processes that are kept for the next files."""


class Pool:
    """As many processes as files are being read at once, and a few that are idle. For use in several threads."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits.of_environment()
        self._idle: list[Process] = []
        self._owner = os.getpid()

    def call(
        self, serves: tuple[str, ...], request: Message, content: bytes = b"", file: MediaFile | None = None
    ) -> tuple[Message, bytes]:
        """The one answer to a request; raises what was raised there, and Ended."""
        [answer] = self.stream(serves, request, content, file)
        return answer

    def stream(
        self, serves: tuple[str, ...], request: Message, content: bytes = b"", file: MediaFile | None = None
    ) -> Iterator[tuple[Message, bytes]]:
        """The answers to a request, one after another; raises what was raised there or by reading the file, and Ended.

        `serves` is that of `Process`. While the answers are being taken, the process is at work for this request alone.
        """
        with closing(Source(file)) as source:
            process, answer, found = self._begun(serves, request, content, source)
            process.has_read = process.has_read or file is not None
            try:
                while "end" not in answer and "error" not in answer:
                    yield answer, found
                    if answer.get("is_last"):
                        break
                    answer, found = process.ask({"next": True}, b"", source)
            except GeneratorExit:
                if answer.get("is_last"):
                    self._give_back(process)
                else:
                    self._stopped(process, source)
                raise
            except BaseException:
                process.end()  # what it answers next would be taken for that of another file
                raise
            if answer.get("error") == "MemoryError":
                process.end()
                raise Ended(self._limits.too_little())
            self._give_back(process)
            if "error" in answer:
                raise _error(answer)

    def _begun(
        self, serves: tuple[str, ...], request: Message, content: bytes, source: Source
    ) -> tuple[Process, Message, bytes]:
        """The first answer. A process that has read other files may end because of those, so a new one is asked then."""
        for process in (self._borrow(serves), None):
            process = process or Process(serves, self._limits)
            had_read = process.has_read
            try:
                return process, *process.ask(request, content, source)
            except Ended as error:
                process.end()
                if error.took_too_long or not had_read:
                    raise
            except BaseException:
                process.end()
                raise
        raise AssertionError("a new process has read nothing")

    def _stopped(self, process: Process, source: Source) -> None:
        try:
            process.ask({"next": False}, b"", source)
        except BaseException as error:
            process.end()
            if not isinstance(error, Ended):
                raise
        else:
            self._give_back(process)

    def _borrow(self, serves: tuple[str, ...]) -> Process | None:
        if self._owner != os.getpid():  # after a fork, they belong to the parent
            self._idle, self._owner = [], os.getpid()
        for process in reversed(list(self._idle)):
            if process.serves == serves:
                try:
                    self._idle.remove(process)
                except ValueError:
                    continue  # another thread has taken it
                if process.is_alive:
                    return process
                process.end()
        return None

    def _give_back(self, process: Process) -> None:
        self._idle.append(process)
        while len(self._idle) > _MOST_IDLE:
            self._idle.pop(0).end()


def _error(answer: Message) -> HeronError | Ended:
    """The error of a decoder, as its process tells it."""
    message, hint = str(answer.get("message")), answer.get("hint")
    if answer["error"] == "other":
        return Ended(message)
    sort = PluginError if answer["error"] == "PluginError" else MediaError
    return sort(message, hint=None if hint is None else str(hint))
