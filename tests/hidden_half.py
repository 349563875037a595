"""A double of `Access` that hides half of the folders and forbids writing in a quarter, and two lakes to compare.

Lake A has everything and is read through the double. Lake B has only what the double shows: the same files under the same
names, in the same order. So each answer of A has to equal that of B once UUIDs are replaced by names.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from PIL import Image, ImageDraw

import heron
from heron.catalog.access import Access
from heron.organisation import User
from heron.pages import Page

HALF = User("half@example.org", "member")
FOLDERS = ("Secret", "Open", "Hidden/Deep", "Locked", "Open/Hidden", "Open/Deep", "Hidden")
"""In the order in which they are made. What has Secret or Hidden in its path is hidden."""

_HIDDEN = "({0}.path LIKE '%Hidden%' OR {0}.path LIKE '%Secret%')"
_LOCKED = "{0}.path LIKE '%Locked%'"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z")
_OWN = {
    "id",
    "process",
    "cursor",
    "position",
    "digest",
    "file",
    "bytes",
    "written_bytes",
    "sources",
    "created_by",
}
"""Fields that are a lake's own: inner ids, processes, cursors made of inner ids, names and sizes of files of vectors, who made a
version, and what only users who see all items are told of it."""


class HalfHidden(Access):
    """Rights of a user who sees half of the folders, and may write in half of those."""

    def __init__(self, database, user=HALF):
        super().__init__(database, HALF)

    def may(self, verb, noun):
        """Whether the user may do this in the workspace as a whole: everything."""
        return True

    def granted(self, verb, noun, alias, standing):
        """The condition on a row: folders and items by the path, imports, roles and synced folders by their folder."""
        if noun in ("folder", "item"):
            seen = f"NOT {_HIDDEN.format(alias)}"
            return seen if verb == "read" else f"({seen} AND NOT {_LOCKED.format(alias)})"
        if noun == "log":
            return f"{alias}.user = '{HALF.email}'"
        if noun in ("import", "role"):
            rows = f"SELECT id FROM folders AS f WHERE {_HIDDEN.format('f')}"
            return f"({alias}.folder_id IS NULL OR {alias}.folder_id NOT IN ({rows}))"
        return "1"


def is_hidden(path: str) -> bool:
    """Whether the double hides the folder."""
    return "Hidden" in path or "Secret" in path


def draw(path: Path, seed: int) -> None:
    """A picture that differs for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (96, 64), (seed * 40 % 256, 90, 200 - seed * 20 % 200))
    ImageDraw.Draw(image).ellipse((seed * 9 % 60, 5, 70, 60), fill=(250, seed * 70 % 256, 30))
    image.save(path)


def film(path: Path, seed: int) -> None:
    """A GIF of six frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pages = [Image.new("RGB", (48, 32), (number * 40, seed * 30 % 256, 9)) for number in range(6)]
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=100)


def build(root: Path, *, whole: bool) -> None:
    """Make a lake: everything, or only what the double shows."""
    folders = [path for path in FOLDERS if whole or not is_hidden(path)]
    with heron.open(root, discover=False) as ws:
        ws.schema.set_from_dict({"city": "varchar", "weather": {"type": "enum", "options": ["sun", "rain"]}})
        ws.schema.add_scalar("story", "text")
        ws.schema.add_embedding("face", 3)
        for path in folders:
            seed = FOLDERS.index(path)
            files, name = root / "files" / path, path.replace("/", "-").lower()
            draw(files / "same.png", 3)  # equal files under one name in every folder
            draw(files / f"{name}-1.png", seed + 10)
            draw(files / f"{name}-2.png", seed + 11)
            film(files / f"{name}.gif", seed)
            (files / f"{name}.txt").write_text(f"Notes about {name}\n")
            chosen = sorted(file for file in files.iterdir() if file.is_file())
            ws.ingest.files(chosen, folder=path, thumbnails=True)
            items = {item.name: item for item in ws.items.list(folder=path, recursive=False)}
            ws.folders.set_metadata(path, {"city": name})
            ws.metadata.merge(
                {
                    items["same.png"]: {"city": "Oran", f"unknown_{name.partition('-')[0]}": 1},
                    items[f"{name}-1.png"]: {"city": f"City of {name}", "story": f"a story of {name}"},
                }
            )
            ws.frames.set(items[f"{name}.gif"], {1: {"weather": "rain"}, 4: None})
            ws.vectors.add(
                "face", [items["same.png"], items[f"{name}-1.png"]], [[1, seed / 9, 0], [0, 1, seed / 9]]
            )
            ws.frames.thumbnail(ws.frames.get(items[f"{name}.gif"], 1))
            if path == folders[0]:
                ws.collections.create("Best")
            ws.collections.add("Best", [*items.values()])
        for (
            item
        ) in ws.items.list():  # one by one: similarity prefers the vector that was stored first among equals
            ws.embed("visual", [item])
        ws.pictures.make(ws.items.stream(), frames=True)
        everything = ws.items.list()
        ws.datasets.create("train", items=[item for item in everything if not item.name.endswith("2.png")])
        ws.datasets.create("test", items=[item for item in everything if item.name == "same.png"])
        ws.versions.freeze("train")
        ws.versions.freeze("test", note="to compare with")
        ws.users.add("ada@example.org")
        ws.groups.create("team", users="ada@example.org")
        ws.tags.create("road")
        ws.projects.create("survey", datasets=["train", "test"], tags="road")
        ws.annotation.send("survey", "Best", root / "sent.jsonl", format="jsonl")
        for path in folders:
            ws.roles.grant("user", group="team", folder=path)
        ws.presets.create("wide", heron.Query(where="width > 50"))
        ws.integrations.create("lab", "local")
        for path in ("Hidden/Synced", "Synced", "Locked/Synced"):
            if whole or not is_hidden(path):
                draw(root / "sources" / path / "s.png", 40)
                ws.ingest.follow(path, (root / "sources" / path).as_uri() + "/")
        ws.curation.hash_missing()
        ws.projections.make("visual")


def two_lakes(parent: Path) -> tuple[Path, Path]:
    """The roots of new lakes A, which has everything, and B."""
    for name, whole in (("lake_a", True), ("lake_b", False)):
        build(parent / name, whole=whole)
    return parent / "lake_a", parent / "lake_b"


def opened(root: Path, *, whole: bool) -> heron.Workspace:
    """The lake, A through the double."""
    ws = heron.open(root, discover=False)
    if whole:
        ws.access = HalfHidden(ws._database, HALF)
    return ws


class Plain:
    """Turns answers into JSON-like values that can be compared between the lakes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._names: dict[str, str] = {}
        with closing(sqlite3.connect(root / ".heron" / "catalog.db")) as plain:
            paths = dict(plain.execute("SELECT id, path FROM folders"))
            self._names.update(
                (uuid, f"folder {path}") for uuid, path in plain.execute("SELECT uuid, path FROM folders")
            )
            rows = plain.execute("SELECT uuid, name, folder_id FROM items")
            self._names.update((uuid, f"{paths[folder]}/{name}") for uuid, name, folder in rows)
            for table in ("collections", "datasets"):
                self._names.update(plain.execute(f"SELECT uuid, title FROM {table}"))

    def text(self, value: str) -> str:
        """Text without what is the lake's own: its place, and UUIDs."""
        value = value.replace(str(self.root), "ROOT").replace(self.root.name, "ROOT")
        value = _TIME.sub("TIME", value)
        return _UUID.sub(lambda found: f"<{self._names.get(found[0], 'uuid')}>", value)

    def of(self, value: Any) -> Any:
        """The value in lists, dicts, texts and numbers."""
        if attrs.has(type(value)):
            return {
                field.name: self.of(getattr(value, field.name))
                for field in attrs.fields(type(value))
                if field.name not in _OWN and not field.name.endswith("_id")
            }
        if isinstance(value, Mapping):
            return {
                self.of(key): self.of(each)
                for key, each in value.items()
                if key not in _OWN and not str(key).endswith("_id")
            }
        if isinstance(value, datetime):
            return "time"
        if isinstance(value, str | Path):
            return self.text(str(value))
        if isinstance(value, np.ndarray):
            return self.of(value.tolist())
        if isinstance(value, float):
            return round(value, 4)
        if isinstance(value, bytes):
            return len(value)
        if isinstance(value, Image.Image):
            return [value.size, value.tobytes().hex()]
        if isinstance(value, Page):
            return {"items": [self.of(each) for each in value], "more": value.cursor is not None}
        if isinstance(value, Iterator | list | tuple | set | frozenset):
            return [self.of(each) for each in value]
        if value is None or isinstance(value, bool | int):
            return value
        return self.of(vars(value)) if hasattr(value, "__dict__") else repr(type(value))

    def answer(self, call: Any, ws: heron.Workspace) -> Any:
        """What a call answers, or how it is refused."""
        try:
            return self.of(call(ws))
        except heron.HeronError as error:
            return {
                "error": type(error).__name__,
                "message": self.text(str(error)),
                "hint": self.text(error.hint or ""),
            }

    def json(self, printed: str) -> Any:
        """Printed JSON."""
        return self.of(json.loads(printed)) if printed.strip() else None
