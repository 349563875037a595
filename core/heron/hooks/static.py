"""The values of static records: contributions in JSON, whose functions are named by their modules, and imported at the first call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from heron.errors import PluginError
from heron.hooks.contributions import Contribution
from heron.installed import place_of


class Unfit(Exception):
    """A value that has no static form; the text says why."""


class Deferred:
    """A function of a module that is imported at the first call."""

    def __init__(self, target: str) -> None:
        self.target = target

    @cached_property
    def _function(self) -> Any:
        module, _, names = self.target.partition(":")
        found: Any = import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
        return found

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call it."""
        return self._function(*arguments, **named)

    def __reduce__(self) -> tuple[Any, ...]:
        return Deferred, (self.target,)

    def __repr__(self) -> str:
        return f"<{self.target}, not imported yet>"


def contributions_of(
    record: Mapping[str, Any], hook: str, expected: type[Contribution], module: str
) -> list[Contribution] | None:
    """What a hook yields by a static record; None if only the module can tell. Raises PluginError for a record that is damaged."""
    written = record["hooks"].get(hook, ())
    if written is None:
        return None
    place = place_of(module)
    try:
        made = [_read(each, place[0] if place else Path()) for each in written]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise PluginError(f"its static record is damaged: {type(error).__name__}: {error}") from error
    if not all(isinstance(each, expected) for each in made):
        raise PluginError(f"its static record is damaged: {hook} yields no {expected.__name__}")
    return made


def written(records: Sequence[Contribution], folder: Path, package: str) -> list[Any] | None:
    """Contributions as a static record has them; None if one has a value without a static form."""
    try:
        return [_write(each, folder, package) for each in records]
    except Unfit:
        return None


def _write(value: Any, folder: Path, package: str) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_write(each, folder, package) for each in value]
    if isinstance(value, Mapping):
        return {"map": {str(name): _write(each, folder, package) for name, each in value.items()}}
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, Path):
        if not value.is_relative_to(folder):
            raise Unfit(f"{value} is not beside the module")
        return {"beside": value.relative_to(folder).as_posix()}
    if isinstance(value, type) or callable(value):
        return {"call": _named(value, package)}
    if _record(type(value).__name__) is type(value):
        fields: Sequence[attrs.Attribute[Any]] = attrs.fields(type(value))
        given = {each.name: getattr(value, each.name) for each in fields}
        changed = {each.name: given[each.name] for each in fields if given[each.name] != each.default}
        return {
            "heron": type(value).__name__,
            **{name: _write(each, folder, package) for name, each in changed.items()},
        }
    raise Unfit(f"{type(value).__name__} has no static form")


def _record(name: str) -> type[attrs.AttrsInstance] | None:
    """The record of `heron.hooks` with that name."""
    found = vars(import_module("heron.hooks")).get(name)
    return found if isinstance(found, type) and attrs.has(found) else None


def _named(function: Any, package: str) -> str:
    """Where a function is found again: only one that a module of the plugin, or Heron, has by its name."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if (
        not isinstance(module, str)
        or not isinstance(name, str)
        or module.partition(".")[0] not in (package, "heron")
    ):
        raise Unfit(f"{function!r} is no function of the plugin")
    target = f"{module}:{name}"
    try:
        is_found = Deferred(target)._function is function
    except (ImportError, AttributeError):
        is_found = False
    if not is_found:
        raise Unfit(f"{target} is no function of the module")
    return target


def _read(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return tuple(_read(each, folder) for each in value)
    if not isinstance(value, dict):
        return value
    if "heron" in value:
        record = _record(value["heron"])
        if record is None:
            raise TypeError(f"{value['heron']} is no record")
        return record(**{name: _read(each, folder) for name, each in value.items() if name != "heron"})
    [(form, text)] = value.items()
    if form == "map":
        return {name: _read(each, folder) for name, each in text.items()}
    if form == "bytes":
        return text.encode("latin-1")
    if form == "beside":
        return folder / text
    if form == "call":
        return Deferred(text)
    raise ValueError(f"unknown form {form!r}")
