"""The examples of plugins keep the contracts of Heron, each in a process of its own as its author would run them."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
ALL = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))
WITHOUT = ["-p", "no:cacheprovider", "-p", "no:schemathesis"]
"""Plugins of pytest that no example uses; importing schemathesis takes longer than most of their tests."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_the_tests_of_an_example_pass(name):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *WITHOUT, "-W", "error::heron.PluginWarning"],
        cwd=EXAMPLES / name,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_is_listed_with_what_it_shows():
    listed = (EXAMPLES / "README.md").read_text()
    for name in ALL:
        assert f"[{name}]({name})" in listed
