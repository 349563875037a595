"""Every public verb of a workspace, with its example."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property

from docs.blocks.plugins import first_line
from docs.python_examples import EXAMPLES


def python_api() -> str:
    """Every public verb of a workspace, service by service, with its example."""
    from heron.workspace import Workspace

    parts = []
    for name, service in _services():
        about = first_line(getattr(Workspace, name)).rstrip(".")
        parts += [f"## `ws.{name}`\n", f"{about}.\n", f"{inspect.cleandoc(service.__doc__ or '')}\n"]
        for verb, function in verbs_of(service):
            call = f"ws.{name}" if verb == "__call__" else f"ws.{name}.{verb}"
            parts.append(_verb(call, function, EXAMPLES[f"{name}.{verb}"]))
    parts += [
        "## The workspace\n",
        *(_verb(f"ws.{verb}", getattr(Workspace, verb), EXAMPLES[verb]) for verb in ("atomic", "export")),
    ]
    return "\n".join(parts)


def _verb(call: str, function: Callable[..., object], example: str) -> str:
    about = inspect.cleandoc(function.__doc__ or "")
    head = f"### `{call}`\n\n```text\n{_call(call, function)}\n```\n{about}\n"
    return f"{head}\n```python\n{example}\n```\n"


def _call(call: str, function: Callable[..., object]) -> str:
    """A verb with its parameters and their types, one a line where they are many."""
    found = inspect.signature(inspect.unwrap(function))
    given, starred = [], False
    for parameter in list(found.parameters.values())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            given.append("*")
            starred = True
        default = parameter.default
        shown = "…" if callable(default) else repr(default)
        prefix = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        value = "" if default is parameter.empty else f" = {shown}"
        given.append(f"{prefix}{parameter.name}: {parameter.annotation}{value}")
    line = f"{call}({', '.join(given)}) -> {found.return_annotation}"
    if len(line) <= 110:
        return line
    return "\n".join([f"{call}(", *(f"    {part}," for part in given), f") -> {found.return_annotation}"])


def _services() -> list[tuple[str, type]]:
    """The service classes of a workspace, by the names under which it has them."""
    import tempfile

    import heron
    from heron.holdings import Holdings
    from heron.workspace import Workspace

    names = [
        name
        for name, value in (vars(Holdings) | vars(Workspace)).items()
        if isinstance(value, cached_property) and not name.startswith("_") and name != "plugins"
    ]
    with tempfile.TemporaryDirectory() as directory, heron.open(directory, discover=False) as workspace:
        return [(name, type(getattr(workspace, name))) for name in names]


def verbs_of(service: type) -> list[tuple[str, Callable[..., object]]]:
    """The public verbs of a service, in the order in which they stand in its class; those of the classes below it follow."""
    members = {name: value for base in reversed(service.__mro__) for name, value in vars(base).items()}
    order = {name: None for base in service.__mro__ for name in vars(base)}
    return [
        (name, value)
        for name, value in ((name, members[name]) for name in order)
        if inspect.isfunction(value) and (not name.startswith("_") or name == "__call__")
    ]
