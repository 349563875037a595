"""Progress on standard error: one line that is written again on a terminal, and a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from heron.cli import screen

if TYPE_CHECKING:
    from heron.ingest.pipeline import Progress

_EVERY = 0.2
"""Seconds between two writings of the line on a terminal."""

_FIRST_LINE, _NEXT_LINES = 30.0, 60.0
"""Seconds before the first line in a pipe or log, and between two of them."""

_STEADY = 0.5
"""Seconds before a rate is worth telling."""

_CLEAR = "\r\x1b[K"
_BAR = 20


class Line:
    """A line of progress, which a thread of its own writes, so that it moves also while nothing is reported."""

    def __init__(self, what: str, unit: str) -> None:
        self._what = what
        self._unit = unit
        self._start = time.monotonic()
        self._state: tuple[int, int | None, float | None, str] = (0, None, None, "")
        self._on_terminal = sys.stderr.isatty() and not screen.is_dumb()
        self._written = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def show(
        self, done: int, total: int | None = None, *, share: float | None = None, more: str = ""
    ) -> None:
        """What is done so far, of how many if that is known, or the share of it; `more` is said beside it."""
        self._state = done, total, share, more

    def close(self) -> None:
        """Remove the line."""
        self._end.set()
        self._thread.join()
        if self._on_terminal and self._written:
            self._write(_CLEAR)

    def _run(self) -> None:
        wait = _EVERY if self._on_terminal else _FIRST_LINE
        while not self._end.wait(wait):
            text = self.text(time.monotonic() - self._start)
            if self._on_terminal:
                width = (screen.screen_width(sys.stderr) or 80) - 1
                self._write(_CLEAR + screen.cut_end(text, width))
            else:
                self._write(text + "\n")
                wait = _NEXT_LINES
            self._written += 1

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):
            self._end.set()  # nobody reads it any more

    def text(self, elapsed: float) -> str:
        """The line after some seconds: `Importing: 2,000 of 10,000 files, 10 new, 500 a second, 0:16 left`."""
        done, total, share, more = self._state
        if total is not None and total >= done and share is None:
            share = done / total if total else None
        of = f" of {total:,}" if total is not None and total >= done else ""
        parts = [f"{done:,}{of} {self._unit}{'' if (total or done) == 1 else 's'}"]
        parts += [more] if more else []
        if done and elapsed > _STEADY:
            parts.append(f"{_rate(done / elapsed)} a second")
        if share is not None and 0.01 < share < 1 and elapsed > _STEADY:
            parts.append(f"{spoken_time(elapsed / share - elapsed)} left")
        elif share is None:
            parts.append(spoken_time(elapsed))
        waiting = _waited_for()
        parts += [waiting] if waiting else []
        bar = f"{_bar(share)} " if share is not None and self._on_terminal else ""
        return f"{bar}{screen.as_written(screen.visible(self._what))}: {', '.join(parts)}"


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of an import."""
    with _line(what, "file") as line:

        def show(progress: Progress) -> None:
            more = [f"{progress.added:,} new"] + ([f"{progress.failed:,} failed"] if progress.failed else [])
            line.show(progress.files, progress.total, share=progress.share, more=", ".join(more))

        yield show


@contextmanager
def counting(what: str, unit: str = "item", total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how many are done, of how many if `total` is known."""
    with _line(what, unit) as line:
        line.show(0, total)
        yield lambda done: line.show(done, total)


@contextmanager
def counting_of(what: str, unit: str = "item") -> Iterator[Callable[[int, int], None]]:
    """Show how many are done, of a number that is told with them."""
    with _line(what, unit) as line:
        yield line.show


@contextmanager
def counting_parts(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show the share that is done of a part that is told with it."""
    with _line(what, "block") as line:
        yield lambda part, done, total: line.show(done, total, more=part)


@contextmanager
def _line(what: str, unit: str) -> Iterator[Line]:
    line = Line(what, unit)
    try:
        yield line
    finally:
        line.close()


def _waited_for() -> str | None:
    """What the work waits for, such as a storage that does not answer; nothing can wait before that module is imported."""
    module = sys.modules.get("heron.storage.waiting")
    found: str | None = module.waited_for() if module is not None else None
    return found


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def spoken_time(seconds: float) -> str:
    """`0:05`, `12:34`, `2:03:04`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _bar(share: float) -> str:
    full = round(_BAR * min(1.0, share))
    on, off = ("━", "·") if screen.as_written("━") == "━" else ("#", ".")
    return on * full + off * (_BAR - full)
