"""Vectors and kill -9, damaged files, restored catalogues, and several processes at once: nothing is lost or mixed up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

import heron
from heron.models import MediaFacts, NewItem
from tests.toy_vectors import SIZE, kept, register, some

ITEMS = 12
ROOT = Path(__file__).parents[1]


def opened(folder):
    return heron.open(folder, discover=False)


def made(folder, dtype="float32"):
    """A lake of twelve items, half of which have vectors, and a video with three frames that have some."""
    with opened(folder) as lake:
        lake.schema.add("look", "embedding", size=SIZE, dtype=dtype)
        items = register(lake, ITEMS)
        [video] = register(lake, 1, "B", kind="video", frames=3)
        lake.vectors.add("look", [*items[:6], *lake.frames.list(video)], some(9))
        lake.vectors.refresh("look")
    return folder


def items_of(lake):
    return list(lake.items.list())


def assert_sound(lake):
    """Nothing is wrong, each vector finds its owner and no other; and all goes on: more are added, and compacted."""
    before = kept(lake)
    assert not before or lake.vectors.verify("look", deep=True) == []
    items = items_of(lake)[:3]
    lake.vectors.add("look", items, some(3, seed=99))
    expected = before | {
        (i.uuid, None): v.tobytes() for i, v in zip(items, lake_rounded(lake, some(3, seed=99)))
    }
    lake.vectors.compact("look")
    assert kept(lake) == expected
    assert lake.vectors.verify("look", deep=True) == []
    assert_found(lake)
    [status] = lake.vectors.status()
    assert {path.name.partition(".")[0] for path in lake.vectors.rows.folder.iterdir()} == {
        Path(status.file).stem
    }


def lake_rounded(lake, vectors):
    """Vectors as the lake keeps them."""
    [status] = lake.vectors.status()
    return vectors.astype(status.dtype).astype(np.float32)


def assert_found(lake):
    """Vectors, if not all of them, are nearest to themselves."""
    for (uuid, number), vector in list(kept(lake).items())[-4:]:
        page = lake.search(like=np.frombuffer(vector, np.float32), limit=1)
        frame = page.matches[0].frame
        assert (page.rows[0].uuid, frame.number if frame else None) == (uuid, number)
        assert page.matches[0].score == pytest.approx(1, abs=1e-6)


# Killed between any two steps: this file is also the script that does the work, in children that it kills


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

CHANGES = {
    "write",
    "truncate",
    "flush",
    "fsync",
    "replace",
    "unlink",
    "open",
    "execute",
    "executemany",
    "close",
}


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
        except BaseException as error:
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


def check(name, folder, states, reported):
    """What was reported is there; what was under way is there whole or not at all; and all is sound."""
    with opened(folder) as lake:
        if name == "repair":
            lake.vectors.verify("look", repair=True)
        assert named(lake) in states[reported : reported + 2]
        assert_sound(lake)


def stop_everywhere(name, folder):
    """Do the work in children that are killed, each a step later, until one comes to its end; check what each left."""
    base = made(folder / "base", "float16" if name == "compact" else "float32")
    with opened(base) as lake:
        states = [named(lake)]
    if name == "repair":
        [matrix] = (base / ".heron" / "vectors").glob("*.f32")
        os.truncate(matrix, 4 * SIZE * 7 + 9)
        states = [dict(list(states[0].items())[:7])]
    shutil.copytree(base, folder / "whole")
    do(name, folder / "whole", lambda lake, number: states.append(named(lake)))
    report = os.open(folder / "report", os.O_RDWR | os.O_CREAT)
    for step in count():
        os.truncate(report, 0)
        shutil.copytree(base, folder / f"{step}")
        work = lambda: do(name, folder / f"{step}", lambda lake, number: os.truncate(report, number), step)  # noqa: B023, E731
        status = in_child(work)
        assert status in (0, 9), (step, status)
        reported = os.fstat(report).st_size
        assert in_child(lambda: check(name, folder / f"{step}", states, reported)) == 0, (name, step)  # noqa: B023
        shutil.rmtree(folder / f"{step}")
        if not status:
            return step


@pytest.mark.parametrize("name", WORKS)
def test_being_killed_between_any_two_steps_loses_nothing_that_was_reported(tmp_path, name):
    command = [sys.executable, "-m", "tests.test_vector_crashes", name, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


# Files that are not what they were


def matrix_of(lake):
    [status] = lake.vectors.status()
    return Path(status.file)


def nearest(lake, query, limit=50):
    """What a search finds, as UUID, number of the frame, and score; checked against all that the lake can give back."""
    page = lake.search(like=query, limit=limit)
    for item, match in zip(page, page.matches, strict=True):
        thing = match.frame or item
        assert match.score == pytest.approx(cosines([lake.vectors.get("look", thing)], query)[0], abs=1e-5)
    return [item.uuid for item in page]


@pytest.fixture
def folder(tmp_path):
    return made(tmp_path / "lake")


@pytest.mark.parametrize("left", [4 * SIZE * 7, 4 * SIZE * 2 + 1, 3, 0, None])
def test_a_matrix_cut_short_is_told_of_searched_as_far_as_it_goes_and_healed(folder, left):
    with opened(folder) as lake:
        before, matrix, items = kept(lake), matrix_of(lake), items_of(lake)
    matrix.unlink() if left is None else os.truncate(matrix, left)
    there = (left or 0) // (4 * SIZE)
    with opened(folder) as lake:
        [status] = lake.vectors.status()
        assert (status.vectors, status.missing) == (9, 9 - there)
        found = {item.uuid for item in lake.search(like=some(1)[0])}
        assert found == {uuid for uuid, _ in list(before)[:there]}
        if there < 6:
            with pytest.raises(CatalogueError, match=f"cut short: it has {there} of {there + 1}|verify"):
                lake.vectors.get("look", items[there])
        with pytest.raises(
            CatalogueError, match=f"cut short: it has {there} of 9 vectors .see heron vectors verify"
        ):
            kept(lake)
        with pytest.raises(CatalogueError, match="cut short"):
            lake.vectors.add("look", items[:1], some(1))
        sentence = f"{matrix} is cut short: it holds {there} of 9 vectors"
        assert lake.vectors.verify("look")[0] == sentence
        assert lake.vectors.verify("look", repair=True)[0] == f"{sentence}, the others were forgotten"
        assert kept(lake) == dict(list(before.items())[:there])
        assert_sound(lake)


def test_a_matrix_longer_than_the_table_says_has_no_more_vectors_for_it(folder):
    with opened(folder) as lake, matrix_of(lake).open("ab") as stream:
        before = kept(lake)
        stream.write(some(5, seed=5).tobytes() + b"odd")
        stream.flush()
        assert (kept(lake), lake.vectors.verify("look", deep=True)) == (before, [])
        assert len(nearest(lake, some(5, seed=5)[0])) == 7
        assert_sound(lake)


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


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("is_last_gone", [False, True])
def test_a_restored_catalogue_with_newer_files_never_gives_a_wrong_neighbour(
    folder, history, is_last_gone, monkeypatch
):
    monkeypatch.setattr("heron.catalog.vector_sets._TAIL", 0)  # each opening leaves caches behind
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
                lake.vectors.get("look", uuid) if lake.vectors.get("look", uuid) is not None else some(1)[0],
            )
        assert_sound(lake)


# Several processes at once. Item n has vectors near axis n, so that a wrong owner shows


def near(axes, seed):
    return np.eye(SIZE, dtype=np.float32)[axes] + some(len(axes), seed) * np.float32(0.02)


def read(lake, items, end):
    """Search, and look at everything, until the time is over; returns how often."""
    times = 0
    while time.time() < end:
        axis = times % len(items)
        page = lake.search(like=np.eye(SIZE)[axis], limit=3)
        assert page.rows[0].uuid == items[axis].uuid, (axis, page.matches)
        assert page.matches[0].score > 0.9
        assert lake.vectors.get("look", items[axis])[axis] > 0.7
        if times % 5 == 0:
            whole = {uuid: np.frombuffer(vector, np.float32) for (uuid, _), vector in kept(lake).items()}
            assert [int(whole[item.uuid].argmax()) for item in items] == list(range(len(items)))
            assert lake.vectors.verify("look", deep=True) == []
        times += 1
    return times


def write(lake, items, end, seed):
    """Replace, roll back, refresh and compact until the time is over; returns how often."""
    times = 0
    while time.time() < end:
        random = np.random.default_rng([seed, times])
        axes = random.permutation(len(items))[: random.integers(1, len(items))]
        lake.vectors.add("look", [items[axis] for axis in axes], near(axes, [seed, times]))
        with pytest.raises(ZeroDivisionError), lake.database.write():
            lake.vectors.add("look", items, near(range(len(items))[::-1], 1))
            1 / 0  # noqa: B018
        lake.vectors.refresh("look")
        if times % 3 == 2:
            lake.vectors.compact("look")
        times += 1
    return times


@pytest.mark.parametrize("writers", [1, 2])
def test_readers_and_writers_do_not_get_in_each_others_way(tmp_path, writers):
    with opened(tmp_path / "lake") as lake:
        lake.schema.add_embedding("look", SIZE)
        items = register(lake, SIZE)
        lake.vectors.add("look", items, near(range(SIZE), 0))
    end = time.time() + 4
    jobs = [("read", 0), *(("write", seed) for seed in range(1, writers + 1))]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.test_vector_crashes", job, str(tmp_path / "lake"), str(end), str(seed)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for job, seed in jobs
    ]  # fmt: skip
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        assert int(out) > 5
    with opened(tmp_path / "lake") as lake:
        assert read(lake, items, time.time() + 0.1)
        [status] = lake.vectors.status()
        assert status.vectors == SIZE


def main(job, folder, *more):

    if job in WORKS:
        return stop_everywhere(job, Path(folder))
    with opened(folder) as lake:
        items, end = items_of(lake), float(more[0])
        return read(lake, items, end) if job == "read" else write(lake, items, end, int(more[1]))


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
