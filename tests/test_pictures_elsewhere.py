"""Embedding, thumbnails and metrics by executors: the same as in this process, and the same when workers are lost."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor

import numpy as np
import pytest
from attrs import evolve
from PIL import Image

import heron
from heron.cli.main import status
from heron.executors import shipping
from heron.pictures.elsewhere import FRAMES
from tests.executing import Pickling

COUNT = 40


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pictures, one that is damaged behind its header, a text, and views that become a group."""
    folder = tmp_path_factory.mktemp("files")
    draw = np.random.default_rng(7)
    for number in range(COUNT):
        noise = draw.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((320, 240)).save(folder / f"{number:02}.png")
    whole = (folder / "07.png").read_bytes()
    (folder / "damaged.png").write_bytes(whole[: len(whole) // 3] + bytes(len(whole) // 3) + whole[-12:])
    (folder / "words.txt").write_text("some words")
    (folder / "views").mkdir()
    for number in range(3):
        Image.new("RGB", (64, 48), (80 * number, 9, 9)).save(folder / "views" / f"{number}.png")
    return folder


@pytest.fixture
def made(tmp_path, files):
    """Make a workspace with the files, embedded and drawn by an executor."""
    opened = []

    def make(executor):
        workspace = heron.open(tmp_path / str(len(opened)), discover=False)
        opened.append(workspace)
        workspace.ingest.files(files, folder="A", flat=True, ignore_errors=True)
        workspace.ingest.files(files / "views", folder="B", batch_as="group")
        pictures = workspace.pictures.make(workspace.search.all(), executor=executor)
        frames = workspace.pictures.make(workspace.search.all(), frames=True, executor=executor)
        embedded = workspace.embed(frames=True, executor=executor)
        return workspace, (pictures, frames, embedded)

    yield make
    for workspace in opened:
        workspace.close()


def state(workspace):
    """What the catalogue says of all items and frames, and what was made of them."""
    found = []
    for item in workspace.items.list():
        stream = list(workspace.frames.stream(item))
        frames = [(f.number, f.metrics, workspace.frames.thumbnail(f)) for f in stream]
        vectors = [workspace.vectors.find("visual", thing) for thing in (item, *stream)]
        listed = [None if vector is None else vector.tolist() for vector in vectors]
        found.append((item.name, item.facts, workspace.thumbnails.find(item), frames, listed))
    return found


def lossy(number):
    """An executor whose first worker is lost, and whose answers are garbage once."""
    left = [2]

    def happens(units, answer):
        left[0] -= 1
        if left[0] == 1:
            raise heron.WorkerLost("its worker has ended")
        return answer if left[0] else "garbage"

    return Pickling(happens)


@pytest.mark.parametrize(
    "executor", ["threads:2", Pickling, lossy], ids=["threads", "elsewhere", "with lost workers"]
)
def test_everything_is_the_same_by_an_executor(made, executor):
    here, reports = made(None)
    pool = executor if isinstance(executor, str) else executor(0) if executor is lossy else executor()
    there, others = made(pool)
    assert [(r.items, r.frames, r.failed) for r in reports[:2]] == [
        (r.items, r.frames, r.failed) for r in others[:2]
    ]
    assert (reports[2].embedded, reports[2].failed) == (others[2].embedded, others[2].failed)
    assert reports[2].embedded >= COUNT + 3
    assert state(here) == state(there)
    again = there.embed(frames=True, executor="threads:1")
    assert (again.embedded, again.skipped) == (0, others[2].embedded)


def test_an_item_that_ends_its_worker_is_named(made):
    def happens(units, answer):
        if any(unit.item.name == "13.png" for unit in units):
            raise heron.WorkerLost("its worker has ended")
        return answer

    workspace, (pictures, _, embedded) = made(Pickling(happens))
    for report in (pictures, embedded):
        assert any(p.reason == "13.png was given up: its worker has ended" for p in report.problems)
    assert workspace.thumbnails.find(workspace.items.get("12.png")) is not None
    assert workspace.thumbnails.find(workspace.items.get("13.png")) is None


def test_an_executor_that_is_gone_is_one_sentence_and_what_was_made_stays(made):
    workspace, _ = made("threads:1")

    def happens(units, answer):
        if any(unit.item.name == "30.png" for unit in units):
            raise BrokenExecutor("gone")
        return answer

    with pytest.raises(heron.ExecutorError, match="has stopped working: BrokenExecutor: gone"):
        workspace.embed(again=True, executor=Pickling(happens))
    assert workspace.embed(executor="threads:1").failed == 1


def test_workers_with_another_model_are_refused(made, monkeypatch):
    workspace, _ = made("threads:1")
    pool = Pickling(lambda units, answer: evolve(answer(), refusal=heron.PluginError("worker x has another")))
    with pytest.raises(heron.PluginError, match="worker x has another"):
        workspace.embed(again=True, executor=pool)
    from heron.embedding.elsewhere import Vectors

    with pytest.raises(heron.PluginError, match=r"embedder visual has the revision .*, expected other"):
        Vectors("visual", None, "other", 256, 32).begin(workspace.plugins)
    assert isinstance(shipping.here(), str)


def test_a_long_sequence_is_several_units(tmp_path, made, files):
    many = tmp_path / "many"
    many.mkdir()
    for number in range(FRAMES + 10):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(many / f"{number:03}.png")
    with heron.open(tmp_path / "w", discover=False) as workspace:
        workspace.ingest.files(many, folder="A", batch_as="sequence")
        pool = Pickling()
        done = workspace.pictures.make(workspace.search.all(), frames=True, executor=pool)
        assert (done.frames, done.failed) == (FRAMES + 10, 0)


def test_the_commands_take_an_executor(tmp_path, files, capsys):
    root = ["-w", str(tmp_path), "--no-plugins"]
    assert status([*root, "init"]) == 0
    assert status([*root, "import", str(files), "--folder", "A", "--ignore-errors"]) in (0, 3)
    assert status([*root, "thumbnails", "--folder", "A", "--executor", "threads:2"]) in (0, 3)
    assert status([*root, "embed", "--folder", "A", "--executor", "threads:2"]) in (0, 3)
    assert "Embedded" in capsys.readouterr().out
    assert status([*root, "embed", "--folder", "A", "--executor", "nowhere:1"]) == 1
    assert "no executor is called 'nowhere'" in capsys.readouterr().err
