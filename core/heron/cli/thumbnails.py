"""`heron thumbnails`: make the small pictures and the quality metrics of items and frames."""

from __future__ import annotations

import click

from heron.cli.context import Context
from heron.cli.crashes import in_children
from heron.cli.executing import executor_option
from heron.cli.exits import status_of_counts
from heron.cli.output import example, json_option, print_json
from heron.cli.progress import counting
from heron.cli.repeating import not_done, repeatable, say_problems, say_waiting
from heron.cli.selection import Selection, selection
from heron.cli.tables import say
from heron.wording import counted


@click.command("thumbnails")
@selection()
@click.option("--frames", is_flag=True, help="Make pictures of the frames of these items, not of the items.")
@click.option("--again", is_flag=True, help="Make existing pictures again.")
@executor_option
@json_option
@click.pass_obj
@example(
    "heron thumbnails --folder Photos\nheron thumbnails --where \"kind = 'video'\" --frames\n"
    "heron thumbnails --item 01a1fc7f-6634-7b8f-8ffa-50166ba72775 --again"
)
def command(
    context: Context,
    frames: bool,
    again: bool,
    executor: str | None,
    as_json: bool,
    selection: Selection,
) -> int:
    """Make the small pictures and the quality metrics of items and frames.

    Existing ones are kept, so to continue an interrupted run, run it again.
    """
    in_children(context)
    workspace = context.workspace()
    chosen = selection.chosen(workspace)
    with (
        repeatable("the pictures that were made are kept"),
        counting(
            "Making pictures", "frame" if frames else "item", None if frames else len(chosen)
        ) as progress,
    ):
        made = workspace.pictures.make(
            chosen, frames=frames, again=again, executor=executor, progress=progress
        )
    if as_json:
        print_json(made)
        return status_of_counts(made.failed, made.waiting)
    what = counted(made.frames, "frame") if frames else counted(made.items, "item")
    say(f"Made pictures of {what}{not_done(made.failed, made.waiting)}.")
    say_problems(made.problems)
    say_waiting(made.waiting)
    return status_of_counts(made.failed, made.waiting)
