"""Rights: every verb of every service asks them, and a refusal names the user, the verb and the resource."""

from __future__ import annotations

import inspect
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from heron.catalog.access import Access, Place
from heron.catalog.stores import Origin
from heron.catalog.vectors.rows import MadeBy
from heron.errors import NotFound, PermissionDenied
from heron.hooks import StoredObject
from heron.models import MediaFacts, Member, NewItem, Query
from heron.organisation import User
from heron.pages import Page
from heron.workspace import Workspace
from tests.memory_storage import LakePlugin

STRANGER = User("eve@example.com", "member")
SECRET = "Zanzibar"

READS = {
    "collections.find": lambda w, t: w.collections.find(t.title),
    "collections.get": lambda w, t: w.collections.get(t.title),
    "collections.items": lambda w, t: w.collections.items(t.title),
    "collections.list": lambda w, t: w.collections.list(),
    "collections.match_names": lambda w, t: w.collections.match_names([t.item.name]),
    "curation.diverse": lambda w, t: w.curation.diverse("look", 1),
    "curation.exact_duplicates": lambda w, t: w.curation.exact_duplicates(),
    "curation.leakage": lambda w, t: w.curation.leakage(t.title, t.title),
    "curation.near_duplicates": lambda w, t: w.curation.near_duplicates("look"),
    "curation.sheet": lambda w, t: w.curation.sheet(t.twins),
    "curation.uniqueness": lambda w, t: w.curation.uniqueness("look"),
    "datasets.find": lambda w, t: w.datasets.find(t.title),
    "datasets.get": lambda w, t: w.datasets.get(t.title),
    "datasets.list": lambda w, t: w.datasets.list(),
    "datasets.rows": lambda w, t: w.datasets.rows(t.title),
    "embed.chosen": lambda w, t: w.embed.chosen(),
    "export": lambda w, t: w.export(t.title, w.root / "out.json"),
    "facets.__call__": lambda w, t: (
        [facet.buckets for facet in w.facets("name")] if w.facets("name")[0].present else []
    ),
    "stats.__call__": lambda w, t: [each for each in w.stats("name") if each.present],
    "compare.__call__": lambda w, t: [
        each for each in w.compare("width > 0", "width > 1", "name") if each.left_present + each.left_missing
    ],
    "folders._by_id": lambda w, t: w.folders._by_id(t.folder.id),
    "folders.contents": lambda w, t: w.folders.contents(t.folder),
    "folders.find": lambda w, t: w.folders.find(t.folder),
    "folders.get": lambda w, t: w.folders.get(t.folder.path),
    "folders.list": lambda w, t: w.folders.list(),
    "frames.get": lambda w, t: w.frames.get(t.item, 0),
    "frames.stream": lambda w, t: w.frames.stream(t.item),
    "frames.find": lambda w, t: w.frames.find(t.item, 0),
    "frames.list": lambda w, t: w.frames.list(t.item),
    "frames.thumbnail": lambda w, t: w.frames.thumbnail(t.frame),
    "frames._without_picture": lambda w, t: w.frames._without_picture(t.picture),
    "imports.find": lambda w, t: w.imports.find(t.job),
    "imports.get": lambda w, t: w.imports.get(t.job),
    "imports.list": lambda w, t: w.imports.list(),
    "imports.problems": lambda w, t: w.imports.problems(t.job),
    "imports.report": lambda w, t: w.imports.report(t.job),
    "items.by_name": lambda w, t: w.items.by_name(t.item.name),
    "items._called": lambda w, t: list(w.items._called("name", [t.item.name])),
    "items._of_several_files": lambda w, t: w.items._of_several_files([t.group.id]),
    "items.count": lambda w, t: w.items.count(),
    "items.get": lambda w, t: w.items.get(t.item),
    "items._ids": lambda w, t: w.items._ids([t.item]),
    "items.list": lambda w, t: w.items.list(),
    "items.find": lambda w, t: w.items.find(t.item.name),
    "items._names_of_facts": lambda w, t: sorted(w.items._names_of_facts(9)),
    "items._records": lambda w, t: list(w.items._records([t.item.id])),
    "items.page": lambda w, t: w.items.page(),
    "frames._records": lambda w, t: list(w.frames._records([t.frame.id])),
    "columns.push": lambda w, t: w.columns.push(w.root / "pushed"),
    "datasets._item_ids": lambda w, t: w.datasets._item_ids(t.title),
    "metadata.verify": lambda w, t: w.metadata.verify(),
    "pictures.contact_sheet": lambda w, t: w.pictures.contact_sheet([t.picture, t.frame]),
    "pictures.frames": lambda w, t: w.pictures.frames(t.picture, [1, 2]),
    "pictures.picture": lambda w, t: w.pictures.picture(t.picture),
    "pictures.picture_of": lambda w, t: w.pictures.picture_of(t.gif),
    "pictures.portrait": lambda w, t: w.pictures.portrait(t.picture),
    "pictures.text": lambda w, t: w.pictures.text(t.local),
    "pictures.thumbnail": lambda w, t: w.pictures.thumbnail(t.frame),
    "pictures.times": lambda w, t: w.pictures.times(t.picture),
    "pictures.write_frames": lambda w, t: w.pictures.write_frames(t.picture, t.frames, [1]),
    "projections.get": lambda w, t: w.projections.get("look"),
    "projections.list": lambda w, t: w.projections.list(),
    "projections.plot": lambda w, t: w.projections.plot(w.root / "out.json", "look"),
    "projections.points": lambda w, t: w.projections.points("look"),
    "groups.find": lambda w, t: w.groups.find(t.title),
    "groups.get": lambda w, t: w.groups.get(t.title),
    "groups.list": lambda w, t: w.groups.list(),
    "log.list": lambda w, t: w.log.list(),
    "log.stream": lambda w, t: w.log.stream(verb="groups"),
    "projects.find": lambda w, t: w.projects.find(t.title),
    "projects.get": lambda w, t: w.projects.get(t.title),
    "projects.list": lambda w, t: w.projects.list(tags=[t.title]),
    "roles.list": lambda w, t: w.roles.list(),
    "tags.find": lambda w, t: w.tags.find(t.title),
    "tags.get": lambda w, t: w.tags.get(t.title),
    "tags.list": lambda w, t: w.tags.list(),
    "users.find": lambda w, t: w.users.find(t.email),
    "users.get": lambda w, t: w.users.get(t.email),
    "users.list": lambda w, t: w.users.list(),
    "presets.find": lambda w, t: w.presets.find(t.title),
    "presets.get": lambda w, t: w.presets.get(t.title),
    "presets.list": lambda w, t: w.presets.list(),
    "ingest.check_manifest": lambda w, t: w.ingest.check_manifest(t.manifest),
    "ingest.write_manifest": lambda w, t: w.ingest.write_manifest(str(t.file.parent), t.out),
    "integrations._by_id": lambda w, t: w.integrations._by_id(t.integration.id),
    "integrations.find": lambda w, t: w.integrations.find(t.title),
    "integrations.get": lambda w, t: w.integrations.get(t.title),
    "integrations.list": lambda w, t: w.integrations.list(),
    "items.stream": lambda w, t: w.items.stream(),
    "items.members": lambda w, t: w.items.members(t.group),
    "registration._parts_of_series": lambda w, t: w.registration._parts_of_series([t.item.url], t.folder),
    "registration._known": lambda w, t: w.registration._known([t.item.url], t.folder),
    "storage.normalise": lambda w, t: w.storage.normalise(t.file.as_uri()),
    "storage._normalised_prefix": lambda w, t: w.storage._normalised_prefix("mem://lake"),
    "storage.sign": lambda w, t: w.storage.sign(t.signed),
    "storage._origins": lambda w, t: w.storage._origins(t.integration),
    "storage.check": lambda w, t: w.storage.check(t.title, t.file.as_uri()),
    "storage.stream": lambda w, t: w.storage.stream(t.file.parent.as_uri(), t.title),
    "storage.list": lambda w, t: w.storage.list(t.file.parent.as_uri(), t.title),
    "storage.of": lambda w, t: w.storage.of(t.local),
    "storage.open": lambda w, t: w.storage.open(t.file.as_uri()),
    "synced._count_below": lambda w, t: w.synced._count_below(t.folder, "s3://"),
    "synced.find": lambda w, t: w.synced.find(t.folder),
    "synced.get": lambda w, t: w.synced.get(t.folder),
    "synced._known_sidecars": lambda w, t: w.synced._known_sidecars([t.sidecar.url], t.folder),
    "synced.list": lambda w, t: w.synced.list(),
    "synced._newest_id": lambda w, t: w.synced._newest_id(),
    "schema.current": lambda w, t: w.schema.current().keys(),
    "schema._full_text_table": lambda w, t: w.schema._full_text_table("story"),
    "schema.keys": lambda w, t: w.schema.keys(),
    "schema.not_fitting": lambda w, t: w.schema.not_fitting(),
    "schema._holds": lambda w, t: w.schema._holds("story", "x"),
    "schema.show": lambda w, t: w.schema.show(),
    "schema.to_dict": lambda w, t: w.schema.to_dict(),
    "schema.unknown_keys": lambda w, t: w.schema.unknown_keys(),
    "schema._remembered_keys": lambda w, t: w.schema._remembered_keys(),
    "search.__call__": lambda w, t: w.search(),
    "search.all": lambda w, t: w.search.all(),
    "search.count": lambda w, t: w.search.count(),
    "search.notes": lambda w, t: w.search.notes(where="width > 1"),
    "search.explain": lambda w, t: w.search.explain(like=[1, 2]),
    "search.count_frames": lambda w, t: w.search.count_frames(),
    "search.frames": lambda w, t: w.search.frames(),
    "search.values": lambda w, t: w.search.values(w.items.list(), "name,width"),
    "search._plan": lambda w, t: w.search._plan(Query()),
    "thumbnails.find": lambda w, t: w.thumbnails.find(t.item),
    "vector_files.export_file": lambda w, t: w.vector_files.export_file("look", w.root / "out.npy"),
    "vectors.adoptable": lambda w, t: w.vectors.adoptable(),
    "vectors._embedding_keys": lambda w, t: w.vectors._embedding_keys(),
    "vectors.get": lambda w, t: w.vectors.get("look", t.item).tolist(),
    "vectors.find": lambda w, t: w.vectors.find("look", t.item).tolist(),
    "vectors._fingerprints": lambda w, t: w.vectors._fingerprints(t.look, [t.item.id]),
    "vectors._named": lambda w, t: w.vectors._named("look"),
    "vectors.of": lambda w, t: list(w.vectors.of(t.item)),
    "vectors._opened": lambda w, t: w.vectors._opened("look"),
    "vectors.sizes": lambda w, t: w.vectors.sizes(t.item),
    "vectors.status": lambda w, t: w.vectors.status(),
    "vectors.stored": lambda w, t: w.vectors.stored("look"),
    "vectors.verify": lambda w, t: w.vectors.verify("look"),
}
"""One call of every verb that reads."""

WRITES = {
    "storage.relocate": (lambda w, t: w.storage.relocate(t.file.parent, "/elsewhere"), "update item"),
    "collections.add": (lambda w, t: w.collections.add(t.title, [t.other]), "update collection"),
    "collections.create": (
        lambda w, t: w.collections.create("new", items=[t.item]),
        "create collections",
    ),
    "collections.delete": (lambda w, t: w.collections.delete(t.title), "delete collection"),
    "collections.remove": (lambda w, t: w.collections.remove(t.title, [t.item]), "update collection"),
    "collections.update": (lambda w, t: w.collections.update(t.title, title="new"), "update collection"),
    "columns.rebuild": (lambda w, t: w.columns.rebuild(), "update the workspace"),
    "columns.status": (lambda w, t: w.columns.status(), "update the workspace"),
    "columns.refresh": (lambda w, t: w.columns.refresh(), "update the workspace"),
    "curation.carry_over": (lambda w, t: w.curation.carry_over(t.twins), "update item"),
    "curation.hash_missing": (lambda w, t: w.curation.hash_missing(), "update item"),
    "datasets.add": (lambda w, t: w.datasets.add(t.title, [t.other]), "update dataset"),
    "datasets.create": (lambda w, t: w.datasets.create("new", items=[t.item]), "create datasets"),
    "datasets.delete": (lambda w, t: w.datasets.delete(t.title), "delete dataset"),
    "datasets.remove": (lambda w, t: w.datasets.remove(t.title, [t.item]), "update dataset"),
    "datasets.set_metadata": (lambda w, t: w.datasets.set_metadata(t.title, 0, {"a": 1}), "update item"),
    "datasets.update": (lambda w, t: w.datasets.update(t.title, title="new"), "update dataset"),
    "embed.__call__": (lambda w, t: w.embed("visual", [t.picture]), "create vectors"),
    "folders.create": (lambda w, t: w.folders.create("new"), "create folders"),
    "folders.delete": (lambda w, t: w.folders.delete(t.folder), "delete folder"),
    "folders.ensure": (lambda w, t: w.folders.ensure("new"), "create folders"),
    "folders.move": (lambda w, t: w.folders.move(t.folder, None), "update folder"),
    "folders.rename": (lambda w, t: w.folders.rename(t.folder, "new"), "update folder"),
    "folders.set_metadata": (lambda w, t: w.folders.set_metadata(t.folder, {"a": 1}), "update folder"),
    "frames.add": (lambda w, t: w.frames.add(t.item, [(1, None, True)]), "update item"),
    "frames.delete": (lambda w, t: w.frames.delete(t.item, [0]), "update item"),
    "frames._keep_pictures": (lambda w, t: w.frames._keep_pictures([(t.frame, b"x", {})]), "update frame"),
    "frames.set": (lambda w, t: w.frames.set(t.item, [1]), "update item"),
    "frames.set_metadata": (lambda w, t: w.frames.set_metadata(t.item, 0, {"a": 1}), "update item"),
    "imports.cancel": (lambda w, t: w.imports.cancel(t.job), "update import"),
    "imports._reopen": (lambda w, t: w.imports._reopen(t.job, True), "update import"),
    "imports._advance": (lambda w, t: w.imports._advance(t.job, units=1, added=1), "update import"),
    "imports._finish": (lambda w, t: w.imports._finish(t.job, "done"), "update import"),
    "imports._set_folder": (lambda w, t: w.imports._set_folder(t.job, t.folder), "update import"),
    "imports._start": (lambda w, t: w.imports._start("src", t.folder, {}), "create imports"),
    "ingest.files": (lambda w, t: w.ingest.files([t.file], folder=t.folder), "create import"),
    "ingest.follow": (lambda w, t: w.ingest.follow("new", "mem://lake/"), "create folders"),
    "ingest.manifest": (lambda w, t: w.ingest.manifest(t.manifest, folder=t.folder), "create import"),
    "ingest.resume": (lambda w, t: w.ingest.resume(t.job), "update import"),
    "ingest.sync": (lambda w, t: w.ingest.sync(t.folder), "create import"),
    "groups.add": (lambda w, t: w.groups.add(t.title, users="owner"), "update group"),
    "groups.create": (lambda w, t: w.groups.create("new"), "create groups"),
    "groups.delete": (lambda w, t: w.groups.delete(t.title), "delete group"),
    "groups.remove": (lambda w, t: w.groups.remove(t.title, users=t.email), "update group"),
    "groups.update": (lambda w, t: w.groups.update(t.title, name="new"), "update group"),
    "projects.add": (lambda w, t: w.projects.add(t.title, datasets=t.title), "update project"),
    "projects.create": (lambda w, t: w.projects.create("new"), "create projects"),
    "projects.delete": (lambda w, t: w.projects.delete(t.title), "delete project"),
    "projects.remove": (lambda w, t: w.projects.remove(t.title, tags=t.title), "update project"),
    "projects.update": (lambda w, t: w.projects.update(t.title, archived=True), "update project"),
    "roles.grant": (
        lambda w, t: w.roles.grant("user", group=t.title, folder=t.folder),
        "share folder",
    ),
    "roles.revoke": (lambda w, t: w.roles.revoke(user=t.email, folder=t.folder), "share folder"),
    "tags.create": (lambda w, t: w.tags.create("new"), "create tags"),
    "tags.delete": (lambda w, t: w.tags.delete(t.title), "delete tag"),
    "tags.rename": (lambda w, t: w.tags.rename(t.title, "new"), "update tag"),
    "users.add": (lambda w, t: w.users.add("new@example.org"), "create users"),
    "users.remove": (lambda w, t: w.users.remove(t.email), "delete user"),
    "users.update": (lambda w, t: w.users.update(t.email, role="admin"), "update user"),
    "integrations.create": (lambda w, t: w.integrations.create("new", "local"), "create integrations"),
    "integrations.delete": (lambda w, t: w.integrations.delete(t.unused), "delete integration"),
    "integrations.trust": (lambda w, t: w.integrations.trust(t.unused), "update integration"),
    "ingest.metadata_file": (lambda w, t: w.ingest.metadata_file(t.rows), "update item"),
    "items.delete": (lambda w, t: w.items.delete([t.item]), "delete item"),
    "items.move": (lambda w, t: w.items.move([t.item], t.folder), "create items in folder"),
    "items.rename": (lambda w, t: w.items.rename(t.item, "new"), "update item"),
    "metadata.merge": (lambda w, t: w.metadata.merge({t.item.uuid: {"a": 1}}), "update item"),
    "metadata.merge_all": (lambda w, t: w.metadata.merge_all([t.item], {"a": 1}), "update item"),
    "metadata.replace": (lambda w, t: w.metadata.replace({t.item.uuid: {"a": 1}}), "update item"),
    "metadata.replace_all": (lambda w, t: w.metadata.replace_all([t.item], {"a": 1}), "update item"),
    "pictures.make": (lambda w, t: w.pictures.make([t.picture]), "update item"),
    "projections.make": (lambda w, t: w.projections.make("look"), "update vector 'look'"),
    "projections.delete": (lambda w, t: w.projections.delete("look"), "update vector 'look'"),
    "presets.create": (lambda w, t: w.presets.create("new", Query()), "create presets"),
    "presets.delete": (lambda w, t: w.presets.delete(t.title), "delete preset"),
    "registration._insert": (lambda w, t: w.registration._insert([t.new], t.folder), "create item"),
    "registration.register": (lambda w, t: w.registration.register([t.new], t.folder), "create item"),
    "registration._refresh": (
        lambda w, t: w.registration._refresh([(t.item.id, t.new)]),
        "update item",
    ),
    "registration._restore": (lambda w, t: w.registration._restore([t.item.id]), "update item"),
    "schema.add": (lambda w, t: w.schema.add("new", "number"), "update the schema"),
    "schema.add_embedding": (lambda w, t: w.schema.add_embedding("new", 3), "update the schema"),
    "schema.add_enum": (lambda w, t: w.schema.add_enum("new", ["a"]), "update the schema"),
    "schema.add_enum_options": (
        lambda w, t: w.schema.add_enum_options("weather", ["a"]),
        "update the schema",
    ),
    "schema.add_scalar": (lambda w, t: w.schema.add_scalar("new", "number"), "update the schema"),
    "schema.convert": (lambda w, t: w.schema.convert(), "update the schema"),
    "schema.delete_key": (lambda w, t: w.schema.delete_key("story"), "update the schema"),
    "schema.edit": (lambda w, t: w.schema.edit().__enter__(), "update the schema"),
    "schema.rename_option": (
        lambda w, t: w.schema.rename_option("weather", "sun", "rain"),
        "update the schema",
    ),
    "schema.restore_key": (lambda w, t: w.schema.restore_key("gone"), "update the schema"),
    "schema.set_from_dict": (lambda w, t: w.schema.set_from_dict({}), "update the schema"),
    "schema.set_indexed": (lambda w, t: w.schema.set_indexed("story"), "update the schema"),
    "schema.undo": (lambda w, t: w.schema.undo("story"), "update the schema"),
    "synced.bind": (lambda w, t: w.synced.bind(t.unsynced, "mem://lake/"), "update folder"),
    "synced._mark_vanished": (
        lambda w, t: w.synced._mark_vanished([t.item.id]),
        "update item",
    ),
    "synced._note_sidecars": (
        lambda w, t: w.synced._note_sidecars([(t.other.id, t.sidecar)]),
        "update item",
    ),
    "synced._note_synced": (lambda w, t: w.synced._note_synced(t.folder), "update folder"),
    "synced.release": (lambda w, t: w.synced.release(t.folder), "update folder"),
    "synced.set_sidecars": (lambda w, t: w.synced.set_sidecars(t.folder, None), "update folder"),
    "vector_files.import_file": (
        lambda w, t: w.vector_files.import_file("look", t.array),
        "update vector 'look'",
    ),
    "vectors.add": (lambda w, t: w.vectors.add("look", [t.item], [[5, 6]]), "update vector 'look'"),
    "vectors.adopt": (lambda w, t: w.vectors.adopt("look", replace=True), "update vector 'look'"),
    "vectors.compact": (lambda w, t: w.vectors.compact("look"), "update vector 'look'"),
    "vectors.delete": (lambda w, t: w.vectors.delete("look"), "delete vector 'look'"),
    "vectors._keep": (
        lambda w, t: w.vectors._keep("look", [(t.item.id, 0)], np.ones((1, 2), np.float32)),
        "update vector 'look'",
    ),
    "vectors._keep_encoded": (
        lambda w, t: w.vectors._keep_encoded([((t.item.id, 0), {"look": [5, 6]})]),
        "update vector 'look'",
    ),
    "vectors._keep_made": (
        lambda w, t: w.vectors._keep_made("look", [(t.item.id, 0)], [t.item.uuid], np.ones((1, 2)), [7]),
        "update vector 'look'",
    ),
    "vectors._prepared": (
        lambda w, t: w.vectors._prepared("look", MadeBy("visual", None, "1", False)),
        "update vector 'look'",
    ),
    "vectors.rebuild": (lambda w, t: w.vectors.rebuild("look"), "update vector 'look'"),
    "vectors.refresh": (lambda w, t: w.vectors.refresh("look"), "update vector 'look'"),
    "vectors.remove": (lambda w, t: w.vectors.remove("look", [t.item]), "update vector 'look'"),
    "thumbnails._keep": (lambda w, t: w.thumbnails._keep([(t.item, b"x", {})]), "update item"),
    "thumbnails._put": (
        lambda w, t: w.thumbnails._put([(t.item.id, b"x")]),
        "create item",
    ),
}
"""One call of every verb that changes something, and the right that it asks for."""

NOTES = {
    "imports._require_running": lambda w, t: w.imports._require_running(t.job),
    "schema._remember_unknown": lambda w, t: w.schema._remember_unknown({"x"}),
    "vectors._model_of": lambda w, t: w.vectors._model_of("look", "visual"),
}
"""Verbs that are a part of others whose right was asked for before; they ask for reading alone, or answer nothing."""


@pytest.fixture
def plugins():
    plugin = LakePlugin()
    plugin.lake.put("mem://lake/a.mp4")
    return [plugin]


@pytest.fixture
def things(workspace, tmp_path):
    """One of each noun, all called by the secret name where they can be."""
    workspace.schema.set_from_dict(
        {"story": "text", "weather": {"type": "enum", "options": ["sun"]}, "gone": "number"}
    )
    workspace.schema.delete_key("gone")
    facts = MediaFacts("video", "video/mp4", frame_count=9)
    new = [NewItem(f"s3://lake/{name}.mp4", facts, metadata={SECRET: 1}) for name in (SECRET, f"{SECRET}2")]
    group = MediaFacts("image_group", "image/jpeg")
    jpeg = io.BytesIO()
    Image.new("RGB", (8, 6)).save(jpeg, "JPEG")
    workspace.registration.register(new, f"{SECRET}/{SECRET}")
    item, other = workspace.items.list()
    folder = workspace.folders.get(f"{SECRET}/{SECRET}")
    workspace.frames.add(item, [(0, 0.0, True)])
    workspace.thumbnails._put([(item.id, jpeg.getvalue())])
    workspace.collections.create(SECRET, items=[item])
    workspace.datasets.create(SECRET, items=[item])
    workspace.presets.create(SECRET, Query(where="size > 1"))
    job = workspace.imports._start(SECRET, folder, {})
    file, rows = tmp_path / "notes.txt", tmp_path / "rows.json"
    file.write_text("hello")
    rows.write_text(f'[{{"uuid": "{item.uuid}", "a": 1}}]')
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"videos": [{"objectUrl": "mem://lake/a.mp4"}]}))
    integration = workspace.integrations.create(SECRET, "local")
    workspace.integrations.create(f"{SECRET}2", "local")
    sidecar = StoredObject(f"{item.url}.metadata.json", 2)
    workspace.synced._note_sidecars([(item.id, sidecar)])
    workspace.synced.bind(folder, tmp_path.as_uri() + "/", integration=integration)
    own = NewItem(file.as_uri(), MediaFacts("text", "text/plain"))
    pages = [Image.new("RGB", (8, 6), (number * 90, 0, 0)) for number in range(3)]
    pages[0].save(tmp_path / "pages.gif", save_all=True, append_images=pages[1:], duration=100)
    picture = NewItem((tmp_path / "pages.gif").as_uri(), MediaFacts("image", "image/gif", 8, 6, 3))
    workspace.registration._insert([own], folder, origin_of=lambda url: Origin(integration.id))
    more = [
        NewItem("mem://lake/a.mp4", facts),
        NewItem("s3://lake/a.jpg#image_group-1", group, SECRET, members=[Member("s3://lake/a.jpg")]),
    ]
    workspace.registration.register(more, folder)
    workspace.registration.register([picture], folder)
    local, signed, group, picture = list(workspace.items.list())[2:]
    workspace.frames.add(picture, [(2, None, False)])
    frame = next(workspace.frames.stream(item))
    workspace.metadata.merge({other.uuid: {"look": [3, 4]}})
    workspace.schema.add_embedding("look", 2)
    workspace.vectors.add("look", [item, other], [[1, 2], [2, 1]])
    workspace.projections.make("look")
    twins = workspace.curation.near_duplicates("look", 0.1)
    np.save(tmp_path / "v.npy", np.ones((1, 2)))
    (tmp_path / "v.ids.txt").write_text(item.uuid)
    workspace.frames._keep_pictures([(frame, jpeg.getvalue(), {})])
    email = workspace.users.add(f"{SECRET}@example.org").email
    workspace.groups.create(SECRET, users=email)
    workspace.tags.create(SECRET)
    workspace.projects.create(SECRET, datasets=SECRET, tags=SECRET)
    workspace.roles.grant("user", user=email, folder=folder)
    return SimpleNamespace(
        title=SECRET, email=email, item=item, other=other, folder=folder, job=job, file=file, rows=rows,
        new=NewItem("s3://lake/new.mp4", facts), integration=integration, unused=f"{SECRET}2", sidecar=sidecar,
        local=local, signed=signed, group=group, manifest=manifest, out=tmp_path / "written.json",
        unsynced=workspace.folders.get(SECRET), frame=frame, picture=picture, frames=tmp_path / "frames",
        array=tmp_path / "v.npy", twins=twins, look=workspace.vectors._embedding_keys()[0], gif=tmp_path / "pages.gif",
    )  # fmt: skip


def state(workspace):
    """All that the catalogue holds, as text."""
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        return "\n".join(plain.iterdump())


def answer(call, workspace, things):
    """What a verb answers, its stream read to the end."""
    found = call(workspace, things)
    if isinstance(found, Iterator):
        return list(found)
    return list(found) if isinstance(found, Page) else found


def public_verbs(workspace):
    """The names of all public verbs of all services, as they stand in the workspace."""
    names = [
        name
        for name, value in vars(Workspace).items()
        if isinstance(value, cached_property) and not name.startswith("_")
    ]
    services = {name: getattr(workspace, name) for name in ("schema", "folders", "items", *names)}
    del services["plugins"]
    for name, service in services.items():
        for verb, _ in inspect.getmembers(type(service), callable):
            if not verb.startswith("_") or (verb == "__call__" and "__call__" in vars(type(service))):
                yield f"{name}.{verb}"
    yield "export"


def test_every_public_verb_of_every_service_is_tried_here(workspace):
    tried = {*READS, *WRITES, *NOTES}
    assert set(public_verbs(workspace)) == {verb for verb in tried if "._" not in verb or "__call__" in verb}


MAY_BE_EMPTY = (
    "metadata.verify",
    "imports.problems",
    "vectors.verify",
    "search.notes",
    "schema._holds",
    "items._names_of_facts",
)
"""Verbs that find only what is wrong, of which there is nothing here."""


@pytest.mark.slow
@pytest.mark.parametrize("verb", READS)
def test_the_owner_may_read_everything(workspace, things, verb):
    found = answer(READS[verb], workspace, things)
    assert found is not None
    assert found not in ([], 0, ()) or verb in MAY_BE_EMPTY


@pytest.mark.slow
@pytest.mark.parametrize("verb", {**READS, **{name: call for name, (call, _) in WRITES.items()}, **NOTES})
def test_a_stranger_gets_nothing_and_changes_nothing(workspace, things, verb):
    call = READS.get(verb) or NOTES.get(verb) or WRITES[verb][0]
    before, listed = state(workspace), sorted(workspace.root.iterdir())
    workspace.access.user = STRANGER
    try:
        found = answer(call, workspace, things)
    except (PermissionDenied, NotFound) as refusal:
        found = None
        if isinstance(refusal, PermissionDenied):
            assert refusal.message.startswith("eve@example.com may not ")
    assert found in (None, [], 0, ())
    assert state(workspace) == before
    assert sorted(workspace.root.iterdir()) == listed


@pytest.mark.slow
@pytest.mark.parametrize("verb", WRITES)
def test_who_may_only_read_is_refused_with_user_verb_and_resource(workspace, things, verb, monkeypatch):
    reader = lambda access, right, *_: access.user.role == "owner" or right == "read"  # noqa: E731
    monkeypatch.setattr("heron.catalog.access.Access.may", reader)
    monkeypatch.setattr(
        "heron.catalog.access.Access.granted",
        lambda access, right, *_: "1" if reader(access, right) else "0",
    )
    call, right = WRITES[verb]
    before = state(workspace)
    workspace.access.user = STRANGER
    with pytest.raises(PermissionDenied) as refusal:
        answer(call, workspace, things)
    assert refusal.value.message.startswith(f"eve@example.com may not {right}")
    assert refusal.value.hint == "ask an admin of the workspace for a role on it"
    assert state(workspace) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "look_up",
    [
        lambda w, name: w.folders.get(name),
        lambda w, name: w.items.list(folder=name),
        lambda w, name: w.collections.get(name),
        lambda w, name: w.datasets.get(name),
        lambda w, name: w.presets.get(name),
        lambda w, name: w.projects.get(name),
        lambda w, name: w.groups.get(name),
        lambda w, name: w.tags.get(name),
        lambda w, name: w.users.get(f"{name}@example.org"),
        lambda w, name: w.integrations.get(name),
        lambda w, name: w.synced.get(name),
        lambda w, name: w.storage.check(name, "mem://lake/"),
        lambda w, name: w.search(where=f"{name} = 1"),
        lambda w, name: w.schema.delete_key(name),
    ],
)
def test_a_suggestion_does_not_give_names_away(workspace, things, look_up):
    workspace.access.user = STRANGER
    with pytest.raises((PermissionDenied, NotFound)) as refusal:
        list(look_up(workspace, SECRET[:-1]))
    assert SECRET not in str(refusal.value)


# Access itself


@pytest.mark.parametrize(
    "noun", ["collection", "dataset", "folder", "import", "integration", "preset", "project", "vector"]
)
def test_who_has_no_right_on_the_workspace_makes_nothing_there(workspace, noun):
    workspace.access.require("create", Place.WORKSPACE, noun)
    with pytest.raises(PermissionDenied) as refusal:
        Access(workspace._database, STRANGER).require("create", Place.WORKSPACE, noun)
    assert refusal.value.message.startswith(f"eve@example.com may not create {noun}")


def test_the_scope_of_the_owner_is_everything_and_costs_nothing(workspace):
    assert workspace.access.scope("item", "items") == workspace.access.scope("frame", "f") == "1"
    assert Access(workspace._database, STRANGER).scope("item", "items") == "0"
