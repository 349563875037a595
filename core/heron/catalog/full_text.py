"""The full-text index of a key, and scripts that write words without spaces between them.

SQLite's tokenizer `unicode61` takes everything between two spaces as one word, so that in Chinese, Japanese or Thai no word inside of a
sentence would be found. So each sign of these scripts is a word of its own, in the index as in a query, where signs that stand side by side
have to follow each other. Marks belong to words too (`categories`): without them, Hindi and Thai words that differ in their vowels or tones
would be the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

SPACED = "spaced"
"""The name of the SQL function for `spaced`."""

OPTIONS = "body, tokenize='unicode61 categories ''L* N* Co Mn Mc'''"
"""The column and the tokenizer of an index."""

_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f40-\u0fbc"  # Tibetan
    "\u1000-\u109f\u1780-\u17dd"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese kana and repetition signs
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]"
)


def spaced(text: Any) -> Any:
    """A text with spaces around each sign of scripts that put none between words; anything else unchanged."""
    if not isinstance(text, str) or text.isascii():
        return text
    return _UNSPACED.sub(" \\g<0> ", text)


def full_text_statements(table: str, value: str) -> Sequence[str]:
    """The statements of an FTS5 index over a text key: a view provides its content, and triggers keep it up to date."""
    new, old = value.replace("items.", "NEW."), value.replace("items.", "OLD.")
    return _statements(table, value, new, old, SPACED, OPTIONS)


def older_statements(table: str, value: str) -> Sequence[str]:
    """The statements of an index that a version of Heron before `full_text_signs` has made."""
    new, old = value.replace("items.", "NEW."), value.replace("items.", "OLD.")
    return _statements(table, value, new, old, "", "body")


def _statements(table: str, value: str, new: str, old: str, spaced: str, options: str) -> Sequence[str]:
    def told(text: str) -> str:
        return f"{spaced}({text})" if spaced else text

    add = f"INSERT INTO {table}(rowid, body) VALUES (NEW.id, {told(new)});"
    remove = f"INSERT INTO {table}({table}, rowid, body) VALUES ('delete', OLD.id, {told(old)});"
    return (
        f"CREATE VIEW {table}_source AS SELECT id, {told(value)} AS body FROM items",
        f"CREATE VIRTUAL TABLE {table} USING fts5({options}, content='{table}_source', content_rowid='id')",
        f"CREATE TRIGGER {table}_insert AFTER INSERT ON items WHEN {new} IS NOT NULL BEGIN {add} END",
        f"CREATE TRIGGER {table}_delete AFTER DELETE ON items WHEN {old} IS NOT NULL BEGIN {remove} END",
        f"CREATE TRIGGER {table}_update AFTER UPDATE OF metadata ON items WHEN {old} IS NOT {new} BEGIN "
        f"INSERT INTO {table}({table}, rowid, body) SELECT 'delete', OLD.id, {told(old)} WHERE {old} IS NOT NULL; "
        f"INSERT INTO {table}(rowid, body) SELECT NEW.id, {told(new)} WHERE {new} IS NOT NULL; END",
        f"INSERT INTO {table}({table}) VALUES ('rebuild')",
    )


def dropping(table: str) -> Sequence[str]:
    """The statements that remove an index."""
    triggers = (f"DROP TRIGGER IF EXISTS {table}_{when}" for when in ("insert", "update", "delete"))
    return (*triggers, f"DROP TABLE IF EXISTS {table}", f"DROP VIEW IF EXISTS {table}_source")
