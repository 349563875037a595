"""What every test of Heron and its plugins has: a config folder of its own, and new catalogues that are made quickly."""

import importlib.metadata
import os
import sqlite3
import sys

import pytest
from hypothesis import settings

settings.register_profile("the same in every run", derandomize=True, print_blob=True)
settings.load_profile("the same in every run")


@pytest.fixture(scope="session", autouse=True)
def own_config_folder(tmp_path_factory):
    """A config folder for the run, also for the processes that tests start: never that of the user who runs them."""
    os.environ["HERON_CONFIG_DIR"] = str(tmp_path_factory.mktemp("config"))
    os.environ.pop("HERON_TRUST", None)


@pytest.fixture(scope="session", autouse=True)
def quick_catalogues():
    """New catalogues of this process are copies of the first one, and SQLite does not wait for the disk.

    Thousands of tests make a workspace: the migrations would take 14 ms of processor time each, and the disk longer.
    Only a loss of power could tell the difference; the processes that tests start and kill make theirs as users do.
    """
    from heron.catalog.database import Database
    from heron.catalog.migrations import migrations

    migrate, made = Database._migrate, {}

    def copied(self, is_new):
        self.connection.execute("PRAGMA synchronous = OFF")
        names = tuple(migrations.names)
        if is_new and names in made:
            made[names].backup(self.connection)
        migrate(self, is_new)
        if is_new and names not in made:
            made[names] = sqlite3.connect(":memory:", check_same_thread=False)
            self.connection.backup(made[names])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_migrate", copied)
        yield


@pytest.fixture(scope="session", autouse=True)
def installed_once():
    """The entry points of all that is installed are read once: it takes 15 ms of processor time for every manager."""
    from heron.hooks import manager

    path, found = list(sys.path), {}

    def entry_points(*, group):
        if sys.path != path:
            return importlib.metadata.entry_points(group=group)
        if group not in found:
            found[group] = importlib.metadata.entry_points(group=group)
        return found[group]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manager, "entry_points", entry_points)
        yield
