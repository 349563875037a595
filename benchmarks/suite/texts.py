"""Embedding texts: items of text by an embedder of words, beside a bare loop over the same files with the same model."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import disk, peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Job, way

_SIZE = 1000
"""Characters that the model reads at once."""


def write_texts(stage: Path, size: int) -> None:
    """Texts of some 4,000 characters, of words of a thousand."""
    source = random.Random(7)
    words = ["".join(source.choices("etaoinshrdlu", k=source.randint(2, 9))) for _ in range(1000)]
    for number in range(size):
        lines = [" ".join(source.choices(words, k=12)) for _ in range(60)]
        (stage / f"{number:05}.txt").write_text("\n".join(lines))


class Words:
    """Counts of words by their hashes, in 256 numbers."""

    size = 256
    revision = "1"

    def embed_texts(self, texts: Any) -> Any:
        """Vectors of texts, float32 of shape (count, 256)."""
        import zlib

        import numpy as np

        made = np.zeros((len(texts), 256), dtype="float32")
        for vector, text in zip(made, texts, strict=True):
            for word in text.split():
                vector[zlib.crc32(word.encode()) % 256] += 1
        return made


def bare(job: Job) -> Cases:
    """Read, cut, embed, take the mean, and save: what the work is at least."""
    import numpy as np

    model, files = Words(), sorted(job.stage.glob("*.txt"))

    def work() -> None:
        made = np.empty((len(files), model.size), np.float32)
        for row, path in zip(made, files, strict=True):
            text = path.read_text()
            passages = [text[start : start + _SIZE] for start in range(0, len(text), _SIZE)]
            vectors = model.embed_texts(passages)
            row[:] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(axis=0)
        np.save(job.own / "vectors.npy", made)

    return {"embedding": {**timed(work), "count": len(files), "memory": peak_memory(), "disk": disk(job.own)}}


def by_heron(job: Job) -> Cases:
    """`heron embed` in this process, after the files are imported."""
    import heron

    class Plugin:
        @heron.hookimpl
        def register_embedders(self) -> Any:
            yield heron.EmbedderModel(
                name="words", summary="counts of words", size=256, embeds=["text"], load=Words,
                text_size=_SIZE, text_overlap=0,
            )  # fmt: skip

    files = sorted(job.stage.glob("*.txt"))
    with heron.open(job.own / "lake", plugins=[Plugin()], discover=False) as workspace:
        workspace.ingest.files(files, folder="A")
        workspace.embed("words", heron.Query(limit=1))  # so that everything is imported
        done = []
        took = timed(lambda: done.append(workspace.embed("words")))
        assert done[0].embedded == done[0].texts == len(files) - 1, done
    return {
        "embedding": {
            **took,
            "count": len(files) - 1,
            "memory": peak_memory(),
            "disk": disk(job.own / "lake"),
        }
    }


BENCHMARK = Benchmark(
    name="texts",
    title="Embedding {size} texts of some 4,000 characters, by an embedder of words",
    unit="texts",
    about="""
Both ways read the same files and count the words of the same passages, which takes most of the time of the loop. Heron looks for
the end of a line where it cuts, asks the catalogue which vectors are up to date, and stores the vectors with their fingerprints, checksums and codes.
""",
    prepare=write_texts,
    ways=(way("Heron", by_heron), way("NumPy in a loop", bare)),
    references={"": "NumPy in a loop"},
    sizes={"tiny": 20, "small": 1_000, "full": 20_000},
)
