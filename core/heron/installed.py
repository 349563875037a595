"""The installed plugins, with what their static records say of them: found without importing a plugin, or Heron's hooks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import Distribution, EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

GROUP = "heron"
"""The group of entry points in which distributions name their plugins."""

OWN = "heron"
"""The distribution whose plugins come with Heron."""

RECORD_FILE = "heron-plugin.json"
"""The static record of a package, in it; that of a module `a` is `a.heron-plugin.json` beside it."""

DERIVERS = "register_derivers"
"""The hook of what is done when items are imported, beside events."""

RECORD_VERSION = 1
"""The form of the static records that are read; others are passed over, as if there were none."""


class InstalledPlugin(NamedTuple):
    """A plugin as its distribution declares it; `requires` are the lines of its metadata that name Heron."""

    name: str
    module: str
    distribution: str
    version: str
    requires: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether it comes with Heron."""
        return self.distribution == OWN


def installed_plugins(only: Collection[str] | None = None) -> list[InstalledPlugin]:
    """The installed plugins, or those of some names, by name; two distributions may have one of the same name."""
    heads: dict[int, tuple[str, str, tuple[str, ...]]] = {}
    found: dict[InstalledPlugin, None] = {}
    for point in entry_points(group=GROUP):
        if only is None or point.name in only:
            key = id(point.dist)
            if key not in heads:
                heads[key] = _head(point)
            distribution, version, requires = heads[key]
            found[InstalledPlugin(point.name, point.value, distribution, version, requires)] = None
    return sorted(found)


def allowed() -> list[str] | None:
    """The names of the plugins to use, from HERON_PLUGINS; None for all."""
    given = os.environ.get("HERON_PLUGINS")
    return None if given is None else [name.strip() for name in given.split(",") if name.strip()]


def heard(plugins: Iterable[InstalledPlugin]) -> frozenset[str] | None:
    """The events that some plugins hear, as their static records say, and DERIVERS if one brings any; None if one has no record.

    Heron's own hear none, and their derivers wait to be called.
    """
    events: set[str] = set()
    for plugin in plugins:
        if not plugin.is_own:
            record = static_record(plugin.module)
            if record is None:
                return None
            events.update(record["events"], {DERIVERS} & set(record["hooks"]))
    return frozenset(events)


def commands(plugins: Iterable[InstalledPlugin]) -> dict[str, str] | None:
    """The commands that plugins of others bring, with their summaries; None if that is known only once they are imported."""
    found: dict[str, str] = {}
    for plugin in plugins:
        if plugin.is_own:
            continue
        record = static_record(plugin.module)
        brought = record["hooks"].get("register_commands", ()) if record is not None else None
        if brought is None or plugin.requires:  # the manager finds out whether it is refused
            return None
        for command in brought:
            if command["name"] in found:
                return None  # a conflict
            found[command["name"]] = command["summary"]
    return found


def static_record(module: str) -> Mapping[str, Any] | None:
    """The static record of a plugin's module; None without one, and for one that is damaged or older than the sources."""
    place = place_of(module)
    if place is None:
        return None
    folder, file = place
    try:
        text = file.read_bytes()
    except OSError:
        return None
    from json import loads

    try:
        record = loads(text)
        is_right = (
            record["record"] == RECORD_VERSION
            and all(isinstance(record[part], dict) for part in ("sources", "hooks"))
            and isinstance(record["events"], list)
            and all(_is_current(folder, name, mark) for name, mark in record["sources"].items())
        )
    except (ValueError, LookupError, TypeError, OSError):
        return None
    return record if is_right else None


def place_of(module: str) -> tuple[Path, Path] | None:
    """The folder of a plugin's module, and the file of its static record; None if it has no place, or is not a module."""
    top, *rest = module.split(".")
    if ":" in module or not top:
        return None
    try:
        spec = find_spec(top)  # imports nothing, since it has no parent
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    folder = Path(spec.origin).parent
    if not spec.submodule_search_locations:
        return None if rest else (folder, folder / f"{top}.{RECORD_FILE}")
    for name in rest[:-1]:
        folder /= name
    if rest and not (folder / rest[-1] / "__init__.py").is_file():
        return folder, folder / f"{rest[-1]}.{RECORD_FILE}"
    folder = folder.joinpath(*rest[-1:])
    return folder, folder / RECORD_FILE


def mark_of(source: bytes) -> str:
    """What tells one version of a source file from others: its length and checksum (CRC-32)."""
    source = source.replace(b"\r\n", b"\n")
    return f"{len(source)}-{crc32(source):08x}"


def _is_current(folder: Path, name: str, mark: str) -> bool:
    return mark_of((folder / name).read_bytes()) == mark


def _head(point: EntryPoint) -> tuple[str, str, tuple[str, ...]]:
    """Name, version and the requirements of Heron of the distribution of an entry point."""
    if point.dist is None:
        return "unknown", "", ()
    values: dict[str, list[str]] = {}
    for line in _metadata(point.dist).splitlines():  # parsing it as an e-mail takes a millisecond
        if not line:
            break
        key, _, value = line.partition(": ")
        values.setdefault(key.lower(), []).append(value.strip())
    requires = [line for line in values.get("requires-dist", ()) if line.lower().startswith(OWN)]
    [name], [version] = values.get("name", ["unknown"])[:1], values.get("version", [""])[:1]
    return name, version, tuple(requires)


def _metadata(distribution: Distribution) -> str:
    return distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
