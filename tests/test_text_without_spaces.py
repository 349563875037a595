"""Words inside texts of scripts that put no spaces between them, and of scripts whose vowels are marks."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

import heron
from heron.catalog.foreign import json_path
from heron.catalog.full_text import dropping, older_statements
from heron.catalog.migrations import full_text_signs, migrations
from tests.toy_vectors import register

STORIES = [
    "東京の夜、雨が降る",
    "京東の朝",
    "在北京的街道上有一辆红色公共汽车",
    "ฉันไม่ชอบกาแฟ",
    "ฉันไม้ชอบกาแฟ",
    "हिन्दी में लिखा",
    "हनद में लिखा",
    "iPhone手机 on a table",
    "ｶﾒﾗ and カメラ",
    "a red bus in the rain",
    "Café crème, 𠮷野家",
]


@pytest.fixture
def lake(workspace):
    workspace.schema.add("story", "text")
    items = register(workspace, len(STORIES))
    workspace.metadata.merge((item, {"story": story}) for item, story in zip(items, STORIES, strict=True))
    return workspace


def found(lake, words):
    by = {"item_words": {item.metadata["story"] for item in lake.search(words=words)}}
    by["match"] = {item.metadata["story"] for item in lake.search(where=f"match(story, '{words}')")}
    assert by["item_words"] == by["match"]
    return by["match"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("東京", {0}),
        ("京東", {1}),
        ("京", {0, 1, 2}),
        ("夜 雨", {0}),
        ("雨 夜", {0}),
        ('"夜 雨"', {0}),
        ("公共汽车", {2}),
        ("公共*", {2}),
        ("汽公", set()),
        ("ไม่", {3}),
        ("ไม้", {4}),
        ("กาแฟ", {3, 4}),
        ("हिन्दी", {5}),
        ("हनद", {6}),
        ("手机 table", {7}),
        ("iphone手机", {7}),
        ("ｶﾒﾗ", {8}),
        ("メラ", {8}),
        ("red bus", {9}),
        ('"bus red"', set()),
        ("rai*", {9}),
        ("cafe creme", {10}),
        ("𠮷", {10}),
    ],
)
def test_words_inside_of_sentences_are_found(lake, words, expected):
    assert found(lake, words) == {STORIES[number] for number in expected}


def test_the_index_follows_what_becomes_of_a_text(lake):
    [item] = lake.search(words="東京")
    lake.metadata.merge([(item, {"story": "大阪の朝"})])
    assert not found(lake, "東京")
    assert found(lake, "大阪") == {"大阪の朝"}
    lake.items.delete(item)
    assert not found(lake, "大阪")
    table = lake.schema._full_text_table("story")
    lake._database.execute(
        f"INSERT INTO {table}({table}, rank) VALUES ('integrity-check', 1)"
    )  # or it raises


def test_facets_count_signs_as_words(lake):
    [facet] = lake.facets("story", where="match(story, '京')")
    assert {bucket.value: bucket.count for bucket in facet.buckets}["京"] == 3


def test_an_older_index_is_made_again_and_one_that_cannot_be_written_answers_as_before(lake, monkeypatch):
    table, file = lake.schema._full_text_table("story"), lake._database.path
    lake.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as plain:
        for statement in (*dropping(table), *older_statements(table, json_path("story"))):
            plain.execute(statement)
        plain.execute("DELETE FROM _sqlite_migrations WHERE name = 'full_text_signs'")
    known = [made for made in migrations.functions if made is not full_text_signs]
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "functions", known)
        older = heron.open(lake.root, discover=False)
    with older:
        assert found(older, "東京") == set()
        assert found(older, "東京の夜") == {STORIES[0]}
        assert found(older, "red bus") == {STORIES[9]}
    with heron.open(lake.root, discover=False) as newer:
        assert found(newer, "東京") == {STORIES[0]}
        newer.metadata.merge([(newer.search(words="東京")[0], {"story": "大阪の朝"})])
        assert found(newer, "大阪") == {"大阪の朝"}
