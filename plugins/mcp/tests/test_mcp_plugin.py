"""Heron for language models, asked by the protocol's own client."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from PIL import Image

import heron
from heron_mcp.tools import server_of

READING = {"describe", "search", "count", "facets", "look", "similar"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    for number in range(6):
        Image.new("RGB", (64, 48), (number * 40, 80, 200 - number * 30)).save(root / f"p{number}.png")
    with heron.open(root, discover=False) as ws:
        ws.schema.add_enum("weather", ["sun", "rain"])
        ws.ingest.files([root], folder="Photos")
        ws.metadata.merge(
            {f"p{number}.png": {"weather": "rain" if number % 2 else "sun"} for number in range(6)}
        )
        ws.embed("visual")
        ws.users.add("ada@example.org")
    return root


@pytest.fixture
def ws(lake: Path) -> Iterator[heron.Workspace]:
    with heron.open(lake, discover=False) as opened:
        yield opened


def asked(
    workspace: heron.Workspace, work: Callable[[Client], Awaitable[Any]], *, writes: bool = False
) -> Any:
    """What `work` returns, with a client of a server of the workspace."""

    async def run() -> Any:
        async with Client(server_of(workspace, writes=writes)) as client:
            return await work(client)

    return asyncio.run(run())


def called(workspace: heron.Workspace, tool: str, *, writes: bool = False, **arguments: Any) -> Any:
    return asked(workspace, lambda client: client.call_tool(tool, arguments), writes=writes)


def value(answer: Any) -> Any:
    assert not answer.is_error, answer.content
    found = answer.structured_content
    return found["result"] if set(found) == {"result"} else found


def test_it_reads_unless_it_is_told_to_write(ws: heron.Workspace) -> None:
    tools = asked(ws, lambda client: client.list_tools()).tools
    assert {tool.name for tool in tools} == READING
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert called(ws, "make_collection", title="Rain", where="weather = 'rain'").is_error
    writing = asked(ws, lambda client: client.list_tools(), writes=True).tools
    assert {tool.name for tool in writing} == READING | {"make_collection", "set_metadata"}


def test_it_describes_the_workspace(ws: heron.Workspace) -> None:
    found = value(called(ws, "describe"))
    assert (found["items"], found["kinds"], found["folders"]) == (6, {"image": 6}, ["Photos"])
    assert found["metadata_keys"]["weather"] == {"type": "enum", "options": ["sun", "rain"]}
    assert found["embeddings"][0]["key"] == "visual"


def test_it_finds_counts_and_counts_values(ws: heron.Workspace) -> None:
    page = value(called(ws, "search", where="weather = 'rain'", sort="name", limit=2))
    assert [item["name"] for item in page["items"]] == ["p1.png", "p3.png"]
    rest = value(called(ws, "search", where="weather = 'rain'", sort="name", limit=2, cursor=page["cursor"]))
    assert [item["name"] for item in rest["items"]] == ["p5.png"] and rest["cursor"] is None
    assert page["items"][0]["metadata"] == {"weather": "rain"}
    assert value(called(ws, "count", where="weather = 'sun'")) == 3
    (facet,) = value(called(ws, "facets", names="weather"))
    assert {bucket["value"]: bucket["count"] for bucket in facet["buckets"]} == {"rain": 3, "sun": 3}


def test_it_shows_a_picture(ws: heron.Workspace) -> None:
    answer = called(ws, "look", item="p2.png", size=32)
    picture = next(part for part in answer.content if part.type == "image")
    assert (picture.mime_type, Image.open(io.BytesIO(base64.b64decode(picture.data))).size) == (
        "image/jpeg",
        (32, 24),
    )
    text = next(part for part in answer.content if part.type == "text")
    assert json.loads(text.text)["name"] == "p2.png"


def test_long_texts_are_cut_and_say_how_long_they_are() -> None:
    from heron_mcp.plain import LONGEST, plain

    assert plain({"pdf": {"text": "a" * 10_000}}) == {
        "pdf": {"text": "a" * LONGEST + "… (10,000 characters)"}
    }
    assert plain("a" * LONGEST) == "a" * LONGEST


def test_it_finds_similar_items_without_the_item_itself(ws: heron.Workspace) -> None:
    found = value(called(ws, "similar", item="p2.png", limit=3))["items"]
    assert len(found) == 3 and "p2.png" not in [item["name"] for item in found]
    assert [item["score"] for item in found] == sorted((item["score"] for item in found), reverse=True)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search", {"where": "nonsense ==="}), ("search", {"limit": 0}), ("search", {"limit": 10_000}), ("search", {"cursor": "x"}),
        ("count", {"where": "1; DROP TABLE items"}), ("facets", {}), ("facets", {"names": "nobody"}), ("look", {"item": "/etc/passwd"}),
        ("look", {"item": "p1.png", "frame": 7}), ("look", {"item": "p1.png", "size": 10**9}), ("similar", {"item": "/etc/passwd"}),
        ("similar", {"item": "p1.png", "key": "nobody"}), ("unknown", {}), ("describe", {"x" * 9: None, "where": []}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_as_a_sentence(
    ws: heron.Workspace, tool: str, arguments: dict[str, Any]
) -> None:
    try:
        answer = called(ws, tool, **arguments)
    except Exception as error:  # noqa: BLE001 - an error of the protocol is a refusal too
        assert tool == "unknown", error
        return
    if tool == "describe":
        return
    assert answer.is_error
    assert "Traceback" not in answer.content[0].text and "unexpected" not in answer.content[0].text


def test_with_write_it_makes_collections_and_sets_metadata(ws: heron.Workspace) -> None:
    made = value(called(ws, "make_collection", writes=True, title="Rain", where="weather = 'rain'"))
    assert made["items"] == 3 == ws.collections.get("Rain").item_count
    assert value(called(ws, "set_metadata", writes=True, items=["p0.png"], values={"weather": "rain"}))
    assert ws.items.get("p0.png").metadata == {"weather": "rain"}
    ws.metadata.merge({"p0.png": {"weather": "sun"}})
    wrong = called(ws, "set_metadata", writes=True, items=["p0.png", "p1.png"], values={"weather": "hail"})
    assert wrong.is_error and "hail" in wrong.content[0].text
    assert called(ws, "make_collection", writes=True, title="X").is_error


def test_it_shows_a_user_what_the_user_may_see(lake: Path) -> None:
    with heron.open(lake, user="ada@example.org", discover=False) as ada:
        assert value(called(ada, "count")) == 0
        assert called(ada, "look", item="p1.png").is_error
        assert called(ada, "set_metadata", writes=True, items=["p1.png"], values={"weather": "sun"}).is_error


def test_the_command_answers_over_standard_input_and_output(lake: Path) -> None:
    command = StdioServerParameters(
        command=str(Path(sys.executable).with_name("heron")), args=["-w", str(lake), "mcp"]
    )

    async def run() -> Any:
        async with Client(stdio_client(command)) as client:
            return client.instructions, await client.call_tool("count", {})

    instructions, answer = asyncio.run(run())
    assert "describe" in instructions
    assert value(answer) == 6
