"""What the server refuses before a route sees it, and what routes of plugins get."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import heron
from heron_server.testing import Served, served


def test_errors_have_their_status_and_the_sentence_of_the_python_api(owner: httpx.Client) -> None:
    taken = owner.post("/t/make", json={"path": "Runs"})
    assert taken.status_code == 409
    assert taken.json()["error"]["type"] == "AlreadyExists"
    assert "Runs" in taken.json()["error"]["message"]
    wrong = owner.post("/t/make", json={"path": 7})
    assert wrong.status_code in (422, 500)
    assert owner.get("/t/nothing").status_code == 404
    method = owner.put("/t/who")
    assert (method.status_code, method.headers["allow"]) == (405, "GET, HEAD")


def test_an_error_of_a_route_tells_nothing_of_itself(owner: httpx.Client) -> None:
    answer = owner.get("/t/fail")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["error"]["hint"]


def test_four_threads_have_four_workspaces(owner: httpx.Client) -> None:
    assert owner.get("/t/together").json() == {"different": 4, "ask often": True}


def test_long_addresses_headers_and_bodies_are_refused(owner: httpx.Client) -> None:
    assert owner.get("/t/who?" + "x" * 9000).status_code == 414
    assert owner.get("/t/who", headers={"X-Long": "x" * 40_000}).status_code == 431
    assert owner.post("/t/echo", content=b"x" * (17 << 20)).status_code == 413
    assert owner.post("/t/echo", content=iter([b"x" * (1 << 20)] * 17)).status_code == 413
    assert owner.post("/t/echo", content=b"x" * 70_000).content == b"x" * 70_000


def test_a_body_that_stops_half_way_is_not_waited_for(server: Served, raw: Callable[..., bytes]) -> None:
    head = f"POST /t/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\nContent-Length: 10\r\n\r\n"
    answer = raw(head.encode(), b"abc")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer


@pytest.mark.parametrize(
    "lie",
    [
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: -4\r\n",
        b"Content-Length: 0x4\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, identity\r\n",
    ],
)
def test_a_length_that_lies_is_refused(server: Served, lie: bytes, raw: Callable[..., bytes]) -> None:
    token = f"Authorization: Bearer {server.token}\r\n".encode()
    answer = raw(b"POST /t/echo HTTP/1.1\r\nHost: localhost\r\n" + token + lie + b"\r\nabcdef")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ")), answer[:200]


def test_health_is_told_to_everybody_and_metrics_to_users(
    owner: httpx.Client, stranger: httpx.Client
) -> None:
    assert stranger.get("/healthz").json() == {"status": "ok"}
    owner.get("/t/who")
    text = owner.get("/metrics").text
    assert 'heron_requests_total{method="GET",routes="tests",status="200"}' in text


def test_a_job_tells_of_itself_and_is_cancelled(
    owner: httpx.Client, server: Served, gate: threading.Event
) -> None:
    jobs = server.application.site.jobs
    first, second = (owner.post("/t/job").json()["id"] for _ in range(2))
    assert owner.post("/t/job").status_code == 429
    jobs.cancel(first, None)
    with pytest.raises(heron.NotFound):
        jobs.get(first, "ada@example.org")
    gate.set()

    async def last(id: str) -> heron.ServedJob:
        return [job async for job in jobs.events(id, None)][-1]

    assert asyncio.run(last(first)).state == "cancelled"
    done = asyncio.run(last(second))
    assert (done.state, done.result, done.progress) == ("done", {"user": "owner"}, {"done": 2})
    assert {first, second} <= {job.id for job in jobs.list(None)}


def test_a_job_ends_at_its_next_batch_when_the_server_stops(tmp_path: Path, gate: threading.Event) -> None:
    with heron.init(tmp_path, discover=False):
        pass
    began = threading.Event()

    def work(workspace: heron.Workspace, progress: heron.JobProgress) -> None:
        began.set()
        while not progress.is_stopping:
            gate.wait(0.01)
        progress()

    with served(tmp_path, discover=False) as running:
        jobs = running.application.site.jobs
        id = jobs.start("wait", None, work).id
        assert began.wait(10)
        jobs.stop()
        jobs.close()
        assert jobs.get(id, None).state == "interrupted"


def test_a_server_for_reading_changes_nothing(tmp_path: Path, plugin: Any) -> None:
    with heron.init(tmp_path, discover=False) as workspace:
        workspace.folders.create("Runs")
    with (
        served(tmp_path, plugins=[plugin], discover=False, read_only=True) as running,
        httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {running.token}"}) as owner,
    ):
        answer = owner.post("/t/make", json={"path": "New"})
        assert answer.status_code == 403
        assert "opened for reading" in answer.json()["error"]["message"]
        assert owner.get("/t/who").json()["folders"] == ["Runs"]


def test_two_plugins_cannot_answer_at_one_address(tmp_path: Path, plugin: Any) -> None:
    with heron.init(tmp_path, discover=False):
        pass
    again = heron.Routes(name="again", summary="", load=next(iter(plugin.register_routes())).load)
    other = SimpleNamespace(register_routes=heron.hookimpl(lambda: [again]))
    from heron_server import application

    with pytest.raises(heron.PluginError, match="both answer"):
        application(tmp_path, plugins=[plugin, other], discover=False)


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: local"])
def test_a_request_that_does_not_come_is_not_waited_for(
    server: Served, monkeypatch: pytest.MonkeyPatch, begun: bytes, raw: Callable[..., bytes]
) -> None:
    monkeypatch.setattr("heron_server.protocol.HEADER_SECONDS", 0.2)
    assert raw(begun) == b""


def test_no_piece_of_an_answer_waits_for_the_acknowledgement_of_the_one_before(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio sets TCP_NODELAY only for listeners that were made in one way; without it each answer takes 40 ms more."""
    from heron_server.protocol import LimitedProtocol

    found, plain = [], LimitedProtocol.connection_made

    def made(self: LimitedProtocol, transport: Any) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        plain(self, transport)
        found.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(LimitedProtocol, "connection_made", made)
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert found and all(found)


def test_headers_without_end_are_cut_off(server: Served, raw: Callable[..., bytes]) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000
    assert raw(head).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /t/%ff%fe HTTP/1.1",
        b"GET /t//who HTTP/1.1",
        b"GET /t/../t/who HTTP/1.1",
        b"GET /t%2fwho HTTP/1.1",
        b"GET /t/who%00 HTTP/1.1",
    ],
)
def test_odd_addresses_lead_nowhere(server: Served, request_line: bytes, raw: Callable[..., bytes]) -> None:
    token = f"Authorization: Bearer {server.token}".encode()
    answer = raw(request_line + b"\r\nHost: localhost\r\nConnection: close\r\n" + token + b"\r\n\r\n")
    assert answer.split(b" ", 2)[1] in (b"404", b"200" if b"%2f" in request_line else b"404"), answer[:300]


def test_clients_that_leave_are_no_failures(
    server: Served, owner: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(server.url.rpartition(":")[2])
    token = f"Host: localhost\r\nAuthorization: Bearer {server.token}\r\n".encode()
    for begun in (
        b"POST /t/echo HTTP/1.1\r\n" + token + b"Content-Length: 100000\r\n\r\nabc",
        b"GET /t/together HTTP/1.1\r\n" + token + b"\r\n",
        b"POST /t/echo HTTP/1.1\r\n" + token + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(begun)
    assert owner.get("/t/who").status_code == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
