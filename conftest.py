"""Tests keep what is trusted in a folder of their own, never in that of the user who runs them."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_config_folder(tmp_path_factory):
    """A config folder for the run, also for the processes that tests start."""
    os.environ["HERON_CONFIG_DIR"] = str(tmp_path_factory.mktemp("config"))
    os.environ.pop("HERON_TRUST", None)
