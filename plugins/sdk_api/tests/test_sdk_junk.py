"""Bodies, queries and payloads that mean nothing, to each operation and query: an error in the right envelope, and never one of the server."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from attrs import frozen

import heron
from heron_sdk_api.operations import OPERATIONS, Operation
from heron_sdk_api.rpc_table import QUERIES
from heron_sdk_api.testing import Sender, fill
from heron_sdk_api.wire import made_up

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sdk")]


@frozen
class Place(Sender):
    """A served workspace with one of each sort, by its name in the paths of operations."""

    real: Mapping[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, serving) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("junk")
    with heron.init(root / "lake") as ws:
        fill(ws, photos=2)
        photos = ws.items.list(folder="Lake/photos")
        ws.users.add("eve@example.org")
        dataset = ws.datasets.create("rows", items=photos)
        project = ws.projects.create("work")
        real = {
            "folder": ws.folders.get("Lake/photos").uuid,
            "item": photos[0].uuid,
            "dataset": dataset.uuid,
            "collection": ws.collections.create("some", items=photos).uuid,
            "preset": made_up("preset", ws.presets.create("red", heron.Query(where="width > 1")).name),
            "group": ws.groups.create("all").uuid,
            "tag": ws.tags.create("new").uuid,
            "project": project.uuid,
            "ontology": made_up("ontology", project.uuid),
            "email": "eve@example.org",
        }
    with serving(root / "lake") as (url, owner):
        yield Place(url, owner, dataset.uuid, real)


NAMES = [
    "name",
    "title",
    "description",
    "parent",
    "clientMetadata",
    "itemUuids",
    "childUuids",
    "newParentUuid",
    "folderUuids",
    "itemPatches",
    "folderPatches",
    "groupHashList",
    "userRole",
    "userEmails",
    "email",
    "roleMnemonicName",
    "memberType",
    "dataItems",
    "externalFiles",
    "integrationHash",
    "ignoreErrors",
    "itemType",
    "count",
    "presetUuid",
    "dataTitles",
    "filterPresetJson",
    "filterPreset",
    "status",
    "metadataIngestion",
    "createBackingFolder",
    "cloudSyncedFolderParams",
    "fileName",
    "signUrls",
]
"""The fields of all bodies."""

WRONG: tuple[Any, ...] = (
    None,
    True,
    10**30,
    "a\x00b\ud7ff",
    "x" * 20_000,
    [5, None, {}],
    {"": {"a": [None]}},
)
"""What a field gets, while those beside it are right."""

ODD = "pageSize=0&pageToken=x&desc=maybe&itemTypes=none&order=size&uuids=x&count=-1&timeoutSeconds=x&createdBefore=x"


def bodies(operation: Operation, place: Place) -> Iterator[Any]:
    """Bodies that mean nothing, and for each field that the module of an operation reads, one in which it is wrong."""
    yield from (None, {}, [], dict.fromkeys(NAMES))
    module = import_module(f"heron_sdk_api.{operation.handler.partition('.')[0]}")
    source = inspect.getsource(module)
    read = [name for name in NAMES if f'"{name}"' in source]
    right: dict[str, Any] = {
        "itemUuids": [place.real["item"]],
        "userEmails": ["eve@example.org"],
        "groupHashList": [place.real["group"]],
        "presetUuid": place.real["preset"],
        "dataItems": {},
        "itemType": "image",
        "roleMnemonicName": "MEMBER",
    }
    for name in read:
        for value in WRONG:
            fresh = {each: f"new {uuid4()}" for each in ("name", "title", "email") if each in read}
            beside = {each: right[each] for each in read if each in right}
            yield {**fresh, **beside, name: value}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_no_operation_fails_by_itself(place: Place, operation: Operation) -> None:
    parts = [(part, part[1:-1] if part.startswith("{") else None) for part in operation.path.split("/")]
    real = "/".join(place.real.get(name, str(uuid4())) if name else part for part, name in parts)
    missing = "/".join(str(uuid4()) if name else part for part, name in parts)
    writes = operation.method not in ("GET", "DELETE")
    asked = [(path, None) for path in {missing, operation.path}]
    if operation.method != "DELETE":
        asked += [(real, body) for body in bodies(operation, place)] if writes else [(real, None)]
        asked.append((f"{real}?{ODD}", {} if writes else None))
    for path, body in asked:
        answer = place.send(operation.method, path, body)
        assert answer.status_code < 500, (path, body, answer.text)
        assert answer.status_code == 200 or answer.json()["message"], (path, body)


@pytest.mark.parametrize("query", QUERIES, ids=lambda each: f"{each.resource} {each.type} {each.method}")
def test_no_query_fails_by_itself(place: Place, query: Any) -> None:
    values = [
        None,
        5,
        "x",
        ["x"],
        {},
        [{}],
        {"client_metadata": 5, "item_uuids": "x", "filter": [], "dataItems": {}},
    ]
    for value in values:
        for uid, payload in ((value, None), (place.real["item"], value)):
            answer = place.ask(query.type, query.method, uid=uid, payload=payload, kind=query.resource)
            assert answer["status"] < 500, (value, answer)
