"""`heron merge`: takes what `heron export` wrote, in this workspace or another one."""

from __future__ import annotations

from pathlib import Path

import click

from heron.cli.context import Context
from heron.cli.output import example, json_option, print_json
from heron.cli.progress import counting
from heron.cli.tables import say
from heron.portable import CHOICES, KINDS, Choice, Merged
from heron.wording import counted

_SHOWN = 20


@click.command("merge")
@click.argument("path", type=click.Path(path_type=Path), metavar="EXPORT")
@click.option(
    "--clashes", multiple=True, metavar="[KIND=]CHOICE",
    help=f"What to do with what is here and not equal: refuse (default), keep or take; for all, or for one of {', '.join(KINDS)}.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Check the export, show what would happen, and change nothing.")
@click.option("--no-media", is_flag=True, help="Leave the files of items in the export.")
@click.option("--lake", metavar="DIR", help="Folder where the local files of the exported workspace are now.")
@json_option
@click.pass_obj
@example(
    "heron merge lake.heron --dry-run\nheron merge lake.zip\nheron merge lake.heron --clashes keep\n"
    "heron merge lake.heron --clashes items=take --clashes keys=keep"
)
def command(
    context: Context,
    path: Path,
    clashes: tuple[str, ...],
    dry_run: bool,
    no_media: bool,
    lake: str | None,
    as_json: bool,
) -> None:
    """Merge an export of a workspace into this one: all of it, or nothing.

    Into an empty workspace, this restores what was exported. What is here and equal stays; what is here and not equal is a clash,
    and nothing is merged until you choose to keep what is here or to take what the export has.
    """
    choices = _choices(clashes)
    with counting("Reading", "item") as progress:
        done = context.workspace().portable.merge(
            path, clashes=choices, lake=lake, media=not no_media, dry_run=dry_run, progress=progress
        )
    if as_json:
        print_json(done)
        return
    _show(done)


def _choices(given: tuple[str, ...]) -> dict[str, Choice]:
    """The choice for each kind; one without a kind is for all of those that are not named."""
    found: dict[str, Choice] = {}
    default: Choice = "refuse"
    for text in given:
        kind, mark, named = text.rpartition("=")
        choice = next((each for each in CHOICES if each == named), None)
        if choice is None or (mark and kind not in KINDS):
            raise click.UsageError(
                f"{text!r}: give {', '.join(CHOICES)}, or KIND=CHOICE with one of {', '.join(KINDS)}."
            )
        if mark:
            found[kind] = choice
        else:
            default = choice
    return {**dict.fromkeys(KINDS, default), **found}


def _show(done: Merged) -> None:
    new = [counted(number, kind[:-1]) for kind, number in done.new.items() if number]
    same = [counted(number, kind[:-1]) for kind, number in done.same.items() if number]
    what = "Merged" if done.written else "A dry run, nothing was changed. New would be"
    say(f"{what}: {', '.join(new) or 'nothing new'}.")
    if same:
        say(f"  Here already, and equal: {', '.join(same)}.")
    if done.media:
        say(f"  {counted(done.media, 'file')} {'came' if done.written else 'would come'} with it.")
    for kind, number in done.clashing.items():
        named = [clash for clash in done.clashes if clash.kind == kind]
        choice = {"keep": "what is here is kept", "take": "what the export has is taken"}.get(
            named[0].choice, f"choose --clashes {kind}=keep or {kind}=take"
        )
        clashing = f"{number:,} {kind if number != 1 else kind[:-1]} {'clash' if number != 1 else 'clashes'}"
        say(f"  {clashing}, {choice}:")
        for clash in named[:_SHOWN]:
            say(f"    {clash.name}: {clash.reason}")
        if number > min(len(named), _SHOWN):
            say(f"    … and {number - min(len(named), _SHOWN):,} more")
    for each in done.needed:
        say(
            f"  Items are read by the integration {each.name} ({each.backend}), which is not here: heron integrations add"
        )
    for note in done.notes:
        say(f"  Note: {note}")
