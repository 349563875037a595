"""Computes the SHA-256 of the files of items that have no content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import closing
from typing import Any, cast

from heron.catalog.findings import Findings
from heron.catalog.items import ItemService, bundles
from heron.curation.records import Hashed
from heron.errors import HeronError, MediaError
from heron.models import Item
from heron.pictures.rounds import PROBLEMS, Rounds
from heron.storage.opening import media_file
from heron.storage.service import StorageService

_BATCH = 64


def hash_items(
    uuids: Sequence[str],
    items: ItemService,
    storage: StorageService,
    findings: Findings,
    advanced: Callable[[int], None],
) -> Hashed:
    """Hash the files of items and store each hash at once; files that cannot be read are reported as
    problems.

    Items whose store does not answer are asked for again at the end. To continue an interrupted run, run it again.
    """
    counts = {"hashed": 0, "failed": 0}
    problems: list[str] = []
    waiting: list[tuple[Item, str]] = []

    def owners() -> Iterator[Item]:
        for bundle in bundles(uuids):
            there = [items.get(uuid) for uuid in bundle]
            findings.require(item.id for item in there)
            yield from there

    def read(ids: Sequence[int]) -> Iterator[Item]:
        return (item for some in bundles(ids) for item in items._records(some).values())

    def work(item: Item, made: Collection[Hashable]) -> Iterator[str]:
        yield _hash_of(item, storage)

    def keep() -> None:
        findings.keep_hashes(waiting)
        counts["hashed"] += len(waiting)
        waiting.clear()
        advanced(sum(counts.values()))

    rounds = Rounds(read, work)
    with closing(rounds(owners())) as found:
        for item, outcome in found:
            if isinstance(outcome, HeronError):
                counts["failed"] += 1
                if len(problems) < PROBLEMS:
                    problems.append(f"{item.name}: {outcome}")
            elif outcome is not None:
                waiting.append((item, outcome))
                if len(waiting) >= _BATCH:
                    keep()
    keep()
    problems += [f"{problem.place}: {problem.reason}" for problem in rounds.problems]
    return Hashed(counts["hashed"], counts["failed"], tuple(problems[:PROBLEMS]), rounds.waiting)


def _hash_of(item: Item, storage: StorageService) -> str:
    integration = storage.of(item)
    file = media_file(item.url, lambda url: storage.open(url, integration))
    if item.size is not None and file.size != item.size:
        raise MediaError(
            f"{item.name} has changed since it was imported", hint="import it again, or heron sync"
        )
    with file.open() as stream:
        return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()
