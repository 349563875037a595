"""What an organisation refuses: the last admin that goes, one address in two spellings, roles on what is gone; also of two processes at once."""

from __future__ import annotations

import threading

import pytest

import heron
from tests.test_access import state

ADA, BOB = "ada@example.org", "bob@example.org"


@pytest.fixture
def admins(workspace):
    """Two admins, and no owner besides."""
    workspace.users.add(ADA, role="admin")
    workspace.users.add(BOB, role="admin")
    workspace.users.remove("owner")
    return workspace.root


def at_once(root, *calls):
    """Run each call as its user at the same time; returns what each said, None where it was done."""
    barrier, said = threading.Barrier(len(calls)), [None] * len(calls)

    def act(place, user, call):
        with heron.open(root, user=user, discover=False) as ws:
            barrier.wait()
            try:
                call(ws)
            except heron.HeronError as error:
                said[place] = error

    threads = [threading.Thread(target=act, args=(place, *given)) for place, given in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


@pytest.mark.parametrize(
    "goes",
    [lambda ws, who: ws.users.remove(who), lambda ws, who: ws.users.update(who, role="member")],
    ids=["removed", "demoted"],
)
@pytest.mark.parametrize("whom", ["other", "oneself"])
def test_of_two_admins_who_go_at_once_one_stays(admins, goes, whom):
    pairs = [(ADA, BOB), (BOB, ADA)] if whom == "other" else [(ADA, ADA), (BOB, BOB)]
    said = at_once(admins, *((user, lambda ws, who=who: goes(ws, who)) for user, who in pairs))
    refused = [error for error in said if error is not None]
    assert len(refused) == 1
    assert whom == "other" or "is the last admin" in refused[0].message
    with heron.open(admins, discover=False) as ws:
        assert [user.role for user in ws.users.list() if user.role != "member"] == ["owner"]


def test_two_groups_that_take_each_other_at_once_do_not_contain_themselves(workspace):
    workspace.groups.create("A")
    workspace.groups.create("B")
    said = at_once(
        workspace.root,
        (None, lambda ws: ws.groups.add("A", groups="B")),
        (None, lambda ws: ws.groups.add("B", groups="A")),
    )
    (refused,) = [error for error in said if error is not None]
    assert "would contain itself" in refused.message
    assert sorted(len(group.groups) for group in workspace.groups.list()) == [0, 1]


@pytest.mark.parametrize(
    "other",
    [
        "ada@xn--bcher-kva.example",
        "ADA@XN--BCHER-KVA.example",
        "ada@bu\u0308cher.example",
        "ada@B\u00dcCHER\u3002example",
        "ada@b\u00fccher\uff0eexample",
        " \uff21da@b\u00fccher.example ",
    ],
)
def test_an_address_of_an_international_domain_is_one_user(workspace, other):
    workspace.users.add("ada@b\u00fccher.example")
    before = state(workspace)
    with pytest.raises(heron.AlreadyExists, match="is a user already"):
        workspace.users.add(other)
    assert state(workspace) == before
    assert workspace.users.get(other).email == "ada@b\u00fccher.example"
    assert workspace.open_as(other).user.email == "ada@b\u00fccher.example"


@pytest.mark.parametrize("hidden", ["b@c", "b c", "b\u200bc", "b<c"])
def test_a_domain_whose_letters_hide_another_sign_is_refused(workspace, hidden):
    before = state(workspace)
    with pytest.raises(heron.InvalidInput, match="is not an e-mail address"):
        workspace.users.add(f"ada@xn--{hidden.encode('punycode').decode()}.example")
    assert state(workspace) == before


ANEW = {
    "folder": (lambda w: w.folders.create("Thing"), lambda w: w.folders.delete("Thing")),
    "dataset": (lambda w: w.datasets.create("Thing"), lambda w: w.datasets.delete("Thing")),
    "integration": (
        lambda w: w.integrations.create("Thing", "local"),
        lambda w: w.integrations.delete("Thing"),
    ),
    "project": (lambda w: w.projects.create("Thing"), lambda w: w.projects.delete("Thing")),
}


@pytest.mark.parametrize("noun", ANEW)
def test_what_is_made_anew_with_the_name_of_what_was_deleted_has_none_of_its_roles(workspace, noun):
    make, delete = ANEW[noun]
    workspace.users.add(BOB)
    workspace.groups.create("Crew", users=BOB)
    old = make(workspace)
    role = "viewer" if noun == "project" else "user"
    bob = workspace.open_as(BOB)
    service = getattr(bob, f"{noun}s")
    for whom in ({"user": BOB}, {"group": "Crew"}):
        workspace.roles.grant(role, **whom, **{noun: "Thing"})
    assert service.find("Thing") is not None
    delete(workspace)
    new = make(workspace)
    assert new.uuid != old.uuid
    assert workspace.roles.list() == [] and service.find("Thing") is None
    before = state(workspace)
    with pytest.raises(heron.NotFound):  # a record of what was deleted does not mean what is called so now
        workspace.roles.grant(role, user=BOB, **{noun: old})
    with pytest.raises(heron.NotFound, match="was given no role"):
        workspace.roles.revoke(user=BOB, **{noun: "Thing"})
    assert state(workspace) == before


def test_a_group_that_is_made_anew_gives_nobody_the_roles_of_the_old_one(workspace):
    workspace.users.add(BOB)
    workspace.folders.create("Road")
    workspace.groups.create("Crew", users=BOB)
    workspace.roles.grant("user", group="Crew", folder="Road")
    workspace.groups.delete("Crew")
    workspace.groups.create("Crew", users=BOB)
    assert workspace.open_as(BOB).folders.list() == []


def test_a_tag_that_projects_have_is_taken_off_all_of_them_and_off_archived_ones(workspace):
    workspace.tags.create("urgent")
    workspace.tags.create("small")
    workspace.projects.create("Now", tags=["urgent", "small"])
    workspace.projects.create("Then", tags="urgent")
    workspace.projects.update("Then", archived=True)
    assert workspace.tags.get("urgent").project_count == 2
    workspace.tags.rename("urgent", "soon")
    assert workspace.projects.get("Then").tags == ("soon",)
    assert workspace.tags.delete("soon") == 2
    assert [project.tags for project in workspace.projects.list(archived=True)] == [("small",), ()]
