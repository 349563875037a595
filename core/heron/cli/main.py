"""The `heron` command: finds its subcommands lazily, and turns every error into one line."""

from __future__ import annotations

import os
import re
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from heron import deadline
from heron._version import __version__
from heron.cli.context import Context
from heron.cli.ctrl_c import never_lost
from heron.cli.exits import status_of_error
from heron.cli.screen import colours, write_anything
from heron.cli.stdout import echo, keep_descriptor, own_stdout
from heron.cli.tables import clean
from heron.errors import HeronError, InvalidInput, PluginError, PluginWarning, QueryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from click.shell_completion import CompletionItem

COMMANDS = {
    "init": "Make a workspace in a folder.",
    "import": "Import files and folders, or what a manifest lists.",
    "export": "Write the workspace, or the part that options choose, so that heron merge can take it elsewhere.",
    "merge": "Merge an export of a workspace into this one: all of it, or nothing.",
    "manifest": "Check manifests, and write manifests of the files below a URL.",
    "sync": "Bring synced folders up to date, all of them unless some are named.",
    "backup": "Make a backup of the workspace in DIR, in a folder named by the time.",
    "restore": "Restore BACKUP, or the newest one of a series, as the workspace in the folder TARGET (default: this folder).",
    "relocate": "Tell the catalogue that all files below OLD lie below NEW now.",
    "integrations": "Add, list, check and remove integrations with storage backends.",
    "folders": "List, create, move and delete folders.",
    "items": "List, show, move and delete items.",
    "show": "Show an item: what is known of it, its picture, a frame of it, its text.",
    "keyframes": "Choose frames of items, list them, and write them as pictures.",
    "thumbnails": "Make the small pictures and the quality metrics of items and frames.",
    "embed": "Compute vectors of the pictures or texts of items, and of their frames, with an embedder.",
    "derive": "Compute derived metadata: the values that plugins give for keys of their own.",
    "run": "Run an action of a plugin with the chosen items, or with the workspace if that is what it applies to.",
    "vectors": "Manage the vectors of items and frames, and import and export them.",
    "columns": "Show, rebuild and push the columns, which answer conditions over many items.",
    "schema": "Show and change the metadata schema.",
    "metadata": "Set, merge, import and verify metadata.",
    "search": "Find items, or frames, by conditions, words, and what they look like.",
    "facets": "Count items by the values of fields, drawn as bars.",
    "stats": "Describe the values of fields: how many there are, quartiles, mean, and the most frequent one.",
    "compare": "Compare the values of fields in two selections, the most different field first.",
    "contact-sheet": "Draw what a query finds side by side as one picture.",
    "plot": "Show the vectors of a key as points in two dimensions.",
    "duplicates": "Find duplicate items, and which of them to keep.",
    "select": "Choose a diverse subset of items, the most unique ones, or a sample.",
    "leakage": "Find the items of one dataset that another one contains too.",
    "presets": "Save queries and use them again.",
    "collections": "Put items together under a title.",
    "datasets": "Make datasets and export them.",
    "projects": "Make projects of datasets, with tags and a status.",
    "org": "Manage users, groups of users and tags of projects.",
    "grant": "Give a user, or a group, a role on a folder, a dataset, an integration or a project.",
    "revoke": "Take the role that a user, or a group, was given on one resource.",
    "log": "Show who did what to which resource when, the newest first.",
    "imports": "List imports and their reports, resume and cancel them.",
    "trust": "Trust a workspace that another user made.",
    "explore": "Open the Explorer in the browser: see, search, select and curate.",
    "serve": "Serve the workspace over HTTP, to several users at once.",
    "mcp": "Answer a language model over standard input and output, by the Model Context Protocol.",
    "plugins": "List plugins and whether they can be used.",
    "quickstart": "Make a small lake and show what Heron can do.",
    "completion": "Print the shell's completion script.",
}
"""Heron's own commands with their summaries; a test checks that they equal the commands' help."""


_BY_HOOK = ("quickstart", "explore", "serve", "mcp")
"""The commands that a plugin of Heron brings; the others are imported without the plugins."""

_MODULES = {"import": "import_files", "contact-sheet": "contact_sheet"}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed; plugins can add commands."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Heron's commands, then those of plugins."""
        return [*COMMANDS, *sorted(set(self._brought(context)) - set(COMMANDS))]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if name in COMMANDS and name not in _BY_HOOK:
            module = import_module(f"heron.cli.{_MODULES.get(name, name)}")
            command: click.Command = module.command
            return command
        if name not in _BY_HOOK and name not in self._brought(context):
            return None
        plugins = self._context(context).plugins()
        if not plugins.knows_command(name):
            return None
        brought = plugins.command(name)
        self._context(context).prints_itself = True
        loaded = plugins.load(brought)
        if not isinstance(loaded, click.Command):
            raise PluginError(f"{plugins.named(brought)} gave {loaded!r:.80}, expected a click.Command")
        self._context(context).running = plugins.named(brought)
        return loaded

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands by their known summaries, so that completion imports none of them; and options."""
        from click.shell_completion import CompletionItem

        brought = self._brought(context)
        return [
            *(
                CompletionItem(name, help=summary)
                for name, summary in {**brought, **COMMANDS}.items()
                if name.startswith(incomplete)
            ),
            *click.Command.shell_complete(self, context, incomplete),
        ]

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by their known summaries, so that help imports none of them."""
        brought = self._brought(context)
        rows = list(COMMANDS.items()) + [(n, brought[n]) for n in sorted(set(brought) - set(COMMANDS))]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for one that does not exist."""
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], self.list_commands(context), n=1)
            if close and "Did you mean" not in error.message:
                raise click.UsageError(f"{error.message} Did you mean {close[0]}?", context) from error
            raise

    def _brought(self, context: click.Context) -> Mapping[str, str]:
        """The commands of plugins with their summaries; plugins are loaded only if their static records do not tell these."""
        return self._context(context).commands()

    def _context(self, context: click.Context) -> Context:
        """The state of this call. Commands are looked up before `main` is called, so the choice of plugins is read here."""
        own = context.ensure_object(Context)
        own.discover = not context.params.get("no_plugins", not own.discover)
        own.path = context.params.get("workspace", own.path)
        return own


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="heron")
@click.option(
    "-w",
    "--workspace",
    metavar="DIR",
    is_eager=True,  # before --help, which lists the commands of plugins
    help="Workspace to use (default: the one in this folder or above).",
)
@click.option(
    "--as",
    "user",
    metavar="EMAIL",
    help="User to act as (default: the owner). Put it before the command: heron import has another --as.",
)
@click.option("--no-plugins", is_flag=True, is_eager=True, help="Use the built-in plugins only.")
@click.pass_context
def main(context: click.Context, workspace: str | None, user: str | None, no_plugins: bool) -> None:
    """Heron: an index over a lake of images, videos, audio, documents, DICOM and NIfTI.

    \b
    Example:
      heron quickstart
      heron import photos/ --folder Photos
      heron search --where "width > 1000" --sort -size
    """
    own = context.ensure_object(Context)
    own.path = workspace
    own.user = user
    own.discover = not no_plugins
    own.require_user()


def run() -> None:
    """Run the command line and exit with one of the statuses of `heron.cli.exits`."""
    keep_descriptor()
    if "_HERON_COMPLETE" in os.environ:
        from heron.cli.shells import answer

        sys.exit(answer(main))
    sys.exit(status(sys.argv[1:]))


def status(arguments: list[str]) -> int:
    """Run the command line and return its exit status."""
    context = Context()
    write_anything()
    with never_lost(), own_stdout(), warnings.catch_warnings():
        warnings.simplefilter("always", PluginWarning)
        warnings.showwarning = _warn(warnings.showwarning)
        try:
            with deadline.armed():
                return _status(arguments, context)
        except InvalidInput as error:
            _complain(error.message, error.hint)
            return status_of_error(error)


def _warn(otherwise: Callable[..., None]) -> Callable[..., None]:
    """What shows warnings: those of plugins in one line, all others as Python does."""

    def show(message: Warning | str, category: type[Warning], *rest: Any) -> None:
        if issubclass(category, PluginWarning):
            echo(clean(f"Warning: {message}"), err=True)
        else:
            otherwise(message, category, *rest)

    return show


def _status(arguments: list[str], context: Context) -> int:
    drawn = len(_undrawn())
    try:
        result = main.main(arguments, prog_name="heron", standalone_mode=False, obj=context, color=colours())
        _tell_of_fonts(drawn)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except HeronError as error:
        _complain(error.message, error.hint)
        if isinstance(error, PluginError | QueryError) and _UNKNOWN.search(error.message):
            _tell_of_scripts(context.idle_scripts())
        return status_of_error(error)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        error.show()
        return 2
    except click.ClickException as error:
        _complain(error.format_message(), None)
    except (click.Abort, KeyboardInterrupt) as stop:
        if isinstance(stop, KeyboardInterrupt) or stop.__cause__:  # click turns Ctrl-C into Abort
            _complain("interrupted", "heron imports shows what was kept")
        else:
            _complain("nothing was changed", None)
    except BrokenPipeError:
        pass
    except Exception as error:
        if os.environ.get("HERON_DEBUG"):
            raise
        who = f"{context.running} failed" if context.running else "something unexpected happened"
        unexpected = f"{who}: {type(error).__name__}: {error}"
        _complain(*(context.damage() or (unexpected, "HERON_DEBUG=1 shows where")))
    finally:
        context.close()
        with suppress(click.ClickException, OSError, ValueError):  # said already; Python would say it again
            sys.stdout.flush()
    return 1


def _undrawn() -> str:
    """The characters that were drawn as code points; empty unless text was drawn."""
    lettering = sys.modules.get("heron.media.lettering")
    return lettering.undrawn() if lettering is not None else ""


def _tell_of_fonts(before: int) -> None:
    """Say for which characters of labels there is no font, without the first `before`, which were said already."""
    if missing := _undrawn()[before:]:
        shown = " ".join(missing[:12]) + (" …" if len(missing) > 12 else "")
        text = f"No font here has {shown}: drawn as code points (install one, or name it in HERON_FONTS)"
        click.echo(clean(text), err=True)


_UNKNOWN = re.compile(r"^no .* is called |there is no (function|operator|field) ")
"""What errors say of a name that nobody brings."""


def _tell_of_scripts(names: list[str]) -> None:
    """Say which scripts are not run: what is missing may be theirs."""
    if names:
        scripts = f"script {names[0]}" if len(names) == 1 else f"scripts {', '.join(names)}"
        verb = "is" if len(names) == 1 else "are"
        text = f"Note: {scripts} of this workspace {verb} not in use (heron plugins allow --list)"
        echo(clean(text), err=True)


def _complain(message: str, hint: str | None) -> None:
    text = clean(message + (f" ({hint})" if hint else ""))
    echo(f"{click.style('Error:', fg='red')} {text}", err=True, color=colours())
