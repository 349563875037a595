"""Ctrl-C ends every wait of the main thread, whichever thread the signal reaches, and is not lost in SQL functions."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pytest

import heron
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


def test_ctrl_c_within_a_function_of_sql_stays_what_it_is(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        pressed = []

        def press(value):
            if not pressed:
                pressed.append(value)
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)
            return value

        workspace._database.define("pressing", 1, press)
        with pytest.raises(KeyboardInterrupt):
            workspace._database.rows("SELECT pressing(1)")
        assert workspace._database.value("SELECT pressing(2)") == 2
        workspace.registration.register([NewItem("s3://b/1", MediaFacts("image", "x/y"))], "A")
