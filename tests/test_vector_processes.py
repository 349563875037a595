"""Several processes over the same vectors. Item n has vectors near axis n, so that a wrong owner shows."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.children import end_of
from tests.toy_vectors import SIZE, faults, items_of, kept, opened, register, some

ROOT = Path(__file__).parents[1]


def near(axes, seed):
    return np.eye(SIZE, dtype=np.float32)[axes] + some(len(axes), seed) * np.float32(0.02)


def read(lake, items, end):
    """Search, and look at everything, until the time is over, and six times at least; returns how often."""
    times = 0
    while time.time() < end or times < 6:
        axis = times % len(items)
        page = lake.search(like=np.eye(SIZE)[axis], limit=3)
        assert page.rows[0].uuid == items[axis].uuid, (axis, page.matches)
        assert page.matches[0].score > 0.9
        assert lake.vectors.find("look", items[axis])[axis] > 0.7
        if times % 5 == 0:
            whole = {uuid: np.frombuffer(vector, np.float32) for (uuid, _), vector in kept(lake).items()}
            assert [int(whole[item.uuid].argmax()) for item in items] == list(range(len(items)))
            assert faults(lake) == []
        times += 1
    return times


def write(lake, items, end, seed):
    """Replace, roll back, refresh and compact until the time is over, and six times at least; returns how often."""
    times = 0
    while time.time() < end or times < 6:
        random = np.random.default_rng([seed, times])
        axes = random.permutation(len(items))[: random.integers(1, len(items))]
        lake.vectors.add("look", [items[axis] for axis in axes], near(axes, [seed, times]))
        with pytest.raises(ZeroDivisionError), lake._database.write():
            lake.vectors.add("look", items, near(range(len(items))[::-1], 1))
            1 / 0  # noqa: B018
        lake.vectors.refresh("look")
        if times % 3 == 2:
            lake.vectors.compact("look")
        times += 1
    return times


@pytest.mark.slow
@pytest.mark.parametrize("writers", [1, 2])
def test_readers_and_writers_do_not_get_in_each_others_way(tmp_path, writers):
    with opened(tmp_path / "lake") as lake:
        lake.schema.add_embedding("look", SIZE)
        items = register(lake, SIZE)
        lake.vectors.add("look", items, near(range(SIZE), 0))
    end = time.time() + 2
    jobs = [("read", 0), *(("write", seed) for seed in range(1, writers + 1))]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.test_vector_processes", job, str(tmp_path / "lake"), str(end), str(seed)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for job, seed in jobs
    ]  # fmt: skip
    for process in processes:
        out, err = end_of(process)
        assert (process.returncode, err) == (0, "")
        assert int(out) > 5
    with opened(tmp_path / "lake") as lake:
        assert read(lake, items, time.time() + 0.1)
        [status] = lake.vectors.status()
        assert status.vectors == SIZE


def test_what_is_read_in_the_midst_of_a_compaction_is_read_once_more(tmp_path):
    with opened(tmp_path / "lake") as lake, opened(tmp_path / "lake") as other:
        lake.schema.add_embedding("look", SIZE)
        items = register(lake, SIZE)
        lake.vectors.add("look", items, near(range(SIZE), 0))
        lake.vectors.remove("look", items[:5])
        rows, read_row = lake.vectors._rows, lake.vectors._rows.row_of

        def row_of(kept, owner):
            other.vectors._renewal.compact(kept)  # which leaves the old file for a moment
            return read_row(kept, owner)

        rows.row_of = row_of
        assert [int(lake.vectors.find("look", item).argmax()) for item in items[5:]] == list(range(5, SIZE))
        assert lake.search(like=np.eye(SIZE)[9], limit=1).rows[0].uuid == items[9].uuid


if __name__ == "__main__":
    job, folder, end, seed = sys.argv[1:]
    with opened(folder) as lake:
        items = items_of(lake)
        print(read(lake, items, float(end)) if job == "read" else write(lake, items, float(end), int(seed)))
