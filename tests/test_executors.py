"""Executors: tasks run elsewhere and come back in order, whatever happens to their workers."""

from __future__ import annotations

import json
import threading
import time
import warnings
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from functools import partial

import pytest
from attrs import evolve
from PIL import Image

import heron
from heron import deadline
from heron.builtin import BUILTIN
from heron.cli.main import status
from heron.executors import shipping, workers
from heron.executors.builtin import register_executors
from heron.hooks import PluginManager
from heron.workspace import Workspace
from tests import secret_store
from tests.executing import Hangs, Pickling

COUNT = 300
_, PROCESSES = register_executors()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Some hundred small pictures and a damaged one."""
    folder = tmp_path_factory.mktemp("files")
    for number in range(COUNT):
        Image.new("RGB", (8 + number % 7, 8), (number % 256, 0, 0)).save(folder / f"{number:03}.png")
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return folder


@pytest.fixture
def here(tmp_path):
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        yield workspace


def names(workspace):
    return [item.name for item in workspace.items.list()]


EXPECTED = [f"{number:03}.png" for number in range(COUNT)]


def load(workspace, files, executor, **options):
    report = workspace.ingest.files(files, folder="A", ignore_errors=True, executor=executor, **options)
    assert names(workspace) == EXPECTED
    return report


def opened_by(monkeypatch, workspace, make):
    """Let `processes` open executors of the test, and return the list of those that were opened."""
    found = []

    def opener(address):
        found.append(make(len(found)))
        return found[-1]

    monkeypatch.setattr("heron.executors.builtin._processes", opener)
    [record] = [r for r in register_executors() if r.name == "processes"]
    monkeypatch.setattr(type(workspace.plugins), "executor", lambda self, name: record)
    return found


@pytest.mark.parametrize("executor", ["threads", "threads:3", "THREADS:1", "threads://2"])
def test_threads_by_name(here, files, executor):
    assert load(here, files, executor, thumbnails=True).failed == 1
    assert not [t for t in threading.enumerate() if t.name == "heron-worker" and t.is_alive() and t.join(60)]


@pytest.mark.slow
def test_processes_by_name(here, files):
    report = load(here, files, "processes:2", thumbnails=True)
    assert (report.added, report.failed) == (COUNT, 1)
    assert here.thumbnails.find(here.items.list(limit=1)[0]) is not None


def test_any_executor_of_the_caller_stays_open(here, files):
    with ThreadPoolExecutor(2) as pool:
        assert load(here, files, pool).failed == 1
        assert pool.submit(int, "3").result() == 3


def test_tasks_are_pickled_small_and_the_answers_come_in_order(here, files):
    pool = Pickling()
    report = load(here, files, pool, thumbnails=True)
    assert report.failed == 1
    assert len(pool.pickles) == 2 * -(-(COUNT + 1) // workers.GRAIN)
    assert not pool.is_shut
    assert all(len(sent) < 64 * 1000 for sent in pool.pickles[::2])


def test_a_name_that_is_none_is_refused_before_anything_is_made(here, files):
    for name, reason in {
        "dusk://a": "no executor is called 'dusk'",
        "threads:none": "threads:none: expected a number of threads",
        "processes:0": "processes:0: expected a number of processes",
        "": "is not an executor",
    }.items():
        with pytest.raises(heron.HeronError, match=reason):
            here.ingest.files(files, folder="A", executor=name)
    assert here.items.count() == 0


def test_one_broken_executor_is_opened_again_and_nothing_is_lost(here, files, monkeypatch):
    def make(number):
        def happens(units, answer):
            if number == 0 and any(unit.url.endswith("070.png") for unit in units):
                raise BrokenExecutor("killed")
            return answer

        return Pickling(happens)

    found = opened_by(monkeypatch, here, make)
    assert load(here, files, "processes:2").failed == 1
    assert len(found) == 2
    assert all(pool.is_shut for pool in found)


@pytest.mark.parametrize("strict", [False, True])
def test_a_file_that_ends_its_worker_each_time_fails_with_a_sentence_that_names_it(
    here, files, monkeypatch, strict
):
    def happens(units, answer):
        if any(unit.url.endswith("070.png") for unit in units):
            raise BrokenExecutor("killed")
        return answer

    found = opened_by(monkeypatch, here, lambda number: Pickling(happens))
    sentence = r"070\.png was given up: its worker ended each time it was read"
    if strict:
        (files / "bad.png").rename(files / "bad")
        try:
            with pytest.raises(heron.ImportAborted, match=sentence):
                here.ingest.files(files, folder="A", executor="processes")
        finally:
            (files / "bad").rename(files / "bad.png")
        assert here.items.count() == 0
        return
    report = here.ingest.files(files, folder="A", ignore_errors=True, executor="processes")
    assert names(here) == [name for name in EXPECTED if name != "070.png"]
    assert report.failed == 2
    assert any(sentence.replace("\\", "") in problem.reason for problem in report.problems)
    assert 2 < len(found) <= 6
    assert [item.name for item in here.items.list(limit=3)] == EXPECTED[:3]


def test_lost_workers_lose_only_the_file_that_ends_them(here, files):
    def happens(units, answer):
        if any(unit.url.endswith("070.png") for unit in units):
            raise heron.WorkerLost("its worker has ended")
        return answer

    report = here.ingest.files(files, folder="A", ignore_errors=True, executor=Pickling(happens))
    assert names(here) == [name for name in EXPECTED if name != "070.png"]
    [problem] = [p for p in report.problems if "070.png" in p.place]
    assert problem.reason.endswith("070.png was given up: its worker has ended, decoder image")


GARBAGE = {
    "nothing": None,
    "text": "no answer",
    "too few": shipping.Answer(()),
    "others": shipping.Answer((1, 2, 3) * 100),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("often", [1, 1000])
def test_garbage_is_not_believed(here, files, garbage, often):
    left = [often]

    def happens(units, answer):
        if any(unit.url.endswith("070.png") for unit in units) and left[0]:
            left[0] -= 1
            return garbage
        return answer

    report = here.ingest.files(files, folder="A", ignore_errors=True, executor=Pickling(happens))
    if often == 1:
        assert (names(here), report.failed) == (EXPECTED, 1)
    else:
        assert names(here) == [name for name in EXPECTED if name != "070.png"]
        assert any("answered with something else than results" in p.reason for p in report.problems)


def test_a_worker_that_hangs_is_given_up(here, files, monkeypatch):
    monkeypatch.setenv("HERON_TASK_SECONDS", "0.3")

    def happens(units, answer):
        if any(unit.url.endswith("070.png") for unit in units):
            raise Hangs
        return answer

    report = here.ingest.files(files, folder="A", ignore_errors=True, executor=Pickling(happens))
    assert names(here) == [name for name in EXPECTED if name != "070.png"]
    assert any("070.png was given up: its worker did not answer within" in p.reason for p in report.problems)


@pytest.mark.slow
def test_worker_processes_end_calls_of_plugins_and_keep_their_warnings(monkeypatch):
    monkeypatch.setenv("HERON_PLUGIN_SECONDS", "0.2")

    def waits():
        try:
            with deadline.limited():
                time.sleep(60)
        except deadline.TookTooLong as error:
            warnings.warn(str(error), heron.PluginWarning, stacklevel=1)
        return shipping._warned()

    with PROCESSES.load("1") as pool:
        assert pool.submit(waits).result(60) == ("it took more than 0.2 s",)
    monkeypatch.setenv("HERON_PLUGIN_SECONDS", "much")
    with pytest.raises(heron.InvalidInput, match="HERON_PLUGIN_SECONDS is 'much'"):
        PROCESSES.load("1")


def test_warnings_of_workers_are_said_here(here, files):
    def happens(units, answer):
        return evolve(answer(), warnings=("metrics tape failed",))

    with pytest.warns(heron.PluginWarning, match="metrics tape failed"):
        load(here, files, Pickling(happens))


def test_an_executor_that_is_gone_interrupts_the_import_which_can_be_resumed(here, files):
    def happens(units, answer):
        if any(unit.url.endswith("200.png") for unit in units):
            raise BrokenExecutor("gone for good")
        return answer

    with pytest.raises(heron.ExecutorError) as caught:
        here.ingest.files(files, folder="A", ignore_errors=True, executor=Pickling(happens))
    assert str(caught.value).startswith(
        "the executor that was given has stopped working: BrokenExecutor: gone for good ("
    )
    assert "heron imports resume 1" in caught.value.hint
    job = here.imports.get("1")
    assert job.state == "interrupted"
    assert names(here) == EXPECTED[: job.added]
    assert here.ingest.resume("1", executor="threads:2").job.state == "done"
    assert names(here) == EXPECTED


def test_an_executor_that_breaks_again_and_again_is_not_opened_for_ever(here, files, monkeypatch):
    def happens(units, answer):
        raise BrokenExecutor("no memory")

    found = opened_by(monkeypatch, here, lambda number: Pickling(happens))
    with pytest.raises(heron.ExecutorError, match="processes has stopped working: BrokenExecutor: no memory"):
        here.ingest.files(files, folder="A", ignore_errors=True, executor="processes")
    assert len(found) <= workers.BREAKS + 1
    assert here.imports.get("1").state == "interrupted"


def test_a_worker_with_another_heron_or_without_a_plugin_says_so(here, files, monkeypatch):
    pool = Pickling()
    environment = evolve(shipping.Environment.of(here.plugins), version="9.9")
    with pytest.raises(heron.PluginError, match=r"worker .* has Heron .*, the import runs with 9\.9"):
        environment.open()

    real = shipping.Environment.of

    def with_one_more(cls, manager):
        found = real(manager)
        return evolve(found, plugins=(*found.plugins, ("media_las", "heron-las")))

    monkeypatch.setattr(shipping.Environment, "of", classmethod(with_one_more))
    with pytest.raises(heron.PluginError) as caught:
        here.ingest.files(files, folder="A", ignore_errors=True, executor=pool)
    assert "plugin media_las is not installed (it is part of heron-las)" in caught.value.message
    assert here.items.count() == 0
    assert here.imports.get("1").state == "failed"


def test_plugins_given_as_objects_cannot_be_sent(tmp_path, files):
    class Given:
        pass

    with heron.open(tmp_path / "lake", discover=False, plugins=[Given()]) as workspace:
        with pytest.raises(heron.InvalidInput, match="given as objects cannot be sent"):
            workspace.ingest.files(files, folder="A", ignore_errors=True, executor=Pickling())
        assert (
            workspace.ingest.files(files, folder="B", ignore_errors=True, executor="threads").added == COUNT
        )


def test_a_worker_that_does_not_see_the_files_says_so(here, files):
    pool = Pickling(lambda units, answer: evolve(answer(), unseen=(str(units[0].path),)))
    with pytest.raises(heron.ExecutorError, match=r"does not see .*000\.png"):
        here.ingest.files(files, folder="A", ignore_errors=True, executor=pool)
    assert here.items.count() == 0


def test_files_that_vanish_meanwhile_fail_one_by_one(here, files):
    pool = Pickling(lambda units, answer: evolve(answer(), unseen=("/gone/a.png",)))
    assert load(here, files, pool).failed == 1


def test_no_more_tasks_wait_than_the_window_has(here, files, monkeypatch):
    monkeypatch.setattr("heron.ingest.choosing.GRAIN", 4)
    monkeypatch.setattr(workers, "BUNDLE", 8)
    begun = []

    class FirstIsSlow(Executor):
        """The first task is not done until no further one came for a while."""

        workers = 2

        def submit(self, call, units):
            begun.append(units)
            future = Future()
            if len(begun) == 1:
                threading.Thread(target=self.later, args=(future, call, units)).start()
            else:
                future.set_result(call(units))
            return future

        def later(self, future, call, units):
            count, end = 0, time.monotonic() + 60
            while count < len(begun) or (count < 8 and time.monotonic() < end):
                count = len(begun)
                time.sleep(0.3)
            self.most = count
            future.set_result(call(units))

    pool = FirstIsSlow()
    assert load(here, files, pool).failed == 1
    assert 8 <= pool.most <= 2 * 2 + 8 + 2 + 2
    assert len(begun) > 70


def test_credentials_travel_by_reference_and_are_looked_up_by_the_worker(tmp_path, files, monkeypatch):
    monkeypatch.setenv("VAULT_KEY", secret_store.SECRET)
    (tmp_path / "token").write_text(secret_store.SECRET)
    plugins = partial(PluginManager, builtin=[*BUILTIN, "tests.secret_store"], discover=False)
    urls = [f"vault://{path}" for path in sorted(files.glob("*.png"))]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps({"objectUrl": url}) + "\n" for url in urls))
    (tmp_path / "lake" / ".heron").mkdir(parents=True)
    with Workspace(tmp_path / "lake", plugins, create=True) as workspace:
        options = {"key": "env:VAULT_KEY", "token": f"file:{tmp_path / 'token'}"}
        workspace.integrations.create("vault", "vault", options)
        pool = Pickling()
        report = workspace.ingest.manifest(
            tmp_path / "m.jsonl", folder="A", integration="vault", ignore_errors=True, executor=pool
        )
        assert (report.added, report.failed) == (COUNT, 1)
        assert b"VAULT_KEY" in pool.pickles[0]
        assert secret_store.SECRET.encode() not in b"".join(pool.pickles)

        class Elsewhere(Pickling):
            """Workers whose environment has no such variable."""

            def submit(self, call, /, *arguments):
                with pytest.MonkeyPatch.context() as patch:
                    patch.delenv("VAULT_KEY")
                    return super().submit(call, *arguments)

        with pytest.raises(heron.BadCredentials, match="the environment variable VAULT_KEY is not set"):
            workspace.ingest.manifest(
                tmp_path / "m.jsonl",
                folder="B",
                integration="vault",
                ignore_errors=True,
                executor=Elsewhere(),
            )
        assert workspace.imports.get("2").state == "interrupted"


def test_the_command_line_takes_an_executor(here, files, tmp_path, capsys):
    here.close()
    root = str(tmp_path / "lake")
    line = ["-w", root, "--no-plugins", "import", str(files), "--folder", "A", "--ignore-errors"]
    assert status([*line, "--executor", "threads:2"]) == 3
    assert f"{COUNT} new" in capsys.readouterr().out
    assert status([*line, "--executor", "fleet://x"]) == 1
    assert "no executor is called 'fleet'" in capsys.readouterr().err
