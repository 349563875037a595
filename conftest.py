"""What every test of Heron and its plugins has: a config folder of its own, and new catalogues that are made quickly.

It also says which worker of pytest-xdist runs which file, and when.
"""

import functools
import gc
import importlib.metadata
import itertools
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from hypothesis import HealthCheck, settings

for name, same in (
    ("the same in every run", True),
    ("search", False),
):  # no test fails for a machine that is busy
    settings.register_profile(
        name, derandomize=same, print_blob=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("the same in every run")

gc.disable()  # until all tests are collected

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    # a shell that starts the run with `&` lets it, and every process that it starts, ignore Ctrl-C, which tests press
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """Let the garbage collector pass over the thousands of tests, which all stay: looking at them again takes 3 s."""
    gc.freeze()
    gc.enable()


def pytest_make_parametrize_id(val, argname):
    """The name of a test tells the length of a long parameter, not its content: of 5 MB, pytest would make 20 MB."""
    return f"{argname}-of-{len(val)}" if isinstance(val, str | bytes) and len(val) > 200 else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """With `-n auto`, one worker more than there are processors: many tests wait for servers, processes and the disk."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config, specs):
    """Before a run of all tests, each file that is new is compiled once; each worker would do it for itself, in 14 s."""
    if config.args != config.getini("testpaths") or sys.dont_write_bytecode:
        return
    tests = [path for folder in config.args for path in (config.rootpath / folder).rglob("test_*.py")]
    new = [path for path in tests if not [*path.parent.glob(f"__pycache__/{path.stem}.*-pytest-*.pyc")]]
    if len(new) > 50:
        command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"]
        halves = [[*command, *map(str, half)] for half in (new[::2], new[1::2])]
        for process in [subprocess.Popen(half, stdout=subprocess.DEVNULL) for half in halves]:
            process.wait()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One worker runs all of a file, so that fixtures of modules are made once; `xdist_group` joins tests of several files."""
    from xdist.scheduler import LoadGroupScheduling

    class ByFile(LoadGroupScheduling):
        def _split_scope(self, nodeid):
            return super()._split_scope(nodeid).partition("::")[0]

    config.option.loadscopereorder = False  # it would begin with the files that have most tests
    return ByFile(config, log)


def pytest_collection_modifyitems(config, items):
    """Workers begin with the files that have slow tests, so that none of them works alone at the end."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def own_config_folder(tmp_path_factory):
    """A config folder for the run, also for the processes that tests start: never that of the user who runs them."""
    os.environ["HERON_CONFIG_DIR"] = str(tmp_path_factory.mktemp("config"))
    os.environ.pop("HERON_TRUST", None)
    os.environ["PYTHONFAULTHANDLER"] = (
        "1"  # a process that does not end says where it stands (tests/children.py)
    )


NUMBERS = itertools.count()


@pytest.fixture
def tmp_path(request, tmp_path_factory):
    """A new folder for the test; pytest looks at the folders of all tests to find a free number, which takes it 4 ms for each."""
    folder = (
        tmp_path_factory.getbasetemp()
        / f"{re.sub(r'[^A-Za-z0-9_]', '_', request.node.name)[:30]}-{next(NUMBERS)}"
    )
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="session", autouse=True)
def quick_catalogues():
    """New catalogues of this process are copies of the first one, and nothing in it waits for the disk.

    Thousands of tests make a workspace: for each, the migrations would take 14 ms of processor time, and the disk 15 ms.
    Only a loss of power could tell the difference; the processes that tests start and kill make theirs as users do.
    """
    from heron.catalog.database import Database
    from heron.catalog.migrations import migrations
    from heron.uuids import new_uuid

    migrate, made = Database._migrate, {}

    def copied(self, is_new):
        names = tuple(migrations.names)
        if is_new and names in made:
            made[names].backup(self.connection)
            if "workspace_identity" in names:
                self.connection.execute("UPDATE workspace SET uuid = ?", [new_uuid()])
                self.connection.commit()
        migrate(self, is_new)
        if is_new and names not in made:
            made[names] = sqlite3.connect(":memory:", check_same_thread=False)
            self.connection.backup(made[names])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_migrate", copied)
        patch.setattr(Database, "_synchronous", "OFF")
        patch.setattr(os, "fsync", os.fstat)
        yield


@pytest.fixture(scope="session", autouse=True)
def installed_once():
    """The entry points of all that is installed are read once: it takes 15 ms of processor time for every manager."""
    from heron import installed

    path, found = list(sys.path), {}

    def entry_points(*, group):
        if sys.path != path:
            return importlib.metadata.entry_points(group=group)
        if group not in found:
            found[group] = importlib.metadata.entry_points(group=group)
        return found[group]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installed, "entry_points", entry_points)
        yield


@pytest.fixture(scope="session", autouse=True)
def botocore_reads_once():
    """The descriptions of S3 are read and parsed once, where tests use it: for every new client it takes 55 ms of processor time."""
    with pytest.MonkeyPatch.context() as patch:
        if session := sys.modules.get("botocore.session"):
            patch.setattr(session, "create_loader", functools.cache(session.create_loader))
        yield
