"""The contracts of `heron.testing`: what a subclass sets, attribute by attribute."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any


def contracts() -> str:
    """The contracts, each with what a subclass sets."""
    lines = ["| contract | what it is | set or write |", "|---|---|---|"]
    for contract in _contracts():
        about = inspect.cleandoc(contract.__doc__ or "").splitlines()[0]
        what, _, rest = about.partition(". ")
        tests = sum(each.startswith("test_") for each in dir(contract))
        lines.append(f"| `{contract.__name__}` | {what}, {tests} tests | {rest} |")
    return "\n".join(lines)


def contract_attributes() -> str:
    """The attributes and methods of every contract that a subclass sets, writes or may override."""
    from heron.testing.contracts import RecordContract

    parts = []
    for contract in (*_contracts(), RecordContract):
        who = " (of every contract of a record)" if contract is RecordContract else ""
        parts += [
            f"### `{contract.__name__}`{who}",
            "",
            "| name | type | default | what it is |",
            "|---|---|---|---|",
        ]
        for name, kind, default, about in _attributes(contract):
            parts.append(f"| `{name}` | {kind} | {default} | {about} |")
        parts.append("")
    return "\n".join(parts)


def _contracts() -> list[Any]:
    from heron import testing

    return [getattr(testing, name) for name in testing.__all__ if name.endswith("Contract")]


def _attributes(contract: type) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and meaning of what stands in the source of a contract, without its tests."""
    [body] = ast.parse(textwrap.dedent(inspect.getsource(contract))).body
    assert isinstance(body, ast.ClassDef)
    for node, after in zip(body.body, [*body.body[1:], ast.Pass()], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            assert isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant), (
                f"{node.target.id} lacks a docstring"
            )
            kind = ast.unparse(node.annotation).removeprefix("ClassVar[").removesuffix("]")
            yield node.target.id, f"`{_cell(kind)}`", _default(node.value), _cell(str(after.value.value))
        elif (
            isinstance(node, ast.FunctionDef)
            and not node.name.startswith(("test_", "_"))
            and node.name != "record"
        ):
            is_fixture = any("fixture" in ast.unparse(each) for each in node.decorator_list)
            given = ", ".join(each.arg for each in node.args.args[1:])
            returns = f" to `{_cell(ast.unparse(node.returns))}`" if node.returns else ""
            default = "to write" if "NotImplementedError" in ast.unparse(node) else "may be overridden"
            about = _cell((ast.get_docstring(node) or "").splitlines()[0])
            yield (
                (node.name if is_fixture else f"{node.name}({given})"),
                ("fixture" if is_fixture else "method") + returns,
                default,
                about,
            )


def _default(value: ast.expr | None) -> str:
    if value is None:
        return "to set"
    text = _cell(ast.unparse(value))
    return f"`{text}`" if len(text) <= 60 else "see the source"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "or").split())
