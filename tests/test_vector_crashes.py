"""kill -9 between any two steps of whatever changes vectors: what was reported is kept, the rest is whole or absent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from heron.models import MediaFacts, NewItem
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


def kill_at(step):
    """Die right before a call that may change something, the first, the second and so on; nothing cleans up."""
    left = [step]

    def look(frame, event, function):
        if event == "c_call" and function.__name__ in CHANGES and _changes(frame.f_locals, function):
            if not left[0]:
                os.kill(os.getpid(), 9)
            left[0] -= 1

    sys.setprofile(look)


def _changes(values, function):
    """Whether a call is more than reading, replacing in a text, or leaving word of who writes."""
    is_text = isinstance(getattr(function, "__self__", None), str)
    is_word = str(values.get("self")).endswith("writer.json")
    is_reading = str(values.get("sql")).startswith("SELECT") or values.get("mode") in ("r", "rb")
    return not (is_text or is_word or is_reading)


def in_child(work):
    """How a fork of this process ended: 0, or the signal, or more."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a fork must not go on as its parent does
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def do(name, folder, done, step=None):
    """Do the work, and call `done` with the number of parts that were reported as done."""
    with opened(folder) as lake:
        if step is not None:
            kill_at(step)
        for number, part in enumerate(WORKS[name], start=1):
            part(lake)
            done(lake, number)
        sys.setprofile(None)


def named(lake):
    """What is kept, by names that are the same in every copy of a lake."""
    urls = {item.uuid: item.url for item in items_of(lake)}
    return {f"{urls[uuid]} {frame}": vector for (uuid, frame), vector in kept(lake).items()}


def check(name, folder, states, reported, whole):
    """What was reported is there; what was under way is there whole or not at all; and with `whole` all goes on."""
    with opened(folder) as lake:
        if name == "repair":
            lake.vectors.verify("look", repair=True)
        found = named(lake)
        assert found in states[reported : reported + 2]
        assert not found or faults(lake) == []
        if whole:
            assert_sound(lake)


def stop_everywhere(name, folder):
    """Do the work in children that are killed, each two steps later, until one comes to its end; check what each left."""
    base = lake_in(folder / "base", "float16" if name == "compact" else "float32")
    with opened(base) as lake:
        states = [named(lake)]
    if name == "repair":
        [matrix] = (base / ".heron" / "vectors").glob("*.f32")
        os.truncate(matrix, 4 * SIZE * 7 + 9)
        states = [dict(list(states[0].items())[:7])]
    shutil.copytree(base, folder / "whole")
    do(name, folder / "whole", lambda lake, number: states.append(named(lake)))
    report = os.open(folder / "report", os.O_RDWR | os.O_CREAT)
    for step in count(0, 2):
        os.truncate(report, 0)
        shutil.copytree(base, folder / f"{step}")
        work = lambda: do(name, folder / f"{step}", lambda lake, number: os.truncate(report, number), step)  # noqa: B023, E731
        status = in_child(work)
        assert status in (0, 9), (step, status)
        found = (os.fstat(report).st_size, step % 6 == 0 or not status)
        assert in_child(lambda: check(name, folder / f"{step}", states, *found)) == 0, (name, step)  # noqa: B023
        shutil.rmtree(folder / f"{step}")
        if not status:
            break
    return step


@pytest.mark.parametrize("name", WORKS)
def test_being_killed_at_any_second_step_loses_nothing_that_was_reported(tmp_path, name):
    command = [sys.executable, "-m", "tests.test_vector_crashes", name, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


if __name__ == "__main__":
    import heron.vectors.space  # noqa: F401 - once, and not in each child

    print(stop_everywhere(sys.argv[1], Path(sys.argv[2])))
