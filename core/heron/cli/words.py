"""A search for a text where no embedding takes texts: its words are searched in names and in text keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heron.models import Query
    from heron.workspace import Workspace


def searchable(workspace: Workspace, query: Query) -> tuple[Query, list[str]]:
    """The same query, or if no embedding takes its text, one for items whose name or text keys contain each word, with a note
    that says so.

    A query that asks for similarity by more than a text stays, and fails with the reason.
    """
    from attrs import evolve

    from heron.search.syntax import both

    by_more = query.like or query.key or query.exact or query.nearest is not None or query.has_floor
    if query.text is None or by_more or not query.text.strip():
        return query, []
    if any(kept.takes_text for kept in workspace.vectors._embedding_keys()):
        return query, []
    keys = [field.name for field in workspace._planner._fields(frames=False).full_text()]
    where = query.where
    for word in query.text.split():
        found = " OR ".join([_in_name(word), *(_in_key(key, word) for key in keys)])
        where = f"({found})" if where is None else both(where, f"({found})")
    places = ", ".join(["names", *keys])
    note = (
        f"No embedding takes texts, so the words are searched in {places}; "
        "heron embed --embedder clip finds items by what they show"
    )
    return evolve(query, text=None, where=where), [note]


def _in_name(word: str) -> str:
    escaped = word.replace("!", "!!").replace("%", "!%").replace("_", "!_").replace("'", "''")
    return f"item.name LIKE '%{escaped}%' ESCAPE '!'"


def _in_key(key: str, word: str) -> str:
    quoted, name = word.replace("'", "''"), key.replace('"', '""')
    return f"match(\"{name}\", '{quoted}')"
