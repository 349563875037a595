"""Models by name, from a small server that speaks what huggingface_hub asks of the hub; each in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

TINY = Path(__file__).parent / "data" / "tiny"
OLD, NEW = "a" * 40, "b" * 40
LOAD = """
import json, sys
import heron, heron_embedder_clip
from PIL import Image
try:
    embedder = heron_embedder_clip.load(sys.argv[1])
    vectors = embedder.embed_images([Image.new("RGB", (50, 40), "red")])
    print(json.dumps({"revision": embedder.revision, "vector": vectors[0].tolist()}))
except heron.HeronError as error:
    print(json.dumps({"error": type(error).__name__, "message": error.message, "hint": error.hint}))
"""


class Hub(ThreadingHTTPServer):
    """Repositories by name: which commit each revision is, and the files of a commit. `asked` are the files fetched."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {path.name: path.read_bytes() for path in TINY.iterdir()}
        self.revisions = {"main": NEW, "v1": OLD, NEW: NEW, OLD: OLD}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def answer(self) -> None:
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        is_api = parts[:2] == ["api", "models"]
        repository, rest = "/".join(parts[2:4] if is_api else parts[:2]), parts[4:] if is_api else parts[2:]
        if repository == "some/locked":
            self.send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif repository == "some/broken":
            self.send(500, b"oh no")
        elif repository != "some/clip":
            self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif rest[1] not in self.server.revisions:
            self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif rest[0] == "revision":
            names = [{"rfilename": name} for name in self.server.files]
            self.send_json({"id": repository, "sha": self.server.revisions[rest[1]], "siblings": names})
        elif rest[0] == "tree":
            self.send_json([
                {"type": "file", "path": name, "size": len(content), "oid": etag(content)}
                for name, content in self.server.files.items()
            ])  # fmt: skip
        else:
            self.send_file(self.server.revisions[rest[1]], "/".join(rest[2:]))

    def send_file(self, commit: str, name: str) -> None:
        content = self.server.files[name]
        if self.command == "GET":
            self.server.asked.append(name)
        self.send(200, content, {"ETag": f'"{etag(content)}"', "X-Repo-Commit": commit})

    def send_json(self, value: Any) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


def etag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def load(tmp_path: Path, hub: Hub) -> Any:
    """What loading a model and one picture comes to; nothing may be said on stderr."""

    def call(name: str, **environment: str) -> Any:
        inherited = {
            key: value for key, value in os.environ.items() if "proxy" not in key.lower() and key[:3] != "HF_"
        }
        given = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": hub.url, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", LOAD, name],
            env={**inherited, **given, **environment},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return call


@pytest.mark.slow
def test_the_newest_commit_becomes_part_of_the_revision(load: Any, hub: Hub) -> None:
    first = load("some/clip")
    assert first["revision"] == f"some/clip@{NEW}"
    np.testing.assert_allclose(np.linalg.norm(first["vector"]), 1, atol=1e-6)
    assert sorted(hub.asked) == [
        "config.json", "preprocessor_config.json", "text_model.onnx", "tokenizer.json", "tokenizer_config.json",
        "vision_model.onnx",
    ]  # fmt: skip
    hub.revisions["main"] = OLD
    assert load("some/clip")["revision"] == f"some/clip@{OLD}"


@pytest.mark.slow
def test_a_pinned_revision_stays(load: Any, hub: Hub) -> None:
    assert load("some/clip@v1")["revision"] == f"some/clip@{OLD}"
    assert load(f"some/clip@{OLD}")["revision"] == f"some/clip@{OLD}"


@pytest.mark.slow
def test_what_is_in_the_cache_needs_no_network(load: Any, hub: Hub) -> None:
    first = load("some/clip@v1")
    hub.asked.clear()
    assert load("some/clip@v1", HF_HUB_OFFLINE="1") == first
    assert load(f"some/clip@{OLD}", HF_ENDPOINT="http://127.0.0.1:9") == first
    assert hub.asked == []


@pytest.mark.slow
def test_a_variant_is_fetched_alone(load: Any, hub: Hub) -> None:
    found = load("some/clip#int8")
    assert found["revision"] == f"some/clip@{NEW}#int8"
    assert [name for name in sorted(hub.asked) if "onnx" in name] == [
        "text_model_quantized.onnx",
        "vision_model_quantized.onnx",
    ]


@pytest.mark.slow
def test_weights_beside_a_graph_are_fetched_with_it(load: Any, hub: Hub) -> None:
    hub.files = {f"onnx/{name}" if "onnx" in name else name: content for name, content in hub.files.items()}
    assert load("some/clip#external")["revision"] == f"some/clip@{NEW}#external"
    assert "onnx/vision_model_external.onnx_data" in hub.asked


@pytest.mark.slow
def test_both_sides_in_one_file_are_fetched_when_there_is_no_other(load: Any, hub: Hub) -> None:
    vector = load("some/clip@v1")["vector"]
    del hub.files["vision_model.onnx"], hub.files["text_model.onnx"]
    hub.asked.clear()
    found = load("some/clip")
    np.testing.assert_allclose(found["vector"], vector, atol=1e-5)
    assert [name for name in hub.asked if "onnx" in name] == ["model.onnx"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("some/nothing", "the hub has no model some/nothing, or you have no access to it"),
        ("some/locked", "some/locked on the hub is restricted to users who were given access"),
        ("some/clip@v2", "some/clip on the hub has no revision v2"),
        ("some/clip#q4", "some/clip on the hub has no CLIP in ONNX of the variant q4"),
    ],
)
def test_what_the_hub_lacks_is_told_in_one_sentence(load: Any, name: str, message: str) -> None:
    found = load(name)
    assert (found["error"], found["message"]) == ("PluginError", message)
    assert "or name a directory with the model" in found["hint"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("some/clip", {"HF_ENDPOINT": "http://127.0.0.1:9"}),
        ("some/clip", {"HF_HUB_OFFLINE": "1"}),
        ("some/broken", {}),
    ],
)
def test_no_network(load: Any, name: str, environment: dict[str, str]) -> None:
    found = load(name, **environment)
    assert found["error"] == "PluginError"
    assert (
        found["message"]
        == f"{name} is not a directory here, is not in the cache, and the hub cannot be reached"
    )
    assert found["hint"] == "try again with a network, or name a directory with the model"
