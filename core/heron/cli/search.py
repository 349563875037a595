"""`heron search`: find items, or frames, by conditions, words, and what they look like."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve

from heron.cli.contents import check_contents, contents_option, print_json_page
from heron.cli.context import Context
from heron.cli.item_tables import columns_option, nothing, print_columns, print_page
from heron.cli.output import cursor_option, example, list_options, print_json, print_json_list, print_notes
from heron.cli.selection import Selection, selection
from heron.cli.tables import print_fields, say
from heron.cli.words import searchable
from heron.convert import item_to_dict, unstructure
from heron.wording import counted

if TYPE_CHECKING:
    from heron.answers import Explanation
    from heron.models import Query
    from heron.pages import Page
    from heron.workspace import Workspace


@click.command("search")
@selection(text="argument")
@columns_option
@cursor_option
@click.option(
    "--frames", is_flag=True, help="Find frames: frame.number, frame.seconds, frame.KEY, metric.NAME."
)
@click.option("--count", "only_count", is_flag=True, help="Print only how many there are.")
@click.option(
    "--explain", is_flag=True, help="Print how the query is answered, and how long each part takes."
)
@click.option("--collect", metavar="TITLE", help="Make a collection of the items of this page.")
@contents_option
@list_options
@click.pass_obj
@example(
    'heron search "a red bus in the rain" --limit 10\n'
    'heron search "night" --where "city = \'Algiers\'" --like photo.jpg --sort -captured_at\n'
    "heron search --where \"city = 'Algiers' AND width > 1000\" --sort -captured_at\n"
    "heron search --where \"match(description, 'red bus') AND weather IN ('rain', 'fog')\"\n"
    "heron search --words 'red bus' --where \"exif.Model LIKE 'Finch%'\" --count\n"
    "heron search --frames --where \"kind = 'video' AND metric.brightness < 0.2\" --sort -metric.sharpness"
)
def command(
    context: Context,
    frames: bool,
    only_count: bool,
    explain: bool,
    collect: str | None,
    contents: tuple[str, ...],
    as_json: bool,
    columns: str | None,
    cursor: str | None,
    selection: Selection,
) -> None:
    """Find items, or frames, by conditions, words, and what they look like.

    TEXT is natural language, for an embedding whose model takes texts (heron embed makes embeddings); without one, its
    words are searched in names and text keys. A condition is SQL:
    = < > LIKE IN BETWEEN IS NULL AND OR NOT, over metadata keys, item fields such as width, size and kind, media facts
    such as exif.Model or dicom.Modality, metrics such as metric.sharpness, and match(key, 'words'),
    in_collection('title'), in_dataset('title'), in_project('title'), in_folder('path'), has_file('name'), distance_km(key, latitude, longitude). All of it can be combined.
    """
    check_contents(contents, columns, as_json)
    if contents and (frames or only_count or explain):
        raise click.UsageError("--with goes with a list of items.")
    workspace = context.workspace()
    query, by_words = searchable(workspace, selection.query(workspace))
    query = evolve(query, cursor=cursor)
    for note in by_words:
        say(note, err=True)
    search = workspace.search
    if only_count:
        found = search.count_frames(query) if frames else search.count(query)
        print_json({"count": found, **_notes(by_words)}) if as_json else say(f"{found:,}")
        if sys.stderr.isatty():  # a script that reads both outputs gets just the number
            print_notes(search.notes(query, frames=frames))
        return
    if explain:
        _explain(search.explain(query, frames=frames), as_json)
        return
    page: Page[Any] = search.frames(query) if frames else search(query)
    notes = _notes([*by_words, *page.notes])
    if collect is not None:
        made = workspace.collections.create(collect, items=page.rows)
    if as_json and columns is not None:
        print_json_list(search.values(page.rows, columns, frames=frames), page.cursor, **notes)
    elif as_json:
        key = {"key": page.key} if page.key is not None else {}
        if contents:
            print_json_page(workspace, page, _as_json(page, frames), contents, **key, **notes)
        else:
            print_json_list(_as_json(page, frames), page.cursor, **key, **notes)
    else:
        _print(workspace, page, query, columns, frames=frames)
        print_notes(page.notes)
    if collect is not None and not as_json:
        say(f"Made collection {collect} of {counted(made.item_count, 'item')}")


def _print(workspace: Workspace, page: Page[Any], query: Query, columns: str | None, *, frames: bool) -> None:
    """The rows as a table, with their scores if they have scores."""
    empty = nothing(workspace, query, frames=frames) if not len(page) else ""
    if columns is not None:
        print_columns(workspace, page, columns, empty, frames=frames)
        return
    print_page(workspace, page, empty, query, frames=frames)
    if page.key is not None and len(page):
        say(f"Compared by {page.key}.")


def _notes(notes: Sequence[str]) -> dict[str, Any]:
    """Notes for JSON, if there are some."""
    return {"notes": list(notes)} if notes else {}


def _as_json(page: Page[Any], frames: bool) -> Any:
    for place, row in enumerate(page):
        plain = unstructure(row) if frames else item_to_dict(row)
        if page.matches:
            match = page.matches[place]
            plain["score"] = match.score
            if match.sure is not None:
                plain["sure"] = match.sure
            if match.frame is not None and not frames:
                plain["frame"] = unstructure(match.frame)
        yield plain


def _explain(found: Explanation, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [("condition", found.sql), ("parameters", ", ".join(map(repr, found.parameters)))]
    rows += [("engine", found.engine)]
    if found.key is not None:
        rows += [
            ("embedding", f"{found.key}, {counted(found.vectors or 0, 'vector')}"),
            ("way", found.way or ""),
        ]
        rows += [("why", found.reason or "")]
    rows += [("milliseconds", ", ".join(f"{part} {took:,.1f}" for part, took in found.milliseconds.items()))]
    print_fields(row for row in rows if row[1])
