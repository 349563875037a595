"""Incomplete imports after any pattern of outages, after SIGKILL and Ctrl-C, and from an older catalogue."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
from heron.catalog.migrations import imagine
from heron.ingest import runner
from heron.storage import waiting
from heron.storage.waiting import Patience, waited_for
from tests.memory_storage import LakePlugin
from tests.test_incomplete_imports import (  # noqa: F401 - fixtures
    GONE,
    SIDECAR,
    breaking,
    clock,
    content,
    filled,
    hasty,
    keys_asked,
    lake,
    plugins,
)
from tests.test_outages import Clock

# Any pattern


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    faults=st.lists(st.integers(0, 12), max_size=25),
    broken=st.dictionaries(st.integers(0, 11), st.integers(1, 4), max_size=4),
    entries=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 3)), min_size=1, max_size=20),
    upsert=st.booleans(),
    way=st.sampled_from(["manifest", "prefix", "sync"]),
)
def test_after_any_outages_the_catalogue_is_the_same(faults, broken, entries, upsert, way):
    """`faults` are failures in a row, with an answer in between; `broken` are jobs in which objects always fail."""

    def run(folder, *, undisturbed):
        lake, clock = filled(12), Clock()
        for number in (2, 5):
            lake.put(lake.urls[number] + ".metadata.json", SIDECAR)
        rest = dict(broken)
        if not undisturbed:
            for count in faults:
                lake.faults["get"] += [*[GONE] * count, None]
            breaking(lake, *(f"{number:03}.png" for number in broken))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                runner, "Patience", partial(Patience, clock=clock, pause=clock.pause, silence=600.0)
            )
            patch.setenv("HERON_CONCURRENCY", "1")
            with heron.open(folder / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
                report = begin(workspace, lake, folder)
                for _ in range(6):
                    assert report.failed == 0
                    if report.job.state == "done":
                        break
                    rest = {number: left - 1 for number, left in rest.items() if left > 1}
                    lake.broken_keys = {f"{number:03}.png" for number in rest}
                    report = workspace.ingest.resume(report.job)
                assert (report.job.state, report.waiting) == ("done", 0)
                return content(workspace)

    def begin(workspace, lake, folder):
        if way == "prefix":
            return workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
        if way == "sync":
            workspace.ingest.follow("A", "mem://b/")
            return workspace.ingest.sync("A")
        file = folder / "m.json"
        listed = [
            {"objectUrl": lake.urls[number], "clientMetadata": {"n": value, f"k{value}": place}}
            for place, (number, value) in enumerate(entries)
        ]
        file.write_text(json.dumps({"images": listed}))
        return workspace.ingest.manifest(
            file, folder="A", ignore_errors=True, upsert_metadata=upsert, skip_duplicates=True
        )

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        assert run(Path(one), undisturbed=False) == run(Path(two), undisturbed=True)


# Stops


@pytest.mark.slow
def test_kill_9_in_the_second_round_and_resuming_lands_the_rest_once(tmp_path):
    script = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent.parent)]!r}
import heron
from heron.ingest import runner
from heron.storage import retries, waiting
from tests.test_incomplete_imports import breaking, filled
from tests.memory_storage import LakePlugin
waiting.PAUSES, runner.OBJECT, retries.FIRST, retries.WITNESS = (0.0, 300.0), 0.1, 0.01, 0.05
lake = filled()
breaking(lake, "007.png", "013.png")
with heron.open({str(tmp_path / "lake")!r}, plugins=[LakePlugin(lake)], discover=False) as workspace:
    workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    catalogue = tmp_path / "lake" / ".heron" / "catalog.db"

    def state():
        try:
            with closing(sqlite3.connect(catalogue)) as plain:
                return plain.execute(
                    "SELECT is_read, added, (SELECT count(*) FROM import_waiting WHERE reason LIKE '%500%') FROM imports"
                ).fetchone()
        except sqlite3.Error:
            return None

    end = time.monotonic() + 60
    while state() != (1, 18, 2) and time.monotonic() < end:
        time.sleep(0.05)
    assert state() == (1, 18, 2)
    process.send_signal(signal.SIGKILL)
    process.wait(120)
    lake = filled()
    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
        job = workspace.imports.get("1")
        assert (job.state, job.added, job.waiting, job.is_read) == ("interrupted", 18, 2, True)
        report = workspace.ingest.resume(job)
        assert (report.job.state, report.added) == ("done", 20)
        assert sorted(keys_asked(lake)) == ["007.png", "013.png"]
        killed = content(workspace)
    with heron.open(tmp_path / "other", plugins=[LakePlugin(filled())], discover=False) as workspace:
        workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
        assert content(workspace) == killed


@pytest.mark.slow
@pytest.mark.parametrize("what", ["objects", "list", "second round"])
def test_ctrl_c_ends_a_wait_at_once(tmp_path, monkeypatch, request, what):
    lake = filled()
    if what == "second round":
        request.getfixturevalue("hasty")
        monkeypatch.setattr(waiting, "PAUSES", (0.0, 300.0))
        breaking(lake, "007.png")
    else:
        lake.broken["list" if what == "list" else "get"] = GONE
    pressed = []
    told = (
        "1 unit without an answer, asked again in "
        if what == "second round"
        else "the mem store does not answer"
    )

    def press():
        end = time.monotonic() + 60
        while not (waited_for() or "").startswith(told) and time.monotonic() < end:
            time.sleep(0.05)
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
        threading.Thread(target=press).start()
        with pytest.raises(KeyboardInterrupt) as stop:
            workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
        assert time.monotonic() - pressed[0] < 30
        assert stop.value.__notes__ == ["heron imports resume 1 goes on from there"]
        assert workspace.imports.get("1").state == "interrupted"


# Older catalogues


def test_an_interrupted_import_of_an_older_catalogue_is_resumed(tmp_path, clock):
    lake = filled()
    lake.faults["list"] = [None]
    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
        lake.page = 5
        lake.broken["list"] = heron.BadCredentials("expired")
        with pytest.raises(heron.BadCredentials):
            workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
    with closing(sqlite3.connect(tmp_path / "lake" / ".heron" / "catalog.db")) as plain:
        plain.execute("DROP TABLE import_waiting")
        plain.execute("ALTER TABLE imports DROP COLUMN is_read")
        plain.execute("DELETE FROM _sqlite_migrations WHERE name = 'waiting_units'")
        plain.commit()
    lake.broken.clear()
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    catalogue = tmp_path / "copy" / ".heron" / "catalog.db"
    catalogue.chmod(0o444)
    with closing(sqlite3.connect(f"{catalogue.as_uri()}?mode=ro", uri=True)) as plain:
        imagine(plain, {"waiting_units"})
        assert plain.execute("SELECT state, is_read FROM imports").fetchall() == [("interrupted", 0)]
        assert plain.execute("SELECT * FROM import_waiting").fetchall() == []
    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
        job = workspace.imports.get("1")
        assert (job.state, job.waiting, job.is_read) == ("interrupted", 0, False)
        assert workspace.ingest.resume(job).added == 20
