"""The contract of commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from heron.testing.contracts import RecordContract

if TYPE_CHECKING:
    from heron.hooks import CliCommand, Contribution


class CommandContract(RecordContract):
    """Rules for a command. Set `command` and `arguments`; override `lake` to try it with items of your own."""

    command: ClassVar[CliCommand]
    """The record that the hook yields."""

    arguments: ClassVar[Sequence[str]] = ()
    """Arguments with which it works in the lake."""

    plugin: ClassVar[object]
    """The module or object that yields the command."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.command

    def lake(self, workspace: Any) -> None:
        """Make the lake in which the command runs: by default, one text."""
        path = Path(workspace.root) / "notes.txt"
        path.write_text("words\n")
        workspace.ingest.files([path], folder="Notes")

    def run(self, folder: Path, arguments: Sequence[str]) -> Any:
        """Run it as `heron COMMAND ARGUMENTS` in a new lake; returns click's result."""
        from importlib import import_module

        from click.testing import CliRunner

        context = import_module("heron.cli.context").Context()
        with import_module("heron").open(folder, plugins=[self.plugin], discover=False) as workspace:
            self.lake(workspace)
            context._workspace, context._plugins = workspace, workspace.plugins
            return CliRunner().invoke(self.command.load(), [*arguments], obj=context)

    def test_it_is_a_command_of_click_with_help(self) -> None:
        """`heron COMMAND --help` says what it does."""
        import click
        from click.testing import CliRunner

        loaded = self.command.load()
        assert isinstance(loaded, click.Command), (
            f"load gave {type(loaded).__name__}, expected a click.Command"
        )
        shown = CliRunner().invoke(loaded, ["--help"])
        assert shown.exit_code == 0
        assert loaded.help and loaded.help.strip(), "the command has no docstring, which is its help"

    def test_it_works_in_a_lake(self, tmp_path: Path) -> None:
        """It ends without an error, and says something."""
        done = self.run(tmp_path, self.arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        assert done.exit_code == 0, done.output
        assert done.output.strip(), "it says nothing"

    def test_its_json_is_json(self, tmp_path: Path) -> None:
        """A command with `--json` prints one JSON document, and nothing else, to standard output."""
        if not any("--json" in option.opts for option in self.command.load().params):
            pytest.skip("it has no --json")
        json.loads(self.run(tmp_path, [*self.arguments, "--json"]).stdout)

    def test_an_unknown_option_is_refused(self, tmp_path: Path) -> None:
        """A misspelt option is an error of usage, and nothing is done."""
        assert self.run(tmp_path, [*self.arguments, "--no-such-option"]).exit_code == 2
