"""Writes and checks static records: what a plugin's module yields, in a file beside it, so that Heron need not import the module to know."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from heron.errors import PluginError
from heron.hooks.manager import REGISTER_HOOKS, PluginManager
from heron.hooks.static import written
from heron.installed import DERIVERS, RECORD_VERSION, mark_of, place_of, static_record

_DESCRIBE = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from heron.hooks.describing import describe
print(json.dumps(describe(sys.argv[2])))
"""


def write_record(module: str) -> tuple[Path, list[str]]:
    """Write the static record of a plugin's module beside it; returns its path, and the hooks that have no static form.

    The module is imported in a process of its own. Raises PluginError if it cannot be imported, has no place, or cannot be written.
    """
    place = place_of(module)
    if place is None:
        raise PluginError(
            f"{module} cannot have a static record",
            hint="only a module in a folder, named without an attribute, can",
        )
    record = fresh_record(module)
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    try:
        place[1].write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise PluginError(f"{place[1]} cannot be written: {error.strerror or error}") from error
    return place[1], [hook for hook, yielded in record["hooks"].items() if yielded is None]


def fresh_record(module: str) -> dict[str, Any]:
    """What the static record of a module has to be, found out in a process of its own. Raises PluginError."""
    done = subprocess.run(
        [sys.executable, "-c", _DESCRIBE, json.dumps(sys.path), module],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise PluginError(f"{module} cannot be described: {lines[-1] if lines else 'its process ended'}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def has_record(module: str) -> bool:
    """Whether there is a static record beside a module."""
    place = place_of(module)
    return place is not None and place[1].exists()


def stale(module: str) -> str | None:
    """What is wrong with the static record of a module; None if all is right, also if there is no record. Raises PluginError."""
    place = place_of(module)
    if place is None or not has_record(module):
        return None
    if static_record(module) is None:
        return f"{place[1].name} is damaged, or older than the sources"
    if json.loads(place[1].read_bytes()) != fresh_record(module):
        return f"{place[1].name} is not what {module} yields"
    return None


def describe(module: str) -> dict[str, Any]:
    """The static record of a module, which is imported here. Raises PluginError for one that is broken."""
    place, package = place_of(module), module.partition(".")[0]
    assert place is not None
    folder = place[0]
    manager = PluginManager(discover=False, plugins=[import_module(module)])
    [status] = manager.statuses
    if status.status.startswith(("failed", "too ")):
        raise PluginError(f"{module}: {status.status}")
    hooks = {}
    for hook in REGISTER_HOOKS:
        yielded = [each for answer in getattr(manager.hook, hook)() for each in answer or ()]
        if yielded:
            hooks[hook] = written(yielded, folder, package)
    return {
        "record": RECORD_VERSION,
        "api": getattr(import_module(module), "HOOK_API", None),
        "sources": _sources(folder, package),
        "hooks": hooks,
        "events": sorted(set(manager.heard()) - {DERIVERS}),
    }


def _sources(folder: Path, package: str) -> dict[str, str]:
    """The modules of the package that are imported now, by their paths below its folder, with what tells their versions."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] == package and file and Path(file).is_relative_to(folder):
            found[Path(file).relative_to(folder).as_posix()] = mark_of(Path(file).read_bytes())
    return found
