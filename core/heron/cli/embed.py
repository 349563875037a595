"""`heron embed`: computes vectors of the pictures or texts of items, and of frames, with an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.crashes import in_children
from heron.cli.executing import executor_option
from heron.cli.exits import status_of_counts
from heron.cli.output import example, json_option, print_json, print_json_list, print_notes
from heron.cli.progress import counting
from heron.cli.repeating import not_done, repeatable, say_problems, say_waiting
from heron.cli.selection import Selection, selection
from heron.cli.tables import print_table, say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.embedding.service import Embedded
    from heron.hooks import EmbedderModel, PluginManager


@click.command("embed")
@selection(without=["key"])
@click.option(
    "--embedder",
    shell_complete=completing.embedders,
    default="visual",
    show_default=True,
    metavar="NAME",
    help="The embedder to use.",
)
@click.option(
    "--model",
    metavar="DIR|NAME@REVISION",
    help="Weights from disk or a hub, for an embedder that takes a model.",
)
@click.option(
    "--key",
    shell_complete=completing.embeddings,
    metavar="KEY",
    help="Key of the schema to store them under (default: the embedder's name).",
)
@click.option(
    "--frames",
    is_flag=True,
    help="Embed the frames of these items too: their pictures, or the texts of pages.",
)
@click.option("--again", is_flag=True, help="Compute existing vectors again.")
@click.option("--list", "only_list", is_flag=True, help="List the embedders instead.")
@executor_option
@json_option
@click.pass_obj
@example(
    "heron embed\nheron embed --embedder clip --model models/clip-vit-base-patch32 --folder Photos\n"
    "heron embed --where \"kind = 'video'\" --frames\nheron embed --list"
)
def command(
    context: Context,
    embedder: str,
    model: str | None,
    key: str | None,
    frames: bool,
    again: bool,
    only_list: bool,
    executor: str | None,
    as_json: bool,
    selection: Selection,
) -> int:
    """Compute vectors of the pictures or texts of items, and of their frames, with an embedder.

    All items of kinds that the embedder reads (heron embed --list), unless some are chosen. Items that have a vector of the same content by the
    same model are skipped, so to continue an interrupted run, run it again.
    """
    if only_list:
        _list(context, as_json)
        return 0
    in_children(context)
    workspace = context.workspace()
    items = selection.chosen(workspace) if selection else None
    with (
        repeatable("what was embedded is kept"),
        counting("Embedding", total=workspace.embed._count(items, embedder)) as progress,
    ):
        done = workspace.embed(
            embedder,
            items,
            model=model,
            key=key,
            frames=frames,
            again=again,
            executor=executor,
            progress=progress,
        )
    if as_json:
        print_json(done)
    else:
        _say(done, context.plugins().embedder(embedder).contents)
    return status_of_counts(done.failed, done.waiting)


def _say(done: Embedded, reads: Sequence[str]) -> None:
    there = f", {done.skipped:,} had one already" if done.skipped else ""
    without = "".join(
        f", {counted(count, 'item')} without a {what} skipped"
        for count, what in ((done.without_picture, "picture"), (done.without_text, "text"))
        if count
    )
    counts = {"picture": done.embedded - done.texts, "text": done.texts}
    parts = [counted(counts[what], what) for what in ("picture", "text") if what in reads]
    say(
        f"Embedded {' and '.join(parts)} as {done.key!r}{there}{without}{not_done(done.failed, done.waiting)}."
    )
    print_notes(done.notes, mark="", err=False)
    say_problems(done.problems)
    say_waiting(done.waiting)


def _list(context: Context, as_json: bool) -> None:
    """Print the installed embedders, and for each one that cannot be used, why."""
    from heron.hooks import EmbedderModel

    plugins = context.plugins()
    known: list[dict[str, Any]] = [
        {
            "name": record.name,
            "size": record.size,
            "embeds": list(record.embeds),
            "reads": list(record.contents),
            "takes_model": record.takes_model,
            "problem": _problem(plugins, record),
            "summary": record.summary,
        }
        for record in plugins.contributions(EmbedderModel)
    ]
    if as_json:
        print_json_list(known)
        return
    columns = ["embedder", "size", "reads of items", "text queries", "takes --model", "what it is"]
    cells = [
        (
            e["name"], e["size"], " and ".join(e["reads"]), "text" in e["embeds"], e["takes_model"], e["summary"],
        )
        for e in known
    ]  # fmt: skip
    print_table(columns, cells, "There is no embedder.")
    for each in known:
        if each["problem"]:
            say(f"{each['name']}: {each['problem']}")


def _problem(plugins: PluginManager, record: EmbedderModel) -> str | None:
    """Why an embedder cannot be used here; None if it can be used."""
    from heron.errors import PluginError

    try:
        plugins.require(record)
    except PluginError as error:
        return str(error)
    return None
