"""Imports of manifests as jobs: going on after a stop with no loss and no duplicates, and flat memory."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import chain

import pytest

import heron
from heron import InvalidInput
from heron.ingest import pipeline
from tests.conftest import draw
from tests.test_manifest_import import entry, names, write

pytestmark = pytest.mark.slow


def lines(numbers):
    return "\n".join(json.dumps(entry(number)) for number in numbers)


@pytest.fixture
def stopped(workspace, tmp_path, monkeypatch):
    """Import 60 entries in batches of 7, stop after the third batch; returns the job."""
    monkeypatch.setattr(pipeline, "MOST", 7)

    def stopped(text, name="m.jsonl", **options):
        batches = []

        def stop(progress):
            batches.append(progress.done)
            if len(batches) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            workspace.ingest.manifest(write(tmp_path, text, name), folder="A", progress=stop, **options)
        return workspace.imports.list()[0]

    return stopped


@pytest.mark.parametrize("skip", [False, True])
def test_a_stopped_import_goes_on_where_it_was_and_lands_each_entry_once(workspace, stopped, skip):
    text = lines([*range(30), 5, *range(30, 59)])
    job = stopped(text, ignore_errors=True, skip_duplicates=skip)
    assert (job.state, job.position, job.added) == ("interrupted", 21, 21)
    seen = []
    report = workspace.ingest.resume(job, progress=seen.append)
    assert (report.job.state, report.job.position) == ("done", 60)
    assert (report.added, report.skipped) == ((59, 1) if skip else (60, 0))
    assert seen[-1].done == 39
    landed = [f"{n}.jpg" for n in (*range(30), *([] if skip else [5]), *range(30, 59))]
    assert names(workspace) == landed


def test_faults_before_and_after_the_stop_are_reported_once(workspace, stopped):
    images = [entry(n) if n % 10 else {} for n in range(60)]
    job = stopped(json.dumps({"images": images}), "m.json", ignore_errors=True)
    report = workspace.ingest.resume(job.uuid)
    assert (report.added, report.failed) == (54, 6)
    places = [problem.place for problem in workspace.imports.problems(job) if problem.severity == "failure"]
    assert places == [f"$.images[{n}]" for n in range(0, 60, 10)]


def test_groups_of_a_table_are_not_torn_apart_by_a_stop(workspace, stopped, tmp_path):
    url = draw(tmp_path / "in" / "a.png").as_uri()
    text = "ObjectURL,Image group title\n" + "".join(f"{url},g{n}\n{url},g{n}\n" for n in range(60))
    job = stopped(text, "m.csv", ignore_errors=True)
    assert workspace.ingest.resume(job).added == 60
    assert [(i.name, i.facts.frame_count) for i in workspace.items.list()] == [
        (f"g{n}", 2) for n in range(60)
    ]


def test_a_strict_import_that_was_stopped_begins_anew(workspace, stopped):
    job = stopped(lines(range(60)))
    assert (job.state, job.added, names(workspace)) == ("interrupted", 0, [])
    assert workspace.folders.list() == []
    assert workspace.ingest.resume(job).added == 60
    assert names(workspace) == [f"{n}.jpg" for n in range(60)]


def test_a_manifest_that_was_changed_or_is_gone_is_not_resumed(workspace, stopped, tmp_path):
    job = stopped(lines(range(60)), ignore_errors=True)
    kept = names(workspace)
    file = write(tmp_path, lines(range(61)), "m.jsonl")
    with pytest.raises(InvalidInput, match=rf"m\.jsonl was changed since import {job.id} began") as refusal:
        workspace.ingest.resume(job)
    assert "--skip-duplicates" in refusal.value.hint
    file.unlink()
    with pytest.raises(heron.NotFound, match=r"m\.jsonl"):
        workspace.ingest.resume(job)
    assert (names(workspace), workspace.imports.get(job).state) == (kept, "interrupted")
    write(tmp_path, lines(range(60)), "m.jsonl")
    assert workspace.ingest.resume(job).added == 60
    with pytest.raises(InvalidInput, match="is done, only one that was interrupted or failed"):
        workspace.ingest.resume(job)


# Memory

READ = {
    "import": 'print(workspace.ingest.manifest(sys.argv[2], folder="A", ignore_errors=True).added)',
    "check": "print(sum(workspace.ingest.check_manifest(sys.argv[2]).kinds.values()))",
}


@pytest.mark.parametrize(
    ("suffix", "way", "most", "growth"),
    [("json", "import", 30_000, 1.15), ("jsonl", "check", 20_000, 1.05), ("csv", "check", 20_000, 1.05)],
)
def test_memory_does_not_grow_with_the_manifest(tmp_path, suffix, way, most, growth):
    """An import grows a little, as the cache of pages of SQLite does."""
    code = (
        "import resource, sys, heron\n"
        f"with heron.open(sys.argv[1], discover=False) as workspace:\n    {READ[way]}\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for count in (5_000, most):
        file = tmp_path / f"{count}.{suffix}"
        with file.open("w") as stream:
            stream.writelines(ROWS[suffix](count))
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path / f"lake{count}", file],
            capture_output=True,
            text=True,
            check=True,
        )
        read, peak = map(int, done.stdout.split())
        assert read == count
        peaks.append(peak)
    assert peaks[1] < growth * peaks[0]


def json_rows(count):
    yield from (f"{',' if number else OPEN}{json.dumps(entry(number))}" for number in range(count))
    yield "]}"


OPEN = '{"images": ['
ROWS = {
    "json": json_rows,
    "jsonl": lambda count: (json.dumps(entry(number)) + "\n" for number in range(count)),
    "csv": lambda count: chain(["ObjectURL,city\n"], (f"file:///lake/{n}.jpg,Oslo\n" for n in range(count))),
}
"""The parts of a manifest with so many entries."""
