"""Vectors and transactions: what is rolled back leaves no trace, and after anything the store is as a dictionary would be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
from heron.errors import MetadataError
from heron.models import MediaFacts, NewItem
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


def test_what_is_rolled_back_leaves_no_trace_and_the_next_write_is_right(lake, dtype):
    items = register(lake, 20)
    lake.vectors.add("look", items[:5], some(5))
    before = kept(lake)
    with pytest.raises(RuntimeError, match="stop"), lake._database.write():
        lake.vectors.add("look", items[5:], some(15, seed=1))
        lake.vectors.add("tiny", items, some(20, seed=1, size=3))
        assert [item.uuid for item in lake.search(like=some(15, seed=1)[14], limit=1)] == [items[19].uuid]
        raise RuntimeError("stop")
    assert kept(lake) == before
    assert counts(lake) == (5, 0, 0)
    assert [status.key for status in lake.vectors.status()] == ["look"]
    others = items[::-1][:15]  # as many as before, so that nothing but their owners differs
    again = rounded(some(15, seed=2), dtype)
    lake.vectors.add("look", others, again)
    for item, vector in zip(others, again, strict=True):
        assert lake.vectors.find("look", item).tolist() == vector.tolist()
    assert is_sound(lake)


def test_a_batch_of_an_import_that_fails_takes_its_vectors_along(lake):
    good = [
        NewItem(f"s3://lake/{n}", MediaFacts("image", "image/x"), metadata={"tiny": [n, 1, 1]})
        for n in range(3)
    ]
    bad = NewItem("s3://lake/bad", MediaFacts("image", "image/x"), metadata={"tiny": [1, 1]})
    lake.registration.register(good[:1], "A")
    before = kept(lake, "tiny")
    with pytest.raises(MetadataError, match="expected 3 numbers, got 2"):
        lake.registration.register([*good[1:], bad], "A")
    assert kept(lake, "tiny") == before
    with pytest.raises(RuntimeError), lake._database.write():
        lake.registration.register(good[1:], "A")
        raise RuntimeError
    assert kept(lake, "tiny") == before
    lake.registration.register(good[2:], "A")
    assert list(kept(lake, "tiny").values()) == [np.array([n, 1, 1], np.float32).tobytes() for n in (0, 2)]
    assert is_sound(lake, "tiny")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "delete", "compact", "roll back"]), st.integers(0, 2**32 - 1)
    ),
    max_size=9,
)


@pytest.mark.slow
@settings(max_examples=30)
@given(steps=STEPS, dtype=st.sampled_from(["float32", "float16"]))
def test_whatever_is_done_the_store_holds_what_a_dictionary_would(tmp_path_factory, steps, dtype):
    with heron.open(tmp_path_factory.mktemp("lake"), discover=False) as lake:
        lake.schema.add("look", "embedding", size=SIZE, dtype=dtype)
        items = register(lake, 8)
        expected = {}
        for number, (step, seed) in enumerate([*steps, ("add", 0)]):
            random = np.random.default_rng(seed)
            chosen = [items[n] for n in random.permutation(len(items))[: random.integers(0, 6)]]
            vectors = rounded(some(len(chosen), [number, seed]), dtype)
            if step == "add":
                lake.vectors.add("look", chosen, vectors)
                expected |= {(i.uuid, None): v.tobytes() for i, v in zip(chosen, vectors, strict=True)}
            elif step == "roll back":
                with pytest.raises(RuntimeError), lake._database.write():
                    lake.vectors.add("look", chosen, -vectors)
                    raise RuntimeError
            elif step == "compact" and expected:
                lake.vectors.compact("look")
            elif step in ("remove", "delete") and expected and len(items) > 3:
                lake.vectors.remove("look", chosen) if step == "remove" else lake.items.delete(chosen[:1])
                gone = chosen if step == "remove" else chosen[:1]
                items = items if step == "remove" else [item for item in items if item not in gone]
                expected = {
                    key: v for key, v in expected.items() if key[0] not in {item.uuid for item in gone}
                }
            assert kept(lake) == expected
        assert not expected or is_sound(lake)
