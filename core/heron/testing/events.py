"""The contract of plugins that hear of events."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from heron.errors import PluginWarning


class EventContract:
    """Rules for what hears of events. Set `plugin`, and write `heard`; override `happen`, which imports a.txt and b.txt, gives them the key `label`, and makes a collection and a dataset, to make other events."""

    plugin: ClassVar[object]
    """The module or object with the functions that hear of events."""

    def happen(self, workspace: Any) -> None:
        """Do what makes events: by default, import two texts, change their metadata, and make a collection and a dataset."""
        folder = Path(workspace.root) / "in"
        folder.mkdir()
        for name in ("a.txt", "b.txt"):
            (folder / name).write_text(name)
        workspace.ingest.files([folder], folder="Notes")
        workspace.schema.add_scalar("label", "varchar")
        items = workspace.items.list()
        workspace.metadata.replace({item.uuid: {"label": item.name} for item in items})
        workspace.collections.create("C", items=items)
        workspace.datasets.create("D", items=items)

    def heard(self, workspace: Any) -> bool:
        """Whether the plugin has done its work, as it shows in the workspace or elsewhere."""
        raise NotImplementedError("write heard(workspace): whether the plugin has done its work")

    def happened(self, root: Path) -> tuple[bool, Sequence[str]]:
        """Make events in a new workspace; returns whether they were heard, and what the plugin has raised."""
        from importlib import import_module

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PluginWarning)
            with import_module("heron").open(root, plugins=[self.plugin], discover=False) as workspace:
                self.happen(workspace)
                heard = self.heard(workspace)
                jobs = [
                    problem.reason
                    for job in workspace.imports.list()
                    for problem in workspace.imports.problems(job)
                ]
        said = [str(each.message) for each in caught if issubclass(each.category, PluginWarning)]
        return heard, [text for text in (*said, *jobs) if "plugin " in text]

    def test_it_hears_and_raises_nothing(self, tmp_path: Path) -> None:
        """What it raises would be a warning of whoever made the event."""
        heard, complaints = self.happened(tmp_path)
        assert not complaints, complaints
        assert heard, "the plugin has not done its work"

    def test_two_workspaces_are_told_apart(self, tmp_path: Path) -> None:
        """One process may have several open: the work is done in the workspace of the event."""
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            heard, _ = self.happened(tmp_path / name)
            assert heard, f"nothing was done for the {'first' if name == 'one' else 'second'} workspace"
