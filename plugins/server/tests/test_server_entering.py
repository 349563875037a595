"""Who may enter the server, by which name and from which page, and what is told of it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

import heron
from heron_server.testing import Served, served


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


def test_a_user_makes_only_so_many_requests_a_second(tmp_path: Path, plugin: Any) -> None:
    with heron.init(tmp_path, discover=False) as workspace:
        workspace.users.add("ada@example.org")
        secret = workspace.users.create_token("ada@example.org").secret
    with (
        served(tmp_path, plugins=[plugin], discover=False, rate=0.01) as running,
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
