"""A server with routes of a plugin, which all tests of a process share, and clients of it."""

from __future__ import annotations

import asyncio
import functools
import socket
import threading
from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="session")
def plugin() -> Any:
    """The plugin that brings the routes below `/t` and `/own`."""
    return PLUGIN


@pytest.fixture
def gate() -> threading.Event:
    """What the job of `/t/job` waits for; it is closed."""
    GATE.clear()
    return GATE


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("served")
    with heron.init(root, discover=False) as workspace:
        workspace.folders.create("Runs")
        workspace.users.add("ada@example.org")
        workspace.users.add("bob@example.org")
    with served(root, plugins=[PLUGIN], discover=False, idle_seconds=0.5, jobs=2) as running:
        yield running


@pytest.fixture
def owner(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}) as client:
        yield client


@pytest.fixture
def stranger(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


@pytest.fixture
def raw(server: Served) -> Callable[..., bytes]:
    """Sends bytes to the server, and gives what it answers until it closes the connection."""
    return functools.partial(_sent, server)


def _sent(server: Served, *parts: bytes) -> bytes:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


@pytest.fixture
def workspace(server: Served) -> Iterator[heron.Workspace]:
    with heron.open(server.application.settings.path, discover=False) as opened:
        yield opened
