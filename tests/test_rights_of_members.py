"""What real members may not see is in no answer: verbs answer as in a lake of what they may see, and hidden names are unknown names."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from functools import partial

import pytest

import heron
from heron.uuids import new_uuid
from tests.hidden_half import Plain, is_hidden, two_lakes
from tests.rights_examples import EXAMPLES

pytestmark = pytest.mark.slow

HALF, NOBODY = "half@example.org", "nobody@example.org"
"""A member with a role on half of the folders, and an external one without any."""

OWN = ("collections", "datasets", "presets", "integrations", "projects")
"""Tables whose rows the member with a role created; an admin has added items of hidden folders to them."""


def prepared(root):
    """Give one member a role on the half of the folders that the double shows, and what is made of items."""
    with heron.open(root, discover=False) as ws:
        ws.users.add(HALF)
        ws.users.add(NOBODY, member_type="external")
        for path in ("Open", "Locked", "Synced"):
            ws.roles.grant("user", user=HALF, folder=path)
    with closing(sqlite3.connect(root / ".heron" / "catalog.db")) as plain, plain:
        for table in OWN:
            plain.execute(f"UPDATE {table} SET created_by = ?", [HALF])
        hidden = [str(id) for id, path in plain.execute("SELECT id, path FROM folders") if is_hidden(path)]
        plain.execute(
            f"UPDATE imports SET created_by = ? WHERE folder_id NOT IN ({', '.join(hidden)})", [HALF]
        )


def emptied(root):
    """Remove all that a member without roles may not see."""
    with heron.open(root, discover=False) as ws:
        for folder in ws.folders.list(recursive=False):
            ws.folders.delete(folder)
        for name in ("projects", "collections", "datasets", "presets", "integrations", "groups", "tags"):
            service = getattr(ws, name)
            for each in service.list():
                service.delete(each)
        ws.users.remove("ada@example.org")
        ws.users.add(NOBODY, member_type="external")


def hide(root):
    """Make one of each noun that neither member may see; returns their names by noun."""
    with heron.open(root, discover=False) as ws:
        ws.folders.move("Open/Hidden", "Secret")  # a role on a folder holds for those below it
        ws.collections.create("Covert", items=["secret-1.png"])
        ws.datasets.create("covert", items=["secret-1.png"])
        ws.versions.freeze("covert")
        ws.projects.create("Covert project", datasets="covert")
        sent = ws.annotation.send("Covert project", "Covert", root / "more.jsonl", format="jsonl").sent
        ws.presets.create("covert", heron.Query())
        ws.integrations.create("covert", "local")
        folder, item = ws.folders.get("Secret"), ws.items.get("secret-1.png")
        return {
            "item": ["secret-1.png", item.uuid, item.url],
            "film": ["secret.gif"],
            "folder": [folder.path, folder.uuid],
            "synced": ["Hidden/Synced"],
            "collection": ["Covert", ws.collections.get("Covert").uuid],
            "dataset": ["covert", ws.datasets.get("covert").uuid],
            "version": ["covert@1", ws.versions.get("covert@1").uuid],
            "project": ["Covert project", ws.projects.get("Covert project").uuid],
            "preset": ["covert"],
            "integration": ["covert"],
            "import": [next(job.uuid for job in ws.imports.list() if "Secret" in job.source)],
            "sent": [sent.uuid],
        }


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    """The lake with everything, beside the visible half of it, and beside one without items; and the hidden names."""
    parent = tmp_path_factory.mktemp("lakes")
    whole, half = two_lakes(parent)
    none = shutil.copytree(half, parent / "lake_c")
    emptied(none)
    prepared(whole)
    prepared(half)
    return {HALF: (whole, half), NOBODY: (whole, none)}, hide(whole)


@pytest.fixture(scope="module", params=[HALF, NOBODY])
def views(lakes, request):
    """The lakes of one member, opened as this member."""
    roots = lakes[0][request.param]
    opened = [heron.open(root, user=request.param, discover=False) for root in roots]
    yield list(zip(roots, opened, strict=True))
    for ws in opened:
        ws.close()


@pytest.mark.parametrize("verb", EXAMPLES)
def test_a_member_is_answered_as_in_a_lake_of_what_they_see(views, verb):
    for call in EXAMPLES[verb]:
        there, here = (answer(root, ws, call) for root, ws in views)
        assert there == here


def answer(root, ws, call):
    """What a call answers; some examples take the first of what they find, and there may be nothing."""
    try:
        return Plain(root).answer(call, ws)
    except (IndexError, ValueError) as error:
        return type(error).__name__


# Names

NAMING = {
    "item": [
        lambda w, x: w.items.get(x), lambda w, x: w.items.uses(x), lambda w, x: w.items.members(x),
        lambda w, x: w.items.delete(["same.png", x]), lambda w, x: w.items.rename(x, "y"), lambda w, x: w.items.move(x, "Open"),
        lambda w, x: w.metadata.merge({x: {"weather": "wrong"}}), lambda w, x: w.metadata.replace_all(x, {"city": "X"}),
        lambda w, x: w.collections.create("New", items=[x]), lambda w, x: w.collections.add("Best", x),
        lambda w, x: w.collections.remove("Best", x), lambda w, x: w.datasets.create("new", items=x),
        lambda w, x: w.datasets.add("train", x, duplicates="fail"), lambda w, x: w.datasets.remove("train", x),
        lambda w, x: w.vectors.add("face", [x], [[1, 0, 0]]), lambda w, x: w.vectors.remove("face", [x]),
        lambda w, x: w.vectors.of(x), lambda w, x: w.pictures.thumbnail(x), lambda w, x: w.pictures.make([x]),
        lambda w, x: w.storage.sign(x), lambda w, x: w.storage.of(x), lambda w, x: w.search(like=x),
        lambda w, x: w.collections.match_names([x]), lambda w, x: w.portable.export(w.root / "part", items=[x]),
        lambda w, x: w.embed("visual", [x]), lambda w, x: w.search.count(where=f"name = '{x}' or has_file('{x}')"),
    ],
    "film": [
        lambda w, x: w.frames.set(x, [1]), lambda w, x: w.frames.add(x, [(2, None, True)]), lambda w, x: w.frames.get(x, 1),
        lambda w, x: w.frames.delete(x, [1]), lambda w, x: w.frames.set_metadata(x, 1, {"city": "X"}), lambda w, x: w.pictures.times(x),
    ],
    "folder": [
        lambda w, x: w.folders.get(x), lambda w, x: w.folders.contents(x), lambda w, x: w.folders.uses(x),
        lambda w, x: w.folders.list(x), lambda w, x: w.folders.delete(x), lambda w, x: w.folders.rename(x, "Y"),
        lambda w, x: w.folders.move(x, None), lambda w, x: w.folders.move("Open", x), lambda w, x: w.folders.update(x, description="Y"),
        lambda w, x: w.folders.set_metadata(x, {"weather": "wrong"}), lambda w, x: w.items.list(folder=x),
        lambda w, x: w.items.move("same.png", x), lambda w, x: w.search.count(folder=x), lambda w, x: w.search(where=f"in_folder('{x}')"),
        lambda w, x: w.roles.grant("user", user=HALF, folder=x), lambda w, x: w.roles.revoke(user=HALF, folder=x),
        lambda w, x: w.roles.list(folder=x), lambda w, x: w.portable.export(w.root / "part", folder=x),
    ],
    "synced": [
        lambda w, x: w.synced.get(x), lambda w, x: w.synced.release(x), lambda w, x: w.synced.set_sidecars(x, None),
        lambda w, x: w.ingest.sync(x),
    ],
    "collection": [
        lambda w, x: w.collections.get(x), lambda w, x: w.collections.items(x), lambda w, x: w.collections.add(x, []),
        lambda w, x: w.collections.remove(x, []), lambda w, x: w.collections.update(x, title="Y"), lambda w, x: w.collections.delete(x),
        lambda w, x: w.datasets.create("new", collection=x), lambda w, x: w.search(where=f"in_collection('{x}')"),
        lambda w, x: w.search.count(where=f"collection = '{x}'"), lambda w, x: w.projects.create("New", collections=x),
        lambda w, x: w.portable.export(w.root / "part", collection=x),
    ],
    "dataset": [
        lambda w, x: w.datasets.get(x), lambda w, x: w.datasets.rows(x), lambda w, x: w.datasets.add(x, []),
        lambda w, x: w.datasets.remove(x, []), lambda w, x: w.datasets.update(x, title="Y"), lambda w, x: w.datasets.delete(x),
        lambda w, x: w.datasets.set_metadata(x, 0, {"city": "X"}), lambda w, x: w.versions.freeze(x), lambda w, x: w.versions.list(x),
        lambda w, x: w.versions.diff(x, x), lambda w, x: w.versions.verify(x), lambda w, x: w.versions.get(f"{x}@7"),
        lambda w, x: w.export(x, w.root / "part.json"), lambda w, x: w.projects.create("New", datasets=x),
        lambda w, x: w.roles.grant("user", user=HALF, dataset=x), lambda w, x: w.roles.list(dataset=x),
        lambda w, x: w.curation.leakage(x, x), lambda w, x: w.search(where=f"in_dataset('{x}')"),
        lambda w, x: w.portable.export(w.root / "part", dataset=x),
    ],
    "version": [
        lambda w, x: w.versions.get(x), lambda w, x: w.versions.rows(x), lambda w, x: w.versions.delete(x),
        lambda w, x: w.versions.verify(x), lambda w, x: w.versions.diff(x, x), lambda w, x: w.export(x, w.root / "part.json"),
    ],
    "project": [
        lambda w, x: w.projects.get(x), lambda w, x: w.projects.update(x, title="Y"), lambda w, x: w.projects.add(x, tags="road"),
        lambda w, x: w.projects.remove(x, tags="road"), lambda w, x: w.projects.delete(x), lambda w, x: w.roles.list(project=x),
        lambda w, x: w.collections.create("New", project=x), lambda w, x: w.roles.grant("viewer", user=HALF, project=x),
        lambda w, x: w.annotation.sent(x), lambda w, x: w.search(where=f"in_project('{x}')"),
        lambda w, x: w.annotation.send(x, "Best", w.root / "tasks.jsonl", format="jsonl"),
    ],
    "preset": [lambda w, x: w.presets.get(x), lambda w, x: w.presets.delete(x)],
    "integration": [
        lambda w, x: w.integrations.get(x), lambda w, x: w.integrations.delete(x), lambda w, x: w.integrations.trust(x),
        lambda w, x: w.storage.check(x, "file:///lake/"), lambda w, x: w.roles.grant("user", user=HALF, integration=x),
        lambda w, x: w.ingest.follow("New", "file:///lake/", integration=x),
    ],
    "import": [
        lambda w, x: w.imports.get(x), lambda w, x: w.imports.report(x), lambda w, x: w.imports.cancel(x), lambda w, x: w.ingest.resume(x),
    ],
    "sent": [lambda w, x: w.annotation.items(x)],
}  # fmt: skip
"""Calls with the name of something, by noun."""


def unknown(name):
    """A name of the same sort that nothing has."""
    return (
        new_uuid()
        if re.fullmatch("[0-9a-f-]{36}", name)
        else name.replace("ecret", "eldom").replace("overt", "opper")
    )


@pytest.mark.parametrize("noun", NAMING)
def test_the_name_of_something_hidden_is_a_name_that_nothing_has(views, lakes, noun):
    root, ws = views[0]
    for name in lakes[1][noun]:
        other = unknown(name).replace("Hidden", "Absent")
        for call in NAMING[noun]:
            told = [unnamed(str(answer(root, ws, partial(call, x=x))), root, x) for x in (name, other)]
            assert told[0] == told[1]


def unnamed(text, root, name):
    """An answer without the name, and without the title of which the name of a version begins."""
    for each in (Plain(root).text(name), name.partition("@")[0]):
        text = text.replace(each, "NAME")
    return text
