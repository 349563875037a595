"""The sample lake of the quickstart, whole, in a real browser: the story of a curator, and a walk through every page."""

from __future__ import annotations

import importlib.util
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

import heron
from heron_explorer.testing import Watched, expect, facet, pressed, results, selected

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("heron_http_api") is None, reason="the API is not here"),
    pytest.mark.xdist_group("explorer_page"),
]

DRAWN = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


@pytest.fixture
def here(root: Path) -> Iterator[heron.Workspace]:
    with closing(heron.open(root)) as workspace:
        yield workspace


def counted(page: Any, not_more: int) -> int:
    """The number of items that the page shows, once it is smaller than `not_more`."""
    expect(page.locator(".count")).not_to_have_text(re.compile(rf"^({not_more} items|…)$"))
    return int(page.locator(".count").inner_text().split()[0])


def around(page: Any) -> list[tuple[float, float]]:
    """The corners of the plot, a little within its edge."""
    box = page.frame_locator("iframe").locator("canvas").bounding_box()
    left, top = box["x"] + 4, box["y"] + 4
    right, bottom = left + box["width"] - 8, top + box["height"] - 8
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def test_the_story_from_a_first_look_to_a_dataset_that_is_opened_elsewhere(
    watched: Watched, here: heron.Workspace, tmp_path: Path
) -> None:
    page = watched.open("?facets=kind,city,night,temperature&plot=on&colour=city")
    expect(results(page, 170)).to_be_visible()
    facet(page, "kind").get_by_role("button", name="image").first.click()
    expect(results(page, here.search.count(where="kind = 'image'"))).to_be_visible()
    facet(page, "city").get_by_role("button", name="Lisbon").click()
    facet(page, "city").get_by_role("button", name="Oslo").click()
    expect(results(page, 24)).to_be_visible()
    facet(page, "night").get_by_role("button", name="no", exact=False).first.click()
    by_day = counted(page, 24)
    assert by_day == here.search.count(where="city IN ('Lisbon', 'Oslo') AND night = FALSE")

    box = facet(page, "temperature").locator("svg[role=img]").bounding_box()
    middle, end = (box["x"] + box["width"] * 0.4, box["y"] + 20), (box["x"] + box["width"] - 1, box["y"] + 20)
    pressed(page, middle, end)
    warm = counted(page, by_day)
    brushed = json.loads(parse_qs(urlsplit(page.url).query)["filters"][0])["temperature"]
    assert brushed["closed"]
    condition = f"temperature BETWEEN {brushed['from']} AND {brushed['below']}"
    found = f"city IN ('Lisbon', 'Oslo') AND night = FALSE AND {condition}"
    assert 0 < warm == here.search.count(where=found)

    plot = page.frame_locator("iframe").locator("canvas")
    expect(plot).to_have_attribute("data-shown", str(warm))
    for way, corners in (("Lasso", around(page)), ("Box", around(page)[::2])):
        page.get_by_role("button", name=way).click()
        expect(plot).to_have_attribute("data-drag", way.lower())
        pressed(page, *corners, *([(corners[0][0], corners[0][1] + 4)] if way == "Lasso" else []))
        expect(selected(page)).to_contain_text(f"{warm} selected")
        selected(page).get_by_role("button", name="Clear").click()
        expect(selected(page)).to_have_count(0)
    (left, top), _, (right, bottom), _ = around(page)
    pressed(page, (left, top), (right, (top + bottom) / 2))
    expect(selected(page)).to_be_visible()
    in_half = int(selected(page).inner_text().split()[0])
    assert 0 < in_half < warm

    page.locator("[data-uuid]").first.focus()
    page.keyboard.press("Control+a")
    expect(selected(page)).to_contain_text(f"{warm} selected")
    selected(page).get_by_role("button", name="Add to collection").click()
    page.get_by_label("Title").fill("Warm days")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".tile .tag", has_text="Warm days")).to_have_count(warm)

    selected(page).get_by_role("button", name="Make dataset").click()
    page.get_by_label("Title").fill("warm")
    page.get_by_role("dialog").get_by_role("button", name="Make dataset").click()
    page.locator(".notices").get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("combobox", name="Format").select_option("heron")
        page.get_by_role("dialog").get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "warm.zip")

    assert zipfile.is_zipfile(tmp_path / "warm.zip")
    expected = {item.name: item.metadata for item in here.search.all(where=found)}
    with heron.init(tmp_path / "elsewhere") as other:
        other.portable.merge(tmp_path / "warm.zip")
        rows = [row.item for row in other.datasets.rows("warm")]
        assert {item.name: item.metadata for item in rows} == expected
        assert len(rows) == warm
    here.datasets.delete("warm")
    here.collections.delete("Warm days")


def listed(page: Any, *names: str) -> None:
    """Wait until the list of a page has a row for each of these names, and no others."""
    rows = page.locator(".page table.list").first.locator("tbody tr")
    expect(rows).to_have_count(len(names))
    for place, name in enumerate(names):
        expect(rows.nth(place)).to_contain_text(name)


def test_every_page_shows_what_the_lake_has_and_axe_finds_nothing_serious(
    watched: Watched, here: heron.Workspace
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, serious = watched.page, []

    def look(where: str) -> None:
        for scheme, rules in (("light", None), ("dark", {"runOnly": ["color-contrast"]})):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for _ in range(3):  # what is still being drawn may be seen in the colours of the other scheme
                page.evaluate(DRAWN)
                violations = axe.run(page, options=rules).response["violations"]
                grave = [found for found in violations if found["impact"] in ("serious", "critical")]
                if not grave:
                    break
                page.wait_for_load_state("networkidle")
            serious.extend(
                (where, scheme, found["id"], [(node["html"][:80], node["any"]) for node in found["nodes"]])
                for found in grave
            )

    def at(**query: str) -> None:
        watched.open("?" + urlencode(query))

    at()
    expect(results(page, here.search.count())).to_be_visible()
    look("the grid")
    page.locator("[data-uuid]").first.focus()
    page.keyboard.press("End")
    last = here.search.window(start=169, limit=1).rows[0]
    expect(page.locator(f".tile[data-uuid='{last.uuid}']")).to_be_visible()
    at(view="table", sort="-temperature", captions="city,temperature")
    warmest = here.search(sort="-temperature", limit=1).rows[0]
    expect(page.get_by_role("row").nth(1)).to_contain_text(warmest.name)
    expect(page.get_by_role("row").nth(1)).to_contain_text(str(warmest.metadata["temperature"]))
    look("the table")
    at(mode="frames")
    expect(page.locator(".count")).to_have_text(f"{here.search.count_frames()} frames")
    look("the frames")
    at(plot="on")
    points = str(len(here.projections.points(here.projections.list()[0].key)))
    expect(page.frame_locator("iframe").locator("canvas")).to_have_attribute("data-shown", points)
    look("the plot")
    at(view="duplicates")
    group = page.get_by_role("region", name="Group 1")
    expect(group).to_contain_text("the-red-bus.jpg")
    expect(group.locator("article.kept")).to_contain_text("algiers-001.jpg")
    look("duplicates")

    at(page="folders")
    listed(page, *(folder.name for folder in here.folders.list(recursive=True)))
    expect(page.get_by_role("row", name="Bucket", exact=False).first).to_contain_text("s3://lake/")
    look("folders")
    page.get_by_role("link", name="photos", exact=True).last.click()
    expect(results(page, 36)).to_be_visible()
    at(page="imports")
    listed(page, *(Path(job.source).name for job in here.imports.list()))
    look("imports")
    page.get_by_role("button", name="2 failed: report").last.click()
    expect(page.get_by_role("dialog")).to_contain_text("cut-short.jpg")
    page.keyboard.press("Escape")
    at(page="collections")
    listed(page, *(collection.title for collection in here.collections.list()))
    look("collections")
    page.get_by_role("link", name="City nights").first.click()
    expect(results(page, here.search.count(where="in_collection('City nights')"))).to_be_visible()
    at(page="datasets")
    look("datasets")
    page.get_by_role("link", name="nights-1").first.click()
    listed(page, *(row.item.name for row in here.datasets.rows("nights-1")))
    look("a dataset")
    at(page="projects")
    expect(page.locator(".page .none")).to_contain_text("There are no projects yet")
    look("no projects")
    here.projects.create("Night survey", datasets="nights-1")
    page.get_by_role("link", name="Night survey").click()
    expect(page.get_by_role("definition").get_by_role("link", name="nights-1")).to_be_visible()
    look("a project")
    page.get_by_text("Explore its data").click()
    expect(results(page, here.datasets.get("nights-1").row_count)).to_be_visible()
    at(page="schema")
    listed(page, *here.schema.keys())
    look("schema")
    at(page="integrations")
    page.get_by_role("row", name="tour").get_by_role("button", name="Check").click()
    page.get_by_label("A bucket or prefix").fill("s3://lake/")
    page.get_by_role("dialog").get_by_role("button", name="Check").click()
    said = page.get_by_role("row", name="tour").get_by_role("status")
    expect(said.or_(page.get_by_role("alert"))).to_contain_text(
        "HERON_TOUR_SECRET"
    )  # it was that of the tour
    look("integrations")
    page.keyboard.press("Escape")
    at(page="members")
    expect(page.get_by_role("row", name="The owner of the workspace")).to_be_visible()
    look("members")
    at(page="plugins")
    listed(page, *(plugin.name for plugin in here.plugins.statuses))
    look("plugins")
    assert serious == []
    here.projects.delete("Night survey")


WHOLE = "() => [...document.querySelectorAll('[role=dialog] main img')].every((img) => img.complete && img.naturalWidth > 0)"
PARTS = {
    "audio": ("slider", "Waveform; click to go there"),
    "dicom": ("slider", "Slice 3 of 6"),
    "image": ("img", "the-red-bus.jpg"),
    "image_group": ("button", "Picture 5 alone"),
    "image_sequence": ("slider", "Picture 1 of 9"),
    "nifti": ("slider", "Slice 16 of 32"),
    "pdf": ("slider", "Page 1 of 3"),
    "text": ("region", "Text of index.html"),
    "video": ("img", "Frame 0 of ferry.avi"),
}
"""What the full view has for the first item of each kind, by role and name."""


def test_every_kind_of_item_is_seen_in_full(watched: Watched, here: heron.Workspace) -> None:
    first = {item.kind: item for item in reversed([*here.search.all(where="in_folder('Lake')")])}
    assert set(first) == set(PARTS)
    for kind, item in first.items():
        page = watched.open("?" + urlencode({"item": item.uuid}))
        role, name = PARTS[kind]
        expect(page.get_by_role("dialog").get_by_role("main").get_by_role(role, name=name)).to_be_visible()
        page.wait_for_function(WHOLE)
        about = page.get_by_label("About the item")
        expect(about).to_contain_text(item.folder_path)


def test_months_that_are_brushed_are_whole_months(watched: Watched, here: heron.Workspace) -> None:
    page = watched.open("?in=folder:Lake/photos&facets=captured_at")
    expect(results(page, 36)).to_be_visible()
    box = facet(page, "captured_at").locator("svg[role=img]").bounding_box()
    month = box["width"] / 12
    pressed(page, (box["x"] + month * 1.5, box["y"] + 20), (box["x"] + month * 3.5, box["y"] + 20))
    spring = "captured_at >= '2024-02-01' AND captured_at < '2024-05-01' AND in_folder('Lake/photos')"
    assert counted(page, 36) == here.search.count(where=spring)


def test_the_plot_is_drawn_in_a_frame_without_an_origin(watched: Watched) -> None:
    page = watched.open("?plot=on")
    page.frame_locator("iframe[src*='plot.html']").locator("canvas").wait_for()
    found = next(each for each in page.frames if "plot.html" in each.url)
    assert found.evaluate("origin") == "null"
    assert found.evaluate("fetch('/api/v1/workspace').then(() => 'reached', () => 'refused')") == "refused"
    assert all("Content Security Policy" in said for said in watched.faults)
    watched.faults.clear()  # the browser says on the console what it refused
