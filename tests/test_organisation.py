"""Users, groups, roles, project tags and the log: their rules, what is refused, and that nothing is changed then."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

import heron
from heron.catalog.migrations import imagine
from heron.catalog.organisation.emails import canonical_email
from heron.catalog.rights import ROLES
from tests.test_access import state

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"


@pytest.fixture
def team(workspace):
    """Three users, of whom Ada is an admin, and one thing of each noun that has roles."""
    workspace.users.add(ADA, role="admin")
    workspace.users.add(BOB)
    workspace.users.add(EVE, member_type="external")
    workspace.folders.create("Road/2026")
    workspace.folders.create("Sea")
    workspace.datasets.create("train")
    workspace.integrations.create("lab", "local")
    workspace.tags.create("urgent")
    workspace.tags.create("small")
    workspace.projects.create("Survey", datasets="train", tags=["urgent", "small"])
    workspace.projects.create("Other", tags="urgent")
    return workspace


def as_user(workspace, email):
    return heron.open(workspace.root, user=email, discover=False)


# Users


def test_a_new_workspace_has_its_owner_as_only_user(workspace):
    assert [(user.email, user.role, user.member_type) for user in workspace.users.list()] == [
        ("owner", "owner", "internal")
    ]


def test_users_are_added_found_changed_and_removed(team):
    added = team.users.get(EVE)
    assert (added.role, added.member_type) == ("member", "external")
    assert team.users.get(added.uuid) == team.users.get("EVE@Example.org ") == added
    assert team.users.update(EVE, member_type="workforce").member_type == "workforce"
    assert team.users.update(BOB, role="admin").role == "admin"
    team.users.remove(EVE)
    assert team.users.find(EVE) is None
    assert [user.email for user in team.users.list()] == [ADA, BOB, "owner"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda w: w.users.add("Ada@EXAMPLE.org"), "ada@example.org is a user already"),
        (lambda w: w.users.add("\uff41da@example.org"), "ada@example.org is a user already"),
        (lambda w: w.users.add("nobody"), "is not an e-mail address"),
        (lambda w: w.users.add("a b@example.org"), "is not an e-mail address"),
        (lambda w: w.users.add("a@b@c"), "is not an e-mail address"),
        (lambda w: w.users.add("a\x00@example.org"), "is not an e-mail address"),
        (lambda w: w.users.add(""), "is not an e-mail address"),
        (lambda w: w.users.add(f"{'a' * 300}@example.org"), "is not an e-mail address"),
        (lambda w: w.users.add("x@example.org", role="admin", member_type="external"), "only internal users"),
        (lambda w: w.users.add("x@example.org", role="king"), "'king' is not a role"),
        (lambda w: w.users.add("x@example.org", member_type="robot"), "'robot' is not a member type"),
        (lambda w: w.users.update(EVE, role="admin"), "only internal users can be admin"),
        (lambda w: w.users.update(ADA, member_type="workforce"), "only internal users can be admin"),
        (lambda w: w.users.remove("nobody@example.org"), "there is no user"),
        (lambda w: w.groups.create("G", users="nobody@example.org"), "there is no user"),
        (lambda w: w.tags.create("urgent"), "there is a tag 'urgent' already"),
        (lambda w: w.tags.rename("urgent", "small"), "there is a tag 'small' already"),
        (lambda w: w.projects.create("Survey"), "there is a project 'Survey' already"),
        (lambda w: w.projects.create("New", datasets="nothing"), "there is no dataset 'nothing'"),
        (lambda w: w.projects.create("New", tags="nothing"), "there is no tag 'nothing'"),
        (lambda w: w.projects.update("Survey", title="Other"), "there is a project 'Other' already"),
        (lambda w: w.projects.update("Survey", status="lost"), "'lost' is not a status"),
        (lambda w: w.roles.grant("king", user=BOB, folder="Sea"), "'king' is not a role on a folder"),
        (lambda w: w.roles.grant("viewer", user=BOB, dataset="train"), "'viewer' is not a role on a dataset"),
        (lambda w: w.roles.grant("user", user=BOB), "a role is on one resource"),
        (
            lambda w: w.roles.grant("user", user=BOB, folder="Sea", dataset="train"),
            "a role is on one resource",
        ),
        (lambda w: w.roles.grant("user", folder="Sea"), "a role is for one user, or for one group"),
        (
            lambda w: w.roles.revoke(user=BOB, folder="Sea"),
            "bob@example.org was given no role on folder 'Sea'",
        ),
        (lambda w: w.log.list(since="yesterday"), "is not a time"),
        (lambda w: w.log.list(limit=0), "limit is 0"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(team, call, words):
    before = state(team)
    with pytest.raises(heron.HeronError, match=words) as refusal:
        call(team)
    assert len(str(refusal.value).splitlines()) == 1
    assert state(team) == before


def test_the_last_admin_stays(workspace):
    workspace.users.add(BOB)
    before = state(workspace)
    for call in (
        lambda: workspace.users.remove("owner"),
        lambda: workspace.users.update("owner", role="member"),
    ):
        with pytest.raises(heron.InvalidInput, match="owner is the last admin and cannot"):
            call()
    assert state(workspace) == before


def test_the_next_admin_is_the_owner_when_the_owner_goes(team):
    team.users.remove("owner")
    with pytest.raises(heron.PermissionDenied, match="owner may not create users"):
        team.users.add("new@example.org")  # this process is still the old owner, who is not a user any more
    with heron.open(team.root, discover=False) as own:
        assert (own.user.email, own.user.role) == (ADA, "owner")
        with pytest.raises(heron.InvalidInput, match="last admin"):
            own.users.update(ADA, role="member")
        own.users.update(BOB, role="admin")
        assert own.users.update(ADA, role="member").role == "member"
    with heron.open(team.root, discover=False) as own:
        assert own.user.email == BOB


def test_a_removed_user_cannot_go_on(team):
    with as_user(team, BOB) as bob:
        bob.folders.create("Bob")
        team.users.remove(BOB)
        assert bob.folders.list() == []
        with pytest.raises(heron.PermissionDenied, match="may not create users"):
            bob.users.add("more@example.org")
    with pytest.raises(heron.PermissionDenied, match="is not a user of this workspace"):
        as_user(team, BOB)


@pytest.mark.parametrize(
    "given",
    [
        "Straße@Example.ORG",
        " a@b.c\n",
        "É@example.org",
        "e\u0301@example.org",
        "a@xn--bcher-kva.example",
        "a@xn--\u00e9.example",
    ],
)
def test_an_address_has_one_spelling(given):
    assert canonical_email(canonical_email(given)) == canonical_email(given.strip().swapcase())


# Groups


def test_groups_contain_users_and_groups(team):
    team.groups.create("Readers", users=[BOB, EVE])
    made = team.groups.create("All", description="everybody", users=ADA, groups="Readers")
    assert (made.users, made.groups, made.description) == ((ADA,), ("Readers",), "everybody")
    assert team.groups.add("All", users=[ADA, BOB]) == heron.Added(1, 1)
    assert team.groups.remove("All", users=[BOB, EVE], groups="Readers") == 1 + 1
    assert team.groups.update("All", name="Staff").name == "Staff"
    team.groups.delete("Readers")
    assert [group.name for group in team.groups.list()] == ["Staff"]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_group_cannot_contain_itself_by_way_of_others(workspace, length):
    for number in range(length):
        workspace.groups.create(f"G{number}", groups=[f"G{number - 1}"] if number else [])
    before = state(workspace)
    with pytest.raises(heron.InvalidInput, match="would contain itself"):
        workspace.groups.add("G0", groups=f"G{length - 1}")
    assert state(workspace) == before


# Roles


def test_a_role_is_given_replaced_listed_and_taken(team):
    team.groups.create("Crew", users=BOB)
    team.roles.grant("user", user=BOB, folder="Road")
    given = team.roles.grant("admin", user="BOB@example.org", folder=team.folders.get("Road"))
    assert (given.role, given.noun, given.resource, given.user) == ("admin", "folder", "Road", BOB)
    team.roles.grant("user", group="Crew", dataset="train")
    team.roles.grant("user", group="Crew", integration="lab")
    team.roles.grant("annotator", group="Crew", project="Survey")
    assert [(each.noun, each.role) for each in team.roles.list(group="Crew")] == [
        ("dataset", "user"), ("integration", "user"), ("project", "annotator"),
    ]  # fmt: skip
    assert len(team.roles.list()) == 4 and len(team.roles.list(limit=2)) == 2
    assert team.roles.revoke(user=BOB, folder="Road").role == "admin"
    assert team.roles.list(user=BOB) == [] == team.roles.list(folder="Road")


def test_roles_go_with_what_they_are_on_and_with_who_has_them(team):
    team.groups.create("Crew", users=BOB)
    folder = team.folders.get("Road")
    team.roles.grant("user", user=BOB, folder=folder)
    team.roles.grant("user", group="Crew", folder="Sea")
    team.roles.grant("user", user=EVE, dataset="train")
    team.folders.delete("Road"), team.groups.delete("Crew"), team.users.remove(EVE)
    assert team.roles.list() == []
    with pytest.raises(heron.NotFound, match="there is no folder 'Road'"):
        team.roles.grant("user", user=BOB, folder=folder)


def test_who_may_share_a_resource_gives_roles_on_it(team):
    team.roles.grant("admin", user=BOB, folder="Road")
    team.roles.grant("team_manager", user=BOB, project="Survey")
    with as_user(team, BOB) as bob:
        assert bob.roles.grant("user", user=ADA, folder="Road/2026").granted_by == BOB
        assert bob.roles.grant("annotator", user=ADA, project="Survey").role == "annotator"
        with pytest.raises(heron.PermissionDenied, match="may not share the role admin of project 'Survey'"):
            bob.roles.grant("admin", user=BOB, project="Survey")
        with pytest.raises(heron.NotFound):
            bob.roles.grant("user", user=BOB, folder="Sea")
        assert {each.resource for each in bob.roles.list()} == {"Road", "Road/2026", "Survey"}
    team.roles.grant("user", user=BOB, folder="Road")
    with (
        as_user(team, BOB) as bob,
        pytest.raises(heron.PermissionDenied, match="may not share folder 'Road/2026'"),
    ):
        bob.roles.revoke(user=ADA, folder="Road/2026")


WRITER = """
import heron, sys
root, mine, other = sys.argv[1:]
with heron.open(root, discover=False) as workspace:
    for turn in range(6):
        for number in range(5):
            workspace.roles.grant("user", user=mine, folder=f"F{number}")
            workspace.roles.grant("admin", user=other, folder=f"F{number}")
        if turn < 5:
            for number in range(5):
                workspace.roles.revoke(user=mine, folder=f"F{number}")
"""


@pytest.mark.slow
def test_two_processes_that_grant_and_revoke_lose_nothing(team):
    for number in range(5):
        team.folders.create(f"F{number}")
    team.users.add("carl@example.org")
    command = [sys.executable, "-c", WRITER, team.root]
    processes = [subprocess.Popen([*command, user, "carl@example.org"]) for user in (BOB, EVE)]
    assert [process.wait() for process in processes] == [0, 0]
    given = {(each.user, each.resource): each.role for each in team.roles.list()}
    assert given == {
        **{(user, f"F{number}"): "user" for user in (BOB, EVE) for number in range(5)},
        **{("carl@example.org", f"F{number}"): "admin" for number in range(5)},
    }
    assert len(team.log.list(verb="roles")) == 2 * (6 * 10 + 5 * 5)


# Projects and tags


def test_projects_are_listed_by_all_of_the_tags(team):
    assert [project.title for project in team.projects.list()] == ["Other", "Survey"]
    assert [project.title for project in team.projects.list(tags=["urgent", "small"])] == ["Survey"]
    assert [tag.project_count for tag in team.tags.list()] == [1, 2]
    assert team.tags.delete("urgent") == 2
    assert team.projects.get("Survey").tags == ("small",)
    assert team.projects.remove("Survey", tags="small", datasets="train") == 2
    assert team.projects.add("Survey", datasets="train").datasets == ("train",)


def test_an_archived_project_is_listed_when_asked_for(team):
    assert team.projects.update("Other", archived=True, status="completed").archived_at is not None
    assert [project.title for project in team.projects.list()] == ["Survey"]
    assert len(team.projects.list(archived=True)) == 2
    assert team.projects.update("Other", archived=False).archived_at is None


def test_members_see_projects_that_they_made_or_were_given_a_role_on(team):
    with as_user(team, BOB) as bob:
        assert bob.projects.list() == []
        bob.projects.create("Mine", tags="small")
        assert [tag.project_count for tag in bob.tags.list()] == [1, 0]
        with pytest.raises(heron.PermissionDenied, match="may not create tags"):
            bob.tags.create("own")
        team.roles.grant("viewer", user=BOB, project="Survey")
        assert [project.title for project in bob.projects.list()] == ["Mine", "Survey"]
        with pytest.raises(heron.PermissionDenied, match="may not update project 'Survey'"):
            bob.projects.update("Survey", status="completed")


def test_users_who_are_not_internal_see_themselves_alone(team):
    team.groups.create("Crew", users=[EVE, BOB])
    team.groups.create("Staff", users=ADA)
    with as_user(team, EVE) as eve:
        assert [user.email for user in eve.users.list()] == [EVE]
        assert [(group.name, group.users) for group in eve.groups.list()] == [("Crew", (EVE,))]
        assert eve.tags.list() == []
        with pytest.raises(heron.NotFound, match="there is no user") as refusal:
            eve.users.get("adam@example.org")
        assert ADA not in str(refusal.value)
    with as_user(team, BOB) as bob:
        assert len(bob.users.list()) == 4 and len(bob.groups.list()) == 2 == len(bob.tags.list())


def test_the_roles_of_a_noun_are_those_of_the_table(team):
    for noun, roles in ROLES.items():
        for role in roles:
            names = {"folder": "Sea", "dataset": "train", "integration": "lab", "project": "Survey"}
            assert team.roles.grant(role, user=BOB, **{noun: names[noun]}).role == role


# Catalogues of before


def before_organisation(root):
    """Make a catalogue what it was before there were users."""
    with closing(sqlite3.connect(root / ".heron" / "catalog.db")) as plain:
        for table in (
            "roles", "group_members", "user_groups", "project_datasets", "tagged_projects", "project_tags", "projects",
            "log", "users",
        ):  # fmt: skip
            plain.execute(f"DROP TABLE {table}")
        plain.execute("DROP INDEX folders_creator")
        plain.execute("DELETE FROM _sqlite_migrations WHERE name = 'organisation'")
        plain.commit()


def test_an_older_catalogue_gets_an_owner(tmp_path):
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.folders.create("A")
    before_organisation(tmp_path / "lake")
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        assert workspace.user == heron.User("owner", "owner")
        assert [folder.path for folder in workspace.folders.list()] == ["A"]
        assert workspace.users.add(ADA).role == "member"
    catalogue = tmp_path / "copy" / ".heron" / "catalog.db"
    with closing(sqlite3.connect(f"{catalogue.as_uri()}?mode=ro", uri=True)) as plain:
        imagine(plain, {"organisation"})
        assert plain.execute("SELECT email, is_owner FROM users").fetchall() == [("owner", 1)]
        for table in ("roles", "log", "projects", "user_groups"):
            assert plain.execute(f"SELECT * FROM {table}").fetchall() == []
