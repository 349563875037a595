"""Shows a query in a notebook: the Explorer in a frame where a server of the workspace runs and allows it, pictures otherwise."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from attrs import field, frozen

from heron.inside import DIRECTORY, open_file
from heron.models import Item, Query
from heron.pages import Page
from heron.records import line

SERVING = "server.json"
"""The file in `.heron` by which a server says where it is, and which origins may show it in a frame."""

_SECONDS = 0.5
_MOST_BYTES = 64 * 1024


@frozen(repr=False)
class Shown:
    """A query and its first page, as a notebook shows them; `address` is where the Explorer shows the same, None without a server."""

    query: Query
    page: Page[Item] = field(hash=False)
    address: str | None
    in_frame: bool
    height: int

    def __repr__(self) -> str:
        return f"<Shown {line(self.page, 100)}{f' at {self.address}' if self.address else ''}>"

    def _repr_html_(self) -> str:
        """The Explorer in a frame, or pictures of the page; with a link to the Explorer where a server runs."""
        from heron.notebooks import escape

        link = ""
        if self.address is not None:
            link = f'<p><a href="{escape(self.address)}" target="_blank" rel="noopener">Open in the Explorer</a></p>'
        if self.address is None or not self.in_frame:
            return self.page._repr_html_() + link
        style = f"width:100%;height:{self.height}px;border:1px solid #8884;border-radius:8px"
        return f'<iframe src="{escape(self.address)}" style="{style}" title="The Explorer"></iframe>{link}'

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> Mapping[str, str]:
        """What a notebook chooses from: HTML, and a line of text."""
        found = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        return {
            kind: content
            for kind, content in found.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }


def server_of(root: Path) -> tuple[str, bool] | None:
    """The address of the server that says in `.heron` that it serves the workspace, and whether it may be shown in a frame.

    None if no server of this machine says so, or if the one that did is gone: a copied workspace may name any address.
    """
    try:
        with open_file(root / DIRECTORY / SERVING, "rb") as stream:
            found = json.loads(stream.read(_MOST_BYTES))
        url, frames = str(found["url"]), bool(found["frame_in"])
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not _is_here(parts.hostname or ""):
            return None
        socket.create_connection((parts.hostname or "", parts.port or 80), _SECONDS).close()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url, frames


def _is_here(host: str) -> bool:
    """Whether an IP address is one of this machine; raises ValueError for a name, which is not looked up, and OSError."""
    address = ip_address(host)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
    return True


def address_of(url: str, query: Query) -> str | None:
    """Where the Explorer of a server shows a query; None for one that its page cannot say, such as one like a vector."""
    likes = query.like if isinstance(query.like, list | tuple) else [query.like] if query.like else []
    named = [like.uuid if isinstance(like, Item) else like for like in likes]
    if len(named) > 1 or not all(isinstance(name, str) for name in named):
        return None
    if query.words or query.has_floor or not query.recursive:
        return None
    asked: dict[str, Any] = {
        "where": query.where,
        "text": query.text,
        "like": named[0] if named else None,
        "key": query.key,
        "sort": query.sort,
        "in": f"folder:{query.folder}" if query.folder else None,
    }
    text = urlencode({name: value for name, value in asked.items() if value})
    return f"{url}/explore/{'?' + text if text else ''}"
