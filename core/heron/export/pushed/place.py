"""The place to which columns are pushed: a folder, or a prefix in an object store, with its files by their paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

from heron.catalog.spelling import absolute_path
from heron.errors import HeronError, InvalidInput, NotFound
from heron.export.files import outside_of_workspaces
from heron.export.pushed.manifest import NAME, Manifest, parsed
from heron.hooks import StoredObject
from heron.storage.retries import PatientStorage

_OURS = re.compile(r"(?:items|frames|vectors)/(?:[^/]+/)*[0-9a-f]{32}\.parquet").fullmatch


class PushPlace:
    """A place; `url` is the canonical URL of its folder, with a slash at the end."""

    def __init__(self, storage: PatientStorage, url: str) -> None:
        """Raises InvalidInput for a place within `.heron`."""
        if url.startswith("file:"):
            outside_of_workspaces(absolute_path(url))
        self.url = url
        self._storage = storage
        self._manifest: bytes | None = None

    def manifest(self) -> Manifest | None:
        """The manifest that is there, None in a place without files; raises HeronError where there is something else."""
        try:
            text = self.read(NAME)
        except NotFound:
            if next(iter(self._objects("")), None) is not None:
                raise InvalidInput(
                    f"{self.url} has files, and none of them is {NAME}: they are not pushed columns",
                    hint="name an empty or new folder",
                ) from None
            return None
        self._manifest = text
        return parsed(text, self.url)

    def publish(self, manifest: Manifest) -> None:
        """Write the manifest, from which readers take the files."""
        self._manifest = manifest.text()
        self.write(NAME, self._manifest)

    def is_unchanged(self) -> bool:
        """Whether the manifest is the one that this process has read or written last."""
        try:
            return self.read(NAME) == self._manifest
        except NotFound:
            return False

    def files(self) -> dict[str, StoredObject]:
        """The files of tables that are there, by path, also those that no manifest names."""
        found: dict[str, StoredObject] = {}
        for folder in ("items", "frames", "vectors"):
            for stored in self._objects(folder + "/"):
                path = unquote(stored.url)[len(unquote(self.url)) :]
                if _OURS(path):
                    found[path] = stored
        return found

    def listed(self, folder: str) -> list[str]:
        """The paths of all files below a folder."""
        return [unquote(stored.url)[len(unquote(self.url)) :] for stored in self._objects(folder + "/")]

    def read(self, path: str) -> bytes:
        """The content of a file; raises NotFound."""
        return self._storage.read(self._url(path))

    def write(self, path: str, content: bytes) -> None:
        """Write a file, in place of one that is there."""
        self._storage.write(self._url(path), content)

    def delete(self, path: str) -> None:
        """Delete a file; nothing happens if it is not there."""
        self._storage.delete(self._url(path))

    def _url(self, path: str) -> str:
        return self.url + quote(path, safe="/=" if not self.url.startswith("file:") else "/")

    def _objects(self, folder: str) -> Iterator[StoredObject]:
        try:
            yield from self._storage.list(self._url(folder))
        except HeronError as error:
            if type(error) is not NotFound:  # a missing bucket is not an empty place
                raise
