"""The benchmarks, one module each: `BENCHMARK` says what is done, by whom, and at which sizes."""

from importlib import import_module

from benchmarks.house.shape import Benchmark

NAMES = (
    "lake", "images", "executors", "manifest", "storage", "headers", "dicom", "video", "thumbnails", "vectors",
    "vector_sets", "similarity", "curation", "descriptor", "copies", "texts", "clip", "exports", "startup", "plugins", "server", "explorer",
)  # fmt: skip


def find(name: str) -> Benchmark:
    """A benchmark by its name; raises KeyError if there is none."""
    if name not in NAMES:
        raise KeyError(name)
    found: Benchmark = import_module(f"benchmarks.suite.{name}").BENCHMARK
    return found
