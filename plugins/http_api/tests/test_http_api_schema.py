"""Requests made from the description of the API: no answer is 5xx, and none has another status or form than the description says.

A few random requests, the same in every run. `schemathesis run URL/api/v1/openapi.json` makes any number of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image

import heron
import heron_http_api
from heron_server.testing import served

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.checks import CHECKS, not_a_server_error  # noqa: E402
from schemathesis.generation import GenerationMode  # noqa: E402

pytestmark = pytest.mark.slow

EXAMPLES = 1
"""Requests for each operation."""

EVERY = 3
"""Of the operations that take more than a name, one of so many is asked, since making a request takes 50 ms of the processor."""

SPARED = ("/storage:relocate",)
"""What a random request could do to the machine or to the lake as a whole."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """One server for all requests, with something of each sort."""
    place = tmp_path_factory.mktemp("described")
    Image.new("RGB", (8, 8), "red").save(place / "a.png")
    with heron.init(place / "lake", discover=False) as workspace:
        workspace.schema.add_scalar("city", "varchar")
        workspace.ingest.files(place / "a.png", folder="0")
        workspace.datasets.create("0", items=["a.png"])
        workspace.collections.create("0", items=["a.png"])
        workspace.users.add("ada@example.org")
    with served(place / "lake", plugins=[heron_http_api], discover=False, rate=1e9, jobs=1000) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
            yield client


def test_every_answer_is_as_it_is_described(api: httpx.Client) -> None:
    described = schemathesis.openapi.from_dict(api.get("/api/v1/openapi.json").json())
    chosen = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
    checks = [not_a_server_error, *CHECKS.get_by_names(list(chosen))]
    asked = 0
    operations = [found.ok() for found in described.get_all_operations()]
    taking = [each for each in operations if each.path not in SPARED and (each.body or len(each.query))]
    for operation in taking[::EVERY]:

        @settings(
            max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            sent = case.as_transport_kwargs(base_url=str(api.base_url).rstrip("/") + "/api/v1")
            sent = {name: value for name, value in sent.items() if name in _OF_HTTPX}
            if isinstance(sent.get("data"), bytes):
                sent["content"] = sent.pop("data")
            sent.pop("cookies", None)
            answer = api.request(**sent)
            case.validate_response(answer, checks=checks)

        ask()
    assert asked > 30


_OF_HTTPX = ("method", "url", "params", "headers", "cookies", "json", "data", "content")
