"""Makes pictures of many items in threads, as a stream, so that memory does not grow with the number of items."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from queue import Empty, Full, Queue
from typing import TypeVar

from heron import overdue
from heron.cores import usable_cores
from heron.errors import HeronError
from heron.models import Item
from heron.storage.waiting import current, working_for

T = TypeVar("T")

AHEAD = 128
"""The most pieces that can wait to be stored."""


def in_threads(
    items: Iterable[Item], work: Callable[[Item], Iterable[T]]
) -> Generator[tuple[Item, T | HeronError | None], None, None]:
    """Yields the pieces of each item as they are made, then None if the item is done, or the error that ended it.

    One thread per core works on one item at a time: decoders release the interpreter lock while they decode.
    Close the iterator, so that no thread is left.
    """
    source = iter(items)
    taking, stopped = threading.Lock(), threading.Event()
    pieces: Queue[tuple[Item, T | HeronError | None]] = Queue(AHEAD)
    failed: list[BaseException] = []
    patience = current()
    at_work: dict[int, Item] = {}
    """What each thread works on."""

    given_up: set[int] = set()
    """Threads in which a plugin waits for something that never comes: others work in their place."""

    ending = threading.Lock()

    def is_mine() -> bool:
        """Whether the item of this thread, which has ended, was not given up meanwhile."""
        with ending:
            at_work.pop(threading.get_ident(), None)
            return threading.get_ident() not in given_up

    def put(piece: tuple[Item, T | HeronError | None]) -> None:
        while not stopped.is_set():
            try:
                pieces.put(piece, timeout=0.2)
            except Full:
                continue
            return

    def run() -> None:
        given_up.discard(threading.get_ident())  # of a thread that has ended: its ident is used again
        with working_for(patience):
            take()

    def take() -> None:
        try:
            while not stopped.is_set():
                with taking:
                    item = next(source, None)
                if item is None:
                    return
                end: HeronError | None = None
                at_work[threading.get_ident()] = item
                try:
                    for piece in work(item):
                        if stopped.is_set() or threading.get_ident() in given_up:
                            return
                        put((item, piece))
                except HeronError as error:
                    end = error
                except (OSError, MemoryError) as error:
                    end = HeronError(f"{item.name} cannot be read: {error}")
                if not is_mine():
                    return
                put((item, end))
        except BaseException as error:  # noqa: BLE001 - yielded to the caller instead of the pieces
            failed.append(error)
            stopped.set()

    def started() -> threading.Thread:
        thread = threading.Thread(target=run, name="heron-pictures", daemon=True)
        thread.start()
        return thread

    def stuck() -> Iterator[tuple[Item, HeronError]]:
        """The items on which a plugin cannot be ended; other threads take the place of theirs."""
        for place, thread in enumerate(threads):
            ident = thread.ident or 0
            if (call := overdue.stuck(ident)) is not None:
                with ending:
                    item = at_work.pop(ident, None)
                    if item is not None:
                        given_up.add(ident)
                if item is not None:
                    threads[place] = started()
                    text = f"{item.name}: {call.who} took more than {call.seconds:g} s, and cannot be ended"
                    yield item, HeronError(text)

    threads = [started() for _ in range(usable_cores())]
    try:
        while True:
            running = any(thread.is_alive() for thread in threads)
            try:
                yield pieces.get(timeout=0.05)
            except Empty:
                if not running:
                    break
                yield from stuck()
        if failed:
            raise failed[0]
    finally:
        stopped.set()
        if patience is not None and any(thread.is_alive() for thread in threads):
            patience.stop()  # the job ends early: nobody waits for a store any more
        for thread in threads:
            thread.join()  # no thread may read the catalogue after it is closed
