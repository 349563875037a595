"""A real browser that looks at a served workspace, for tests and pictures: Chromium, driven by playwright."""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import Any

import httpx

from heron_explorer.built import FOLDER
from heron_server.testing import Served

CHROMIUM = os.environ.get("HERON_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
"""The program of the browser; the variable HERON_CHROMIUM names another one than that of the path."""

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
]  # fmt: skip
PATIENCE = 120_000
"""How long a state is waited for, in milliseconds: so long that a slow machine never fails a test."""


def lacking() -> str:
    """What is missing for looking at the page, as a part of a sentence; empty if nothing is."""
    found = [
        *([] if CHROMIUM else ["Chromium (HERON_CHROMIUM names one)"]),
        *([] if importlib.util.find_spec("playwright") else ["playwright"]),
        *([] if (FOLDER / "index.html").is_file() else ["the page, which was not built"]),
    ]
    return " and ".join(found)


class Watched:
    """A page of a user, with all that went wrong on it; answers with an error status are no faults, asking another server is one."""

    def __init__(self, browser: Any, server: Served, token: str = "", **settings: Any) -> None:
        self.url = server.url
        self.faults: list[str] = []
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **settings})
        self.context.set_default_timeout(PATIENCE)
        self.token = token or server.token
        self.sign_in()
        self.page = self.new_page()

    def sign_in(self) -> None:
        """Let the browser be known to the server."""
        answer = httpx.post(f"{self.url}/login", data={"token": self.token}, timeout=300)
        name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
        self.context.add_cookies([{"name": name, "value": value, "url": self.url}])

    def new_page(self) -> Any:
        """One more page of the same user."""
        page = self.context.new_page()
        page.on("console", lambda said: self._heard(said))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))
        return page

    def _heard(self, said: Any) -> None:
        if said.type == "error" and "Failed to load resource" not in said.text:
            self.faults.append(said.text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"asks {url}")

    def open(self, query: str = "") -> Any:
        """The page, at the address with this query."""
        self.page.goto(f"{self.url}/explore/{query}")
        return self.page


def expect(*parts: Any) -> Any:
    """Playwright's own `expect`, which is not there where no browser is driven."""
    from playwright.sync_api import expect as expected

    return expected(*parts)


def results(page: Any, count: int) -> Any:
    """The grid, once it has as many results."""
    return page.get_by_role("listbox", name=f"{count} results", exact=True)


def facet(page: Any, name: str) -> Any:
    """The facet of a field."""
    return page.get_by_role("region", name=name, exact=True)


def selected(page: Any) -> Any:
    """The bar with the number of selected items and what can be done with them."""
    return page.get_by_role("toolbar", name="Selection")


def pressed(page: Any, start: tuple[float, float], *further: tuple[float, float]) -> None:
    """Drag the mouse from one place over others, the first pixel by itself, as a hand does."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 1, start[1] + 1)
    for place in further:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
