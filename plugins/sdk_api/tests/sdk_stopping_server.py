"""A server for tests that kill it: its plugin stops in the middle of an import and of a patch until a gate is open.

`python sdk_stopping_server.py LAKE PUBLIC_KEY` makes the lake if it is missing, and prints the server's address. Where it stops, it makes
the file `NAME.reached` beside the lake, and goes on once there is `NAME.open`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import heron
import heron_sdk_api
from heron_server.testing import served

LAKE = Path(sys.argv[1])
LARGE = 64 * 1024 * 1024
"""More bytes than the buffers of a connection hold."""


def stop(name: str) -> None:
    """Wait for the gate."""
    (LAKE.parent / f"{name}.reached").touch()
    while not (LAKE.parent / f"{name}.open").exists():
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


class Plugin:
    """Both of them."""

    @heron.hookimpl
    def register_decoders(self) -> Iterable[heron.MediaDecoder]:
        format = heron.MediaFormat(
            media_type="image/x-toy", kind="image", suffixes=[".toy"], signature=b"TOY1"
        )
        yield heron.MediaDecoder(name="toys", summary="Toys", formats=[format], load=Toys)

    @heron.hookimpl
    def register_metadata_types(self) -> Iterable[heron.MetadataType]:
        yield heron.MetadataType(name="word", summary="A word", affinity="text", load=Words)


def make() -> None:
    """A lake of 30 notes and a large file, with a user who has the key."""
    notes = LAKE.parent / "notes"
    notes.mkdir()
    for number in range(30):
        (notes / f"{number:02}.txt").write_text(f"note {number}\n")
    with (notes / "large.txt").open("wb") as stream:
        stream.write(b"a line of text\n")
        stream.truncate(LARGE)
    with heron.init(LAKE, plugins=[Plugin()], discover=False) as workspace:
        workspace.schema.add("word", "word")
        workspace.ingest.files(notes, folder="Notes")
        workspace.users.add("ada@example.org", role="admin")
        workspace.users.add_key("ada@example.org", sys.argv[2])


if __name__ == "__main__":
    if not LAKE.exists():
        make()
    with served(LAKE, plugins=[heron_sdk_api, Plugin()], discover=False, rate=1e9) as server:
        sys.stdout.write(json.dumps({"url": server.url}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
