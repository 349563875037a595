"""A server that is killed, and clients that go away, in the middle of an upload, a download, a long poll, a patch, an import and an export.

The server is killed once, while all six are on their way. Files tell how far it is, so nothing depends on time.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("stopping_server.py")
LARGE = 64 * 1024 * 1024
"""More bytes than the buffers of a connection hold."""


@contextmanager
def running(lake: Path) -> Iterator[Any]:
    """The server in a process of its own, with a client."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(lake)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        said = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {said['token']}"}
        with httpx.Client(base_url=f"{said['url']}/api/v1", headers=headers, timeout=60) as api:
            yield SimpleNamespace(
                process=process, api=api, headers=headers, at=urlsplit(said["url"]), token=said["token"]
            )
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def until(condition: Callable[[], Any]) -> Any:
    """What becomes true, waited for as long as it takes."""
    for _ in range(6000):
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come so far")


def half_sent(server: Any, path: str, size: int) -> socket.socket:
    """A connection over which the first half of a body was sent."""
    connection = socket.create_connection((server.at.hostname, server.at.port))
    head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\nContent-Length: {size}\r\n\r\n"
    connection.sendall(head.encode() + b"x" * (size // 2))
    return connection


def parts(lake: Path) -> list[Path]:
    """What was begun to be sent."""
    return [*(lake / ".heron/receiving").glob("*")]


def items(api: httpx.Client) -> dict[str, Any]:
    """The items by name."""
    return {row["name"]: row for row in api.get("/items", params={"limit": 1000}).json()["rows"]}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lake will be, with 30 notes and a large file, and toys beside it."""
    beside = tmp_path_factory.mktemp("killed")
    notes, toys = beside / "notes", beside / "toys"
    notes.mkdir()
    toys.mkdir()
    for number in range(30):
        (notes / f"{number:02}.txt").write_text(f"note {number}\n")
    with (notes / "large.txt").open("wb") as stream:
        stream.write(b"a line of text\n")
        stream.truncate(LARGE)
    (toys / "a.toy").write_bytes(b"TOY1good")
    (toys / "b.toy").write_bytes(b"TOY1stop")
    return beside / "lake"


@pytest.fixture(scope="module")
def killed(lake: Path) -> Any:
    """What clients saw of a server that was killed in the middle of everything."""
    seen: dict[str, Any] = {}
    beside = lake.parent
    patch = [[f"{number:02}.txt", {"word": "stop" if number == 20 else "new"}] for number in range(30)]
    with running(lake) as server, ThreadPoolExecutor(8) as threads:
        api = server.api
        upload = api.post("/uploads").json()["id"]
        seen["upload"] = upload

        def outcome(name: str, work: Callable[[], Any]) -> None:
            try:
                seen[name] = work()
            except httpx.TransportError as error:
                seen[name] = error

        def download() -> int:
            size = 0
            with api.stream("GET", "/items/large.txt/media") as answer:
                for piece in answer.iter_raw(1024):
                    size += len(piece)
                    (beside / "download.reached").touch()
                    until(lambda: (beside / "download.open").exists())
            return size

        def poll() -> str:
            job = api.post("/imports", json={"sources": [str(beside / "toys")], "folder": "Toys"}).json()
            seen["job"] = job["id"]
            with api.stream("GET", f"/jobs/{job['id']}/events") as answer:
                for line in answer.iter_lines():
                    (beside / "poll.reached").touch()
                    seen["last line"] = line
            return "it ended"

        for name, work in {
            "download": download,
            "poll": poll,
            "export": lambda: api.get(
                "/datasets/notes/export", params={"format": "names", "filename": "x.names"}
            ),
        }.items():
            threads.submit(outcome, name, work)
        upload_begun = half_sent(server, f"/api/v1/uploads/{upload}/half.bin", 2_000_000)
        until(lambda: any(path.stat().st_size for path in parts(lake)))
        for name in ("download", "poll", "import", "export"):
            until((beside / f"{name}.reached").exists)
        threads.submit(outcome, "patch", lambda: api.post("/metadata:merge", json={"updates": patch}))
        until((beside / "patch.reached").exists)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        (beside / "download.open").touch()
        upload_begun.close()
    for name in ("import", "patch", "export"):
        (beside / f"{name}.open").touch()
    return seen


@pytest.fixture(scope="module")
def next_one(lake: Path, killed: Any) -> Iterator[Any]:
    """The server that is started after the one that was killed."""
    with running(lake) as server:
        yield server


def test_no_client_takes_a_broken_answer_for_a_whole_one(killed: Any) -> None:
    for name in ("download", "poll", "export", "patch"):
        assert isinstance(killed[name], httpx.TransportError), (name, killed[name])


def test_the_catalogue_is_sound(lake: Path, next_one: Any) -> None:
    with sqlite3.connect(lake / ".heron/catalog.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert next_one.api.get("/metadata:verify").json()["rows"] == []


def test_a_patch_that_was_cut_off_has_changed_nothing_and_can_be_sent_again(next_one: Any) -> None:
    assert all(row["metadata"] == {} for row in items(next_one.api).values())
    patch = [[f"{number:02}.txt", {"word": "new"}] for number in range(30)]
    assert next_one.api.post("/metadata:merge", json={"updates": patch}).status_code < 300
    changed = [row["name"] for row in items(next_one.api).values() if row["metadata"] == {"word": "new"}]
    assert len(changed) == 30


def test_an_upload_that_was_cut_off_is_gone_and_can_be_sent_again(
    lake: Path, killed: Any, next_one: Any
) -> None:
    assert parts(lake) == []
    place = f"/uploads/{killed['upload']}/half.bin"
    assert next_one.api.put(place, content=b"x" * 1000).status_code == 204
    assert (lake / "uploads" / killed["upload"] / "half.bin").stat().st_size == 1000


def test_an_import_that_was_cut_off_is_told_and_resumed(killed: Any, next_one: Any) -> None:
    [job] = [row for row in next_one.api.get("/imports").json()["rows"] if row["state"] != "done"]
    assert job["state"] == "interrupted"
    resumed = next_one.api.post(f"/imports/{job['id']}/resume").json()
    with next_one.api.stream("GET", f"/jobs/{resumed['id']}/events") as answer:
        assert "done" in list(answer.iter_lines())[-2]
    assert {"a.toy", "b.toy"} <= set(items(next_one.api))
    assert next_one.api.get(f"/jobs/{killed['job']}").status_code in (200, 404)


def test_an_export_and_a_download_come_whole_from_the_next_server(next_one: Any) -> None:
    answer = next_one.api.get("/datasets/notes/export", params={"format": "names", "filename": "x.names"})
    assert answer.text.splitlines() == [f"{number:02}.txt" for number in range(30)]
    assert len(next_one.api.get("/items/large.txt/media").content) == LARGE


def reached_again(lake: Path, name: str) -> None:
    for end in ("reached", "open"):
        (lake.parent / f"{name}.{end}").unlink(missing_ok=True)


def left(server: Any, method: str, path: str, body: Any = None) -> socket.socket:
    """A connection with a request that was sent whole; its answer is not read."""
    connection = socket.create_connection((server.at.hostname, server.at.port))
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


def test_a_client_that_leaves_an_upload_leaves_no_file(lake: Path, next_one: Any) -> None:
    before = set(parts(lake))
    upload = next_one.api.post("/uploads").json()["id"]
    connection = half_sent(next_one, f"/api/v1/uploads/{upload}/left.bin", 2_000_000)
    until(lambda: any(path.stat().st_size for path in set(parts(lake)) - before))
    connection.close()
    until(lambda: set(parts(lake)) == before)


def test_a_client_that_leaves_a_patch_does_not_stop_it_half_way(lake: Path, next_one: Any) -> None:
    reached_again(lake, "patch")
    patch = [[f"{number:02}.txt", {"word": "stop" if number == 20 else "left"}] for number in range(30)]
    connection = left(next_one, "POST", "/metadata:merge", {"updates": patch})
    until((lake.parent / "patch.reached").exists)
    connection.close()
    (lake.parent / "patch.open").touch()
    until(lambda: items(next_one.api)["00.txt"]["metadata"] == {"word": "left"})
    found = [row["metadata"].get("word") for row in items(next_one.api).values()]
    assert (found.count("left"), found.count("stop")) == (29, 1)


def test_clients_that_leave_exports_downloads_and_polls_leave_a_server_that_answers(
    lake: Path, next_one: Any
) -> None:
    reached_again(lake, "export")
    export = left(next_one, "GET", "/datasets/notes/export?format=names&filename=x.names")
    until((lake.parent / "export.reached").exists)
    export.close()
    (lake.parent / "export.open").touch()
    for _ in range(20):  # more than there are threads
        connection = left(next_one, "GET", "/items/large.txt/media")
        assert connection.recv(1000)
        connection.close()
    job = next_one.api.get("/jobs").json()["rows"][0]["id"]
    poll = left(next_one, "GET", f"/jobs/{job}/events")
    assert poll.recv(10)
    poll.close()
    assert next_one.api.post("/count", json={}).json()["count"] > 30
