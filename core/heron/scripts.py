"""Scripts of a workspace: plugins in single files, `.heron/plugins/NAME.py`, which are code and run only with the user's consent to their content."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from heron.consent import allow_script, allowed_scripts
from heron.errors import CatalogueError, NotFound
from heron.inside import DIRECTORY, open_file

FOLDER = "plugins"
"""The folder of scripts in `.heron`."""

SCRIPT = "script"
"""What stands in place of a distribution where a script brought something."""

_MOST_BYTES = 1024 * 1024
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@frozen
class Script:
    """A script with its content. With a `refusal`, it is not run."""

    name: str
    path: str
    source: bytes
    refusal: str | None = None

    @property
    def mark(self) -> str:
        """What a user consents to: this content in this place."""
        return f"{hashlib.sha256(self.source).hexdigest()} {self.path}"


def scripts_of(root: Path) -> list[Script]:
    """The scripts of the workspace in a folder, by name. The user's own list is only read if there is one."""
    folder = root / DIRECTORY / FOLDER
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".py" and path.name[0] != "_")
    except OSError:
        return []
    known = allowed_scripts() if paths else ()
    return [_read(path, known) for path in paths]


def allow(root: Path, names: Sequence[str] = ()) -> list[Script]:
    """Consent to the present content of scripts of a workspace, all of them unless some are named; returns them.

    Raises NotFound for a name that no script has, and CatalogueError for a file that cannot be read.
    """
    found = {script.name: script for script in scripts_of(root)}
    for name in names:
        if name not in found:
            raise NotFound(f"there is no script {name!r} in {root / DIRECTORY / FOLDER}")
    chosen = [found[name] for name in names or found]
    for script in chosen:
        if not script.source:
            raise CatalogueError(f"{script.path} cannot be allowed: {script.refusal}")
    for script in chosen:
        allow_script(script.mark, script.path)
    return [script for script in scripts_of(root) if script.name in {each.name for each in chosen}]


def _read(path: Path, known: Sequence[str]) -> Script:
    name, place = path.stem, os.path.realpath(path)
    if not _NAME.fullmatch(name):
        return Script(name, place, b"", "failed: the name of a script has letters, digits and _")
    try:
        with open_file(path, "rb") as stream:
            source = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        return Script(name, place, b"", f"failed: it cannot be read: {error.strerror or error}")
    if not source or len(source) > _MOST_BYTES:
        return Script(
            name, place, b"", "failed: it is empty" if not source else "failed: it has more than 1 MB"
        )
    script = Script(name, place, source)
    if script.mark in known:
        return script
    was = any(mark.partition(" ")[2] == place for mark in known)
    reason = "changed since you allowed it" if was else "not allowed"
    return Script(name, place, source, f"{reason}: look at it, then heron plugins allow {name}")
