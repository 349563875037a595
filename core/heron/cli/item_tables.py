"""Tables of items and frames: the default columns, the fields that the query names, or those of --columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing
from heron.cli.tables import is_csv, print_table, say, say_more, size_cell
from heron.convert import dumps
from heron.wording import counted

if TYPE_CHECKING:
    from heron.models import Frame, Item, Match, Query
    from heron.pages import Page
    from heron.workspace import Workspace

columns_option = click.option(
    "--columns",
    metavar="NAMES",
    shell_complete=completing.columns,
    help="Print just these fields, separated by commas: name,width,metric.sharpness.",
)


def check_columns(names: str | None, as_json: bool) -> None:
    """Refuse --columns beside --json, for a command whose JSON is a record of its own."""
    if names is not None and as_json:
        raise click.UsageError("--columns is for the table and --csv; --json has every field of the answer.")


Cells = dict[str, list[Any]]
"""The cells of a table by column."""

_SHOWN = {"name", "uuid", "folder", "kind", "size", "frame.number", "frame.seconds", "frame.is_key"}
"""Fields that the default columns show."""


def item_cells(workspace: Workspace, items: Sequence[Item]) -> Cells:
    """The default columns of items, with paths where items of one folder have the same name; in CSV, plain values."""
    if is_csv():
        facts = [item.facts for item in items]
        return {
            "name": [item.name for item in items],
            "uuid": [item.uuid for item in items],
            "folder": [item.folder_path for item in items],
            "kind": [item.kind for item in items],
            "size": [item.size for item in items],
            "width": [of.width for of in facts],
            "height": [of.height for of in facts],
            "duration": [of.duration for of in facts],
            "pages": [of.pages for of in facts],
            "url": [item.url for item in items],
        }
    named = [(item.name, item.folder_path) for item in items]
    alike = len(set(named)) < len(named)
    return {
        "name": [item.name for item in items],
        "id": ids(workspace, (item.uuid for item in items)),
        **({"path": [item.path for item in items]} if alike else {}),
        "folder": [item.folder_path for item in items],
        "kind": [item.kind for item in items],
        "size": [size_cell(item.size) for item in items],
        "dimensions": [dimensions(item) for item in items],
        "collections": [", ".join(item.tags) for item in items],
    }


def ids(workspace: Workspace, uuids: Iterable[str]) -> list[str]:
    """The ids that a table shows: short ones, and whole UUIDs in CSV."""
    given = list(uuids)
    if is_csv() or not given:
        return given
    short = workspace.items._short_ids.of(given)
    return [short[uuid] for uuid in given]


def id_column() -> str:
    """The head of the column of `ids`."""
    return "uuid" if is_csv() else "id"


def frame_cells(workspace: Workspace, frames: Sequence[Frame], *, of_item: Item | None = None) -> Cells:
    """The default columns of frames; unless they are all of one item, with the name and the id of the item."""
    made: Cells = {}
    if of_item is None:
        known = {uuid: workspace.items.get(uuid).name for uuid in dict.fromkeys(f.item for f in frames)}
        made["name"] = [known[frame.item] for frame in frames]
        made[id_column()] = ids(workspace, (frame.item for frame in frames))
    return made | {
        "frame": [frame.number for frame in frames],
        "seconds": [frame.seconds for frame in frames],
        "key": [frame.is_key for frame in frames],
        "metadata": [metadata_cell(frame.metadata) for frame in frames],
        "metrics": [_metrics(frame.metrics) for frame in frames],
    }


def fields_of_query(workspace: Workspace, query: Query, page: Page[Any], *, frames: bool = False) -> Cells:
    """The columns of the fields that a query sorts by or has conditions on, unless the default columns show them."""
    if query.sort is None and query.where is None and query.words is None:
        return {}
    fields = workspace.search._named(query, frames=frames)
    wanted = {name: field for name, field in fields.items() if name not in _SHOWN}
    return {
        name: [written(value) for value in values]
        for name, values in workspace.search._values(page.rows, wanted, frames=frames).items()
    }


def matched(cells: Cells, matches: Sequence[Match], *, frames: bool = False) -> Cells:
    """The columns of a page of a similarity search: the score, and the frame by which an item was found."""
    if not matches:
        return cells
    name, *others = cells
    made = {name: cells[name], "score": [match.score for match in matches]}
    if any(match.sure is not None for match in matches):
        made["sure"] = ["" if match.sure is None else f"{match.sure:.2f}" for match in matches]
    made |= {other: cells[other] for other in others}
    if not frames and any(match.frame for match in matches):
        made["frame"] = [_frame(match) for match in matches]
    return made


def print_cells(cells: Cells, empty: str) -> None:
    """Print columns as a table."""
    print_table(
        list(cells), list(zip(*cells.values(), strict=True)), empty, keep=("id", "uuid", "score", "sure")
    )


def print_page(
    workspace: Workspace, page: Page[Any], empty: str, query: Query | None = None, *, frames: bool = False
) -> None:
    """Print a page of items or frames as a table, with the fields of the query, and say how to get the next page."""
    cells = frame_cells(workspace, page.rows) if frames else item_cells(workspace, page.rows)
    if query is not None and len(page):
        cells = _after_id(cells, fields_of_query(workspace, query, page, frames=frames))
    print_cells(matched(cells, page.matches, frames=frames), empty)
    say_next(page)


def nothing(workspace: Workspace, query: Query, *, frames: bool = False) -> str:
    """The sentence for a query that finds nothing, with what to try instead."""
    text = f"No {'frame' if frames else 'item'} matches."
    if is_csv() or query.cursor is not None:
        return text
    return " ".join([text, *workspace.search._why_nothing(query, frames=frames)])


def say_next(page: Page[Any]) -> None:
    """Say how to get the next page, if there is one."""
    if page.cursor:
        say(f"More: --cursor {page.cursor}")


def print_columns(
    workspace: Workspace, page: Page[Any], names: str, empty: str, *, frames: bool = False
) -> None:
    """Print only the named fields of the items or frames of a page, as a table."""
    print_cells(named_cells(workspace, page.rows, names, frames=frames), empty)
    say_next(page)


def named_cells(workspace: Workspace, rows: Sequence[Any], names: str, *, frames: bool = False) -> Cells:
    """The columns of the named fields of items or frames."""
    fields = workspace.search._columns(names, frames=frames)
    found = workspace.search._values(rows, fields, frames=frames)
    cells = {name: [written(value) for value in values] for name, values in found.items()}
    if "id" in fields and fields["id"].name == "uuid":
        cells["id"] = ids(workspace, cells["id"])
    return cells


def extra_cells(workspace: Workspace, uuids: Sequence[str], names: str | None) -> Cells:
    """The columns of the named fields of items, given by UUID, beside those of another table; none without names."""
    if names is None:
        return {}
    ids = workspace.items._ids(uuids)
    items = workspace.items._records(ids)
    return named_cells(workspace, [items[id] for id in ids], names)


def values_of(
    workspace: Workspace, rows: Iterable[Any], names: str, *, frames: bool = False
) -> Iterator[dict[str, Any]]:
    """The named fields of a stream of items or frames, as JSON."""
    from heron.catalog.items import bundles

    for part in bundles(rows):
        yield from workspace.search.values(part, names, frames=frames)


def print_stream(
    rows: Iterable[Any],
    cells: Callable[[Sequence[Any]], Cells],
    empty: str,
    limit: int | None,
    cursor: int = 0,
) -> None:
    """Print records of a stream as a table, `limit` after the first `cursor`, and whether there are more."""
    stream = islice(rows, cursor, None)
    most = limit if limit is not None or is_csv() else 100
    print_cells(cells(list(islice(stream, most))), empty)
    say_more(stream)


def _after_id(cells: Cells, more: Mapping[str, list[Any]]) -> Cells:
    """Columns with others after the first two, which are name and id."""
    first = dict(list(cells.items())[:2])
    return {**first, **{name: more[name] for name in more if name not in cells}, **cells}


def written(value: Any) -> Any:
    """A value as JSON, but texts without quotes; numbers have no thousands separators."""
    return value if value is None or isinstance(value, str) else dumps(value)


def dimensions(item: Item) -> str:
    """Width and height, or duration, or number of pages, or an empty text."""
    facts = item.facts
    if facts.width and facts.height:
        return f"{facts.width} x {facts.height}"
    if facts.duration:
        return f"{facts.duration:.1f} s"
    return counted(facts.pages, "page") if facts.pages else ""


def metadata_cell(metadata: Mapping[str, Any]) -> str:
    """Metadata as a cell of a table, `city=Oslo, night=true`, or as JSON in CSV."""
    if is_csv():
        return dumps(metadata) if metadata else ""
    return ", ".join(
        f"{key}={value if isinstance(value, str) else dumps(value)}" for key, value in metadata.items()
    )


def _metrics(metrics: Mapping[str, float]) -> str:
    if is_csv():
        return dumps(metrics) if metrics else ""
    names = ("brightness", "contrast", "sharpness")
    return ", ".join(f"{name} {metrics[name]:.3g}" for name in names if name in metrics)


def _frame(match: Match) -> str | int | None:
    if match.frame is None:
        return None
    if is_csv():
        return match.frame.number
    seconds = match.frame.seconds
    return f"#{match.frame.number}" + (f" at {seconds:.1f} s" if seconds is not None else "")
