"""`heron select`: the items that cover a set best, or those that differ most from all others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from heron.cli import completing
from heron.cli.collecting import check_titles, collect
from heron.cli.context import Context
from heron.cli.item_tables import (
    Cells,
    check_columns,
    columns_option,
    extra_cells,
    id_column,
    ids,
    print_cells,
)
from heron.cli.output import example, list_options, print_json
from heron.cli.progress import counting
from heron.cli.selection import Selection, selection
from heron.cli.show import picture_option, save_picture
from heron.cli.tables import say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.curation.records import Ranking, Subset
    from heron.workspace import Workspace


@click.command("select")
@click.option("--diverse", type=click.IntRange(min=1), metavar="N", help="N items that cover all the others.")
@click.option(
    "--unique", type=click.IntRange(min=1), metavar="N", help="The N items that differ most from all others."
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="N items that a sampler chooses.")
@click.option(
    "--sampler",
    shell_complete=completing.samplers,
    default="random",
    show_default=True,
    metavar="NAME",
    help="With --sample: the sampler, random or another plugin's.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="With --sample: another seed, another sample."
)
@click.option(
    "--neighbours",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="K",
    help="With --unique: the number of nearest items to compare with.",
)
@click.option(
    "--keep", is_flag=True, help="With --unique: store the value of every item as metric.uniqueness."
)
@selection(order=False)
@click.option("--collect", "title", metavar="TITLE", help="Make a collection of them.")
@picture_option("Draw them side by side")
@columns_option
@list_options
@click.pass_obj
@example(
    "heron select --diverse 500 --collect 'To label first'\nheron select --diverse 24 --folder Photos -o variety.png\n"
    "heron select --sample 100 --collect Random\nheron select --unique 20 --where \"kind = 'image'\" --keep"
)
def command(
    context: Context,
    diverse: int | None,
    unique: int | None,
    sample: int | None,
    sampler: str,
    seed: int,
    neighbours: int,
    keep: bool,
    title: str | None,
    output: Path | None,
    columns: str | None,
    as_json: bool,
    selection: Selection,
) -> None:
    """Choose a diverse subset of items, the most unique ones, or a sample.

    --diverse chooses the item nearest to the mean, and then in each step the item farthest from all chosen
    so far: the first N of a larger subset are the subset of N. --unique ranks items by 1 - the mean cosine
    with their nearest items.
    """
    if [diverse, unique, sample].count(None) != 2:
        raise click.UsageError("Give one of --diverse N, --unique N and --sample N.")
    if keep and unique is None:
        raise click.UsageError("--keep goes with --unique.")
    check_columns(columns, as_json)
    workspace = context.workspace()
    check_titles(workspace, title)
    query = selection.query(workspace, compares=True)
    found: Subset | Ranking
    if diverse is not None:
        found = workspace.curation.diverse(selection.key, diverse, query)
    elif sample is not None:
        found = workspace.curation.sample(sampler, sample, query, key=selection.key, seed=seed)
    else:
        with counting("Comparing", "vector") as progress:
            found = workspace.curation.uniqueness(
                selection.key, query, neighbours=neighbours, limit=unique, keep=keep, progress=progress
            )
    chosen = [item.uuid for item in found.items]
    if output is not None:
        save_picture(workspace.pictures.contact_sheet(map(workspace.items.get, chosen)), output)
    print_json(found) if as_json else _print(workspace, found, columns)
    collect(workspace, title, chosen, quiet=as_json)
    if output is not None and not as_json:
        say(f"Wrote {output} with {counted(len(chosen), 'picture')}")


def _print(workspace: Workspace, found: Subset | Ranking, names: str | None) -> None:
    from heron.curation.records import Subset

    is_subset = isinstance(found, Subset)
    uuids = [item.uuid for item in found.items]
    cells: Cells = {"rank": [*range(1, len(uuids) + 1)]}
    cells |= extra_cells(workspace, uuids, names) or {
        "name": [item.name for item in found.items],
        id_column(): ids(workspace, uuids),
    }
    cells["nearest before" if is_subset else "uniqueness"] = [item.score for item in found.items]
    print_cells(cells, "There is no item to choose from.")
    if isinstance(found, Subset):
        say(
            f"Of {counted(found.compared, 'item')}, each has a cosine of {found.covered:.3f} or more with one of these"
        )
    for note in found.notes:
        say(f"Note: {note}")
