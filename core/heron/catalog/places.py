"""The URLs of local files below the workspace are stored relative to it, so that the workspace and its files can be moved together.

The URL `file:///lake/cats/1.jpg` is stored as `file:./cats/1.jpg` in the workspace `/lake`. Statements write a URL as `KEPT`
and select a column by `located`; look-ups of many URLs take their stored forms from `by_stored_form`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from heron.catalog.paths import HERE, path_of

KEPT = "kept(?)"
"""A parameter of a statement that is a URL, in stored form."""


def located(column: str) -> str:
    """The SQL of the absolute URL in a column."""
    return f"iif(substr({column}, 1, 7) = '{HERE}', located({column}), {column})"


class Places:
    """Converts URLs between their stored form and the absolute one."""

    def __init__(self, root: Path) -> None:
        roots = dict.fromkeys((root.absolute(), root.resolve()))
        self._roots = tuple(f"{path.as_uri().rstrip('/')}/" for path in roots)
        self._paths = tuple(f"{str(path).rstrip('/')}/" for path in roots)
        self.root = str(root.absolute())

    def kept(self, url: str | None) -> str | None:
        """The stored form of a URL."""
        if url is not None and url.startswith("file:///"):
            for root in self._roots:
                if url.startswith(root):
                    return HERE + url[len(root) :]
        return url

    def located(self, url: str | None) -> str | None:
        """The absolute URL of a stored form."""
        return self._roots[0] + url[len(HERE) :] if url is not None and url.startswith(HERE) else url

    def path(self, text: str) -> str:
        """The path of a file, as `paths.path_of` gives it, for a path as a person may write it: absolute, or with `./`."""
        for root in self._paths:
            if text.startswith(root) and text != root:
                return text[len(root) :]
        return text.removeprefix("./") or text

    def by_stored_form(self, urls: Iterable[str]) -> dict[str, str]:
        """The URLs by their stored form; of several that are the same file, as through a link, the last one."""
        return {self.kept(url) or "": url for url in urls}

    def define(self, define: Callable[[str, int, Callable[..., Any]], None]) -> None:
        """Define the SQL functions `kept`, `located` and `path_of`."""
        define("kept", 1, self.kept)
        define("located", 1, self.located)
        define("path_of", 1, path_of)
