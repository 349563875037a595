"""Pages of search: cursors that lose and repeat nothing."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
from heron.errors import QueryError
from heron.models import MediaFacts, NewItem
from tests.test_search import names, shop  # noqa: F401 - fixtures

# Paging


def pages(workspace, **parts):
    cursor = None
    for _ in range(100):
        page = workspace.search(cursor=cursor, **parts)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
    raise AssertionError("the pages do not end")


def test_pages_follow_each_other(shop):
    got = list(pages(shop, sort="-score", limit=2))
    assert [names(page) for page in got] == ["ed", "cb", "af"]
    assert [page.cursor is None for page in got] == [False, False, True]


def test_the_last_full_page_has_no_cursor(shop):
    assert shop.search(limit=6).cursor is None
    assert shop.search(limit=5).cursor is not None


SORTS = ["city", "score", "ok", "loose", "width", "taken", "name", "exif.x", "area", "folder", "uuid"]
ROWS = st.fixed_dictionaries(
    {
        "city": st.sampled_from([None, "", "a", "A", "é", "a\0b", "\U0001f600", "'"]),
        "score": st.sampled_from([None, -1, 0, 0.1, 1e300, -0.0, 2**53]),
        "ok": st.sampled_from([None, True, False]),
        "loose": st.sampled_from([None, 1, "1", True, "true", [1], 1.5]),
        "taken": st.sampled_from([None, "2026-01-31", "0001-01-01", "9999-12-31T23:59:59.999999Z"]),
        "width": st.sampled_from([None, 0, 1, 2**40]),
        "x": st.sampled_from([None, 1, "1", 1.5, True, False, "é"]),
    }
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(ROWS, max_size=24),
    sort=st.lists(st.tuples(st.sampled_from(["", "-"]), st.sampled_from(SORTS)), max_size=3),
    limit=st.integers(1, 9),
)
def test_pages_cover_everything_exactly_once_in_order(tmp_path_factory, rows, sort, limit):
    with heron.open(tmp_path_factory.mktemp("pages"), discover=False) as workspace:
        with workspace.schema.edit() as schema:
            for name, type in {
                "city": "varchar",
                "score": "number",
                "ok": "boolean",
                "taken": "datetime",
            }.items():
                schema.add_scalar(name, type)
        rows = [*rows, {"loose": "so that this key is known"}]
        new = [
            NewItem(
                f"u:{number}",
                MediaFacts("image", "image/png", width=row.get("width"), extra={"exif": {"x": row.get("x")}}),
                name=str(number),
                metadata={key: row.get(key) for key in ("city", "score", "ok", "loose", "taken")},
            )
            for number, row in enumerate(rows)
        ]
        workspace.registration.register(new, "F")
        text = ",".join(sign + name for sign, name in sort) or None
        whole = [item.name for item in workspace.search(sort=text, limit=100)]
        paged = list(pages(workspace, sort=text, limit=limit))
        assert sorted(whole, key=int) == [str(number) for number in range(len(rows))]
        assert [item.name for page in paged for item in page] == whole
        assert all(len(page) == limit for page in paged[:-1])


def test_a_page_goes_on_after_its_last_item_even_when_that_one_is_deleted(shop):
    first = shop.search(sort="city", limit=2)
    shop.items.delete([first.rows[-1]])
    assert names(shop.search(sort="city", cursor=first.cursor)) == "befd"


def test_a_page_keeps_to_its_condition_and_folder(shop):
    got = pages(shop, where="score > 1", folder="Photos", sort="-score", limit=2)
    assert [names(page) for page in got] == ["ed", "cb"]


@pytest.mark.parametrize(
    "change",
    [
        {"sort": "city"},
        {"sort": "-score,name"},
        {"where": "score > 0"},
        {"folder": "Photos"},
        {"recursive": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_cursor_of_another_query_is_refused(shop, change):
    cursor = shop.search(sort="-score", limit=2).cursor
    with pytest.raises(QueryError, match="another query"):
        shop.search(**{"sort": "-score", "limit": 2, "cursor": cursor, **change})


def test_cursor_fits_a_page_of_another_size(shop):
    cursor = shop.search(sort="-score", limit=2).cursor
    assert names(shop.search(sort="-score", limit=3, cursor=cursor)) == "cba"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "\ud800",
        "====",
        "bnVsbA==",
        "W10=",
        "e30=",
        "MQ==",
        "WzFd",
        "null",
        "[]",
        "\0",
        "A" * 5000,
    ],
    ids=ascii,
)
def test_damaged_cursor_is_refused(shop, cursor):
    with pytest.raises(QueryError, match="the cursor is damaged"):
        shop.search(sort="score", cursor=cursor)


@pytest.mark.parametrize("value", ["[1]", "{}", "true", str(2**63), str(2**64), "null", '"1"', "1.5"])
def test_cursor_with_foreign_values_is_refused(shop, value):
    cursor = shop.search(limit=2).cursor
    mark = base64.urlsafe_b64decode(cursor).decode().split(",")[0]
    forged = base64.urlsafe_b64encode(f"{mark},{value}]".encode()).decode()
    with pytest.raises(QueryError, match="the cursor is damaged"):
        shop.search(cursor=forged)


def test_every_cut_of_a_cursor_is_refused(shop):
    cursor = shop.search(sort="-score", limit=2).cursor
    for length in range(len(cursor)):
        with pytest.raises(QueryError, match="cursor"):
            shop.search(sort="-score", limit=2, cursor=cursor[:length])
