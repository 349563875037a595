"""What the plugin executor_dask promises, and imports on a real cluster whose workers and scheduler are killed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import heron
import heron_executor_dask
from heron.testing import ExecutorContract
from heron_executor_dask.testing import Cluster

(DASK,) = heron_executor_dask.register_executors()
COUNT = 700

POISON = """
import os
seen = os.path.lexists
os.path.lexists = lambda path: os._exit(1) if "poison" in str(path) else seen(path)
"""
"""What the workers run first: they end when they are to look at a file of that name, as by a fault of a decoder."""


def test_one_executor_with_what_it_needs() -> None:
    assert isinstance(DASK, heron.ExecutorBackend)
    assert (DASK.name, DASK.extra, list(DASK.requires)) == ("dask", "dask", ["distributed"])


def test_the_hook_imports_nothing_heavy() -> None:
    check = (
        "import sys, heron_executor_dask; list(heron_executor_dask.register_executors());"
        "sys.exit(' '.join(n for n in ('distributed', 'dask', 'tornado') if n in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers with nannies, which start a new worker in place of one that has ended; one death is enough to give up a task."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(POISON)
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    found = Cluster(2, nanny=True, settings=settings, modules=folder)
    yield found
    found.stop()


@pytest.mark.slow
class TestDask(ExecutorContract):
    executor = DASK
    bad_addresses = ("", "host", "host:port", "a b:1", "127.0.0.1:1", "http://127.0.0.1:1")
    survives = True

    @pytest.fixture
    def an_address(self, cluster: Cluster) -> str:
        return cluster.address


@pytest.fixture(scope="module", autouse=True)
def little_patience() -> Iterator[None]:
    """No scheduler is waited for long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("heron_executor_dask.executor.CONNECT", 2.0)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for number in range(COUNT):
        Image.new("RGB", (300 + number % 7, 200), (number % 256, 0, 0)).save(folder / f"{number:04}.jpg")
    return folder


def state(workspace: heron.Workspace) -> list[tuple[Any, ...]]:
    """What an import has made of the files, in its order."""
    return [
        (item.name, item.facts, item.size, item.content_hash, workspace.thumbnails.find(item))
        for item in workspace.items.list()
    ]


@pytest.fixture(scope="module")
def expected(files: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """The same by threads of one process."""
    with heron.open(tmp_path_factory.mktemp("alone")) as workspace:
        workspace.ingest.files(files, folder="A", executor="threads:2", thumbnails=True, content_hash=True)
        return state(workspace)


@pytest.mark.slow
def test_a_worker_is_killed_in_the_middle_and_the_catalogue_is_right(
    files: Path, expected: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    cluster = Cluster(2)
    killed: list[int] = []

    def kill(progress: Any) -> None:
        if progress.added and not killed:
            killed.append(progress.added)
            cluster.kill_worker()

    try:
        with heron.open(tmp_path / "lake") as workspace:
            report = workspace.ingest.files(
                files, folder="A", ignore_errors=True, executor=f"dask://{cluster.address}", thumbnails=True,
                content_hash=True, progress=kill,
            )  # fmt: skip
            assert 0 < killed[0] < COUNT
            assert (report.added, report.failed, report.job.state) == (COUNT, 0, "done")
            assert state(workspace) == expected
    finally:
        cluster.stop()


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_one_sentence_and_the_import_goes_on_later(
    files: Path, expected: list[tuple[Any, ...]], tmp_path: Path, cluster: Cluster
) -> None:
    lost = Cluster(1)
    killed: list[int] = []

    def kill(progress: Any) -> None:
        if progress.added and not killed:
            killed.append(progress.added)
            lost.kill_scheduler()

    try:
        with heron.open(tmp_path / "lake") as workspace:
            with pytest.raises(heron.Unreachable) as caught:
                workspace.ingest.files(
                    files, folder="A", ignore_errors=True, executor=f"dask://{lost.address}", thumbnails=True,
                    content_hash=True, progress=kill,
                )  # fmt: skip
            assert re.match(
                r"no Dask scheduler answers at tcp://127.0.0.1:\d+ within 2 s \(", str(caught.value)
            )
            assert "heron imports resume 1" in (caught.value.hint or "")
            job = workspace.imports.get("1")
            assert job.state == "interrupted"
            assert 0 < job.added == workspace.items.count() < COUNT
            done = workspace.ingest.resume("1", executor=f"dask://{cluster.address}")
            assert done.job.state == "done"
            assert state(workspace) == expected
    finally:
        lost.stop()


@pytest.mark.slow
def test_a_file_that_ends_its_worker_is_named_and_the_rest_is_imported(
    files: Path, cluster: Cluster, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for number in range(150):
        name = "poison" if number == 20 else f"{number:03}"
        (few / f"{name}.jpg").write_bytes((files / f"{number:04}.jpg").read_bytes())
    with heron.open(tmp_path / "lake") as workspace:
        report = workspace.ingest.files(
            few, folder="A", ignore_errors=True, executor=f"dask://{cluster.address}"
        )
        assert (report.added, report.failed) == (149, 1)
        assert report.problems[0].reason.endswith(
            "poison.jpg was given up: 1 workers ended while they worked on it, decoder image"
        )


@pytest.mark.slow
def test_the_command_line_says_one_sentence(files: Path, tmp_path: Path) -> None:
    run = "import sys, heron_executor_dask.executor as e; e.CONNECT = 1.0; from heron.cli.main import run; run()"
    command = [sys.executable, "-c", run, "-w", str(tmp_path)]
    subprocess.run([*command, "init"], check=True, capture_output=True)
    importing = [*command, "import", str(files), "--folder", "A", "--executor", "dask://127.0.0.1:1"]
    done = subprocess.run(importing, capture_output=True, text=True)
    assert done.returncode == 4
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith(
        "Error: no Dask scheduler answers at tcp://127.0.0.1:1 within 1 s (start one: dask scheduler --port 1"
    )
