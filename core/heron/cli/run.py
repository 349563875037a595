"""`heron run`: runs the actions that plugins bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.exits import status_of_counts
from heron.cli.output import example, json_option, print_json, print_json_list
from heron.cli.progress import counting
from heron.cli.repeating import not_done, say_problems
from heron.cli.selection import Selection, selection
from heron.cli.tables import print_table, say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.actions.service import ActionInfo, ActionReport


@click.command("run")
@click.argument("action", required=False, metavar="NAME", shell_complete=completing.actions)
@selection()
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="Value of an option of the action."
)
@click.option("--list", "only_list", is_flag=True, help="List the actions instead, or the options of NAME.")
@json_option
@click.pass_obj
@example(
    "heron run --list\nheron run check-files --list\nheron run check-files --folder Photos\n"
    "heron run check-files --where \"kind = 'image'\" --option hash=true"
)
def command(
    context: Context,
    action: str | None,
    options: tuple[str, ...],
    only_list: bool,
    as_json: bool,
    selection: Selection,
) -> int:
    """Run an action of a plugin with the chosen items, or with the workspace if that is what it applies to.

    An item that fails is reported, and the others are done.
    """
    workspace = context.workspace()
    if only_list:
        known = workspace.actions.list()
        if action is None:
            _list(known, as_json)
        else:
            record = context.plugins().action(action)
            _explain(next(each for each in known if each.name == record.name), as_json)
        return 0
    if action is None:
        raise click.UsageError("Which action? heron run --list lists them.")
    items = selection.chosen(workspace) if selection else None
    total = None if items is None else len(items)
    with counting(f"Running {action}", total=total) as progress:
        report = workspace.actions.run(action, items, options=_values(options), progress=progress)
    if as_json:
        print_json(report)
    else:
        _say(report)
    return status_of_counts(report.failed, 0)


def _values(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not (name and mark):
            raise click.UsageError(f"--option {text}: write NAME=VALUE.")
        found[name] = value
    return found


def _say(report: ActionReport) -> None:
    say(f"Ran {report.action}: {counted(report.done, 'item')} done{not_done(report.failed, 0)}.")
    for text in report.said:
        say(f"  {text}")
    say_problems(report.problems)


def _explain(action: ActionInfo, as_json: bool) -> None:
    """Print the options of an action."""
    if as_json:
        print_json(action)
        return
    say(f"{action.name} ({action.applies_to}): {action.summary}")
    cells = [
        (
            option.name,
            ", ".join(option.choices) or option.type,
            "has to be given" if option.required else _written(option.default),
            option.summary,
        )
        for option in action.options
    ]
    print_table(
        ["option", "value", "default", "what it is"], cells, "It has no options.", keep=["value", "default"]
    )
    if action.problem:
        say(f"{action.name}: {action.problem}")


def _written(default: str | float | bool | None) -> str | float | None:
    return str(default).lower() if isinstance(default, bool) else default


def _list(known: list[ActionInfo], as_json: bool) -> None:
    if as_json:
        print_json_list(known)
        return
    cells = [
        (
            each.name,
            each.applies_to,
            ", ".join(option.name for option in each.options),
            each.changes,
            each.summary,
        )
        for each in known
    ]
    print_table(
        ["action", "applies to", "options", "changes items", "what it does"], cells, "There is no action."
    )
    for each in known:
        if each.problem:
            say(f"{each.name}: {each.problem}")
