"""What a member may do is told before it is refused: in the workspace as a whole, and to each record."""

from __future__ import annotations

import pytest

import heron


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A lake with two folders, of which a member may change one, read the other, and see no third; UUIDs by path."""
    root = tmp_path_factory.mktemp("allowed")
    with heron.open(root, discover=False) as workspace:
        for path in ("Mine", "Shown", "Hidden"):
            workspace.folders.create(path)
        workspace.users.add("ada@example.org")
        workspace.roles.grant("admin", user="ada@example.org", folder="Mine")
        workspace.roles.grant("user", user="ada@example.org", folder="Shown")
        workspace.collections.create("Of the owner")
        return root, {folder.path: folder.uuid for folder in workspace.folders.list()}


def test_a_member_is_told_their_verbs_and_nothing_of_what_they_do_not_see(places):
    root, uuids = places
    with heron.open(root, discover=False, user="ada@example.org") as workspace:
        allowed = workspace.roles.allowed("folder", list(uuids.values()))
        assert allowed == {
            uuids["Mine"]: ("read", "update", "delete", "share"),
            uuids["Shown"]: ("read",),
        }
        whole = workspace.roles.allowed()
        assert (whole["collection"], whole["schema"]) == (("create",), ("read",))
        mine = workspace.collections.create("Of Ada")
        assert "delete" in workspace.roles.allowed("collection", [mine.uuid])[mine.uuid]


def test_the_owner_may_do_everything(places):
    root, uuids = places
    with heron.open(root, discover=False) as workspace:
        assert "delete" in workspace.roles.allowed("folder", [uuids["Hidden"]])[uuids["Hidden"]]
        assert "update" in workspace.roles.allowed()["schema"]


def test_a_noun_without_records_is_refused(places):
    with (
        heron.open(places[0], discover=False) as workspace,
        pytest.raises(heron.InvalidInput, match="is no noun of records"),
    ):
        workspace.roles.allowed("schema", ["x"])
