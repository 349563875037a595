"""Paths of files as people write them: a URL without its escapes, and the URLs that can have a given path.

The path of `file:./train/a%20b.jpg` is `train/a b.jpg`, of `file:///media/a.jpg` it is `/media/a.jpg`, and of
`s3://lake/a%20b.jpg` it is `s3://lake/a b.jpg`. URLs are in stored form here. The fragment of the URL of a group or a
series stays as it is.

Each path leads back to its URL by `urls_of`, so that the index on URLs answers `path = '…'`. A URL that `urls_of` would
not find, because it is escaped in an unusual way, is its own path.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_to_bytes

from heron.catalog.spelling import HAS_SCHEME

HERE = "file:./"
"""What stands before the path of a file below the workspace, in stored form."""

_ROOT = "file://"
"""What stands before the absolute path of a local file."""

_SAFE = "/!$&'()*+,;=:@~"
"""The characters that URLs of objects do not escape; those of local files escape all of them but `/`."""

_SPECIAL = re.compile(r"[\s%#]")
_USUAL = re.compile(
    r"(?:[A-Za-z0-9_.~-]++/?|%(?:[0189A-F][0-9A-F]|2[0-9A-C]|3[A-F]|40|5[B-E]|60|7[BCDF])/?)*+"
).fullmatch
"""Matches a relative path as `quote` writes it: no escape that is not needed, in capitals, and no empty name."""


def path_sql(column: str) -> str:
    """The SQL of the path for a column of URLs; Python is called only for URLs with escapes."""
    is_local = f"substr({column}, 1, 7) = '{HERE}' OR substr({column}, 1, 8) = '{_ROOT}/'"
    return f"(CASE WHEN instr({column}, '%') THEN path_of({column}) WHEN {is_local} THEN substr({column}, 8) ELSE {column} END)"


def path_of(url: str) -> str:
    """The path of a URL."""
    if url.startswith(HERE):  # most URLs with escapes
        folder, slash, name = url[len(HERE) :].rpartition("/")
        above, last = _folder(folder), _usual(name) if "%" in name else name
        if above is not None and last is not None and "#" not in name:
            return above + slash + last
    start, rest = _parted(url)
    body, mark, fragment = rest.partition("#")
    try:
        plain = unquote(body, errors="strict")
    except UnicodeDecodeError:
        return url
    path = ("" if start in (HERE, _ROOT) else start) + plain + mark + fragment
    return path if url in urls_of(path) else url


def _usual(text: str) -> str | None:
    """A relative path without its escapes, if it has just those that local files have; else None."""
    if not _USUAL(text):
        return None
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return None


_folder = lru_cache(4096)(_usual)


def urls_of(path: str) -> list[str]:
    """The URLs that may have a path; the path of each is to be compared with it."""
    if HAS_SCHEME.match(path):
        start, plain = _parted(path)
    else:
        start, plain = (_ROOT if path.startswith("/") else HERE), path
    body, mark, fragment = plain.rpartition("#")
    forms = [*_escaped(plain), *(f"{form}#{fragment}" for form in _escaped(body) if mark)]
    return [*dict.fromkeys((path, HERE + path, start + plain, *(start + form for form in forms)))]


def _parted(url: str) -> tuple[str, str]:
    """The start of a URL, which has no escapes, and the rest."""
    if url.startswith(HERE):
        return HERE, url[len(HERE) :]
    if url.startswith(f"{_ROOT}/"):
        return _ROOT, url[len(_ROOT) :]
    if not HAS_SCHEME.match(url):
        return "", url
    scheme, _, rest = url.partition("://")
    authority, slash, key = rest.partition("/")
    return f"{scheme}://{authority}{slash}", key


def _escaped(text: str) -> tuple[str, ...]:
    """The forms in which URLs have a text: with the escapes of local files, with those of objects, with the fewest."""
    fewest = _SPECIAL.sub(lambda found: quote(found[0]), text)
    return quote(text), quote(text, safe=_SAFE), fewest
