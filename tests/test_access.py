"""Rights: every verb of every service asks them, and a refusal names the user, the verb and the resource."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property

import pytest

from heron.catalog.access import Access, Place
from heron.catalog.full_text import SPACED, spaced
from heron.errors import NotFound, PermissionDenied
from heron.holdings import Holdings
from heron.organisation import User
from heron.pages import Page
from heron.workspace import Workspace
from tests.every_verb import NOTES, READS, WRITES
from tests.one_of_each import SECRET, full, made, things  # noqa: F401 - fixtures

STRANGER = User("eve@example.com", "member")


@pytest.fixture
def workspace(full):
    return full


def state(workspace):
    """All that the catalogue holds, as text."""
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
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
