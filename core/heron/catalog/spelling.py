"""Spellings: the files that a text may mean which names one by a path or a URL."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from heron.convert import without_secrets
from heron.errors import InvalidInput
from heron.metadata.keys import not_unicode, printable

HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

LONGEST_NAME = 255
"""The longest name of a file or folder: in bytes on Linux, and in characters elsewhere."""


def absolute_path(url: str) -> Path:
    """The absolute path of a `file:` URL or of a plain path; raises InvalidInput for another scheme, and for a name that no file can have."""
    if not url or "\0" in url:
        raise InvalidInput(f"{url!r} is not a path")
    if url.lower().startswith("file:"):
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            raise InvalidInput(f"{without_secrets(url)} lies on another machine")
        try:
            plain = unquote(parts.path, errors="strict")
        except UnicodeDecodeError:
            raise not_unicode(unquote(parts.path, errors="surrogateescape")) from None
        return _possible(_normal(plain))
    if "://" in url:
        raise InvalidInput(f"{url} is not a local file")
    return _possible(_normal(url))


def _possible(path: str) -> Path:
    """A path; raises InvalidInput for one with a name that is longer than a file system of this machine has."""
    if len(path) > LONGEST_NAME // 4:
        for name in path.split("/"):
            length = len(os.fsencode(name)) if sys.platform == "linux" else len(name)
            if length > LONGEST_NAME:
                raise InvalidInput(
                    f"{printable(path)} is not a path: a name in it is longer than {LONGEST_NAME}"
                )
    return Path(path)


def meanings(text: str, root: str) -> list[list[str]]:
    """The files that a text may mean: absolute paths, or URLs of storages without their escapes.

    A relative path has two meanings: below the workspace's `root`, and below the current folder. The paths of one
    meaning differ in what they take for an escape or for the fragment of a group: `a%20b.png` may be called so.
    """
    if not text or "\0" in text:
        return []
    if text.lower().startswith("file:"):
        try:
            host = urlsplit(text).netloc
        except ValueError:
            return []
        rest = text[len("file:") :]
        plain = rest[2:].removeprefix("localhost") if rest.startswith("//") else rest
        return [[_normal(form) for form in _unescaped(plain)]] if host in ("", "localhost") else []
    if HAS_SCHEME.match(text):
        scheme, mark, rest = text.partition("://")
        return [_unescaped(f"{scheme.lower()}{mark}{rest}")]
    forms = dict.fromkeys((text, *_unescaped(text)))
    bases = [root] if text.startswith("/") else dict.fromkeys((root, _here() or root))
    return [[_normal(os.path.join(base, form)) for form in forms] for base in bases]  # noqa: PTH118


def _here() -> str | None:
    """The current folder, or None if it was deleted."""
    try:
        return str(Path.cwd())
    except OSError:
        return None


def _unescaped(text: str) -> list[str]:
    body, mark, fragment = text.rpartition("#")
    return [unquote(text), unquote(body) + mark + fragment] if mark else [unquote(text)]


def _normal(path: str) -> str:
    """The path without `.`, `..` and repeated slashes, also at its start, where POSIX lets two mean something else."""
    return re.sub("^/{2,}", "/", os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
