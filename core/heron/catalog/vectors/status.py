"""The status of the vectors of a key: how many there are, how many the caches cover, and problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from heron.catalog.vectors.rows import VectorRows, VectorSet
from heron.records import Record

if TYPE_CHECKING:
    from heron.vectors.space import SpaceStatus


@frozen(repr=False)
class VectorStatus(Record):
    """The status of the vectors of one key.

    `vectors` is the number of live rows, `gaps` of rows of deleted or replaced vectors, `missing` of rows
    that the file has lost. `coded` and `indexed` are the numbers of rows that the codes and the index cover; rows
    beyond are searched by the vectors themselves. `recall` is the share of the nearest that the index finds.
    `bytes` is the size of all files. `notes` say why a cache is not used.
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


def status_of(
    rows: VectorRows, seen: Callable[[VectorSet], Sequence[int] | None], kept: VectorSet
) -> VectorStatus:
    """The status of a set; `seen` gives the rows that the user sees, None for all.

    If some rows are hidden, the numbers are those of the visible rows: no gaps, and their share of the bytes.
    """
    from heron.vectors.files import stamp

    space = rows.space(kept)
    caches = space.status()
    live = rows.live_count(kept)
    files = filter(None, map(stamp, rows.folder.glob(f"{kept.file}.*")))
    size = sum(size for _, size, _ in files)
    gaps, there, coded = kept.row_count - live, space.count, caches.codes.rows
    indexed, recall = max(_indexes(caches), key=lambda index: index[0])
    missing, visible = kept.row_count - there, seen(kept)
    if visible is not None:
        live, gaps, missing = len(visible), 0, sum(row >= there for row in visible)
        coded, indexed = (sum(row < end for row in visible) for end in (coded, indexed))
        size = size * live // max(kept.row_count, 1)
    return VectorStatus(
        kept.key, kept.size, kept.dtype, live, gaps, missing, coded, indexed, recall, size,
        kept.embedder, kept.model, kept.revision, str(space.matrix.path),
        tuple(_notes(caches)),
    )  # fmt: skip


def _indexes(caches: SpaceStatus) -> Iterator[tuple[int, float | None]]:
    """Rows and recall of each index that is used; of one that is not, if there is no other."""
    is_graph_used = caches.expansion is not None
    if caches.are_partitions_useful or not is_graph_used:
        yield caches.partitions.rows, caches.partitions_recall
    if is_graph_used:
        yield caches.graph.rows, caches.recall


def _notes(caches: SpaceStatus) -> Iterator[str]:
    """Why a cache that is there is not used."""
    from heron.vectors.judging import refusal
    from heron.vectors.partition_file import ENOUGH

    named = (
        ("scan copy", caches.codes),
        ("index of partitions", caches.partitions),
        ("index, a graph,", caches.graph),
    )
    for name, cache in named:
        if cache.problem and cache.bytes:
            yield f"the {name} is not used: {cache.problem}"
    found = caches.partitions_recall
    if caches.partitions.rows and not caches.are_partitions_useful and found is not None and found < ENOUGH:
        yield f"the index of partitions finds {found:.1%} of the nearest, which is too few: it is not used"
    elif caches.partitions.rows and not caches.are_partitions_useful:
        yield "the index of partitions is not used: the vectors are so far from each other that a scan is faster"
    if caches.graph.rows and caches.expansion is None:
        yield refusal(caches.recall or 0, caches.far_recall)
