"""`heron embed` and `heron vectors`: what they print, their exit status, and one line for every error."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import heron
from heron.cli.main import status
from heron.cli.rebuilding import Pace, expectation, spoken
from heron.models import MediaFacts, NewItem
from heron.vectors.files import exclusive
from tests.conftest import draw

PROGRAM = [sys.executable, "-c", "from heron.cli.main import run; run()"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty folder; returns what it printed, and checks its exit status."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, exit_status=0):
        assert status(list(arguments)) == exit_status, capsys.readouterr()
        out, err = capsys.readouterr()
        if exit_status == 1 and not out:
            assert len(err.strip().splitlines()) == 1, err
            assert err.startswith("Error: ")
        return out or err

    return call


@pytest.fixture
def lake(run, tmp_path):
    """A workspace with four pictures in folder P."""
    run("init")
    for number in range(4):
        draw(tmp_path / "in" / f"p{number}.jpg", seed=number)
    run("import", "in", "--folder", "P")
    return run


@pytest.fixture
def embedded(lake):
    """The same with a visual vector for each."""
    lake("embed")
    return lake


def some(count, size=3, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def statuses(run):
    return {row["key"]: row for row in json.loads(run("vectors", "status", "--json"))["items"]}


# heron embed


def test_embed_gives_all_pictures_a_vector_and_passes_over_those_that_have_one(lake):
    assert lake("embed") == "Embedded 4 pictures as 'visual'.\n"
    assert lake("embed") == "Embedded 0 pictures as 'visual', 4 had one already.\n"
    assert json.loads(lake("embed", "--again", "--json")) == {
        "key": "visual", "embedded": 4, "skipped": 0, "failed": 0, "without_picture": 0, "problems": [], "notes": [],
        "waiting": 0, "texts": 0, "without_text": 0,
    }  # fmt: skip


def test_embed_takes_chosen_items_and_another_key(lake):
    assert (
        lake("embed", "--where", "name IN ('p1.jpg', 'p3.jpg')", "--key", "two")
        == "Embedded 2 pictures as 'two'.\n"
    )
    uuid = json.loads(lake("search", "--where", "name = 'p0.jpg'", "--json"))["items"][0]["uuid"]
    assert "1 picture as 'two'" in lake("embed", "--item", uuid, "--key", "two")
    assert "1 picture as 'two', 3 had one" in lake("embed", "--folder", "P", "--key", "two")


def test_embed_says_which_files_failed_and_does_the_others(lake, tmp_path):
    (tmp_path / "in" / "p2.jpg").unlink()
    text = lake("embed", exit_status=3)
    assert text.startswith("Embedded 3 pictures as 'visual', 1 item failed.\n  failed: ")
    assert "p2.jpg" in text


def test_embed_takes_frames_too(lake, tmp_path):
    from PIL import Image

    pages = [Image.new("RGB", (32, 32), (60 * n, 0, 0)) for n in range(3)]
    pages[0].save(tmp_path / "pages.gif", save_all=True, append_images=pages[1:], duration=100)
    lake("import", "pages.gif", "--folder", "G")
    lake("keyframes", "set", "pages.gif", "1", "2")
    assert lake("embed", "--folder", "G", "--frames") == "Embedded 3 pictures as 'visual'.\n"


def test_embed_refuses_in_one_line(lake):
    assert "nonsense" in lake("embed", "--embedder", "nonsense", exit_status=1)
    assert "has one model only" in lake("embed", "--model", "x", exit_status=1)
    lake("schema", "add", "small", "embedding", "--size", "3")
    assert "takes no vectors of 392 numbers" in lake("embed", "--key", "small", exit_status=1)
    assert "Which items?" in lake("embed", "--limit", "5", exit_status=2)


def test_embed_lists_the_embedders(run):
    text = run("embed", "--list")
    assert " ".join(text.split("\n")[0].split()) == (
        "embedder size reads of items text queries takes --model what it is"
    )
    assert "visual" in text
    (visual,) = [
        each for each in json.loads(run("embed", "--list", "--json"))["items"] if each["name"] == "visual"
    ]
    assert (
        visual["size"],
        visual["embeds"],
        visual["reads"],
        visual["takes_model"],
        visual["problem"],
    ) == (
        392,
        ["image"],
        ["picture"],
        False,
        None,
    )


@pytest.mark.slow
def test_embed_that_is_interrupted_keeps_what_is_done(lake, tmp_path, monkeypatch):
    from heron.embedders.visual import VisualEmbedder

    for number in range(66):
        draw(tmp_path / "more" / f"m{number}.jpg", seed=number)
    lake("import", "more", "--folder", "M")
    batches = []

    def once(self, pictures, embed=VisualEmbedder.embed_images):
        batches.append(len(pictures))
        if len(batches) > 1:
            raise KeyboardInterrupt
        return embed(self, pictures)

    with monkeypatch.context() as patched:
        patched.setattr(VisualEmbedder, "embed_images", once)
        text = lake("embed", exit_status=4)
    assert text == "Error: interrupted, what was embedded is kept (the same command goes on from there)\n"
    assert lake("embed") == "Embedded 6 pictures as 'visual', 64 had one already.\n"


# heron vectors status, compact, delete


def test_status_says_what_is_kept(embedded):
    (line,) = embedded("vectors", "status").splitlines()[1:]
    assert line.split()[:5] == ["visual", "392", "4", "0", "visual"]
    embedded("embed", "--again")
    row = statuses(embedded)["visual"]
    assert (row["vectors"], row["gaps"], row["dtype"], row["embedder"]) == (4, 4, "float32", "visual")


def test_without_vectors_every_command_says_so(lake):
    assert lake("vectors", "status") == "No vectors are kept yet: heron embed makes some.\n"
    assert lake("vectors", "compact") == lake("vectors", "verify") == "No vectors are kept yet.\n"
    for verb in ("compact", "verify", "rebuild", "rebuild --background"):
        assert "no vectors are kept under 'clip'" in lake("vectors", *verb.split(), "clip", exit_status=1)
    assert "no vectors are kept under 'clip'" in lake("vectors", "delete", "clip", "--yes", exit_status=1)
    assert "no vectors are kept under 'clip'" in lake(
        "vectors", "export", "clip", "-o", "x.npy", exit_status=1
    )


def test_compact_removes_gaps(embedded):
    embedded("embed", "--again")
    assert json.loads(embedded("vectors", "compact", "--json"))["items"] == [{"key": "visual", "removed": 4}]
    assert embedded("vectors", "compact", "visual") == "'visual' has no gaps\n"
    assert statuses(embedded)["visual"]["gaps"] == 0


def test_delete_asks_first(embedded):
    assert "Delete 4 vectors of visual?" in embedded("vectors", "delete", "visual", exit_status=2)
    assert embedded("vectors", "delete", "visual", "--yes") == "Deleted 4 vectors of visual\n"
    assert statuses(embedded) == {}
    assert "visual" in embedded("schema", "show")


# heron vectors verify


def test_verify_finds_damage_and_repairs_it(embedded):
    assert embedded("vectors", "verify", "--deep") == "visual has no problems.\n"
    matrix = statuses(embedded)["visual"]["file"]
    os.truncate(matrix, 3 * 392 * 4 - 1)
    text = embedded("vectors", "verify", exit_status=1)
    assert "2 of 4 vectors of 'visual' are lost: " in text
    assert "the file has lost 2 vectors; heron vectors verify 'visual'" in embedded("vectors", "status")
    (found,) = json.loads(embedded("vectors", "verify", "visual", "--json", exit_status=1))["items"]
    assert found["problems"] == found["remaining"]
    assert embedded("vectors", "verify", "--repair").endswith("visual is repaired.\n")
    assert embedded("vectors", "verify") == "visual has no problems.\n"
    assert embedded("embed") == "Embedded 2 pictures as 'visual', 2 had one already.\n"


# heron vectors import, export


def test_import_and_export_say_what_they_did(lake, tmp_path):
    np.save(tmp_path / "mine.npy", np.vstack([some(2), np.zeros((1, 3))]))
    (tmp_path / "names.txt").write_text("p0.jpg\nnobody.jpg\np1.jpg\n")
    missing = lake("vectors", "import", "mine", "mine.npy", "--ids", "names.txt", exit_status=1)
    assert missing == "Error: the schema has no key 'mine' (--create adds it, for vectors of 3 numbers)\n"
    assert lake("vectors", "import", "mine", "mine.npy", "--ids", "names.txt", "--create").splitlines() == [
        "Added key mine to the schema",
        "Stored 2 vectors as 'mine'.",
        "  1 vector of zeros: they have no direction, so no search finds them",
        "  no item: nobody.jpg",
        "1 vector matched no item, 0 matched several.",
    ]
    assert (
        lake("vectors", "export", "mine", "-o", "out.npy") == "Wrote 2 vectors to out.npy and out.ids.txt\n"
    )
    done = json.loads(lake("vectors", "import", "mine", "out.npy", "--by", "uuid", "--json"))
    assert (done["kept"], done["unmatched"]) == (2, 0)
    where = ("--where", "name = 'p0.jpg'")
    assert lake("vectors", "export", "mine", "-o", "out.jsonl", *where) == "Wrote 1 vector to out.jsonl\n"
    assert json.loads((tmp_path / "out.jsonl").read_text())["vector"] == some(1)[0].astype(float).tolist()
    assert json.loads(lake("vectors", "export", "mine", "-o", "out.jsonl", "--folder", "P", "--json")) == {
        "key": "mine", "vectors": 2, "files": ["out.jsonl"],
    }  # fmt: skip


def test_import_refuses_in_one_line(lake, tmp_path):
    np.save(tmp_path / "mine.npy", some(2))
    np.savez(tmp_path / "mine.npz", some(2))
    assert "there is no file with the ids of these vectors" in lake(
        "vectors", "import", "mine", "mine.npy", "--create", exit_status=1
    )
    assert "an .npz holds several arrays" in lake("vectors", "import", "mine", "mine.npz", exit_status=1)
    assert "gone.npy is not there" in lake("vectors", "import", "mine", "gone.npy", exit_status=1)


# heron vectors rebuild


def register(place, count):
    """A workspace with so many items without files, each with a vector under `look`."""
    with heron.open(place, discover=False) as workspace:
        facts = MediaFacts("image", "image/jpeg")
        workspace.schema.add_embedding("look", 8)
        workspace.registration.register((NewItem(f"s3://lake/{n}", facts) for n in range(count)), "A")
        centres = some(40, 8)[np.arange(count) % 40]
        workspace.vectors.add("look", workspace.items.list(), centres + some(count, 8, 1) / 4)


@pytest.mark.slow
def test_few_vectors_need_no_index(embedded):
    assert (
        embedded("vectors", "rebuild", "visual")
        == "4 vectors of 'visual' are searched without an index, by a scan of all.\n"
    )
    assert embedded("vectors", "rebuild", "visual", "--background") == embedded(
        "vectors", "rebuild", "visual", "--anew"
    )


@pytest.mark.slow
def test_rebuild_says_what_to_expect_and_what_it_made(run, tmp_path):
    register(tmp_path, 20_000)
    lines = run("vectors", "rebuild", "look").splitlines()
    assert re.match(r"Indexing 1\d,\d{3} vectors of 8 numbers takes about ", lines[0])
    assert lines[-1] == "The index of 'look' covers 18,432 of 20,000 vectors."
    row = statuses(run)["look"]
    assert row["indexed"] == 18_432
    assert row["recall"] > 0.9
    assert "Indexing" not in run("vectors", "rebuild", "look")
    assert "Indexing" in run("vectors", "rebuild", "look", "--anew")


@pytest.mark.slow
def test_rebuild_in_the_background_goes_on_alone_and_a_second_one_is_told(run, tmp_path):
    register(tmp_path, 20_000)
    lock = (
        tmp_path
        / ".heron"
        / "vectors"
        / f"{statuses(run)['look']['file'].rpartition('/')[2].partition('.')[0]}.parts.lock"
    )
    with exclusive(lock) as is_held:
        assert is_held
        text = run("vectors", "rebuild", "look", "--background", exit_status=1)
        assert "is being built by another process" in text
    assert "Indexing 1" in run("vectors", "rebuild", "look", "--background")
    end = time.monotonic() + 60
    while not statuses(run)["look"]["indexed"] and time.monotonic() < end:
        time.sleep(0.1)
    assert statuses(run)["look"]["indexed"] == 18_432
    log = tmp_path / ".heron" / "logs" / "rebuild look.log"
    while "covers" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.1)
    assert "The index of 'look' covers 18,432 of 20,000 vectors." in log.read_text()


@pytest.mark.slow
def test_rebuild_that_is_interrupted_says_how_to_go_on(run, tmp_path):
    register(tmp_path, 40_000)
    with subprocess.Popen(
        [*PROGRAM, "vectors", "rebuild", "look"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stderr:
            if " of 38,912 vectors" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 1
    assert rest.splitlines()[-1] == (
        "Error: interrupted, the saved part of the index is kept (heron vectors rebuild 'look' continues)"
    )


def test_times_are_said_as_people_do():
    assert [spoken(s) for s in (0.2, 40, 400, 9000)] == ["1 seconds", "40 seconds", "7 minutes", "2.5 hours"]
    assert "300,000 vectors of 512 numbers takes about" in expectation(300_000, 512)
    pace = Pace()
    assert pace(1024, 4096) == "1,024 of 4,096 vectors"


# heron items show


def test_an_item_shows_the_vectors_that_it_has(embedded):
    uuid = json.loads(embedded("search", "--limit", "1", "--json"))["items"][0]["uuid"]
    assert "vector.visual" in embedded("items", "show", uuid)
    assert "392 numbers" in embedded("show", uuid)
    assert json.loads(embedded("items", "show", uuid, "--json"))["vectors"] == {"visual": 392}
    embedded("vectors", "delete", "visual", "--yes")
    assert json.loads(embedded("items", "show", uuid, "--json"))["vectors"] == {}
