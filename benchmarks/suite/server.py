"""Requests to the server beside a bare Starlette route over the same catalogue: one item, and a page of 100 items, signed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import median_of
from benchmarks.house.shape import Benchmark, Cases, Figures, Job, way

_ITEMS = 2_000
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_SEED = b"1" * 32


def lake(stage: Path, size: int) -> None:
    """A workspace with items of known facts, and a user with a key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    import heron

    facts = heron.MediaFacts("image", "image/jpeg", 1920, 1080)
    new = [heron.NewItem(f"s3://lake/{n:05}.jpg", facts, metadata={"n": n}) for n in range(_ITEMS)]
    with heron.open(stage, discover=False) as workspace:
        workspace.registration.register(new, "Photos")
        workspace.users.add("ada@example.org", role="admin")
        public = _key().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        workspace.users.add_key("ada@example.org", public.decode())


def _key() -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(_SEED)


def _signer(request: Any) -> bytes:
    """The public key whose signature over the path a request has; raises InvalidSignature."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = bytes.fromhex(request.headers["x-key"])
    Ed25519PublicKey.from_public_bytes(raw).verify(
        bytes.fromhex(request.headers["x-signature"]), request.url.path.encode()
    )
    return raw


def bare() -> Any:
    """A Starlette application that verifies the signature, reads rows by sqlite3 and answers orjson."""
    import sqlite3

    import orjson
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    db = sqlite3.connect(f"{os.environ['LAKE']}/.heron/catalog.db", check_same_thread=False)
    db.row_factory = sqlite3.Row

    def known(request: Any) -> None:
        assert db.execute("SELECT 1 FROM credentials WHERE value = ?", [_signer(request)]).fetchone()

    async def item(request: Any) -> Response:
        known(request)
        row = db.execute("SELECT * FROM items WHERE uuid = ?", [request.path_params["uuid"]]).fetchone()
        return Response(orjson.dumps(dict(row)), media_type="application/json")

    async def page(request: Any) -> Response:
        known(request)
        rows = db.execute("SELECT * FROM items ORDER BY id LIMIT 100").fetchall()
        return Response(orjson.dumps([dict(row) for row in rows]), media_type="application/json")

    return Starlette(routes=[Route("/item/{uuid}", item), Route("/page", page)])


def ours() -> Any:
    """Heron's server with two routes that do the same by the verbs of a workspace."""
    import logging
    from types import SimpleNamespace

    from starlette.responses import Response
    from starlette.routing import Route

    import heron
    import heron_server
    from heron.remote import wire

    def routes(site: heron.Site) -> list[Route]:
        def known(request: Any) -> None:
            request.scope["heron.user"] = site.user_of_key(_signer(request))

        async def item(request: Any) -> Response:
            known(request)
            uuid = request.path_params["uuid"]
            found = await site.call(request, lambda ws: ws.items.get(uuid), brief=True)
            return Response(wire.dumped(wire.given(found)), media_type="application/json")

        async def page(request: Any) -> Response:
            known(request)
            found = await site.call(request, lambda ws: ws.items.page(limit=100))
            return Response(wire.dumped([wire.given(each) for each in found]), media_type="application/json")

        return [Route("/item/{uuid}", item), Route("/page", page)]

    def register_routes() -> list[heron.Routes]:
        return [heron.Routes(name="b", summary="", load=lambda: routes, authenticates=True)]

    logging.getLogger("heron.access").setLevel(logging.INFO)
    logging.getLogger("heron.access").addHandler(logging.FileHandler(os.devnull))
    plugin = SimpleNamespace(register_routes=heron.hookimpl(register_routes))
    return heron_server.application(os.environ["LAKE"], plugins=[plugin], discover=False, rate=1e9)


def asked(application: str, job: Job) -> Cases:
    """The server's processor seconds for requests one after another over one connection."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [
        sys.executable, "-m", "uvicorn", "--factory", f"benchmarks.suite.server:{application}", "--port", str(port), "--http", "httptools",
        "--log-level", "error", "--no-access-log", "--lifespan", "auto",
    ]  # fmt: skip
    server = subprocess.Popen(command, env={**os.environ, "LAKE": str(job.stage)})
    try:
        return _figures(server.pid, port, job)
    finally:
        server.terminate()
        server.wait()


def _figures(pid: int, port: int, job: Job) -> Cases:
    import http.client

    import heron

    with heron.open(job.stage, discover=False) as workspace:
        paths = {"an item": f"/item/{workspace.items.page(limit=1)[0].uuid}", "a page of 100": "/page"}
    found = {}
    for case, path in paths.items():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"X-Key": _public().hex(), "X-Signature": _key().sign(path.encode()).hex()}
        for _ in range(600):  # until the server answers
            try:
                _ask(connection, path, headers)
                break
            except OSError:
                connection.close()
                time.sleep(0.05)
        count = job.size if case == "an item" else max(job.size // 10, 1)
        rounds: list[Figures] = []
        for _ in range(3):
            before, start = _cpu(pid), time.perf_counter()
            for _ in range(count):
                _ask(connection, path, headers)
            rounds.append({"cpu": _cpu(pid) - before, "wall": time.perf_counter() - start, "count": count})
        connection.close()
        found[case] = median_of(rounds)
    return found


def _public() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw: bytes = _key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return raw


def _ask(connection: Any, path: str, headers: dict[str, str]) -> None:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


BENCHMARK = Benchmark(
    name="server",
    title="The server, {size} requests for an item, a tenth for a page",
    unit="requests",
    about="""
Processor time of the server alone. Each request is signed by an ed25519 key. The reference is a bare Starlette route that verifies the same
signature, looks the key up, reads the row by sqlite3 and answers by orjson, in the event loop, without limits, rights, log or counters.
Target: at least 0.5 times as many requests.
""",
    prepare=lake,
    ways=(
        way("Heron", lambda job: asked("ours", job), needs=("heron_server", "starlette", "cryptography")),
        way("Starlette", lambda job: asked("bare", job), needs=("starlette", "cryptography")),
    ),
    references={"": "Starlette"},
    sizes={"tiny": 20, "small": 1_000, "full": 5_000},
)
