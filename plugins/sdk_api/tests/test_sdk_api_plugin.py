"""Signatures, fields, page tokens, the search for an operation, and checks of URLs, without a server."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heron import InvalidInput
from heron_sdk_api.envelopes import Refused
from heron_sdk_api.fields import Fields, Query
from heron_sdk_api.operations import OPERATIONS, found
from heron_sdk_api.paging import made, opened
from heron_sdk_api.places import as_remote, check_urls
from heron_sdk_api.presets import filters_of, query_of
from heron_sdk_api.rpc_table import QUERIES
from heron_sdk_api.signatures import (
    Head,
    Unauthenticated,
    check_body,
    key_of_query,
    user_of_head,
    user_of_query,
)
from heron_sdk_api.uploaded import file_name, key_of, upload_of

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
NOW = 1_800_000_000
TARGET = "/v2/public/storage/items/a%2Fb?signUrl=False"


def signed(
    key=KEY,
    *,
    method="PATCH",
    target=TARGET,
    body=b"{}",
    created=NOW,
    keyid=None,
    alg="ed25519",
    components='"@method" "@request-target" "content-digest"',
    more="",
):
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    keyid = key.public_key().public_bytes_raw().hex() if keyid is None else keyid
    parameters = f'({components});created={created};keyid="{keyid}";alg="{alg}"{more}'
    values = {"@method": method, "@request-target": target, "content-digest": digest}
    lines = [f'"{name}": {values[name]}' for name in components.replace('"', "").split() if name in values]
    text = "\n".join([*lines, f'"@signature-params": {parameters}'])
    signature = base64.b64encode(key.sign(text.encode())).decode()
    return {
        "content-digest": digest,
        "signature-input": f"encord-sig={parameters}",
        "signature": f"encord-sig=:{signature}:",
    }


def users(key):
    return "ada@example.org" if key == PUBLIC else None


def tokens(token):
    return "eve@example.org" if token == "secret" else None


def user(headers, *, method="PATCH", target=TARGET):
    return user_of_head(Head(method, target, headers), users, tokens, moment=NOW)


def test_a_signed_request_is_that_of_the_user_of_the_key():
    headers = signed()
    assert user(headers) == "ada@example.org"
    check_body(headers, b"{}")


def test_a_target_that_was_signed_unquoted_is_taken_too():
    assert user(signed(target="/v2/public/storage/items/a/b?signUrl=False")) == "ada@example.org"


@pytest.mark.parametrize("created", [NOW - 300, NOW - 30, NOW, NOW + 60])
def test_a_signature_counts_for_some_minutes(created):
    assert user(signed(created=created)) == "ada@example.org"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (signed(created=NOW - 301), "301 seconds ago"),
        (signed(created=NOW + 61), "61 seconds in the future"),
        (signed(created="x"), "form that is known"),
        (signed(method="GET"), "not that of this request"),
        (signed(target="/v2/public/storage/items/c"), "not that of this request"),
        (signed(OTHER), "no user has"),
        (signed(OTHER, keyid=PUBLIC.hex()), "not that of this request"),
        (signed(keyid="ab"), "id of the key"),
        (signed(keyid="z" * 64), "id of the key"),
        (signed(alg="rsa"), "not one of ed25519"),
        (signed(components='"@method" "@request-target"'), "has to cover"),
        (signed(components='"@method"'), "has to cover"),
        (signed(more=';keyid="00"'), "given twice"),
        ({**signed(), "content-digest": "sha-256=:AAAA:"}, "not that of this request"),
        ({**signed(), "signature": "encord-sig=:AAAA:"}, "form that is known"),
        ({**signed(), "signature": "other=:AAAA:"}, "form that is known"),
        ({name: value for name, value in signed().items() if name != "signature-input"}, "no signature"),
        ({}, "no signature"),
        ({"authorization": "Bearer wrong"}, "unknown, revoked"),
        ({"authorization": "Bearer"}, "unknown, revoked"),
    ],
)
def test_other_requests_are_of_nobody(headers, message):
    with pytest.raises(Unauthenticated, match=message):
        user(headers)


def test_a_body_that_was_changed_is_refused():
    with pytest.raises(Unauthenticated, match="digest"):
        check_body(signed(body=b"{}"), b'{"a": 1}')


def test_a_token_takes_the_place_of_a_signature():
    assert user({"authorization": "Bearer secret"}) == "eve@example.org"
    check_body({"authorization": "Bearer secret"}, b"anything")
    assert user_of_query({"authorization": "bearer secret"}, b"{}", users, tokens) == "eve@example.org"
    assert key_of_query({"authorization": "bearer secret"}) is None


def query_headers(key=KEY, body=b"{}", public=PUBLIC):
    return {"authorization": f"{public.hex()}:{key.sign(hashlib.sha256(body).digest()).hex()}"}


def test_a_query_of_v1_is_signed_over_its_body():
    assert user_of_query(query_headers(), b"{}", users, tokens) == "ada@example.org"
    assert key_of_query(query_headers()) == PUBLIC


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (query_headers(body=b"other"), "not that of this request"),
        (query_headers(OTHER), "not that of this request"),
        (query_headers(OTHER, public=OTHER.public_key().public_bytes_raw()), "no user has"),
        ({"authorization": "abc:def"}, "form that is known"),
        ({}, "form that is known"),
    ],
)
def test_other_queries_are_of_nobody(headers, message):
    with pytest.raises(Unauthenticated, match=message):
        user_of_query(headers, b"{}", users, tokens)


@pytest.mark.parametrize(
    ("read", "values", "message"),
    [
        (lambda f: f.text("a"), {}, "body.a is missing"),
        (lambda f: f.text("a"), {"a": None}, "body.a is missing"),
        (lambda f: f.text("a"), {"a": 1}, "has to be a text, got 1"),
        (lambda f: f.flag("a"), {"a": "true"}, "true or false"),
        (lambda f: f.whole("a"), {"a": True}, "a whole number"),
        (lambda f: f.whole("a"), {"a": 1.5}, "a whole number"),
        (lambda f: f.whole("a"), {"a": 10**40}, "from 0 to"),
        (lambda f: f.whole("a"), {"a": -1}, "from 0 to"),
        (lambda f: f.uuid("a"), {"a": "x" * 10_000}, "a UUID, got 'xxx"),
        (lambda f: f.uuids("a"), {"a": ["x"]}, r"body.a\[0\] has to be a UUID"),
        (lambda f: f.texts("a"), {"a": ["x", 2]}, r"body.a\[1\] has to be a text"),
        (lambda f: f.object("a"), {"a": []}, "an object"),
        (lambda f: f.one_of("a", ("x", "y")), {"a": "z"}, "one of x, y"),
    ],
)
def test_wrong_fields_are_named(read, values, message):
    with pytest.raises(InvalidInput, match=message) as raised:
        read(Fields(values))
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("body", [None, [], "x", 1])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(InvalidInput, match="JSON object"):
        Fields(body)


def test_parameters_are_read_as_the_client_writes_them():
    query = Query(
        "signUrl=False&itemTypes=image&itemTypes=video&search=a+b%C3%A4&pageSize=5&at=2024-01-01T00:00:00Z"
    )
    assert query.flag("signUrl", True) is False
    assert query.texts("itemTypes") == ["image", "video"]
    assert query.text("search") == "a bä"
    assert query.whole("pageSize", 100, least=1, most=1000) == 5
    assert query.moment("at").isoformat() == "2024-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "read",
    [
        lambda: Query("a=1&a=2").text("a"),
        lambda: Query("a=maybe").flag("a"),
        lambda: Query("a=1001").whole("a", 1, least=1, most=1000),
        lambda: Query("a=-1").whole("a", 1, least=1, most=1000),
        lambda: Query("a=99999999999999999999").whole("a", 1, least=1, most=1000),
        lambda: Query("a=yesterday").moment("a"),
        lambda: Query("a=1").uuid("a"),
        lambda: Query("a=x").one_of("a", {"y": "y"}, "y"),
        lambda: Query("a=%ff"),
    ],
)
def test_wrong_parameters_are_refused(read):
    with pytest.raises(InvalidInput):
        read()


def test_a_page_token_is_of_its_list_alone():
    token = made([1, "ä"], "items A")
    assert opened(token, "items A") == [1, "ä"]
    assert token.replace("-", "").replace("_", "").isalnum()
    for wrong, of in (
        (token, "items B"),
        ("x", "items A"),
        ("e30", "items A"),
        ("WzFd", "items A"),
        ("ä", "items A"),
    ):
        with pytest.raises(InvalidInput, match="pageToken"):
            opened(wrong, of)


def test_a_path_is_split_as_it_was_sent():
    operation, parts = found("DELETE", "/v2/public/organisation/users/a%2Fb%40example.org")
    assert (operation.handler, parts) == ("organisation.remove_user", {"email": "a/b@example.org"})
    assert found("PATCH", "/v2/public/storage/folders/patch-bulk")[0].handler == "folders.patch_many"
    assert found("PATCH", "/v2/public/storage/folders/1")[0].handler == "folders.patch"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/public/analytics/collaborators/timers", 404),
        ("GET", "/v2/public/storage/items/reencode/1", 404),
        ("POST", "/v2/public/storage/items/reencode", 405),
        ("PUT", "/v2/public/storage/folders", 405),
        ("GET", "/v2/public/", 404),
        ("GET", "/v2/public/../storage/folders", 404),
    ],
)
def test_what_is_not_there_says_so(method, path, status):
    with pytest.raises(Refused) as raised:
        found(method, path)
    assert raised.value.status == status


def test_every_operation_and_query_has_a_handler():
    import importlib

    assert len(OPERATIONS) > 70
    for handler in [*(each.handler for each in OPERATIONS), *(each.handler for each in QUERIES)]:
        module, _, name = handler.partition(".")
        assert callable(getattr(importlib.import_module(f"heron_sdk_api.{module}"), name)), handler
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize(
    "value",
    [
        {"images": [{"objectUrl": "/etc/passwd"}]},
        {"images": [{"object_url": "file:///etc/passwd"}]},
        {"images": [{"URL": "FILE:///etc/passwd"}]},
        {"image_groups": [{"objectUrl_0": "s3://a/b", "objectUrl_1": "etc/passwd"}]},
        {"image_groups": [{"images": ["../secret.jpg"]}]},
        {"dicom_series": [{"dicomFiles": [{"url": "C:\\secret.dcm"}]}]},
        {"anything": {"deep": [["/etc/passwd"]]}},
    ],
)
def test_files_of_the_server_cannot_be_named(value):
    with pytest.raises(InvalidInput, match="not the URL of an object"):
        check_urls(value)


def test_objects_of_stores_can_be_named():
    metadata = {"path": "/etc/passwd", "url": "x"}
    check_urls(
        {"images": [{"objectUrl": "s3://a/b.jpg", "title": "/x", "clientMetadata": metadata}], "note": "/x"}
    )
    assert as_remote("gs://a/b") == "gs://a/b"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("a.jpg", "a.jpg"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("...", "file"),
        ("a\0b\n", "a_b_"),
        ("ä" * 200, "ä" * 75),
    ],
)
def test_a_title_becomes_a_harmless_name_of_a_file(title, name):
    assert file_name(title) == name


def test_the_url_of_an_upload_is_told_from_others():
    from uuid import UUID

    assert upload_of(key_of(UUID(int=5))) == UUID(int=5)
    assert upload_of("heron-upload/x") is upload_of("s3://a/b") is upload_of(None) is None


def test_filters_become_a_query_and_come_back_as_one():
    filters = [
        {"key": "weather", "type": "metadata", "include": True, "values": ["sun", "it's"]},
        {"key": "my key.a", "include": False, "values": [1, True]},
    ]
    query = query_of(
        {"global_filters": {"filters": filters[:1]}, "local_filters": {"x": {"filters": filters[1:]}}}, "p"
    )
    assert query.where == (
        "(weather IN ('sun', 'it''s')) AND (NOT (\"my key.a\" IN (1, true)) OR \"my key.a\" IS NULL)"
    )
    assert query_of(filters_of(query), "p") == query


@pytest.mark.parametrize(
    "given", [{"key": "a"}, {"key": "a", "values": [{}]}, {"values": []}, {"key": "$heron"}, 5]
)
def test_filters_whose_meaning_is_not_known_are_refused(given):
    with pytest.raises(InvalidInput):
        query_of({"global_filters": {"filters": [given]}}, "p")
