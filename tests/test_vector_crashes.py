"""Vectors and kill -9, damaged files, restored catalogues, and several processes at once: nothing is lost or mixed up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import heron
from tests.toy_vectors import SIZE, kept, register, some

ROOT = Path(__file__).parents[1]


def opened(folder):
    return heron.open(folder, discover=False)


def made(folder, dtype="float32", count=12):
    """A lake with items, of which the first half has vectors, and a video with three frames."""
    with opened(folder) as lake:
        lake.schema.add("look", "embedding", size=SIZE, dtype=dtype)
        items = register(lake, count)
        [video] = register(lake, 1, "B", kind="video", frames=3)
        lake.vectors.add("look", [*items[: count // 2], *lake.frames.list(video)], some(count // 2 + 3))
        lake.vectors.refresh("look")
    return folder


def assert_sound(lake, key="look"):
    """Nothing is wrong, all that is kept is found, and others can be added and compacted."""
    assert lake.vectors.verify(key, deep=True) == []
    before = kept(lake)
    assert_found(lake)
    items = list(lake.items.list())
    lake.vectors.add(key, items[-3:], some(3, seed=99))
    lake.vectors.compact(key)
    after = kept(lake)
    assert {owner: after[owner] for owner in before if owner in after and owner[0] not in uuids(items[-3:])} == {
        owner: vector for owner, vector in before.items() if owner[0] not in uuids(items[-3:]) or owner[1] is not None
    } | {owner: after[owner] for owner in after if owner[0] in uuids(items[-3:]) and owner[1] is not None}
    assert_found(lake)
    assert {path.name.partition(".")[0] for path in lake.vectors.rows.folder.iterdir()} == {
        Path(status.file).stem for status in lake.vectors.status()
    }


def uuids(items):
    return {item.uuid for item in items}


def assert_found(lake):
    """Every vector finds its owner, and no other one is as near."""
    for (uuid, number), vector in kept(lake).items():
        page = lake.search(like=np.frombuffer(vector, np.float32), limit=2)
        assert page.rows[0].uuid == uuid
        assert (page.matches[0].frame.number if page.matches[0].frame else None) == number
        assert page.matches[0].score == pytest.approx(1, abs=1e-6)
