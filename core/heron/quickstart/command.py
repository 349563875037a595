"""`heron quickstart`: makes a small lake, and runs through Heron's features with commands that users can type."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve

import heron

if TYPE_CHECKING:
    from heron.quickstart.steps import Step

_MARK = Path(".heron") / "quickstart"


@click.command("quickstart")
@click.argument("directory", default="heron-quickstart", type=click.Path(file_okay=False, path_type=Path))
@click.option("--fresh", is_flag=True, help="Delete what an earlier quickstart made there, and start again.")
@click.pass_obj
def command(context: heron.CommandContext, directory: Path, fresh: bool) -> None:
    """Make a small lake and show what Heron can do.
    Draws pictures, a film and scans, writes sound and texts, and goes step by step from schema to dataset. More steps come
    with extras: media for film, sound, scans and documents; clip and plot for finding pictures by a sentence and drawing a
    map of them; s3 for a bucket, served by this process. It needs no network and no account. Everything stays in
    DIRECTORY, to try more commands on.

    \b
    Example:
      heron quickstart
      heron quickstart ~/heron-tour --fresh
    """
    from heron.quickstart.lake import make_lake
    from heron.quickstart.steps import NEXT

    try:
        _prepare(directory, fresh)
        click.secho(f"Writing a lake of generated files to {directory}.")
        made = make_lake(directory)
    except OSError as error:
        raise heron.CatalogueError(
            f"the quickstart cannot write to {directory}: {error.strerror or error}",
            hint="give another folder",
        ) from error
    click.secho(f"  {', '.join(_counted(count, sort) for sort, count in made.items())}.")
    before = Path.cwd()
    os.chdir(directory)
    try:
        _walk_elsewhere(context, _walk_cloud(context, _walk_steps(context)))
    finally:
        os.chdir(before)
    click.secho("")
    click.secho(f"Done. All of it is in {directory}. Try next:", bold=True)
    click.secho(f"  cd {shlex.quote(str(directory))}")
    program = program_to_type()
    for line in NEXT:
        click.secho(f"  {program}{line.removeprefix('heron')}")


def program_to_type() -> str:
    """What users type to start this Heron from any folder: `heron` if that is what PATH finds, its absolute path if not."""
    started = Path(sys.argv[0]).absolute()
    folder = started.parent if started.stem == "heron" and started.is_file() else Path(sys.executable).parent
    own = shutil.which("heron", path=str(folder))
    found = shutil.which("heron")
    if own is None or (found is not None and Path(found).samefile(own)):
        return "heron"
    return shlex.quote(own)


def _walk_steps(context: heron.CommandContext) -> int:
    """Run the steps on this machine, except those that lack something; returns the number of the next step."""
    from heron.quickstart.steps import STEPS

    number = 1
    for step in STEPS:
        try:
            _load(context, step)
        except heron.PluginError as error:
            click.secho("")
            click.secho(f'The step "{step.title}" is skipped: {error}.')
        else:
            _walk(context, number, step)
            number += 1
    return number


def _load(context: heron.CommandContext, step: Step) -> None:
    """Raise PluginError if something that a step needs is missing or cannot be loaded."""
    manager = context.plugins()
    known = {decoder.name: decoder for decoder in manager.decoders()}
    for name in step.decoders:
        if name not in known:
            raise heron.PluginError(
                f"there is no decoder {name}", hint="heron plugins lists the existing ones"
            )
        manager.load(known[name])
    for name in step.embedders:
        manager.load(manager.embedder(name))
    for package in manager.missing(*step.packages):
        raise heron.PluginError(f"{package} is not installed", hint='pip install "heron[plot]"')


def _walk(context: heron.CommandContext, number: int, step: Step) -> None:
    """Run one step: print its description, and run its commands."""
    click.secho("")
    click.secho(f"STEP {number}: {step.title}", bold=True)
    click.secho(step.words)
    for line in step.commands:
        click.secho(f"$ {line}", fg="cyan")
        _run(context, line)


def _walk_elsewhere(context: heron.CommandContext, number: int) -> None:
    """Run the last step, which opens an export; without plugins, it is that of the step before."""
    from heron.quickstart.elsewhere import opened
    from heron.quickstart.steps import ELSEWHERE

    formats = {exporter.name for exporter in context.plugins().contributions(heron.DatasetExporter)}
    if "webdataset" not in formats:
        words = "What leaves Heron is made for the next tool. Python's own library opens the table."
        _walk(context, number, evolve(ELSEWHERE, words=words, commands=()))
    else:
        _walk(context, number, ELSEWHERE)
    for line in opened():
        click.secho(line)


def _walk_cloud(context: heron.CommandContext, number: int) -> int:
    """Run the steps with a bucket, if the plugin for it is installed; returns the number of the next step."""
    from heron.quickstart.bucket import LakeBucket
    from heron.quickstart.steps import CLOUD

    manager = context.plugins()
    try:
        manager.require(manager.storage("s3"))
    except heron.PluginError as error:
        click.secho("")
        click.secho(f"The steps with a bucket are skipped: {error}.")
        return number
    with LakeBucket(Path("lake"), "lake") as bucket, _environment(HERON_TOUR_SECRET="guest"):  # noqa: S106
        for more, step in enumerate(CLOUD):
            lines = tuple(line.format(endpoint=bucket.endpoint) for line in step.commands)
            _walk(context, number + more, evolve(step, commands=lines))
    return number + len(CLOUD)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables within the context."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _prepare(directory: Path, fresh: bool) -> None:
    """Prepare an empty folder with a marker file, by which --fresh knows that it may delete the folder."""
    if fresh and (directory / _MARK).is_file():
        shutil.rmtree(directory)
    if directory.exists() and any(directory.iterdir()):
        again = (directory / _MARK).is_file()
        raise heron.AlreadyExists(
            f"{directory} is {'an earlier quickstart' if again else 'not empty'}",
            hint="use --fresh to start again" if again else "give a folder that does not exist yet",
        )
    mark = directory / _MARK
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _run(context: heron.CommandContext, line: str) -> None:
    """Run one command line in this process, in the workspace of this folder, ignoring HERON_WORKSPACE."""
    context.run(["--workspace", ".", *shlex.split(line)[1:]])


def _counted(number: int, sort: str) -> str:
    return f"{number:,} {sort}{'' if number == 1 else 's'}"
