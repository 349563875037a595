"""What each extra installs: sizes and licences, as `.ci/packages.py` has measured them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "packages.json"


def extras() -> str:
    """The table of extras: how many packages each adds to Heron alone, their size, and licences that are not permissive."""
    found = _record()
    base = set(found["extras"][""])
    lines = [
        "| extra | packages | MB | of these the largest |",
        "|---|---|---|---|",
        _row("none: `heron` alone", base),
    ]
    for extra, names in found["extras"].items():
        if extra:
            lines.append(_row(f"`{extra}`", set(names) - base))
    return "\n".join([*lines, "", f"Measured without compiled Python files on {found['measured_on']}."])


def packages() -> str:
    """The table of packages, each with its version, size and licence, and the extras that bring it."""
    found = _record()
    base = set(found["extras"][""])
    lines = [
        "| package | version | MB | licence, as the package says | comes with |",
        "|---|---|---|---|---|",
    ]
    for name, about in found["packages"].items():
        by = [extra for extra, names in found["extras"].items() if name in names]
        whom = "heron" if name in base else ", ".join(f"`{extra}`" for extra in by)
        lines.append(f"| {name} | {about['version']} | {_megabytes([about])} | {about['licence']} | {whom} |")
    return "\n".join(lines)


def _row(title: str, names: set[str]) -> str:
    known: Mapping[str, Any] = _record()["packages"]
    largest = sorted(names, key=lambda name: (-known[name]["bytes"], name))[:4]
    shown = ", ".join(f"{name} {_megabytes([known[name]])}" for name in largest)
    return f"| {title} | {len(names)} | {_megabytes(known[name] for name in names)} | {shown} |"


def _megabytes(packages: Iterable[Mapping[str, Any]]) -> str:
    size = sum(package["bytes"] for package in packages) / 1e6
    return f"{size:.0f}" if size >= 1 else "< 1"


@cache
def _record() -> dict[str, Any]:
    return json.loads(FILE.read_text())  # type: ignore[no-any-return]
