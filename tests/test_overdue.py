"""Calls of plugins end in time in threads and in programs of others too, or are named."""

import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

import heron
from heron import deadline, overdue
from heron.errors import MediaError, PluginError, PluginWarning
from heron.hooks.door import Stranger, guarded
from heron.hooks.loading import LOADING

WHO = Stranger("decoder slow (plugin slow of slow)")


@pytest.fixture
def limit(monkeypatch):
    def set_to(seconds):
        monkeypatch.setenv("HERON_PLUGIN_SECONDS", str(seconds))

    return set_to


def spin(seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "came back"


@pytest.fixture
def lake(tmp_path):
    """A workspace whose plugin does, when it hears of items, what the test says."""
    does = []

    class Listening:
        @heron.hookimpl
        def items_imported(self, items):
            does[0]()

    (tmp_path / "a.txt").write_text("words")
    with heron.open(tmp_path, plugins=[Listening()], discover=False) as workspace:
        yield workspace, does


def imported(workspace):
    return workspace.ingest.files([workspace.root / "a.txt"], folder="A")


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_plugin_that_never_ends_costs_its_call_in_a_program(lake, limit, in_thread):
    workspace, does = lake
    does.append(spin)
    limit(0.1)
    if in_thread:
        with ThreadPoolExecutor(1) as pool:
            report = pool.submit(imported, workspace).result(timeout=30)
    else:
        report = imported(workspace)
    assert report.added == 1
    [problem] = report.problems
    assert "items_imported failed: it took more than 0.1 s" in problem.reason
    assert problem.reason.startswith("plugin ")


def test_code_that_cannot_be_ended_is_named_and_ends_once_it_is_back(limit):
    limit(0.02)
    said = r"^probe of decoder slow .*more than 0\.02 s and cannot be ended"
    ended = r"a\.x: .*slow.* failed in probe: it took more than 0\.02 s"
    with (
        pytest.warns(PluginWarning, match=said),
        pytest.raises(MediaError, match=ended),
        guarded(WHO, "probe", "a.x", MediaError),
    ):
        time.sleep(0.3)
        spin()


def test_who_waits_for_a_load_that_cannot_be_ended_is_told(limit, monkeypatch):
    monkeypatch.setattr("heron.hooks.alone._LOOK", 0.02)
    limit(0.02)
    inside, free = threading.Event(), threading.Event()

    def hang():
        with LOADING, pytest.raises(PluginError), guarded(WHO, "load", "it", PluginError):
            inside.set()
            while not free.wait(0.5):  # an exception ends the wait only when it is over
                pass

    with warnings.catch_warnings(), ThreadPoolExecutor(1) as pool:
        warnings.simplefilter("ignore", PluginWarning)
        hanging = pool.submit(hang)
        inside.wait()
        with (
            pytest.raises(PluginError, match=r"load of decoder slow .*so no plugin can be loaded here"),
            LOADING,
        ):
            pass
        free.set()
        hanging.result(timeout=30)
    with LOADING:
        assert not overdue._calls


def test_time_of_a_call_within_another_does_not_count_for_that(limit):
    limit(0.15)
    with deadline.limited("outer"):
        for _ in range(2):
            with deadline.limited("inner"):
                spin(0.1)
        spin(0.05)
    with pytest.raises(deadline.TookTooLong, match=r"0\.15 s"), deadline.limited("outer"):
        with deadline.limited("inner"):
            pass
        spin()


def test_steps_of_ours_take_none_of_the_time_of_a_plugin(limit):
    limit(0.1)
    ours = deadline.begun_anew(lambda: spin(0.2))
    with deadline.limited("an exporter"):
        assert [ours(), ours()] == ["came back", "came back"]
    assert not overdue._calls


def test_an_end_that_was_interrupted_is_made_up_for():
    """By ending the call again, or the one around it, whose exception came before the call within was known."""
    outer = overdue.begin(60, deadline.TookTooLong, "outer")
    overdue.begin(60, deadline.TookTooLong, "inner")
    overdue.end(outer)
    assert not overdue._calls
    call = overdue.begin(60, deadline.TookTooLong, "a call")
    call.is_over = True
    overdue.end(call)
    overdue.end(call)
    assert not overdue._calls


def test_a_profiled_function_goes_on_after_a_call_that_took_too_long(limit):
    """CPython must not be left believing that an exception waits: it loops for ever then where functions are profiled."""
    program = (
        "import sys, time, heron.overdue as overdue\n"
        "from heron import deadline\n"
        "call = overdue.begin(0.3, deadline.TookTooLong, 'a call')\n"
        "try:\n"
        "    while True: time.sleep(0)\n"
        "except deadline.TookTooLong:\n"
        "    overdue.end(call)\n"
        "sys.setprofile(lambda *given: None)\n"
        "(lambda: 1)()\n"
        "print('came back')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "came back\n", done.stderr


def test_nothing_rings_after_a_call(limit):
    """Calls that end as their time does: each is ended or not, and what comes after it never is."""
    limit(0.02)
    ended = 0

    def many():
        nonlocal ended
        for step in range(60):
            try:
                with guarded(WHO, "probe", "a", MediaError):
                    spin(0.014 + step % 8 * 0.002)
            except MediaError:
                ended += 1
            spin(0.001)

    with warnings.catch_warnings(), ThreadPoolExecutor(2) as pool:
        warnings.simplefilter("ignore", PluginWarning)
        for done in [pool.submit(many) for _ in range(2)]:
            done.result(timeout=60)
    assert ended and not overdue._calls
