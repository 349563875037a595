"""Opens a file with vectors, in the format that its suffix says."""

from __future__ import annotations

from pathlib import Path

from heron.errors import InvalidInput
from heron.ingest.vector_files.npy import NpySource, ids_beside
from heron.ingest.vector_files.sources import Source


def opened(file: Path, key: str, *, ids: Path | None, by: str | None) -> Source:
    """The vectors of a file, by its suffix; raises NotFound and InvalidInput."""
    suffix = file.suffix.lower()
    if suffix == ".npy":
        return NpySource(file, ids or ids_beside(file), by, was_named=ids is not None)
    if suffix == ".npz":
        raise InvalidInput(
            f"{file}: an .npz holds several arrays", hint="numpy.save writes one of them as .npy"
        )
    if suffix not in (".parquet", ".jsonl", ".ndjson"):
        raise InvalidInput(f"{file}: a file with vectors ends with .npy, .parquet or .jsonl")
    if ids is not None:
        raise InvalidInput(f"{file} contains the names of its items, leave {ids} out")
    if suffix == ".parquet":
        from heron.ingest.vector_files.parquet import ParquetSource

        return ParquetSource(file, key, by)
    from heron.ingest.vector_files.json_lines import JsonLinesSource

    return JsonLinesSource(file, key, by)
