"""The contract of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from heron.errors import InvalidInput
from heron.hooks.action_values import values_of
from heron.models import Item
from heron.testing.contracts import RecordContract
from heron.testing.derivers import an_item

if TYPE_CHECKING:
    from heron.hooks import Contribution, ItemAction


class ActionContract(RecordContract):
    """Rules for an action. Set `action`, and `options` that work; for a test with a workspace, use `heron.open` with the plugin."""

    action: ClassVar[ItemAction]
    """The record that the hook yields."""

    options: ClassVar[Mapping[str, Any]] = {}
    """Values of its options with which it can run."""

    workspace: ClassVar[Any] = None
    """What stands in for the workspace, if the action needs none of it, or its own fixture overrides `called`."""

    items: ClassVar[Sequence[Item]] = (an_item(),)
    """The items that it is tried with."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.action

    def called(self) -> list[str | None]:
        """What the action returns for the items."""
        act, values = self.action.load(), values_of(self.action, self.options)
        if self.action.applies_to == "workspace":
            return [act(self.workspace, values)]
        if self.action.applies_to == "items":
            return [act(self.workspace, iter(self.items), values)]
        return [act(self.workspace, item, dict(values)) for item in self.items]

    def test_options_are_described_and_have_values_that_fit(self) -> None:
        """A form shows each option, with a default that the option itself takes."""
        names = [option.name for option in self.action.options]
        assert len(set(names)) == len(names), f"two options have one name: {names}"
        for option in self.action.options:
            assert option.summary.strip() and len(option.summary.splitlines()) == 1, option.name
            if option.default is not None:
                required = {
                    each.name: self.options.get(each.name) for each in self.action.options if each.required
                }
                values_of(self.action, {**required, option.name: option.default})

    def test_options_that_it_does_not_have_are_refused(self) -> None:
        """Heron refuses them before the action is called."""
        with pytest.raises(InvalidInput):
            values_of(self.action, {**self.options, "no-such-option": 1})

    def test_it_returns_a_line_or_nothing(self) -> None:
        """What it returns is shown to people."""
        for said in self.called():
            assert said is None or (isinstance(said, str) and len(said.splitlines()) <= 1), repr(said)

    def test_loading_it_does_nothing_yet(self) -> None:
        """It acts when it is called: loaded twice, it gives a function each time."""
        assert callable(self.action.load()) and callable(self.action.load())
