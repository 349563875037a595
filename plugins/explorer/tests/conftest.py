"""A lake of photographs, and a real browser that looks at it, for the tests of the Explorer's page."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import heron
from heron.quickstart.photos import metadata, photographs, taken
from heron_server.testing import Served

CHROMIUM = os.environ.get("HERON_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
]  # fmt: skip
PATIENCE = 120_000
"""How long a state is waited for, in milliseconds: so long that a slow machine never fails a test."""


@pytest.fixture(scope="module")
def photo_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with 18 photographs of three cities and a copy of one, with metadata, vectors and a projection."""
    root = tmp_path_factory.mktemp("curation")
    (root / "photos").mkdir()
    chosen = [photo for place, photo in enumerate(photographs()) if place % 2 == 0]
    for photo in chosen:
        (root / "photos" / photo.name).write_bytes(taken(photo))
    shutil.copyfile(root / "photos" / chosen[0].name, root / "photos" / "a-copy.jpg")
    with heron.init(root) as workspace:
        for key, kind in {
            "city": "varchar",
            "temperature": "number",
            "night": "boolean",
            "location": "geospatial",
        }.items():
            workspace.schema.add_scalar(key, kind)
        workspace.schema.add_enum("weather", ["sun", "rain", "fog", "snow"])
        workspace.ingest.files([root / "photos"], folder="Photos", content_hash=True, thumbnails=True)
        names = ("city", "temperature", "night", "location", "weather")
        values = {photo.name: metadata(photo) for photo in chosen}
        workspace.metadata.merge({name: {key: of[key] for key in names} for name, of in values.items()})
        workspace.embed("visual")
        workspace.projections.make("visual")
    return root


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests of a file."""
    if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
        pytest.skip("there is no Chromium, or no playwright")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


class Watched:
    """A page of a user, with all that went wrong on it; answers with an error status are no faults."""

    def __init__(self, browser: Any, server: Served, token: str = "", **settings: Any) -> None:
        self.url = server.url
        self.faults: list[str] = []
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, **settings)
        self.context.set_default_timeout(PATIENCE)
        self.token = token or server.token
        self.sign_in()
        self.page = self.new_page()

    def sign_in(self) -> None:
        """Let the browser be known to the server."""
        answer = httpx.post(f"{self.url}/login", data={"token": self.token}, timeout=None)
        name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
        self.context.add_cookies([{"name": name, "value": value, "url": self.url}])

    def new_page(self) -> Any:
        page = self.context.new_page()
        page.on("console", lambda said: self._heard(said))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        return page

    def _heard(self, said: Any) -> None:
        if said.type == "error" and "Failed to load resource" not in said.text:
            self.faults.append(said.text)

    def open(self, query: str = "") -> Any:
        self.page.goto(f"{self.url}/explore/{query}")
        return self.page


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
