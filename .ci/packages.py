"""Writes `constraints.txt` and `docs/packages.json` from what is installed: versions, sizes and licences of all that the extras bring.

Run it with the Python of an environment that has `heron[test]`: python .ci/packages.py
"""

from __future__ import annotations

import json
import platform
import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAD = """\
# The versions with which the tests of Heron have run last: pip install --constraint constraints.txt 'heron[all]'
# Written by .ci/packages.py; .ci/run installs the tests with it.
"""


def main() -> None:
    """Write both files."""
    known: dict[str, Any] = {}
    of = {extra: sorted(_needed("heron", {extra}, known)) for extra in ("", *_extras())}
    pins = "".join(f"{name}=={known[name]['version']}\n" for name in of["test"])
    (ROOT / "constraints.txt").write_text(HEAD + pins)
    extras = {extra: names for extra, names in of.items() if extra not in ("all", "test")}
    shown = {name: known[name] for name in sorted({name for names in extras.values() for name in names})}
    where = (
        f"{platform.system()} on {platform.machine()}, Python {'.'.join(platform.python_version_tuple()[:2])}"
    )
    record = {"measured_on": where, "extras": extras, "packages": shown}
    (ROOT / "docs" / "packages.json").write_text(json.dumps(record, indent=1) + "\n")


def _extras() -> Iterable[str]:
    return sorted(PROJECT["optional-dependencies"])


def _needed(name: str, extras: set[str], known: dict[str, Any]) -> set[str]:
    """The packages that a package with some of its extras needs, without itself."""
    found: set[str] = set()
    waiting, seen = [(name, frozenset(extras))], set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if one[0] == name:
            texts = [
                *PROJECT["dependencies"],
                *(text for extra in one[1] if extra for text in PROJECT["optional-dependencies"][extra]),
            ]
        else:
            try:
                installed = distribution(one[0])
            except PackageNotFoundError:
                continue  # for another system
            found.add(one[0])
            known.setdefault(one[0], _measured(installed))
            texts = installed.requires or []
        for needed in map(Requirement, texts):
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in ("", *one[1])
            ):
                waiting.append((_normal(needed.name), frozenset(needed.extras)))
    return found


def _measured(installed: Distribution) -> dict[str, Any]:
    files = (file for file in installed.files or () if file.suffix != ".pyc")
    sizes = (Path(str(installed.locate_file(file))) for file in files)
    return {
        "version": installed.version,
        "bytes": sum(path.stat().st_size for path in sizes if path.is_file()),
        "licence": _licence(installed),
    }


def _licence(installed: Distribution) -> str:
    """The licence as the package's metadata name it: an expression, else its classifiers, else the first line of a text."""
    about = installed.metadata
    if expression := about.get("License-Expression"):
        return expression
    classifiers = [
        one for one in about.get_all("Classifier") or () if one.startswith("License :: OSI Approved :: ")
    ]
    if classifiers:
        return ", ".join(one.rpartition(" :: ")[2] for one in classifiers)
    return (about.get("License") or "not said").strip().splitlines()[0][:60]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


main()
