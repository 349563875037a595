"""`heron plot`: projects the vectors of a key to points in two dimensions, as a picture or a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json
from heron.cli.progress import counting
from heron.cli.selection import Selection, selection
from heron.cli.tables import say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.curation.projections import Projection
    from heron.workspace import Workspace


@click.command("plot")
@click.argument("shown", metavar="[KEY]", required=False, shell_complete=completing.embeddings)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A plot as .png, .svg or .pdf, or a table as .json, .csv or .parquet.",
)
@click.option(
    "--method",
    shell_complete=completing.projections,
    default="pca",
    show_default=True,
    metavar="NAME",
    help="pca (principal components), tsne (t-SNE, which shows clusters and takes longer), or another plugin's.",
)
@click.option(
    "--color",
    shell_complete=completing.fields,
    metavar="FIELD",
    help="Colour points by a field: city, kind, metric.brightness …",
)
@selection(order=False)
@click.option("--frames", is_flag=True, help="Show frames, not items.")
@click.option("--thumbnails", is_flag=True, help="Show small pictures of some points.")
@click.option("--title", metavar="TEXT", help="Title above the plot.")
@click.option("--again", is_flag=True, help="Project again, with the vectors added since.")
@json_option
@click.pass_obj
@example(
    "heron plot visual -o map.png --color city\nheron plot clip -o map.svg --method tsne --thumbnails --color captured_at\n"
    "heron plot clip -o frames.parquet --frames --color metric.brightness --where \"kind = 'video'\""
)
def command(
    context: Context,
    shown: str | None,
    output: Path,
    method: str,
    color: str | None,
    frames: bool,
    thumbnails: bool,
    title: str | None,
    again: bool,
    selection: Selection,
    as_json: bool,
) -> None:
    """Show the vectors of a key as points in two dimensions.

    Near points are similar. All vectors of KEY are projected once and the points are stored, so that every
    plot is the same map; conditions choose the points that are shown. Without KEY, the first key that has
    vectors is used.
    """
    workspace = context.workspace()
    query = selection.query(workspace)
    projection = _projection(workspace, shown, method, again=again)
    count = workspace.projections.plot(
        output, projection.key, method, color=color, query=query, frames=frames, thumbnails=thumbnails, title=title,
    )  # fmt: skip
    if as_json:
        made = {
            "file": str(output),
            "points": count,
            "key": projection.key,
            "method": method,
            "new": projection.new,
        }
        print_json(made)
        return
    say(f"Wrote {output} with {counted(count, 'point')}")
    if projection.is_stale:
        say(
            f"Note: {counted(projection.new, 'vector')} added since the projection have no point; --again projects again"
        )


def _projection(workspace: Workspace, key: str | None, method: str, *, again: bool) -> Projection:
    """The stored projection, or a new one."""
    from heron.errors import NotFound

    if not again:
        try:
            return workspace.projections.get(key, method)
        except NotFound:
            pass
    with counting("Projecting", "vector"):
        return workspace.projections.make(key, method)
