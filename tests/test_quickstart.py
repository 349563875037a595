"""The quickstart runs to its end, opens no connection, and leaves a workspace to play with."""

import io
import re
import shutil
import subprocess
import sys
import wave
import zipfile
from array import array
from collections import Counter

import pytest
from PIL import Image

import heron
from heron.cli.main import status
from heron.quickstart.command import program_to_type
from tests.test_catalogue_file import without_override

pytestmark = pytest.mark.slow


@pytest.fixture
def lake(sample_lake):
    """The sample lake as it is drawn."""
    return sample_lake


@pytest.fixture
def drawn_before(sample_lake, monkeypatch):
    """The quickstart gets a copy of the sample lake, which saves it the drawing."""

    def copied(directory):
        shutil.copytree(sample_lake, directory, dirs_exist_ok=True)
        return {"copied file": sum(path.is_file() for path in sample_lake.rglob("*"))}

    monkeypatch.setattr("heron.quickstart.lake.make_lake", copied)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A command `heron` in an environment of its own, from whose parent folder it is started by its relative path."""
    program = tmp_path / "two words" / "bin" / "heron"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["two words/bin/heron", "quickstart"])
    return program


def steps_of(said):
    return [line for line in said.splitlines() if line.startswith("STEP")]


def files_in(place, *names):
    paths = [path for name in names for path in [place / name, *(place / name).rglob("*")] if path.is_file()]
    return {path.relative_to(place): path.read_bytes() for path in paths}


def test_the_quickstart_goes_through_all_steps(heron_quickstart, tmp_path):
    said, beside = (heron_quickstart.with_name(name).read_text() for name in ("out.txt", "err.txt"))
    assert said.count("clip-mini knows only drawings") == 1
    assert "Note" not in beside, "what the tour says once is not said again"
    assert steps_of(said)[-1].startswith("STEP 20")
    assert "Python's tarfile finds 11 samples" in said, "it ends with an export that another library opens"
    assert "is skipped:" not in said
    assert "No item matches." not in said, "every search of the tour finds something"
    assert "No frame matches." not in said
    assert "\n0\n" not in said
    place = tmp_path / "copy"
    shutil.copytree(heron_quickstart, place)
    with heron.open(place, discover=False) as workspace:
        kinds = Counter(item.kind for item in workspace.search.all(heron.Query(folder="Lake")))
        assert kinds == {
            "image": 41, "text": 6, "video": 1, "audio": 1, "pdf": 1, "dicom": 2, "nifti": 1,
            "image_group": 1, "image_sequence": 1,
        }  # fmt: skip
        listed, again, synced, *rest = workspace.imports.list()
        assert [(job.added, job.failed) for job in (again, synced)] == [(0, 2), (64, 2)]
        assert (listed.added, listed.failed) == (51, 2)
        assert [(job.added, job.failed, job.warnings) for job in rest] == [(1, 0, 0), (1, 0, 0), (53, 2, 1)]
        assert workspace.datasets.get("nights-1").row_count == 11
        assert workspace.integrations.get("tour").options["secret_access_key"] == "env:HERON_TOUR_SECRET"
        assert list(workspace.metadata.verify()) == []
    with heron.open(place) as workspace:
        for text, word in (("a red bus in the rain", "bus"), ("snow", "snow"), ("harbour", "harbour")):
            best = workspace.search(text, where="kind = 'image' AND description IS NOT NULL", limit=3)
            assert all(word in item.metadata["description"] for item in best), text
    assert (place / "nights-1.csv").exists()
    for name in (
        "lake",
        "timelapse",
        "ferry",
        "foghorn",
        "head",
        "volume",
        "logbook",
        "variety",
        "snow",
        "map",
    ):
        with Image.open(place / f"{name}.png") as picture:
            assert max(extreme[1] - extreme[0] for extreme in picture.getextrema()) > 200, name


def test_without_the_extras_the_quickstart_says_what_is_left_out(tmp_path, capsys, monkeypatch, drawn_before):
    from heron.hooks import versions

    absent = ("s3fs", "av", "pydicom", "nibabel", "pypdfium2", "onnxruntime", "matplotlib")
    installed = versions._installed
    monkeypatch.setattr(versions, "_installed", lambda name: None if name in absent else installed(name))
    place = tmp_path / "tour"
    assert status(["quickstart", str(place)]) == 0
    said = capsys.readouterr().out
    assert steps_of(said)[-1].startswith("STEP 12")
    assert "No item matches." not in said
    for words in (
        'The step "See film and sound" is skipped: decoder video (plugin media_video) needs av',
        'The step "Find scans" is skipped: decoder dicom (plugin media_dicom) needs pydicom',
        'The step "Read a document" is skipped: decoder pdf (plugin media_pdf) needs pypdfium2',
        'The step "Find what pictures show" is skipped: embedder clip-mini (plugin embedder_clip) needs onnxruntime',
        'The step "See all of it at once" is skipped: embedder clip-mini (plugin embedder_clip) needs onnxruntime',
        "The steps with a bucket are skipped: storage s3 (plugin storage_s3) needs s3fs",
        'pip install "heron[video]"', 'pip install "heron[dicom]"', 'pip install "heron[pdf]"', 'pip install "heron[s3]"',
    ):  # fmt: skip
        assert words in said
    with heron.open(place, discover=False) as workspace:
        jobs = [(job.added, job.failed, job.warnings) for job in workspace.imports.list()]
        assert jobs == [(1, 0, 0), (1, 0, 0), (64, 2, 18)]


def interrupt(directory):
    raise KeyboardInterrupt


def test_a_quickstart_that_was_interrupted_can_begin_anew_and_stays_out_of_the_workspace_in_use(
    installed, tmp_path, monkeypatch, capsys, drawn_before
):
    place = tmp_path / "tour"
    with monkeypatch.context() as patched:
        patched.setattr("heron.quickstart.lake.make_lake", interrupt)
        assert status(["quickstart", str(place)]) == 1
    assert status(["quickstart", str(place)]) == 1
    assert "an earlier quickstart" in capsys.readouterr().err

    heron.init(tmp_path / "mine", discover=False).close()
    monkeypatch.setenv("HERON_WORKSPACE", str(tmp_path / "mine"))
    monkeypatch.setenv("PATH", "/usr/bin")
    assert status(["--no-plugins", "quickstart", str(place), "--fresh"]) == 0
    said = capsys.readouterr().out
    assert steps_of(said)[-1].startswith("STEP 12")
    assert said.endswith(f"  '{installed}' plugins\n  '{installed}' --help\n"), "lines that can be typed"
    with heron.open(tmp_path / "mine", discover=False) as mine:
        assert mine.items.count() == 0
    with heron.open(place, discover=False, create=False) as tour:
        assert tour.items.count() > 40

    assert status(["--no-plugins", "quickstart", str(place)]) == 1
    assert "--fresh" in capsys.readouterr().err
    assert (place / "lake").exists()
    monkeypatch.setattr("heron.quickstart.lake.make_lake", interrupt)
    assert status(["--no-plugins", "quickstart", str(place), "--fresh"]) == 1
    assert not (place / "lake").exists(), "what a whole one has left is deleted before the next begins"


def test_the_sample_lake_is_small_and_the_same_every_time(lake, heron_quickstart):
    names = [path.name for path in lake.iterdir()]
    first = files_in(lake, *names)
    assert files_in(heron_quickstart, *names) == first
    drawn = sum(
        map(int, re.findall(r"(\d+) ", heron_quickstart.with_name("out.txt").read_text().splitlines()[1]))
    )
    assert len(first) == drawn + len(["metadata.jsonl"])
    assert sum(map(len, first.values())) < 4_000_000


def test_the_film_shows_a_hundred_different_pictures(lake):
    av = pytest.importorskip("av")
    with av.open(str(lake / "lake/media/ferry.avi")) as film:
        [stream] = film.streams
        frames = [(frame.time, frame.to_image().tobytes()) for frame in film.decode(stream)]
        film.seek(4_000_000)
        sought = next(film.decode(stream))
    assert (stream.codec_context.name, stream.width, stream.height) == ("mjpeg", 320, 240)
    assert [time for time, _ in frames] == pytest.approx([number * 0.08 for number in range(100)])
    assert len({picture for _, picture in frames}) == 100
    assert sought.to_image().tobytes() == frames[50][1], "the index leads to the frame of that time"


def test_the_sound_is_four_seconds_and_never_too_loud(lake):
    with wave.open(str(lake / "lake/media/foghorn.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, 64_000)
        samples = array("h", file.readframes(64_000))
    assert 20_000 < max(map(abs, samples)) < 32_767


def test_the_logbook_has_text_and_a_photograph(lake):
    pdfium = pytest.importorskip("pypdfium2")
    with pdfium.PdfDocument(lake / "lake/notes/logbook.pdf") as document:
        texts = [page.get_textpage().get_text_range() for page in document]
        photo = document[0].render(scale=0.5).to_pil().crop((60, 130, 230, 260))
    assert [text.splitlines()[0] for text in texts] == [
        "Logbook of the Lake", "From Algiers to Lisbon", "Oslo, and home",
    ]  # fmt: skip
    assert len(photo.getcolors(1 << 20)) > 1000


def test_the_scans_are_two_series_whose_names_do_not_tell_their_order(lake):
    dcmread = pytest.importorskip("pydicom").dcmread
    loose = [dcmread(path) for path in sorted((lake / "lake/scans/head-ct").iterdir())]
    with zipfile.ZipFile(lake / "lake/scans/head-mr.zip") as archive:
        packed = [dcmread(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    for series, modality in ((loose, "CT"), (packed, "MR")):
        assert {slice.Modality for slice in series} == {modality}
        assert len({slice.SeriesInstanceUID for slice in series}) == 1
        assert len({slice.SOPInstanceUID for slice in series}) == len(series)
        ordered = sorted(series, key=lambda one: one.ImagePositionPatient[2])
        assert [slice.InstanceNumber for slice in ordered] == list(range(1, len(series) + 1))
        assert all(slice.pixel_array.shape == (128, 128) for slice in series)
    numbers = [slice.InstanceNumber for slice in loose]
    assert len(numbers) == 12 and numbers != sorted(numbers)
    middle = next(slice for slice in loose if slice.InstanceNumber == 7)
    assert middle.pixel_array[64, 64] + middle.RescaleIntercept == pytest.approx(34, abs=7), "brain, in HU"


def test_the_volume_says_how_it_lies_in_space(lake):
    nibabel = pytest.importorskip("nibabel")
    volume = nibabel.load(lake / "lake/scans/head.nii.gz")
    assert volume.shape == (64, 64, 32)
    assert volume.header.get_zooms() == (3.75, 3.75, 7.5)
    assert nibabel.aff2axcodes(volume.affine) == ("L", "P", "S")
    assert (volume.get_qform() == volume.get_sform()).all()
    assert (volume.affine @ [31.5, 31.5, 15.5, 1])[:3] == pytest.approx([0, 0, 0])


def test_the_quickstart_never_deletes_a_folder_that_is_not_its_own(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    assert status(["quickstart", str(tmp_path), "--fresh"]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_the_last_lines_name_heron_if_path_finds_it(installed, monkeypatch):
    monkeypatch.setenv("PATH", str(installed.parent))
    assert program_to_type() == "heron"


def test_the_last_lines_name_the_absolute_path_of_a_heron_that_is_not_on_path(installed, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    assert program_to_type() == f"'{installed}'"


def test_the_last_lines_name_the_path_if_path_finds_another_heron(installed, tmp_path, monkeypatch):
    other = tmp_path / "other" / "heron"
    other.parent.mkdir()
    shutil.copy(installed, other)
    monkeypatch.setenv("PATH", str(other.parent))
    assert program_to_type() == f"'{installed}'"


def test_a_quickstart_where_nothing_can_be_written_is_one_line(tmp_path):
    command = without_override()
    tmp_path.chmod(0o555)
    run = "from heron.cli.main import run; run()"
    done = subprocess.run(
        [*command, sys.executable, "-c", run, "quickstart"], cwd=tmp_path, capture_output=True, text=True
    )
    tmp_path.chmod(0o755)
    assert done.returncode == 1
    assert "the quickstart cannot write to heron-quickstart" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_quickstart_is_brought_by_a_plugin_and_no_other_takes_its_place(capsys):
    from heron.builtin import plugin_manager
    from heron.cli.context import Context
    from heron.cli.main import COMMANDS, main

    class Own:
        @heron.hookimpl
        def register_commands(self):
            yield heron.CliCommand(name="quickstart", summary="Mine.", load=lambda: None)

    assert plugin_manager(discover=False).commands()["quickstart"].summary == COMMANDS["quickstart"]
    context = Context()
    context._plugins = plugin_manager([Own()], discover=False)
    main.main(["quickstart", "--help"], standalone_mode=False, obj=context)
    assert "--fresh" in capsys.readouterr().out
