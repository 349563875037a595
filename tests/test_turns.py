"""Turns of writers: who waits to write is not passed by a process that writes again and again."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

import heron
from heron.catalog import holder, turns
from heron.catalog.database import Database
from heron.catalog.turns import FILE, turn

WRITING = """
import sys, time
import heron
with heron.open(sys.argv[1], discover=False) as workspace:
    print("ready", flush=True)
    while True:
        with workspace._database.write():
            workspace._database.execute("UPDATE folders SET name = name")
            time.sleep(0.05)
"""


def writes(root, seconds):
    with closing(Database(root / ".heron", busy_seconds=seconds)) as database:
        begin = time.monotonic()
        with database.write():
            database.execute("UPDATE folders SET name = name")
        return time.monotonic() - begin


@pytest.fixture
def root(tmp_path):
    heron.open(tmp_path, discover=False).close()
    return tmp_path


@pytest.fixture
def hurried(monkeypatch):
    """A second is short: who waits says so at once, and asks often how far the other is."""
    monkeypatch.setattr(turns, "_MOMENT", 0.02)
    monkeypatch.setattr(turns, "_LONG", 0.02)
    monkeypatch.setattr(turns, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr(holder, "_EVERY", 0)


@pytest.mark.slow
def test_two_who_write_again_and_again_let_a_third_one_write(root):
    others = [
        subprocess.Popen([sys.executable, "-c", WRITING, root], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        assert [other.stdout.readline() for other in others] == ["ready\n"] * 2
        for _ in range(3):
            writes(root, 60)  # raises CatalogueBusy if it does not get its turn
    finally:
        for other in others:
            other.kill()
            other.communicate()
    assert writes(root, 60) < 30, "a killed process leaves no turn behind"


def test_one_who_waits_for_its_turn_says_so_once(root, hurried):
    told = []
    with (
        closing(Database(root / ".heron")) as busy,
        busy.write(),
        turn(root / ".heron", 60),
        closing(Database(root / ".heron", busy_seconds=0.3)) as other,
    ):
        other.waiting.tell = told.append
        with pytest.raises(heron.CatalogueBusy):
            other.execute("UPDATE folders SET name = name")
    assert len(told) == 1 and told[0].startswith("Waiting for ")


def test_one_who_does_not_get_its_turn_writes_if_sqlite_lets_it(root):
    with turn(root / ".heron", 60) as left:
        assert left > 30
        with turn(root / ".heron", 0.2) as none:
            assert none == 0
        assert writes(root, 0.3) >= 0.3


def test_the_time_at_the_turn_counts_as_waiting(root):
    with closing(Database(root / ".heron")) as busy, busy.write(), turn(root / ".heron", 1):
        begin = time.monotonic()
        with pytest.raises(heron.CatalogueBusy):
            writes(root, 0.5)
        assert 0.5 <= time.monotonic() - begin < 60


def test_a_link_in_the_place_of_the_file_is_not_followed_and_writing_works(root):
    (root / ".heron" / FILE).unlink(missing_ok=True)
    (root / ".heron" / FILE).symlink_to(root / "elsewhere")
    assert writes(root, 5) < 4
    assert not (root / "elsewhere").exists()


def test_who_gave_no_seconds_waits_as_long_as_the_other_gets_on(root, hurried, monkeypatch):
    monkeypatch.setattr(turns, "BUSY_SECONDS", 60)
    told, written = [], threading.Event()
    with closing(Database(root / ".heron")) as busy, closing(Database(root / ".heron")) as other:
        other.waiting._seconds = other._seconds = 0.1
        other.waiting.tell = told.append

        def write():
            other.execute("UPDATE folders SET name = name")
            written.set()

        thread = threading.Thread(target=write)
        with busy.write():
            busy.working("import 1, 20 of 40 files")
            thread.start()
            time.sleep(0.3)
            assert not written.is_set()
        thread.join()
    assert written.is_set(), "it waited three times as long as its seconds"
    assert len(told) == 1 and told[0].startswith("Waiting for ") and " of 40 files)" in told[0]


@pytest.mark.parametrize("given", [True, False])
def test_who_gave_seconds_or_whose_other_stands_still_is_refused(root, hurried, given):
    with closing(Database(root / ".heron")) as busy, closing(Database(root / ".heron")) as other:
        other.waiting._seconds = other._seconds = 0.1
        other.waiting._is_given = given
        with busy.write():
            busy.working("import 1, 5 of 40 files")
            with pytest.raises(heron.CatalogueBusy, match=r"for \d+ s: import 1, 5 of 40 files"):
                other.execute("UPDATE folders SET name = name")
        other.execute("UPDATE folders SET name = name")
    assert sorted(file.name for file in (root / ".heron").iterdir() if "writer" in file.name) == []


def test_a_thread_that_waits_for_nobody_leaves_the_others_their_patience(root):
    with closing(Database(root / ".heron", busy_seconds=30)) as database:
        waiting = database.waiting
        first, second = waiting.none(), waiting.none()
        with ThreadPoolExecutor(1) as other:
            first.__enter__()
            other.submit(second.__enter__).result()
            first.__exit__(None, None, None)
            assert waiting.seconds == 30
            assert other.submit(lambda: waiting.seconds).result() == 0
            other.submit(second.__exit__, None, None, None).result()
            assert other.submit(lambda: waiting.seconds).result() == 30
