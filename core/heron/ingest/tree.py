"""The tree of an import: which folder below its target each unit lands in, as the folders of its source are nested.

A folder that cannot have its name in the catalogue has it with escapes: `%0A` for a line break, `%2E%2E` for `..`; a name
that is too long ends with a digest of the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from heron.catalog.trees import Names
from heron.errors import InvalidInput
from heron.ingest.units import Unit
from heron.metadata.keys import unescaped
from heron.models import MAX_NAME

Roots = Mapping[str, Sequence[str]]
"""For each URL below which folders are kept: the names of the folder, below the target, in which its own files land."""

_DIGEST = 16


class Tree:
    """The folders in which the units of one import land. Without roots, all land in the target itself."""

    def __init__(self, roots: Roots, *, is_batched: bool = False) -> None:
        """`is_batched` says that each unit stands for all images of a folder, so that it lands beside, not within."""
        self._roots = {prefix: tuple(names) for prefix, names in roots.items()}
        self._is_batched = is_batched
        self._of_folder = lru_cache(10_000)(self._names_of)

    def __bool__(self) -> bool:
        return bool(self._roots)

    def of(self, unit: Unit) -> Names:
        """The names of the folders from the target down to the one in which a unit lands.

        An item of several files lands in the folder that holds them all.
        """
        if not self._roots:
            return ()
        urls = [part.url for part in unit.parts] or [member.url for member in unit.members] or [unit.url]
        names = {self._of_folder(url.partition("#")[0].rpartition("/")[0] + "/") for url in urls}
        shared = _shared(min(names), max(names))
        return shared[:-1] if self._is_batched else shared

    def _names_of(self, folder: str) -> Names:
        """The names for the URL of a folder, which ends with a slash."""
        root = max((root for root in self._roots if folder.startswith(root)), key=len, default=None)
        if root is None:
            return ()
        return (*self._roots[root], *(folder_name(part) for part in folder[len(root) :].split("/") if part))


def _shared(first: Names, last: Names) -> Names:
    """The beginning that the first and last of several sorted names share, and so do all between."""
    same = (one == other for one, other in zip(first, last, strict=False))
    return first[
        : next((place for place, is_same in enumerate(same) if not is_same), min(len(first), len(last)))
    ]


def roots_of(folders: Iterable[str]) -> dict[str, list[str]]:
    """The roots for the URLs of some folders, which end with a slash.

    What is in a single folder lands in the target itself. Of several, each keeps its name, with as many of the folders
    above it as tell them apart.
    """
    outer: list[str] = []
    for url in sorted(set(folders)):
        if not outer or not url.startswith(outer[-1]):
            outer.append(url)
    if len(outer) == 1:
        return {outer[0]: []}
    parts = {url: [part for part in url.partition("://")[2].split("/") if part] for url in outer}
    for count in range(1, max(map(len, parts.values()), default=0) + 1):
        names = {url: [folder_name(part) for part in of[-count:]] for url, of in parts.items()}
        if len({tuple(of) for of in names.values()}) == len(names):
            return names
    return {url: [] for url in outer}


def folder_name(part: str) -> str:
    """The name of a folder for a part of a URL."""
    try:
        name = unescaped(part)
    except InvalidInput:  # it is not valid Unicode, in the URL of a file that is not read
        return part[:MAX_NAME]
    if name in (".", ".."):
        return name.replace(".", "%2E")
    if len(name) > MAX_NAME:
        return f"{name[: MAX_NAME - _DIGEST - 1]}~{hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]}"
    return name
