"""`heron derive`: computes the metadata that plugins derive from items and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.crashes import in_children
from heron.cli.executing import executor_option
from heron.cli.exits import status_of_counts
from heron.cli.output import example, json_option, print_json_list
from heron.cli.progress import counting
from heron.cli.repeating import not_done, repeatable, say_problems, say_waiting
from heron.cli.selection import Selection, selection
from heron.cli.tables import print_table, say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.deriving.service import Derived


@click.command("derive")
@click.argument("derivers", nargs=-1, metavar="[NAME]...", shell_complete=completing.derivers)
@selection()
@click.option("--again", is_flag=True, help="Compute all values anew, over those that people gave too.")
@click.option("--list", "only_list", is_flag=True, help="List the derivers instead.")
@executor_option
@json_option
@click.pass_obj
@example(
    "heron derive\nheron derive orientation --folder Photos\n"
    "heron derive orientation --where \"kind = 'video'\" --executor processes:2\nheron derive --list"
)
def command(
    context: Context,
    derivers: tuple[str, ...],
    again: bool,
    only_list: bool,
    executor: str | None,
    as_json: bool,
    selection: Selection,
) -> int:
    """Compute derived metadata: the values that plugins give for keys of their own.

    All derivers, unless some are named; all items of the kinds that they take, unless some are chosen. A deriver of frames gives values to
    the frames that these items have in the catalogue, frame.KEY in conditions. Items and frames whose values are up to date are skipped, so to continue an interrupted run, run it again. Values that people gave or changed stay.
    """
    if only_list:
        _list(context, as_json)
        return 0
    in_children(context)
    workspace = context.workspace()
    names = derivers or [each.name for each in workspace.derive.list()]
    items = selection.chosen(workspace) if selection else None
    done = []
    for name in names:
        total = workspace.derive._count(name, items)
        with repeatable("what was derived is kept"), counting(f"Deriving {name}", total=total) as progress:
            done.append(workspace.derive(name, items, again=again, executor=executor, progress=progress))
        if not as_json:
            _say(done[-1])
    if as_json:
        print_json_list(done)
    return status_of_counts(sum(each.failed for each in done), sum(each.waiting for each in done))


def _say(done: Derived) -> None:
    what = "frame" if done.of == "frames" else "item"
    keys = ", ".join(f"frame.{key}" if done.of == "frames" else key for key in done.keys)
    parts = [
        f", {done.skipped:,} up to date" if done.skipped else "",
        f", {counted(done.kept, what)} with values of others kept" if done.kept else "",
        f", {counted(done.without_content, 'item')} without a picture or text skipped" if done.without_content else "",
        not_done(done.failed, done.waiting),
    ]  # fmt: skip
    say(f"Derived {keys} of {counted(done.derived, what)}{''.join(parts)}.")
    say_problems(done.problems)
    say_waiting(done.waiting)


def _list(context: Context, as_json: bool) -> None:
    """Print the derivers, and for each one that cannot be used, why."""
    known = context.workspace().derive.list()
    if as_json:
        print_json_list(known)
        return
    columns = ["deriver", "keys", "of", "reads", "version", "on import", "what it is"]
    cells = [(e.name, ", ".join(e.keys), e.of, e.reads, e.version, e.on_import, e.summary) for e in known]
    print_table(columns, cells, "There is no deriver.")
    for each in known:
        if each.problem:
            say(f"{each.name}: {each.problem}")
