"""The Explorer's routes: who gets the page, with which headers, and what is refused; viewers of plugins."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import heron
import heron_explorer
from heron.testing import ViewerContract
from heron_explorer import built, routes
from heron_server.testing import Served, served

SCRIPT = "export const words = 'a page that is long enough to be compressed';\n" * 40
VIEWER = "export function mount(element, item) { element.textContent = item.name; }\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page as Vite makes one, with what must not be served beside."""
    place = tmp_path_factory.mktemp("page") / "static"
    (place / "assets" / "more").mkdir(parents=True)
    (place / "index.html").write_text("<!doctype html><title>Heron</title>" + " " * 1024)
    (place / "plot.html").write_text("<!doctype html><title>Points</title>")
    (place / "assets" / "index-1a2b.js").write_text(SCRIPT)
    (place / "assets" / "index-3c4d.css").write_text("body { margin: 0 }")
    (place / "assets" / "more" / "deep.js").write_text("deep")
    (place / "sources.sha256").write_text("stamp")
    (place.parent / "secret.js").write_text("secret")
    return place


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> heron.Viewer:
    path = tmp_path_factory.mktemp("viewer") / "ply.js"
    path.write_text(VIEWER)
    return heron.Viewer(name="ply", summary="Point clouds", suffixes=[".ply"], module=path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path, viewer: heron.Viewer) -> Iterator[Served]:
    def register_routes() -> Iterator[heron.Routes]:
        yield heron.Routes(name="explorer", summary="", load=lambda: partial(routes.page, folder=folder))
        yield heron.Routes(
            name="files", summary="", load=lambda: partial(routes.files, folder=folder), authenticates=True
        )

    def register_viewers() -> Iterator[heron.Viewer]:
        yield viewer
        yield heron.Viewer(
            name="lacks", summary="", kinds=["pdf"], module=viewer.module, requires=["not-there"]
        )
        yield heron.Viewer(name="gone", summary="", kinds=["text"], module=viewer.module.with_name("gone.js"))

    plugin = SimpleNamespace(
        register_routes=heron.hookimpl(register_routes), register_viewers=heron.hookimpl(register_viewers)
    )
    root = tmp_path_factory.mktemp("explored")
    heron.init(root, discover=False).close()
    with served(root, plugins=[plugin], discover=False) as running:
        yield running


@pytest.fixture
def owner(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}) as client:
        yield client


@pytest.fixture
def stranger(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    found = {}
    for part in answer.headers["content-security-policy"].split(";"):
        name, *sources = part.split()
        found[name] = sources
    return found


@pytest.mark.parametrize("path", ["/", "/explore"])
def test_short_addresses_lead_to_the_page(owner: httpx.Client, path: str) -> None:
    answer = owner.get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, "/explore/")
    assert "no-store" in answer.headers["cache-control"]


def test_the_page_takes_nothing_from_elsewhere(owner: httpx.Client) -> None:
    answer = owner.get("/explore/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    found = policy(answer)
    assert found.pop("default-src") == ["'none'"]
    assert found.pop("img-src") == ["'self'", "blob:", "data:"]
    assert found.pop("media-src") == ["'self'", "blob:"]
    assert found.pop("base-uri") == found.pop("frame-ancestors") == ["'none'"]
    assert set(found) == {"script-src", "style-src", "connect-src", "frame-src", "font-src", "form-action"}
    assert all(sources == ["'self'"] for sources in found.values())
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in answer.headers


def test_the_frame_of_the_plot_has_no_origin_and_reaches_nothing(owner: httpx.Client) -> None:
    answer = owner.get("/explore/plot.html")
    found = policy(answer)
    assert found["sandbox"] == ["allow-scripts"]
    assert found["script-src"] == ["'self'", "'unsafe-eval'"]
    assert found["connect-src"] == found["default-src"] == ["'none'"]
    assert found["frame-ancestors"] == ["'self'"]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    "path", ["/", "/explore/", "/explore/plot.html", "/explore/viewers.json", "/explore/viewers/ply.js"]
)
def test_strangers_see_no_page(stranger: httpx.Client, path: str) -> None:
    assert stranger.get(path).status_code == 401
    answer = stranger.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_scripts_and_styles_are_for_everybody_and_kept_for_good(stranger: httpx.Client) -> None:
    answer = stranger.get("/explore/assets/index-1a2b.js", headers={"Origin": "null"})
    assert answer.status_code == 200
    assert answer.text == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    style = stranger.get("/explore/assets/index-3c4d.css")
    assert style.headers["content-type"] == "text/css; charset=utf-8"


def test_pages_are_asked_for_again_and_sent_again_only_if_they_changed(owner: httpx.Client) -> None:
    first = owner.get("/explore/")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = owner.get("/explore/", headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-security-policy" in again.headers
    assert owner.get("/explore/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_files_are_compressed_for_who_takes_that(stranger: httpx.Client) -> None:
    path = "/explore/assets/index-1a2b.js"
    with stranger.stream("GET", path, headers={"Accept-Encoding": "br, gzip;q=0.5"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw).decode() == SCRIPT
    assert len(raw) < len(SCRIPT) / 5
    for refused in ("identity", "gzip;q=0", "br"):
        plain = stranger.get(path, headers={"Accept-Encoding": refused})
        assert "content-encoding" not in plain.headers
        assert plain.text == SCRIPT
        assert plain.headers["etag"] != answer.headers["etag"]
    small = stranger.get("/explore/assets/index-3c4d.css", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers


def test_head_has_the_headers_alone(owner: httpx.Client) -> None:
    for path in ("/explore/", "/explore/assets/index-1a2b.js", "/explore/viewers/ply.js"):
        whole, head = owner.get(path), owner.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("etag", "content-length", "content-type", "cache-control", "content-security-policy"):
            assert head.headers.get(name) == whole.headers.get(name), name


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed_here(owner: httpx.Client, method: str) -> None:
    answer = owner.request(method, "/explore/")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/explore/assets/../sources.sha256",
        "/explore/assets/%2e%2e/sources.sha256",
        "/explore/assets/..%2fsources.sha256",
        "/explore/assets/..%5csources.sha256",
        "/explore/assets/%252e%252e%252fsources.sha256",
        "/explore/assets/more",
        "/explore/assets/more%2fdeep.js",
        "/explore/assets/index-1a2b.js%00",
        "/explore/assets/INDEX-1a2b.js",
        "/explore/assets/",
        "/explore/assets",
        "/explore/sources.sha256",
        "/explore/static/index.html",
        "/explore/../secret.js",
        "/explore//etc/passwd",
        "/explore/viewers/../../../secret.js",
        "/explore/viewers/..%2f..%2fsecret.js",
        "/explore/viewers/lacks.js",
        "/explore/viewers/none.js",
        "/explore/viewers/ply",
    ],
)
def test_only_known_files_are_served(server: Served, path: str) -> None:
    """The request line goes out as it stands here: a client would tidy it up."""
    request = f"GET {path} HTTP/1.1\r\nHost: {server.url[7:]}\r\nAuthorization: Bearer {server.token}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(
        ("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=10
    ) as connection:
        connection.sendall(request.encode())
        said = b"".join(iter(partial(connection.recv, 65536), b""))
    assert said.split(b" ", 2)[1] == b"404", said
    assert b"stamp" not in said
    assert b"secret" not in said.partition(b"\r\n\r\n")[2]


def test_viewers_of_plugins_are_listed_and_served(owner: httpx.Client) -> None:
    rows = owner.get("/explore/viewers.json").json()
    assert [row["name"] for row in rows] == ["ply", "gone"]
    assert rows[0] == {
        "name": "ply",
        "summary": "Point clouds",
        "kinds": [],
        "suffixes": [".ply"],
        "module": "/explore/viewers/ply.js",
    }
    answer = owner.get(rows[0]["module"])
    assert (answer.text, answer.headers["content-type"]) == (VIEWER, "text/javascript; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert owner.get(rows[0]["module"], headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    gone = owner.get(rows[1]["module"])
    assert gone.status_code >= 400
    assert "the viewer gone cannot be read" in gone.json()["error"]["message"]


def test_a_page_that_was_not_built_says_why(tmp_path: Path) -> None:
    with pytest.raises(heron.PluginError, match="installed without it"):
        built.pages(tmp_path)
    (tmp_path / "not-built.txt").write_text("npm ci failed: <no> network\n")
    with pytest.raises(heron.PluginError, match="page is not here: npm ci failed: <no> network"):
        built.pages(tmp_path)
    plugin = SimpleNamespace(
        register_routes=heron.hookimpl(
            lambda: [heron.Routes(name="e", summary="", load=lambda: partial(routes.page, folder=tmp_path))]
        )
    )
    root = tmp_path / "lake"
    heron.init(root, discover=False).close()
    with served(root, plugins=[plugin], discover=False) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        answer = httpx.get(f"{server.url}/explore/", headers=headers, timeout=None)
        assert answer.status_code == 503
        assert "npm ci failed: &lt;no&gt; network" in answer.text
        assert httpx.get(server.url, headers=headers, timeout=None).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a/b", "kinds": ["pdf"]},
        {"name": "A", "kinds": ["pdf"]},
        {"name": "a"},
        {"name": "a", "suffixes": ["ply"]},
        {"name": "a", "suffixes": [".PLY"]},
        {"name": "a", "kinds": "pdf"},
    ],
)
def test_viewers_that_cannot_be_named_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        heron.Viewer(summary="", module="a.js", **wrong)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("function mount() {}", "does not export"),
        ("import x from './x.js';\nexport function mount() {}", "imports a module"),
        ("export async function mount() { await import('./x.js') }", "imports a module"),
        ("export const mount = () => fetch('https://example.org')", "another server"),
        ("export const mount = () => eval('1')", "code from a text"),
    ],
)
def test_the_contract_finds_viewers_that_the_page_would_refuse(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "v.js"
    path.write_text(text)

    class Contract(ViewerContract):
        viewer = heron.Viewer(name="v", summary="", kinds=["pdf"], module=path)

    with pytest.raises(AssertionError, match=fault):
        Contract().test_the_module_is_one_file_that_exports_mount()
        Contract().test_the_module_keeps_to_its_server()


def test_the_plugin_names_what_it_brings() -> None:
    assert {record.name for record in heron_explorer.register_routes()} == {"explorer", "explorer-files"}


def test_the_command_prints_an_address_and_opens_it(tmp_path: Path) -> None:
    """The program that BROWSER names is told the address, which lets its caller in once."""
    if not (built.FOLDER / "index.html").is_file():
        pytest.skip("the page was not built")
    heron.init(tmp_path, discover=False).close()
    told = tmp_path / "told"
    os.mkfifo(told)
    browser = tmp_path / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$1" > {told}\n')
    browser.chmod(0o755)
    run = "from heron.cli.main import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", run, "--workspace", str(tmp_path), "explore", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "BROWSER": str(browser)},
    )
    try:
        assert process.stdout
        said = json.loads(process.stdout.readline())
        assert told.read_text().strip() == said["browser"]
        with httpx.Client(timeout=None) as client:
            client.get(said["browser"])
            assert client.get(f"{said['url']}/explore/").status_code == 200
        assert httpx.get(said["browser"], timeout=None).status_code == 403
    finally:
        process.terminate()
        process.wait(timeout=300)


def test_no_browser_is_opened_where_there_is_no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    from heron_explorer.command import open_browser

    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("webbrowser.open", lambda address: pytest.fail("a browser was opened"))
    open_browser("http://127.0.0.1:1/")
