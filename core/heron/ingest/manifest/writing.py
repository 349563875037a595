"""Writes a listing as a manifest: JSONL and CSV in the order of the listing, JSON with an array for each kind."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from mimetypes import guess_type
from pathlib import Path
from typing import IO

from heron.catalog.paths import path_of
from heron.catalog.registration import name_of
from heron.convert import dumps
from heron.errors import InvalidInput
from heron.export.files import Scratch, whole_file
from heron.hooks import MediaKind, StoredObject
from heron.ingest.manifest.report import ManifestReport
from heron.jobs import ImportProblem
from heron.media.kinds import Kinds
from heron.metadata.keys import check_name
from heron.metadata.sidecars import SUFFIX
from heron.models import OTHER, Json, Kind
from heron.storage.local_files import BadEntry


def write(
    objects: Iterable[StoredObject],
    file: Path,
    kind_of: Callable[[str], Kind | None],
    kinds: Kinds,
    *,
    with_facts: bool,
) -> ManifestReport:
    """Write a manifest. Sidecars and objects whose names show no kind are skipped and counted; an object whose name no item
    can have is a problem of the report.

    Raises InvalidInput for a suffix other than .json, .jsonl and .csv.
    """
    writers = {".json": _json, ".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv}
    writer = _json if str(file) == "-" else writers.get(file.suffix.lower())
    if writer is None:
        raise InvalidInput(f"{file}: a manifest ends with {', '.join(writers)}")
    if with_facts and writer is _csv:
        raise InvalidInput("a CSV manifest cannot contain facts", hint="write .json or .jsonl")
    counts: Counter[str] = Counter()
    left_out, own = 0, _written_to(file)
    problems: list[ImportProblem] = []

    def entries() -> Iterator[tuple[MediaKind, dict[str, Json]]]:
        nonlocal left_out
        for stored in objects:
            if own(stored.url):
                continue
            if isinstance(stored, BadEntry):
                problems.append(ImportProblem(path_of(stored.url), stored.url, stored.problem, "warning"))
                continue
            kind = kind_of(stored.url) if not stored.url.endswith(SUFFIX) else None
            found = kinds.get(kind) if kind is not None else None
            if (
                found is None or found.files != "one" or found.name == OTHER
            ):  # the content tells which files form a series
                left_out += 1
                continue
            try:
                check_name(name_of(stored.url), "the name of the item")
            except InvalidInput as error:
                reason = f"left out: {error.message} (add an entry with a title for it)"
                problems.append(ImportProblem(path_of(stored.url), stored.url, reason, "warning"))
                continue
            counts[found.name] += 1
            yield found, _entry(stored, found, with_facts)

    with whole_file(file) as stream:
        writer(entries(), stream)
    return ManifestReport(dict(counts), left_out=left_out, problems=tuple(problems))


def _written_to(file: Path) -> Callable[[str], bool]:
    """Tells whether a URL is that of the manifest itself, which may be in the folder that is listed."""
    paths = {file.absolute(), Path(os.path.realpath(file))}
    whole = {path.as_uri() for path in paths}
    parts = tuple(f"{path.parent.as_uri()}/.heron-" for path in paths)
    return lambda url: url in whole or (url.startswith(parts) and url.endswith(".part"))


def _entry(stored: StoredObject, kind: MediaKind, with_facts: bool) -> dict[str, Json]:
    entry: dict[str, Json] = {"objectUrl": stored.url}
    if with_facts:
        media_type = guess_type(stored.url)[0] or kind.media_type
        entry[f"{kind.name}Metadata"] = {"fileSize": stored.size, "mimeType": media_type}
    return entry


def _json(entries: Iterable[tuple[MediaKind, dict[str, Json]]], stream: IO[bytes]) -> None:
    with ExitStack() as stack:
        arrays: dict[str, Scratch] = {}
        for kind, entry in entries:
            name = kind.arrays[0] if kind.arrays else kind.name
            if name not in arrays:
                arrays[name] = stack.enter_context(Scratch())
                arrays[name].write(b"    ")
            else:
                arrays[name].write(b",\n    ")
            arrays[name].write(dumps(entry).encode())
        stream.write(b"{")
        for number, (name, spool) in enumerate(arrays.items()):
            stream.write(f'{"," if number else ""}\n  "{name}": [\n'.encode())
            for block in spool.blocks():
                stream.write(block)
            stream.write(b"\n  ]")
        stream.write(b"\n}\n")


def _jsonl(entries: Iterable[tuple[MediaKind, dict[str, Json]]], stream: IO[bytes]) -> None:
    for kind, entry in entries:
        stream.write(dumps({"kind": kind.name, **entry}).encode() + b"\n")


def _csv(entries: Iterable[tuple[MediaKind, dict[str, Json]]], stream: IO[bytes]) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(["ObjectURL"])
    for _, entry in entries:
        writer.writerow([entry["objectUrl"]])
    text.detach()
