"""What reads files survives the crash of a decoder: it runs in a child of the program, which goes on where the child crashed.

Linux alone tells who sent a signal, and ends a child with its parent: elsewhere, `heron imports resume` does the same by hand.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from attrs import frozen

if TYPE_CHECKING:
    from heron.cli.context import Context
    from heron.jobs import ImportJob
    from heron.workspace import Workspace

_CRASHES = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV")
"""Signals by which the system or a library ends a process that has gone wrong."""

_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_END_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

_MOMENT = 0.05
"""The seconds within which one Ctrl-C reaches all processes of a group."""

_is_program = False


@frozen
class Crash:
    """The process that crashed, as jobs name it, and the name of the signal that ended it."""

    mark: str
    signal: str


def is_program() -> None:
    """Say that this process is the program `heron` from its beginning to its end, so that it may have such a child."""
    global _is_program
    _is_program = True


def survived(*, nested: bool) -> Crash | None:
    """Go on in a child process, and return None there; here, end as the child ends, or return its crash.

    Returns None at once, without a child, within another program or command, and where threads run, which a child would lack.
    """
    if not _is_program or nested or sys.platform != "linux" or len([*Path("/proc/self/task").iterdir()]) > 1:
        return None
    from heron.catalog.holder import mark_of

    passed = {getattr(signal, name) for name in _PASSED_ON}
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, passed | {signal.SIGCHLD})
    parent = os.getpid()
    heard, tell = os.pipe()
    for end in (heard, tell):
        os.set_blocking(end, False)
    child = os.fork()
    if not child:
        os.close(heard)
        signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
        _end_with_parent(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return None
    mark = mark_of(child)
    os.close(tell)
    status = _waited(child, passed, heard)
    os.close(heard)
    ended_by = signal.Signals(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else None
    if ended_by is None:
        os._exit(os.waitstatus_to_exitcode(status))  # the child has closed and flushed everything
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if ended_by.name not in _CRASHES:
        _end_by(ended_by)
    return Crash(mark, ended_by.name)


def in_children(context: Context) -> None:
    """Go on in a child; if it crashes, in another one, in which no decoder runs. For commands that keep what they have done."""
    crash = survived(nested=context.is_nested)
    if crash is None:
        return
    from heron.cli.tables import say

    text = f"The process ended by {crash.signal}: what is left is done with the decoders in processes of their own"
    say(text, err=True, fg="yellow")
    again = survived(nested=context.is_nested)
    if again is not None:
        end_by(again)
    context.plugins().isolates_all = True


def left_by(workspace: Workspace, crash: Crash) -> tuple[list[ImportJob], ImportJob]:
    """The imports that the crashed process has finished, and the one in which it crashed; without any, this process ends in the same way."""
    jobs = workspace.imports._of_process(crash.mark)
    if not jobs or not workspace.imports._died(jobs[-1]):  # one that was stopped before the crash stays so
        workspace.close()
        end_by(crash)
    return jobs[:-1], jobs[-1]


def end_by(crash: Crash) -> NoReturn:
    """End this process as the child has ended."""
    _end_by(signal.Signals[crash.signal])


def _end_with_parent(parent: int) -> None:
    """End this process as soon as its parent is killed."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _waited(child: int, passed: Iterable[int], heard: int) -> int:
    """The status with which the child ended. Signals of other processes are passed on; the terminal sends its own to the child too.

    So does who sends Ctrl-C to a whole group of processes, as `timeout` does: it is passed on only if the child has not `heard` of it, for
    two of them would be a second Ctrl-C.
    """
    waited = {*passed, signal.SIGCHLD}
    while True:
        told = signal.sigwaitinfo(waited)
        if told.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        elif told.si_signo == signal.SIGINT:
            if not _has_heard(heard):
                os.kill(child, signal.SIGINT)
                _has_heard(heard)
        elif told.si_code <= 0:  # sent by a process, not by the kernel
            os.kill(child, told.si_signo)


def _has_heard(heard: int) -> bool:
    """Whether the child has got SIGINT by now, and what came to this process a moment later is the same Ctrl-C."""
    time.sleep(_MOMENT)
    signal.sigtimedwait({signal.SIGINT}, 0)
    try:
        return signal.SIGINT in os.read(heard, 4096)
    except BlockingIOError:
        return False


def _end_by(ended_by: signal.Signals) -> NoReturn:
    """End as the child did, without another core file beside its own."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ended_by not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(ended_by, signal.SIG_DFL)
    os.kill(os.getpid(), ended_by)
    os._exit(128 + ended_by)
