"""A server for tests that kill it: its plugin stops in the middle of an import, a patch and an export until a gate is open.

`python stopping_server.py LAKE` makes the lake if it is missing, and prints the server's address and the owner's token. Where it stops, it makes the file `NAME.reached` beside the
lake, and goes on once there is `NAME.open`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import heron
import heron_http_api
from heron_server.testing import served

BESIDE = Path(sys.argv[1]).parent


def stop(name: str) -> None:
    """Wait for the gate."""
    (BESIDE / f"{name}.reached").touch()
    while not (BESIDE / f"{name}.open").exists():
        time.sleep(0.01)


class Toys:
    """The decoder of toys."""

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        if file.head == b"TOY1stop":
            stop("import")
        return heron.MediaFacts(kind="image", media_type="image/x-toy", width=2, height=2, frame_count=1)

    def picture(self, file: heron.MediaFile, size: int) -> None:
        return None


class Words:
    """The codec of words."""

    def parameters(self, given: Any) -> dict[str, Any]:
        return dict(given)

    def encoder(self, parameters: Any) -> Any:
        def encode(value: Any) -> str:
            if value == "stop":
                stop("patch")
            return str(value)

        return encode


class Names:
    """The exporter of names."""

    def write(self, rows: Iterator[heron.DatasetRow], stream: Any) -> int:
        names = [row.item.name.encode() + b"\n" for row in rows]
        stream.write(names[0])
        stop("export")
        stream.write(b"".join(names[1:]))
        return len(names)


class Plugin:
    """All of them."""

    @heron.hookimpl
    def register_decoders(self) -> Iterable[heron.MediaDecoder]:
        format = heron.MediaFormat(
            media_type="image/x-toy", kind="image", suffixes=[".toy"], signature=b"TOY1"
        )
        yield heron.MediaDecoder(name="toys", summary="Toys", formats=[format], load=Toys)

    @heron.hookimpl
    def register_metadata_types(self) -> Iterable[heron.MetadataType]:
        yield heron.MetadataType(name="word", summary="A word", affinity="text", load=Words)

    @heron.hookimpl
    def register_exporters(self) -> Iterable[heron.DatasetExporter]:
        yield heron.DatasetExporter(name="names", summary="Names", suffix=".names", load=Names)


def make(lake: Path) -> None:
    """A lake of the files in `notes` beside it, with a dataset of the first 30."""
    with heron.init(lake, plugins=[Plugin()], discover=False) as workspace:
        workspace.schema.add("word", "word")
        workspace.ingest.files(BESIDE / "notes", folder="Notes")
        workspace.datasets.create("notes", items=[f"{number:02}.txt" for number in range(30)])


if __name__ == "__main__":
    if not Path(sys.argv[1]).exists():
        make(Path(sys.argv[1]))
    with served(sys.argv[1], plugins=[heron_http_api, Plugin()], discover=False, rate=1e9) as server:
        sys.stdout.write(json.dumps({"url": server.url, "token": server.token}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
