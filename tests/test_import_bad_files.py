"""Importing what is broken, unreadable, unknown or named oddly: each file gets one clear sentence, and the rest lands."""

import os
import zlib
from pathlib import Path

import pytest

import heron
from tests.conftest import draw
from tests.test_import import names, reasons


def test_a_path_that_is_not_there_is_named_and_nothing_is_made(workspace):
    with pytest.raises(heron.NotFound, match=r"nowhere\.jpg is not there"):
        workspace.ingest.files(["nowhere.jpg"], folder="A")
    assert workspace.imports.list() == []


@pytest.fixture
def bad_files(tmp_path):
    """Files that are broken in one way each, beside a good one."""
    folder = tmp_path / "bad"
    draw(folder / "good.jpg", size=(640, 480), seed=1)
    whole = (folder / "good.jpg").read_bytes()
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "header-only.jpg").write_bytes(whole[:20])
    png = draw(folder / "good.png").read_bytes()
    (folder / "cut.png").write_bytes(png[:-30])
    bomb = bytearray(png)
    bomb[16:24] = (30_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    (folder / "bomb.png").write_bytes(bomb)
    (folder / "pipe-to-nowhere.jpg").symlink_to(folder / "gone.jpg")
    os.mkfifo(folder / "fifo.jpg")
    (folder / ("n" * 200 + ".jpg")).write_bytes(whole)
    return folder


def test_each_bad_file_gets_one_clear_sentence_and_the_rest_lands(workspace, bad_files):
    report = workspace.ingest.files([bad_files], folder="A", ignore_errors=True)
    told = reasons(workspace, report)
    assert sorted(names(workspace)) == sorted(["good.jpg", "good.png", "n" * 200 + ".jpg"])
    assert told.keys() == {
        "empty.jpg", "cut.jpg", "header-only.jpg", "cut.png", "bomb.png", "pipe-to-nowhere.jpg", "fifo.jpg",
    }  # fmt: skip
    assert "is empty" in told["empty.jpg"]
    assert "truncated" in told["cut.jpg"]
    assert "header" in told["header-only.jpg"]
    assert "truncated" in told["cut.png"]
    assert "decompression bomb" in told["bomb.png"]
    assert "not there" in told["pipe-to-nowhere.jpg"]
    assert "not a regular file" in told["fifo.jpg"]
    assert all("\n" not in reason and "Traceback" not in reason for reason in told.values())


def test_without_ignore_errors_the_catalogue_is_as_before(workspace, pictures, bad_files):
    workspace.ingest.files([pictures], folder="A")
    before = names(workspace)
    with pytest.raises(heron.ImportAborted) as aborted:
        workspace.ingest.files([pictures.parent], folder="A")
    assert "--ignore-errors" in aborted.value.hint
    assert names(workspace) == before
    job = workspace.imports.list()[0]
    assert (job.state, job.added, job.failed) == ("failed", 0, 1)
    with pytest.raises(heron.ImportAborted):
        workspace.ingest.files([bad_files], folder="New/Deep")
    assert [folder.path for folder in workspace.folders.list()] == ["A"], "not even the folder is made"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_reported(workspace, pictures):
    (pictures / "p0.jpg").chmod(0)
    report = workspace.ingest.files([pictures], folder="A", ignore_errors=True)
    assert "cannot be read: permission denied" in reasons(workspace, report)["p0.jpg"]


def test_a_file_that_lies_about_its_type_is_taken_for_what_it_is(workspace, tmp_path):
    draw(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "a.png").rename(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "page.jpg").write_text("<html><title>404</title></html>")
    report = workspace.ingest.files([tmp_path / "in"], folder="A")
    assert {i.name: i.facts.media_type for i in workspace.items.list()} == {
        "a.jpg": "image/png",
        "page.jpg": "text/html",
    }
    assert reasons(workspace, report) == {
        "a.jpg": "a.jpg is named like image/jpeg, its content is image/png",
        "page.jpg": "page.jpg is named like image/jpeg, its content is text/html",
    }


def test_a_file_of_no_known_format_is_catalogued_with_what_is_known(workspace, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\0\1\2" * 500)
    workspace.ingest.files([tmp_path / "a.bin"], folder="A")
    [item] = workspace.items.list()
    assert (item.kind, item.size, item.name) == ("other", 1500, "a.bin")
    assert "no known format" in item.facts.note


def test_a_file_whose_decoder_cannot_be_loaded_says_which_plugin_would_read_it(tmp_path):
    class Tapes:
        @heron.hookimpl
        def register_decoders(self):
            tape = heron.MediaFormat(
                media_type="video/x-tape", kind="video", suffixes=[".tape"], signature=rb"TAPE"
            )
            yield heron.MediaDecoder(
                name="tape",
                summary="tapes",
                formats=[tape],
                requires=["no-such-package-at-all"],
                load=lambda: None,
            )

    (tmp_path / "a.tape").write_bytes(b"TAPE" + bytes(100))
    with heron.open(tmp_path / "lake", plugins=[Tapes()], discover=False) as workspace:
        report = workspace.ingest.files([tmp_path / "a.tape"], folder="A")
        [item] = workspace.items.list()
        assert (item.kind, item.facts.media_type) == ("video", "video/x-tape")
        assert "pip install no-such-package-at-all" in item.facts.note
        assert report.job.warnings == 1


def test_a_decoder_that_fails_in_any_way_costs_only_its_file(tmp_path, pictures):
    class Broken:
        @heron.hookimpl
        def register_decoders(self):
            form = heron.MediaFormat(
                media_type="image/jpeg", kind="image", suffixes=[".jpg"], signature=rb"\xff\xd8\xff"
            )
            yield heron.MediaDecoder(name="image", summary="broken", formats=[form], load=lambda: self)

        def probe(self, file):
            raise ZeroDivisionError(f"in {file.name}\nsecond line")

    (pictures / "notes.txt").write_text("words")
    with heron.open(tmp_path / "lake", plugins=[Broken()], discover=False) as workspace:
        report = workspace.ingest.files([pictures], folder="A", ignore_errors=True)
        assert (report.added, report.failed) == (1, 6)
        assert report.problems[0].reason.startswith(
            "p0.jpg: decoder image (plugin Broken) failed in probe with ZeroDivisionError: in p0.jpg"
        )


def test_a_file_name_that_is_no_unicode_is_reported(workspace, pictures):
    try:
        Path(os.fsdecode(os.fsencode(pictures) + b"/bad-\xff.jpg")).write_bytes(
            (pictures / "p0.jpg").read_bytes()
        )
    except OSError:
        pytest.skip("this file system takes no such name")
    report = workspace.ingest.files([pictures], folder="A", ignore_errors=True)
    assert (report.added, report.failed) == (6, 1)
    assert "not valid Unicode" in report.problems[0].reason


def test_a_folder_that_cannot_be_listed_is_reported(workspace, pictures, monkeypatch):
    (pictures / "gone").mkdir()
    draw(pictures / "gone" / "x.jpg")
    real = os.scandir

    def scandir(path):
        if str(path).endswith("gone"):
            raise FileNotFoundError(2, "gone meanwhile")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = workspace.ingest.files([pictures], folder="A", ignore_errors=True)
    assert (report.added, report.failed) == (6, 1)
    assert "gone is not a regular file" in report.problems[0].reason


def test_very_deep_folders_are_walked(workspace, tmp_path):
    deep = tmp_path / "in"
    for _ in range(700):
        deep = deep / "d"
    os.makedirs(deep)  # noqa: PTH103 - Path.mkdir recurses
    here = os.open(deep, os.O_RDONLY)
    with os.fdopen(os.open("a.txt", os.O_WRONLY | os.O_CREAT, dir_fd=here), "w") as stream:
        stream.write("words")
    os.close(here)
    assert workspace.ingest.files([tmp_path / "in"], folder="A").added == 1
