"""How the vectors of a key stand: how many there are, how far the caches go, and what is amiss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from heron.catalog.vectors.rows import VectorRows, VectorSet
from heron.records import Record

if TYPE_CHECKING:
    from heron.vectors.space import SpaceStatus


@frozen(repr=False)
class VectorStatus(Record):
    """What is kept under one key.

    `vectors` count, `gaps` are rows of deleted or replaced ones, `missing` are rows that the file has lost. `coded` and
    `indexed` are the rows that the two caches cover; rows beyond are searched by the numbers themselves. `recall` is
    what the index finds of the ten nearest. `bytes` are those of all files. `notes` say why a cache is not used.
    """

    key: str
    size: int
    dtype: str
    vectors: int
    gaps: int
    missing: int
    coded: int
    indexed: int
    recall: float | None
    bytes: int
    embedder: str | None
    model: str | None
    revision: str | None
    file: str
    notes: tuple[str, ...] = ()


def status_of(rows: VectorRows, kept: VectorSet) -> VectorStatus:
    """How a set stands."""
    from heron.vectors.files import stamp

    space = rows.space(kept)
    caches = space.status()
    live = rows.live_count(kept)
    files = filter(None, map(stamp, rows.folder.glob(f"{kept.file}.*")))
    return VectorStatus(
        kept.key, kept.size, kept.dtype, live, kept.row_count - live, kept.row_count - space.count,
        caches.codes.rows, caches.graph.rows, caches.recall, sum(size for _, size, _ in files),
        kept.embedder, kept.model, kept.revision, str(space.matrix.path),
        tuple(_notes(caches)),
    )  # fmt: skip


def _notes(caches: SpaceStatus) -> Iterator[str]:
    """Why a cache that is there is not used."""
    for name, cache in (("scan copy", caches.codes), ("index", caches.graph)):
        if cache.problem and cache.bytes:
            yield f"the {name} is not used: {cache.problem}"
    if caches.graph.rows and caches.expansion is None:
        yield f"the index finds {caches.recall:.0%} of the nearest, which is too few: all vectors are looked at instead"
