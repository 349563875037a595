"""What tests of portable exports share: a lake with something of everything, and all that a workspace says of itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np

import heron
from heron.catalog.vectors.rows import MadeBy
from tests.conftest import draw

_OWN = ("id", "folder_id", "integration_id", "backing_folder_id", "parent_id")


def fill(ws: heron.Workspace) -> None:
    """Put something of everything into a workspace whose folder it draws pictures into."""
    for number in range(3):
        draw(ws.root / "pics" / ("deep" if number else ".") / f"p {number}.png", seed=number)
    ws.schema.set_from_dict({"city": "varchar", "weather": {"type": "enum", "options": ["sun", "rain"]}})
    ws.schema.add_scalar("story", "text")
    ws.schema.add_embedding("look", 3)
    ws.schema.add_scalar("gone", "number")
    ws.schema.add_scalar("spent", "number")
    ws.schema.delete_key("gone")
    ws.schema.delete_key("spent", hard=True)
    ws.ingest.files([ws.root / "pics"], folder="Pictures", thumbnails=True, content_hash=True)
    film = heron.NewItem(
        "s3://bucket/film.mp4",
        heron.MediaFacts("video", "video/mp4", 64, 48, 10, fps=5.0, duration=2.0, extra={"a": {"b": 1.5}}),
        frames=[heron.NewFrame(2, 0.4, True, {"weather": "rain"}), heron.NewFrame(5, 1.0)],
        metadata={"unknown": [1, {"x": None}]},
    )
    group = heron.NewItem(
        "s3://bucket/a.jpg#image_group-1",
        heron.MediaFacts("image_group", "image/jpeg", 4, 3, 2),
        "both",
        members=[heron.Member("s3://bucket/a.jpg", 5), heron.Member("s3://bucket/b.jpg", 6, '"e"')],
    )
    ws.registration.register([film, group], "Far/Away")
    items = ws.items.list()
    ws.metadata.merge({items[0]: {"city": "Algiers", "story": "a long story"}, items[3]: {"city": "Oran"}})
    ws.folders.create("Empty", description="nothing yet", metadata={"city": "Tunis"})
    ws.vectors.add("look", items[:2], [[0.1, -0.0, 3e-38], [1, 2, 3]])
    ws.vectors.add("look", [ws.frames.get(items[3], 2)], [[7, 8, 9]])
    ws.vectors._rows.made_by(ws.vectors._rows.find("look"), MadeBy("toy", "model", "r1", True))
    ws.collections.create("Best", items=items[1:4], description="the best")
    ws.collections.create("None yet")
    ws.datasets.create("rows", items=[items[2], items[0]])
    ws.datasets.add("rows", [items[2]], duplicates="add")
    ws.datasets.create("mirror", backing_folder="Pictures")
    ws.presets.create(
        "algiers", heron.Query(where="city = 'Algiers'", sort="-name"), description="of Algiers"
    )


def plain(record: Any) -> Any:
    """A record as data, without inner ids."""
    found = attrs.asdict(record, recurse=True)
    return {name: value for name, value in found.items() if name not in _OWN}


def seen(ws: heron.Workspace) -> dict[str, Any]:
    """All that the public API says of a workspace, apart from inner ids and its place."""
    root = ws.root.as_uri()

    def placed(record: Any) -> Any:
        return json.loads(json.dumps(plain(record), default=str).replace(root, "ROOT"))

    items = ws.items.list(deleted=True)
    return {
        "schema": [plain(key) for key in ws.schema.show()],
        "unknown": ws.schema.unknown_keys(),
        "not_fitting": [plain(fault) for fault in ws.metadata.verify()],
        "folders": [plain(folder) for folder in ws.folders.list()],
        "items": [placed(item) for item in items],
        "members": [[placed(member) for member in ws.items.members(item)] for item in items],
        "frames": [[plain(frame) for frame in ws.frames.list(item)] for item in items],
        "thumbnails": [ws.thumbnails.find(item) for item in items],
        "vectors": [
            (status.key, status.embedder, batch.items, batch.frames, batch.vectors.tobytes())
            for status in ws.vectors.status()
            for batch in ws.vectors.stored(status.key)
        ],
        "collections": [
            (plain(each), [item.uuid for item in ws.collections.items(each)])
            for each in ws.collections.list()
        ],
        "datasets": [
            (plain(each), [row.item.uuid for row in ws.datasets.rows(each)]) for each in ws.datasets.list()
        ],
        "mirrored": [each.backing_folder_id is not None for each in ws.datasets.list()],
        "presets": [plain(preset) for preset in ws.presets.list()],
    }


def contents(folder: Path) -> dict[str, str]:
    """The checksums of the files of an export, apart from the manifest."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "heron.json"
    }


def same_manifest(first: Path, second: Path) -> bool:
    """Whether two manifests are equal, apart from where and when they were written."""
    one, other = (json.loads((folder / "heron.json").read_text()) for folder in (first, second))
    for each in (one, other):
        for name in ("written_at", "workspace", "lake"):
            del each[name]
    return bool(one == other)


def forge(export: Path, name: str, change: Any) -> None:
    """Change a part of an export, and its record in the manifest, as a stranger would: the checksum is right afterwards."""
    file = export / name
    data = change(file.read_bytes())
    file.write_bytes(data)
    manifest = json.loads((export / "heron.json").read_text())
    for part in manifest["parts"]:
        if part["name"] == name:
            part["bytes"], part["sha256"] = len(data), hashlib.sha256(data).hexdigest()
            if name.endswith(".jsonl"):
                part["rows"] = data.count(b"\n")
    (export / "heron.json").write_text(json.dumps(manifest))


def rows_of(export: Path, name: str) -> list[Any]:
    """The rows of a part."""
    return [json.loads(line) for line in (export / name).read_text().splitlines()]


def edit(export: Path, part: str, place: int, values: dict[str, Any]) -> None:
    """Give fields of a row other values; ... removes a field."""

    def change(data: bytes) -> bytes:
        rows = [json.loads(line) for line in data.splitlines()]
        rows[place].update(values)
        rows[place] = {key: value for key, value in rows[place].items() if value is not ...}
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    forge(export, part, change)


def bits(ws: heron.Workspace, key: str) -> bytes:
    """The vectors of a key, bit for bit."""
    return b"".join(np.ascontiguousarray(batch.vectors).tobytes() for batch in ws.vectors.stored(key))
