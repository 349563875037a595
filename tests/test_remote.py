"""A remote workspace answers as the same workspace does when it is opened: the same records, and the same errors."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from functools import partial

import httpx
import numpy as np
import pytest

import heron
import heron_http_api
from heron.remote.table import ABSENT, ROUTES, route_of
from heron.remote.verbs import SERVICES
from heron_server.testing import served
from tests.hidden_half import Plain, build
from tests.rights_examples import EXAMPLES as READS
from tests.test_python_api import EXAMPLES, sample
from tests.test_verbs import services

pytestmark = pytest.mark.slow

sample = sample  # the fixture of the lake of the examples

LOCAL = {
    **ABSENT,
    "columns.push": "no request writes to a place that it names on the disk of the server",
    "storage.relocate": "its example names places on the disk of the server",
}
"""Examples that cannot be run through a server, with the reason."""

DIFFERENT = {
    "portable.describe": "what is exported is packed, and has other sizes",
    "storage.open": ABSENT["storage.open"],
    "columns.push": LOCAL["columns.push"],
    **{verb: ABSENT[verb] for verb in ("users.of_key", "users.of_token")},
}
"""Reading verbs whose answers are not compared, with the reason."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake for the calls that read."""
    root = tmp_path_factory.mktemp("remote") / "lake"
    build(root, whole=True)
    return root


@pytest.fixture(scope="module")
def remote(lake):
    """The lake through a server."""
    with (
        served(lake, plugins=[heron_http_api], discover=False, rate=1e9) as server,
        heron.connect(server.url, token=server.token) as workspace,
    ):
        workspace.root = lake  # where the calls write their files
        yield workspace


@pytest.mark.parametrize("verb", [verb for verb in READS if verb not in DIFFERENT])
def test_a_reading_verb_answers_as_without_a_server(lake, remote, verb):
    with heron.open(lake, discover=False) as local:
        for call in READS[verb]:
            plain = Plain(lake)
            there, here = plain.answer(call, remote), plain.answer(call, local)
            assert there == here


@pytest.fixture(scope="module")
def stage(sample, tmp_path_factory):
    """One server for all examples, on a copy of their lake."""
    place = tmp_path_factory.mktemp("stage")
    shutil.copytree(sample / "lake", place / "lake")
    with (
        served(place / "lake", plugins=[heron_http_api], discover=False, rate=1e9) as server,
        heron.connect(server.url, token=server.token) as workspace,
    ):
        yield place, workspace


@pytest.mark.parametrize("verb", [verb for verb in EXAMPLES if verb not in LOCAL])
def test_the_example_of_a_verb_runs_through_a_server(sample, stage, tmp_path, monkeypatch, verb):
    place, workspace = stage
    restored(sample / "lake", place / "lake")
    shutil.copytree(sample / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    exec(EXAMPLES[verb], {"ws": workspace, "heron": heron, "np": np})


def restored(source, lake):
    """The lake as it was made, for the server that has it open."""
    shutil.copytree(source, lake, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.db*"))
    name = ".heron/catalog.db"
    with closing(sqlite3.connect(source / name)) as old, closing(sqlite3.connect(lake / name)) as new:
        old.backup(new)


def test_verbs_have_the_signature_and_the_description_of_the_service(remote, lake):
    import inspect

    with heron.open(lake, discover=False) as local:
        for verb in ("items.get", "datasets.create", "curation.near_duplicates"):
            service, _, name = verb.partition(".")
            there, here = getattr(getattr(remote, service), name), getattr(getattr(local, service), name)
            assert inspect.signature(there) == inspect.signature(here) and there.__doc__ == here.__doc__


def test_records_are_the_same_and_stand_for_their_things(remote):
    item = remote.items.get("open-1.png")
    assert isinstance(item, heron.Item) and item == remote.items.get(item) and item.created_at.tzinfo
    frame = remote.frames.get("open.gif", 1)
    assert remote.pictures.thumbnail(frame) and remote.pictures.picture(frame).size == (48, 32)
    page = remote.search(where="kind = 'image'", limit=3)
    assert isinstance(page, heron.Page) and len(page.to_pandas()) == 3


def test_a_stream_asks_for_one_page_after_another(remote, monkeypatch):
    monkeypatch.setattr("heron.remote.composed.BUNDLE", 4)
    asked = []
    send = httpx.Client.send
    monkeypatch.setattr(
        httpx.Client,
        "send",
        lambda self, request, **more: asked.append(request) or send(self, request, **more),
    )
    rows = remote.search.all(sort="name")
    first = next(rows)
    assert len(asked) == 1
    names = [first.name, *(item.name for item in rows)]
    assert names == sorted(names) and len(asked) == -(-len(names) // 4)


def test_files_are_sent_and_come_back(remote, tmp_path):
    remote.pictures.picture("open-1.png", size=32).save(tmp_path / "own.png")
    told = []
    report = remote.ingest.files(tmp_path, folder="Sent", progress=told.append)
    assert report.added == 1 and isinstance(report, heron.ImportReport) and told[-1].done == 1
    item = remote.items.get("own.png")
    assert item.folder_path == "Sent"
    assert remote.export("train", tmp_path / "train.csv") == len(list(remote.datasets.rows("train")))
    assert (tmp_path / "train.csv").read_text().startswith("position,")
    remote.items.delete(item)


def test_tasks_for_annotation_come_back_once(remote, tmp_path):
    items = remote.items.list(limit=2)
    remote.collections.create("To annotate", items=items)
    remote.datasets.create("All of it", items=items)
    remote.projects.create("Remote survey", datasets="All of it")
    send = partial(remote.annotation.send, "Remote survey", "To annotate", format="jsonl")
    done = send(tmp_path / "tasks.jsonl")
    assert done.items == 2 and len((tmp_path / "tasks.jsonl").read_text().splitlines()) == 2
    assert remote.annotation.sent("Remote survey")[0].file == done.sent.file == "tasks.jsonl"
    nothing = send(tmp_path / "none.jsonl")
    assert (nothing.sent, nothing.skipped) == (None, 2) and not (tmp_path / "none.jsonl").exists()


def test_errors_of_jobs_and_of_the_connection_are_those_of_heron(remote, tmp_path):
    with pytest.raises(heron.InvalidInput, match="nothing"):
        remote.projections.make("nothing")
    with pytest.raises(heron.InvalidInput, match="is not the URL"):
        heron.connect("nonsense")
    with pytest.raises(heron.Unreachable, match="does not answer"):
        heron.connect("http://127.0.0.1:1")
    with pytest.raises(heron.PermissionDenied, match="401"):
        heron.connect(remote.url, token="wrong")
    with pytest.raises(heron.InvalidInput, match="does not work through a server"):
        remote.schema.edit()
    with pytest.raises(AttributeError, match="cannot stay open"):
        remote.atomic()


def test_a_remote_workspace_has_the_services_of_a_workspace():
    assert {name: kind.partition(":")[2] for name, kind in SERVICES.items()} == dict(services())


def test_each_verb_has_one_route_for_the_client():
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        assert route_of(route.verb).verb == route.verb
