"""Near-duplicates and a diverse subset, beside plain NumPy, scikit-learn and faiss."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way

SIZE, THRESHOLD, CHOSEN, BLOCK = 512, 0.95, 500, 2048
ALIKE = "near-duplicates, twenty crowds"
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def prepare(stage: Path, size: int) -> None:
    """Vectors in clusters of some fifty, float32, of which two of a hundred have a copy that is nearly equal; and as many in twenty
    clusters, where all of a cluster are nearly equal.
    """
    import numpy as np

    random = np.random.default_rng(0)
    strength = np.linspace(3, 0.2, SIZE, dtype=np.float32)
    centres = random.standard_normal((max(1, size // 50), SIZE), np.float32) * strength
    made = centres[random.integers(0, len(centres), size)]
    made += np.float32(0.7) * random.standard_normal((size, SIZE), np.float32)
    copies = size // 50
    made[:copies] = made[size // 2 : size // 2 + copies]
    made[:copies] += np.float32(0.1) * random.standard_normal((copies, SIZE), np.float32)
    np.save(stage / "vectors.npy", made)
    alike = centres[random.integers(0, min(20, len(centres)), size)]
    np.save(stage / "alike.npy", alike + np.float32(0.1) * random.standard_normal((size, SIZE), np.float32))


def _vectors(job: Job, name: str = "vectors") -> Any:
    """The vectors, in a process whose BLAS has one thread: several would wait actively on a busy machine."""
    os.environ |= ONE_THREAD
    import numpy as np

    return np.load(job.stage / f"{name}.npy")


def _units(job: Job, name: str = "vectors") -> Any:
    import numpy as np

    made = _vectors(job, name)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def found(case: str, result: str, work: Callable[[], Any]) -> Cases:
    """The figures of a case with what was found, and the memory above that of the vectors at hand."""
    kept: list[Any] = []
    before = peak_memory()
    took = timed(lambda: kept.append(work()))
    return {case: {**took, "memory": peak_memory() - before, result: kept[0]}}


def heron_step(case: str) -> Step:
    """The whole verb, from the query to the records."""

    def step(job: Job) -> Cases:
        made = _vectors(job, "alike" if case == ALIKE else "vectors")
        import heron
        from heron.models import MediaFacts, NewItem

        root = job.own / case
        root.mkdir()
        with heron.open(root, discover=False) as workspace:
            facts = MediaFacts("image", "image/jpeg", 640, 480)
            items = [NewItem(f"file:///lake/{number}.jpg", facts) for number in range(job.size)]
            workspace.registration.register(items, "Lake")
            workspace.schema.add_embedding("own", SIZE)
            workspace.vectors.add("own", list(workspace.items.list()), made)
            del made
            curation = workspace.curation
            if case != "diverse subset":
                return found(
                    case,
                    "listed" if case == ALIKE else "pairs",
                    lambda: sum(
                        len(group.pairs) for group in curation.near_duplicates("own", THRESHOLD).groups
                    ),
                )
            return found(case, "covered", lambda: round(curation.diverse("own", _chosen(job)).covered, 4))

    return step


def numpy_pairs(job: Job) -> Cases:
    """Each block of rows with all that follow."""
    return _numpy_pairs("near-duplicates", _units(job))


def numpy_alike(job: Job) -> Cases:
    """The same, where all of a cluster are pairs, which are counted and not kept."""
    return _numpy_pairs(ALIKE, _units(job, "alike"))


def _numpy_pairs(case: str, unit: Any) -> Cases:
    import numpy as np

    def work() -> int:
        count = 0
        for start in range(0, len(unit), BLOCK):
            scores = unit[start : start + BLOCK] @ unit[start:].T
            count += int(np.count_nonzero(np.triu(scores >= THRESHOLD, 1)))
        return count

    return found(case, "pairs", work)


def numpy_subset(job: Job) -> Cases:
    """Greedy k-center as one would write it; the cosine that covers all."""
    unit = _units(job)
    import numpy as np

    def work() -> float:
        taken = int((unit @ unit.mean(axis=0)).argmax())
        near = np.full(len(unit), -2.0, np.float32)
        for _ in range(_chosen(job)):
            np.maximum(near, unit @ unit[taken], out=near)
            taken = int(near.argmin())
        return round(float(near.min()), 4)

    return found("diverse subset", "covered", work)


def sklearn_pairs(job: Job) -> Cases:
    """Neighbours within a radius, by brute force."""
    made = _vectors(job)
    from sklearn.neighbors import NearestNeighbors

    def work() -> int:
        model = NearestNeighbors(radius=1 - THRESHOLD, metric="cosine", algorithm="brute").fit(made)
        return int(model.radius_neighbors_graph(made, mode="connectivity").nnz - len(made)) // 2

    return found("near-duplicates", "pairs", work)


def faiss_pairs(job: Job) -> Cases:
    """A range search in a flat index."""
    unit = _units(job)
    import faiss

    def work() -> int:
        index = faiss.IndexFlatIP(SIZE)
        index.add(unit)
        limits, _, _ = index.range_search(unit, THRESHOLD)
        return int(limits[-1] - len(unit)) // 2

    return found("near-duplicates", "pairs", work)


def _chosen(job: Job) -> int:
    return min(CHOSEN, job.size // 10)


BENCHMARK = Benchmark(
    name="curation",
    title="Near-duplicates and a diverse subset of {size} vectors of 512 numbers",
    unit="vectors",
    about="""
Near-duplicates are pairs with a cosine of 0.95 or more; the subset has 500 vectors, chosen one after the other, each the farthest from
those before. Heron's figures are those of the whole verb, from the query to the records. All on one thread. Peak MB is what is needed
beside the vectors. All ways have to find the same pairs, but for those that rounding decides. In the twenty crowds a twentieth of all pairs are near:
NumPy counts them, Heron groups their items and lists the nearest of each.
""",
    prepare=prepare,
    ways=(
        way("Heron", heron_step("near-duplicates"), heron_step(ALIKE), heron_step("diverse subset")),
        way("NumPy", numpy_pairs, numpy_alike, numpy_subset),
        way("scikit-learn", sklearn_pairs, peer="scikit-learn", most=20_000),
        way("faiss", faiss_pairs, peer="faiss", most=20_000),
    ),
    references={"": "NumPy"},
    sizes={"tiny": 200, "small": 2_000, "full": 20_000},
    single_from=50_000,
    extras={"pairs": "pairs found", "covered": "cosine that covers all", "listed": "pairs listed"},
)
