"""Asking the catalogue: sorting, paging, counting, folders, presets, full text, and the indexes behind it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
from heron.errors import AlreadyExists, InvalidInput, NotFound, QueryError
from heron.models import MediaFacts, NewItem, Query


def image(name, metadata=None, *, width=None, exif=None):
    facts = MediaFacts("image", "image/png", width=width, extra={"exif": exif} if exif else {})
    return NewItem(f"file:///{name}", facts, name=name, metadata=metadata)


@pytest.fixture
def shop(workspace):
    """Six items: a and b tie in city, d has no city, and e and f lie in folders of their own."""
    schema = workspace.schema
    for name, type in {"city": "varchar", "score": "number", "my key": "number", "taken": "datetime"}.items():
        schema.add_scalar(name, type)
    schema.add_scalar("place", "geospatial")
    schema.add_embedding("clip", 1)
    rows = {
        "a": {"city": "Oslo", "score": 1, "my key": 3, "loose": "x"},
        "b": {"city": "Oslo", "score": 2, "my key": 2, "loose": "y"},
        "c": {"city": "Algiers", "score": 3, "my key": 1, "taken": "2026-01-31"},
        "d": {"score": 4},
        "e": {"city": "Zagreb", "score": 5, "taken": "2025-01-31"},
        "f": {"city": "algiers"},
    }
    folders = {"e": "Photos/Old", "f": "Clips"}
    for width, (name, metadata) in enumerate(rows.items()):
        workspace.registration.register(
            [image(name, metadata, width=width, exif={"ISO": 100 - width})], folders.get(name, "Photos")
        )
    return workspace


def names(items):
    return "".join(item.name for item in items)


def sorted_by(workspace, sort):
    return names(workspace.search(sort=sort))


# Sorting


@pytest.mark.parametrize(
    ("sort", "expected"),
    {
        "name": "abcdef",
        "-name": "fedcba",
        "city": "cabefd",  # capital letters first, as in the comparison of the language; without a city last
        "-city": "feabcd",  # nothing there stays last
        "city,-name": "cbaefd",
        "city, -name": "cbaefd",
        " city ,- name ": "cbaefd",
        "-city,-score": "febacd",
        '"city"': "cabefd",
        '-"my key"': "abcdef",
        '"my key"': "cbadef",
        "my key": "cbadef",
        'metadata."my key",name': "cbadef",
        "taken": "ecabdf",
        "-taken": "ceabdf",
        "exif.ISO": "fedcba",
        "-facts.exif.ISO": "abcdef",
        "loose": "abcdef",
        "-loose": "bacdef",
        "folder,-width": "fdcbae",
        "-item.width": "fedcba",
        "kind,-width,name": "fedcba",
        "name,name,-name": "abcdef",
        "": "abcdef",
        "  ": "abcdef",
    }.items(),
)
def test_sort_orders(shop, sort, expected):
    assert sorted_by(shop, sort) == expected


def test_items_come_in_the_order_of_their_arrival_without_a_sort(shop):
    assert names(shop.search()) == "abcdef"


def test_ties_keep_the_order_of_arrival_in_both_directions(shop):
    assert sorted_by(shop, "kind") == sorted_by(shop, "-kind") == "abcdef"


@pytest.mark.parametrize(
    ("sort", "words"),
    [
        ("citty", "did you mean city"),
        ("--city", "no field '-city'"),
        (",city", "cannot be read"),
        ("city,,name", "cannot be read"),
        ('"city', "cannot be read"),
        ("-", "no field '-'"),
        ("place", "cannot be sorted by"),
        ("-clip", "cannot be sorted by"),
        ("city DESC", "no field 'city DESC'"),
        ("1; DROP TABLE items", "no field"),
        ("random()", "no field"),
        ("\0", "no field"),
        ("\ud800", "no field"),
        ("city," * 3000 + "city", "cannot be evaluated"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_sort_that_cannot_be_understood_is_refused(shop, sort, words):
    with pytest.raises(QueryError, match=words) as refusal:
        shop.search(sort=sort)
    str(refusal.value).encode()


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.sampled_from(list('city,-"._ namewdthsoreé\0\ud800')), max_size=20))
def test_any_text_as_a_sort_gives_an_order_or_a_refusal(tmp_path_factory, text):
    workspace = sortable(tmp_path_factory)
    try:
        found = names(workspace.search(sort=text))
    except QueryError:
        return
    assert sorted(found) == ["a", "b"]


def sortable(tmp_path_factory, kept=[]):  # noqa: B006 - one workspace for all examples
    if not kept:
        kept.append(heron.open(tmp_path_factory.mktemp("sortable"), discover=False))
        kept[0].registration.register([image("a"), image("b")], "F")
    return kept[0]


# Limit, count, all


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_is_at_least_one(shop, limit):
    with pytest.raises(InvalidInput, match="at least 1 is needed"):
        shop.search(limit=limit)


@pytest.mark.parametrize("limit", [6, 1000, 2**31, 2**63 - 1, 2**63, 10**30])
def test_limit_beyond_the_number_of_items_gives_all(shop, limit):
    page = shop.search(limit=limit)
    assert (names(page), page.cursor) == ("abcdef", None)


def test_a_page_has_a_hundred_items_unless_told(workspace):
    workspace.registration.register((image(str(number)) for number in range(101)), "F")
    page = workspace.search()
    assert len(page) == 100
    assert len(workspace.search(cursor=page.cursor)) == 1


def test_count_disregards_limit_sort_and_cursor(shop):
    cursor = shop.search(sort="city", limit=2).cursor
    assert shop.search.count(sort="city", limit=2, cursor=cursor) == 6
    assert shop.search.count(where="score > 2") == 3
    assert shop.search.count(where="score > 99") == 0


def test_count_refuses_what_search_refuses(shop):
    for parts in ({"where": "citty = 1"}, {"sort": "citty"}):
        with pytest.raises(QueryError):
            shop.search.count(**parts)


def test_all_streams_over_the_pages(workspace):
    workspace.registration.register((image(f"{number:04}", width=number % 3) for number in range(2500)), "F")
    everything = [item.name for item in workspace.search.all(sort="width,-name")]
    assert everything == sorted(everything, key=lambda name: (int(name) % 3, -int(name)))
    assert len(everything) == 2500
    assert (
        len(list(workspace.search.all(where="width = 1"))) == workspace.search.count(where="width = 1") == 833
    )
    assert [item.name for item in workspace.search.all(sort="width,-name", limit=1700)] == everything[:1700]
    assert [item.name for item in workspace.search.all(sort="width,-name", limit=1000)] == everything[:1000]


def test_all_goes_on_after_a_cursor(shop):
    cursor = shop.search(sort="name", limit=2).cursor
    assert names(shop.search.all(sort="name", cursor=cursor)) == "cdef"


def test_all_reads_only_what_is_taken(shop):
    assert names(itertools.islice(shop.search.all(), 2)) == "ab"


def test_search_of_an_empty_workspace_finds_nothing(workspace):
    page = workspace.search(where="width > 1", sort="-name")
    assert (len(page), page.cursor, workspace.search.count()) == (0, None, 0)


# Folders


@pytest.mark.parametrize(
    ("folder", "recursive", "expected"),
    [
        ("Photos", True, "abcde"),
        ("Photos", False, "abcd"),
        ("Photos/Old", True, "e"),
        ("/Photos/Old/", False, "e"),
        ("Clips", True, "f"),
        (None, True, "abcdef"),
        (None, False, "abcdef"),
    ],
)
def test_folder_limits_what_is_found(shop, folder, recursive, expected):
    assert names(shop.search(folder=folder, recursive=recursive)) == expected
    assert shop.search.count(folder=folder, recursive=recursive) == len(expected)


def test_folder_can_be_given_by_uuid(shop):
    assert names(shop.search(folder=shop.folders.get("Photos/Old").uuid)) == "e"


def test_folder_whose_name_begins_alike_is_another_one(shop):
    shop.registration.register([image("g")], "Photos2")
    assert names(shop.search(folder="Photos")) == "abcde"
    assert names(shop.search(where="in_folder('Photos')")) == "abcde"


def test_signs_of_patterns_in_folder_names_mean_nothing(shop):
    shop.registration.register([image("g")], "P%")
    assert names(shop.search(folder="P%")) == "g"
    assert names(shop.search(where="in_folder('P%')")) == "g"


def test_unknown_folder_is_not_found(shop):
    with pytest.raises(NotFound, match="did you mean 'Photos'"):
        shop.search(folder="Photo")


def test_folder_condition_and_sort_combine(shop):
    assert names(shop.search(folder="Photos", where="city = 'Oslo' OR score = 5", sort="-score")) == "eba"


# Queries and presets


QUERIES = [
    {},
    {"where": "city = 'Oslo'"},
    {"folder": "Photos", "recursive": False},
    {"sort": "-score,name", "limit": 2},
    {"where": "score >= 2", "folder": "Photos", "recursive": True, "sort": '"my key"', "limit": 3},
]


@pytest.mark.parametrize("parts", QUERIES, ids=lambda parts: "-".join(parts) or "empty")
def test_query_record_means_the_same_as_its_parts(shop, parts):
    by_parts, by_record = shop.search(**parts), shop.search(Query(**parts))
    assert by_parts == by_record
    assert shop.search.count(**parts) == shop.search.count(Query(**parts))
    assert list(shop.search.all(**parts)) == list(shop.search.all(Query(**parts)))


def test_parts_beside_a_query_win(shop):
    query = Query(where="city = 'Oslo'", sort="name")
    assert names(shop.search(query, sort="-name")) == "ba"
    assert names(shop.search(query, where=None)) == "abcdef"


def test_a_part_that_a_query_does_not_have_is_an_error(shop):
    with pytest.raises(TypeError):
        shop.search(wher="score > 1")


@pytest.mark.parametrize("parts", QUERIES, ids=lambda parts: "-".join(parts) or "empty")
def test_preset_comes_back_as_it_was_saved(shop, parts):
    query = Query(**parts)
    shop.presets.create("mine", query, description="What I look for")
    with heron.open(shop.root, discover=False) as again:
        preset = again.presets.get("mine")
        assert (preset.query, preset.description) == (query, "What I look for")
        assert again.search(preset.query) == shop.search(query)


def test_presets_are_listed_replaced_and_deleted(shop):
    shop.presets.create("b", Query(where="score > 1"))
    shop.presets.create("a", Query())
    assert [preset.name for preset in shop.presets.list()] == ["a", "b"]
    with pytest.raises(AlreadyExists, match="preset 'b' already"):
        shop.presets.create("b", Query())
    shop.presets.create("b", Query(sort="name"), replace=True)
    assert shop.presets.get("b").query == Query(sort="name")
    shop.presets.delete("b")
    with pytest.raises(NotFound, match="no preset 'b'"):
        shop.presets.get("b")


def uuid(workspace, name):
    return workspace.items.by_name(name)[0].uuid


# Hints


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("city = Algiers", "write text in single quotes: 'Algiers'"),
        ("city IN ('Oslo', Algiers)", "write text in single quotes: 'Algiers'"),
        ("city LIKE Algiers", "write text in single quotes: 'Algiers'"),
        ("city BETWEEN a AND b", "write text in single quotes: 'a'"),
        ("width > scorre", "did you mean score?"),
        ("when = 1", 'write it in double quotes: "when"'),
        ("score > 1 AND select IS NULL", 'write it in double quotes: "select"'),
        ("score > ", "city = 'Algiers'"),
    ],
)
def test_a_condition_that_is_refused_gets_a_hint_that_helps(shop, where, hint):
    with pytest.raises(QueryError) as caught:
        shop.search.count(where=where)
    assert hint in caught.value.hint


def test_the_hint_for_a_sort_does_not_speak_of_quotes(shop):
    with pytest.raises(QueryError) as caught:
        shop.search(sort="foo")
    assert caught.value.hint == "heron schema show lists the keys"


@pytest.mark.parametrize("where", ["kind = 'imag'", "kind <> 'imag'", "kind IN ('image', 'imag')"])
def test_a_kind_that_is_none_is_refused(shop, where):
    with pytest.raises(QueryError, match="expected one of image, "):
        shop.search.count(where=where)
    assert shop.search.count(where="kind = 'image' AND kind LIKE 'imag%'") == 6


def test_facts_of_another_sort_are_neither_greater_nor_smaller(workspace):
    facts = [
        MediaFacts("dicom", "application/dicom", extra={"exif": {"StudyDate": "2020-01-31", "KVP": 120}}),
        MediaFacts("dicom", "application/dicom", extra={"exif": {"StudyDate": 20200131, "KVP": "high"}}),
    ]
    workspace.registration.register([NewItem(f"s3://b/{n}", f) for n, f in enumerate(facts)], "A")
    for where, count in {
        "exif.StudyDate > 20990101": 0, "exif.StudyDate > 20000101": 1, "exif.StudyDate > '2019-01-01'": 1,
        "exif.KVP < 'z'": 1, "exif.KVP > 100": 1, "100 < exif.KVP": 1, "exif.KVP BETWEEN 100 AND 200": 1,
        "exif.KVP BETWEEN 'a' AND 'z'": 1, "NOT exif.KVP > 100": 0,
    }.items():  # fmt: skip
        assert workspace.search.count(where=where) == count, where
