"""Files, pictures and columns on their way between a client and a server."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote

from heron.convert import dumps, loads
from heron.errors import AlreadyExists, InvalidInput, NotFound
from heron.remote.connection import Connection
from heron.remote.verbs import Verb

if TYPE_CHECKING:
    from heron.curation.points import Points


def file_of(file: Any) -> tuple[str, IO[bytes]]:
    """The name of a file, and the file opened; a folder is packed as a ZIP archive. Raises NotFound."""
    path = Path(file)
    if path.is_dir():
        packed = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        with zipfile.ZipFile(packed, "w") as archive:
            for each in sorted(path.rglob("*")):
                archive.write(each, each.relative_to(path))
        packed.seek(0)
        return f"{path.name}.zip", packed
    try:
        return path.name, path.open("rb")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}") from None


def picture(content: bytes | None, verb: Verb) -> Any:
    """A picture that was sent; of groups of duplicates, a sheet of them."""
    from PIL import Image

    shown = Image.open(io.BytesIO(content or b""))
    shown.load()
    if verb.name == "curation.sheet":
        from heron.curation.sheet import GroupSheet

        return GroupSheet(shown, int(shown.info.get("groups", 0)))
    return shown


def texts(connection: Connection, ask: tuple[Any, ...]) -> Iterator[str]:
    """The pieces of a text as they come."""
    with connection.opened(*ask) as response:
        yield from response.iter_text()


NOTHING = 204
"""The status where a verb had nothing to write."""


def downloaded(
    connection: Connection, method: str, path: str, query: Mapping[str, Any], body: Any, file: Any
) -> Any:
    """Keep what a verb writes where the client wants it; it appears whole or not at all."""
    target = Path(file)
    with connection.opened(method, path, {**query, "filename": target.name}, body) as response:
        result = unquote(response.headers["heron-result"])
        if response.status_code == NOTHING:
            return loads(result)
        is_archive = response.headers.get("heron-files") is not None
        if is_archive and target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise AlreadyExists(f"{target} is there already", hint="name a folder that is new or empty")
        folder = Path(tempfile.mkdtemp(prefix=".heron-", dir=_parent(target)))
        try:
            part = folder / target.name
            with part.open("wb") as stream:
                for piece in response.iter_bytes():
                    stream.write(piece)
            if is_archive:
                _unpacked(part, target, response.headers["heron-files"])
            else:
                part.replace(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return loads(result.replace("{here}", dumps(str(target.parent))[1:-1]))


def _parent(target: Path) -> Path:
    if not target.parent.is_dir():
        raise InvalidInput(f"{target.parent} is not a folder", hint="make it first")
    return target.parent


def _unpacked(archive: Path, target: Path, form: str) -> None:
    """Unpack a folder to its place, or files beside each other."""
    with zipfile.ZipFile(archive) as files:
        place = archive.with_name("unpacked")
        files.extractall(place)  # a ZIP of our own server; `extractall` keeps names within the folder
    if form == "folder":
        if target.is_dir():
            target.rmdir()
        place.replace(target)
        return
    for path in place.iterdir():
        path.replace(target.parent / path.name)


def columns(
    connection: Connection, verb: Verb, path: str, query: dict[str, Any], given: Mapping[str, Any]
) -> Any:
    """Points of a projection, or batches of vectors."""
    if verb.name == "vectors.stored":
        return _batches(connection, path)
    with connection.opened("GET", path, query) as response:
        content = response.read()
    return _points(content, given)


def _points(content: bytes, given: Mapping[str, Any]) -> Points:
    import numpy as np

    from heron.curation.points import Points
    from heron.remote.columns import read

    count, parts = next(read(io.BytesIO(content)))
    frames = tuple(parts["frame"].tolist()) if "frame" in parts else (None,) * count
    places = np.column_stack([parts["x"], parts["y"]]).astype(np.float32).reshape(-1, 2)
    field, of_frames = given.get("value"), bool(given.get("frames", False))
    return Points(
        tuple(parts["uuid"]), tuple(parts["name"]), frames, places, of_frames, field, parts.get("value")
    )


def _batches(connection: Connection, path: str) -> Iterator[Any]:
    from heron.catalog.vectors.store import StoredVectors
    from heron.remote.columns import read

    with tempfile.SpooledTemporaryFile(64 * 1024 * 1024) as kept:
        with connection.opened("GET", path) as response:
            for piece in response.iter_bytes():
                kept.write(piece)
        kept.seek(0)
        for _, parts in read(kept):  # type: ignore[arg-type]
            frames = [None if number < 0 else number for number in parts["frame"].tolist()]
            yield StoredVectors(parts["uuid"], frames, parts["vector"])
