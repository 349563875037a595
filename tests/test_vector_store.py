"""The vector store: what is kept is given back bit by bit, what is wrong is refused whole, and nothing belongs to a stranger."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heron.errors import InvalidInput, MetadataError, NotFound
from tests.toy_vectors import SIZE, counts, is_sound, kept, register, rounded, some


@pytest.fixture(params=["float32", "float16"])
def dtype(request):
    return request.param


@pytest.fixture
def lake(workspace, dtype):
    """A workspace with a key `look` of that type, and room for three other numbers under `tiny`."""
    workspace.schema.add("look", "embedding", size=SIZE, dtype=dtype)
    workspace.schema.add_embedding("tiny", 3)
    return workspace


def file_of(workspace, key="look"):
    [path] = {status.file for status in workspace.vectors.status() if status.key == key}
    return path


# Given back


def test_vectors_are_given_back_as_they_are_kept(lake, dtype):
    items, vectors = register(lake, 30), rounded(some(30), dtype)
    assert lake.vectors.add("look", items, vectors).kept == 30
    for item, vector in zip(items, vectors, strict=True):
        got = lake.vectors.find("look", item)
        assert (got.dtype, got.tobytes()) == (np.float32, vector.tobytes())
    assert kept(lake) == {(i.uuid, None): v.tobytes() for i, v in zip(items, vectors, strict=True)}
    assert counts(lake) == (30, 0, 0)
    assert is_sound(lake)


def test_numbers_of_the_smallest_and_largest_sort_come_back_unchanged(lake, dtype):
    limits = np.finfo(dtype)
    odd = [limits.max, limits.min, limits.tiny, limits.smallest_subnormal, -0.0, 0.0, 1 / 3, limits.eps]
    [item] = register(lake, 1)
    vector = rounded(np.resize(np.array(odd, dtype), SIZE).astype(np.float32), dtype)
    lake.vectors.add("look", [item], [vector])
    assert lake.vectors.find("look", item).tobytes() == vector.tobytes()


def test_frames_and_their_item_have_vectors_of_their_own_under_one_key(lake, dtype):
    [video] = register(lake, 1, kind="video", frames=5)
    frames, vectors = list(lake.frames.list(video)), rounded(some(6), dtype)
    lake.vectors.add("look", [*frames, video], vectors)
    assert [lake.vectors.find("look", thing).tolist() for thing in [*frames, video]] == vectors.tolist()
    assert [number for _, number in kept(lake)] == [0, 1, 2, 3, 4, None]
    assert is_sound(lake)


def test_keys_do_not_know_each_other(lake):
    items = register(lake, 3)
    lake.vectors.add("look", items, some(3))
    lake.vectors.add("tiny", items[:1], some(1, size=3))
    assert set(lake.vectors.of(items[0])) == {"look", "tiny"}
    assert set(lake.vectors.of(items[1])) == {"look"}
    assert lake.vectors.find("tiny", items[1]) is None
    before = kept(lake)
    assert lake.vectors.delete("tiny") == 1
    assert kept(lake) == before
    assert lake.vectors.of(register(lake, 1, start=9)[0]) == {}


def test_an_item_is_named_by_its_uuid_as_well(lake):
    items, vectors = register(lake, 2), rounded(some(2), "float16")
    lake.vectors.add("look", [items[0].uuid.upper(), items[1]], vectors)
    assert lake.vectors.find("look", items[0].uuid).tolist() == vectors[0].tolist()


def test_things_may_come_as_a_stream(lake):
    items = register(lake, 3)
    assert lake.vectors.add("look", (item for item in items), some(3)).kept == 3


@pytest.mark.parametrize(
    "form", ["list", "tuple", "float64", "int8", "uint64", "big-endian", "strided", "bool rows"]
)
def test_anything_like_an_array_of_numbers_is_taken(lake, form):
    items = register(lake, 4)
    whole = np.arange(4 * SIZE).reshape(4, SIZE) % 100
    given = {
        "list": whole.tolist(), "tuple": tuple(map(tuple, whole.tolist())), "float64": whole.astype(float),
        "int8": whole.astype(np.int8), "uint64": whole.astype(np.uint64), "big-endian": whole.astype(">f4"),
        "strided": np.repeat(whole, 2, axis=1)[:, ::2], "bool rows": [list(row) for row in whole],
    }  # fmt: skip
    lake.vectors.add("look", items, given[form])
    assert [lake.vectors.find("look", item).tolist() for item in items] == whole.tolist()


def test_one_vector_may_come_without_outer_brackets(lake):
    [item] = register(lake, 1)
    assert lake.vectors.add("look", [item], some(1)[0]).kept == 1


def test_nothing_is_kept_for_nobody(lake):
    assert lake.vectors.add("look", [], []).kept == 0
    assert lake.vectors.add("look", [], np.empty((0, SIZE))).kept == 0
    assert kept(lake) == {}


def test_vectors_of_zeros_are_kept_counted_and_never_found(lake):
    items, vectors = register(lake, 3), some(3)
    vectors[1] = 0
    assert lake.vectors.add("look", items, vectors).zeros == 1
    assert lake.vectors.find("look", items[1]).tolist() == [0] * SIZE
    assert [item.uuid for item in lake.search(like=vectors[0])] != [items[1].uuid]
    assert items[1].uuid not in [item.uuid for item in lake.search(like=vectors[0], limit=10)]
    assert lake.vectors.verify("look") == [
        "1 of the vectors hold only zeros, and are never found; the first is row 1"
    ]


# Replaced, deleted, compacted


def test_a_vector_that_is_given_again_takes_the_place_of_the_first(lake, dtype):
    items = register(lake, 10)
    lake.vectors.add("look", items, some(10))
    again = rounded(some(4, seed=1), dtype)
    lake.vectors.add("look", items[3:7], again)
    assert [lake.vectors.find("look", item).tolist() for item in items[3:7]] == again.tolist()
    assert counts(lake) == (10, 4, 0)
    assert is_sound(lake)


def test_of_two_vectors_kept_for_one_owner_the_last_one_counts(lake, dtype):
    [item] = register(lake, 1)
    vectors = rounded(some(3), dtype)
    assert lake.vectors._keep("look", [(item.id, 0)] * 3, vectors, [1, 2, 3]).kept == 3
    assert lake.vectors.find("look", item).tolist() == vectors[2].tolist()
    assert lake.vectors._fingerprints(lake.vectors._embedding_keys()[0], [item.id]) == {(item.id, 0): 3}
    assert counts(lake) == (1, 2, 0)
    assert lake.vectors.compact("look") == 2
    assert is_sound(lake)


def test_vectors_are_taken_away_from_those_named_only(lake):
    items = register(lake, 5)
    lake.vectors.add("look", items, some(5))
    assert lake.vectors.remove("look", items[1:3]) == 2
    assert lake.vectors.remove("look", items[1:2]) == 0
    assert [key[0] for key in kept(lake)] == [items[n].uuid for n in (0, 3, 4)]
    assert lake.vectors.find("look", items[1]) is None
    assert is_sound(lake)


@pytest.mark.parametrize("way", ["frame", "other frames", "item", "folder"])
def test_the_vectors_of_what_is_deleted_go_with_it(lake, way):
    [other] = register(lake, 1, "B")
    video = register(lake, 1, "A", kind="video", frames=3)[0]
    frames = list(lake.frames.list(video))
    lake.vectors.add("look", [other, video, *frames], some(5))
    if way == "frame":
        lake.frames.delete(video, [1])
        gone = [(video.uuid, 1)]
    elif way == "other frames":
        lake.frames.delete(video, [0, 1])
        lake.frames.add(video, [(1, None, False)])
        gone = [(video.uuid, 0), (video.uuid, 1)]
    else:
        lake.items.delete([video]) if way == "item" else lake.folders.delete("A")
        gone = [(video.uuid, None), (video.uuid, 0), (video.uuid, 1), (video.uuid, 2)]
    everything = {(other.uuid, None), *((video.uuid, number) for number in (None, 0, 1, 2))}
    assert set(kept(lake)) == everything - set(gone)
    assert counts(lake) == (5 - len(gone), len(gone), 0)
    assert lake._database.value("SELECT count(*) FROM vectors") == 5 - len(gone)
    assert is_sound(lake)


def test_an_item_that_gets_the_inner_id_of_a_deleted_one_gets_no_vector_of_it(lake):
    items = register(lake, 3)
    lake.vectors.add("look", items, some(3))
    list(lake.search(like=some(1)[0]))
    lake.items.delete(items[2:])
    [new] = register(lake, 1, start=7)
    assert new.id == items[2].id
    assert lake.vectors.find("look", new) is None
    assert new.uuid not in [item.uuid for item in lake.search(like=some(3)[2])]


def test_compacting_leaves_out_what_counts_no_more_and_changes_no_bit(lake):
    items = register(lake, 60)
    lake.vectors.add("look", items, some(60))
    lake.vectors.add("look", items[:10], some(10, seed=1))
    lake.items.delete(items[50:])
    lake.vectors.remove("look", items[20:25])
    before, file = kept(lake), file_of(lake)
    assert counts(lake) == (45, 25, 0)
    assert lake.vectors.compact("look") == 25
    assert kept(lake) == before
    assert counts(lake) == (45, 0, 0)
    assert [str(path) for path in lake.vectors._rows.folder.iterdir()] == [file_of(lake)] != [file]
    assert is_sound(lake)
    assert lake.vectors.compact("look") == 0


def test_vectors_are_added_replaced_and_compacted_after_a_compaction(lake):
    items = register(lake, 20)
    for seed in range(3):
        lake.vectors.add("look", items[seed : seed + 10], some(10, seed))
        expected = kept(lake)
        assert lake.vectors.compact("look") == (9 if seed else 0)
        assert kept(lake) == expected
        assert is_sound(lake)
    assert counts(lake) == (12, 0, 0)


def test_everything_may_go_and_others_come(lake):
    items = register(lake, 4)
    lake.vectors.add("look", items, some(4))
    lake.vectors.remove("look", items)
    assert lake.vectors.compact("look") == 4
    assert (kept(lake), counts(lake)) == ({}, (0, 0, 0))
    lake.vectors.add("look", items[:2], some(2, seed=1))
    assert is_sound(lake)
    assert lake.vectors.delete("look") == 2
    assert list(lake.vectors._rows.folder.iterdir()) == []
    lake.vectors.add("look", items, some(4, seed=2))
    assert is_sound(lake)


@pytest.mark.slow
def test_what_is_stored_comes_in_batches_in_the_order_in_which_it_came(lake):
    items = register(lake, 2500)
    lake.vectors.add("look", items[1:], some(2499))
    lake.vectors.add("look", items[:1], some(1, seed=1))
    batches = list(lake.vectors.stored("look"))
    assert [len(batch.items) for batch in batches] == [1000, 1000, 500]
    assert [uuid for batch in batches for uuid in batch.items] == [
        item.uuid for item in items[1:] + items[:1]
    ]


def test_what_is_stored_is_read_to_its_end_though_it_changes_meanwhile(lake):
    items = register(lake, 2500)
    lake.vectors.add("look", items, some(2500))
    lake.vectors.remove("look", items[:700])
    before, found = kept(lake), {}
    for number, batch in enumerate(lake.vectors.stored("look")):
        if number == 0:
            lake.vectors.compact("look")
        found.update(zip(batch.items, (vector.tobytes() for vector in batch.vectors), strict=True))
    assert found == {uuid: vector for (uuid, _), vector in before.items()}


# Refused


WRONG = [
    (some(2, size=SIZE - 1), f"look, 0.image (UUID0): expected {SIZE} numbers, got {SIZE - 1}"),
    (some(3), "look: 3 vectors were given for 2 items or frames"),
    (some(1), "look: 1 vectors were given for 2 items or frames"),
    ([[1.0] * SIZE, [math.nan] * SIZE], "look, 1.image (UUID1): number 1 of the vector, nan, is not a finite number"),
    ([[1.0] * SIZE, [1.0] * (SIZE - 1) + [math.inf]], f"1.image (UUID1): number {SIZE} of the vector, inf, is not"),
    ([[1e300] * SIZE, [1.0] * SIZE], "look, 0.image (UUID0): number 1 of the vector, 1e+300, is too large for"),
    ([[1.0] * SIZE, [1.0]], f"look, 1.image (UUID1): expected {SIZE} numbers, got 1"),
    ([["a"] * SIZE] * 2, "expected numbers"),
    ([[1j] * SIZE] * 2, "expected numbers"),
    ([[True] * SIZE] * 2, "expected numbers"),
    (np.array([[None] * SIZE] * 2), "expected numbers"),
    (np.zeros((2, SIZE, 1)), "expected"),
    ([], "0 vectors were given for 2"),
    (None, "expected numbers"),
    ("nonsense", "expected numbers"),
    ({}, "expected"),
]  # fmt: skip


@pytest.mark.parametrize(("vectors", "reason"), WRONG)
def test_what_is_no_vector_is_refused_by_name_and_nothing_of_it_is_kept(lake, vectors, reason):
    items = register(lake, 2)
    before = kept(lake)
    with pytest.raises(InvalidInput) as refusal:
        lake.vectors.add("look", items, vectors)
    text = str(refusal.value)
    for number, item in enumerate(items):
        text = text.replace(item.uuid, f"UUID{number}")
    assert reason in text
    assert "\n" not in text
    assert kept(lake) == before


def test_numbers_too_large_for_float16_are_refused_where_it_is_kept(lake, dtype):
    [item] = register(lake, 1)
    lake.vectors.add("look", [item], [[65519.0] * SIZE])
    if dtype == "float32":
        lake.vectors.add("look", [item], [[65520.0] * SIZE])
        return
    with pytest.raises(InvalidInput, match="number 1 of the vector, 65520, is too large for float16"):
        lake.vectors.add("look", [item], [[65520.0] * SIZE])
    assert lake.vectors.find("look", item).tolist() == [65504] * SIZE


def test_who_is_unknown_or_named_twice_is_refused_and_nothing_is_kept(lake):
    items = register(lake, 2)
    [video] = register(lake, 1, "B", kind="video", frames=2, start=5)
    frame = next(lake.frames.stream(video))
    unknown = "00000000-0000-7000-8000-000000000000"
    with pytest.raises(NotFound, match=f"there is no item '{unknown}'"):
        lake.vectors.add("look", [items[0], unknown], some(2))
    with pytest.raises(InvalidInput, match=f"0.image .{items[0].uuid}. is named twice"):
        lake.vectors.add("look", [items[0], items[1], items[0]], some(3))
    with pytest.raises(InvalidInput, match=f"{items[0].uuid} is named twice"):
        lake.vectors.add("look", [items[0], items[0].uuid], some(2))
    with pytest.raises(InvalidInput, match=f"{video.uuid}, frame 0 is named twice"):
        lake.vectors.add("look", [video, frame, frame], some(3))
    lake.frames.delete(video, [0])
    with pytest.raises(NotFound, match=f"{video.uuid}, frame 0 is not in the catalogue any more"):
        lake.vectors.add("look", [items[0], frame], some(2))
    assert kept(lake) == {}


def test_a_key_that_takes_no_vectors_is_refused_in_one_sentence(lake):
    items = register(lake, 1)
    lake.schema.add_scalar("city", "varchar")
    with pytest.raises(
        InvalidInput, match="key 'city' is of type varchar, vectors need a key of type embedding"
    ):
        lake.vectors.add("city", items, some(1))
    with pytest.raises((MetadataError, NotFound), match="lok"):
        lake.vectors.add("lok", items, some(1))
    for verb in (lake.vectors.compact, lake.vectors.verify, lake.vectors.delete, lake.vectors.rebuild):
        with pytest.raises(NotFound, match="no vectors are kept under 'lok'"):
            verb("lok")
    with pytest.raises(NotFound, match="no vectors are kept under 'look'"):
        list(lake.vectors.stored("look"))
    assert lake.vectors.find("look", items[0]) is None


def test_vectors_too_small_for_float16_are_refused_where_it_is_kept(lake, dtype):
    items = register(lake, 3)
    tiny = np.full((3, SIZE), 1e-9, np.float32)
    tiny[0] = 0
    if dtype == "float32":
        assert lake.vectors.add("look", items, tiny).zeros == 1
        return
    with pytest.raises(
        InvalidInput, match=r"the largest number of the vector, 1e-09, is too small for float16"
    ):
        lake.vectors.add("look", items, tiny)
    tiny[:, 0] = 1
    assert lake.vectors.add("look", items, tiny).zeros == 0
