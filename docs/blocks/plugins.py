"""What authors of plugins need: the hooks, the records that they yield, the protocols behind them, and the plugins that there are."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
import tomllib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def hooks() -> str:
    """The table of hooks."""
    rows = [f"| `{signature(hook)}` | {first_line(hook)} |" for hook in _hooks()]
    return "\n".join(["| hook | what it is for |", "|---|---|", *rows])


def hook_reference() -> str:
    """Every hook with its complete example, laid out as ruff lays out Python in Markdown."""
    parts = []
    for hook in _hooks():
        about, _, example = inspect.cleandoc(hook.__doc__ or "").partition("Example:\n")
        parts.append(f"### `{signature(hook)}`\n\n{about.strip()}\n\n{inspect.cleandoc(example)}\n")
    return "\n".join(parts)


def records() -> str:
    """The fields of every record that a hook yields, of what they hold, and of what plugins get and give."""
    import attrs

    import heron
    from heron.hooks.manager import REGISTER_HOOKS

    held = (heron.Option, heron.ActionOption, heron.DerivedKey, heron.MediaFormat)
    given = (
        heron.MediaFacts, heron.Part, heron.Series, heron.ImportEntry, heron.Item, heron.Frame, heron.Member, heron.DatasetRow,
    )  # fmt: skip
    parts = []
    for record in (*REGISTER_HOOKS.values(), *held, *given):
        parts.append(f"### `heron.{record.__name__}`\n\n{inspect.cleandoc(record.__doc__ or '')}\n")
        meanings = _meanings(record)
        head = ["field", "type", "default", *(["what it is"] if meanings else [])]
        parts += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for attribute in attrs.fields(record):
            default = (
                "required" if attribute.default is attrs.NOTHING else f"`{_default(attribute.default)!r}`"
            )
            cells = [
                f"`{attribute.name}`",
                f"`{_written(record, attribute.name).replace('|', 'or')}`",
                default,
            ]
            parts.append(
                f"| {' | '.join([*cells, *([meanings.get(attribute.name, '')] if meanings else [])])} |"
            )
        parts.append("")
    return "\n".join(parts)


def _meanings(record: type) -> dict[str, str]:
    """What fields mean that the record declares for the catalogue, or describes below the field."""
    from heron.fields import declared

    found = {
        each.attribute: f"{each.about}, in {each.unit}" if each.unit else each.about
        for each in declared(record).values()
    }
    [body] = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    assert isinstance(body, ast.ClassDef)
    for node, after in pairwise(body.body):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[ast.unparse(node.target)] = " ".join(str(after.value.value).split())
    return found


def _default(given: Any) -> Any:
    """What a field has that is not given: of a factory, what it makes."""
    return given.factory() if hasattr(given, "factory") else given


def _written(record: type, name: str) -> str:
    """The type of a field as it is written in the source; attrs may have resolved that of the attribute meanwhile."""
    return next(
        str(vars(base)["__annotations__"][name])
        for base in record.__mro__
        if name in vars(base).get("__annotations__", {})
    )


def protocols() -> str:
    """What the things behind the records can do: the methods of each protocol, with what they promise."""
    from heron.hooks import importers, interfaces, serving, values

    parts = []
    named = [
        (interfaces, "MediaFile"),
        *((interfaces, name) for name in interfaces.PROTOCOLS),
        *((values, name) for name in values.PROTOCOLS),
        *((importers, name) for name in ("Importer", "ImportSource")),
        *((serving, name) for name in serving.PROTOCOLS),
    ]
    for module, name in named:
        protocol = getattr(module, name)
        parts.append(f"### `heron.{name}`\n\n{inspect.cleandoc(protocol.__doc__ or '')}\n")
        parts += [f"- `{field}: {kind}`" for field, kind in vars(protocol).get("__annotations__", {}).items()]
        for method, function in vars(protocol).items():
            if isinstance(function, property):
                kind = inspect.signature(function.fget).return_annotation  # type: ignore[arg-type]
                parts.append(f"- `{method}: {kind}`: {inspect.cleandoc(function.__doc__ or '')}")
            if inspect.isfunction(function) and (not method.startswith("_") or method == "__call__"):
                about = inspect.cleandoc(function.__doc__ or "").replace("\n", " ")
                call = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
                parts.append(f"- `{method}{call}`: {about}".replace("'", "").replace("  ", " "))
        parts.append("")
    return "\n".join(parts)


def plugins() -> str:
    """The table of plugins: the built-in ones, then those in `plugins/`."""
    from heron.builtin import BUILTIN
    from heron.hooks import PluginManager
    from heron.hooks.manager import REGISTER_HOOKS

    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["heron"]
    rows = []
    for name, module in [*((m.split(".")[-2], m) for m in BUILTIN), *points.items()]:
        manager = PluginManager(discover=False, plugins=[importlib.import_module(module)])
        brought = [c for record in REGISTER_HOOKS.values() for c in manager.contributions(record)]
        sorts: dict[str, list[str]] = {}
        for contribution in brought:
            sorts.setdefault(contribution.sort, []).append(contribution.name)
        brings = "; ".join(
            f"{sort}{'s' if len(names) > 1 and sort[-1] != 's' else ''} {', '.join(names)}"
            for sort, names in sorts.items()
        )
        extra = sorted({c.extra for c in brought if c.extra})
        install = f'`pip install "heron[{",".join(extra)}]"`' if extra else "built in"
        if extra and module in BUILTIN:
            alone = ", ".join(c.name for c in brought if c.extra)
            install = f"built in; {alone}: {install}"
        rows.append(f"| {name} | {brings} | {install} |")
    return "\n".join(["| plugin | brings | install |", "|---|---|---|", *rows])


def options(backend: str) -> str:
    """The table of options of a storage backend in `plugins/`."""
    module = importlib.import_module(f"heron_storage_{backend}")
    (record,) = module.register_storage()
    rows = []
    for option in record.options:
        kind = "a reference to a secret" if option.secret else " or ".join(option.choices) or option.type
        rows.append(f"| `{option.name}` | {kind} | {option.summary} |")
    return "\n".join(["| option | value | what it is |", "|---|---|---|", *rows])


def deprecations() -> str:
    """The table of deprecated names."""
    from heron.deprecations import DEPRECATED

    rows = [
        f"| `{name}` | `{it.instead}` | {it.since} | {it.until} |" for name, it in sorted(DEPRECATED.items())
    ]
    return "\n".join(["| name | write instead | since | works at least until |", "|---|---|---|---|", *rows])


def _hooks() -> list[Callable[..., object]]:
    from heron.hooks import events, program_specs, specs

    found = {**vars(specs), **vars(program_specs), **vars(events)}
    return [value for value in found.values() if hasattr(value, "heron_spec")]


def signature(hook: Callable[..., object]) -> str:
    """A hook as one writes it."""
    return f"{hook.__name__}({', '.join(inspect.signature(hook).parameters)})"


def first_line(thing: object) -> str:
    """The first sentence of a docstring."""
    return inspect.cleandoc(thing.__doc__ or "").splitlines()[0]
