"""Damaged files of vectors: cut short, garbage, newer than the catalogue. No neighbour is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heron.errors import CatalogueError
from tests.toy_vectors import SIZE, assert_sound, cosines, items_of, kept, lake_in, opened, register, some


def matrix_of(lake):
    [status] = lake.vectors.status()
    return Path(status.file)


def nearest(lake, query, limit=50):
    """What a search finds, as UUID, number of the frame, and score; checked against all that the lake can give back."""
    page = lake.search(like=query, limit=limit)
    for item, match in zip(page, page.matches, strict=True):
        thing = match.frame or item
        assert match.score == pytest.approx(cosines([lake.vectors.find("look", thing)], query)[0], abs=1e-5)
    return [item.uuid for item in page]


@pytest.fixture
def folder(tmp_path):
    return lake_in(tmp_path / "lake")


@pytest.mark.parametrize("left", [4 * SIZE * 7, 4 * SIZE * 2 + 1, 3, 0, None])
def test_a_matrix_cut_short_is_told_of_searched_as_far_as_it_goes_and_healed(folder, left):
    with opened(folder) as lake:
        before, matrix, items = kept(lake), matrix_of(lake), items_of(lake)
    matrix.unlink() if left is None else os.truncate(matrix, left)
    there = (left or 0) // (4 * SIZE)
    with opened(folder) as lake:
        [status] = lake.vectors.status()
        assert (status.vectors, status.missing) == (9, 9 - there)
        if there:
            doubt = f"{9 - there} of 9 vectors of 'look' are lost; heron vectors verify look says more"
            page = lake.search(like=some(1)[0])
            assert doubt in page.notes
            assert doubt in lake.search.notes(like=some(1)[0])
            assert doubt in lake.search(like=some(1)[0], sort="name").notes
            assert doubt in lake.curation.near_duplicates(key="look").notes
            assert set(nearest(lake, some(1)[0])) == {uuid for uuid, _ in list(before)[:there]}
        else:
            with pytest.raises(CatalogueError, match=r"it has 0 of 9 vectors \(see heron vectors verify"):
                lake.search(like=some(1)[0])
        if there < 6:
            with pytest.raises(CatalogueError, match=f"cut short: it has {there} of {there + 1}|verify"):
                lake.vectors.find("look", items[there])
        with pytest.raises(
            CatalogueError, match=f"cut short: it has {there} of 9 vectors .see heron vectors verify"
        ):
            kept(lake)
        with pytest.raises(CatalogueError, match="cut short"):
            lake.vectors.add("look", items[:1], some(1))
        sentence = f"{9 - there} of 9 vectors of 'look' are lost: {matrix} is cut short"
        assert lake.vectors.verify("look")[0] == sentence
        assert lake.vectors.verify("look", repair=True)[0] == f"{sentence}; they were deleted"
        assert kept(lake) == dict(list(before.items())[:there])
        assert_sound(lake)


def test_who_has_it_open_notices_a_repair_even_if_as_many_vectors_come_again(folder):
    with opened(folder) as reader, opened(folder) as lake:
        assert len(nearest(reader, some(1)[0])) == 7
        os.truncate(matrix_of(lake), 4 * SIZE * 4)
        lake.vectors.verify("look", repair=True)
        others = items_of(lake)[7:12]
        lake.vectors.add("look", others, some(5, seed=3))
        assert len(nearest(reader, some(1)[0])) == 9
        assert nearest(reader, some(5, seed=3)[4])[0] == others[4].uuid


def test_a_matrix_longer_than_the_table_says_has_no_more_vectors_for_it(folder):
    with opened(folder) as lake, matrix_of(lake).open("ab") as stream:
        before = kept(lake)
        stream.write(some(5, seed=5).tobytes() + b"odd")
        stream.flush()
        assert (kept(lake), lake.vectors.verify("look", deep=True)) == (before, [])
        assert len(nearest(lake, some(5, seed=5)[0])) == 7
        assert_sound(lake)


def flip(matrix, place):
    """Change the lowest bit of one number: no code of eight bits shows that."""
    data = bytearray(matrix.read_bytes())
    data[place] ^= 1
    matrix.write_bytes(data)


@pytest.mark.parametrize("row", [0, 300, 599])
def test_one_changed_bit_is_told_of_and_only_its_block_is_given_up(tmp_path, row):
    with opened(tmp_path / "lake") as lake:
        lake.schema.add("look", "embedding", size=SIZE)
        items = register(lake, 600)
        vectors = some(600)
        for start, end in ((0, 100), (100, 256), (256, 257), (257, 600)):
            lake.vectors.add("look", items[start:end], vectors[start:end])
        lake.vectors.remove("look", items[5])
        assert lake.vectors.verify("look", deep=True) == []
        before, matrix = kept(lake), matrix_of(lake)
    flip(matrix, 4 * SIZE * row)
    first, last = {0: (0, 255), 300: (256, 511), 599: (512, 599)}[row]
    sentence = f"vectors of 'look' were changed outside of Heron: rows {first} to {last}"
    with opened(tmp_path / "lake") as lake:
        doubts = ["some vectors of 'look' were changed outside of Heron; heron vectors verify look says more"]
        assert list(lake.search(like=some(1)[0]).notes) == (
            doubts if row != 300 else []
        )  # in between, nobody looks
        assert lake.vectors.verify("look") == [sentence]
        with pytest.raises(CatalogueError, match=sentence):
            lake.vectors.compact("look")
        lake.vectors.add("look", items[:1], some(1, seed=7))
        assert any(rows.startswith("vectors of 'look' were changed") for rows in lake.vectors.verify("look"))
        lake.vectors.verify("look", repair=True)
        assert lake.vectors.verify("look", deep=True) == []
        owners = {(item.uuid, None) for item in items[first : last + 1]}
        expected = {owner: vector for owner, vector in before.items() if owner not in owners}
        assert {owner: vector for owner, vector in kept(lake).items() if owner[0] != items[0].uuid} == {
            owner: vector for owner, vector in expected.items() if owner[0] != items[0].uuid
        }
        assert_sound(lake)


def test_vectors_of_older_versions_have_no_checksums_until_they_are_compacted(folder):
    with opened(folder) as lake:
        lake._database.execute("DELETE FROM vector_sums")
        flip(matrix_of(lake), 0)
        assert lake.vectors.verify("look") == []
        lake.vectors.add("look", items_of(lake)[:2], some(2, seed=3))
        lake.vectors.compact("look")
        assert lake.vectors.verify("look") == []
        flip(matrix_of(lake), 0)
        assert lake.vectors.verify("look") == ["vectors of 'look' were changed outside of Heron: rows 0 to 8"]


def test_a_matrix_of_garbage_is_told_of_and_does_no_more_harm_than_that(folder):
    with opened(folder) as lake:
        matrix = matrix_of(lake)
        matrix.write_bytes(b"\xff" * matrix.stat().st_size)
    with opened(folder) as lake:
        problems = lake.vectors.verify("look", deep=True)
        assert "9 of the vectors hold NaN or infinity; the first is row 0" in problems
        assert len(lake.search(like=some(1)[0])) == 0
        lake.vectors.add("look", items_of(lake)[:1], some(1))
        assert nearest(lake, some(1)[0]) == [items_of(lake)[0].uuid]


@pytest.mark.parametrize("damage", ["garbage", "short", "long", "empty", "gone", "folder"])
def test_whatever_becomes_of_the_caches_what_is_found_stays_the_same(folder, damage):
    with opened(folder) as lake:
        expected = nearest(lake, some(1)[0])
        caches = [path for path in matrix_of(lake).parent.iterdir() if path != matrix_of(lake)]
        assert len(caches) > 1
    for path in caches:
        data = path.read_bytes()
        path.unlink()
        if damage == "folder":
            path.mkdir()
        elif damage != "gone":
            new = {
                "garbage": os.urandom(len(data)),
                "short": data[: len(data) // 2],
                "long": data * 2,
                "empty": b"",
            }
            path.write_bytes(new[damage])
    with opened(folder) as lake:
        assert nearest(lake, some(1)[0]) == expected
        if damage != "folder":
            lake.vectors.verify("look", repair=True)
            assert_sound(lake)


HISTORIES = {
    "others": lambda items: items[9:],
    "the same in another order": lambda items: [items[8], items[7], items[6]],
    "the same last one": lambda items: [items[7], items[6], items[8]],
    "fewer": lambda items: items[10:],
    "more": lambda items: [items[8], *items[9:]],
}


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("is_last_gone", [False, True])
def test_a_restored_catalogue_with_newer_files_never_gives_a_wrong_neighbour(
    folder, history, is_last_gone, monkeypatch
):
    monkeypatch.setattr("heron.catalog.vectors.sets._TAIL", 0)  # each opening leaves caches behind
    catalogue = folder / ".heron" / "catalog.db"
    backup = catalogue.read_bytes()
    with opened(folder) as lake:
        items = items_of(lake)
        lake.vectors.add("look", items[6:9], some(3, seed=7))
        nearest(lake, some(1)[0])
    catalogue.write_bytes(backup)
    with opened(folder) as lake:
        assert lake.vectors.verify("look", deep=True) == []
        assert set(nearest(lake, some(1)[0])) == {item.uuid for item in [*items[:6], items[-1]]}
        others = HISTORIES[history](items)
        lake.vectors.add("look", others, some(len(others), seed=7))
        if is_last_gone:
            lake.vectors.remove("look", others[-1:])
    with opened(folder) as lake:
        for uuid, _ in kept(lake):
            nearest(
                lake,
                lake.vectors.find("look", uuid)
                if lake.vectors.find("look", uuid) is not None
                else some(1)[0],
            )
        assert_sound(lake)


def test_what_others_add_or_compact_while_sums_are_compared_is_no_damage(tmp_path):
    with opened(lake_in(tmp_path / "lake")) as lake, opened(tmp_path / "lake") as other:
        sums, kept, matrix = (
            lake.vectors._rows.sums,
            lake.vectors._rows.find("look"),
            lake.vectors._rows.matrix,
        )
        other.vectors.add("look", items_of(other)[:8], some(8, seed=5))
        assert list(sums.damaged(kept.id, matrix(kept))) == []
        path = matrix(kept).path
        other.vectors.compact("look")
        assert not path.exists() and list(sums.damaged(kept.id, matrix(kept))) == []
        now = lake.vectors._rows.find("look")
        harm = bytearray(matrix(now).path.read_bytes())
        harm[5] ^= 1
        matrix(now).path.write_bytes(harm)
        assert list(sums.damaged(now.id, matrix(now))) == [range(now.row_count)]
