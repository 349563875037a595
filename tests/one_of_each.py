"""A lake with one of each noun, all called by a secret name where they can be, which each test gets as it was made."""

from __future__ import annotations

import io
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import heron
from heron.catalog.stores import Origin
from heron.hooks import StoredObject
from heron.models import MediaFacts, Member, NewItem, Query
from tests.memory_storage import LakePlugin
from tests.public_keys import public_key, raw_key

SECRET = "Zanzibar"


def opened(place):
    """The lake, with a plugin that has one object."""
    plugin = LakePlugin()
    plugin.lake.put("mem://lake/a.mp4")
    return heron.open(place / "lake", plugins=[plugin], discover=False)


def make(workspace, place):
    """Make one of each noun in an empty workspace; returns the records by which tests call them."""
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
    file, rows = place / "notes.txt", place / "rows.json"
    file.write_text("hello")
    rows.write_text(f'[{{"uuid": "{item.uuid}", "a": 1}}]')
    manifest = place / "manifest.json"
    manifest.write_text(json.dumps({"videos": [{"objectUrl": "mem://lake/a.mp4"}]}))
    integration = workspace.integrations.create(SECRET, "local")
    workspace.integrations.create(f"{SECRET}2", "local")
    sidecar = StoredObject(f"{item.url}.metadata.json", 2)
    workspace.synced._note_sidecars([(item.id, sidecar)])
    workspace.synced.bind(folder, place.as_uri() + "/", integration=integration)
    own = NewItem(file.as_uri(), MediaFacts("text", "text/plain"))
    pages = [Image.new("RGB", (8, 6), (number * 90, 0, 0)) for number in range(3)]
    pages[0].save(place / "pages.gif", save_all=True, append_images=pages[1:], duration=100)
    picture = NewItem((place / "pages.gif").as_uri(), MediaFacts("image", "image/gif", 8, 6, 3))
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
    np.save(place / "v.npy", np.ones((1, 2)))
    (place / "v.ids.txt").write_text(item.uuid)
    workspace.frames._keep_pictures([(frame, jpeg.getvalue(), {})])
    email = workspace.users.add(f"{SECRET}@example.org").email
    workspace.groups.create(SECRET, users=email)
    workspace.tags.create(SECRET)
    workspace.projects.create(SECRET, datasets=SECRET, tags=SECRET)
    sent = workspace.annotation.send(SECRET, SECRET, place / "sent.jsonl", format="jsonl").sent
    workspace.roles.grant("user", user=email, folder=folder)
    with heron.open(place / "elsewhere", discover=False) as elsewhere:
        elsewhere.registration.register([NewItem("s3://lake/far.mp4", facts)], "Far")
        elsewhere.portable.export(place / "far.zip")
    token = workspace.users.create_token(email, name=SECRET)
    return SimpleNamespace(
        title=SECRET, email=email, item=item, other=other, folder=folder, job=job, file=file, rows=rows,
        new=NewItem("s3://lake/new.mp4", facts), integration=integration, unused=f"{SECRET}2", sidecar=sidecar,
        local=local, signed=signed, group=group, manifest=manifest, out=place / "written.json",
        unsynced=workspace.folders.get(SECRET), frame=frame, picture=picture, frames=place / "frames",
        array=place / "v.npy", twins=twins, look=workspace.vectors._embedding_keys()[0], gif=place / "pages.gif",
        portable=place / "far.zip", sent=sent,
        token=token.token, token_text=token.secret,
        key=workspace.users.add_key(email, public_key(1), name=SECRET), key_bytes=raw_key(1), other_key=public_key(2),
    )  # fmt: skip


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The place of the lake, a copy of it that stays, and its records: it takes 100 ms to make."""
    place = tmp_path_factory.mktemp("each") / "place"
    place.mkdir()
    with opened(place) as workspace:
        records = make(workspace, place)
    shutil.copytree(place, place.with_name("kept"))
    return place, place.with_name("kept"), records


@pytest.fixture
def things(made):
    """One of each noun, as they were made."""
    place, kept, records = made
    shutil.rmtree(place)
    shutil.copytree(kept, place)
    return SimpleNamespace(**vars(records))


@pytest.fixture
def full(made, things):
    """The lake with these things."""
    with opened(made[0]) as workspace:
        yield workspace
