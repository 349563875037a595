"""`heron plugins new`: writes a plugin project whose tests pass."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from heron.errors import AlreadyExists, InvalidInput

_PLACES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "init.py.txt": "heron_$name/__init__.py",
    "parts.py.txt": "heron_$name/parts.py",
    "test_plugin.py.txt": "tests/test_$name.py",
}
"""The path of each file, and its template."""


def write_plugin(name: str, directory: Path) -> list[Path]:
    """Write the project `heron-NAME` into a new folder below `directory`; returns the files.

    Raises InvalidInput for a name that is not a Python name, AlreadyExists if the folder exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise InvalidInput(
            f"{name!r} cannot name a plugin", hint="small letters, digits and _, such as media_flif"
        )
    root = directory / f"heron-{name.replace('_', '-')}"
    if root.exists():
        raise AlreadyExists(f"{root} is there already", hint="choose another name")
    words = {"name": name, "dashed": name.replace("_", "-")}
    written = []
    try:
        for template, place in _PLACES.items():
            text = files("heron.cli").joinpath("template", template).read_text("utf-8")
            path = root / Template(place).substitute(words)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(words), "utf-8")
            written.append(path)
        (root / f"heron_{name}" / "py.typed").touch()
    except OSError as error:
        raise InvalidInput(f"{root} cannot be written: {error.strerror or error}") from error
    return written
