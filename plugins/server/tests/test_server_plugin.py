"""The server: who may enter, what is refused, and what routes of plugins get."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import heron
from heron_server.testing import Served, served

GATE = threading.Event()


def _routes(site: heron.Site) -> list[Any]:
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def who(request: Request) -> Response:
        def work(workspace: heron.Workspace) -> Any:
            return {
                "user": workspace.user.email,
                "folders": [folder.path for folder in workspace.folders.list()],
            }

        return JSONResponse(await site.call(request, work))

    async def make(request: Request) -> Response:
        path = (await request.json())["path"]
        folder = await site.call(request, lambda workspace: workspace.folders.create(path))
        return JSONResponse({"path": folder.path})

    async def together(request: Request) -> Response:
        barrier = threading.Barrier(4, timeout=10)

        def work(workspace: heron.Workspace) -> tuple[int, bool]:
            barrier.wait()
            return id(workspace), workspace.asks_often

        found = dict(await asyncio.gather(*(site.call(request, work) for _ in range(4))))
        return JSONResponse({"different": len(found), "ask often": all(found.values())})

    async def fail(request: Request) -> Response:
        raise ZeroDivisionError("a secret")

    async def echo(request: Request) -> Response:
        return Response(await request.body())

    async def sign(request: Request) -> Response:
        method = request.query_params.get("method", "GET")
        seconds = int(request.query_params.get("seconds", "60"))
        path = site.sign(
            "/t/who?x=1" if method == "GET" else "/t/make",
            user=request.scope["heron.user"],
            seconds=seconds,
            method=method,
        )
        return JSONResponse({"path": path})

    async def job(request: Request) -> Response:
        def work(workspace: heron.Workspace, progress: heron.JobProgress) -> Any:
            progress(done=1)
            GATE.wait(20)
            progress(done=2)
            return {"user": workspace.user.email}

        return JSONResponse({"id": site.jobs.start("wait", request.scope["heron.user"], work).id})

    return [
        Route("/t/who", who),
        Route("/t/make", make, methods=["POST"]),
        Route("/t/together", together),
        Route("/t/fail", fail),
        Route("/t/echo", echo, methods=["POST"]),
        Route("/t/sign", sign),
        Route("/t/job", job, methods=["POST"]),
    ]


def _own(site: heron.Site) -> list[Any]:
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def reads(request: Request) -> Response:
        return JSONResponse(await site.call(request, lambda workspace: workspace.user.email))

    async def named(request: Request) -> Response:
        request.scope["heron.user"] = request.headers["x-user"]
        return JSONResponse(await site.call(request, lambda workspace: workspace.user.email))

    return [Route("/own/unknown", reads), Route("/own/named", named)]


@heron.hookimpl
def register_routes() -> Iterator[heron.Routes]:
    yield heron.Routes(name="tests", summary="", load=lambda: _routes)
    yield heron.Routes(name="own", summary="", load=lambda: _own, authenticates=True)


PLUGIN = SimpleNamespace(register_routes=register_routes)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("served")
    with heron.init(root, discover=False) as workspace:
        workspace.folders.create("Runs")
        workspace.users.add("ada@example.org")
        workspace.users.add("bob@example.org")
    with served(root, plugins=[PLUGIN], discover=False, idle_seconds=1.0, jobs=2) as running:
        yield running


@pytest.fixture
def owner(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}) as client:
        yield client


@pytest.fixture
def stranger(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def raw(server: Served, *parts: bytes) -> bytes:
    """What the server answers to bytes, until it closes the connection."""
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_a_request_acts_as_the_owner_with_the_token_that_was_printed(owner: httpx.Client) -> None:
    assert owner.get("/t/who").json() == {"user": "owner", "folders": ["Runs"]}


@pytest.mark.parametrize(
    "given", [None, "Bearer", "bearer wrong", "Bearer wrong", "Basic b3duZXI6eA==", "Bearer \xe9"]
)
def test_without_a_valid_token_nothing_is_told(stranger: httpx.Client, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    for path in ("/t/who", "/t/nothing", "/metrics", "/"):
        answer = stranger.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["error"]["type"] == "NotAuthenticated"


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


def test_routes_that_authenticate_must_say_who_asks(stranger: httpx.Client) -> None:
    assert stranger.get("/own/unknown").status_code == 403
    assert stranger.get("/own/named", headers={"X-User": "ada@example.org"}).json() == "ada@example.org"
    assert stranger.get("/own/named", headers={"X-User": "eve@example.org"}).status_code == 403


def test_a_signed_path_acts_as_its_user_for_one_method_and_a_while(
    owner: httpx.Client, stranger: httpx.Client
) -> None:
    path = owner.get("/t/sign").json()["path"]
    assert stranger.get(path).json()["user"] == "owner"
    assert stranger.head(path).status_code == 200
    assert stranger.get(path.replace("x=1", "x=2")).status_code == 403
    assert stranger.get(path[:-1] + ("0" if path[-1] != "0" else "1")).status_code == 403
    assert stranger.get(path.replace("/t/who", "/t%2Fwho")).status_code == 403
    assert stranger.get(owner.get("/t/sign?seconds=0").json()["path"]).status_code == 403
    write = owner.get("/t/sign?method=POST").json()["path"]
    assert stranger.get(write).status_code == 403
    assert stranger.post(write, json={"path": "Signed"}).json() == {"path": "Signed"}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "10.0.0.1", "", "a b"]
)
def test_a_foreign_host_is_refused(owner: httpx.Client, host: str) -> None:
    answer = owner.get("/t/who", headers={"Host": host})
    assert answer.status_code == 421
    assert "folders" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:9", "127.8.9.1"])
def test_names_and_addresses_of_this_machine_are_served(owner: httpx.Client, host: str) -> None:
    assert owner.get("/t/who", headers={"Host": host}).status_code == 200


def test_a_page_of_another_server_changes_nothing(owner: httpx.Client, server: Served) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert owner.post("/t/make", json={"path": "Evil"}, headers=headers).status_code == 403
    assert "Evil" not in owner.get("/t/who").json()["folders"]
    assert owner.post("/t/make", json={"path": "Good"}, headers={"Origin": server.url}).status_code == 200


def test_every_answer_has_the_headers_of_safety(owner: httpx.Client) -> None:
    for path in ("/t/who", "/t/nothing", "/healthz", "/login"):
        headers = owner.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'self'" in headers["content-security-policy"]


def test_only_named_origins_show_a_page_in_a_frame(server: Served) -> None:
    with served(
        server.application.settings.path, discover=False, frame_in=["http://Localhost:8888"]
    ) as framed:
        headers = httpx.get(f"{framed.url}/login").headers
    assert "x-frame-options" not in headers
    assert "frame-ancestors 'self' http://localhost:8888;" in headers["content-security-policy"]


def test_long_addresses_headers_and_bodies_are_refused(owner: httpx.Client) -> None:
    assert owner.get("/t/who?" + "x" * 9000).status_code == 414
    assert owner.get("/t/who", headers={"X-Long": "x" * 40_000}).status_code == 431
    assert owner.post("/t/echo", content=b"x" * (17 << 20)).status_code == 413
    assert owner.post("/t/echo", content=iter([b"x" * (1 << 20)] * 17)).status_code == 413
    assert owner.post("/t/echo", content=b"x" * 70_000).content == b"x" * 70_000


def test_a_body_that_stops_half_way_is_not_waited_for(server: Served) -> None:
    head = f"POST /t/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\nContent-Length: 10\r\n\r\n"
    answer = raw(server, head.encode(), b"abc")
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
def test_a_length_that_lies_is_refused(server: Served, lie: bytes) -> None:
    token = f"Authorization: Bearer {server.token}\r\n".encode()
    answer = raw(server, b"POST /t/echo HTTP/1.1\r\nHost: localhost\r\n" + token + lie + b"\r\nabcdef")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ")), answer[:200]


def test_a_browser_enters_once_by_the_printed_address(server: Served, stranger: httpx.Client) -> None:
    from heron_server.site import once_file

    once_file(server.application.site._folder, "abc").touch()
    entered = stranger.get("/login?token=abc")
    assert entered.status_code == 200
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert stranger.get("/t/who").json()["user"] == "owner"
    assert stranger.get("/login?token=abc", headers={"Cookie": ""}).status_code == 403
    assert stranger.post("/t/make", json={"path": "By cookie"}).status_code == 403
    assert (
        stranger.post("/t/make", json={"path": "By cookie"}, headers={"Origin": server.url}).status_code
        == 200
    )
    name, value = next(iter(stranger.cookies.items()))
    stranger.cookies.clear()
    assert stranger.get("/t/who", headers={"Cookie": f"{name}={value[:-1]}"}).status_code == 401
    assert stranger.get("/t/who", headers={"Cookie": f"{name}=é.x".encode()}).status_code == 401


def test_a_token_can_be_given_in_a_form(server: Served, stranger: httpx.Client) -> None:
    assert stranger.get("/", headers={"Accept": "text/html"}).headers["location"] == "/login"
    assert stranger.post("/login", data={"token": "wrong"}).status_code == 403
    assert stranger.post("/login", data={"token": server.token}).status_code == 200
    assert stranger.get("/t/who").json()["user"] == "owner"


def test_health_is_told_to_everybody_and_metrics_to_users(
    owner: httpx.Client, stranger: httpx.Client
) -> None:
    assert stranger.get("/healthz").json() == {"status": "ok"}
    owner.get("/t/who")
    text = owner.get("/metrics").text
    assert 'heron_requests_total{method="GET",routes="tests",status="200"}' in text


def test_a_job_tells_of_itself_and_is_cancelled(owner: httpx.Client, server: Served) -> None:
    jobs = server.application.site.jobs
    GATE.clear()
    first, second = (owner.post("/t/job").json()["id"] for _ in range(2))
    assert owner.post("/t/job").status_code == 429
    jobs.cancel(first, None)
    with pytest.raises(heron.NotFound):
        jobs.get(first, "ada@example.org")
    GATE.set()

    async def last(id: str) -> heron.ServedJob:
        return [job async for job in jobs.events(id, None)][-1]

    assert asyncio.run(last(first)).state == "cancelled"
    done = asyncio.run(last(second))
    assert (done.state, done.result, done.progress) == ("done", {"user": "owner"}, {"done": 2})
    assert {first, second} <= {job.id for job in jobs.list(None)}


def test_a_job_ends_at_its_next_batch_when_the_server_stops(tmp_path: Path) -> None:
    with heron.init(tmp_path, discover=False):
        pass
    GATE.clear()
    began = threading.Event()

    def work(workspace: heron.Workspace, progress: heron.JobProgress) -> None:
        began.set()
        while not progress.is_stopping:
            GATE.wait(0.01)
        progress()

    with served(tmp_path, discover=False) as running:
        jobs = running.application.site.jobs
        id = jobs.start("wait", None, work).id
        assert began.wait(10)
        jobs.stop()
        jobs.close()
        assert jobs.get(id, None).state == "interrupted"


def test_a_server_for_reading_changes_nothing(tmp_path: Path) -> None:
    with heron.init(tmp_path, discover=False) as workspace:
        workspace.folders.create("Runs")
    with (
        served(tmp_path, plugins=[PLUGIN], discover=False, read_only=True) as running,
        httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {running.token}"}) as owner,
    ):
        answer = owner.post("/t/make", json={"path": "New"})
        assert answer.status_code == 403
        assert "opened for reading" in answer.json()["error"]["message"]
        assert owner.get("/t/who").json()["folders"] == ["Runs"]


@pytest.fixture
def workspace(server: Served) -> Iterator[heron.Workspace]:
    with heron.open(server.application.settings.path, discover=False) as opened:
        yield opened


def test_a_token_acts_as_its_user_and_a_revoked_one_at_once_no_more(
    workspace: heron.Workspace, server: Served, stranger: httpx.Client
) -> None:
    new = workspace.users.create_token("ada@example.org", name="laptop")
    headers = {"Authorization": f"Bearer {new.secret}"}
    assert stranger.get("/t/who", headers=headers).json() == {"user": "ada@example.org", "folders": []}
    assert stranger.post("/login", data={"token": new.secret}).status_code == 200
    assert stranger.get("/t/who").json()["user"] == "ada@example.org"
    workspace.users.revoke_token(new.token)
    assert stranger.get("/t/who", headers=headers).status_code == 401
    assert stranger.get("/t/who").status_code == 401, "nor the cookie that was made of it"


def test_the_use_of_a_token_is_noted(
    workspace: heron.Workspace, stranger: httpx.Client, server: Served
) -> None:
    new = workspace.users.create_token("ada@example.org", name="noted")
    stranger.get("/t/who", headers={"Authorization": f"Bearer {new.secret}"})
    for _ in range(500):
        if (found := workspace.users.of_token(new.secret)) and found.last_used_at:
            break
        threading.Event().wait(0.02)
    assert found is not None and found.last_used_at is not None
    assert new.secret not in repr(workspace.log.list(limit=20))


def test_a_user_who_was_removed_enters_no_more(workspace: heron.Workspace, stranger: httpx.Client) -> None:
    new = workspace.users.create_token("bob@example.org")
    stranger.headers["Authorization"] = f"Bearer {new.secret}"
    assert stranger.get("/t/who").status_code == 200
    signed = stranger.get("/t/sign").json()["path"]
    workspace.users.remove("bob@example.org")
    assert stranger.get("/t/who").status_code == 401
    assert stranger.get(signed, headers={"Authorization": ""}).status_code == 403


def test_a_user_makes_only_so_many_requests_a_second(tmp_path: Path) -> None:
    with heron.init(tmp_path, discover=False) as workspace:
        workspace.users.add("ada@example.org")
        secret = workspace.users.create_token("ada@example.org").secret
    with (
        served(tmp_path, plugins=[PLUGIN], discover=False, rate=0.01) as running,
        httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {running.token}"}) as owner,
    ):
        assert owner.get("/t/who").status_code == 200
        answer = owner.get("/t/who")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert owner.get("/t/who", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_the_access_log_tells_who_and_what_and_no_secret(
    owner: httpx.Client, stranger: httpx.Client, server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "heron.access"):
        path = owner.get("/t/sign").json()["path"]
        stranger.get(path)
        stranger.get("/login?token=very-secret")
        stranger.get("/healthz")
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [(line["path"], line["status"]) for line in lines[:3]] == [
        ("/t/sign", 200),
        ("/t/who", 200),
        ("/login", 403),
    ]
    assert (lines[0]["user"], lines[0]["routes"], lines[0]["method"]) == ("owner", "tests", "GET")
    for secret in (server.token, "very-secret", path.rpartition("=")[2]):
        assert secret not in caplog.text


def test_two_plugins_cannot_answer_at_one_address(tmp_path: Path) -> None:
    with heron.init(tmp_path, discover=False):
        pass
    again = heron.Routes(name="again", summary="", load=lambda: _routes)
    other = SimpleNamespace(register_routes=heron.hookimpl(lambda: [again]))
    from heron_server import application

    with pytest.raises(heron.PluginError, match="both answer"):
        application(tmp_path, plugins=[PLUGIN, other], discover=False)


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: local"])
def test_a_request_that_does_not_come_is_not_waited_for(
    server: Served, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr("heron_server.protocol.HEADER_SECONDS", 0.2)
    assert raw(server, begun) == b""


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


def test_headers_without_end_are_cut_off(server: Served) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000
    assert raw(server, head).startswith(b"HTTP/1.1 400 ")


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
def test_odd_addresses_lead_nowhere(server: Served, request_line: bytes) -> None:
    token = f"Authorization: Bearer {server.token}".encode()
    answer = raw(server, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n" + token + b"\r\n\r\n")
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
