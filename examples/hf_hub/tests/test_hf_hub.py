"""The storage keeps Heron's contract, against a hub of this process that speaks the few routes."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import heron_hf_hub
import pytest

import heron
from heron.testing import StorageContract

TREE, INFO, FILE = (
    "/api/datasets/acme/lake/tree/main",
    "/api/datasets/acme/lake/paths-info/main",
    "/datasets/acme/lake/resolve/main/",
)


class Hub(BaseHTTPRequestHandler):
    """Answers for the data set acme/lake, two entries of the tree at a time."""

    protocol_version = "HTTP/1.1"

    def entry(self, path):
        content = self.server.files[path]
        return {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != INFO:
            return self.answer(404, b"{}")
        return self.answer(
            200, json.dumps([self.entry(p) for p in given["paths"] if p in self.server.files]).encode()
        )

    def do_GET(self):
        place, _, query = self.path.partition("?")
        if place == TREE:
            paths, first = sorted(self.server.files), int(query.partition("cursor=")[2] or 0)
            follows = f'<http://127.0.0.1:{self.server.server_port}{TREE}?recursive=true&cursor={first + 2}>; rel="next"'
            told = {"Link": follows} if first + 2 < len(paths) else {}
            return self.answer(
                200, json.dumps([self.entry(path) for path in paths[first : first + 2]]).encode(), told
            )
        path = unquote(place).removeprefix(FILE)
        if not unquote(place).startswith(FILE) or path not in self.server.files:
            return self.answer(404, b"")
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        return self.answer(206, self.server.files[path][first : last + 1])

    def answer(self, status, content, told=()):
        self.send_response(status)
        for name, value in dict(told).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class TestHub(StorageContract):
    backend = next(iter(heron_hf_hub.register_storage()))
    secrets = ("s3cret",)
    module = "heron_hf_hub"

    @pytest.fixture
    def root(self, server):
        server.files = {}
        return "hub://acme/lake/"

    @pytest.fixture
    def storage(self, root, server):
        return self.backend.load({"token": "s3cret", "endpoint": f"http://127.0.0.1:{server.server_port}"})

    @pytest.fixture
    def put(self, server, root):
        def write(name, content):
            server.files[name] = content
            return heron.object_url("hub", "acme", f"lake/{name}")

        return write
