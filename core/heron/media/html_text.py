"""The visible text of HTML, judged by the markup alone: without tags, scripts, styles and comments.

One pass with `find` and simple patterns: `html.parser` takes seconds for 32 kB of hostile markup, and its
time grows quadratically. Entities and elements are those of the HTML Living Standard.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"<(?:!--|(/?)([a-zA-Z][\w:-]*)|[!?/])")
_END_OR_QUOTE = re.compile(r"[>\"']")
_HIDDEN = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "template", "noscript", "svg", "title")
}
"""Elements whose content is not shown on the page, with their end tags."""

_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section",
    "table", "td", "th", "tr", "ul",
))  # fmt: skip
"""Elements that begin on a line of their own, and cells of tables."""


def visible_text(content: str) -> tuple[str, str]:
    """Title and lines of visible text of a page, or of the beginning of one; time is linear in its length."""
    title, pieces, at = "", [], 0
    while (tag := _TAG.search(content, at)) is not None:
        pieces.append(_plain(content[at : tag.start()]))
        at = _behind(content, tag)
        name = (tag[2] or "").lower()
        if name in _HIDDEN and not tag[1]:
            end = _HIDDEN[name].search(content, at)
            stop = end.start() if end else len(content)
            if name == "title":
                title = title or _plain(content[at:stop]).strip()
            at = stop
        elif name in _BLOCKS:
            pieces.append("\n")
    pieces.append(_plain(content[at:]))
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return title, "\n".join(line for line in lines if line)


def _behind(content: str, tag: re.Match[str]) -> int:
    """The position behind a tag or comment; the end of the content if it is never closed."""
    if tag[0] == "<!--":
        end = content.find("-->", tag.end() - 2)
        return len(content) if end < 0 else end + 3
    at = tag.end()
    while (mark := _END_OR_QUOTE.search(content, at)) is not None:
        if mark[0] == ">":
            return mark.end()
        closing = content.find(mark[0], mark.end()) if tag[2] else -1
        at = mark.end() if closing < 0 else closing + 1
    return len(content)


def _plain(source: str) -> str:
    """The text of a piece of source with its entities replaced, on one line."""
    return re.sub(r"\s+", " ", html.unescape(source))
