"""Calls of each public verb that reads, to compare their answers in two lakes."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars

import heron

EXAMPLES = {
    "annotation.items": [lambda w: w.annotation.items(w.annotation.sent()[0])],
    "annotation.sent": [lambda w: w.annotation.sent(), lambda w: w.annotation.sent("survey")],
    "facets.__call__": [lambda w: w.facets("name,folder,width,city,collections,datasets,projects")],
    "stats.__call__": [lambda w: w.stats(), lambda w: w.stats("name,folder,width,city")],
    "compare.__call__": [lambda w: w.compare("width > 50", "width <= 50")],
    "collections.find": [lambda w: w.collections.find("Best")],
    "collections.get": [lambda w: w.collections.get("Best"), lambda w: w.collections.get("Bes")],
    "collections.items": [lambda w: w.collections.items("Best")],
    "collections.list": [lambda w: w.collections.list(), lambda w: w.collections.list(limit=1)],
    "collections.match_names": [
        lambda w: w.collections.match_names(["same.png", "secret-1.png", "open-1.png", "hidden"])
    ],
    "curation.diverse": [lambda w: w.curation.diverse("visual", 4)],
    "curation.exact_duplicates": [lambda w: w.curation.exact_duplicates()],
    "curation.leakage": [
        lambda w: w.curation.leakage("train", "test"),
        lambda w: w.curation.leakage("train", "test", "visual"),
    ],
    "curation.near_duplicates": [
        lambda w: w.curation.near_duplicates("visual", 0.8),
        lambda w: w.curation.near_duplicates("face"),
        lambda w: w.curation.near_duplicates("visul"),
    ],
    "curation.sheet": [lambda w: w.curation.sheet(w.curation.near_duplicates("visual", 0.8))],
    "curation.uniqueness": [lambda w: w.curation.uniqueness("visual")],
    "curation.sample": [lambda w: w.curation.sample("random", 3, key="visual")],
    "datasets.find": [lambda w: w.datasets.find("train")],
    "datasets.get": [lambda w: w.datasets.get("test"), lambda w: w.datasets.get("tset")],
    "datasets.list": [lambda w: w.datasets.list()],
    "datasets.rows": [lambda w: w.datasets.rows("train")],
    "versions.diff": [
        lambda w: w.versions.diff("train@1", "test@1"),
        lambda w: w.versions.diff("train@1", "train"),
    ],
    "versions.find": [lambda w: w.versions.find("train@1"), lambda w: w.versions.find("train@2")],
    "versions.get": [lambda w: w.versions.get("test@1"), lambda w: w.versions.get("test@2")],
    "versions.list": [lambda w: w.versions.list(), lambda w: w.versions.list("test")],
    "versions.rows": [
        lambda w: w.versions.rows("train@1"),
        lambda w: w.versions.rows("test@1", frames="all"),
    ],
    "versions.verify": [
        lambda w: w.versions.verify("train@1"),
        lambda w: w.versions.verify("train", hashes=True),
    ],
    "embed.chosen": [lambda w: w.embed.chosen(), lambda w: w.embed.chosen(heron.Query(folder="Hidden"))],
    "actions.list": [lambda w: w.actions.list()],
    "actions.run": [
        lambda w: w.actions.run("check-files", heron.Query()),
        lambda w: w.actions.run("check-files", heron.Query(folder="Hidden")),
    ],
    "derive.chosen": [
        lambda w: w.derive.chosen("orientation"),
        lambda w: w.derive.chosen("orientation", heron.Query(folder="Hidden")),
    ],
    "derive.list": [lambda w: w.derive.list()],
    "export": [lambda w, name=name: exported(w, name) for name in ("json", "csv")],
    "folders.contents": [
        lambda w: w.folders.contents("Open"),
        lambda w: w.folders.contents("Hidden"),
        lambda w: w.folders.contents("Secret"),
    ],
    "folders.find": [lambda w: w.folders.find("Secret"), lambda w: w.folders.find("Open/Deep")],
    "folders.get": [lambda w: w.folders.get("Secre"), lambda w: w.folders.get("Ope")],
    "folders.list": [
        lambda w: w.folders.list(),
        lambda w: w.folders.list("Open"),
        lambda w: w.folders.list(limit=2),
        lambda w: w.folders.list("Hidden"),
    ],
    "folders.uses": [lambda w: w.folders.uses("Open"), lambda w: w.folders.uses("Hidden")],
    "frames.find": [
        lambda w: w.frames.find("open.gif", 1),
        lambda w: w.frames.find("secret.gif", 1),
    ],
    "frames.get": [lambda w: w.frames.get("open.gif", 4), lambda w: w.frames.get("secret.gif", 1)],
    "frames.list": [lambda w: w.frames.list("open.gif"), lambda w: w.frames.list("secret.gif")],
    "frames.stream": [lambda w: w.frames.stream("open.gif"), lambda w: w.frames.stream("secret.gif")],
    "frames.thumbnail": [lambda w: w.frames.thumbnail(w.frames.get("open.gif", 1))],
    "imports.find": [lambda w: w.imports.find(12345)],
    "imports.get": [lambda w: w.imports.get(w.imports.list()[0].uuid)],
    "imports.list": [lambda w: w.imports.list(), lambda w: w.imports.list(limit=2)],
    "imports.problems": [lambda w: [list(w.imports.problems(job)) for job in w.imports.list()]],
    "imports.report": [lambda w: [w.imports.report(job) for job in w.imports.list()]],
    "ingest.check_manifest": [lambda w: w.ingest.check_manifest(manifest(w))],
    "ingest.write_manifest": [lambda w: w.ingest.write_manifest(str(w.root / "files/Locked"), out(w))],
    "integrations.find": [lambda w: w.integrations.find("lab")],
    "integrations.get": [lambda w: w.integrations.get("lba")],
    "integrations.list": [lambda w: w.integrations.list()],
    "items.by_name": [lambda w: w.items.by_name("same.png"), lambda w: w.items.by_name("secret-1.png")],
    "items.count": [
        lambda w: w.items.count(),
        lambda w: w.items.count(folder="Open"),
        lambda w: w.items.count(folder="Hidden"),
    ],
    "items.find": [lambda w: w.items.find("secret-1.png"), lambda w: w.items.find("open-1.png")],
    "items.get": [
        lambda w: w.items.get("open-2.png"),
        lambda w: w.items.get("same.png"),
        lambda w: w.items.get("secret-1.pn"),
        lambda w: w.items.get(str(w.root / "files/Secret/secret-1.png")),
    ],
    "items.get_all": [
        lambda w: w.items.get_all(["open-1.png", "open-2.png"]),
        lambda w: w.items.get_all(["open-1.png", "secret-1.png"]),
    ],
    "items.list": [
        lambda w: w.items.list(),
        lambda w: w.items.list(folder="Open"),
        lambda w: w.items.list(folder="Secret"),
    ],
    "items.members": [lambda w: w.items.members("open-1.png"), lambda w: w.items.members("secret-1.png")],
    "items.page": [
        lambda w: w.items.page(),
        lambda w: pages(lambda cursor: w.items.page(limit=4, cursor=cursor)),
        lambda w: pages(lambda cursor: w.items.page(limit=4, cursor=cursor, sort="-name")),
    ],
    "items.uses": [
        lambda w: w.items.uses(["open-1.png", "locked-1.png"]),
        lambda w: w.items.uses("open.gif"),
        lambda w: w.items.uses("secret.gif"),
    ],
    "items.stream": [lambda w: w.items.stream()],
    "metadata.verify": [lambda w: w.metadata.verify()],
    "pictures.contact_sheet": [lambda w: w.pictures.contact_sheet(w.search(where="kind = 'image'"))],
    "pictures.frames": [lambda w: w.pictures.frames("open.gif", [0, 3])],
    "pictures.picture": [
        lambda w: w.pictures.picture("open-1.png"),
        lambda w: w.pictures.picture("secret-1.png"),
    ],
    "pictures.picture_of": [lambda w: w.pictures.picture_of(w.root / "files/Open/open-1.png")],
    "pictures.portrait": [
        lambda w: w.pictures.portrait("open.gif"),
        lambda w: w.pictures.portrait("secret.gif"),
    ],
    "pictures.text": [lambda w: w.pictures.text("open.txt"), lambda w: w.pictures.text("secret.txt")],
    "pictures.thumbnail": [
        lambda w: w.pictures.thumbnail("open-1.png"),
        lambda w: w.pictures.thumbnail("secret-1.png"),
    ],
    "pictures.times": [lambda w: w.pictures.times("open.gif"), lambda w: w.pictures.times("secret.gif")],
    "pictures.viewing": [
        lambda w: w.pictures.viewing("open-1.png"),
        lambda w: w.pictures.viewing("secret-1.png"),
    ],
    "pictures.write_frames": [lambda w: w.pictures.write_frames("secret.gif", out(w), [1])],
    "portable.describe": [lambda w: ported(w)[2]],
    "portable.export": [
        lambda w: ported(w),
        lambda w: ported(w, folder="Hidden"),
        lambda w: ported(w, dataset="train"),
    ],
    "presets.find": [lambda w: w.presets.find("wide")],
    "presets.get": [lambda w: w.presets.get("wid")],
    "presets.list": [lambda w: w.presets.list()],
    "projections.get": [lambda w: w.projections.get("visual")],
    "projections.list": [lambda w: w.projections.list()],
    "projections.plot": [lambda w: w.projections.plot(out(w), "visual")],
    "projections.points": [lambda w: sorted_points(w)],
    "groups.find": [lambda w: w.groups.find("team")],
    "groups.get": [lambda w: w.groups.get("tea")],
    "groups.list": [lambda w: w.groups.list()],
    "log.list": [lambda w: w.log.list(user="half@example.org")],
    "log.stream": [lambda w: list(w.log.stream(user="half@example.org", verb="folders"))],
    "projects.find": [lambda w: w.projects.find("survey")],
    "projects.get": [lambda w: w.projects.get("surve")],
    "projects.list": [lambda w: w.projects.list(tags="road")],
    "roles.allowed": [
        lambda w: w.roles.allowed("folder", [w.folders.get("Open").uuid]),
        lambda w: len(w.roles.allowed("item", [each.uuid for each in w.items.list()])),
        lambda w: len(w.roles.allowed("dataset", [each.uuid for each in w.datasets.list()])),
    ],
    "roles.list": [
        lambda w: w.roles.list(),
        lambda w: w.roles.list(group="team"),
        lambda w: w.roles.list(folder="Hidden"),
        lambda w: w.roles.list(folder="Open"),
    ],
    "tags.find": [lambda w: w.tags.find("road")],
    "tags.get": [lambda w: w.tags.get("roa")],
    "tags.list": [lambda w: w.tags.list()],
    "users.find": [lambda w: w.users.find("ada@example.org")],
    "users.get": [lambda w: w.users.get("adam@example.org")],
    "users.list": [lambda w: w.users.list()],
    "users.keys": [lambda w: w.users.keys()],
    "users.tokens": [lambda w: w.users.tokens()],
    "users.of_key": [lambda w: w.users.of_key(b"0" * 32)],
    "users.of_token": [lambda w: w.users.of_token("heron_nobody")],
    "schema.current": [lambda w: sorted(w.schema.current().keys())],
    "schema.keys": [lambda w: w.schema.keys()],
    "schema.not_fitting": [lambda w: w.schema.not_fitting()],
    "schema.show": [lambda w: w.schema.show()],
    "schema.to_dict": [lambda w: w.schema.to_dict()],
    "schema.unknown_keys": [lambda w: w.schema.unknown_keys()],
    "search.__call__": [
        lambda w: w.search(),
        lambda w: w.search(where="city is not null", sort="-city"),
        lambda w: w.search(like="same.png"),
        lambda w: w.search(like="open-1.png", nearest=5),
        lambda w: w.search(like="open-1.png", key="face", nearest=5, exact=True),
        lambda w: w.search(like="secret-1.png"),
        lambda w: w.search(words="notes"),
        lambda w: w.search(words="story"),
        lambda w: w.search(folder="Hidden"),
        lambda w: w.search(where="unknown_secret = 1"),
        lambda w: w.search(where="unknown_opn = 1"),
        lambda w: w.search(where="collection = 'Best'"),
        lambda w: pages(lambda cursor: w.search(sort="name", limit=3, cursor=cursor)),
        lambda w: pages(lambda cursor: w.search(like="open-1.png", limit=4, cursor=cursor)),
    ],
    "search.all": [lambda w: w.search.all(where="width > 50")],
    "search.names": [lambda w: w.search.names(), lambda w: w.search.names(frames=True)],
    "search.window": [
        lambda w: [item.uuid for item in w.search.window()],
        lambda w: [item.uuid for item in w.search.window(start=1, sort="-name")],
        lambda w: [frame.item for frame in w.search.window(frames=True)],
    ],
    "search.count": [
        lambda w: w.search.count(),
        lambda w: w.search.count(where="name like '%secret%'"),
        lambda w: w.search.count(words="story"),
        lambda w: w.search.count(where="in_project('survey')"),
    ],
    "search.count_frames": [
        lambda w: w.search.count_frames(),
        lambda w: w.search.count_frames(where="weather = 'rain'"),
    ],
    "search.notes": [lambda w: w.search.notes(where="width > 1")],
    "search.explain": [lambda w: w.search.explain(like="open-1.png").way],
    "search.values": [lambda w: w.search.values(w.search(), "name,folder,weather,width")],
    "search.frames": [
        lambda w: w.search.frames(),
        lambda w: w.search.frames(where="weather = 'rain'", sort="-frame.number"),
    ],
    "storage.check": [lambda w: w.storage.check("lab", (w.root / "files/Locked").as_uri())],
    "storage.list": [lambda w: w.storage.list((w.root / "files/Locked").as_uri())],
    "storage.normalise": [lambda w: w.storage.normalise("file:///lake/./a.jpg")],
    "storage.of": [lambda w: w.storage.of("open-1.png"), lambda w: w.storage.of("secret-1.png")],
    "storage.open": [lambda w: type(w.storage.open("file:///lake/a.jpg")).__name__],
    "storage.sign": [lambda w: w.storage.sign("open-1.png"), lambda w: w.storage.sign("secret-1.png")],
    "storage.stream": [lambda w: w.storage.stream((w.root / "files/Locked").as_uri())],
    "synced.find": [lambda w: w.synced.find("Synced"), lambda w: w.synced.find("Hidden/Synced")],
    "synced.get": [lambda w: w.synced.get("Hidden/Synced"), lambda w: w.synced.get("Synce")],
    "synced.list": [lambda w: w.synced.list()],
    "thumbnails.find": [
        lambda w: w.thumbnails.find("open-1.png"),
        lambda w: w.thumbnails.find("secret-1.png"),
    ],
    "columns.push": [lambda w: pushed(w)],
    "vector_files.export_file": [
        lambda w: exported_vectors(w, "face", "npy"),
        lambda w: exported_vectors(w, "face", "jsonl"),
    ],
    "vectors.adoptable": [lambda w: w.vectors.adoptable()],
    "vectors.find": [
        lambda w: w.vectors.find("face", "open-1.png"),
        lambda w: w.vectors.find("face", "secret-1.png"),
    ],
    "vectors.get": [
        lambda w: w.vectors.get("face", "open-1.png"),
        lambda w: w.vectors.get("face", "secret-1.png"),
        lambda w: w.vectors.get("fac", "open-1.png"),
    ],
    "vectors.of": [lambda w: w.vectors.of("open-1.png"), lambda w: w.vectors.of("secret-1.png")],
    "vectors.sizes": [lambda w: w.vectors.sizes("open-1.png"), lambda w: w.vectors.sizes("secret-1.png")],
    "vectors.status": [
        lambda w: [
            (status.key, status.vectors, status.gaps, status.missing, status.coded, status.embedder)
            for status in w.vectors.status()
        ]
    ],
    "vectors.stored": [
        lambda w: [plain_owners(batch) for batch in w.vectors.stored("face")],
        lambda w: np.concatenate([batch.vectors for batch in w.vectors.stored("face")]),
    ],
    "vectors.verify": [lambda w: w.vectors.verify("visual", deep=True)],
}
"""Calls of each public verb that reads. Items, folders and the rest are named as in both lakes."""


NOT_YET: set[str] = set()
"""Calls whose answers still tell of the hidden half; this list only gets shorter."""


def out(w):
    """A file to write to."""
    return w.root.parent / f"{w.root.name}.out.json"


def manifest(w):
    """A manifest of the files of an open folder."""
    w.ingest.write_manifest(str(w.root / "files/Locked"), out(w))
    return out(w)


def exported(w, format):
    """What a dataset's export holds."""
    file = w.root / f"out-{format}"
    return [
        w.export("train", file, format=format),
        file.read_bytes() if format == "parquet" else file.read_text(),
    ]


def sorted_points(w):
    """The items of the points; where they lie depends on all vectors that were projected together."""
    found = w.projections.points("visual")
    return [found.uuids, found.names, len(found.places)]


def plain_owners(batch):
    """The items and frames of a batch of vectors."""
    return [batch.items, batch.frames, batch.vectors]


def exported_vectors(w, key, ending):
    """What an export of vectors says and holds."""
    file = w.root / f"vectors.{ending}"
    told = w.vector_files.export_file(key, file)
    return [told, file.read_text() if ending == "jsonl" else np.load(file)]


def pushed(w):
    """What pushed columns say and hold."""
    with TemporaryDirectory() as place:
        told = w.columns.push(place)
        manifest = json.loads((Path(place) / "_heron.json").read_text())
        rows = {
            name: [
                row
                for file in table["files"]
                for row in polars.read_parquet(Path(place) / file["path"], hive_partitioning=True).to_dicts()
            ]
            for name, table in manifest["tables"].items()
        }
    columns = {name: table["columns"] for name, table in manifest["tables"].items()}
    return [told.tables, told.left_out, rows, columns]


def ported(w, **part):
    """What a portable export says and holds, and what its manifest says of it."""
    with TemporaryDirectory() as place:
        told = w.portable.export(Path(place) / "lake", **part, thumbnails=True)
        manifest = w.portable.describe(Path(place) / "lake")
        rows = {
            file.name: [json.loads(line) for line in file.read_text().splitlines()]
            for file in sorted((Path(place) / "lake").rglob("*.jsonl"))
        }
        for name in rows:  # a fingerprint is made of the times of files too, which are a lake's own
            rows[name] = [{key: row[key] for key in row if key != "fingerprint"} for row in rows[name]]
        vectors = [np.load(file) for file in sorted((Path(place) / "lake").rglob("*.npy"))]
    return [[dict(told.rows), told.left_out], [rows, vectors], [manifest.rows, manifest.integrations]]


def pages(page):
    """All pages of a list."""
    found, cursor = [], None
    while True:
        one = page(cursor)
        found.append(one)
        if (cursor := one.cursor) is None:
            return found
