"""The Explorer's page in a real browser: what it shows, that it asks its own server alone, and that everybody can use it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

import heron
from heron_explorer import built
from heron_server.testing import Served, served

CHROMIUM = os.environ.get("HERON_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("heron_http_api") is None, reason="the API is not here"),
    pytest.mark.skipif(not (built.FOLDER / "index.html").is_file(), reason="the page was not built"),
    pytest.mark.xdist_group("explorer_page"),
]

CITIES = ("Algiers", "Lisbon", "Oslo")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("page")
    for number in range(60):
        colour = (number * 4, 255 - number * 4, 120)
        Image.effect_noise((96, 64), 20 + number).convert("RGB").point(lambda v, c=colour: v).save(
            root / f"a{number:02}.jpg"
        )
    viewer = tmp_path_factory.mktemp("viewer") / "words.js"  # not in the lake
    viewer.write_text(
        "export function mount(element, item) { element.textContent = `words of ${item.name}`; }\n"
    )
    (root / "<b>bold.txt").write_text("some words")

    class Plugin:
        @heron.hookimpl
        def register_viewers(self) -> Iterator[heron.Viewer]:
            yield heron.Viewer(name="words", summary="Words", suffixes=[".txt"], module=viewer)

    with heron.init(root) as workspace:
        workspace.schema.add_scalar("city", "varchar")
        workspace.schema.add_scalar("temperature", "number")
        workspace.schema.add_scalar("taken", "datetime")
        workspace.ingest.files([root], folder="Pictures", ignore_errors=True)
        items = workspace.items.list(limit=100)
        values = {
            i.uuid: {
                "city": CITIES[n % 3],
                "temperature": n,
                "taken": f"2024-{n % 12 + 1:02}-28T23:30:00Z",
            }
            for n, i in enumerate(items)
        }
        workspace.metadata.merge(values)
    with served(root, plugins=[Plugin()]) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


class Watched:
    """A page as its owner, with all that went wrong on it."""

    def __init__(self, browser: Any, server: Served, **settings: Any) -> None:
        self.url = server.url
        self.faults: list[str] = []
        context = browser.new_context(viewport={"width": 1440, "height": 900}, **settings)
        self.page = context.new_page()
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._asked)
        answer = httpx.post(f"{server.url}/login", data={"token": server.token}, timeout=None)
        name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
        context.add_cookies([{"name": name, "value": value, "url": server.url}])

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"asks {request.url}")

    def open(self, query: str = "") -> Any:
        self.page.goto(f"{self.url}/explore/{query}")
        return self.page


@pytest.fixture
def watched(browser: Any, server: Served) -> Iterator[Watched]:
    found = Watched(browser, server)
    yield found
    found.page.context.close()
    assert found.faults == []


def test_a_filter_narrows_the_grid_and_stands_in_the_address(watched: Watched) -> None:
    page = watched.open()
    page.get_by_role("listbox", name="61 results").wait_for()
    page.get_by_role("region", name="city").get_by_text("Oslo").click()
    page.get_by_role("listbox", name="20 results").wait_for()
    address = page.url
    page.go_back()
    page.get_by_role("listbox", name="61 results").wait_for()
    page.goto(address)
    page.get_by_role("listbox", name="20 results").wait_for()
    assert page.locator("[data-uuid]").count() == 20


def test_months_that_are_brushed_are_whole_months(watched: Watched) -> None:
    page = watched.open()
    page.get_by_role("listbox", name="61 results").wait_for()
    drawn = page.get_by_role("region", name="taken").locator("svg").last
    drawn.scroll_into_view_if_needed()
    box = drawn.bounding_box()
    month = box["width"] / 12
    page.mouse.move(box["x"] + month * 1.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + month * 3.5, box["y"] + 20)
    page.mouse.up()  # February, March and April: the numbers 1 to 3 of each dozen of 61
    page.get_by_role("listbox", name="15 results").wait_for()


def test_everything_that_is_found_becomes_a_collection(watched: Watched, server: Served) -> None:
    page = watched.open("?where=" + "city = 'Lisbon'".replace(" ", "%20"))
    page.get_by_role("listbox", name="20 results").wait_for()
    page.locator("[data-uuid]").first.focus()
    page.keyboard.press("Control+a")
    page.get_by_role("toolbar", name="Selection").get_by_text("20").first.wait_for()


def test_a_name_with_html_is_a_text_and_a_viewer_of_a_plugin_shows_its_item(watched: Watched) -> None:
    page = watched.open("?where=" + "kind = 'text'".replace(" ", "%20"))
    page.get_by_role("listbox", name="1 results").wait_for()
    page.locator("[data-uuid]").first.dblclick()
    page.get_by_text("words of <b>bold.txt").wait_for()


def test_the_plot_is_drawn_in_a_frame_without_an_origin(watched: Watched) -> None:
    page = watched.open("?plot=on")
    frame = page.frame_locator("iframe[src*='plot.html']")
    frame.locator("canvas").wait_for()
    found = next(each for each in page.frames if "plot.html" in each.url)
    assert found.evaluate("origin") == "null"
    assert found.evaluate("fetch('/api/v1/workspace').then(() => 'reached', () => 'refused')") == "refused"
    watched.faults.clear()  # the browser says on the console what it refused
