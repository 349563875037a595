"""Opens what the tour has exported with Python's own libraries, which know nothing of Heron."""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

SHARD = Path("nights-1/000000.tar")
TABLE = Path("nights-1.csv")


def opened() -> Iterator[str]:
    """Lines of Python, and what they give; the table is opened where there are no shards."""
    return _samples() if SHARD.exists() else _rows()


def _samples() -> Iterator[str]:
    yield f">>> tarfile.open({str(SHARD)!r}).getmembers()"
    with tarfile.open(SHARD) as archive:
        names = archive.getnames()
        known = [json.load(archive.extractfile(name)) for name in names if name.endswith(".json")]  # type: ignore[arg-type]
        sizes = {member.name: member.size for member in archive.getmembers()}
    for name, item in list(zip((name for name in names if not name.endswith(".json")), known, strict=True))[
        :3
    ]:
        yield f"{name}  {sizes[name]:,} bytes  {item['metadata'].get('description', item['name'])}"
    yield f"Python's tarfile finds {len(known)} samples. The library webdataset reads them for training."


def _rows() -> Iterator[str]:
    yield f">>> csv.DictReader(open({str(TABLE)!r}))"
    with TABLE.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows[:3]:
        yield f"{row['name']}  {row['metadata.city']}  {row['metadata.weather']}"
    yield f"Python's csv finds {len(rows)} rows."
