"""The sample lake of the quickstart, and a real browser that looks at it, for the tests of the Explorer's page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from heron_explorer.testing import ARGUMENTS, CHROMIUM, PATIENCE, Watched, lacking
from heron_server.testing import Served, served


@pytest.fixture(scope="module")
def root(heron_quickstart: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample lake for the tests of one file; a file with a lake of its own has its own fixture."""
    place = tmp_path_factory.mktemp("sample") / "lake"
    shutil.copytree(heron_quickstart, place)
    return place


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Served]:
    """A server of that lake."""
    with served(root, rate=1e9) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests of a file. Where it cannot be driven, they are skipped, or fail if `CI` is set."""
    if missing := lacking():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"there is no {missing}")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@pytest.fixture
def watching(chromium: Any) -> Any:
    """A function for a page of a user, which is closed at the end, and on which nothing may have gone wrong."""

    @contextmanager
    def watching(server: Served, token: str = "", **settings: Any) -> Iterator[Watched]:
        found = Watched(chromium, server, token, **settings)
        try:
            yield found
            assert found.faults == []
        finally:
            found.context.close()

    return watching


@pytest.fixture
def watched(watching: Any, server: Served) -> Iterator[Watched]:
    """A page of the owner."""
    with watching(server) as found:
        yield found
