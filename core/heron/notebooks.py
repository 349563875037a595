"""Shows items and pages in notebooks as HTML, with stored thumbnails of open workspaces; reads no media files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakSet

from heron.errors import HeronError
from heron.records import line

MOST = 48
"""The most pictures shown of a page."""

_CELL = "display:inline-block;vertical-align:top;width:168px;margin:4px;font:12px sans-serif;overflow-wrap:anywhere"
_BLANK = "width:160px;height:90px;background:#8883;line-height:90px;text-align:center"


OPEN: WeakSet[Any] = WeakSet()
"""The open workspaces of this process: a record does not know its workspace, but is found by its UUID."""


def _thumbnail(thing: Any) -> bytes | None:
    for shelf in list(OPEN):
        try:
            found: bytes | None = shelf._stored_thumbnail(thing)
        except HeronError:
            continue
        if found is not None:
            return found
    return None


def _cell(thing: Any, lines: Iterable[str]) -> str:
    jpeg = _thumbnail(thing)
    if jpeg is None:
        kind = escape(getattr(thing, "kind", "no picture"))
        picture = f'<div style="{_BLANK}">{kind}</div>'
    else:
        from base64 import b64encode

        picture = f'<img style="max-width:160px" src="data:image/jpeg;base64,{b64encode(jpeg).decode()}">'
    return f'<div style="{_CELL}">{picture}{"".join(f"<div>{escape(line(text, 200))}</div>" for text in lines)}</div>'


def escape(text: str) -> str:
    """A text escaped for HTML."""
    import html

    return html.escape(text)


def item_html(item: Any) -> str:
    """One item: its thumbnail, and its fields as a table."""
    facts = item.facts
    size = f"{facts.width:,} x {facts.height:,}" if facts.width and facts.height else None
    rows = {
        "kind": item.kind,
        "size": size,
        "seconds": facts.duration,
        "folder": item.folder_path,
        "tags": ", ".join(item.tags),
        "uuid": item.uuid,
        "url": item.url,
        **{f"metadata.{key}": value for key, value in list(item.metadata.items())[:20]},
    }
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(line(name, 60))}</th>'
        f'<td style="text-align:left">{escape(line(value, 300))}</td></tr>'
        for name, value in rows.items()
        if value not in (None, "")
    )
    return f'<div>{_cell(item, [item.name])}<table style="display:inline-table">{cells}</table></div>'


def page_html(rows: Sequence[Any], scores: Sequence[float], more: bool) -> str:
    """A page: a picture of each row with its name and score."""
    cells = []
    for place, row in enumerate(rows[:MOST]):
        thing = getattr(row, "item", row) if hasattr(row, "position") else row
        if not hasattr(thing, "uuid") and not hasattr(thing, "is_key"):
            return f"<pre>{escape(repr(list(rows[:MOST])))}</pre>"
        name = thing.name if hasattr(thing, "name") else f"{thing.item}, frame {thing.number}"
        cells.append(_cell(thing, [name, *([f"{scores[place]:.3f}"] if scores else [])]))
    hidden = len(rows) - len(cells)
    foot = f"{len(rows):,} rows" + (f", {hidden:,} not shown" if hidden else "")
    return f"<div>{''.join(cells)}<div>{foot}{', more follow' if more else ''}</div></div>"
