"""Imports from a real S3 server behind a proxy that throttles, stalls, cuts, garbles, expires, and swaps objects."""

from __future__ import annotations

import hashlib
from threading import Lock, Timer

import pytest

import heron
from heron.cli.main import status
from heron.ingest import runner
from heron.storage import retries, waiting
from heron.testing.faults import FaultProxy
from tests.bucket_lake import BucketLake, is_sound, picture, widths
from tests.test_import_jobs import but_for_jobs, failures, urls

pytest.importorskip("s3fs")
from heron_storage_s3.testing import forget_environment, seaweedfs

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]
COUNT = 100


@pytest.fixture
def proxy():
    with FaultProxy(seaweedfs().endpoint) as opened:
        yield opened


@pytest.fixture(scope="module")
def pictures():
    return BucketLake(COUNT)


@pytest.fixture
def lake(pictures, proxy):
    """A bucket that no test changes."""
    pictures.endpoint = proxy.endpoint
    return pictures


@pytest.fixture
def own(proxy):
    """A bucket for one test."""
    return BucketLake(40, proxy.endpoint)


@pytest.fixture
def workspace(proxy, lake, tmp_path, monkeypatch):
    forget_environment(monkeypatch)
    monkeypatch.setattr(retries, "FIRST", 0.001)
    with lake.open(tmp_path / "lake", monkeypatch) as opened:
        yield opened


@pytest.fixture
def load(workspace, lake, tmp_path):
    """Import the manifest of all pictures."""
    file = lake.manifest(tmp_path)

    def load(**options):
        return workspace.ingest.manifest(
            file, **{"folder": "A", "integration": "lab", "ignore_errors": True} | options
        )

    return load


def reads(proxy):
    """The requests for pictures, but for those of one byte, which find out whether the store answers."""
    return [
        seen
        for seen in proxy.requests
        if seen.method == "GET" and ".jpg" in seen.path and seen.range != "bytes=0-0"
    ]


# What passes by itself


@pytest.mark.parametrize("kind", ["throttle", "too_many", "error", "reset", "cut", "nonsense"])
@pytest.mark.parametrize("ignore_errors", [True, False])
def test_what_fails_now_and_then_is_tried_again_and_all_lands(
    workspace, lake, proxy, load, kind, ignore_errors
):
    proxy.fault(kind, matching=".jpg", share=0.15, seed=3)
    report = load(ignore_errors=ignore_errors)
    assert (report.added, report.failed, report.job.warnings) == (COUNT, 0, 0)
    assert urls(workspace) == lake.urls
    assert widths(workspace) == [*range(1, COUNT + 1)]
    assert len(reads(proxy)) > COUNT * 1.05, "some were asked for again"


def test_what_stalls_a_while_is_waited_for(workspace, lake, proxy, load):
    proxy.fault("stall", seconds=0.2, share=0.1, seed=4)
    assert load().added == COUNT
    assert urls(workspace) == lake.urls
    assert len(reads(proxy)) == COUNT


def test_a_list_of_objects_goes_on_where_it_broke_off(workspace, lake, proxy):
    proxy.fault("throttle", matching="list-type=2", times=2)
    proxy.fault("cut", matching="list-type=2", times=2)
    report = workspace.ingest.files([lake.url("")], folder="A", integration="lab")
    assert (report.added, report.failed) == (COUNT, 0)
    assert urls(workspace) == lake.urls


# Outages


@pytest.mark.parametrize("kind", ["throttle", "too_many", "error", "reset", "nonsense", "expired"])
def test_an_outage_for_good_leaves_the_import_incomplete_and_resuming_after_it_lands_the_rest(
    workspace, lake, proxy, load, kind, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("HERON_RETRIES", "1")
    proxy.fault(kind, matching=".jpg", after=60)
    job = load().job
    assert (job.state, job.position, job.failed, job.warnings) == ("incomplete", COUNT, 0, 0)
    assert 60 - 32 <= job.added <= 60
    assert job.waiting == COUNT - job.added
    landed = {url.rpartition("/")[2] for url in urls(workspace)}
    resume = ["-w", str(tmp_path / "lake"), "imports", "resume", "1"]
    assert status(resume) == 4
    assert "Not complete, since a store could not be read: heron imports resume 1" in capsys.readouterr().out
    proxy.heal()
    proxy.requests.clear()
    assert status(resume) == 0
    assert f"Import 1 is done: {COUNT} new." in capsys.readouterr().out
    job = workspace.imports.get("1")
    assert (job.state, job.position, job.added, job.failed) == ("done", COUNT, COUNT, 0)
    assert sorted(urls(workspace)) == lake.urls
    assert sorted(widths(workspace)) == [*range(1, COUNT + 1)]
    assert failures(workspace) == []
    assert not landed & {seen.path.rpartition("/")[2] for seen in reads(proxy)}, (
        "what had landed was read again"
    )


def test_expired_credentials_are_told_as_such(workspace, proxy, load):
    proxy.fault("expired", after=5)  # 50 more are refused in a row, and 32 are under way by then
    report = load()
    assert report.job.state == "incomplete"
    assert "the session token has expired (fetch new temporary credentials)" in report.problems[0].reason
    tried = {seen.path for seen in reads(proxy)}
    assert len(tried) < COUNT, "refused credentials are not tried for every object"


@pytest.mark.parametrize("seconds", [1.5, 4])
@pytest.mark.parametrize("ignore_errors", [True, False])
def test_a_short_outage_of_a_real_server_is_waited_out(workspace, lake, proxy, load, seconds, ignore_errors):
    proxy.fault("reset", after=40)
    healing = Timer(seconds, proxy.heal)
    healing.start()
    report = load(ignore_errors=ignore_errors)
    assert (report.job.state, report.added, report.failed, report.job.warnings) == ("done", COUNT, 0, 0)
    assert sorted(widths(workspace)) == [*range(1, COUNT + 1)]


@pytest.mark.parametrize("kind", ["throttle", "expired", "reset"])
def test_without_ignore_errors_it_stops_at_the_first_and_nothing_has_changed(
    workspace, lake, proxy, load, kind, monkeypatch
):
    load(folder="Before")
    before = but_for_jobs(workspace)
    monkeypatch.setattr(runner, "ALONE", 1.0)
    broken = lake.keys[77]
    proxy.fault(kind, matching=broken)
    with pytest.raises(heron.ImportInterrupted) as stopped:
        load(folder="New/Deep", ignore_errors=False)
    assert stopped.value.message.startswith(lake.urls[77])
    assert "heron imports resume 2" in stopped.value.hint
    assert but_for_jobs(workspace) == before
    job = workspace.imports.get("2")
    assert (job.state, job.added, job.position, job.failed) == ("interrupted", 0, 0, 0)
    proxy.heal()
    assert workspace.ingest.resume("2").added == COUNT
    assert widths(workspace) == [*range(1, COUNT + 1)] * 2


# Faults of single objects


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "is not there"),
        ("forbidden", "cannot be read: permission denied (the credentials need s3:GetObject on it)"),
        ("no_bucket", "does not exist"),
        ("garbage", "is declared as image, but its content is application/octet-stream"),
    ],
)
def test_an_object_that_fails_for_good_is_in_the_report_and_the_others_land(
    workspace, lake, proxy, load, kind, reason, monkeypatch
):
    monkeypatch.setenv("HERON_RETRIES", "1")
    bad = (5, 6, COUNT - 1)
    for number in bad:
        proxy.fault(kind, matching=lake.keys[number])
    report = load()
    assert (report.added, report.failed, report.job.state) == (COUNT - 3, 3, "done")
    assert urls(workspace) == [url for number, url in enumerate(lake.urls) if number not in bad]
    problems = failures(workspace)
    assert [(p.place, p.url) for p in problems] == [(f"$.images[{n}]", lake.urls[n]) for n in bad]
    assert all(reason in p.reason and "\n" not in p.reason for p in problems)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("throttle", "the store asks for fewer requests (SlowDown)"),
        ("error", "the store answers with an error (InternalError)"),
        ("cut", "cannot be reached"),
        ("reset", "cannot be reached"),
        ("nonsense", "cannot be reached"),
    ],
)
def test_an_object_whose_request_always_fails_waits_and_the_others_land(
    workspace, lake, proxy, load, kind, reason, monkeypatch
):
    monkeypatch.setattr(runner, "OBJECT", 0.5)
    monkeypatch.setattr(retries, "WITNESS", 0.05)
    monkeypatch.setattr(waiting, "PAUSES", (0.0, 0.2))
    bad = (5, 6, COUNT - 1)
    for number in bad:
        proxy.fault(kind, matching=lake.keys[number])
    report = load()
    assert (report.added, report.failed, report.waiting, report.job.state) == (COUNT - 3, 0, 3, "incomplete")
    assert urls(workspace) == [url for number, url in enumerate(lake.urls) if number not in bad]
    assert [(p.place, p.url) for p in report.problems] == [(f"$.images[{n}]", lake.urls[n]) for n in bad]
    assert all(reason in p.reason and "\n" not in p.reason for p in report.problems)
    proxy.heal()
    proxy.requests.clear()
    report = workspace.ingest.resume("1")
    assert (report.added, report.job.state) == (COUNT, "done")
    assert len(reads(proxy)) == 3


def test_garbage_that_nobody_declared_lands_as_other_with_a_warning(workspace, lake, proxy):
    proxy.fault("garbage", matching=lake.keys[7], seed=1)
    report = workspace.ingest.files([lake.url("")], folder="A", integration="lab", ignore_errors=True)
    assert (report.added, report.failed, report.job.warnings) == (COUNT, 0, 1)
    [problem] = report.problems
    assert (problem.severity, problem.url) == ("warning", lake.urls[7])
    assert problem.reason == "0007.jpg: no known format, catalogued by its name and size alone"
    item = workspace.items.get(next(i for i in workspace.items.list() if i.name == "0007.jpg"))
    assert (item.kind, item.size) == ("other", len(picture(8)))


@pytest.mark.parametrize("ignore_errors", [True, False])
def test_a_bucket_that_vanishes_while_it_is_read(workspace, own, proxy, tmp_path, ignore_errors):
    before = but_for_jobs(workspace)
    options = {"folder": "A", "integration": "lab", "ignore_errors": ignore_errors}
    held = Lock()

    def reads_while_it_is_there(seen):
        with held:
            return ".jpg" in seen.path

    def vanish(seen):
        with held:
            own.vanish()

    proxy.fault("replace", matching=reads_while_it_is_there, after=20, times=1, hook=vanish)
    if not ignore_errors:
        with pytest.raises(heron.ImportAborted, match=rf"\$\.images\[\d+\]: .*{own.bucket}"):
            workspace.ingest.manifest(own.manifest(tmp_path), **options)
        assert but_for_jobs(workspace) == before
        return
    report = workspace.ingest.manifest(own.manifest(tmp_path), **options)
    assert report.added + report.failed == report.job.position == 40
    assert 0 < report.added < 40
    landed = set(urls(workspace))
    problems = failures(workspace)
    assert [p.url for p in problems] == [url for url in own.urls if url not in landed]
    assert all(own.bucket in p.reason for p in problems)
    assert problems[-1].reason.startswith(f"bucket {own.bucket} does not exist")
    assert is_sound(workspace)


# Objects that change


def test_an_object_replaced_after_it_was_listed_lands_as_it_is_now(workspace, own, proxy):
    new = picture(640, 480)
    etags = []
    proxy.fault(
        "replace", matching=own.keys[3], times=1, hook=lambda seen: etags.append(own.put(own.keys[3], new))
    )
    report = workspace.ingest.files([own.url("")], folder="A", integration="lab")
    assert (report.added, report.failed) == (40, 0)
    item = next(item for item in workspace.items.list() if item.name == own.keys[3])
    assert (item.facts.width, item.facts.height, item.size, item.etag) == (640, 480, len(new), etags[0])


def test_an_object_deleted_after_it_was_listed_is_in_the_report(workspace, own, proxy):
    proxy.fault("replace", matching=own.keys[3], times=1, hook=lambda seen: own.delete(own.keys[3]))
    report = workspace.ingest.files([own.url("")], folder="A", integration="lab", ignore_errors=True)
    assert (report.added, report.failed) == (40 - 1, 1)
    assert [p.reason for p in failures(workspace)] == [f"{own.urls[3]} is not there"]


def later_ranges(key):
    """Whether a request is for another part of an object than its beginning."""
    return lambda seen: key in seen.path and seen.range is not None and not seen.range.startswith("bytes=0-")


@pytest.mark.parametrize("content_hash", [False, True])
def test_an_object_replaced_between_two_parts_lands_with_facts_and_etag_of_one_content(
    workspace, own, proxy, content_hash
):
    first, second = picture(100, 90, padding=60_000), picture(200, 180, padding=60_000)
    own.put("big.jpg", first)
    etags = []
    proxy.fault(
        "replace", matching=later_ranges("big.jpg"), times=1,
        hook=lambda seen: etags.append(own.put("big.jpg", second)),
    )  # fmt: skip
    report = workspace.ingest.files(
        [own.url("big.jpg")], folder="A", integration="lab", content_hash=content_hash
    )
    assert (report.added, report.failed) == (1, 0)
    [item] = workspace.items.list()
    assert len(etags) == 1, "it was replaced between its header and the rest of it"
    assert (item.facts.width, item.facts.height, item.size, item.etag) == (200, 180, len(second), etags[0])
    assert item.content_hash == (hashlib.sha256(second).hexdigest() if content_hash else None)


def test_an_object_that_is_replaced_all_the_time_is_in_the_report(workspace, own, proxy):
    own.put("big.jpg", picture(1, 90, padding=60_000))
    times = []

    def replace(seen):
        times.append(seen)
        own.put("big.jpg", picture(1 + len(times), 90, padding=60_000))

    proxy.fault("replace", matching=later_ranges("big.jpg"), hook=replace)
    report = workspace.ingest.files([own.url("")], folder="A", integration="lab", ignore_errors=True)
    assert (report.added, report.failed) == (40, 1)
    assert [p.reason for p in failures(workspace)] == [
        f"{own.url('big.jpg')} was replaced while it was being read"
    ]
    assert len(times) == 3, "it was begun anew twice"
