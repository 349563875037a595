"""One process that works within limits, as the process that asks it sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from attrs import frozen

from heron.errors import InvalidInput, PluginError
from heron.hooks import MediaFile
from heron.isolation.channel import BrokenMessage, Channel, Message

SHOWN = "HERON_PLUGIN_OUTPUT"
"""The environment variable that says where what such a process prints goes."""

_LARGEST_READ = 8 * 1024**2
_AFTER = 10
"""The seconds that this process waits beyond those after which the other one ends itself."""


@frozen
class Limits:
    """What one call may take: processor time, and time without an answer, in seconds; address space in bytes.

    No limit of processor time for 0 `seconds`, and none of address space for a negative `memory`.
    """

    seconds: float = 60
    wait: float = 120
    memory: int = 4 * 1024**3

    @classmethod
    def of_environment(cls) -> Limits:
        """HERON_DECODER_SECONDS, HERON_DECODER_WAIT and HERON_DECODER_MEMORY (in MB), or the defaults; raises InvalidInput."""
        seconds = _number("HERON_DECODER_SECONDS", 60)
        wait = _number("HERON_DECODER_WAIT", max(120, 2 * seconds))
        return cls(seconds, wait, _number("HERON_DECODER_MEMORY", 4096) * 1024**2)

    @classmethod
    def of_own(cls) -> Limits:
        """Those of Heron's own decoders, which check what a file may take: none but that they answer within ten minutes."""
        return cls(0, 600, -1)

    def too_little(self) -> str:
        """What is said where memory was too little."""
        most = f" more than {self.memory // 1024**2:,} MB of" if self.memory >= 0 else " more"
        return f"it needs{most} memory" + ("" if self.memory >= 0 else " than there is")


def _number(name: str, default: int) -> int:
    given = os.environ.get(name, str(default))
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= 10**7):
        raise InvalidInput(f"{name} is {given!r}, a whole number from 1 is needed")
    return int(given)


class Ended(Exception):
    """A call that has no answer; the text says what happened to its process, or in it."""

    def __init__(self, reason: str, *, took_too_long: bool = False, exited: bool = False) -> None:
        super().__init__(reason)
        self.took_too_long = took_too_long
        self.exited = exited
        """Whether the process ended by itself, as it does where it cannot run at all."""


class Source:
    """Reads a file for a process that has no path of it."""

    def __init__(self, file: MediaFile | None) -> None:
        self._file = file
        self._stream: Any = None

    def block(self, start: int, count: int) -> bytes:
        """Some bytes; raises what reading raises, and Ended for a place that no file has."""
        if self._file is None or not 0 <= start <= self._file.size or not 0 <= count <= _LARGEST_READ:
            raise Ended("its process sent what is no answer")
        if self._stream is None:
            self._stream = self._file.open()
        self._stream.seek(start)
        found: bytes = self._stream.read(count)
        return found

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()


class Process:
    """One process that serves a module, such as the decoders of a plugin; it ends with the object, and when this process ends.

    `serves` is the module, whose main program calls `serving.run`, and what it is told.
    """

    def __init__(self, serves: tuple[str, ...], limits: Limits) -> None:
        """Start it; raises PluginError if that is not possible."""
        self.serves = serves
        self.has_read = False
        """Whether it has read a file, which may have broken it."""

        self._limits = limits
        module, *told = serves
        given = [str(number) for number in (limits.seconds, limits.wait, limits.memory)]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-uP", "-m", module, *given, *told],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=_output(),
                bufsize=0,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(place or str(Path.cwd()) for place in sys.path),
                },
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise PluginError(f"process {' '.join(serves)} cannot be started: {error}") from error
        to, of = self._process.stdin, self._process.stdout
        assert to is not None and of is not None
        self._channel = Channel(of.fileno(), to.fileno(), limits.wait + _AFTER)
        self.end = weakref.finalize(self, _end, self._process, os.getpid())

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, message: Message, content: bytes, source: Source) -> tuple[Message, bytes]:
        """Send a request, and meanwhile read from the source what the process asks for; raises Ended, and what reading raises."""
        answer, found = self._exchange(message, content)
        while "read" in answer:
            try:
                start, count = map(int, answer["read"])
            except (TypeError, ValueError):
                raise Ended("its process sent what is no answer") from None
            answer, found = self._exchange({}, source.block(start, count))
        return answer, found

    def _exchange(self, message: Message, content: bytes) -> tuple[Message, bytes]:
        try:
            self._channel.send(message, content)
            return self._channel.receive()
        except TimeoutError:
            raise self._hung() from None
        except BrokenMessage:
            raise Ended("its process sent what is no answer") from None
        except (OSError, EOFError) as error:
            raise self._ending() from error

    def _hung(self) -> Ended:
        return Ended(f"it gave no answer for {self._limits.wait:g} s", took_too_long=True)

    def _ending(self) -> Ended:
        """What has happened to the process, which has closed its side."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return Ended("its process closed the connection")
        if code == -signal.SIGPROF:
            return Ended(
                f"it took more than {self._limits.seconds:g} s of processor time", took_too_long=True
            )
        if code == -signal.SIGALRM:
            return self._hung()
        if code >= 0:
            return Ended(f"its process ended by itself with code {code}", exited=True)
        if code == -signal.SIGKILL:
            return Ended("its process was killed, as the system does when memory is short")
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        return Ended(f"its process ended by signal {name}")


def _output() -> int | BinaryIO | None:
    """Where what the process prints goes: nowhere, or where HERON_PLUGIN_OUTPUT says, a file or `-`; raises InvalidInput."""
    given = os.environ.get(SHOWN, "")
    if given in ("", "-"):
        return None if given else subprocess.DEVNULL
    try:
        return Path(given).expanduser().open("ab")
    except OSError as error:
        raise InvalidInput(
            f"{SHOWN}: {given} cannot be written: {error.strerror}",
            hint="name a file, or - for standard error",
        ) from error


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """End a process with all that it has started; in a fork of its owner, only close its pipes."""
    if owner == os.getpid():
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
