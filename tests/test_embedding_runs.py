"""Runs of embedders that are killed, or large: this file is also the script of the process that is killed, or measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import heron
from heron.models import NewItem, Query
from tests.test_embedding import lake, levels, model, paint  # noqa: F401 - fixtures
from tests.toy_vectors import ColourModel, Colours

ROOT = Path(__file__).parents[1]


def script(folder, *arguments):
    command = [sys.executable, "-m", "tests.test_embedding_runs", str(folder), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 5, 9, 14])
def test_a_run_that_was_killed_goes_on_where_it_was(lake, model, tmp_path, after):
    items = paint(lake, tmp_path / "in", 20)
    assert script(tmp_path / "lake", after).returncode == -9
    there = sum(level is not None for level in levels(lake, items))
    assert there >= after - 4 - 4  # what waits to be kept, and the batch
    assert lake.vectors.status() == [] or there == 0 or lake.vectors.verify("colour", deep=True) == []
    report = lake.embed("colour")
    assert (report.embedded, report.skipped, model.seen) == (20 - there, there, 20 - there)
    assert levels(lake, items) == list(range(20))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_pictures(lake, tmp_path):
    [item] = paint(lake, tmp_path / "in", 1, size=(512, 512))
    lake.registration.register([NewItem(item.url, item.facts)] * 399, "B")
    done = script(tmp_path / "lake", "measure")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200  # all pictures together have 314


class Dying(ColourModel):
    """Dies after so many pictures."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def embed_images(self, images):
        if self.seen >= self.after:
            os.kill(os.getpid(), 9)
        return super().embed_images(images)


class Slow(ColourModel):
    """Takes longer than decoding does."""

    def embed_images(self, images):
        time.sleep(0.01)
        return super().embed_images(images)


def main(folder, task):
    import resource

    from heron.embedding import run

    run._KEPT = 4
    if task != "measure":
        with heron.open(folder, plugins=[Colours(Dying(int(task)))], discover=False) as lake:
            lake.embed("colour")
        return
    with heron.open(folder, plugins=[Colours(Slow(), picture_size=512)], discover=False) as lake:
        lake.embed("colour", Query(limit=5))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert lake.embed("colour").embedded == 395
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
