"""kill -9 between any two steps of whatever changes vectors: what was reported is kept, the rest is whole or absent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from heron.models import MediaFacts, NewItem
from tests.killed import copied_before_each, killed_before
from tests.toy_vectors import SIZE, assert_sound, faults, items_of, kept, lake_in, opened, some

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def new(numbers):
    return [
        NewItem(
            f"s3://lake/new{n}",
            MediaFacts("image", "image/x"),
            metadata={"look": some(1, 50 + n)[0].tolist()},
        )
        for n in numbers
    ]


WORKS = {
    "put": [
        lambda lake: lake.vectors.add("look", items_of(lake)[6:], some(7, 1)),
        lambda lake: lake.vectors.add("look", items_of(lake)[3:9], some(6, 2)),
        lambda lake: lake.vectors.add("look", lake.frames.list(items_of(lake)[-1]), some(3, 3)),
    ],
    "first": [
        lambda lake: lake.vectors.delete("look"),
        lambda lake: lake.vectors.add("look", items_of(lake)[:4], some(4, 1)),
        lambda lake: lake.vectors.refresh("look"),
    ],
    "compact": [
        lambda lake: lake.vectors.add("look", items_of(lake)[3:9], some(6, 2)),
        lambda lake: lake.vectors.compact("look"),
        lambda lake: lake.vectors.add("look", items_of(lake)[9:], some(4, 3)),
    ],
    "refresh": [
        lambda lake: lake.vectors.add("look", items_of(lake), some(13, 1)),
        lambda lake: lake.vectors.refresh("look"),
    ],
    "delete": [
        lambda lake: lake.items.delete(items_of(lake)[2:4]),
        lambda lake: lake.frames.delete(items_of(lake)[-1], [1]),
        lambda lake: lake.vectors.remove("look", items_of(lake)[:1]),
        lambda lake: lake.folders.delete("B"),
    ],
    "repair": [lambda lake: lake.vectors.verify("look", repair=True)],
    "register": [lambda lake, n=n: lake.registration.register(new(range(n, n + 4)), "A") for n in (0, 4)],
}

CHANGES = ("write", "truncate", "flush", "fsync", "replace", "unlink", "open", "execute", "executemany")
"""Calls that change files, if they do not read."""


def is_change(frame, function):
    """Whether a call is more than reading, replacing in a text, or leaving word of who writes."""
    if function.__name__ not in CHANGES:
        return False
    values = frame.f_locals
    is_text = isinstance(getattr(function, "__self__", None), str)
    is_word = str(values.get("self")).endswith("writer.json")
    is_reading = str(values.get("sql")).startswith("SELECT") or values.get("mode") in ("r", "rb")
    return not (is_text or is_word or is_reading)


def do(name, folder, report):
    """Do the work, and tell of each part that is done."""
    with opened(folder) as lake:
        for part in WORKS[name]:
            part(lake)
            report(lake)


def named(lake):
    """What is kept, by names that are the same in every copy of a lake."""
    urls = {item.uuid: item.url for item in items_of(lake)}
    return {f"{urls[uuid]} {frame}": vector for (uuid, frame), vector in kept(lake).items()}


def look(folder):
    with opened(folder) as lake:
        return named(lake)


def check(name, folder, states, reported):
    """What was reported is there; what was under way is there whole or not at all; and all goes on."""
    with opened(folder) as lake:
        if name == "repair":
            lake.vectors.verify("look", repair=True)
        found = named(lake)
        assert found in states[reported : reported + 2]
        assert not found or faults(lake) == []
        assert_sound(lake)


@pytest.fixture
def base(tmp_path, name):
    """A lake before the work, and what is kept in it."""
    folder = lake_in(tmp_path / "base", "float16" if name == "compact" else "float32")
    found = look(folder)
    if name == "repair":
        [matrix] = (folder / ".heron" / "vectors").glob("*.f32")
        os.truncate(matrix, 4 * SIZE * 7 + 9)
        found = dict(list(found.items())[:7])
    return folder, found


@pytest.mark.parametrize("name", WORKS)
def test_being_killed_at_any_step_loses_nothing_that_was_reported(tmp_path, base, name):
    folder, found = base
    states = [found]
    shutil.copytree(folder, tmp_path / "once")
    do(name, tmp_path / "once", lambda lake: states.append(named(lake)))
    with copied_before_each(is_change, folder, tmp_path / "left") as left:

        def report(lake):
            left.reported += 1

        do(name, folder, report)
    assert len(left.at) > 50
    for copy, reported in left.copies:
        check(name, copy, states, reported)


def sizes(folder):
    """The files of a lake, and their sizes."""
    paths = [path for path in Path(folder).rglob("*") if path.is_file()]
    return sorted((str(path.relative_to(folder)), path.stat().st_size) for path in paths)


def kill_some(folder):
    """Copy a folder before each step of a work, and kill children before some of these steps; print in which folders they worked."""
    base = lake_in(folder / "base")
    for name in ("once", "copied"):
        shutil.copytree(base, folder / name)
    do("put", folder / "once", lambda lake: None)
    with copied_before_each(is_change, folder / "copied", folder / "left") as left:
        do("put", folder / "copied", lambda lake: None)
    for step in range(0, len(left.at), 24):
        shutil.copytree(base, killed := folder / f"killed{step}")
        if not (child := os.fork()):
            with killed_before(step, is_change):
                do("put", killed, lambda lake: None)
            os._exit(0)
        print(os.waitpid(child, 0)[1], killed, left.at[step])


def test_a_copy_shows_what_a_kill_leaves(tmp_path):
    command = [sys.executable, "-m", "tests.test_vector_crashes", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    statuses, killed, copies = zip(*map(str.split, done.stdout.splitlines()), strict=True)
    assert set(statuses) == {"9"}
    assert [*map(sizes, killed)] == [*map(sizes, copies)]
    found, shown = ([look(place) for place in places] for places in (killed, copies))
    assert found == shown
    assert len(found) > 5
    assert any(each != found[0] for each in found)


if __name__ == "__main__":
    kill_some(Path(sys.argv[1]))
