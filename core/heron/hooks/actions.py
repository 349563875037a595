"""The record of actions: what users can do with items, or with the workspace, beside Heron's own verbs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from attrs import field, frozen
from attrs.validators import in_

from heron.hooks.contributions import Contribution
from heron.hooks.option import Option
from heron.models import Kind

AppliesTo = Literal["item", "items", "workspace"]
"""What one call of an action is about: one item, all chosen items as a stream, or the workspace."""


def _texts(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"expected a list of texts, got the text {given!r}")
    return tuple(given)


@frozen
class ActionOption:
    """One option of an action, as a form shows it. A `required` one has to be given; another has its `default`, or None."""

    name: str
    summary: str
    type: Literal["text", "number", "boolean"] = field(
        default="text", validator=in_(("text", "number", "boolean"))
    )
    default: str | float | bool | None = None
    required: bool = False
    choices: Sequence[str] = field(default=(), converter=_texts)


def _options(given: Sequence[ActionOption]) -> tuple[ActionOption, ...]:
    return tuple(given)


def _checked(action: ItemAction, attribute: Any, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,63}", name):
        raise ValueError(
            f"{name!r} cannot be the name of an action: it starts with a-z and has a-z, 0-9 and -"
        )


@frozen(kw_only=True)
class ItemAction(Contribution):
    """Something that can be done with items, or with the workspace: `heron run NAME`, `ws.actions.run`, a job of the server.

    `load` returns a function, which gets the workspace, open as the acting user, what the action applies to, and the values of all `options`:
    `act(workspace, item, options)` for each `item`, one after the other, where a failure costs one item; `act(workspace, items, options)`
    once for `items`, a stream, whose progress is what was taken from it; `act(workspace, options)` for the `workspace`. It returns None
    or a text of one line, which users see. `kinds` are the kinds of items that it takes, all if there are none. One that `changes` items asks
    for the right to update them; what it does by the verbs of the workspace asks for rights as ever. It is called in one thread.
    """

    sort: ClassVar[str] = "action"
    set_elsewhere: ClassVar[bool] = True

    name: str = field(validator=_checked)
    load: Callable[[], Callable[..., str | None]]
    applies_to: AppliesTo = field(default="item", validator=in_(("item", "items", "workspace")))
    options: Sequence[ActionOption] = field(default=(), converter=_options)  # type: ignore[assignment]
    kinds: Sequence[Kind] = field(default=(), converter=_texts)
    changes: bool = True

    def settable(self) -> Sequence[Option]:
        """Its options as `heron plugins configure` sets them: what a run does not give."""
        return [
            Option(
                f"{self.name}.{each.name}",
                each.summary,
                each.type,
                choices=each.choices,
                default=each.default,
            )
            for each in self.options
        ]
