"""The options that choose items, each declared once, and the query or items that they stand for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import click
from attrs import field, frozen

from heron.cli import completing
from heron.cli.cosines import AUTO, Cosine
from heron.cli.output import ROWS

if TYPE_CHECKING:
    from heron.models import Query
    from heron.workspace import Workspace

_Option = Callable[[Any], Any]

_CONDITIONS: dict[str, _Option] = {
    "items": click.option(
        "--item",
        "items",
        shell_complete=completing.items,
        multiple=True,
        metavar="ITEM",
        help="An item by name, id, path, URL or UUID; once for each.",
    ),
    "folder": click.option(
        "--folder",
        shell_complete=completing.folders,
        metavar="PATH",
        help="Only this folder and the folders below it.",
    ),
    "where": click.option(
        "--where", metavar="CONDITION", help="SQL condition over fields, facts and metadata."
    ),
    "words": click.option(
        "--words", metavar="WORDS", help='Words that a text key contains; "a phrase", begin*.'
    ),
    "collection": click.option(
        "--collection",
        shell_complete=completing.collections,
        metavar="TITLE",
        help="Only items of this collection.",
    ),
    "dataset": click.option(
        "--dataset", shell_complete=completing.datasets, metavar="TITLE", help="Only items of this dataset."
    ),
    "project": click.option(
        "--project",
        shell_complete=completing.projects,
        metavar="TITLE",
        help="Only items of the datasets of this project.",
    ),
    "preset": click.option(
        "--preset", shell_complete=completing.presets, metavar="NAME", help="Start from a saved query."
    ),
}
"""Options for fields of the items."""

_SIMILARITY: dict[str, _Option] = {
    "text": click.option("--text", metavar="TEXT", help="Similar to this text in natural language."),
    "like": click.option(
        "--like",
        shell_complete=completing.things,
        multiple=True,
        metavar="THING",
        help="Similar to an item (name, id, path or UUID), a frame (ITEM#NUMBER), a picture, or a vector in a .npy file.",
    ),
    "key": click.option(
        "--key", shell_complete=completing.embeddings, metavar="KEY", help="The embedding to compare by."
    ),
    "nearest": click.option(
        "--nearest", type=click.IntRange(min=1), metavar="N", help="Only the N most similar (sorted: 100)."
    ),
    "min_score": click.option(
        "--min-score",
        type=Cosine(),
        metavar="S",
        help="Only items with at least this cosine similarity; auto: only those that a text is sure of.",
    ),
    "exact": click.option("--exact", is_flag=True, help="Compare with every vector instead of by the index."),
}
"""Options for similarity."""

_ORDER: dict[str, _Option] = {
    "sort": click.option(
        "--sort",
        shell_complete=completing.sorts,
        metavar="NAMES",
        help="Names separated by commas; - in front for descending.",
    ),
    "limit": click.option("--limit", type=ROWS, help="At most this many (pages: 100 unless given)."),
}
"""Options for order and number."""

_RESOLVED = ("items", "collection", "dataset", "project", "preset")
"""Options that are not passed on to the query unchanged."""


@frozen
class Selection:
    """The items that the options of a command choose.

    `given` contains the given options by the names above. A selection is true if any option was given.
    """

    given: Mapping[str, Any] = field(factory=dict)

    def __bool__(self) -> bool:
        return bool(self.given)

    @property
    def key(self) -> str | None:
        """The embedding to compare by."""
        return self.given.get("key")

    @property
    def exact(self) -> bool:
        """Whether every vector is compared."""
        return bool(self.given.get("exact"))

    def among(self, items: Iterable[str]) -> Selection:
        """The same selection with items that a command takes as arguments, as if they were given by --item."""
        named = (*self.given.get("items", ()), *items)
        return Selection({**self.given, "items": named}) if named else self

    def only(self, *names: str) -> bool:
        """Whether no options except some of these are given."""
        return set(self.given) <= set(names)

    def query(self, workspace: Workspace, *, compares: bool = False) -> Query:
        """The query of all options together: an item must match each of them, and the preset.

        With `compares`, --key and --exact also say how the command itself compares; then a query without similarity
        does not contain them.
        """
        from attrs import evolve

        from heron.models import Query
        from heron.search.asked import SURE

        preset = self.given.get("preset")
        query = workspace.presets.get(preset).query if preset is not None else Query()
        for where in (self.given.get("where"), self._one_of(workspace), *self._memberships()):
            if where is None:
                continue
            query = evolve(query, where=_both(query.where, where))
        parts = {name: value for name, value in self.given.items() if name not in (*_RESOLVED, "where")}
        if parts.get("min_score") == AUTO:
            parts |= {"min_score": None, "min_sure": SURE}
        query = evolve(query, **parts)
        return evolve(query, key=None, exact=False) if compares and not query.is_similarity else query

    def chosen(self, workspace: Workspace) -> list[str]:
        """The UUIDs of the chosen items, read before the command changes any of them.

        Items that are named one by one, and those of a dataset, keep their order. The page size of a preset is ignored.
        Raises UsageError if no option chooses items, or if similarity alone chooses them, without a bound.
        """
        if self.only("sort", "limit") and len(self.given) < 2:
            names = ", ".join(f"--{name}" for name in ("item", *list(_CONDITIONS)[1:], "text"))
            raise click.UsageError(f"Which items? Give one or more of {names} and --like.")
        if self.only("items"):
            return [workspace.items.get(item).uuid for item in self.given["items"]]
        if self.only("dataset"):
            return [row.item.uuid for row in workspace.datasets.rows(self.given["dataset"])]
        from attrs import evolve

        query = evolve(self.query(workspace), limit=self.given.get("limit"))
        if query.is_similarity and query.nearest is None and not query.has_floor and query.limit is None:
            raise click.UsageError("How many of them? Give --nearest or --min-score.")
        return [item.uuid for item in workspace.search.all(query)]

    def source(self, workspace: Workspace) -> dict[str, Any]:
        """The options that were given, and the query of the preset: what a dataset keeps of how its rows were chosen."""
        known = {
            name: list(value) if isinstance(value, tuple) else value for name, value in self.given.items()
        }
        if "items" in known:
            known["items"] = len(known["items"])
        if (preset := self.given.get("preset")) is not None:
            from heron.catalog.versions.tables import told

            known |= told(workspace.presets.get(preset).query)
        return known

    def _one_of(self, workspace: Workspace) -> str | None:
        uuids = [workspace.items.get(item).uuid for item in self.given.get("items", ())]
        return f"item.uuid IN ({', '.join(map(_quoted, uuids))})" if uuids else None

    def _memberships(self) -> Iterator[str]:
        for name in ("collection", "dataset", "project"):
            if name in self.given:
                yield f"in_{name}({_quoted(self.given[name])})"


def selection(
    *, text: Literal["argument", "option"] = "option", order: bool = True, without: Iterable[str] = ()
) -> Callable[[Any], Any]:
    """Add the options that choose items to a command; it is called with one `Selection` in their place.

    With `text` as an argument, a sentence needs no quotes. `order` False leaves out --sort and --limit; `without`
    leaves out options by their names above.
    """
    options = {**_CONDITIONS, **_SIMILARITY, **(_ORDER if order else {})}
    for name in without:
        del options[name]

    def add(function: Any) -> Any:
        @functools.wraps(function)
        def command(*arguments: Any, **given: Any) -> Any:
            values = {name: given.pop(name) for name in options}
            if isinstance(values["text"], tuple):
                values["text"] = " ".join(values["text"]) or None
            chosen = {
                name: value
                for name, value in values.items()
                if value is not None and value is not False and value != ()
            }
            return function(*arguments, selection=Selection(chosen), **given)

        for name, option in reversed(options.items()):
            if name != "text" or text == "option":
                command = option(command)
        return click.argument("text", nargs=-1)(command) if text == "argument" else command

    return add


def _both(first: str | None, second: str) -> str:
    if first is None:
        return second
    from heron.search.syntax import both

    return both(first, second)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
