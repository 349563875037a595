"""A server that is killed, and clients that go away, in the middle of an upload, a download, a long poll and a bulk patch of the SDK.

The server is killed once, while all four are on their way. Files tell how far it is, so nothing depends on time.
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

import heron
from heron_sdk_api.testing import Key, Sender, make_key

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sdk")]
SCRIPT = Path(__file__).with_name("sdk_stopping_server.py")


@contextmanager
def running(lake: Path, key: Key) -> Iterator[Any]:
    """The server in a process of its own, with who sends to it."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(lake), key.public], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        sender = Sender(json.loads(process.stdout.readline())["url"], key, "")
        yield SimpleNamespace(process=process, send=sender.send, at=urlsplit(sender.url))
    finally:
        for name in ("import", "patch"):  # what a test that failed has left waiting
            (lake.parent / f"{name}.open").touch()
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def until(condition: Callable[[], Any]) -> Any:
    """What becomes true, waited for as long as it takes."""
    for _ in range(1500):
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come so far")


def items(server: Any) -> dict[str, Any]:
    """The items by name."""
    found = server.send("GET", "storage/search/items?pageSize=1000").json()["results"]
    return {item["name"]: item for item in found}


def begun(address: str, method: str, body: bytes = b"", length: int = 0) -> socket.socket:
    """A connection over which a request to a signed address was sent, with the beginning of its body."""
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname, parts.port))
    head = f"{method} {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def upload(server: Any, folder: str) -> dict[str, Any]:
    """An address for an upload."""
    body = {"itemType": "image", "count": 1}
    (found,) = server.send("POST", f"storage/folders/{folder}/upload-signed-urls", body).json()["results"]
    return dict(found)


def sent_toys(server: Any, folder: str, toys: dict[str, bytes]) -> str:
    """The job of toys that were sent, by name."""
    images = []
    for name, content in toys.items():
        toy = upload(server, folder)
        assert httpx.put(toy["signedUrl"], content=content, trust_env=False).status_code == 200
        images.append({"objectUrl": toy["objectKey"], "placeholderItemUuid": toy["itemUuid"], "title": name})
    path = f"storage/folders/{folder}/data-upload-jobs"
    return str(server.send("POST", path, {"dataItems": {"images": images}}).json())


def waiting(lake: Path) -> list[Path]:
    """What was sent in part."""
    return [*(lake / ".heron" / "uploads").glob("*.part")]


def patch_of(server: Any, word: str) -> dict[str, Any]:
    """A patch of 30 items; in the middle of it the server stops."""
    found = items(server)
    words = {name: "stop" if name == "20.txt" else word for name in found if name[:2].isdecimal()}
    patches = {found[name]["uuid"]: {"clientMetadata": {"word": each}} for name, each in words.items()}
    return {"itemPatches": patches}


def words(server: Any) -> list[Any]:
    return [json.loads(item["clientMetadata"]).get("word") for item in items(server).values()]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lake will be."""
    return tmp_path_factory.mktemp("killed") / "lake"


@pytest.fixture(scope="module")
def key(lake: Path) -> Key:
    """The key of the user."""
    return make_key(lake.parent, "ada")


@pytest.fixture(scope="module")
def killed(lake: Path, key: Key) -> Any:
    """What clients saw of a server that was killed in the middle of everything."""
    seen: dict[str, Any] = {}
    beside = lake.parent
    with running(lake, key) as server, ThreadPoolExecutor(4) as threads:
        seen["folder"] = server.send("GET", "storage/search/folders").json()["results"][0]["uuid"]
        large = items(server)["large.txt"]["uuid"]
        address = server.send("GET", f"storage/items/{large}?signUrl=True").json()["signedUrl"]
        download = begun(address, "GET")
        assert download.recv(1000)
        seen["upload"] = upload(server, seen["folder"])
        half = begun(seen["upload"]["signedUrl"], "PUT", b"x" * 500_000, 1_000_000)
        until(lambda: any(path.stat().st_size for path in waiting(lake)))
        path = f"storage/folders/{seen['folder']}/data-upload-jobs"
        toys = {"first.toy": b"TOY1good", "a.toy": b"TOY1stop"}  # the first call of a decoder runs alone
        seen["job"] = sent_toys(server, seen["folder"], toys)

        def outcome(name: str, work: Callable[[], Any]) -> None:
            try:
                seen[name] = work()
            except httpx.TransportError as error:
                seen[name] = error

        poll = f"{path}/{seen['job']}?timeoutSeconds=100"
        until((beside / "import.reached").exists)
        threads.submit(outcome, "poll", lambda: server.send("GET", poll))
        patch = patch_of(server, "new")
        threads.submit(outcome, "patch", lambda: server.send("PATCH", "storage/items/patch-bulk", patch))
        until(lambda: (beside / "patch.reached").exists() or "patch" in seen)
        assert "patch" not in seen, seen["patch"].text
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        half.close()
        download.settimeout(10)
        size = 0
        try:
            while piece := download.recv(1 << 20):
                size += len(piece)
        except ConnectionError:
            pass
        seen["download"] = size
        download.close()
    for name in ("import", "patch"):
        (beside / f"{name}.open").touch()
    return seen


@pytest.fixture(scope="module")
def next_one(lake: Path, key: Key, killed: Any) -> Iterator[Any]:
    """The server that is started after the one that was killed."""
    with running(lake, key) as server:
        yield server


def test_no_client_takes_a_broken_answer_for_a_whole_one(killed: Any) -> None:
    assert killed["download"] < 64 * 1024 * 1024
    for name in ("poll", "patch"):
        assert isinstance(killed[name], httpx.TransportError), (name, killed[name])


def test_the_catalogue_is_sound_and_the_patch_has_changed_nothing(lake: Path, next_one: Any) -> None:
    with sqlite3.connect(lake / ".heron" / "catalog.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert {*words(next_one)} == {None}
    answer = next_one.send("PATCH", "storage/items/patch-bulk", patch_of(next_one, "new"))
    assert (answer.status_code, len(answer.json()["results"])) == (200, 30)
    assert (words(next_one).count("new"), words(next_one).count("stop")) == (29, 1)


def test_an_upload_that_was_cut_off_does_not_count_and_can_be_sent_again(next_one: Any, killed: Any) -> None:
    path = f"storage/folders/{killed['folder']}/data-upload-jobs"
    entry = {"objectUrl": killed["upload"]["objectKey"], "placeholderItemUuid": killed["upload"]["itemUuid"]}
    answer = next_one.send("POST", path, {"dataItems": {"text": [entry]}})
    assert (answer.status_code, "nothing was uploaded" in answer.json()["message"]) == (400, True)
    again = upload(next_one, killed["folder"])
    assert httpx.put(again["signedUrl"], content=b"a note", trust_env=False).status_code == 200
    entry = {"objectUrl": again["objectKey"], "placeholderItemUuid": again["itemUuid"], "title": "again.txt"}
    job = next_one.send("POST", path, {"dataItems": {"text": [entry]}}).json()
    state = next_one.send("GET", f"{path}/{job}?timeoutSeconds=60").json()
    assert [item["name"] for item in state["itemsWithNames"]] == ["again.txt"], state


def test_the_job_that_was_cut_off_is_told_and_resumed(lake: Path, next_one: Any, killed: Any) -> None:
    path = f"storage/folders/{killed['folder']}/data-upload-jobs/{killed['job']}?timeoutSeconds=0"
    assert next_one.send("GET", path).status_code == 404  # a job is known until its server stops
    with heron.open(lake, discover=False) as ws:
        states = {job.state for job in ws.imports.list()}
    assert "interrupted" in states
    assert "a.toy" not in items(next_one)


def test_clients_that_leave_stop_no_change_half_way(lake: Path, next_one: Any, key: Key) -> None:
    for end in ("reached", "open"):
        (lake.parent / f"patch.{end}").unlink()
    body = json.dumps(patch_of(next_one, "left")).encode()
    from heron_sdk_api.testing import signed_headers

    target = "/v2/public/storage/items/patch-bulk"
    headers = {**signed_headers(key, "PATCH", target, body), "Content-Length": str(len(body))}
    with socket.create_connection((next_one.at.hostname, next_one.at.port)) as connection:
        lines = [f"PATCH {target} HTTP/1.1", f"Host: {next_one.at.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        until((lake.parent / "patch.reached").exists)
    (lake.parent / "patch.open").touch()
    until(lambda: words(next_one).count("left"))
    assert (words(next_one).count("left"), words(next_one).count("stop")) == (29, 1)


def test_clients_that_leave_downloads_and_polls_leave_a_server_that_answers(
    lake: Path, next_one: Any, key: Key, killed: Any
) -> None:
    from heron_sdk_api.testing import signed_headers

    for end in ("reached", "open"):
        (lake.parent / f"import.{end}").unlink(missing_ok=True)
    large = items(next_one)["large.txt"]["uuid"]
    address = next_one.send("GET", f"storage/items/{large}?signUrl=True").json()["signedUrl"]
    for _ in range(20):  # more than there are threads
        connection = begun(address, "GET")
        assert connection.recv(1000)
        connection.close()
    path = f"storage/folders/{killed['folder']}/data-upload-jobs"
    job = sent_toys(next_one, killed["folder"], {"b.toy": b"TOY1stop"})
    until((lake.parent / "import.reached").exists)
    target = f"/v2/public/{path}/{job}?timeoutSeconds=100"
    for _ in range(10):
        with socket.create_connection((next_one.at.hostname, next_one.at.port)) as connection:
            lines = [f"GET {target} HTTP/1.1", f"Host: {next_one.at.netloc}"]
            lines += [f"{name}: {value}" for name, value in signed_headers(key, "GET", target, b"").items()]
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
    assert next_one.send("GET", f"{path}/{job}?timeoutSeconds=0").json()["status"] == "PENDING"
    (lake.parent / "import.open").touch()
    state = next_one.send("GET", f"{path}/{job}?timeoutSeconds=60").json()
    assert (state["status"], [item["name"] for item in state["itemsWithNames"]]) == ("DONE", ["b.toy"])
