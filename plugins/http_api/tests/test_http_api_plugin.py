"""The API over a real server: its answers, its refusals, and its description."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate
from PIL import Image

import heron
import heron_http_api
from heron.remote import columns, table, verbs
from heron_server.testing import Served, served

EMPTY_GROUP = {
    "found": {"groups": [{"items": [], "reason": ""}], "compared": 0, "left_out": 0, "way": "hash"}
}


def picture(path: Path, seed: int) -> Path:
    """A small picture."""
    Image.effect_noise((120, 80), 20 + seed).convert("RGB").save(path)
    return path


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of a few pictures and a film, with metadata, vectors and a dataset."""
    root = tmp_path_factory.mktemp("api")
    photos = root / "photos"
    photos.mkdir()
    for seed, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        picture(photos / name, seed)
    pages = [Image.new("RGB", (48, 32), (40 * number, 9, 9)) for number in range(4)]
    pages[0].save(photos / "film.gif", save_all=True, append_images=pages[1:], duration=100)
    (photos / "note.txt").write_text("a note\n")
    scans = root / "scans"
    scans.mkdir()
    Image.frombytes("I;16", (2, 1), b"\x00\x00\xe8\x03").save(scans / "deep.tiff")
    with heron.open(root / "lake", discover=False) as ws:
        ws.schema.set_from_dict({"city": "varchar"})
        ws.schema.add_embedding("face", 3)
        ws.ingest.files(photos, folder="Photos/2026", thumbnails=True)
        ws.ingest.files(scans, folder="Scans")
        ws.metadata.merge_all(["a.jpg", "b.jpg"], {"city": "Oran"})
        ws.vectors.add("face", ["a.jpg", "b.jpg", "c.jpg"], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
        ws.projections.make("face")
        ws.frames.set("film.gif", [1, 2])
        ws.datasets.create("train", items=["a.jpg", "b.jpg"])
    return root / "lake"


@pytest.fixture(scope="module")
def server(lake: Path) -> Iterator[Served]:
    """One server for all tests."""
    with served(lake, plugins=[heron_http_api], discover=False, rate=1e9) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Served) -> Iterator[httpx.Client]:
    """A client with the owner's token."""
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=30) as client:
        yield client


def done(api: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """The job of an answer when it has ended, by its events."""
    assert answer.status_code == 202, answer.text
    events: list[dict[str, Any]] = []
    with api.stream("GET", f"/jobs/{answer.json()['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line[6:]))
    return events[-1]


def test_items_are_found_sorted_and_paged(api: httpx.Client) -> None:
    asked = {"where": "kind = 'image'", "sort": "-name", "limit": "2"}
    first = api.get("/items", params=asked).json()
    second = api.get("/items", params={**asked, "cursor": first["cursor"]}).json()
    names = [row["name"] for page in (first, second) for row in page["rows"]]
    assert names[0] == "film.gif" and names == sorted(names, reverse=True)
    assert api.post("/count", json={"where": "city = 'Oran'"}).json() == {"count": 2}


def test_a_window_begins_at_any_position(api: httpx.Client) -> None:
    whole = api.post("/search", json={"sort": "name"}).json()["rows"]
    part = api.post("/search:window", json={"sort": "name", "start": 3, "limit": 2}).json()
    assert [row["uuid"] for row in part["rows"]] == [row["uuid"] for row in whole[3:5]]


def test_names_with_slashes_are_one_part_of_a_path(api: httpx.Client) -> None:
    assert api.get("/folders/Photos%2F2026").json()["path"] == "Photos/2026"
    assert api.get("/folders/Photos/2026").status_code == 404
    assert api.get("/folders/%FF").status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind", "words"),
    [
        ("GET", "/items/nothing.jpg", None, 404, "NotFound", "there is no item"),
        ("GET", "/nothing", None, 404, "NotFound", "there is no /api/v1/nothing"),
        ("DELETE", "/search", None, 405, "InvalidInput", "does not take DELETE"),
        ("POST", "/search", {"wher": "x"}, 422, "InvalidInput", "unknown 'wher'"),
        ("POST", "/search", {"where": 3}, 422, "InvalidInput", "where: expected text"),
        ("POST", "/search", {"where": "nothing = "}, 422, "QueryError", ""),
        ("POST", "/search", {"limit": 10**30}, 422, "InvalidInput", "limit"),
        ("POST", "/search", {"limit": 0}, 422, "InvalidInput", "limit is 0"),
        ("POST", "/search", [], 422, "InvalidInput", "an array, not an object"),
        ("POST", "/folders", {}, 422, "InvalidInput", "path is missing"),
        ("POST", "/folders", {"path": None}, 422, "InvalidInput", "path: expected text"),
        ("POST", "/folders", {"path": "Photos"}, 409, "AlreadyExists", ""),
        ("POST", "/items", {"items": [], "folder": "X", "batch": -1}, 422, "InvalidInput", "batch is -1"),
        ("GET", "/items?limit=x", None, 422, "InvalidInput", "limit: expected a whole number"),
        ("GET", "/items?colour=x", None, 422, "InvalidInput", "unknown 'colour'"),
        ("GET", "/items?limit=1&limit=2", None, 422, "InvalidInput", "2 times"),
        ("GET", "/folders?cursor=ffff", None, 422, "QueryError", "cursor"),
        ("PATCH", "/items/a.jpg/metadata", {"city": 7}, 422, "MetadataError", "city"),
        ("POST", "/vectors/face", {"things": ["a.jpg"], "vectors": "x"}, 422, "InvalidInput", ""),
        ("GET", "/items/note.txt/picture?size=100000", None, 422, "InvalidInput", "100,000 pixels"),
        ("GET", "/items/a.jpg/picture?size=0", None, 422, "InvalidInput", "0 pixels"),
        (
            "POST",
            "/pictures:contact-sheet",
            {"things": ["a.jpg"], "size": -3},
            422,
            "InvalidInput",
            "-3 pixels",
        ),
        (
            "POST",
            "/pictures:contact-sheet",
            {"things": ["a.jpg"], "columns": 0},
            422,
            "InvalidInput",
            "0 columns",
        ),
        ("POST", "/curation/sheet", EMPTY_GROUP, 422, "InvalidInput", "no duplicates"),
        ("POST", "/columns:push", {"destination": "/tmp/x"}, 403, "PermissionDenied", "disk of the server"),
    ],
)
def test_a_wrong_request_is_told_in_the_words_of_the_service(
    api: httpx.Client, method: str, path: str, body: Any, status: int, kind: str, words: str
) -> None:
    answer = api.request(method, path, json=body) if body is not None else api.request(method, path)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["type"] == kind and words in error["message"], error


def test_a_body_has_to_be_json(api: httpx.Client) -> None:
    assert api.post("/search", content=b"where=1").status_code == 415
    broken = api.post("/search", content=b'{"where": ', headers={"Content-Type": "application/json"})
    assert broken.status_code == 422 and "not valid JSON" in broken.json()["error"]["message"]


def test_metadata_is_changed_only_in_the_version_that_was_read(api: httpx.Client) -> None:
    read = api.get("/items/c.jpg")
    match = {"If-Match": read.headers["etag"]}
    assert api.get("/items/c.jpg", headers={"If-None-Match": read.headers["etag"]}).status_code == 304
    changed = api.patch("/items/c.jpg/metadata", json={"city": "Algiers"}, headers=match)
    assert changed.json()["metadata"] == {"city": "Algiers"}
    late = api.patch("/items/c.jpg/metadata", json={"city": "Tunis"}, headers=match)
    assert late.status_code == 412 and late.json()["error"]["type"] == "Changed"
    assert api.get("/items/c.jpg").headers["etag"] == changed.headers["etag"]
    replaced = api.put("/items/c.jpg/metadata", json={}, headers={"If-Match": changed.headers["etag"]})
    assert replaced.json()["metadata"] == {}


def test_all_items_of_a_query_are_changed_at_once(api: httpx.Client) -> None:
    every = {"query": {"where": "kind = 'text'"}}
    assert api.post("/metadata:merge-all", json={"items": every, "metadata": {"city": "X"}}).json() == {
        "count": 1
    }
    assert api.post("/count", json={"where": "city = 'X'"}).json() == {"count": 1}
    assert api.post("/metadata:merge-all", json={"items": every, "metadata": {"city": None}}).json() == {
        "count": 1
    }


def test_thumbnails_are_kept_by_browsers(api: httpx.Client) -> None:
    first = api.get("/items/a.jpg/thumbnail")
    assert first.headers["content-type"] == "image/jpeg" and "no-cache" in first.headers["cache-control"]
    again = api.get("/items/a.jpg/thumbnail", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert "immutable" in api.get("/items/a.jpg/thumbnail?version=1").headers["cache-control"]
    item = {"url": "s3://b/x.png", "facts": {"kind": "image", "media_type": "image/png"}}
    assert api.post("/items", json={"items": [item], "folder": "Bucket"}).json() == {"added": 1, "skipped": 0}
    assert api.get("/items/x.png/thumbnail/stored").status_code == 204


def test_pictures_of_items_and_frames_have_the_size_that_is_asked_for(
    api: httpx.Client, tmp_path: Path
) -> None:
    for path in ("/items/film.gif/picture?frame=2&size=24", "/items/film.gif/portrait?size=24&format=webp"):
        (tmp_path / "x").write_bytes(api.get(path).content)
        with Image.open(tmp_path / "x") as shown:
            assert max(shown.size) == 24


def test_a_window_is_chosen_in_the_url_and_is_part_of_the_tag(api: httpx.Client) -> None:
    viewing = api.get("/items/deep.tiff/viewing").json()
    assert viewing["windows"] == [{"width": 1024.0, "level": 512.0, "name": ""}]
    assert (viewing["lowest"], viewing["highest"], viewing["planes"]) == (0, 1000, {})
    tags = set()
    for level, grey in ((500, 255), (1000, 128)):
        answer = api.get("/items/deep.tiff/picture", params={"window": 1000, "level": level})
        assert Image.open(io.BytesIO(answer.content)).getpixel((1, 0)) == (grey, grey, grey)
        tags.add(answer.headers["etag"])
    assert len(tags) == 2
    for asked in (
        {"window": 1},
        {"window": 0, "level": 0},
        {"window": "nan", "level": 0},
        {"plane": "axial"},
        {"plane": "up"},
    ):
        assert api.get("/items/deep.tiff/picture", params=asked).status_code == 422
    refused = api.get("/items/a.jpg/picture", params={"window": 1, "level": 1})
    assert refused.status_code == 422
    assert "no window" in refused.json()["error"]["message"]
    assert api.get("/items/a.jpg/viewing").json()["windows"] == []


def test_media_comes_whole_and_in_ranges(api: httpx.Client, lake: Path) -> None:
    content = (lake.parent / "photos/a.jpg").read_bytes()
    whole = api.get("/items/a.jpg/media")
    assert whole.content == content and "sandbox" in whole.headers["content-security-policy"]
    part = api.get("/items/a.jpg/media", headers={"Range": "bytes=5-14"})
    assert part.status_code == 206 and part.content == content[5:15]
    assert api.head("/items/a.jpg/media").headers["content-length"] == str(len(content))
    assert api.get("/items/a.jpg/media", headers={"Range": "bytes=9999999-"}).status_code == 416


def test_a_list_comes_by_pages_or_as_a_stream_of_lines(api: httpx.Client) -> None:
    pages, cursor = [], None
    while True:
        page = api.get(
            "/datasets/train/rows", params={"limit": 1, **({"cursor": cursor} if cursor else {})}
        ).json()
        pages.append(page["rows"])
        if (cursor := page["cursor"]) is None:
            break
    lines = api.get("/datasets/train/rows", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert [row for page in pages for row in page] == [json.loads(line) for line in lines]
    assert len(pages) == 2


def test_points_are_binary_columns(api: httpx.Client, tmp_path: Path) -> None:
    answer = api.get("/projections/face/points", params={"value": "city"})
    (tmp_path / "points").write_bytes(answer.content)
    with (tmp_path / "points").open("rb") as stream:
        ((rows, found),) = columns.read(stream)
    assert rows == 3 and found["x"].shape == (3,) and found["value"][:2] == ["Oran", "Oran"]
    assert found["name"] == ["a.jpg", "b.jpg", "c.jpg"]
    few = api.get("/projections/face/points", params={"columns": "x,y"})
    assert len(few.content) < len(answer.content)
    assert api.get("/projections/face/points?columns=z").status_code == 422


def test_an_export_is_streamed_as_a_file(api: httpx.Client) -> None:
    answer = api.get("/datasets/train/export", params={"format": "csv"})
    assert answer.text.count("\n") == 3 and 'filename="train.csv"' in answer.headers["content-disposition"]


def test_files_are_uploaded_and_imported_by_a_job(api: httpx.Client, tmp_path: Path) -> None:
    upload = api.post("/uploads").json()
    content = picture(tmp_path / "new.jpg", 9).read_bytes()
    place = f"/uploads/{upload['id']}/deep%2Fnew.jpg"
    assert api.put(place, content=content).status_code == 204
    for name in ("..%2Fx.jpg", "%2Fetc%2Fx", "a%2F..%2Fb", "a%00b"):
        assert api.put(f"/uploads/{upload['id']}/{name}", content=b"x").status_code == 422, name
    assert api.put("/uploads/0123/x.jpg", content=b"x").status_code == 404
    job = done(api, api.post("/imports", json={"sources": [upload["source"]], "folder": "Sent"}))
    assert job["state"] == "done" and job["result"]["job"]["added"] == 1, job
    assert api.get("/items/new.jpg").json()["folder_path"] == "Sent/deep"


def test_items_are_found_by_a_picture_that_is_sent(api: httpx.Client, lake: Path) -> None:
    done(api, api.post("/embed", json={"embedder": "visual"}))
    upload = api.post("/uploads").json()
    content = (lake.parent / "photos/b.jpg").read_bytes()
    assert api.put(f"/uploads/{upload['id']}/mine.jpg", content=content).status_code == 204
    asked = {"like": [f"{upload['source']}/mine.jpg"], "key": "visual", "limit": 2}
    for path, more in (("/search", {}), ("/search:window", {"start": 0})):
        found = api.post(path, json=asked | more).json()
        assert found["rows"][0]["name"] == "b.jpg", found
        assert found["matches"][0]["score"] > 0.999
    gone = api.post("/search", json={"like": ["upload:" + "0" * 32 + "/x.jpg"], "key": "visual"})
    assert (gone.status_code, gone.json()["error"]["type"]) == (404, "NotFound")


def test_a_job_that_fails_has_the_error_of_the_verb(api: httpx.Client) -> None:
    job = done(api, api.post("/imports", json={"sources": ["upload:" + "0" * 32], "folder": "X"}))
    assert (
        job["state"] == "failed"
        and job["error"]["type"] == "NotFound"
        and "upload" in job["error"]["message"]
    )
    assert api.get(f"/jobs/{job['id']}").json() == job
    assert job["id"] in [row["id"] for row in api.get("/jobs").json()["rows"]]


def test_a_manifest_is_imported(api: httpx.Client, lake: Path) -> None:
    entry = {"url": (lake.parent / "photos/b.jpg").as_uri(), "metadata": {"city": "Tunis"}}
    content = json.dumps(entry).encode() + b"\n"
    checked = api.post("/manifests:check", params={"filename": "m.jsonl"}, content=content)
    assert checked.status_code == 200, checked.text
    answer = api.post("/manifests", params={"filename": "m.jsonl", "folder": "Manifest"}, content=content)
    assert done(api, answer)["result"]["job"]["added"] == 1


def test_a_member_names_no_place_on_the_disk_of_the_server(lake: Path, tmp_path: Path) -> None:
    with heron.open(lake) as ws:
        ws.users.add("ada@example.org")
        ws.roles.grant("admin", user="ada@example.org", folder="Photos")
        member = heron.open(lake, user="ada@example.org", discover=False)
    from heron_http_api.calling import check_manifest, check_places

    manifest = tmp_path / "m.jsonl"
    manifest.write_text(json.dumps({"url": "file:///etc/hostname"}) + "\n")
    item = heron.NewItem("file:///etc/passwd", heron.MediaFacts("image", "image/png"))
    with member as ws:
        for verb, call in (
            ("ingest.files", {"sources": ["/etc"]}),
            ("ingest.files", {"sources": ["FILE:///etc"]}),
            ("registration.register", {"items": [item]}),
            ("storage.list", {"prefix": "file:///etc/"}),
            ("ingest.follow", {"url": "/etc"}),
            ("search.__call__", {"query": heron.Query(like="/etc/x.png")}),
        ):
            with pytest.raises(heron.PermissionDenied, match="disk of the server"):
                check_places(ws, verb, call)
        check_places(ws, "ingest.files", {"sources": ["upload:00/a"]})
        check_places(ws, "ingest.files", {"sources": ["s3://bucket/a"], "integration": "bucket"})
        with pytest.raises(heron.PermissionDenied, match="disk of the server"):
            check_manifest(ws, manifest, has_integration=True)
        item = heron.NewItem("s3://private/a.png", heron.MediaFacts("image", "image/png"))
        manifest.write_text(json.dumps({"url": "s3://private/a.png"}) + "\n")
        check_manifest(ws, manifest, has_integration=True)
        for verb, call in (
            ("ingest.files", {"sources": ["upload:00/a", "s3://private/a"]}),
            ("registration.register", {"items": [item]}),
            ("storage.list", {"prefix": "s3://private/"}),
            ("ingest.follow", {"url": "s3://private/"}),
            ("search.__call__", {"query": heron.Query(like="s3://private/x.png")}),
        ):
            with pytest.raises(heron.PermissionDenied, match="own credentials"):
                check_places(ws, verb, call)
        with pytest.raises(heron.PermissionDenied, match="own credentials"):
            check_manifest(ws, manifest, has_integration=False)


def test_users_manage_their_own_tokens_and_admins_those_of_all(
    api: httpx.Client, server: Served, lake: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for name in ("eve@example.org", "fay@example.org"):
        assert api.post("/users", json={"email": name}).status_code == 201
    made = api.post("/tokens", json={"user": "eve@example.org", "name": "first"})
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    secrets = [made.json()["secret"]]
    with httpx.Client(base_url=api.base_url, headers={"Authorization": f"Bearer {secrets[0]}"}) as eve:
        assert eve.get("/workspace").json()["user"]["email"] == "eve@example.org"
        own = eve.post("/tokens", json={"user": "eve@example.org", "name": "second", "days": 1})
        secrets.append(own.json()["secret"])
        api.post("/tokens", json={"user": "fay@example.org", "name": "of fay"})
        assert [row["name"] for row in eve.get("/tokens").json()["rows"]] == ["first", "second"]
        for refused in (
            eve.post("/tokens", json={"user": "fay@example.org"}),
            eve.delete("/tokens/of%20fay"),
            eve.post("/keys", json={"user": "fay@example.org", "public_key": "ssh-ed25519 AAAA"}),
        ):
            assert refused.status_code in (403, 404), refused.text
        of_fay = eve.get("/tokens", params={"user": "fay@example.org"})
        assert of_fay.status_code in (403, 404) or of_fay.json()["rows"] == []
        assert eve.post("/tokens", json={"user": "eve@example.org", "days": -1}).status_code == 422
        assert len(api.get("/tokens").json()["rows"]) == 3
        assert api.delete("/tokens/first").status_code == 204
        assert eve.get("/workspace").status_code == 401
    told = api.get("/tokens").text + api.get("/log").text + caplog.text
    assert not any(secret in told for secret in secrets)
    with heron.connect(server.url, token=server.token) as remote:
        new = remote.users.create_token("fay@example.org")
        assert new.secret.startswith("heron_") and new.secret not in repr(new)
        remote.users.revoke_token(new.token)
        assert new.token not in remote.users.tokens()


def test_a_server_that_only_reads_refuses_to_write(lake: Path) -> None:
    with served(lake, plugins=[heron_http_api], discover=False, read_only=True) as running:
        headers = {"Authorization": f"Bearer {running.token}"}
        with httpx.Client(base_url=f"{running.url}/api/v1", headers=headers) as api:
            assert api.post("/search", json={}).status_code == 200
            assert api.post("/facets", json={"names": "city"}).status_code == 200
            refused = api.post("/folders", json={"path": "New"})
    assert refused.status_code == 403 and "only reads" in refused.json()["error"]["message"]


def test_the_description_is_valid_and_complete(api: httpx.Client) -> None:
    told = api.get("/openapi.json").json()
    validate(told)
    described = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert {(route.method, route.path) for route in table.ROUTES} <= described
    operations = [operation for methods in told["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"] and set("45") <= {status[0] for status in operation["responses"]}
        good = [answer for status, answer in operation["responses"].items() if status < "400"]
        assert good and all(answer["description"] for answer in good), operation["operationId"]


def test_the_page_of_the_description_asks_no_other_machine(api: httpx.Client) -> None:
    page = api.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text and 'src="' not in page.text and 'href="http' not in page.text
    assert all(f'id="{operation}"' in page.text for operation in ("items.get", "search", "jobs.events"))


def test_every_verb_has_a_route_or_a_reason() -> None:
    told = {route.verb for route in table.ROUTES} | set(table.COMPOSED) | set(table.ABSENT)
    missing = [
        name
        for name in verbs.all_names()
        if name not in told and not (name.endswith(".find") and name.replace(".find", ".get") in told)
    ]
    assert not missing, "add a route to heron.remote.table, or say there why there is none"
