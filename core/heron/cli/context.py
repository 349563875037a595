"""The context of every command: the workspace of this call, opened when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from heron.cli.stdout import guard

if TYPE_CHECKING:
    from pathlib import Path

    from heron.builtin import PluginSource
    from heron.hooks import PluginManager
    from heron.workspace import Workspace


class Context:
    """The state of one call of the command line."""

    def __init__(self) -> None:
        self.path: str | None = None
        self.user: str | None = None
        self.discover = True
        self.prints_itself = False
        """Whether the command is that of a plugin: what it prints is its output."""

        self.is_nested = False
        """Whether another command line runs this one."""

        self.running = ""
        """The command of a plugin that runs, with its plugin, as messages name it."""

        self.told: set[str] = set()
        """Notes that were printed, here and by the command lines that this one runs."""
        self._opened: Path | None = None
        self._workspace: Workspace | None = None
        self._source: PluginSource | None = None

    def workspace(self) -> Workspace:
        """The workspace to work in; raises NotFound when there is none."""
        if not self.prints_itself:
            guard()
        if self._workspace is None:
            from pathlib import Path

            from heron.errors import NotFound
            from heron.inside import DIRECTORY, FILE_NAME, find, is_catalogue
            from heron.workspace import Workspace

            root = Path(self.path).absolute() if self.path else find()
            if not is_catalogue(root / DIRECTORY / FILE_NAME):
                raise NotFound(f"{root} is not a workspace", hint="run heron init there")
            self._opened = root
            self._workspace = Workspace(root, self._plugin_source(), user=self.user)
            self._workspace._database.waiting.tell = self._say
        return self._workspace

    def _say(self, text: str) -> None:
        from heron.cli.tables import say

        say(text, err=True)

    def damage(self) -> tuple[str, str] | None:
        """What is damaged in the catalogue, after a command has failed for no other reason, with a hint; only the owner is told."""
        if self._opened is None or self.user is not None:
            return None
        from heron.catalog.damage import damage_of
        from heron.inside import DIRECTORY, FILE_NAME

        file = self._opened / DIRECTORY / FILE_NAME
        with suppress(Exception):  # then the first error is reported
            if reason := damage_of(file):
                hint = "it was not written by Heron: correct it with the sqlite3 program, or restore a backup"
                return f"{file} is damaged: {reason}", hint
        return None

    def idle_scripts(self) -> list[str]:
        """The scripts of the workspace that are not run, since the user has not allowed them as they are."""
        if self._opened is None or not self.discover:
            return []
        from heron.scripts import scripts_of

        with suppress(Exception):  # then the first error is reported alone
            return [script.name for script in scripts_of(self._opened) if script.refusal]
        return []

    def require_user(self) -> None:
        """Raise PermissionDenied if the user that was named is not one of this workspace, NotFound if there is no workspace."""
        from heron.catalog.access import OWNER

        if self.user is not None and self.user != OWNER.email:
            self.workspace()

    def plugins(self) -> PluginManager:
        """The plugin manager; no workspace is needed."""
        return self._plugin_source()()

    def forget_plugins(self) -> None:
        """Load the plugins anew when they are next needed, as after a change of what is preferred."""
        self._source = None

    def _plugin_source(self) -> PluginSource:
        if self._source is None:
            from heron.builtin import PluginSource

            self._source = PluginSource(discover=self.discover, root=self._root())
        return self._source

    def _root(self) -> Path | None:
        """The folder of the workspace, if there is one."""
        from pathlib import Path

        from heron.errors import HeronError
        from heron.inside import find

        try:
            return Path(self.path).absolute() if self.path else find()
        except (HeronError, OSError):
            return None

    def commands(self) -> Mapping[str, str]:
        """The commands of plugins, with their summaries."""
        return self._plugin_source().commands()

    def run(self, arguments: Sequence[str]) -> None:
        """Run another command line in this process, in a new context with the same user and the same plugins."""
        import click

        current = click.get_current_context()
        program = current.find_root().command
        own = Context()
        own.told, own.is_nested = self.told, True
        options = [] if self.discover else ["--no-plugins"]
        options += ["--as", self.user] if self.user is not None else []
        was_guarded = guard(False)
        try:
            program.main(
                [*options, *arguments], prog_name="heron", standalone_mode=False, obj=own, color=current.color
            )
        finally:
            self._opened = own._opened
            own.close()
            guard(was_guarded)

    def close(self) -> None:
        """Close what was opened."""
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None
