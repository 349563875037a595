"""Importing local files: what lands, what is refused with which sentence, and what survives being stopped."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

import heron
from tests.conftest import draw


def names(workspace):
    return [item.name for item in workspace.items.list()]


def reasons(workspace, report):
    return {Path(p.place).name: p.reason for p in workspace.imports.problems(report.job)}


def test_every_image_format_is_known_by_its_content(workspace, tmp_path):
    for suffix in ("jpg", "png", "webp", "avif", "bmp", "tiff", "gif"):
        draw(tmp_path / "in" / f"a.{suffix}")
        (tmp_path / "in" / f"a.{suffix}").rename(tmp_path / "in" / f"no-suffix-{suffix}")
    workspace.ingest.files([tmp_path / "in"], folder="A")
    found = {item.name.removeprefix("no-suffix-"): item.facts for item in workspace.items.list()}
    assert {name: facts.media_type.removeprefix("image/") for name, facts in found.items()} == {
        "avif": "avif", "bmp": "bmp", "gif": "gif", "jpg": "jpeg", "png": "png", "tiff": "tiff", "webp": "webp",
    }  # fmt: skip
    assert all((facts.width, facts.height, facts.kind) == (64, 48, "image") for facts in found.values())


def test_text_kinds_are_told_apart(workspace, tmp_path):
    contents = {
        "a.txt": "words\n", "b.md": "# Title\n", "c.csv": "a,b\n1,2\n", "d.json": '{"a": 1}', "e.html": "<!doctype html><title>Tïtle</title>",
        "f.xml": "<?xml version='1.0'?><root/>", "g": "<html><body></body></html>", "h.json": '{"broken": ',
    }  # fmt: skip
    (tmp_path / "in").mkdir()
    for name, text in contents.items():
        (tmp_path / "in" / name).write_text(text)
    report = workspace.ingest.files([tmp_path / "in"], folder="A")
    facts = {item.name: item.facts for item in workspace.items.list()}
    assert {name: found.media_type for name, found in facts.items()} == {
        "a.txt": "text/plain", "b.md": "text/markdown", "c.csv": "text/csv", "d.json": "application/json",
        "e.html": "text/html", "f.xml": "application/xml", "g": "text/html", "h.json": "application/json",
    }  # fmt: skip
    assert facts["e.html"].extra["text"]["title"] == "Tïtle"
    assert facts["f.xml"].extra["text"]["root"] == "root"
    assert facts["c.csv"].extra["text"]["lines"] == 2
    assert "not valid JSON" in reasons(workspace, report)["h.json"]


def test_a_second_run_adds_nothing(workspace, pictures):
    assert workspace.ingest.files([pictures], folder="A").added == 6
    again = workspace.ingest.files([pictures], folder="A")
    assert (again.added, again.skipped) == (0, 6)
    draw(pictures / "new.jpg", seed=99)
    assert workspace.ingest.files([pictures], folder="A").added == 1
    assert len(names(workspace)) == 7


def test_items_keep_the_order_of_the_files(workspace, pictures):
    for number in range(300):
        draw(pictures / f"q{number:03}.png", size=(8, 8), seed=number)
    workspace.ingest.files([pictures], folder="A")
    assert names(workspace) == sorted(names(workspace))


def test_overlapping_paths_import_each_file_once(workspace, pictures):
    for sources in (
        [pictures, pictures / "p0.jpg", pictures.parent / "pictures"],
        [pictures / "p0.jpg", pictures],
    ):
        report = workspace.ingest.files(sources, folder=f"A{len(sources)}")
        assert report.added == 6


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
            "p0.jpg: decoder image failed with ZeroDivisionError: in p0.jpg"
        )


def test_exif_is_kept_as_facts(workspace, tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Heron", "Finch 2", 6
    detail = exif.get_ifd(0x8769)
    detail[0x9003], detail[0x9011], detail[0x829A] = "2026:05:06 12:00:00", "+02:00", 0.004
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (36.0, 45.0, 0.0), "E", (3.0, 3.0, 36.0)
    draw(tmp_path / "a.jpg", exif=exif)
    workspace.ingest.files([tmp_path / "a.jpg"], folder="A", thumbnails=True)
    [item] = workspace.items.list()
    assert (item.facts.width, item.facts.height) == (48, 64), "turned upright"
    assert item.facts.captured_at.isoformat() == "2026-05-06T10:00:00+00:00"
    found = item.facts.extra["exif"]
    assert (found["Make"], found["Model"], found["ExposureTime"]) == ("Heron", "Finch 2", 0.004)
    assert (found["GPSLatitude"], found["GPSLongitude"]) == (36.75, 3.06)
    assert workspace.search.count(where="exif.Model = 'Finch 2' AND exif.ExposureTime < 0.01") == 1


def test_equal_content_is_told_or_left_out(workspace, pictures):
    (pictures / "p6-copy.jpg").write_bytes((pictures / "p0.jpg").read_bytes())
    report = workspace.ingest.files([pictures], folder="A", content_hash=True)
    assert (report.added, report.job.warnings) == (7, 1)
    assert report.problems[0].reason == f"p6-copy.jpg has the same content as {pictures / 'p0.jpg'}"
    (pictures / "p7-copy.jpg").write_bytes((pictures / "p0.jpg").read_bytes())
    report = workspace.ingest.files([pictures], folder="B", skip_identical=True)
    assert (report.added, report.skipped) == (0, 8)


def test_thumbnails_are_small_upright_jpegs(workspace, tmp_path):
    draw(tmp_path / "in" / "a.png", size=(900, 300))
    Image.new("I;16", (40, 30), 40_000).save(tmp_path / "in" / "deep.png")
    Image.new("RGBA", (40, 30), (255, 0, 0, 0)).save(tmp_path / "in" / "clear.png")
    workspace.ingest.files([tmp_path / "in"], folder="A", thumbnails=True)
    import io

    pictures = {i.name: Image.open(io.BytesIO(workspace.thumbnails.find(i))) for i in workspace.items.list()}
    assert pictures["a.png"].size == (256, 85)
    assert pictures["clear.png"].getpixel((5, 5)) == (255, 255, 255), "the first check is white"
    assert {picture.format for picture in pictures.values()} == {"JPEG"}


def test_sidecars_are_metadata_and_no_items(workspace, pictures):
    (pictures / "p0.jpg.metadata.json").write_text(json.dumps({"city": "Algiers"}))
    (pictures / "p1.jpg.metadata.json").write_text("{broken")
    (pictures / "lonely.jpg.metadata.json").write_text("{}")
    report = workspace.ingest.files([pictures], folder="A", ignore_errors=True)
    found = {item.name: item.metadata for item in workspace.items.list()}
    assert found["p0.jpg"] == {"city": "Algiers"}
    assert "p1.jpg" not in found and "not valid JSON" in reasons(workspace, report)["p1.jpg"]
    assert "lonely.jpg.metadata.json" in found, "it belongs to no file, so it is one itself"
    assert workspace.ingest.files([pictures / "p0.jpg"], folder="B").added == 1
    assert next(workspace.items.stream(folder="B")).metadata == {"city": "Algiers"}
    assert workspace.ingest.files([pictures], folder="C", sidecar_suffix=None).added == 9


def test_metadata_that_the_schema_refuses_fails_its_item_alone(workspace, pictures):
    workspace.schema.add_scalar("dark", "boolean")
    (pictures / "p0.jpg.metadata.json").write_text('{"dark": "maybe"}')
    report = workspace.ingest.files([pictures], folder="A", ignore_errors=True)
    assert (report.added, report.failed) == (5, 1)
    assert "metadata key 'dark': expected true or false, got 'maybe'" in report.problems[0].reason


def test_hidden_files_are_passed_over(workspace, pictures):
    draw(pictures / ".hidden.jpg")
    draw(pictures / ".git" / "a.jpg")
    assert workspace.ingest.files([pictures], folder="A").added == 6
    assert workspace.ingest.files([pictures / ".hidden.jpg"], folder="A").added == 1


def test_names_with_blanks_and_signs_are_found_again(workspace, tmp_path):
    for name in ("two words.jpg", "größe #1?.jpg", "100%25.jpg"):
        draw(tmp_path / "in" / name)
    workspace.ingest.files([tmp_path / "in"], folder="A")
    assert sorted(names(workspace)) == ["100%25.jpg", "größe #1?.jpg", "two words.jpg"]
    assert all(" " not in item.url for item in workspace.items.list())
    assert workspace.ingest.files([tmp_path / "in"], folder="A").skipped == 3


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


@pytest.mark.slow
def test_many_files_go_through_worker_processes_in_order(workspace, tmp_path):
    for number in range(230):
        draw(tmp_path / "in" / f"{number:03}.png", size=(8, 8), seed=number)
    (tmp_path / "in" / "100.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    seen = []
    report = workspace.ingest.files(
        [tmp_path / "in"],
        folder="A",
        thumbnails=True,
        ignore_errors=True,
        progress=seen.append,
    )
    assert (report.added, report.failed) == (229, 1)
    assert names(workspace) == sorted(names(workspace))
    assert (seen[-1].done, seen[-1].added, seen[-1].failed) == (230, 229, 1)


def test_plugins_hear_of_imported_items(tmp_path, pictures):
    heard = []

    class Listener:
        @heron.hookimpl
        def items_imported(self, items):
            heard.extend(item.name for item in items)

    class Grumpy:
        @heron.hookimpl
        def items_imported(self, items):
            raise RuntimeError("no")

    with heron.open(tmp_path / "lake", plugins=[Grumpy(), Listener()], discover=False) as workspace:
        workspace.ingest.files([pictures], folder="A")
    assert heard == [f"p{number}.jpg" for number in range(6)]


def test_a_plugin_that_fails_at_the_news_is_named_in_the_report(tmp_path, pictures):
    class Grumpy:
        @heron.hookimpl
        def items_imported(self, items):
            raise RuntimeError("no room")

    with heron.open(tmp_path / "lake", plugins=[Grumpy()], discover=False) as workspace:
        report = workspace.ingest.files([pictures], folder="A")
        assert (report.added, report.job.warnings, report.job.state) == (6, 1, "done")
        assert "items_imported failed: RuntimeError: no room" in report.problems[0].reason


def test_only_new_items_are_news(tmp_path, pictures):
    heard = []

    class Listener:
        @heron.hookimpl
        def items_imported(self, items):
            heard.append(len(items))

    with heron.open(tmp_path / "lake", plugins=[Listener()], discover=False) as workspace:
        workspace.ingest.files([pictures], folder="A")
        draw(pictures / "new.jpg", seed=50)
        workspace.ingest.files([pictures], folder="A")
        workspace.ingest.files([pictures / "new.jpg"], folder="A", skip_duplicates=False)
    assert heard == [6, 1, 1]


@pytest.mark.slow
def test_two_imports_at_once_bring_each_file_once(workspace, tmp_path):
    for number in range(200):
        draw(tmp_path / "in" / f"{number:03}.png", size=(8, 8), seed=number)
    code = (
        "import sys, heron\n"
        "with heron.open(sys.argv[1], discover=False) as ws:\n"
        "    ws.ingest.files([sys.argv[2]], folder='A', ignore_errors=sys.argv[3] == '1')\n"
    )
    arguments = [sys.executable, "-c", code, workspace.root, tmp_path / "in"]
    both = [subprocess.Popen([*arguments, ignore], stderr=subprocess.PIPE) for ignore in ("1", "0")]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert sorted(names(workspace)) == [f"{number:03}.png" for number in range(200)]
    assert sum(job.added for job in workspace.imports.list()) == 200
    assert sum(job.skipped for job in workspace.imports.list()) == 200


def test_others_can_write_while_a_strict_import_looks_at_files(workspace, pictures):
    written = []

    def write(progress):
        if not written:
            with heron.open(workspace.root, discover=False) as other:
                written.append(other.folders.create("Meanwhile").path)

    workspace.ingest.files([pictures], folder="A", progress=write)
    assert written == ["Meanwhile"]


def test_a_job_is_closed_whatever_ends_it(workspace, pictures):
    def fail(progress):
        raise ValueError("from the caller")

    for ignore_errors in (True, False):
        with pytest.raises(ValueError, match="from the caller"):
            workspace.ingest.files([pictures], folder="A", ignore_errors=ignore_errors, progress=fail)
    assert [job.state for job in workspace.imports.list()] == ["failed", "failed"]


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


def test_named_sidecars_are_no_items(workspace, pictures):
    sidecar = pictures / "p0.jpg.metadata.json"
    sidecar.write_text('{"city": "Oslo"}')
    assert workspace.ingest.files([pictures / "p0.jpg", sidecar], folder="A").added == 1
    with pytest.raises(heron.InvalidInput, match="cannot be empty"):
        workspace.ingest.files([pictures], folder="A", sidecar_suffix="")


def test_what_only_begins_like_text_is_catalogued_as_other(workspace, tmp_path):
    (tmp_path / "b.sh").write_bytes(b"#!/bin/sh\n" + b"# words\n" * 300 + b"\x00\x01\x02")
    report = workspace.ingest.files([tmp_path / "b.sh"], folder="A")
    assert {item.name: item.kind for item in workspace.items.list()} == {"b.sh": "other"}
    assert "begins like text, but holds binary data" in reasons(workspace, report)["b.sh"]


SLOW_IMPORT = """
import sys, time, heron
from heron.ingest import pipeline, service
pipeline.BATCH = pipeline.CHUNK = 4
def slowly(progress):
    print(progress.done, flush=True)
    time.sleep(0.2)
with heron.open(sys.argv[1], discover=False) as workspace:
    workspace.ingest.files([sys.argv[2]], folder="A", ignore_errors=sys.argv[3] == "1", progress=slowly)
"""


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
@pytest.mark.parametrize("ignore_errors", ["1", "0"], ids=["batches", "strict"])
def test_a_stopped_import_loses_nothing_reported_and_a_second_run_completes_it(
    tmp_path, signal_number, ignore_errors
):
    for number in range(60):
        draw(tmp_path / "in" / f"{number:02}.png", size=(8, 8), seed=number)
    arguments = [sys.executable, "-c", SLOW_IMPORT, tmp_path / "lake", tmp_path / "in", ignore_errors]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    done = 0
    while done < 12:
        done = int(process.stdout.readline())
    process.send_signal(signal_number)
    process.wait(timeout=30)
    time.sleep(0.05)

    file = tmp_path / "lake" / ".heron" / "catalog.db"
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        kept = names(workspace)
        assert len(kept) >= 12 if ignore_errors == "1" else kept == []
        assert workspace.imports.list()[0].state == "interrupted"
        report = workspace.ingest.files([tmp_path / "in"], folder="A")
        assert report.added == 60 - len(kept)
        assert sorted(names(workspace)) == [f"{number:02}.png" for number in range(60)], (
            "nothing is there twice"
        )
