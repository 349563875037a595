"""Similarity search as users call it, SQL included: kept vectors, unfiltered and filtered queries, opening, memory.

Run: python benchmarks/similarity.py [ITEMS] [--directory DIR]    (DIR is kept, so that a graph is built once only)

Filters allow a share of the items, at random, or those that are least like the query, which is the hardest for an index.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure import in_fresh_process, median, peak_memory_mb, table, timed

SIZE = 512
SHARES = (0.5, 0.1, 0.03, 0.01, 0.001)
QUERIES = 20
_BLOCK = 10_000


def vectors(count: int, seed: int = 1) -> Iterator[np.ndarray[Any, Any]]:
    """Blocks of vectors like those of real pictures: many overlapping clusters of a lower dimension, and some noise."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(1000, SIZE))
    basis = random.normal(size=(64, SIZE))
    for start in range(0, count, _BLOCK):
        own = np.random.default_rng((seed, start))
        rows = min(_BLOCK, count - start)
        near = centres[own.integers(0, len(centres), rows)]
        yield (near + own.normal(size=(rows, 64)) @ basis / 4 + own.normal(size=(rows, SIZE)) / 2).astype(
            "f4"
        )


def make(directory: Path, count: int) -> Any:
    """A catalogue of items with vectors; `share` is random, `far` rises with the likeness to the first vector."""
    import heron

    workspace = heron.open(directory, discover=False)
    if workspace.vectors._rows.find("own"):
        return workspace
    with workspace.schema.edit() as schema:
        schema.add_scalar("share", "number")
        schema.add_scalar("far", "number")
        schema.add_embedding("own", SIZE)
    first = next(vectors(1))[0]
    likeness = np.concatenate([block @ first / np.linalg.norm(block, axis=1) for block in vectors(count)])
    far = likeness.argsort().argsort() / count
    share = np.random.default_rng(5).random(count)
    workspace.registration.register(
        (
            heron.NewItem(
                url=f"s3://bucket/{number:07}.jpg",
                facts=heron.MediaFacts(kind="image", media_type="image/jpeg", width=1024, height=768),
                metadata={"share": float(share[number]), "far": float(far[number])},
            )
            for number in range(count)
        ),
        "A",
    )
    return workspace


def kept(workspace: Any, directory: Path, count: int) -> None:
    """Time of keeping all vectors, beside numpy.save of the same numbers and fsync."""
    uuids = [row[0] for row in workspace._database.rows("SELECT uuid FROM items ORDER BY id")]
    blocks = list(vectors(count))

    def by_heron() -> None:
        for number, block in enumerate(blocks):
            workspace.vectors.add("own", uuids[number * _BLOCK :][: len(block)], block)

    def by_numpy() -> None:
        with (directory / "raw.npy").open("wb") as stream:
            np.save(stream, np.concatenate(blocks))
            stream.flush()
            os.fsync(stream.fileno())

    own, raw = timed(by_heron), timed(by_numpy)
    (directory / "raw.npy").unlink()
    ratio = f"{raw[0] / own[0]:.2f}"
    table(
        f"Keeping {count:,} vectors of {SIZE} numbers",
        ["", "wall s", "CPU s", "of the raw limit"],
        [
            ["ws.vectors.add", f"{own[0]:.1f}", f"{own[1]:.1f}", ratio],
            ["numpy.save + fsync", f"{raw[0]:.1f}", f"{raw[1]:.1f}", "1"],
        ],
    )


def milliseconds(work: Callable[[int], Any], runs: int = QUERIES) -> float:
    """The median of some calls."""
    times = []
    for number in range(runs):
        start = time.perf_counter()
        work(number)
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


def unfiltered(workspace: Any, queries: np.ndarray[Any, Any]) -> None:
    """The whole query beside the search alone: the engine's, and usearch's own on the same graph."""
    from usearch.index import Index

    opened = workspace.vectors._opened("own")
    uuid_of = [set(page_of(workspace, query, exact=True)) for query in queries]
    found = [set(page_of(workspace, query)) for query in queries]
    recall = np.mean([len(a & b) / 10 for a, b in zip(uuid_of, found, strict=True)])
    rows = [
        ["ws.search, ten items with all they have", f"{milliseconds(lambda n: page_of(workspace, queries[n])):.2f}", f"{recall:.3f}"],
        ["engine alone", f"{milliseconds(lambda n: opened.space.search(queries[n], 10)):.2f}", ""],
    ]  # fmt: skip
    graph = Path(workspace.vectors._rows.folder) / f"{opened.kept.file}.graph"
    if graph.exists():
        index = Index.restore(str(graph), view=True)
        codes = [np.round(query / np.abs(query).max() * 127).astype(np.int8) for query in queries]
        rows.append(
            [
                "usearch alone (int8, not ranked again)",
                f"{milliseconds(lambda n: index.search(codes[n], 10)):.2f}",
                "",
            ]
        )
    table("A query for the ten most similar", ["", "ms (median)", "recall@10"], rows)


def page_of(workspace: Any, query: np.ndarray[Any, Any], **parts: Any) -> list[str]:
    """The items of a page of ten."""
    return [item.uuid for item in workspace.search(like=query, key="own", limit=10, **parts)]


def filtered(workspace: Any, queries: np.ndarray[Any, Any]) -> None:
    """Recall and time at each share, beside the condition alone in SQL by hand."""
    connection = sqlite3.connect(workspace._database.path)
    rows = []
    for name in ("share", "far"):
        for share in SHARES:
            where = f"{name} < {share}"
            sql = f"SELECT id FROM items WHERE json_extract(metadata, '$.{name}') < {share} AND deleted_at IS NULL"
            by_sql = milliseconds(lambda n, sql=sql: connection.execute(sql).fetchall(), 5)
            took = milliseconds(lambda n, where=where: page_of(workspace, queries[n], where=where), 7)
            wanted = [set(page_of(workspace, q, where=where, exact=True)) for q in queries[:7]]
            found = [set(page_of(workspace, q, where=where)) for q in queries[:7]]
            recall = np.mean([len(a & b) / max(1, len(a)) for a, b in zip(wanted, found, strict=True)])
            way = workspace.search.explain(like=queries[0], key="own", where=where, limit=10).way
            kind = "random" if name == "share" else "least like the query"
            rows.append([kind, f"{share:.1%}", f"{recall:.3f}", f"{took:.1f}", f"{by_sql:.1f}", str(way)])
    table(
        "Filtered queries",
        ["filter", "allowed", "recall@10", "ms (whole query)", "ms (its condition alone in SQL)", "way"],
        rows,
    )


def opening(directory: Path) -> None:
    """What it takes to open the workspace in a fresh process, and to answer one query."""
    found = in_fresh_process(__file__, "--opening", str(directory))
    table(
        "Opening",
        ["", "seconds", "resident MB"],
        [
            ["import and open", f"{found['open']:.2f}", f"{found['idle']:.0f}"],
            ["first query", f"{found['first']:.2f}", f"{found['after']:.0f}"],
        ],
    )


def _opened(directory: str) -> None:
    start = time.perf_counter()
    import heron

    workspace = heron.open(directory, discover=False)
    opened, idle = time.perf_counter() - start, peak_memory_mb()
    page_of(workspace, next(vectors(1))[0])
    took = time.perf_counter() - start - opened
    print(json.dumps({"open": opened, "idle": idle, "first": took, "after": peak_memory_mb()}))


def main() -> None:
    """Run all of it."""
    if sys.argv[1:2] == ["--opening"]:
        _opened(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", nargs="?", type=int, default=100_000)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--no-graph", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.directory or Path(temporary)
        workspace = make(directory, options.items)
        if not workspace.vectors._rows.find("own"):
            kept(workspace, directory, options.items)
        if not options.no_graph:
            wall, processor = timed(lambda: workspace.vectors.rebuild("own"))
            print(f"\nGraph: {wall:.0f} s, {processor:.0f} CPU s")
        random = np.random.default_rng(9)
        some = next(vectors(QUERIES))[:QUERIES]
        queries = some + random.normal(size=some.shape) * some.std() / 2
        unfiltered(workspace, queries.astype("f4"))
        filtered(workspace, queries.astype("f4"))
        workspace.close()
        opening(directory)


main()
