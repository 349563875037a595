"""Near-duplicates and a diverse subset, beside plain NumPy, scikit-learn and faiss, which have to be installed for it.

The vectors are 512 numbers long, in clusters of some fifty, and two of a hundred have a copy that is nearly equal. Heron's
figures are those of the whole verb, from the query to the records. All ways have to find the same pairs, but for those that
rounding decides. Run: python benchmarks/curation.py
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from measure import in_fresh_process, median, peak_memory_mb, table, timed

import heron
from heron.models import MediaFacts, NewItem

SIZE, THRESHOLD, CHOSEN = 512, 0.95, 500
RUNS = {20_000: 3, 100_000: 1}
BLOCK = 2048

Array = np.ndarray[Any, Any]


def vectors(count: int) -> Array:
    """Vectors in clusters, float32, with nearly equal copies."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((count // 50, SIZE), np.float32) * np.linspace(
        3, 0.2, SIZE, dtype=np.float32
    )
    made = centres[random.integers(0, len(centres), count)]
    made += np.float32(0.7) * random.standard_normal((count, SIZE), np.float32)
    copies = count // 50
    made[:copies] = made[count // 2 : count // 2 + copies]
    made[:copies] += np.float32(0.1) * random.standard_normal((copies, SIZE), np.float32)
    return made


def units(made: Array) -> Array:
    """The same with length 1."""
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def heron_lake(folder: Path, made: Array) -> heron.Workspace:
    """A workspace with an item for each vector."""
    workspace = heron.open(folder, discover=False)
    facts = MediaFacts("image", "image/jpeg", 640, 480)
    workspace.registration.register(
        [NewItem(f"file:///lake/{number}.jpg", facts) for number in range(len(made))], "Lake"
    )
    workspace.schema.add_embedding("own", SIZE)
    workspace.vectors.add("own", list(workspace.items.list()), made)
    return workspace


def numpy_pairs(made: Array) -> int:
    """Each block of rows with all that follow."""
    unit, found = units(made), 0
    for start in range(0, len(unit), BLOCK):
        scores = unit[start : start + BLOCK] @ unit[start:].T
        found += int(np.count_nonzero(np.triu(scores >= THRESHOLD, 1)))
    return found


def sklearn_pairs(made: Array) -> int:
    """Neighbours within a radius, by brute force."""
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(radius=1 - THRESHOLD, metric="cosine", algorithm="brute").fit(made)
    return int(model.radius_neighbors_graph(made, mode="connectivity").nnz - len(made)) // 2


def faiss_pairs(made: Array) -> int:
    """A range search in a flat index."""
    import faiss

    index = faiss.IndexFlatIP(SIZE)
    index.add(units(made))
    limits, _, _ = index.range_search(units(made), THRESHOLD)
    return int(limits[-1] - len(made)) // 2


def numpy_subset(made: Array) -> float:
    """Greedy k-center as one would write it; the cosine that covers all."""
    unit = units(made)
    taken = int((unit @ unit.mean(axis=0)).argmax())
    near = np.full(len(unit), -2.0, np.float32)
    for _ in range(CHOSEN):
        np.maximum(near, unit @ unit[taken], out=near)
        taken = int(near.argmin())
    return float(near.min())


def measured(task: str, way: str, count: int) -> dict[str, Any]:
    """Wall and processor seconds of one run, what was found, and memory above that of the vectors at hand, in MB."""
    made = vectors(count)
    found: list[Any] = []
    if way == "Heron":
        with tempfile.TemporaryDirectory() as folder, heron_lake(Path(folder), made) as workspace:
            del made
            curation = workspace.curation
            before = peak_memory_mb()
            works: dict[str, Callable[[], Any]] = {
                "pairs": lambda: found.append(
                    sum(len(group.pairs) for group in curation.near_duplicates("own", THRESHOLD).groups)
                ),
                "subset": lambda: found.append(curation.diverse("own", CHOSEN).covered),
            }
            wall, processor = timed(works[task])
    else:
        before = peak_memory_mb()
        of_way = {"NumPy": numpy_pairs, "scikit-learn": sklearn_pairs, "faiss": faiss_pairs}
        work = of_way[way] if task == "pairs" else numpy_subset
        wall, processor = timed(lambda: found.append(work(made)))
    return {"wall": wall, "processor": processor, "found": found[0], "memory": peak_memory_mb() - before}


def main() -> None:
    """Print a table for each task; all ways on one thread, for those of BLAS wait actively on a machine that is busy."""
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    packages = {"scikit-learn": "sklearn", "faiss": "faiss"}
    ways = ["Heron", "NumPy", *(way for way, package in packages.items() if find_spec(package))]
    for task, title, of in (
        ("pairs", f"Near-duplicates: cosine of {THRESHOLD} or more, one thread", ways),
        ("subset", f"Diverse subset of {CHOSEN}, one thread", ways[:2]),
    ):
        rows = []
        for count, runs in RUNS.items():
            for way in of:
                if way == "scikit-learn" and count > 20_000:  # takes many minutes
                    continue
                results = [in_fresh_process(__file__, task, way, str(count)) for _ in range(runs)]
                wall, processor = (median([r[name] for r in results]) for name in ("wall", "processor"))
                memory, found = results[0]["memory"], results[0]["found"]
                shown = f"{found:,}" if task == "pairs" else f"{found:.4f}"
                rows.append(
                    [f"{count:,} x {SIZE}", way, f"{wall:.2f}", f"{processor:.2f}", f"{memory:,.0f}", shown]
                )
        last = "pairs" if task == "pairs" else "cosine that covers all"
        table(title, ["vectors", "way", "s (wall)", "CPU s", "further memory, MB", last], rows)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(measured(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
