"""`heron plugins`: installed plugins, and whether they can be used."""

from __future__ import annotations

import difflib
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from heron.cli.context import Context
from heron.cli.output import (
    example,
    json_option,
    list_options,
    listing,
    print_json,
    print_json_array,
    print_json_list,
)
from heron.cli.plugin_template import KINDS
from heron.cli.tables import print_table, say
from heron.errors import PluginError

if TYPE_CHECKING:
    from heron.hooks import OptionValue, PluginManager


@click.group("plugins", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron plugins\nHERON_PLUGINS=storage_s3 heron plugins\nheron --no-plugins plugins --json")
def command(context: click.Context, as_json: bool) -> None:
    """List plugins and whether they can be used.

    The status is `loaded`, `needs PACKAGE`, `too old: REASON`, `too new: REASON`, `failed: REASON` or `conflict over SOMETHING between X and Y`.
    """
    listing(context, list_plugins, as_json)


@command.command("list")
@list_options
@click.pass_obj
@example("heron plugins list --json")
def list_plugins(context: Context, as_json: bool) -> None:
    """List plugins with their contributions."""
    statuses = context.plugins().statuses
    hidden = _hidden_commands(context.plugins())
    for status in statuses:
        if status.usable and (names := hidden.get(status.name)):
            status.status = f"conflict over command {', '.join(names)}: Heron's own is used"
    if as_json:
        print_json_array(statuses)
        return
    rows = [
        (s.name, f"{s.distribution} {s.version}".strip(), s.status, ", ".join(s.contributions))
        for s in statuses
    ]
    print_table(["plugin", "from", "status", "brings"], rows, "There is no plugin.")


def _hidden_commands(plugins: PluginManager) -> dict[str, list[str]]:
    """The commands of plugins of others that have the name of one of Heron's, by plugin."""
    from heron.cli.main import COMMANDS
    from heron.hooks import CliCommand

    found: dict[str, list[str]] = {}
    for brought in plugins.contributions(CliCommand):
        if brought.name in COMMANDS and not plugins.is_own(brought):
            found.setdefault(plugins.plugin_of(brought), []).append(brought.name)
    return found


@command.command("tables")
@list_options
@click.pass_obj
@example("heron plugins tables")
def tables(context: Context, as_json: bool) -> None:
    """List the tables that plugins keep in the workspace."""
    found = context.workspace().tables.list()
    if as_json:
        print_json_list(found)
        return
    cells = [(each.name, each.plugin or "(gone)", f"{each.size:,} B") for each in found]
    print_table(["tables", "plugin", "size"], cells, "No plugin keeps tables here.")


@command.command("purge")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
@example("heron plugins purge notes --yes")
def purge(context: Context, name: str, yes: bool, as_json: bool) -> None:
    """Delete the tables of this name, or of the plugin of this name, for good; also if the plugin is gone.

    Nothing else of the workspace is changed.
    """
    workspace = context.workspace()
    if not yes:
        click.confirm(f"Delete the tables of {name} for good?", abort=True, err=True)
    size = workspace.tables.purge(name)
    if as_json:
        print_json({"name": name, "bytes": size})
    else:
        say(f"Deleted {size:,} bytes of {name}.")


@command.command("new")
@click.argument("name")
@click.option(
    "--in",
    "directory",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to create the project in.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KINDS)),
    help="What it brings, several times for several parts (default: a decoder and a metadata type).",
)
@json_option
@example("heron plugins new media_flif\nheron plugins new colours --kind embedder --kind metrics")
def new(name: str, directory: Path, kinds: tuple[str, ...], as_json: bool) -> None:
    """Write a new plugin project whose tests pass, as a start for your own plugin."""
    from heron.cli.plugin_template import write_plugin

    written = write_plugin(name, directory, kinds)
    root = written[0].parent
    if as_json:
        print_json({"name": name, "files": list(map(str, written))})
        return
    for path in written:
        say(f"  {path}")
    say(f"Next: cd {root} && pip install -e '.[test]' && pytest")
    say(f"Before a release: heron plugins record heron_{name}, so that Heron starts without importing it")


@command.command("configure")
@click.argument("plugin")
@click.argument("options", nargs=-1, metavar="[OPTION=VALUE]...")
@click.option(
    "--unset",
    multiple=True,
    metavar="OPTION",
    help="Remove the stored value of an option; may be given several times.",
)
@click.option("--trust", is_flag=True, help="Trust the options of a workspace that came from elsewhere.")
@json_option
@click.pass_obj
@example(
    "heron plugins configure my_flif\nheron plugins configure my_flif quality=90 token=env:FLIF_TOKEN\n"
    "heron plugins configure my_flif --unset quality"
)
def configure(
    context: Context,
    plugin: str,
    options: tuple[str, ...],
    unset: tuple[str, ...],
    trust: bool,
    as_json: bool,
) -> None:
    """Set the options of a plugin in this workspace, and show them.

    A secret is given as a reference: env:NAME, file:PATH or keyring:SERVICE/NAME. An environment variable, which is shown, comes before what is stored.
    """
    given: dict[str, str | None] = dict.fromkeys(unset)
    for option in options:
        name, mark, value = option.partition("=")
        if not mark:
            raise click.UsageError("Write OPTION=VALUE.")  # what was written may be a secret
        given[name] = value
    known = context.workspace().plugins.options
    if given:
        known.set(plugin, given)
    if trust:
        known.trust(plugin)
    shown = known.show(plugin)
    if as_json:
        print_json({"items": shown, "cursor": None})
        return
    rows = [(each.name, _shown(each), each.source, each.variable, each.summary) for each in shown]
    print_table(
        ["option", "value", "from", "variable", "what it is"],
        rows,
        f"Plugin {plugin} has no options.",
        keep=["variable"],
    )


def _shown(option: OptionValue) -> str:
    if option.value is None:
        return "(secret)" if option.source == "environment" else "(required)" if option.required else ""
    return ("no", "yes")[option.value] if isinstance(option.value, bool) else str(option.value)


@command.command("allow")
@click.argument("scripts", nargs=-1, metavar="[SCRIPT]...")
@click.option(
    "--list", "listing", is_flag=True, help="List the scripts of the workspace, and whether they are allowed."
)
@click.option("--remove", is_flag=True, help="Take back the consent.")
@json_option
@click.pass_obj
@example("heron plugins allow --list\nheron plugins allow\nheron plugins allow day_or_night --remove")
def allow(context: Context, scripts: tuple[str, ...], listing: bool, remove: bool, as_json: bool) -> None:
    """Allow the scripts of this workspace, .heron/plugins/*.py, to run as plugins. They are code: look at them first.

    The consent is yours alone, on this machine, and for the present content: a script that changes is not run until it is allowed again.
    """
    from heron.consent import forbid_script
    from heron.scripts import allow, scripts_of

    root = context.workspace().root
    if remove:
        for script in scripts_of(root):
            if not scripts or script.name in scripts:
                forbid_script(script.path)
    elif not listing:
        allow(root, scripts)
    found = [
        {"name": each.name, "file": each.path, "status": each.refusal or "allowed"}
        for each in scripts_of(root)
    ]
    if as_json:
        print_json({"items": found, "cursor": None})
        return
    rows = [(each["name"], each["status"], each["file"]) for each in found]
    print_table(["script", "status", "file"], rows, "There is no script in .heron/plugins.")


@command.command("prefer")
@click.argument("plugin", required=False)
@click.argument("claim", required=False)
@click.option(
    "--list", "listing", is_flag=True, help="List what several plugins claim, and which of them is used."
)
@click.option("--remove", is_flag=True, help="Forget what was preferred of the plugin, or only for CLAIM.")
@json_option
@click.pass_obj
@example(
    "heron plugins prefer my_s3\nheron plugins prefer my_s3 'storage s3'\nheron plugins prefer --list\nheron plugins prefer my_s3 --remove"
)
def prefer(
    context: Context, plugin: str | None, claim: str | None, listing: bool, remove: bool, as_json: bool
) -> None:
    """Settle conflicts: use PLUGIN for what other plugins claim too.

    Without CLAIM it is preferred wherever it conflicts; CLAIM is one thing, as heron plugins names it. It counts for you on this machine, and is stored in your own config folder.
    """
    from heron.consent import prefer, prefer_no_more

    if listing == (plugin is not None):
        raise click.UsageError("Give the PLUGIN to use, or --list.")
    if plugin is not None:
        names = sorted({status.name for status in context.plugins().statuses})
        if plugin not in names and not remove:
            raise PluginError(f"no plugin is called {plugin!r}", hint="heron plugins lists them")
        if remove:
            if not prefer_no_more(plugin, claim):
                said = f"{plugin} for {claim}" if claim is not None else plugin
                raise PluginError(f"{said} is not preferred", hint="heron plugins prefer --list")
        else:
            if claim is not None and not claim.startswith("host "):
                _check_claim(plugin, claim, context.plugins().claims_of(plugin))
            prefer(plugin, claim, instead_of=[name for name in names if name != plugin])
        context.forget_plugins()
    conflicts = context.plugins().conflicts()
    if plugin is not None:
        conflicts = [each for each in conflicts if plugin in each.plugins]
    if as_json:
        print_json({"items": conflicts, "cursor": None})
        return
    rows = [(each.claim, ", ".join(each.plugins), each.preferred or "none", each.about) for each in conflicts]
    print_table(["what", "plugins", "used", "why"], rows, "There is no conflict.")


def _check_claim(plugin: str, claim: str, known: list[str]) -> None:
    if claim not in known:
        close = difflib.get_close_matches(claim, known, n=1)
        raise PluginError(
            f"plugin {plugin} claims nothing called {claim!r}",
            hint=f"did you mean {close[0]!r}?" if close else "heron plugins prefer --list",
        )


@command.command("trace", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="COMMAND...")
@json_option
@click.pass_obj
@example("heron plugins trace import photos/\nheron plugins trace --json items")
def trace(context: Context, arguments: tuple[str, ...], as_json: bool) -> None:
    """Run another command of heron, and print which hook and method of which plugin was called with what.

    The calls are printed on standard error as they end, with their time on the wall. With --json they are printed on standard output in the end, and what the command prints goes to standard error.
    """
    from heron.hooks.tracing import Call, tracing

    if not arguments:
        raise click.UsageError("Give the COMMAND to run, such as: heron plugins trace items")
    place = ["--workspace", context.path] if context.path else []
    calls: list[Call] = []

    def tell(call: Call) -> None:
        if as_json:
            calls.append(call)
            return
        outcome = f" -> {call.outcome}" if call.outcome else ""
        say(f"{call.milliseconds:9.1f} ms  {call.verb}({call.what}) of {call.who}{outcome}", err=True)

    try:
        with tracing(tell), redirect_stdout(sys.stderr) if as_json else nullcontext():
            context.run([*place, *arguments])
    finally:
        if as_json:
            print_json({"items": calls, "cursor": None})


@command.command("record")
@click.argument("module")
@click.option("--check", is_flag=True, help="Only say whether the record is right; exit with 1 if it is not.")
@json_option
@example("heron plugins record heron_my_plugin\nheron plugins record heron_my_plugin --check")
def record(module: str, check: bool, as_json: bool) -> None:
    """Write what the module of a plugin brings to a file beside it.

    With that file in the package, Heron starts without importing the plugin. Write it anew when the plugin changes: one that is older than the sources is not used.
    """
    from heron.hooks.describing import has_record, stale, write_record

    if check:
        fault = stale(module) if has_record(module) else "there is no static record"
        if fault is not None:
            raise PluginError(fault, hint=f"heron plugins record {module}")
        if as_json:
            print_json({"module": module, "stale": False})
        else:
            say(f"The static record of {module} is right.")
        return
    path, unfit = write_record(module)
    if as_json:
        print_json({"module": module, "file": path, "imported_for": unfit})
        return
    say(f"Wrote {path}")
    for hook in unfit:
        say(f"{hook} yields something that has no static form: the module is still imported for it", err=True)
