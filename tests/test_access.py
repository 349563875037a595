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

import heron
from heron.catalog.access import Access, Place
from heron.catalog.stores import Origin
from heron.errors import NotFound, PermissionDenied
from heron.holdings import Holdings
from heron.hooks import StoredObject
from heron.models import MediaFacts, Member, NewItem, Query
from heron.organisation import User
from heron.pages import Page
from heron.workspace import Workspace
from tests.every_verb import NOTES, READS, WRITES
from tests.memory_storage import LakePlugin
from tests.public_keys import public_key, raw_key

STRANGER = User("eve@example.com", "member")


SECRET = "Zanzibar"


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
    workspace.versions.freeze(SECRET)
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
    sent = workspace.annotation.send(SECRET, SECRET, tmp_path / "sent.jsonl", format="jsonl").sent
    workspace.roles.grant("user", user=email, folder=folder)
    with heron.open(tmp_path / "elsewhere", discover=False) as elsewhere:
        elsewhere.registration.register([NewItem("s3://lake/far.mp4", facts)], "Far")
        elsewhere.portable.export(tmp_path / "far.zip")
    token = workspace.users.create_token(email, name=SECRET)
    return SimpleNamespace(
        title=SECRET, email=email, item=item, other=other, folder=folder, job=job, file=file, rows=rows,
        new=NewItem("s3://lake/new.mp4", facts), integration=integration, unused=f"{SECRET}2", sidecar=sidecar,
        local=local, signed=signed, group=group, manifest=manifest, out=tmp_path / "written.json",
        unsynced=workspace.folders.get(SECRET), frame=frame, picture=picture, frames=tmp_path / "frames",
        array=tmp_path / "v.npy", twins=twins, look=workspace.vectors._embedding_keys()[0], gif=tmp_path / "pages.gif",
        portable=tmp_path / "far.zip", sent=sent,
        token=token.token, token_text=token.secret,
        key=workspace.users.add_key(email, public_key(1), name=SECRET), key_bytes=raw_key(1), other_key=public_key(2),
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
        for name, value in (vars(Holdings) | vars(Workspace)).items()
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
