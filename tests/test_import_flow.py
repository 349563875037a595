"""Imports keep the order, with bounded requests and memory; they continue after failures and report progress."""

from __future__ import annotations

import csv
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import heron
from heron.cli.main import status
from heron.cli.progress import Line
from heron.executors import workers
from heron.ingest import pipeline
from heron.ingest.local import Count
from tests.conftest import draw
from tests.memory_storage import Lake, LakePlugin, LakeStorage


class BusyLake(Lake):
    """A lake whose answers take their time, and that counts how many are asked for at once.

    With `together`, each answer waits until so many requests have been under way at once, but no longer than 20 s in all.
    """

    def __init__(self, seconds=lambda: 0.0):
        super().__init__(page=100)
        self.seconds = seconds
        self.together = 0
        self.lock = threading.Condition()
        self.now = self.most = 0
        self.answered = []

    def ask(self, what, *about):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.lock.notify_all()
            if not self.lock.wait_for(lambda: self.most >= self.together, timeout=120):
                self.together = 0
        try:
            time.sleep(self.seconds())
            super().ask(what, *about)
        finally:
            with self.lock:
                self.now -= 1
                self.answered.append(about[0])


class BulkStorage(LakeStorage):
    """One that looks at several objects at once."""

    def peek_all(self, urls, count):
        def one(url):
            try:
                return self.peek(url, count)
            except heron.HeronError as error:
                return error

        with ThreadPoolExecutor(len(urls)) as pool:
            return list(pool.map(one, urls))


class BulkPlugin(LakePlugin):
    def load(self, options):
        return BulkStorage(self.lake, **options)


@pytest.fixture
def lake(tmp_path):
    found = BusyLake()
    content = draw(tmp_path / "one.png", size=(8, 8)).read_bytes()
    found.urls = [found.put(f"mem://b/{number:04}.png", content) for number in range(500)]
    return found


@pytest.fixture
def load(lake, tmp_path, monkeypatch):
    """A workspace over the lake, made by a call so that the settings come first."""
    monkeypatch.setenv("HERON_RETRIES", "0")
    opened = []

    def load(plugin=LakePlugin):
        opened.append(heron.open(tmp_path / "lake", plugins=[plugin(lake)], discover=False))
        return opened[-1]

    yield load
    for workspace in opened:
        workspace.close()


def manifest_of(tmp_path, urls, suffix="json"):
    file = tmp_path / f"manifest.{suffix}"
    title = "A title of some length, so that the file is larger than what is read of it at once. " * 3
    if suffix == "json":
        file.write_text(json.dumps({"images": [{"objectUrl": url, "title": title} for url in urls]}))
    elif suffix == "csv":
        file.write_text("\n".join(["ObjectURL,Image title", *(f'{url},"{title}"' for url in urls)]))
    else:
        file.write_text("".join(json.dumps({"objectUrl": url, "title": title}) + "\n" for url in urls))
    return file


def urls(workspace):
    return [item.url for item in workspace.items.list()]


# Order, requests and memory


@pytest.mark.parametrize("plugin", [LakePlugin, BulkPlugin])
def test_items_stand_in_the_order_of_the_manifest_though_answers_come_in_any(lake, load, tmp_path, plugin):
    random.Random(1).shuffle(lake.urls)
    lake.seconds = lambda: random.uniform(0, 0.01)
    workspace = load(plugin)
    report = workspace.ingest.manifest(manifest_of(tmp_path, lake.urls), folder="A")
    assert report.added == 500
    assert urls(workspace) == lake.urls
    assert [f"mem://b/{key}" for key in lake.answered] != lake.urls, "the answers came in another order"


@pytest.mark.parametrize("plugin", [LakePlugin, BulkPlugin])
@pytest.mark.parametrize("limit", [1, 3, 8, 21])
def test_no_more_requests_are_under_way_than_allowed(lake, load, tmp_path, monkeypatch, plugin, limit):
    monkeypatch.setenv("HERON_CONCURRENCY", str(limit))
    lake.seconds = lambda: 0.002
    lake.together = limit // 2 + 1 if plugin is BulkPlugin else 0
    report = load(plugin).ingest.manifest(
        manifest_of(tmp_path, lake.urls[:100]), folder="A", content_hash=True
    )
    assert report.added == 100
    assert lake.most <= limit
    assert lake.most > limit // 2 or plugin is LakePlugin


def test_a_senseless_concurrency_is_refused_before_anything_is_made(lake, load, tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_CONCURRENCY", "many")
    workspace = load()
    with pytest.raises(heron.InvalidInput, match="HERON_CONCURRENCY is 'many', a number from 1 to 256"):
        workspace.ingest.manifest(manifest_of(tmp_path, lake.urls), folder="A", ignore_errors=True)
    assert urls(workspace) == []


def few_at_once(monkeypatch, bundle):
    """Let so many units be decided on together."""
    monkeypatch.setattr(workers, "BUNDLE", bundle)


def test_the_source_is_not_read_far_ahead_of_what_lands(lake, load, monkeypatch):
    few_at_once(monkeypatch, 16)
    monkeypatch.setattr(pipeline, "MOST", 32)
    lake.page, lake.seconds = 10, lambda: 0.001
    ahead = []

    def look(progress):
        ahead.append(sum(what == "list" for what, *_ in lake.asked) * lake.page - progress.done)

    assert load().ingest.files(["mem://b/"], folder="A", ignore_errors=True, progress=look).added == 500
    assert len(ahead) >= 500 / 32
    assert max(ahead) <= 32 + pipeline.BUNDLES * 16 + lake.page


def test_one_slow_object_does_not_let_all_others_pile_up(lake, load, monkeypatch):
    few_at_once(monkeypatch, 16)
    workspace = load()
    workspace.ingest.files([url for url in lake.urls if "0000" not in url], folder="A")
    lake.page, lake.asked = 10, []
    read = []

    def seconds():
        time.sleep(0.5)  # long enough to read the list to its end, were that let happen
        read.append(sum(what == "list" for what, *_ in lake.asked) * lake.page)
        return 0

    monkeypatch.setattr(lake, "seconds", lambda: seconds() if lake.asked and not read else 0.0)
    report = workspace.ingest.files(["mem://b/"], folder="A")
    assert (report.added, report.skipped) == (1, 499)
    assert read[0] <= (pipeline.BUNDLES + 1) * 16 + lake.page


@pytest.mark.slow
def test_what_has_come_lands_while_the_rest_is_waited_for(lake, load, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "SECONDS", 0.01)
    monkeypatch.setenv("HERON_CONCURRENCY", "1")
    lake.seconds = lambda: 0.002
    landed = []
    report = load().ingest.manifest(
        manifest_of(tmp_path, lake.urls), folder="A", ignore_errors=True,
        progress=lambda progress: landed.append((progress.added, len(lake.answered))),
    )  # fmt: skip
    assert report.added == 500
    assert landed[0][0] < 100
    assert landed[0][1] < 100, "most were not even asked for when the first had landed"


# What fails


@pytest.fixture
def sparse(lake):
    """The lake with 1 % of its objects missing; returns the URLs of those."""
    gone = random.Random(2).sample(lake.urls, 5)
    for url in gone:
        del lake.buckets["b"][url.rpartition("/")[2]]
    return sorted(gone)


def test_missing_objects_are_in_the_report_with_place_url_and_reason(lake, load, sparse, tmp_path, capsys):
    workspace = load()
    file = manifest_of(tmp_path, lake.urls)
    report = workspace.ingest.manifest(file, folder="A", ignore_errors=True)
    assert (report.added, report.failed, report.job.state) == (495, 5, "done")
    assert (report.job.position, report.job.warnings) == (500, 0)
    assert urls(workspace) == [url for url in lake.urls if url not in sparse]
    problems = list(workspace.imports.problems(report.job))
    assert [(p.severity, p.place, p.url, p.reason) for p in problems] == [
        ("failure", f"$.images[{lake.urls.index(url)}]", url, f"{url} is not there") for url in sparse
    ]
    out = tmp_path / "problems.csv"
    assert status(["-w", str(tmp_path / "lake"), "imports", "report", "1", "-o", str(out)]) == 0
    assert f"Wrote 5 problems to {out}" in capsys.readouterr().out
    with out.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["severity", "place", "url", "reason"]
    assert rows == [[p.severity, p.place, p.url, p.reason] for p in problems]


class OddStorage(LakeStorage):
    """A plugin with a fault: it raises what no storage should."""

    def peek(self, url, count):
        if url.endswith("3.png"):
            raise random.Random(url).choice([KeyError("ETag"), OSError("odd"), TypeError("odd\nvery odd")])
        return super().peek(url, count)


class OddPlugin(LakePlugin):
    def load(self, options):
        return OddStorage(self.lake, **options)


def test_a_plugin_that_raises_anything_fails_the_unit_and_not_the_others(lake, load, tmp_path):
    workspace = load(OddPlugin)
    report = workspace.ingest.manifest(manifest_of(tmp_path, lake.urls), folder="A", ignore_errors=True)
    assert (report.added, report.failed, report.job.state) == (450, 50, "done")
    problems = list(workspace.imports.problems(report.job))
    assert all("(plugin OddPlugin" in p.reason and "\n" not in p.reason for p in problems)
    assert {p.url for p in problems} == {url for url in lake.urls if url.endswith("3.png")}


# Progress


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv"])
@pytest.mark.parametrize("ignore_errors", [True, False])
@pytest.mark.parametrize("count", [500, 65, 1])
def test_the_share_grows_to_1(lake, load, tmp_path, monkeypatch, suffix, ignore_errors, count):
    few_at_once(monkeypatch, 32)
    monkeypatch.setattr(pipeline, "MOST", 8)
    told = []
    load().ingest.manifest(
        manifest_of(tmp_path, lake.urls[:count], suffix),
        folder="A", ignore_errors=ignore_errors, progress=told.append,
    )  # fmt: skip
    shares = [progress.share for progress in told if progress.share is not None]
    assert told[-1].done == told[-1].added == count
    assert shares[-1] == 1.0
    assert all(0 < share <= 1 for share in shares)
    if count == 500:
        assert len(shares) > (
            0 if suffix == "json" else 10
        )  # JSON is read by the megabyte, perhaps before the first batch is done
        assert shares == sorted(shares)
        assert all(abs(p.share - p.done / 500) < 0.2 for p in told if p.share is not None)


def test_a_table_of_groups_may_end_where_a_bundle_ends(lake, load, tmp_path, monkeypatch):
    few_at_once(monkeypatch, 32)
    monkeypatch.setattr(pipeline, "BUNDLES", 0)
    monkeypatch.setattr(pipeline, "MOST", 8)
    file = tmp_path / "manifest.csv"
    rows = [f"{url},G{number}" for number, url in enumerate(lake.urls[:64])]
    file.write_text("\n".join(["ObjectURL,Image group title", *rows]))
    report = load().ingest.manifest(file, folder="A", ignore_errors=True)
    assert (report.added, report.job.state) == (64, "done")


def test_a_resumed_import_tells_the_share_of_what_is_left(lake, load, tmp_path, monkeypatch):
    few_at_once(monkeypatch, 32)
    monkeypatch.setattr(pipeline, "MOST", 8)
    workspace = load()

    def stop(progress):
        if progress.done >= 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.ingest.manifest(
            manifest_of(tmp_path, lake.urls), folder="A", ignore_errors=True, progress=stop
        )
    told = []
    position = workspace.imports.get("1").position
    workspace.ingest.resume("1", progress=told.append)
    assert told[-1].done == 500 - position
    assert told[-1].share == 1.0
    assert all(abs(p.share - p.done / (500 - position)) < 0.2 for p in told if p.share is not None)


@pytest.mark.parametrize(
    ("done", "total", "share", "elapsed", "text"),
    [
        (0, None, None, 0, "0 files, 0:00"),
        (2000, None, None, 0.4, "2,000 files, 0:00"),
        (2000, None, None, 4, "2,000 files, 500 a second, 0:04"),
        (2000, None, 0.05, 4, "2,000 files, 500 a second, 1:16 left"),
        (2000, 40_000, None, 4, "2,000 of 40,000 files, 500 a second, 1:16 left"),
        (5, 10, None, 5, "5 of 10 files, 1.0 a second, 0:05 left"),
        (5, None, 0.001, 5, "5 files, 1.0 a second"),
        (5, 5, None, 5, "5 of 5 files, 1.0 a second"),
        (1, 1, None, 0.1, "1 of 1 file"),
    ],
)
def test_progress_says_total_rate_and_time_left(done, total, share, elapsed, text):
    line = Line("Importing", "file")
    line.show(done, total, share=share)
    line.close()
    assert line.text(elapsed) == f"Importing: {text}"


def test_local_files_are_counted_ahead_without_their_sidecars(workspace, tmp_path):
    place = tmp_path / "files"
    place.mkdir()
    for number in range(300):
        (place / f"{number}.txt").write_text("words")
        (place / f"{number}.txt.metadata.json").write_text("{}")
    told = []
    workspace.ingest.files([place], folder="A", progress=told.append, ignore_errors=True)
    assert (told[-1].files, told[-1].done) == (300, 300) and told[-1].total in (None, 300)
    count = Count([place], ".metadata.json")
    end = time.monotonic() + 60
    while count() is None and time.monotonic() < end:
        time.sleep(0.01)
    assert count() == 300


def test_sidecars_of_a_synced_folder_are_no_files_of_the_progress(workspace, tmp_path):
    place = tmp_path / "files"
    place.mkdir()
    for number in range(5):
        (place / f"{number}.txt").write_text("words")
        (place / f"{number}.txt.metadata.json").write_text('{"a": 1}')
    workspace.ingest.follow("S", place.as_uri())
    told = []
    workspace.ingest.sync("S", progress=told.append)
    assert (told[-1].files, told[-1].done) == (5, 10)
