"""What a server answers to requests that are wrong, old, foreign, cut short or not allowed: an error in the right envelope, and no change."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from attrs import frozen

import heron
from heron_sdk_api.testing import HTTP, Key, Sender, fill, make_key, signed_headers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sdk")]


@frozen
class Place(Sender):
    """A served workspace with 1,000 items in `Many`, and a member who may see the folder `Lake` alone."""

    member: Key
    many: list[str]
    folder: str
    lake: str
    photo: str
    root: Any

    def metadata(self) -> set[str]:
        """The different metadata of the items in `Many`, as text."""
        with heron.open(self.root) as ws:
            return {json.dumps(item.metadata) for item in ws.items.list(folder="Many")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, serving) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("hostile")
    member = make_key(root, "member")
    with heron.init(root / "lake") as ws:
        fill(ws, photos=3)
        facts = heron.MediaFacts("image", "image/jpeg", 64, 48)
        ws.registration.register((heron.NewItem(f"s3://many/{n:04}.jpg", facts) for n in range(1000)), "Many")
        dataset = ws.datasets.create("rows", items=ws.items.list(folder="Many", limit=5))
        ws.users.add("eve@example.org")
        ws.roles.grant("user", user="eve@example.org", folder="Lake")
        many = [item.uuid for item in ws.items.list(folder="Many")]
        photo = ws.items.list(folder="Lake/photos")[0]
        lake, folder = ws.folders.get("Lake/photos").uuid, ws.folders.get("Many").uuid
    with serving(root / "lake", **{"eve@example.org": member}) as (url, owner):
        yield Place(url, owner, dataset.uuid, member, many, folder, lake, photo.uuid, root / "lake")


def test_a_request_is_answered_only_if_it_is_signed_now_by_a_known_key(place, tmp_path):
    item = f"storage/items/{place.photo}?signUrl=False"
    assert place.send("GET", item).status_code == 200
    strange = make_key(tmp_path, "strange")
    target = f"/v2/public/{item}"
    wrong = [
        place.send("GET", item, age=400),
        place.send("GET", item, age=-120),
        place.send("GET", item, key=strange),
        HTTP.get(place.url + target),
        HTTP.get(place.url + target, headers={"Authorization": "Bearer x"}),
        HTTP.get(
            place.url + target,
            headers=signed_headers(place.owner, "GET", f"/v2/public/storage/items/{place.many[0]}", b""),
        ),
        HTTP.request("GET", place.url + target, headers=signed_headers(place.owner, "GET", target, b"{}")),
    ]
    for answer in wrong:
        assert answer.status_code == 401
        assert answer.json()["message"].startswith("It is not known who asks: ")


def test_a_signature_counts_for_its_method_and_its_body_alone(place):
    target = f"/v2/public/storage/items/{place.photo}"
    headers = signed_headers(place.owner, "GET", target, b"")
    assert HTTP.get(place.url + target, headers=headers).status_code == 200
    for method in ("DELETE", "PATCH", "POST", "PUT"):
        assert HTTP.request(method, place.url + target, headers=headers).status_code in (401, 405)
    query = {"query_type": "dataset", "query_method": "GET", "values": {"uid": None, "payload": None}}
    body, other = (json.dumps(query | {"more": more}).encode() for more in (1, 2))
    headers = signed_headers(place.owner, "", "", body, v1=True) | {
        "ResourceType": "dataset",
        "ResourceID": place.dataset,
    }
    answers = [
        HTTP.post(f"{place.url}/public", content=each, headers=headers).json() for each in (body, other)
    ]
    assert [answer["status"] for answer in answers] == [200, 401]


def test_a_key_that_was_removed_a_moment_ago_is_that_of_nobody(place, tmp_path):
    item, key = f"storage/items/{place.photo}", make_key(tmp_path, "short")
    with heron.open(place.root) as ws:
        added = ws.users.add_key("eve@example.org", key.public)
    assert place.send("GET", item, key=key).status_code == 200
    assert place.ask("dataset", "GET", key=key)["status"] == 404  # a dataset that eve does not see
    with heron.open(place.root) as ws:
        ws.users.remove_key(added)
    assert place.send("GET", item, key=key).status_code == 401
    assert place.ask("dataset", "GET", key=key)["status"] == 401


def test_a_body_other_than_the_signed_one_changes_nothing(place):
    target = f"/v2/public/storage/folders/{place.folder}/items/{place.many[0]}"
    headers = signed_headers(place.owner, "PATCH", target, b'{"name": "right"}')
    answer = HTTP.patch(place.url + target, content=b'{"name": "wrong"}', headers=headers)
    assert answer.status_code == 401
    assert place.send("GET", f"storage/items/{place.many[0]}").json()["name"] == "0000.jpg"


def test_an_oddly_encoded_path_means_what_it_says(place):
    odd = place.photo.replace("-", "%2D")
    assert place.send("GET", f"storage/items/{odd}?signUrl=False").json()["uuid"] == place.photo
    assert place.send("GET", f"storage%2Fitems/{place.photo}").status_code == 404
    assert place.send("GET", f"storage/items/..%2F{place.photo}").status_code == 400
    assert place.send("GET", "storage/items/%ff%fe").status_code == 400


def test_a_body_that_is_cut_short_changes_nothing_and_the_server_goes_on(place):
    target = f"/v2/public/storage/folders/{place.folder}/items/{place.many[0]}"
    body = b'{"name": "cut"}'
    headers = signed_headers(place.owner, "PATCH", target, body)
    parts = urlsplit(place.url)
    lines = [f"PATCH {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body[:5])
    lines[2] = f"Content-Length: {len(body) - 5}"
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        refused = connection.recv(
            100
        )  # for the digest of the shorter body, or for the rest, which is no request
        assert refused.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 ")), refused
    assert place.send("GET", f"storage/items/{place.many[0]}").json()["name"] == "0000.jpg"


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b'"x"', b'{"itemPatches": 1}', b"\xff", b'"\\ud800"', b"[" * 5000]
)
def test_a_body_that_is_no_object_is_refused(place, body):
    answer = place.send("PATCH", "storage/items/patch-bulk", body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_more_than_a_thousand_patches_are_refused(place):
    patches = {uuid: {"clientMetadata": {"a": 1}} for uuid in [*place.many, place.photo]}
    answer = place.send("PATCH", "storage/items/patch-bulk", {"itemPatches": patches})
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "at most 1,000 items can be changed at once, got 1,001",
    )
    assert place.metadata() == {"{}"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"clientMetadata": {"temperature": "warm"}}, "0500.jpg: metadata key 'temperature'"),
        ({"clientMetadata": []}, "{uuid}.clientMetadata has to be an object"),
        ({"name": 5}, "{uuid}.name has to be a text"),
        ({"name": ""}, "item {uuid}: item name"),
        ({"description": "x"}, "{uuid}: items have no description"),
        ({"timeseriesSettings": {"channels": {}}}, "{uuid}: Heron keeps no timeseriesSettings"),
        ("x", "{uuid} has to be a JSON object"),
        (None, "{uuid} has to be a JSON object"),
    ],
)
def test_if_one_of_a_thousand_patches_is_wrong_none_is_made_and_the_answer_says_which(place, wrong, message):
    patches = {uuid: {"clientMetadata": {"new": True}} for uuid in place.many}
    answer = place.send(
        "PATCH", "storage/items/patch-bulk", {"itemPatches": {**patches, place.many[500]: wrong}}
    )
    assert answer.status_code == 400
    assert message.format(uuid=place.many[500]) in answer.json()["message"]
    assert place.metadata() == {"{}"}


@pytest.mark.parametrize("wrong", ["x", 5, [1.5], [True], ["1"], [[0]], {"0": {}}, [-1], [1], [10**30]])
def test_key_frames_that_are_no_frames_of_the_item_are_refused_with_all_that_comes_along(place, wrong):
    given = {"clientMetadata": {"new": True, "keyframes": wrong}}
    answer = place.send("PATCH", f"storage/folders/{place.lake}/items/{place.photo}", given)
    assert (answer.status_code, "photo-000.jpg" in answer.json()["message"]) == (400, True), answer.text
    with heron.open(place.root) as ws:
        assert "new" not in ws.items.get(place.photo).metadata
        assert ws.frames.list(place.photo, only="key") == []


def test_a_patch_of_an_item_that_is_not_there_makes_none(place):
    patches = {uuid: {"clientMetadata": {"new": True}} for uuid in [*place.many[:5], str(uuid4())]}
    assert place.send("PATCH", "storage/items/patch-bulk", {"itemPatches": patches}).status_code == 404
    twice = {place.many[0]: {}, place.many[0].upper(): {}}
    assert place.send("PATCH", "storage/items/patch-bulk", {"itemPatches": twice}).status_code == 400
    assert place.metadata() == {"{}"}


def test_the_folder_in_a_path_is_a_uuid_and_may_be_the_one_of_before(place):
    patch = {"clientMetadata": {"a": 1}}
    assert (
        place.send("PATCH", f"storage/folders/{place.folder}/items/{place.photo}", patch).status_code == 200
    )
    assert place.send("PATCH", f"storage/folders/{place.folder}/items/x", patch).status_code == 400
    assert place.send("PATCH", f"storage/folders/{place.folder}/items/{uuid4()}", patch).status_code == 404


def test_a_member_sees_and_changes_what_their_rights_allow(place):
    found = place.send("GET", "storage/search/items?search=.", key=place.member).json()["results"]
    assert {item["name"] for item in found} == {
        "photo-000.jpg",
        "photo-001.jpg",
        "photo-002.jpg",
        "waves.gif",
        "notes.txt",
    }
    patch = {"itemPatches": {place.photo: {"clientMetadata": {"a": 1}}}}
    answers = {
        404: [
            place.send("GET", f"storage/items/{place.many[0]}", key=place.member),
            place.send("GET", f"storage/folders/{place.folder}/items", key=place.member),
            place.send("DELETE", f"storage/folders/{place.folder}", key=place.member),
        ],
        403: [
            place.send("PATCH", "storage/items/patch-bulk", patch, key=place.member),
            place.send("POST", "organisation/client-metadata-schema", {"a": "number"}, key=place.member),
            place.send(
                "POST",
                "organisation/users",
                {"email": "a@b.org", "roleMnemonicName": "ADMIN"},
                key=place.member,
            ),
            place.send("DELETE", f"storage/folders/{place.lake}", key=place.member),
        ],
    }
    for status, each in answers.items():
        assert [answer.status_code for answer in each] == [status] * len(each)


def test_a_token_takes_the_place_of_a_key_until_it_is_revoked(place):
    with heron.open(place.root) as ws:
        token = ws.users.create_token("eve@example.org")
    headers = {"Authorization": f"Bearer {token.secret}"}
    url = f"{place.url}/v2/public/storage/items/"
    assert HTTP.get(url + place.photo, headers=headers).json()["uuid"] == place.photo
    assert HTTP.get(url + place.many[0], headers=headers).status_code == 404
    with heron.open(place.root) as ws:
        ws.users.revoke_token(token.token)
    assert HTTP.get(url + place.photo, headers=headers).status_code == 401


def test_a_query_of_v1_that_is_sent_again_for_another_dataset_meets_the_rights_of_its_user(place):
    settings = {"dataset_access_settings": {"fetch_client_metadata": False}}
    assert place.ask("dataset", "GET", payload=settings)["response"]["title"] == "rows"
    assert place.ask("dataset", "GET", payload=settings, key=place.member)["response"] == [
        "RESOURCE_NOT_FOUND_ERROR"
    ]
    for resource in ("none", "x" * 500, str(uuid4())):
        answer = place.ask("dataset", "GET", payload=settings, resource=resource)
        assert answer["response"] == ["RESOURCE_NOT_FOUND_ERROR"]
    save = place.ask("datarow", "POST", uid=place.photo, payload={"client_metadata": {"a": 1}})
    assert save["response"] == ["RESOURCE_NOT_FOUND_ERROR"]  # an item that is not in the dataset


def test_queries_of_v1_are_refused_in_their_envelope(place, tmp_path):
    strange = place.ask("dataset", "GET", key=make_key(tmp_path, "strange"))
    assert (strange["status"], strange["response"]) == (401, ["AUTHENTICATION_ERROR"])
    assert place.ask("labelrow", "GET")["response"] == ["METHOD_NOT_ALLOWED_ERROR"]
    assert place.ask("dataset", "PUT")["response"] == ["METHOD_NOT_ALLOWED_ERROR"]
    assert place.ask("dataset", "GET", payload=[1])["response"] == ["INVALID_ARGUMENTS_ERROR"]
    assert HTTP.get(f"{place.url}/public").json()["response"] == ["METHOD_NOT_ALLOWED_ERROR"]
    assert HTTP.post(f"{place.url}/public").json()["response"] == ["AUTHENTICATION_ERROR"]


def test_files_of_the_server_cannot_be_reached(place):
    path = f"storage/folders/{place.folder}/data-upload-jobs"
    for url in ("/etc/passwd", "file:///etc/passwd", "../x.jpg"):
        body = {"externalFiles": {"images": [{"objectUrl": url}]}, "ignoreErrors": True}
        answer = place.send("POST", path, body)
        assert (answer.status_code, "files of the server" in answer.json()["message"]) == (400, True)
        synced = {"name": "S", "cloudSyncedFolderParams": {"integrationUuid": str(uuid4()), "remoteUrl": url}}
        assert place.send("POST", "storage/folders", synced).status_code in (400, 404)
    stolen = {"dataItems": {"images": [{"objectUrl": "heron-upload/" + str(uuid4()), "title": "x"}]}}
    assert "nothing was uploaded" in place.send("POST", path, stolen).json()["message"]
    foreign = {"externalFiles": {"images": [{"objectUrl": "s3://secret/a.jpg"}]}}
    mine = place.send("POST", "storage/folders", {"name": "Mine"}, key=place.member).json()["uuid"]
    answer = place.send("POST", f"storage/folders/{mine}/data-upload-jobs", foreign, key=place.member)
    assert (answer.status_code, "name an integration" in answer.json()["message"]) == (403, True)


def test_signed_addresses_cannot_be_made_up(place):
    address = place.send("GET", f"storage/items/{place.photo}?signUrl=True").json()["signedUrl"]
    answer = HTTP.get(address, headers={"Range": "bytes=0-9"})
    assert (answer.status_code, len(answer.content), answer.headers["x-content-type-options"]) == (
        206,
        10,
        "nosniff",
    )
    for wrong in (
        address.replace(place.photo, place.many[0]),
        address.partition("?")[0],
        address[:-3] + "000",
    ):
        assert HTTP.get(wrong).status_code == 403
    body = {"itemType": "image", "count": 1}
    upload = place.send("POST", f"storage/folders/{place.folder}/upload-signed-urls", body).json()["results"][
        0
    ]
    assert HTTP.put(upload["signedUrl"] + "0", content=b"x").status_code == 403
    assert HTTP.get(upload["signedUrl"]).status_code in (401, 403)
    assert HTTP.put(upload["signedUrl"], content=b"x").status_code == 200


def test_of_an_upload_that_is_cut_short_nothing_stays(place):
    body = {"itemType": "image", "count": 1}
    (upload,) = place.send("POST", f"storage/folders/{place.folder}/upload-signed-urls", body).json()[
        "results"
    ]
    parts = urlsplit(upload["signedUrl"])
    waiting = place.root / ".heron" / "uploads"
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        head = (
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 100\r\n\r\n"
        )
        connection.sendall(head.encode() + b"0123456789")
        while not [*waiting.glob(f"{upload['itemUuid']}*.part")]:
            time.sleep(0.02)
    while [*waiting.glob(f"{upload['itemUuid']}*")]:
        time.sleep(0.02)
    entry = {"objectUrl": upload["objectKey"], "placeholderItemUuid": upload["itemUuid"]}
    answer = place.send(
        "POST", f"storage/folders/{place.folder}/data-upload-jobs", {"dataItems": {"images": [entry]}}
    )
    assert (answer.status_code, "nothing was uploaded" in answer.json()["message"]) == (400, True)
