"""What a user may see is found once for each state of the catalogue, and never taken from another state."""

from __future__ import annotations

import pytest

import heron
from heron.catalog.standing import one_of

ADA = "ada@example.org"
FACTS = heron.MediaFacts("image", "image/png", 4, 4)


@pytest.fixture
def lake(tmp_path):
    """A lake with two folders, of which Ada sees one by way of a group."""
    with heron.open(tmp_path, discover=False) as ws:
        for place in ("Seen", "Unseen"):
            ws.registration.register(
                [heron.NewItem(f"s3://lake/{place}/{n}.png", FACTS) for n in range(3)], place
            )
        ws.users.add(ADA)
        ws.groups.create("team", users=ADA)
        ws.roles.grant("user", group="team", folder="Seen")
    return tmp_path


@pytest.fixture
def both(lake):
    """The lake, opened by its owner and by Ada."""
    with heron.open(lake, discover=False) as own, heron.open(lake, user=ADA, discover=False) as ada:
        yield own, ada


def test_the_standing_is_read_once_while_nothing_is_written(both):
    own, ada = both
    asked = []
    ada._database.connection.set_trace_callback(
        lambda sql: asked.append(sql) if "FROM users WHERE email" in sql else None
    )
    for _ in range(5):
        assert ada.items.count() == 3 and ada.search.count() == 3
    assert len(asked) == 1
    own.collections.create("Any")
    assert ada.items.count() == 3
    assert len(asked) == 2


CHANGES = {
    "revoke": lambda ws: ws.roles.revoke(group="team", folder="Seen"),
    "leave the group": lambda ws: ws.groups.remove("team", users=ADA),
    "delete the group": lambda ws: ws.groups.delete("team"),
    "move the items": lambda ws: ws.items.move(ws.items.list(folder="Seen"), "Unseen"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_another_connection_takes_is_gone_in_the_next_verb(both, change):
    own, ada = both
    first = ada.items.page(limit=1)[0]
    assert ada.items.count() == ada.search.count() == 3
    CHANGES[change](own)
    assert ada.items.count() == ada.search.count() == 0
    assert ada.items.find(first.uuid) is None


def test_a_role_holds_for_folders_that_are_made_later(both):
    own, ada = both
    assert ada.items.count() == 3
    own.registration.register([heron.NewItem("s3://lake/new.png", FACTS)], "Seen/New")
    assert ada.items.count() == 4
    own.roles.grant("user", user=ADA, folder="Unseen")
    assert ada.items.count() == 7


def test_what_is_undone_is_not_kept(lake):
    with heron.open(lake, discover=False) as own:
        own.roles.grant("admin", user=ADA, folder="Seen")
    with heron.open(lake, user=ADA, discover=False) as ada:
        assert ada.items.count() == 3
        with pytest.raises(RuntimeError), ada._database.write():
            ada._database.execute("UPDATE users SET role = 'admin' WHERE email = ?", [ADA])
            assert ada.items.count() == 6
            raise RuntimeError
        assert ada.items.count() == 3


def test_a_stream_ends_where_a_role_is_taken(both, monkeypatch):
    own, ada = both
    monkeypatch.setattr("heron.catalog.items.BUNDLE", 1)
    stream = ada.items.stream()
    next(stream)
    own.roles.revoke(group="team", folder="Seen")
    assert [*stream] == []


def test_who_sees_few_items_is_answered_by_the_folders_and_names_by_names(both):
    _, ada = both
    plan = "EXPLAIN QUERY PLAN SELECT 1 FROM items WHERE {} AND name = 'a'"

    def way(scope):
        return " ".join(row["detail"] for row in ada._database.rows(plan.format(scope)))

    assert "items_name" in way(ada.access.scope("item", "items"))
    listed = ada._database.rows(f"EXPLAIN QUERY PLAN SELECT 1 FROM items WHERE {ada.access.listing()}")
    assert "items_folder" in listed[0]["detail"]


def test_many_folders_are_not_named_one_by_one(lake, monkeypatch):
    monkeypatch.setattr("heron.catalog.access.MANY", 2)
    with heron.open(lake, discover=False) as own:
        for number in range(4):
            own.registration.register([heron.NewItem(f"s3://lake/{number}.png", FACTS)], f"Seen/{number}")
            own.collections.create(f"C{number}", items=own.items.list(folder="Seen"))
    with heron.open(lake, user=ADA, discover=False) as ada:
        assert ada.items.count() == ada.search.count() == 7
        assert ada.frames.list(ada.items.page(limit=1)[0]) == []
        assert "SELECT" in ada.access.scope("item", "items")


@pytest.mark.parametrize(
    ("ids", "sql"),
    [
        ([], "0"),
        ([4], "x = 4"),
        ([4, 5, 6], "x BETWEEN 4 AND 6"),
        ([1, 3, 4], "(x = 1 OR x BETWEEN 3 AND 4)"),
        ([1, 3, 5, 7], "x IN (1,3,5,7)"),
    ],
)
def test_ids_are_written_as_ranges_if_these_are_few(ids, sql):
    assert one_of("x", ids) == sql
