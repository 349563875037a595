"""Vectors: adding, building, searching and filtering, beside usearch, NumPy, LanceDB and sqlite-vec.

Vectors of 512 numbers, in clusters (a mixture of Gaussians in 64 dimensions, seen through 512 with noise, an
offset and two strong dimensions, as embeddings of pictures have them) or at random, which no graph can
search. Filters let through rows at random, or those that lie to one side.

Run: python benchmarks/vectors.py [--rows N] [--kind clustered|random] [--directory DIR] [--peers PYTHON]
PEERS is a Python with lancedb, sqlite-vec and pysqlite3-binary. Files that are in DIR already are used again.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from measure import in_fresh_process, median, table, timed

SIZE, K, QUERIES = 512, 10, 100
SHARES = (0.5, 0.1, 0.03, 0.01, 0.001)
BATCH = 10_000
PEER_ROWS = 100_000

Rows = Any
Way = Callable[[Any], Rows]


def vectors(kind: str, count: int, seed: int = 0) -> Iterator[Any]:
    """Vectors in batches, float32."""
    import numpy as np

    world, random = np.random.default_rng(7), np.random.default_rng(seed)
    centres, spread = world.standard_normal((1000, 64)), world.standard_normal((64, SIZE)) / 8
    offset = world.standard_normal(SIZE) / 2
    offset[:2] *= 8
    weights = 1 / np.arange(1, 1001) ** 0.7
    for start in range(0, count, BATCH):
        number = min(BATCH, count - start)
        batch = random.standard_normal((number, SIZE), dtype=np.float32)
        if kind == "clustered":
            chosen = centres[random.choice(1000, number, p=weights / weights.sum())]
            batch = (chosen + random.standard_normal((number, 64)) / 2) @ spread + offset + batch / 10
        yield batch.astype(np.float32)


# Adding


def adding(directory: Path, kind: str, count: int) -> Any:
    """Write the matrix at once and in batches, beside numpy.save; the matrix stays."""
    import numpy as np

    from heron.vectors.checking import checked
    from heron.vectors.matrix import Matrix

    matrix = Matrix(directory / "vectors.f32", SIZE, "float32")
    if matrix.rows_there() == count:
        return matrix
    everything = np.concatenate(list(vectors(kind, count)))

    def save() -> None:
        with (directory / "saved.npy").open("wb") as stream:
            np.save(stream, everything)
            stream.flush()
            os.fsync(stream.fileno())

    def by_hand() -> None:
        with (directory / "saved.npy").open("wb") as stream:
            for start in range(0, count, BATCH):
                stream.write(everything[start : start + BATCH].data)
                stream.flush()
                os.fsync(stream.fileno())

    def in_batches() -> None:
        for start in range(0, count, BATCH):
            batch = checked(everything[start : start + BATCH], SIZE, str)
            matrix.write(start, batch)

    def afresh(work: Callable[[], None]) -> tuple[float, float]:
        for name in ("saved.npy", "vectors.f32"):
            (directory / name).unlink(missing_ok=True)
        return timed(work)

    works = {
        "numpy.save and fsync": save,
        "Heron, at once": lambda: matrix.write(0, everything),
        f"written by hand, fsync every {BATCH:,}": by_hand,
        f"Heron, checked, fsync every {BATCH:,}": in_batches,
    }
    runs = {name: [afresh(work) for _ in range(3)] for name, work in works.items()}
    walls, cpus = ({name: median([run[part] for run in runs[name]]) for name in runs} for part in (0, 1))
    table(
        f"Adding {count:,} vectors of {SIZE} numbers, float32",
        ["work", "wall s", "CPU s", "speed to numpy.save (wall)"],
        [
            [
                name,
                f"{walls[name]:.2f}",
                f"{cpus[name]:.2f}",
                f"{walls['numpy.save and fsync'] / walls[name]:.2f}",
            ]
            for name in works
        ],
    )
    return matrix


# Building


def raw_index(directory: Path, matrix: Any, count: int, dtype: str) -> tuple[Any, float | None]:
    """usearch as its manual has it, over the same vectors, and the processor seconds that building it
    took.
    """
    import numpy as np
    from usearch.index import Index

    path = directory / f"raw.{dtype}.usearch"
    index = Index(ndim=SIZE, metric="cos", dtype=dtype, connectivity=16, expansion_add=128)
    if path.exists():
        index.view(path)
        return index, None
    keys, truth = np.arange(count, dtype=np.uint64), matrix.mapped(count)
    seconds = timed(
        lambda: [
            index.add(keys[start : start + BATCH], truth[start : start + BATCH])
            for start in range(0, count, BATCH)
        ]
    )[1]
    index.save(path)
    return index, seconds


def building(directory: Path, space: Any, raws: Sequence[str]) -> dict[str, Any]:
    """Build the codes and the graph, and raw indexes."""
    rows, indexes = [], {}

    def report(name: str, seconds: float, size: int) -> None:
        rows.append([name, f"{seconds:.1f}", f"{seconds / space.count * 100_000:.1f}", f"{size / 1e6:,.0f}"])

    before = space.status()
    if before.codes.rows < space.count:
        report("Heron, int8 codes", timed(space.refresh)[1], space.status().codes.bytes)
    if before.graph.rows == 0:
        report("Heron, graph", timed(space.build_graph)[1], space.status().graph.bytes)
    for dtype in raws:
        indexes[dtype], seconds = raw_index(directory, space.matrix, space.count, dtype)
        if seconds is not None:
            report(f"usearch, {dtype}", seconds, (directory / f"raw.{dtype}.usearch").stat().st_size)
    status = space.status()
    print(f"\nThe graph has {status.graph.rows:,} rows; expansion {status.expansion}, recall {status.recall}")
    table("Building, all cores", ["index", "CPU s", "CPU s per 100,000", "MB"], rows)
    return indexes


# Searching


class Truth:
    """All unit vectors in memory, and the exact answers."""

    def __init__(self, matrix: Any, count: int, kind: str) -> None:
        import numpy as np

        self.unit = np.array(matrix.mapped(count), np.float32)
        for start in range(0, count, BATCH):
            block = self.unit[start : start + BATCH]
            block /= np.linalg.norm(block, axis=1, keepdims=True)
        fresh = next(vectors(kind, QUERIES, seed=99))
        self.queries = fresh / np.linalg.norm(fresh, axis=1, keepdims=True)

    def best(self, query: Any, rows: Rows | None = None) -> Rows:
        """By multiplying everything, the way of NumPy."""
        import numpy as np

        scores = self.unit @ query if rows is None else self.unit[rows] @ query
        places = np.argpartition(-scores, min(K, len(scores) - 1))[:K]
        places = places[np.argsort(-scores[places])]
        return places if rows is None else rows[places]


def measured(way: Way, queries: Any, wanted: Sequence[Rows]) -> tuple[float, float, float]:
    """Recall@10, and the medians of wall and processor milliseconds."""
    hits, walls, cpus = 0, [], []
    way(queries[0])
    for query, rows in zip(queries, wanted, strict=True):
        wall, cpu = time.perf_counter(), time.process_time()
        found = way(query)
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
        hits += len({int(row) for row in found} & {int(row) for row in rows})
    return hits / sum(map(len, wanted)), median(walls), median(cpus)


def unfiltered(space: Any, truth: Truth, raws: dict[str, Any]) -> None:
    """Recall and speed without a filter, usearch at each expansion."""
    wanted = [truth.best(query) for query in truth.queries]
    ways: dict[str, Way] = {
        "Heron": lambda query: space.search(query, K).rows,
        "Heron, exact": lambda query: space.search(query, K, exact=True).rows,
        "NumPy, exact": truth.best,
    }
    found = {name: measured(way, truth.queries, wanted) for name, way in ways.items()}
    for dtype, index in raws.items():
        for expansion in (32, 64, 96, 128, 192, 256, 512):
            index.expansion_search = expansion
            found[f"usearch {dtype}, expansion {expansion}"] = measured(
                lambda query, index=index: index.search(query, K, threads=1).keys, truth.queries, wanted
            )
    table(
        f"Ten nearest of {space.count:,}, no filter",
        ["way", "recall@10", "wall ms", "CPU ms", "queries per CPU s"],
        [
            [name, f"{recall:.3f}", f"{wall:.2f}", f"{cpu:.2f}", f"{1000 / cpu:,.0f}"]
            for name, (recall, wall, cpu) in found.items()
        ],
    )


# Filtering


def ranks(truth: Truth) -> tuple[Any, Any]:
    """Two numbers from 0 to 1 for each row: one at random, and its rank along one direction."""
    import numpy as np

    count, random = len(truth.unit), np.random.default_rng(3)
    along = np.argsort(np.argsort(truth.unit @ random.standard_normal(SIZE).astype(np.float32)))
    return random.random(count), along / count


def filters(truth: Truth) -> Iterator[tuple[str, str, Any]]:
    """Names, conditions in SQL, and for each row whether it is allowed."""
    at_random, along = ranks(truth)
    for share in SHARES:
        yield f"{share:.1%} random", f"json_extract(metadata, '$.random') < {share}", at_random < share
        yield f"{share:.1%} correlated", f"json_extract(metadata, '$.along') < {share}", along < share


class SqlFilter:
    """A condition on metadata in SQLite, kept and written as Heron's catalogue does."""

    def __init__(self, connection: sqlite3.Connection, condition: str) -> None:
        self._connection = connection
        self._condition = condition

    def keeps(self, rows: Rows) -> Rows:
        """Ask about some rows."""
        import numpy as np

        found = self._ask("AND id IN (SELECT value FROM json_each(?))", [json.dumps(rows.tolist())])
        return np.isin(rows, found)

    def rows(self) -> Rows:
        """Ask for all."""
        import numpy as np

        return np.sort(self._ask("", []))

    def _ask(self, more: str, parameters: list[str]) -> Rows:
        import numpy as np

        statement = f"SELECT json_group_array(id) FROM items WHERE {self._condition} {more}"
        return np.array(json.loads(self._connection.execute(statement, parameters).fetchone()[0]), np.int64)


def items(directory: Path, truth: Truth) -> sqlite3.Connection:
    """A table of items with six metadata values each, two of which are those that filters are about."""
    (directory / "items.db").unlink(missing_ok=True)
    connection = sqlite3.connect(directory / "items.db")
    connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, metadata TEXT)")
    others = {"city": "Algiers", "weather": "rain", "dark": True, "captured_at": "2026-01-01T00:00:00Z"}
    connection.executemany(
        "INSERT INTO items VALUES (?, ?, ?)",
        (
            (row, f"item {row}", json.dumps({**others, "random": float(first), "along": float(second)}))
            for row, (first, second) in enumerate(zip(*ranks(truth), strict=True))
        ),
    )
    connection.commit()
    return connection


def by_codes(space: Any, truth: Truth) -> Callable[[Any, Rows], Rows]:
    """What somebody would write by hand: gather int8, take the best 64, compare these by their float32."""
    import numkong
    import numpy as np

    from heron.vectors.codes import encode

    codes = np.array(space.view().codes.array)

    def way(query: Any, rows: Rows) -> Rows:
        near = np.asarray(numkong.cdist(encode(query[None]), codes[rows], metric="angular"))[0]
        few = rows[np.argpartition(near, 64)[:64]] if len(near) > 64 else rows
        return few[np.argsort(-(truth.unit[few] @ query))[:K]]

    return way


def over_fetched(index: Any, mask: Any, share: float) -> Way:
    """Ask the graph for four times as many as needed, and drop those that are not allowed."""
    count = min(int(4 * K / share), 10_000)

    def way(query: Any) -> Rows:
        keys = index.search(query, count, threads=1).keys.astype(int)
        return keys[mask[keys]][:K]

    return way


def filtered(space: Any, truth: Truth, raws: dict[str, Any], connection: sqlite3.Connection) -> None:
    """Every filter: with the rows known, and with a condition in SQL."""
    import numpy as np

    known, asked = [], []
    codes_way = by_codes(space, truth)
    for name, statement, mask in filters(truth):
        rows, condition = np.flatnonzero(mask), SqlFilter(connection, statement)
        wanted = [truth.best(query, rows) for query in truth.queries]

        def run(
            way: Way, wanted: Sequence[Rows] = wanted, count: int = QUERIES
        ) -> tuple[float, float, float]:
            return measured(way, truth.queries[:count], wanted[:count])

        by_hand = {
            "int8": run(lambda query, rows=rows: codes_way(query, rows)),
            "NumPy": run(lambda query, rows=rows: truth.best(query, rows)),
        }
        for dtype, index in raws.items():
            by_hand[f"usearch {dtype} x4"] = run(over_fetched(index, mask, len(rows) / space.count))
        sure = {way: figures for way, figures in by_hand.items() if figures[0] >= 0.95}
        best = min(sure, key=lambda way: sure[way][2])
        ours = run(lambda query, rows=rows: space.search(query, K, filter=rows).rows)
        over = "; ".join(f"{by_hand[f'usearch {dtype} x4'][0]:.2f}" for dtype in raws)
        known.append(
            [
                name, f"{ours[0]:.3f}", f"{ours[1]:.2f}", f"{ours[2]:.2f}", f"{best}, {sure[best][0]:.3f}",
                f"{sure[best][1]:.2f}", f"{sure[best][2]:.2f}", f"{ours[2] / sure[best][2]:.2f}", over,
            ]
        )  # fmt: skip
        by_sql = run(lambda query, condition=condition: codes_way(query, condition.rows()), count=20)
        heron = run(
            lambda query, condition=condition: space.search(query, K, filter=condition).rows, count=20
        )
        plan = space.search(truth.queries[0], K, filter=condition).plan
        asked.append(
            [
                name, f"{heron[0]:.3f}", f"{heron[1]:.1f}", f"{heron[2]:.1f}", f"{by_sql[1]:.1f}", f"{by_sql[2]:.1f}",
                f"{heron[2] / by_sql[2]:.2f}", plan.way, f"{plan.asked:,}",
            ]
        )  # fmt: skip
    table(
        f"Ten nearest of {space.count:,}, allowed rows known",
        [
            "allowed", "recall@10", "wall ms", "CPU ms", "best by hand, recall", "wall ms", "CPU ms", "CPU to it",
            "recall of 4x over-fetching",
        ],
        known,
    )  # fmt: skip
    table(
        f"Ten nearest of {space.count:,}, a condition on metadata in SQL, no index",
        [
            "allowed", "recall@10", "wall ms", "CPU ms", "SQL, then int8 by hand: wall ms", "CPU ms", "CPU to it", "way",
            "rows asked about",
        ],
        asked,
    )  # fmt: skip


# Peers, in a Python of their own


def peer_script(directory: Path) -> None:
    """Run in the Python of the peers: LanceDB and sqlite-vec, filtered before the search, nothing indexed."""
    import lancedb
    import numpy as np
    import pyarrow as pa
    import pysqlite3
    import sqlite_vec

    data = np.load(directory / "peers.npz")
    units, queries, masks = data["units"], data["queries"], data["masks"]
    columns = {f"f{number}": mask for number, mask in enumerate(masks)}
    table_ = pa.table(
        {
            "id": np.arange(len(units)),
            "vector": pa.FixedSizeListArray.from_arrays(units.ravel(), SIZE),
            **{name: pa.array(mask) for name, mask in columns.items()},
        }
    )
    lance = lancedb.connect(directory / "lance").create_table("v", table_, mode="overwrite")
    database = pysqlite3.connect(":memory:")
    database.enable_load_extension(True)
    sqlite_vec.load(database)
    declared = ", ".join(f"{name} boolean" for name in columns)
    database.execute(
        f"CREATE VIRTUAL TABLE v USING vec0(vector float[{SIZE}] distance_metric=cosine, {declared})"
    )
    marks = ", ".join("?" * (len(columns) + 2))
    database.executemany(
        f"INSERT INTO v(rowid, vector, {', '.join(columns)}) VALUES ({marks})",
        ((row, units[row].tobytes(), *(bool(mask[row]) for mask in masks)) for row in range(len(units))),
    )
    figures = []
    for number, mask in enumerate(masks):
        rows = np.flatnonzero(mask)
        wanted = [rows[np.argsort(-(units[rows] @ query))[:K]] for query in queries]
        ways = {
            "LanceDB": lambda query, n=number: (
                lance.search(query).distance_type("cosine").where(f"f{n}", prefilter=True).limit(K)
                .select(["id"]).to_arrow()["id"].to_pylist()
            ),
            "sqlite-vec": lambda query, n=number: [
                row[0]
                for row in database.execute(
                    f"SELECT rowid FROM v WHERE vector MATCH ? AND k = {K} AND f{n} = 1", [query.tobytes()]
                )
            ],
        }  # fmt: skip
        figures.append({name: measured(way, queries, wanted) for name, way in ways.items()})
    print(json.dumps({"figures": figures}))


def beside_peers(directory: Path, kind: str, python: str) -> None:
    """100,000 vectors under each filter: Heron, LanceDB, sqlite-vec."""
    import numpy as np

    from heron.vectors.matrix import Matrix
    from heron.vectors.space import Space

    matrix = Matrix(directory / "peers.f32", SIZE, "float32")
    matrix.write(0, np.concatenate(list(vectors(kind, PEER_ROWS))))
    space = Space(matrix, PEER_ROWS, directory, "peers")
    space.refresh()
    truth = Truth(matrix, PEER_ROWS, kind)
    named = {name: mask for name, _, mask in filters(truth)}
    np.savez(
        directory / "peers.npz", units=truth.unit, queries=truth.queries, masks=np.array([*named.values()])
    )
    done = subprocess.run(
        [python, __file__, "--peer-of", str(directory)], check=True, capture_output=True, text=True
    )
    rows = []
    peers = json.loads(done.stdout.splitlines()[-1])["figures"]
    for (name, mask), theirs in zip(named.items(), peers, strict=True):
        allowed = np.flatnonzero(mask)
        wanted = [truth.best(query, allowed) for query in truth.queries]
        ours = measured(
            lambda query, allowed=allowed: space.search(query, K, filter=allowed).rows, truth.queries, wanted
        )
        cells = [ours, theirs["LanceDB"], theirs["sqlite-vec"]]
        rows.append(
            [name, *(text for r, wall, cpu in cells for text in (f"{r:.3f}", f"{wall:.1f}", f"{cpu:.1f}"))]
        )
    table(
        f"Ten nearest of {PEER_ROWS:,} beside databases, no graph anywhere",
        [
            "allowed",
            *(
                f"{who}: {what}"
                for who in ("Heron", "LanceDB", "sqlite-vec")
                for what in ("recall", "ms", "CPU ms")
            ),
        ],
        rows,
    )


# Opening


def opening_script(directory: Path, count: int) -> None:
    """Run in a process of its own: open, and search once."""
    import numpy as np

    from heron.vectors.matrix import Matrix
    from heron.vectors.space import Space

    def memory() -> float:
        [line] = [
            line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")
        ]
        return int(line.split()[1]) / 1024

    start, before = time.perf_counter(), memory()
    space = Space(Matrix(directory / "vectors.f32", SIZE, "float32"), count, directory, "vectors")
    opened = time.perf_counter() - start
    space.view()
    viewed, idle = time.perf_counter() - start, memory()
    space.search(np.ones(SIZE), K)
    searched = time.perf_counter() - start
    print(
        json.dumps({"opened": opened, "viewed": viewed, "searched": searched, "before": before, "idle": idle})
    )


def opening(directory: Path, count: int) -> None:
    """Time and memory of an idle space."""
    runs = [
        in_fresh_process(__file__, "--opening-of", str(directory), "--rows", str(count)) for _ in range(5)
    ]
    figures = {name: median([run[name] for run in runs]) for name in runs[0]}
    table(
        f"Opening {count:,} vectors, medians of 5 processes",
        ["matrix mapped, ms", "and caches, ms", "and one search, ms", "MB before", "MB idle"],
        [
            [f"{1000 * figures[name]:.1f}" for name in ("opened", "viewed", "searched")]
            + [f"{figures[name]:.0f}" for name in ("before", "idle")]
        ],
    )


def main(directory: Path, arguments: argparse.Namespace) -> None:
    """All of it."""
    from heron.vectors.space import Space

    kind, count = arguments.kind, arguments.rows
    matrix = adding(directory, kind, count)
    space = Space(matrix, count, directory, "vectors")
    raws = building(directory, space, arguments.raw.split(",") if arguments.raw else [])
    truth = Truth(matrix, count, kind)
    unfiltered(space, truth, raws)
    filtered(space, truth, raws, items(directory, truth))
    opening(directory, count)
    if arguments.peers:
        beside_peers(directory, kind, arguments.peers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Vectors, beside usearch, NumPy, LanceDB and sqlite-vec.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kind", choices=["clustered", "random"], default="clustered")
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--raw", default="f16", help="types of usearch indexes to build beside, with commas")
    parser.add_argument("--peers")
    parser.add_argument("--peer-of", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--opening-of", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.peer_of:
        peer_script(chosen.peer_of)
    elif chosen.opening_of:
        opening_script(chosen.opening_of, chosen.rows)
    elif chosen.directory:
        chosen.directory.mkdir(parents=True, exist_ok=True)
        main(chosen.directory, chosen)
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made), chosen)
