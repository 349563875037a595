"""What a curator does on the Explorer's page, in a real browser: the whole story, and the single steps where they can break."""

from __future__ import annotations

import importlib.util
import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

import heron
from heron_explorer.testing import Watched, expect, facet, pressed, results, selected
from heron_server.testing import Served, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("heron_http_api") is None, reason="the API is not here"),
    pytest.mark.xdist_group("explorer_page"),
]

PHOTOS = "?in=folder:Lake/photos"
"""The address of 36 photographs, twelve of each city."""


def collected(page: Any, title: str) -> None:
    selected(page).get_by_role("button", name="Add to collection").click()
    page.get_by_label("Title").fill(title)
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_items_are_selected_by_click_range_box_and_keys_and_taken_out_of_a_collection(
    watched: Watched,
) -> None:
    page = watched.open(PHOTOS)
    expect(results(page, 36)).to_be_visible()
    tiles = page.locator(".tile[data-uuid]")
    tiles.nth(0).locator(".picture").click(modifiers=["Control"])
    tiles.nth(4).locator(".picture").click(modifiers=["Shift"])
    expect(selected(page)).to_contain_text("5 selected")
    page.keyboard.press("Escape")
    expect(selected(page)).to_have_count(0)
    tiles.nth(0).focus()
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    expect(selected(page)).to_contain_text("2 selected")
    first, last = tiles.nth(0).bounding_box(), tiles.nth(2).bounding_box()
    pressed(page, (first["x"] + 30, first["y"] + 30), (last["x"] + 30, last["y"] + 60))
    expect(selected(page)).to_contain_text("3 selected")
    assert "item=" not in page.url  # the end of a drag opens nothing

    collected(page, "Three")
    tags = page.locator(".tile .tag", has_text="Three")
    expect(tags).to_have_count(3)
    selected(page).get_by_role("button", name="Remove from collection").click()
    page.get_by_role("combobox", name="Collection").select_option("Three")
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(tags).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(tags).to_have_count(3)


def test_a_value_that_the_schema_refuses_is_said_and_one_that_it_takes_is_undone(
    watched: Watched, root: Path
) -> None:
    page = watched.open("?where=" + quote("city = 'Oslo'"))
    expect(results(page, 12)).to_be_visible()
    page.locator("[data-uuid]").first.focus()
    page.keyboard.press("Control+a")
    selected(page).get_by_role("button", name="Set metadata").click()
    page.get_by_role("combobox", name="Key").select_option("temperature")
    page.get_by_role("textbox", name="Value").fill("warm")
    page.get_by_role("dialog").get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("expected a number")
    with closing(heron.open(root)) as here:
        before = here.search.count(where="temperature = 21.5")
    page.get_by_role("textbox", name="Value").fill("21.5")
    page.get_by_role("dialog").get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".notices")).to_contain_text("set on 12 items")
    with closing(heron.open(root)) as here:
        assert here.search.count(where="temperature = 21.5") == before + 12
        page.locator(".notices").get_by_role("button", name="Undo").click()
        expect(page.locator(".notices")).to_contain_text("Undone")
        assert here.search.count(where="temperature = 21.5") == before


def test_duplicates_stand_side_by_side_and_the_redundant_become_a_collection(
    watched: Watched, root: Path
) -> None:
    page = watched.open("?view=duplicates")
    group = page.get_by_role("region", name="Group 1")
    expect(group.locator("article")).to_have_count(2)
    expect(group.locator("article.kept")).to_contain_text("algiers-001.jpg")  # it has metadata
    group.get_by_role("button", name="Keep this one").click()
    expect(group.locator("article.kept")).to_contain_text("the-red-bus.jpg")
    expect(group).to_contain_text("chosen by you")
    page.get_by_role("button", name="Carry over").click()
    expect(page.get_by_role("dialog")).to_contain_text("values of metadata")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Collect redundant").click()
    page.get_by_label("Title").fill("Twins")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".notices")).to_contain_text("1 item added to Twins")
    with closing(heron.open(root)) as here:
        assert [item.name for item in here.collections.items("Twins")] == ["algiers-001.jpg"]
        compared = here.curation.near_duplicates(threshold=0.95).compared
    page.get_by_role("button", name="Nearly equal").click()
    expect(page).to_have_url(f"{watched.url}/explore/?view=duplicates&near=0.95")
    expect(page.locator(".told")).to_contain_text(f"{compared} items were compared")


def test_the_address_brings_everything_back(watched: Watched) -> None:
    query = (
        PHOTOS + "&view=table&sort=-temperature&captions=city,temperature&plot=on&colour=weather&facets=city"
    )
    page = watched.open(query)
    expect(page.get_by_role("columnheader", name="temperature ↓")).to_be_visible()
    expect(page.get_by_role("columnheader")).to_have_count(4)
    expect(page.get_by_role("combobox", name="Colour by")).to_have_value("weather")
    facet(page, "city").get_by_role("button", name="Oslo").click()
    expect(page.locator(".count")).to_have_text("12 items")
    address = page.url
    page.get_by_role("combobox", name="Sort by").select_option("name")
    page.go_back()
    expect(page.get_by_role("combobox", name="Sort by")).to_have_value("temperature")
    page.go_back()
    expect(page.locator(".count")).to_have_text("36 items")
    page.go_forward()
    expect(page.locator(".count")).to_have_text("12 items")
    page.goto(address)
    expect(page.locator(".count")).to_have_text("12 items")
    expect(page.get_by_role("combobox", name="Colour by")).to_have_value("weather")


def test_a_query_is_saved_used_and_deleted(watched: Watched) -> None:
    page = watched.open("?where=" + quote("weather = 'fog'") + "&sort=name")
    expect(page.locator(".count")).not_to_have_text("…")
    found = page.locator(".count").inner_text()
    page.get_by_role("button", name="Saved").click()
    page.get_by_label("Name of the query").fill("Foggy")
    page.get_by_role("button", name="Save this query").click()
    use = page.get_by_role("button", name="Foggy", exact=True)
    expect(use).to_be_visible()
    watched.open()
    expect(results(page, 170)).to_be_visible()
    page.get_by_role("button", name="Saved").click()
    use.click()
    expect(page.locator(".count")).to_have_text(found)
    expect(page.get_by_role("combobox", name="Sort by")).to_have_value("name")
    page.get_by_role("button", name="Saved").click()
    page.get_by_role("button", name="Delete Foggy").click()
    expect(use).to_have_count(0)


def test_a_box_on_the_map_and_the_beginning_of_a_value_filter(watched: Watched) -> None:
    page = watched.open(PHOTOS + "&facets=location,name")
    places = facet(page, "location")
    expect(places.locator("circle")).to_have_count(36)
    for side, value in {"south": "35", "west": "2", "north": "38", "east": "4"}.items():
        places.get_by_label(f"location {side}").fill(value)
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_have_text("12 items")
    facet(page, "location").get_by_role("button", name="Remove the filter").click()
    box = places.locator("svg[role=img]").bounding_box()
    pressed(page, (box["x"] + 2, box["y"] + 2), (box["x"] + box["width"] / 2, box["y"] + box["height"] - 2))
    expect(page.locator(".count")).not_to_have_text("36 items")  # what is west of the middle

    page = watched.open(PHOTOS + "&facets=name")
    facet(page, "name").get_by_label("name begins with").fill("oslo-00")
    expect(facet(page, "name").get_by_role("listitem")).to_have_count(9)
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_have_text("9 items")


def test_what_is_selected_in_the_grid_is_selected_in_the_plot(watched: Watched) -> None:
    page = watched.open(PHOTOS + "&plot=on")
    expect(page.frame_locator("iframe").locator("canvas")).to_have_attribute("data-shown", "36")
    page.locator(".tile[data-uuid]").nth(0).locator(".picture").click(modifiers=["Control"])
    page.locator(".tile[data-uuid]").nth(1).locator(".picture").click(modifiers=["Control"])
    expect(page.frame_locator("iframe").locator("canvas")).to_have_attribute("data-selected", "2")


def test_a_condition_with_a_fault_is_underlined_and_said_by_the_service(watched: Watched) -> None:
    page = watched.open(PHOTOS)
    expect(results(page, 36)).to_be_visible()
    page.get_by_role("textbox", name="Condition").click()
    for typed, said, marked in (
        ("widh > 3", "There is no field 'widh'. Did you mean width?", "widh"),
        ("city = '𝄞' AND night + 1 > 3 ", "night (boolean) is not a number to calculate with.", "night"),
        ("night height ", "The condition 'night height' is not a SQL condition", "height"),
    ):
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(typed)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(said, ignore_case=True)
        expect(page.locator(".cm-lintRange-error")).to_have_text(marked)
    expect(results(page, 36)).to_be_visible()


def test_an_item_that_is_deleted_in_another_window_and_a_key_that_is_gone_cost_nothing_else(
    watched: Watched, root: Path
) -> None:
    with closing(heron.open(root)) as here:
        doomed = here.search(where="name = 'the-red-bus.jpg' AND in_folder('Lake/copies')").rows[0]
        page = watched.open("?in=folder:Lake&facets=never_there,city")
        expect(results(page, 55)).to_be_visible()
        page.locator(f"[data-uuid='{doomed.uuid}'] .picture").click(modifiers=["Control"])
        expect(selected(page)).to_contain_text("1 selected")
        here.items.delete([doomed])
    expect(results(page, 54)).to_be_visible()
    expect(page.locator(".notices")).to_contain_text("deleted meanwhile")
    expect(facet(page, "never_there")).to_contain_text("no such field any more")
    expect(facet(page, "city").get_by_role("button", name="Oslo")).to_be_visible()
    watched.open("?sort=never_there")
    expect(page.get_by_role("alert")).to_contain_text("never_there")
    page.get_by_role("button", name="Show everything").click()
    expect(results(page, 169)).to_be_visible()


def test_a_server_that_stops_and_comes_back_and_a_session_that_ends_with_it_lose_nothing_that_was_typed(
    watching: Any, root: Path
) -> None:
    """Another server at the same port, as when `heron explore` is started again, knows no session of the first one."""
    with ExitStack() as first:
        server = first.enter_context(served(root, rate=1e9))
        with watching(server) as watched:
            page = watched.open(PHOTOS)
            expect(results(page, 36)).to_be_visible()
            page.get_by_role("searchbox", name="Search by words").fill("half a thought")
            page.locator("[data-uuid] .picture").first.click(modifiers=["Control"])
            first.close()
            expect(page.get_by_text("The server does not answer. What you see stays")).to_be_visible()
            expect(results(page, 36)).to_be_visible()
            with served(root, rate=1e9, port=urlsplit(server.url).port) as second:
                expect(page.get_by_text("Your session has ended.")).to_be_visible()
                expect(page.get_by_text("The server does not answer")).to_have_count(0)
                watched.token = second.token
                watched.sign_in()
                expect(page.get_by_text("Your session has ended.")).to_have_count(0)
                expect(page.get_by_role("searchbox", name="Search by words")).to_have_value("half a thought")
                expect(selected(page)).to_contain_text("1 selected")
                facet(page, "city").get_by_role("button", name="Oslo").click()
                expect(results(page, 12)).to_be_visible()
                watched.context.close()


def test_the_second_of_two_who_edit_one_item_is_told(watched: Watched, root: Path) -> None:
    with closing(heron.open(root)) as here:
        item = here.search(where="name = 'oslo-001.jpg' AND city = 'Oslo'").rows[0]
        page = watched.open(f"?item={item.uuid}")
        temperature = page.get_by_role("textbox", name="temperature", exact=True)
        expect(temperature).to_be_visible()
        here.metadata.merge({item.uuid: {"temperature": -1}})
        temperature.fill("3")
        temperature.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this item meanwhile")
        expect(temperature).to_have_value("-1")
        temperature.fill("4")
        temperature.press("Enter")
        expect(page.locator(".notices")).to_contain_text("temperature of oslo-001.jpg was changed")
        assert here.items.get(item.uuid).metadata["temperature"] == 4


def test_a_member_is_offered_what_is_allowed_and_nothing_else(
    watching: Any, server: Served, root: Path
) -> None:
    with closing(heron.open(root)) as here:
        here.users.add("ada@example.org")
        here.roles.grant("user", user="ada@example.org", folder="Lake")
        here.collections.create("Of the owner")
        token = here.users.create_token("ada@example.org").secret
    with closing(heron.open(root, user="ada@example.org")) as hers:
        hers.collections.create("Hers")
    with watching(server, token) as watched:
        page = watched.open()
        page.locator(".tile[data-uuid]").first.locator(".picture").click(modifiers=["Control"])
        expect(selected(page).get_by_role("button", name="Make dataset")).to_be_visible()
        expect(selected(page).get_by_role("button", name="Set metadata")).to_have_count(0)
        selected(page).get_by_role("button", name="Add to collection").click()
        expect(page.get_by_role("dialog")).not_to_contain_text("Of the owner")
        page.keyboard.press("Escape")
        page = watched.open("?page=collections")
        page.get_by_role("button", name="Actions on Hers").click()
        expect(page.get_by_role("menuitem", name="Delete")).to_be_visible()
        page = watched.open("?page=folders")
        expect(page.get_by_role("link", name="Lake", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Actions on Lake")).to_have_count(0)
    answer = httpx.get(
        f"{server.url}/api/v1/workspace", headers={"Authorization": f"Bearer {token}"}, timeout=None
    )
    assert json.loads(answer.text)["may"]["schema"] == ["read"]


def test_hits_of_a_text_say_how_sure_they_are_and_the_page_what_is_to_be_said(
    watched: Watched, root: Path
) -> None:
    with closing(heron.open(root)) as workspace:
        red, nonsense = (
            workspace.search.window(text=text, nearest=1000, limit=1) for text in ("a red bus", "xyzzy")
        )
    for text, found, sign in (("a red bus", red, "%"), ("xyzzy", nonsense, "%?")):
        page = watched.open(f"?text={quote(text)}")
        [match] = found.matches
        tile = page.locator(f".tile[data-uuid='{found[0].uuid}']").first
        score = tile.locator(".score")
        expect(score).to_have_text(f"{match.score:.3f}{int(100 * match.sure)} {sign}")
        assert (": this hit is not sure" in score.get_attribute("title")) == (match.sure < 0.7)
        for note in found.notes:
            expect(page.get_by_role("status").filter(has_text=note)).to_have_count(1)
    assert any("No hit is sure" in note for note in nonsense.notes)
    assert any("knows only drawings" in note for note in red.notes)
    watched.open(PHOTOS)
    expect(results(page, 36)).to_be_visible()
    expect(page.locator(".notes")).to_have_count(0)
