"""Importing local files: which formats are known, and what is kept of a file: facts, thumbnails, sidecars, names."""

import json
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
