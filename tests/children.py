"""Processes that tests start: one that does not end fails its test with what it printed and where it stands."""

from __future__ import annotations

import signal
import subprocess

import pytest


def end_of(process: subprocess.Popen[str], seconds: float = 300) -> tuple[str, str]:
    """What a process printed until its end, to standard output and to standard error."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # with PYTHONFAULTHANDLER, Python prints where all threads are
        out, err = process.communicate()
        pytest.fail(f"process {process.pid} has not ended after {seconds} s; it printed {out!r} and {err}")
