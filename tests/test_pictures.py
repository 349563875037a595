"""Pictures: those of items, groups and frames, and thumbnails and metrics that are kept."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

import heron
from heron.cli.main import status
from heron.cli.show import save_picture
from heron.errors import InvalidInput, MediaError
from heron.jobs import ImportProblem
from heron.models import MediaFacts, NewItem
from heron.pictures import service
from tests.children import end_of
from tests.conftest import draw
from tests.toy_media import ToyMedia, clip

ROOT = Path(__file__).parent.parent


@pytest.fixture
def plugins():
    return [ToyMedia()]


@pytest.fixture
def film(workspace, tmp_path):
    """A clip of forty frames of 32 x 24 pixels, each of its own grey, sampled ten times."""
    clip(tmp_path / "in" / "film.clip", [n / 4 for n in range(40)], fps=4.0, duration=10.0)
    workspace.ingest.files([tmp_path / "in" / "film.clip"], folder="Films")
    return list(workspace.items.list())[-1]


def imported(workspace, folder, **options):
    workspace.ingest.files([folder], folder="A", **options)
    return list(workspace.items.list(folder="A"))


def grey(picture):
    return picture.getpixel((picture.width // 2, picture.height // 2))[0]


def kept(workspace):
    """How many items and frames have a thumbnail."""
    return tuple(
        workspace._database.value(f"SELECT count(*) FROM {t}") for t in ("thumbnails", "frame_thumbnails")
    )


# Pictures


def test_a_picture_of_an_item_fits_into_the_size_asked_for(workspace, tmp_path):
    draw(tmp_path / "in" / "a.png", size=(900, 300))
    [item] = imported(workspace, tmp_path / "in")
    assert workspace.pictures.picture(item, size=90).size == (90, 30)
    assert workspace.pictures.picture(item).size == (900, 300)
    assert workspace.pictures.picture(item.uuid, frame=0, size=None).size == (900, 300)


def test_a_frame_is_the_one_of_that_number_and_as_large_as_it_is(workspace, film):
    assert grey(workspace.pictures.picture(film, frame=7)) == 7
    assert workspace.pictures.picture(film, frame=7, size=None).size == (32, 24)
    assert workspace.pictures.picture(film, frame=7, size=16).size == (16, 12)
    frame = workspace.frames.get(film, 8)
    assert grey(workspace.pictures.picture(frame)) == 8
    assert [(n, grey(p)) for n, p in workspace.pictures.frames(film, [9, 3, 9])] == [(3, 3), (9, 9)]
    assert list(workspace.pictures.frames(film, [])) == []
    with pytest.raises(MediaError, match=r"film\.clip has 40 frames, 40 is none of them"):
        workspace.pictures.picture(film, frame=40)


def test_times_and_text_are_those_of_the_file(workspace, film, tmp_path):
    (tmp_path / "in" / "a.txt").write_text("several\nwords\n")
    *_, text = imported(workspace, tmp_path / "in")[:1]
    assert workspace.pictures.times(film) == [n / 4 for n in range(40)]
    assert "".join(workspace.pictures.text(text)).split() == ["several", "words"]
    assert workspace.pictures.times(text) is None
    with pytest.raises(MediaError, match=r"^film\.clip \(video\) contains no text$"):
        list(workspace.pictures.text(film))


def test_a_file_that_was_deleted_gives_one_sentence(workspace, film, tmp_path, monkeypatch, capsys):
    (tmp_path / "in" / "film.clip").unlink()
    for ask in (
        lambda: workspace.pictures.picture(film),
        lambda: workspace.pictures.picture(film, frame=1),
        lambda: list(workspace.pictures.frames(film, [1])),
        lambda: list(workspace.pictures.write_frames(film, tmp_path / "out", [1])),
    ):
        with pytest.raises(heron.HeronError, match=r"film\.clip is not there") as refusal:
            ask()
        assert len(str(refusal.value).splitlines()) == 1
    assert workspace.pictures.times(film) is None
    assert workspace.pictures.thumbnail(film) is None
    assert not list((tmp_path / "out").iterdir())
    made = workspace.pictures.make([film])
    assert (made.items, made.failed, made.problems[0].place) == (0, 1, "film.clip")
    assert "film.clip is not there" in made.problems[0].reason
    monkeypatch.chdir(tmp_path / "lake")
    assert status(["--no-plugins", "show", "film.clip", "-o", "x.png"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "lake" / "x.png").exists()


# Thumbnails and metrics


def test_thumbnails_are_made_later_with_the_metrics_of_an_import(workspace, pictures):
    now = {i.name: i for i in imported(workspace, pictures, thumbnails=True)}
    workspace.ingest.files([pictures], folder="Later")
    later = list(workspace.items.list(folder="Later"))
    assert workspace.search.count(where="metric.sharpness > 0", folder="Later") == 0
    made = workspace.pictures.make(later)
    assert (made.items, made.frames, made.failed, made.problems) == (6, 0, 0, ())
    for item in map(workspace.items.get, later):
        assert item.facts.extra["metric"] == pytest.approx(now[item.name].facts.extra["metric"])
        assert item.facts.extra["image"] == now[item.name].facts.extra["image"], "other facts stay"
        assert Image.open(io.BytesIO(workspace.thumbnails.find(item))).size == (64, 48)
    ordered = [i.name for i in workspace.search(folder="Later", sort="-metric.brightness")]
    assert ordered == [i.name for i in workspace.search(folder="A", sort="-metric.brightness")]
    assert workspace.search.count(where="metric.sharpness > 0 AND metric.width = 64") == 12


def test_what_is_there_stays_unless_it_is_made_again(workspace, pictures):
    items = imported(workspace, pictures)
    workspace.thumbnails._keep([(items[0], b"kept", {"brightness": 0.5})])
    assert workspace.pictures.make(items).items == 5
    assert workspace.thumbnails.find(items[0]) == b"kept"
    assert workspace.pictures.make(items).items == 0
    assert workspace.pictures.make(items, again=True).items == 6
    assert workspace.thumbnails.find(items[0]).startswith(b"\xff\xd8")


def test_frames_get_thumbnails_and_metrics_that_are_found(workspace, film):
    told = []
    made = workspace.pictures.make([film], frames=True, progress=told.append)
    assert (made.items, made.frames, told[-1]) == (0, 10, 10)
    assert kept(workspace) == (0, 10)
    frames = workspace.search.frames(where="metric.brightness > 0.1", sort="-metric.brightness")
    assert [frame.number for frame in frames] == [36, 32, 28]
    assert frames.rows[0].metrics["brightness"] == pytest.approx(36 / 255, abs=0.005)
    picture = Image.open(io.BytesIO(workspace.frames.thumbnail(frames.rows[0])))
    assert (picture.size, grey(picture)) == ((32, 24), pytest.approx(36, abs=2))
    workspace.frames.set(film, [1])
    assert workspace.pictures.make([film], frames=True).frames == 1
    assert workspace.pictures.make([film], frames=True, again=True).frames == 11


def test_items_without_a_picture_are_no_failure(workspace, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(b"\0\1\2" * 500)
    made = workspace.pictures.make(imported(workspace, tmp_path / "in"))
    assert (made.items, made.failed) == (0, 1)
    assert "a.bin is of no known format" in made.problems[0].reason


def test_a_file_that_has_become_one_of_another_kind_gives_no_picture_of_it(workspace, tmp_path):
    path = draw(tmp_path / "in" / "x.png")
    [item] = imported(workspace, tmp_path / "in")
    path.write_text("no picture")
    made = workspace.pictures.make([item])
    assert (made.items, made.failed, kept(workspace)) == (0, 1, (0, 0))
    said = "x.png is no longer of kind image: its content is text/plain"
    assert made.problems[0].reason.startswith(said)
    for look in (workspace.pictures.picture, lambda item: list(workspace.pictures.text(item))):
        with pytest.raises(MediaError, match=said) as refused:
            look(item)
        assert refused.value.hint == "import or sync it again"
    draw(path)
    assert workspace.pictures.picture(item).size == Image.open(path).size


def test_a_member_that_has_become_one_of_another_kind_gives_no_picture_of_it(workspace, tmp_path):
    paths = [draw(tmp_path / "in" / "views" / f"v{number}.png", seed=number) for number in range(3)]
    [item] = imported(workspace, tmp_path / "in" / "views", batch_as="group")
    paths[1].write_text("no picture")
    for look in (workspace.pictures.picture, lambda item: workspace.pictures.picture(item, frame=1)):
        with pytest.raises(
            MediaError, match=r"v1\.png is no longer of kind image: its content is text/plain"
        ):
            look(item)
    assert workspace.pictures.picture(item, frame=2).size == Image.open(paths[2]).size


def test_an_item_of_no_kind_shows_what_its_file_has_become(workspace, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.bin").write_bytes(b"\0\1\2" * 500)
    [item] = imported(workspace, tmp_path / "in")
    draw(tmp_path / "x.png").replace(tmp_path / "in" / "x.bin")
    assert (item.kind, workspace.pictures.make([item]).items) == ("other", 1)


def test_problems_are_counted_all_and_told_up_to_a_limit(workspace):
    facts = MediaFacts("image", "image/jpeg")
    new = [NewItem(f"file:///nowhere/{number}.jpg", facts) for number in range(service.PROBLEMS + 30)]
    workspace.registration.register(new, "A")
    made = workspace.pictures.make(list(workspace.items.list()))
    assert (made.items, made.failed, len(made.problems)) == (0, len(new), service.PROBLEMS)
    assert kept(workspace) == (0, 0)


def test_an_item_that_was_deleted_since_it_was_chosen_is_a_problem_and_no_end(workspace, pictures):
    items = imported(workspace, pictures)
    made = workspace.pictures.make([items[0], "01a1fc7f-6634-7b8f-8ffa-50166ba72775", items[1]])
    assert (made.items, made.failed) == (2, 1)
    assert "there is no item '01a1fc7f-6634-7b8f-8ffa-50166ba72775'" in made.problems[0].reason


STOPPED = """
import sys
import heron
with heron.open(sys.argv[1], discover=False) as workspace:
    print("ready", flush=True)
    workspace.pictures.make(workspace.search.all(), progress=lambda done: print(done, flush=True))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGINT")
def test_ctrl_c_leaves_what_is_done_and_the_next_run_goes_on(workspace, tmp_path):
    for number in range(400):
        draw(tmp_path / "in" / f"{number}.png", size=(300, 200), seed=number)
    imported(workspace, tmp_path / "in")
    command = [sys.executable, "-c", STOPPED, str(tmp_path / "lake")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "core")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout.readline() == "ready\n"
    assert int(process.stdout.readline()) > 0
    process.send_signal(signal.SIGINT)
    _, said = end_of(process)
    assert said.endswith("KeyboardInterrupt\n")
    assert process.returncode in (130, -signal.SIGINT), "and no other signal, for no thread is left behind"
    done = kept(workspace)[0]
    assert 0 < done < 400
    assert workspace.pictures.make(workspace.search.all()).items == 400 - done
    assert kept(workspace) == (400, 0)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_memory_does_not_grow_with_the_number_of_pictures(workspace, tmp_path):
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    one = draw(tmp_path / "in" / "one.jpg", size=(400, 300))
    facts = MediaFacts("image", "image/jpeg", 400, 300)
    workspace.registration.register([NewItem(one.as_uri(), facts) for _ in range(1200)], "A")
    seen = []
    made = workspace.pictures.make(workspace.search.all(), progress=lambda done: seen.append(resident()))
    assert made.items == 1200
    assert len(seen) > 15
    assert max(seen) - seen[4] < 60, "megabytes; the decoded pictures alone would be 400"


# Files that are written


def test_frames_are_written_as_png_under_the_name_of_their_item(workspace, film, tmp_path):
    paths = list(workspace.pictures.write_frames(film, tmp_path / "out" / "deep", [13, 2]))
    assert [path.name for path in paths] == ["film-000002.png", "film-000013.png"]
    assert [(grey(Image.open(path)), Image.open(path).size) for path in paths] == [
        (2, (32, 24)),
        (13, (32, 24)),
    ]
    workspace.items.rename(film, "../a/b: ü*.clip")
    [path] = workspace.pictures.write_frames(film, tmp_path / "out", [1], size=8)
    assert (path.parent, path.name, Image.open(path).size) == (tmp_path / "out", "b_ ü_-000001.png", (8, 6))
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InvalidInput, match="taken cannot be made"):
        list(workspace.pictures.write_frames(film, tmp_path / "taken", [1]))


def test_a_file_is_written_whole_or_not_at_all(film, workspace, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "film-000001.png").write_bytes(b"before")

    def half(self, stream, *rest):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(
        heron.HeronError, match=r"film-000001\.png cannot be written: No space left on device"
    ):
        list(workspace.pictures.write_frames(film, out, [1]))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"film-000001.png": b"before"}


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("a.gif", (8, 8), "a picture is written as .png, .jpg, .jpeg, .webp"),
        ("a.jpg", (65_501, 1), "JPEG cannot store a picture of 65,501 x 1 pixels, a side has at most 65,500"),
        (
            "a.webp",
            (1, 16_384),
            "WEBP cannot store a picture of 1 x 16,384 pixels, a side has at most 16,383",
        ),
    ],
)
def test_a_picture_that_a_format_cannot_hold_is_refused(tmp_path, name, size, reason):
    with pytest.raises(InvalidInput) as refusal:
        save_picture(Image.new("RGB", size), tmp_path / name)
    assert reason in refusal.value.message
    assert list(tmp_path.iterdir()) == []


def test_plugins_are_found_in_the_thread_of_the_caller_where_their_import_can_be_ended(
    film, workspace, monkeypatch
):
    asked, find = [], workspace.pictures._plugins
    monkeypatch.setattr(workspace.pictures, "_loaded", None)
    monkeypatch.setattr(
        workspace.pictures, "_plugins", lambda: asked.append(threading.current_thread()) or find()
    )
    assert workspace.pictures.make([film], again=True).items == 1
    assert asked[0] is threading.main_thread()


def test_the_command_names_the_file_of_a_failure_once(monkeypatch, capsys, tmp_path):
    url = "file:///nowhere/film.png"
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.registration.register([NewItem(url, MediaFacts("image", "image/png", 8, 8))], "A")

    def make(self, items, **options):
        problems = [ImportProblem("film.png", url, reason) for reason in ("torn", "film.png: torn")]
        return service.Made(0, 0, 2, tuple(problems))

    monkeypatch.setattr(service.PictureService, "make", make)
    assert status(["-w", str(tmp_path / "lake"), "thumbnails", "--folder", "A"]) == 3
    assert capsys.readouterr().out.count("failed: film.png: torn") == 2
