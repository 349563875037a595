"""Ctrl-C ends every wait of the main thread, whichever thread the signal reaches, and is not lost in SQL functions."""

import _thread
import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import Future

import pytest

import heron
from heron.cli.ctrl_c import never_lost
from heron.errors import CatalogueError
from heron.interrupts import join, left_to_this_process, wait_until_done, wait_until_set
from heron.models import MediaFacts, NewItem


def press_after(seconds):
    """Send the signal to another thread than the main one, as the kernel may do."""

    def press():
        time.sleep(seconds)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def a_long_thread():
    thread = threading.Thread(target=time.sleep, args=(600,), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "wait",
    [
        lambda: wait_until_done(Future()),
        lambda: join(a_long_thread()),
        lambda: wait_until_set(threading.Event(), 600),
    ],
    ids=["task", "thread", "event"],
)
def test_a_signal_that_reaches_another_thread_ends_the_wait(wait):
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        press_after(0.3)
        wait()
    assert time.monotonic() - begin < 60


def test_waits_end_by_themselves():
    done = Future()
    done.set_result(3)
    assert wait_until_done(done)
    assert not wait_until_done(Future(), lambda: True)
    event = threading.Event()
    event.set()
    wait_until_set(event, 20)
    wait_until_set(threading.Event(), 0.01)


@pytest.mark.parametrize("thread", ["main", "another"])
def test_ctrl_c_while_processes_start_comes_when_they_have_started(thread):
    """And they do not get it themselves: the signal is blocked before their first instruction."""
    asking = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    said, begun = [], threading.Event()
    if thread == "another":

        def press():
            begun.wait()
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)

        threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt), left_to_this_process():
        if thread == "main":
            os.kill(os.getpid(), signal.SIGINT)
        begun.set()
        said.append(subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True).stdout)
    assert said == ["True\n"]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with left_to_this_process():
        pass


def test_ctrl_c_that_is_ignored_stays_ignored_while_processes_start():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with left_to_this_process():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


STARTING = """
import sys

class Pressing:
    def find_spec(self, name, *about):
        if name == "click":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Pressing())
from heron.cli.program import run
run()
"""


def test_ctrl_c_while_the_program_starts_is_one_line():
    done = subprocess.run([sys.executable, "-c", STARTING], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "Error: interrupted\n")


class PressedAtTheEnd:
    """Ctrl-C comes while the object is removed, as it may when the garbage collector runs."""

    def __init__(self, times=1):
        self.times = times

    def __del__(self):
        for _ in range(self.times):
            os.kill(os.getpid(), signal.SIGINT)
            wait_until_set(threading.Event(), 60)


def in_del():
    PressedAtTheEnd()


def in_the_callback_of_a_weak_reference():
    thing = PressedAtTheEnd(0)
    kept = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
    assert kept() is None


def in_a_callback_of_the_garbage_collector():
    def collecting(phase, info):
        gc.callbacks.remove(collecting)
        os.kill(os.getpid(), signal.SIGINT)
        wait_until_set(threading.Event(), 60)

    gc.callbacks.append(collecting)
    gc.collect()


def in_a_generator_that_is_removed():
    def generator():
        try:
            yield 1
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            wait_until_set(threading.Event(), 60)

    next(generator())


def in_a_callback_of_c():
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def compare(one, other):
        os.kill(os.getpid(), signal.SIGINT)
        wait_until_set(threading.Event(), 60)
        return 0

    ctypes.CDLL(None).qsort((ctypes.c_int * 2)(2, 1), 2, ctypes.sizeof(ctypes.c_int), kind(compare))


SWALLOWING = [
    in_del,
    in_the_callback_of_a_weak_reference,
    in_a_callback_of_the_garbage_collector,
    in_a_generator_that_is_removed,
    in_a_callback_of_c,
]


@pytest.mark.parametrize("press", SWALLOWING, ids=lambda press: press.__name__)
def test_ctrl_c_where_python_ignores_it_comes_once_more(press, capsys):
    hook = sys.unraisablehook
    after = []
    with pytest.raises(KeyboardInterrupt), never_lost():
        press()
        after.append(1)
        wait_until_set(threading.Event(), 60)
        after.append(2)
    assert 2 not in after
    assert sys.unraisablehook is hook
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_that_is_ignored_at_the_very_end_comes_before_the_context_is_left():
    with pytest.raises(KeyboardInterrupt), never_lost():
        in_del()


def test_ctrl_c_may_be_pressed_many_times_where_python_ignores_it():
    with pytest.raises(KeyboardInterrupt), never_lost():
        things = [PressedAtTheEnd() for _ in range(20)]
        del things[:]  # each is removed, whatever happens in the others
        wait_until_set(threading.Event(), 60)


def test_what_else_python_ignores_goes_to_the_former_hook(monkeypatch):
    class Failing:
        def __init__(self, error):
            self.error = error

        def __del__(self):
            raise self.error

    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: seen.append(unraisable.exc_type))
    with never_lost():
        Failing(OSError())
        Failing(SystemExit())
        other = threading.Thread(target=lambda: Failing(KeyboardInterrupt()))
        other.start()
        other.join()
    assert seen == [OSError, SystemExit, KeyboardInterrupt]


def test_other_threads_leave_the_hook_alone():
    hook, seen = sys.unraisablehook, []

    def look():
        with never_lost():
            seen.append(sys.unraisablehook)

    other = threading.Thread(target=look)
    other.start()
    other.join()
    assert seen == [hook]


IGNORING = """
import os, signal, sys, time, weakref

class Thing:
    pass

def pressed(_):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

module = sys.argv.pop()
class Pressing:
    done = False
    def find_spec(self, name, *about):
        if name == module and not self.done:
            self.done = True
            thing = Thing()
            self.kept = weakref.ref(thing, pressed)
            del thing
            time.sleep(600)

sys.meta_path.insert(0, Pressing())
from heron.cli.program import run
run()
"""


@pytest.mark.parametrize(
    ("module", "hint"), [("click", ""), ("heron.cli.init", " (heron imports shows what was kept)")]
)
def test_ctrl_c_that_python_ignores_ends_the_program_with_one_line(module, hint, tmp_path):
    """As the removal of the lock of a module does, which every import has."""
    command = [sys.executable, "-c", IGNORING, "init", str(tmp_path / "lake"), module]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", f"Error: interrupted{hint}")


def test_ctrl_c_within_a_function_of_sql_stays_what_it_is(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        pressed = []

        def press(value):
            if not pressed:
                pressed.append(value)
                os.kill(os.getpid(), signal.SIGINT)
                wait_until_set(threading.Event(), 60)
            return value

        workspace._database.define("pressing", 1, press)
        with pytest.raises(KeyboardInterrupt):
            workspace._database.rows("SELECT pressing(1)")
        assert workspace._database.value("SELECT pressing(2)") == 2
        workspace.registration.register([NewItem("s3://b/1", MediaFacts("image", "x/y"))], "A")


def test_ctrl_c_before_a_function_of_sql_has_begun_stays_what_it_is(workspace):
    """Most signals come while SQLite works, and Python raises them at the first instruction of the next function."""
    database = workspace._database
    database.connection.create_function("pressed", 0, _thread.interrupt_main)  # which no frame of Python runs
    for read in (database.rows, database.value, database.execute):
        with pytest.raises(KeyboardInterrupt):
            read("SELECT pressed(), kept('file:///a'), kept('file:///b')")
    assert database.value("SELECT located('s3://b/1')") == "s3://b/1"


def test_an_error_of_a_function_of_sql_is_no_ctrl_c(workspace):
    workspace._database.define("failing", 0, lambda: 1 / 0)
    for _ in range(2):
        with pytest.raises(CatalogueError):
            workspace._database.value("SELECT failing()")
