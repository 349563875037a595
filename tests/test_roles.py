"""Every cell of the table of roles in docs/rights.md, with real users, and what members see of the rest."""

from __future__ import annotations

import shutil
from typing import get_args

import pytest

import heron
from heron.catalog.access import Place
from heron.catalog.rights import IN_PROJECT, MEMBERS, ROLES, Noun, Verb
from heron.catalog.rules import RIGHT_OF
from tests.every_verb import WRITES
from tests.test_access import public_verbs

CARL, DORA = "carl@example.org", "dora@example.org"
NEW = heron.NewItem("s3://lake/new.mp4", heron.MediaFacts("video", "video/mp4", 64, 48, 9))
NAMES = {"folder": "Road", "dataset": "train", "integration": "lab", "project": "Survey"}


def made(ws, mark=""):
    """One of each noun that has roles, with items in the folder and the dataset."""
    ws.folders.create(f"Road{mark}/Deep")
    for place in (f"Road{mark}", f"Road{mark}/Deep"):
        ws.registration.register(
            [heron.NewItem(f"s3://lake/{place}.mp4", NEW.facts, name=f"{place}.mp4")], place
        )
    ws.datasets.create(f"train{mark}", items=[f"Road{mark}.mp4"])
    ws.integrations.create(f"lab{mark}", "local")
    ws.projects.create(f"Survey{mark}")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    place = tmp_path_factory.mktemp("roles")
    with heron.open(place, discover=False) as ws:
        ws.users.add(CARL)
        ws.users.add(DORA)
        ws.groups.create("Inner", users=CARL)
        ws.groups.create("Outer", groups="Inner")
        ws.tags.create("urgent")
        made(ws)
    return place


@pytest.fixture
def lake(original, tmp_path):
    shutil.copytree(original, tmp_path / "lake")
    return tmp_path / "lake"


CELLS = {
    ("folder", "read"): lambda ws: ws.folders.get("Road/Deep"),
    ("folder", "create"): lambda ws: ws.folders.create("Road/Deep/New"),
    ("folder", "update"): lambda ws: ws.folders.rename("Road/Deep", "Deeper"),
    ("folder", "delete"): lambda ws: ws.folders.delete("Road/Deep"),
    ("folder", "share"): lambda ws: ws.roles.grant("user", user=DORA, folder="Road/Deep"),
    ("item", "read"): lambda ws: ws.items.get("Road/Deep.mp4"),
    ("item", "create"): lambda ws: ws.registration.register([NEW], "Road/Deep"),
    ("item", "update"): lambda ws: ws.metadata.merge({"Road/Deep.mp4": {"city": "Oran"}}),
    ("item", "delete"): lambda ws: ws.items.delete("Road/Deep.mp4"),
    ("dataset", "read"): lambda ws: ws.datasets.get("train"),
    ("dataset", "update"): lambda ws: ws.datasets.update("train", description="new"),
    ("dataset", "delete"): lambda ws: ws.datasets.delete("train"),
    ("dataset", "share"): lambda ws: ws.roles.grant("user", user=DORA, dataset="train"),
    ("integration", "read"): lambda ws: ws.integrations.get("lab"),
    ("integration", "update"): lambda ws: ws.integrations.trust("lab"),
    ("integration", "delete"): lambda ws: ws.integrations.delete("lab"),
    ("integration", "share"): lambda ws: ws.roles.grant("user", user=DORA, integration="lab"),
    ("project", "read"): lambda ws: ws.projects.get("Survey"),
    ("project", "update"): lambda ws: ws.projects.update("Survey", status="completed"),
    ("project", "delete"): lambda ws: ws.projects.delete("Survey"),
    ("project", "share"): lambda ws: ws.roles.grant("viewer", user=DORA, project="Survey"),
}  # fmt: skip
"""A call for each right on a noun that has roles; items are those of the folder."""

WHOLE = {
    ("workspace", "read"): lambda ws: ws.storage.normalise("file:///lake/./a.jpg"),
    ("workspace", "update"): lambda ws: ws.columns.status(),
    ("schema", "read"): lambda ws: ws.schema.show(),
    ("schema", "update"): lambda ws: ws.schema.add("speed", "number"),
    ("folder", "create"): lambda ws: ws.folders.create("Own"),
    ("collection", "create"): lambda ws: ws.collections.create("Own"),
    ("dataset", "create"): lambda ws: ws.datasets.create("own"),
    ("preset", "create"): lambda ws: ws.presets.create("own", heron.Query()),
    ("import", "create"): lambda ws: ws.imports._start("own", None, {}),
    ("integration", "create"): lambda ws: ws.integrations.create("own", "local"),
    ("project", "create"): lambda ws: ws.projects.create("Own"),
    ("vector", "create"): lambda ws: ws.access.require("create", Place.WORKSPACE, "vector"),
    ("user", "create"): lambda ws: ws.users.add("new@example.org"),
    ("group", "create"): lambda ws: ws.groups.create("New"),
    ("tag", "create"): lambda ws: ws.tags.create("new"),
    ("user", "update"): lambda ws: ws.users.update(CARL, role="admin"),
    ("group", "update"): lambda ws: ws.groups.add("Inner", users=DORA),
    ("tag", "update"): lambda ws: ws.tags.rename("urgent", "soon"),
    ("user", "delete"): lambda ws: ws.users.remove(DORA),
    ("group", "delete"): lambda ws: ws.groups.delete("Inner"),
    ("tag", "delete"): lambda ws: ws.tags.delete("urgent"),
}  # fmt: skip
"""A call for each right in the workspace as a whole."""


OWN = {
    ("collection", "read"): lambda ws: ws.collections.get("Best"),
    ("collection", "update"): lambda ws: ws.collections.update("Best", description="new"),
    ("collection", "delete"): lambda ws: ws.collections.delete("Best"),
    ("preset", "read"): lambda ws: ws.presets.get("wide"),
    ("preset", "delete"): lambda ws: ws.presets.delete("wide"),
    ("import", "read"): lambda ws: ws.imports.report(ws.imports.list()[0]),
    ("import", "update"): lambda ws: ws.imports.cancel(ws.imports.list()[0]),
    ("credential", "update"): lambda ws: ws.users.create_token(CARL, name="other"),
    ("credential", "delete"): lambda ws: ws.users.revoke_token("laptop"),
}  # fmt: skip
"""A call for each right on what has no roles of its own: it is its creator's, or of the user whose credential it is."""

VECTORS = {
    ("vector", "update"): lambda ws: ws.vectors.compact("look"),
    ("vector", "delete"): lambda ws: ws.vectors.delete("look"),
}
"""A call for each right on the vectors of a key as a whole."""


def is_allowed(root, user, call):
    """Whether a user may make a call; a refusal changes nothing and says who may not."""
    with heron.open(root, user=user, discover=False) as ws:
        try:
            call(ws)
        except (heron.NotFound, heron.AlreadyExists):  # the second for a folder at the path of a hidden one
            return False
        except heron.PermissionDenied as refusal:
            assert refusal.message.startswith(f"{user} may not ")
            return False
        return True


def test_every_cell_has_a_call():
    cells = {(noun, verb) for noun, roles in ROLES.items() for verbs in roles.values() for verb in verbs}
    assert cells | {("item", verb) for verb in ("read", "create", "update", "delete")} == set(CELLS)
    whole = {(noun, verb) for noun, verbs in MEMBERS.items() for verb in verbs if noun != "vector"}
    assert whole <= set(WHOLE)
    assert {noun for noun, _ in [*CELLS, *WHOLE]} <= set(get_args(Noun))
    asked = {(noun, verb) for verb, noun in RIGHT_OF.values()}
    assert asked <= {*CELLS, *WHOLE, *OWN, *VECTORS}


@pytest.mark.slow
@pytest.mark.parametrize("holder", ["user", "group"])
@pytest.mark.parametrize(
    ("noun", "role", "verb"),
    [
        (noun, role, verb)
        for noun, verb in CELLS
        for role in ROLES["folder" if noun == "item" else noun]
        if verb in get_args(Verb)
    ],
)
def test_a_role_allows_what_the_table_says(lake, noun, role, verb, holder):
    on = "folder" if noun == "item" else noun
    assert not is_allowed(lake, CARL, CELLS[noun, verb])
    with heron.open(lake, discover=False) as ws:
        whom = {"user": CARL} if holder == "user" else {"group": "Outer"}
        ws.roles.grant(role, **whom, **{on: NAMES[on]})
    assert is_allowed(lake, CARL, CELLS[noun, verb]) == (verb in ROLES[on][role])


@pytest.mark.slow
@pytest.mark.parametrize(("noun", "verb"), CELLS)
def test_who_created_something_may_do_everything_to_it(original, tmp_path, noun, verb):
    root = tmp_path / "lake"
    with heron.open(root, discover=False) as ws:
        ws.users.add(CARL)
        ws.users.add(DORA)
    with heron.open(root, user=CARL, discover=False) as ws:
        made(ws)
    assert not is_allowed(root, DORA, CELLS[noun, verb])
    assert is_allowed(root, CARL, CELLS[noun, verb])


@pytest.mark.slow
@pytest.mark.parametrize(("noun", "verb"), OWN)
def test_what_has_no_roles_is_its_creators_and_the_admins(lake, noun, verb):
    with heron.open(lake, user=CARL, discover=False) as ws:
        ws.collections.create("Best")
        ws.presets.create("wide", heron.Query(where="width > 50"))
        ws.imports._start("own", None, {})
        ws.users.create_token(CARL, name="laptop")
    with heron.open(lake, discover=False) as ws:
        ws.users.add("eve@example.org", role="admin")
    catalogue = lake / ".heron" / "catalog.db"
    before = catalogue.read_bytes()
    for user, may in ((DORA, False), (CARL, True), ("eve@example.org", True)):
        assert answered(lake, user, OWN[noun, verb]) == may, user
        catalogue.write_bytes(before)


def answered(root, user, call):
    """Whether a call of a user is allowed; of an empty list there is no first thing."""
    try:
        return is_allowed(root, user, call)
    except IndexError:
        return False


@pytest.mark.slow
def test_a_role_on_a_project_allows_the_same_on_its_collections(lake):
    with heron.open(lake, discover=False) as ws, heron.open(lake, user=CARL, discover=False) as carl:
        for role, verbs in ROLES["project"].items():
            ws.roles.grant(role, user=CARL, project="Survey")
            for verb, needed in IN_PROJECT.items():
                if ws.collections.find("Best") is None:
                    ws.collections.create("Best", project="Survey")
                try:
                    OWN["collection", verb](carl)
                    may = True
                except heron.PermissionDenied:
                    may = False
                assert may == (needed in verbs), (role, verb)


@pytest.mark.slow
def test_members_may_change_vectors_and_not_delete_those_of_a_key(lake):
    with heron.open(lake, discover=False) as ws:
        ws.schema.add_embedding("look", 2)
        ws.vectors.add("look", ["Road.mp4"], [[1, 2]])
    for (noun, verb), call in VECTORS.items():
        assert is_allowed(lake, CARL, call) == (verb in MEMBERS[noun]), verb


@pytest.mark.slow
@pytest.mark.parametrize(("noun", "verb"), WHOLE)
def test_members_may_do_in_the_workspace_what_the_table_says(lake, noun, verb):
    assert is_allowed(lake, CARL, WHOLE[noun, verb]) == (verb in MEMBERS.get(noun, ()))


@pytest.mark.slow
@pytest.mark.parametrize(("noun", "verb"), [*CELLS, *WHOLE])
def test_an_admin_may_do_everything(lake, noun, verb):
    with heron.open(lake, discover=False) as ws:
        ws.users.update(CARL, role="admin")
    assert is_allowed(lake, CARL, {**CELLS, **WHOLE}[noun, verb])


def test_the_right_of_each_public_verb_is_the_one_that_it_asks_for(workspace):
    public = set(public_verbs(workspace))
    asked = {verb.replace(".__call__", ""): right for verb, (_, right) in WRITES.items() if verb in public}
    assert set(asked) == set(RIGHT_OF)
    for verb, (right, noun) in RIGHT_OF.items():
        assert asked[verb].replace("the ", "").startswith(f"{right} {noun}"), verb


def test_a_role_on_a_dataset_or_its_project_shows_its_items_and_no_others(lake):
    with heron.open(lake, discover=False) as own, heron.open(lake, user=CARL, discover=False) as carl:
        assert carl.items.list() == []
        own.roles.grant("user", group="Outer", dataset="train")
        assert [row.item.name for row in carl.datasets.rows("train")] == ["Road.mp4"]
        assert (
            [item.name for item in carl.search()] == ["Road.mp4"] == [each.name for each in carl.items.list()]
        )
        assert carl.search.count() == 1 and carl.folders.list() == []
        with pytest.raises(heron.PermissionDenied):
            carl.items.rename("Road.mp4", "mine.mp4")
        own.roles.revoke(group="Outer", dataset="train")
        assert carl.items.list() == [] == carl.datasets.list()
        own.projects.add("Survey", datasets="train")
        own.roles.grant("annotator", user=CARL, project="Survey")
        assert [item.name for item in carl.items.list()] == ["Road.mp4"]
        own.groups.create("Later", users=CARL)
        own.roles.revoke(user=CARL, project="Survey")
        assert carl.items.list() == []


def test_nobody_keeps_items_by_a_dataset_of_their_own(lake):
    with heron.open(lake, discover=False) as own, heron.open(lake, user=CARL, discover=False) as carl:
        own.roles.grant("user", user=CARL, folder="Road")
        carl.datasets.create("mine", items=carl.items.list())
        carl.roles.grant("user", user=CARL, dataset="mine")
        assert carl.datasets.get("mine").row_count == 2
        own.roles.revoke(user=CARL, folder="Road")
        assert carl.items.list() == [] and carl.datasets.get("mine").row_count == 0
        assert list(carl.datasets.rows("mine")) == []


def test_a_folder_below_a_hidden_one_is_at_the_top(lake):
    with heron.open(lake, discover=False) as own:
        own.roles.grant("user", user=CARL, folder="Road/Deep")
    with heron.open(lake, user=CARL, discover=False) as carl:
        for found in (carl.folders.list(), carl.folders.list(recursive=False)):
            assert [folder.path for folder in found] == ["Road/Deep"]
        assert carl.folders.list("Road/Deep", recursive=False) == []
        with pytest.raises(heron.NotFound):
            carl.folders.get("Road")
    with heron.open(lake, discover=False) as own:
        assert [folder.path for folder in own.folders.list(recursive=False)] == ["Road"]


@pytest.mark.slow
def test_columns_answer_members_as_sqlite_does(tmp_path, monkeypatch):
    pytest.importorskip("polars")
    monkeypatch.setattr("heron.catalog.columns.kept.MANY", 1)
    facts = heron.MediaFacts("image", "image/png", 64, 48)
    with heron.open(tmp_path, discover=False) as own:
        own.users.add(CARL)
        own.schema.set_from_dict({"n": "number", "odd": "boolean"})
        for number in range(600):
            new = heron.NewItem(f"s3://lake/{number}", facts, metadata={"n": number, "odd": number % 2 == 1})
            own.registration.register([new], f"F{number % 6}/In")
        own.datasets.create("some", items=own.search(where="n < 30 or n > 590"))
        own.columns.rebuild()
        own.registration.register([heron.NewItem("s3://lake/late", facts, metadata={"n": 7})], "F1/In")
        with heron.open(tmp_path, user=CARL, discover=False) as carl:
            for change in (
                lambda: own.roles.grant("user", user=CARL, folder="F1"),
                lambda: own.roles.grant("user", user=CARL, folder="F4/In"),
                lambda: own.roles.grant("user", user=CARL, dataset="some"),
                lambda: own.items.move(own.items.list(folder="F0", limit=20), "F1"),
                lambda: own.roles.revoke(user=CARL, folder="F1"),
                lambda: own.roles.revoke(user=CARL, dataset="some"),
            ):
                change()
                assert carl.search.explain(where="n > 3").engine == "columns"
                for where in ("n > 100", "n < 200 and odd = true", "in_folder('F1')", "n is null or n = 7"):
                    seen = {item.uuid for item in carl.items.list()}
                    expected = {item.uuid for item in own.search.all(where=where)} & seen
                    try:
                        found = {item.uuid for item in carl.search.all(where=where)}
                    except heron.NotFound:  # the folder of the condition, which Carl does not see
                        continue
                    assert found == expected, where
                    if found:
                        assert carl.search.count(where=where) == len(expected)
                        assert len(carl.search(where=where, sort="-n", limit=9)) == min(9, len(expected))


@pytest.mark.parametrize("changes", [False, True])
def test_columns_answer_members_after_items_are_gone(tmp_path, monkeypatch, changes):
    pytest.importorskip("polars")
    monkeypatch.setattr("heron.catalog.columns.kept.MANY", 1)
    facts = heron.MediaFacts("image", "image/png", 64, 48)
    with heron.open(tmp_path, discover=False) as own:
        own.users.add(CARL)
        for folder in ("Seen", "Hidden"):
            items = [heron.NewItem(f"s3://lake/{folder}/{number}", facts) for number in range(10)]
            own.registration.register(items, folder)
        own.roles.grant("user", user=CARL, folder="Seen")
        own.columns.rebuild()
        own.items.delete(list(own.search(folder="Seen", limit=3)))
        if changes:
            own.metadata.merge_all(list(own.search(limit=2)), {"a": 1})
        own.columns._items._refresh()
        with heron.open(tmp_path, user=CARL, discover=False) as carl:
            assert carl.search.explain(where="width = 64").engine == "columns"
            assert carl.search.count(where="width = 64") == 7
