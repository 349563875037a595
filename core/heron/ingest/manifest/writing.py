"""Writes a listing as a manifest: JSONL and CSV in the order of the listing, JSON with an array for each kind."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from mimetypes import guess_type
from pathlib import Path
from typing import IO, Any

from heron.convert import dumps
from heron.errors import InvalidInput
from heron.export.files import whole_file
from heron.hooks import StoredObject
from heron.ingest.manifest.facts import MEDIA_TYPES
from heron.ingest.manifest.report import ManifestReport
from heron.jobs import ImportProblem
from heron.metadata.sidecars import SUFFIX
from heron.models import Json, Kind
from heron.storage.local_files import BadEntry

_ARRAYS: dict[Kind, str] = {
    "image": "images", "video": "videos", "audio": "audio", "nifti": "nifti", "text": "text", "pdf": "pdfs",
}  # fmt: skip
"""The array of a manifest for files of each kind. Only probing can tell which DICOM files form a series."""


def write(
    objects: Iterable[StoredObject],
    file: Path,
    kind_of: Callable[[str], Kind | None],
    *,
    with_facts: bool,
) -> ManifestReport:
    """Write a manifest. Sidecars and objects whose names show no kind are skipped and counted.

    Raises InvalidInput for a suffix other than .json, .jsonl and .csv.
    """
    writers = {".json": _json, ".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv}
    writer = _json if str(file) == "-" else writers.get(file.suffix.lower())
    if writer is None:
        raise InvalidInput(f"{file}: a manifest ends with {', '.join(writers)}")
    if with_facts and writer is _csv:
        raise InvalidInput("a CSV manifest cannot contain facts", hint="write .json or .jsonl")
    kinds: Counter[str] = Counter()
    left_out, own = 0, _written_to(file)
    problems: list[ImportProblem] = []

    def entries() -> Iterator[tuple[Kind, dict[str, Json]]]:
        nonlocal left_out
        for stored in objects:
            if own(stored.url):
                continue
            if isinstance(stored, BadEntry):
                problems.append(ImportProblem(stored.url, stored.url, stored.problem, "warning"))
                continue
            kind = kind_of(stored.url) if not stored.url.endswith(SUFFIX) else None
            if kind not in _ARRAYS:
                left_out += 1
                continue
            kinds[kind] += 1
            yield kind, _entry(stored, kind, with_facts)

    with whole_file(file) as stream:
        writer(entries(), stream)
    return ManifestReport(dict(kinds), left_out=left_out, problems=tuple(problems))


def _written_to(file: Path) -> Callable[[str], bool]:
    """Tells whether a URL is that of the manifest itself, which may be in the folder that is listed."""
    paths = {file.absolute(), Path(os.path.realpath(file))}
    whole = {path.as_uri() for path in paths}
    parts = tuple(f"{path.parent.as_uri()}/.heron-" for path in paths)
    return lambda url: url in whole or (url.startswith(parts) and url.endswith(".part"))


def _entry(stored: StoredObject, kind: Kind, with_facts: bool) -> dict[str, Json]:
    entry: dict[str, Json] = {"objectUrl": stored.url}
    if with_facts:
        media_type = guess_type(stored.url)[0] or MEDIA_TYPES[kind]
        entry[f"{kind}Metadata"] = {"fileSize": stored.size, "mimeType": media_type}
    return entry


def _json(entries: Iterable[tuple[Kind, dict[str, Json]]], stream: IO[bytes]) -> None:
    with ExitStack() as stack:
        arrays: dict[Kind, Any] = {}
        for kind, entry in entries:
            if kind not in arrays:
                arrays[kind] = stack.enter_context(tempfile.TemporaryFile())
            arrays[kind].write(
                (",\n    " if arrays[kind].tell() else "    ").encode() + dumps(entry).encode()
            )
        stream.write(b"{")
        for number, (kind, spool) in enumerate(arrays.items()):
            stream.write(f'{"," if number else ""}\n  "{_ARRAYS[kind]}": [\n'.encode())
            spool.seek(0)
            while block := spool.read(1 << 20):
                stream.write(block)
            stream.write(b"\n  ]")
        stream.write(b"\n}\n")


def _jsonl(entries: Iterable[tuple[Kind, dict[str, Json]]], stream: IO[bytes]) -> None:
    for kind, entry in entries:
        stream.write(dumps({"kind": kind, **entry}).encode() + b"\n")


def _csv(entries: Iterable[tuple[Kind, dict[str, Json]]], stream: IO[bytes]) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(["ObjectURL"])
    for _, entry in entries:
        writer.writerow([entry["objectUrl"]])
    text.detach()
