"""Each field of each body and of each query, missing, null, huge or of another form: never a 5xx, and an error always says what is wrong.

The application is called without a connection, since there are some 3,000 requests.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

import heron
import heron_http_api
from heron_server import application

pytestmark = pytest.mark.slow

BODIES = (None, 10**30, "x" * 2000, "a\x00b", {"a": [None]})
"""What a field of a body gets; the others that it needs are texts."""

QUERIES = ("", "-1", "9" * 30, "x" * 2000, "%00")
SPARED = ("/storage:relocate",)
"""What could change the lake as a whole."""


class Asking:
    """Calls the application as a server does."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def ask(self, method: str, path: str, query: str = "", body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        pieces: list[dict[str, Any]] = []
        bodies = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(bodies, None) or await asyncio.Event().wait()  # type: ignore[return-value]

        async def send(message: dict[str, Any]) -> None:
            pieces.append(message)

        named = {"host": "127.0.0.1", "authorization": "Bearer t", "content-type": "application/json"}
        headers = [(name.encode(), value.encode()) for name, value in named.items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
            "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [*headers, (b"content-length", str(len(body)).encode())],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1), "state": {},
        }  # fmt: skip
        await asyncio.wait_for(self.app(scope, receive, send), 60)
        return pieces[0]["status"], b"".join(piece.get("body", b"") for piece in pieces[1:])


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """A workspace with something of each sort."""
    place = tmp_path_factory.mktemp("fields")
    Image.new("RGB", (8, 8), "red").save(place / "a.png")
    with heron.init(place / "lake", discover=False) as workspace:
        workspace.schema.add_scalar("city", "varchar")
        workspace.ingest.files(place / "a.png", folder="0")
        workspace.datasets.create("0", items=["a.png"])
        workspace.collections.create("0", items=["a.png"])
        workspace.users.add("ada@example.org")
    plugins = [heron_http_api]
    settings = {"discover": False, "rate": 1e9, "jobs": 1000, "owner_token": "t"}
    app = application(place / "lake", plugins=plugins, **settings)
    yield Asking(app)
    app.stop()
    app.close()


def wrong_requests(described: dict[str, Any]) -> Iterator[tuple[str, str, str, str, bytes]]:
    """For each field: the method, the path, the field, and the query or the body in which it is wrong."""
    parts = described["components"]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if path in SPARED or "event-stream" in json.dumps(operation.get("responses", {})):
                continue
            at = "/api/v1" + re.sub(r"\{\w+\}", "a.png" if path.startswith("/items") else "0", path)
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = _meant(content.get("schema", {}), parts["schemas"])
            for name in schema.get("properties", {}):
                others = {each: "0" for each in schema.get("required", []) if each != name}
                for value in BODIES:
                    yield method.upper(), at, name, "", json.dumps({**others, name: value}).encode()
                yield method.upper(), at, f"no {name}", "", json.dumps(others).encode()
            for each in operation.get("parameters", []):
                given = _meant(each, parts.get("parameters", {}))
                for value in QUERIES if given["in"] == "query" else ():
                    yield method.upper(), at, given["name"], f"{given['name']}={value}", b""


def _meant(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    return schema


def test_a_field_that_is_wrong_is_refused_with_a_sentence(asking: Asking) -> None:
    async def ask_all() -> tuple[int, list[Any]]:
        _, description = await asking.ask("GET", "/api/v1/openapi.json")
        asked, faults = 0, []
        for method, path, name, query, body in wrong_requests(json.loads(description)):
            status, content = await asking.ask(method, path, query, body)
            asked += 1
            if status >= 500 or (status >= 400 and not json.loads(content)["error"]["message"]):
                faults.append((status, method, path, name, (query or body.decode())[:80], content[:200]))
        return asked, faults

    asked, faults = asyncio.run(ask_all())
    assert faults == []
    assert asked > 2000
