"""Full-text search and indexes of keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
from heron.errors import HeronError, QueryError
from tests.test_search import image, names, shop, uuid  # noqa: F401 - fixtures

# Full text

STORIES = {
    "a": "A red bus in the rain",
    "b": "The bus is red; it's raining",
    "c": "Buses AND trams, NEAR the café",
    "d": "body: 100% col*umn",
    "e": 'He said "stop" (twice) foo-bar',
}


@pytest.fixture
def stories(workspace):
    workspace.schema.add_scalar("story", "text")
    workspace.schema.add_scalar("the title", "text")
    workspace.registration.register([image(name, {"story": text}) for name, text in STORIES.items()], "F")
    return workspace


def telling(workspace, words, key="story"):
    quoted = words.replace("'", "''")
    return names(workspace.search(where=f"match({key}, '{quoted}')", sort="name"))


@pytest.mark.parametrize(
    ("words", "expected"),
    {
        "bus": "ab",
        "red bus": "ab",
        "bus red": "ab",
        '"red bus"': "a",
        '"bus red"': "",
        '"red bus" rain': "a",
        '"bus is" "red"': "b",
        "RED Bus": "ab",
        "cafe": "c",
        "CAFÉ": "c",
        "bus*": "abc",
        "rain*": "ab",
        "red rain*": "ab",
        "ra": "",
        '"rain*"': "a",
        "nothing": "",
        "red nothing": "",
        # what FTS5 would take for syntax is a word, or nothing
        "AND": "c",
        "buses AND trams": "c",
        "OR": "",
        "red OR trams": "",
        "NOT red": "",
        "NEAR": "c",
        "NEAR(red bus)": "",
        "body:": "d",
        "body:red": "",
        "story : red": "",
        "-red": "ab",
        "+red ^bus": "ab",
        "{body} : red": "",
        "(red": "ab",
        "red)": "ab",
        "red * bus": "ab",
        "** red": "ab",
        "col*umn": "d",
        "100%": "d",
        "it's": "b",
        'foo"bar': "e",
        '"foo bar': "e",
        '"foo-bar"': "e",
        "foo-ba*": "e",
        '""stop""': "e",
        '"" red': "ab",
        '"': None,
        "* - ( )": None,
        "red\nbus\t": "ab",
        "red; DROP TABLE items": "",
        "\U0001f600 red": "ab",
    }.items(),
    ids=ascii,
)
def test_words_find_stories(stories, words, expected):
    if expected is None:
        with pytest.raises(QueryError, match="no word to look for"):
            telling(stories, words)
    else:
        assert telling(stories, words) == expected


@settings(max_examples=300, deadline=None)
@given(words=st.text(st.sampled_from(list("redbus ANDOR\"*^():{}+-'é_\\,.;²ª\t\U0001f600")), max_size=20))
def test_any_words_are_harmless(tmp_path_factory, words):
    workspace = storied(tmp_path_factory)
    try:
        found = telling(workspace, words)
    except QueryError as error:
        assert "no word to look for" in error.message
    else:
        assert set(found) <= set(STORIES)


def storied(tmp_path_factory, kept=[]):  # noqa: B006 - one workspace for all examples
    if not kept:
        kept.append(heron.open(tmp_path_factory.mktemp("storied"), discover=False))
        kept[0].schema.add_scalar("story", "text")
        kept[0].registration.register([image(name, {"story": text}) for name, text in STORIES.items()], "F")
    return kept[0]


def test_full_text_combines_with_other_conditions(stories):
    where = "match(story, 'red') AND NOT match(story, 'rain') OR name = 'e'"
    assert names(stories.search(where=where, sort="-name")) == "eb"


def test_key_with_a_blank_is_searched_by_its_quoted_name(stories):
    item = stories.items.by_name("a")[0]
    stories.metadata.merge({item.uuid: {"the title": "Morning"}})
    assert telling(stories, "morning", '"the title"') == "a"
    assert telling(stories, "morning") == ""


def test_index_follows_merge(stories):
    stories.metadata.merge({uuid(stories, "a"): {"story": "A green tram"}})
    assert (telling(stories, "red"), telling(stories, "green")) == ("b", "a")
    stories.metadata.merge({uuid(stories, "a"): {"other": 1}})
    assert telling(stories, "green") == "a"
    stories.metadata.merge({uuid(stories, "a"): {"story": None}})
    assert telling(stories, "green") == ""


def test_index_follows_replace(stories):
    stories.metadata.replace({uuid(stories, "a"): {"other": 1}, uuid(stories, "c"): {"story": "red too"}})
    assert (telling(stories, "red"), telling(stories, "trams")) == ("bc", "")
    stories.metadata.replace({uuid(stories, "a"): {"story": "red again"}})
    assert telling(stories, "red") == "abc"


def test_index_keeps_what_a_refused_bundle_would_have_changed(stories):
    with pytest.raises(HeronError):
        stories.metadata.merge({uuid(stories, "a"): {"story": "green"}, uuid(stories, "b"): {"story": 5}})
    assert (telling(stories, "red"), telling(stories, "green")) == ("ab", "")


def test_index_follows_deleted_items_and_folders(stories):
    stories.items.delete([uuid(stories, "a")])
    assert telling(stories, "red") == "b"
    stories.folders.delete("F")
    assert telling(stories, "red") == ""
    stories.registration.register([image("z", {"story": "trams only"})], "G")
    assert (telling(stories, "red"), telling(stories, "trams")) == ("", "z")


def test_index_stays_through_rename_and_move(stories):
    stories.items.rename(uuid(stories, "a"), "z")
    stories.folders.create("G")
    stories.items.move([uuid(stories, "b")], "G")
    assert telling(stories, "red") == "bz"


def test_index_goes_with_its_key_and_comes_back_with_what_was_written_meanwhile(stories):
    stories.schema.delete_key("story")
    with pytest.raises(QueryError):
        telling(stories, "red")
    stories.metadata.merge({uuid(stories, "a"): {"story": "A green tram"}})
    stories.items.delete([uuid(stories, "b")])
    stories.registration.register([image("z", {"story": "Red sky"})], "F")
    stories.schema.restore_key("story")
    assert (telling(stories, "red"), telling(stories, "green")) == ("z", "a")


def test_index_takes_in_what_stood_there_before_the_key(workspace):
    workspace.registration.register([image("a", {"story": "red"}), image("b", {"story": 5})], "F")
    workspace.schema.add_scalar("story", "text")
    assert telling(workspace, "red") == "a"
    workspace.metadata.merge({uuid(workspace, "b"): {"story": "red"}})
    assert telling(workspace, "red") == "ab"


def test_index_agrees_with_the_stories_after_many_changes(stories):
    stories.metadata.merge({uuid(stories, name): {"story": text.upper()} for name, text in STORIES.items()})
    stories.schema.set_from_dict({"story": "text"})
    table = stories.schema._full_text_table("story")
    with stories._database.write():
        stories._database.execute(f"INSERT INTO {table}({table}, rank) VALUES ('integrity-check', 1)")
    assert telling(stories, "bus*") == "abc"


# Indexes


def plan_of(workspace, where):
    """How SQLite would answer, asked anew, for a connection keeps its statements with their plans."""
    plan = workspace.search.explain(where=where)
    with closing(sqlite3.connect(workspace._database.path)) as connection:
        rows = connection.execute(
            f"EXPLAIN QUERY PLAN SELECT items.id FROM items WHERE {plan.sql}", plan.parameters
        ).fetchall()
    return " ".join(detail for *_, detail in rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    ["city = 'Oslo'", "city IN ('Oslo', 'Zagreb')", "city BETWEEN 'A' AND 'B'", "city > 'S' AND width > 1"],
)
def test_index_that_a_user_asked_for_is_used(shop, where):
    before = names(shop.search(where=where))
    assert "items_metadata_" not in plan_of(shop, where)
    shop.schema.set_indexed("city")
    assert "SEARCH items USING INDEX items_metadata_" in plan_of(shop, where)
    assert names(shop.search(where=where)) == before
    shop.schema.set_indexed("city", False)
    assert "items_metadata_" not in plan_of(shop, where)


def test_index_works_for_names_with_blanks_dots_and_dashes(workspace):
    for name in ("my key", "video.height", "a-b"):
        workspace.schema.add_scalar(name, "number")
        workspace.schema.set_indexed(name)
        assert "USING INDEX items_metadata_" in plan_of(workspace, f'"{name}" = 3')


def test_uuid_keys_are_indexed_from_the_start(workspace):
    workspace.schema.add_scalar("ref", "uuid")
    assert "USING INDEX items_metadata_" in plan_of(workspace, "ref = '8ad58157-ca74-4ae4-8f37-a0193430bcac'")


def test_name_is_looked_up_by_its_index(shop):
    assert "items_name" in plan_of(shop, "item.name = 'a'")


def test_index_goes_and_comes_with_its_key(shop):
    shop.schema.set_indexed("city")
    shop.schema.delete_key("city")
    assert not shop._database.rows("SELECT 1 FROM sqlite_master WHERE name LIKE 'items_metadata_%'")
    shop.schema.restore_key("city")
    assert "items_metadata_" in plan_of(shop, "city = 'Oslo'")
