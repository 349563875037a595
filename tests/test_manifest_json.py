"""JSON manifests: every kind and key in both spellings, groups and series."""

from __future__ import annotations

import json

import pytest

import heron
from tests.conftest import draw
from tests.toy_media import Unread

DICOM = bytes(128) + b"DICM" + bytes(200)
GOOD = {"objectUrl": "s3://lake/good.jpg", "imageMetadata": {"width": 3, "height": 2}}


@pytest.fixture
def load(workspace, tmp_path):
    """Import a manifest of this content with errors ignored; returns the report."""

    def load(content, name="manifest.json", **options):
        file = tmp_path / name
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        file.write_bytes(content)
        return options.pop("into", workspace).ingest.manifest(
            file, **{"folder": "A", "ignore_errors": True} | options
        )

    return load


def items(workspace):
    return list(workspace.items.list())


def faults(workspace, report):
    return {problem.place: problem.reason for problem in workspace.imports.problems(report.job)}


def urls_of(workspace, item):
    return [member.url for member in workspace.items.members(item)]


# Kinds and spellings


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        ("videos", "video"), ("video", "video"), ("Videos", "video"), ("images", "image"), ("image", "image"),
        ("audio", "audio"), ("audios", "audio"), ("nifti", "nifti"), ("niftis", "nifti"), ("text", "text"),
        ("texts", "text"), ("pdfs", "pdf"), ("pdf", "pdf"), ("PDFS", "pdf"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("spelling", [("objectUrl", "clientMetadata"), ("object_url", "client_metadata")])
def test_an_array_of_files_gives_items_of_its_kind(workspace, load, array, kind, spelling):
    url, metadata = spelling
    entry = {url: "s3://lake/a", "title": "A", metadata: {"city": "Oslo"}, f"{kind}Metadata": {"fileSize": 7}}
    assert load({array: [entry]}).failed == 0
    [item] = items(workspace)
    assert (item.kind, item.name, item.url, item.size) == (kind, "A", "s3://lake/a", 7)
    assert item.metadata == {"city": "Oslo"}


@pytest.mark.parametrize(
    ("array", "entry", "kind"),
    [
        ("image_groups", {}, "image_group"),
        ("imageGroups", {"createVideo": False}, "image_group"),
        ("image_group", {"create_video": False}, "image_group"),
        ("imageGroup", {"createVideo": True}, "image_sequence"),
        ("IMAGE_GROUPS", {"create_video": True}, "image_sequence"),
        ("image_sequences", {}, "image_sequence"),
        ("imageSequence", {}, "image_sequence"),
        ("dicom_series", {}, "dicom"),
        ("dicomSeries", {}, "dicom"),
    ],
)
def test_an_array_of_groups_gives_items_with_members(workspace, load, array, entry, kind):
    facts = {"imageMetadata": {"width": 64, "height": 48}}
    files = {"objectUrl_0": "s3://lake/a/0", "object_url_1": "s3://lake/a/1"}
    assert load({array: [{"title": "G", **files, **entry, **facts}]}).failed == 0
    [item] = items(workspace)
    assert (item.kind, item.name, item.facts.width, item.facts.frame_count) == (kind, "G", 64, 2)
    assert urls_of(workspace, item) == ["s3://lake/a/0", "s3://lake/a/1"]
    assert item.url.startswith("s3://lake/a/0#")


def test_all_kinds_and_both_spellings_go_together_in_their_order(workspace, load):
    report = load(
        {
            "video": [{"object_url": "s3://lake/v", "video_metadata": {"fps": 25, "frame_count": 50}}],
            "image_groups": [{"objectUrl_0": "s3://lake/g/0", "image_metadata": {}}],
            "audios": [{"url": "s3://lake/a", "audioMetadata": {"sample_rate": 44100, "numChannels": 2}}],
            "dicomSeries": [{"dicomFiles": [{"url": "s3://lake/d/0"}], "dicomMetadata": {}}],
            "images": [GOOD],
            "nifti": [{"OBJECTURL": "s3://lake/n", "Title": "N", "niftiMetadata": {}}],
        }
    )
    assert report.failed == 0
    kinds = ["video", "image_group", "audio", "dicom", "image", "nifti"]
    assert [item.kind for item in items(workspace)] == kinds


def test_every_fact_is_kept_and_those_without_a_field_by_the_name_of_the_kind(workspace, load):
    given = {
        "width": 1920, "height": 1080, "fps": 29.97, "duration": 12, "file_size": 2**40, "mimeType": "video/mp4",
        "numFrames": 360, "codec": "h264", "sampleRate": 48000, "channels": 2, "bitRate": 5000,
    }  # fmt: skip
    load({"videos": [{"objectUrl": "s3://lake/v", "videoMetadata": given}]})
    load({"pdfs": [{"objectUrl": "s3://lake/p", "pdfMetadata": {"numPages": 3}}]})
    video, pdf = items(workspace)
    facts = video.facts
    assert (facts.width, facts.height, facts.fps, facts.duration) == (1920, 1080, 29.97, 12.0)
    assert (video.size, facts.media_type, facts.frame_count, facts.codec) == (2**40, "video/mp4", 360, "h264")
    assert (facts.sample_rate, facts.channels, facts.extra) == (48000, 2, {"video": {"bitRate": 5000}})
    assert workspace.search.count(where="video.bitRate = 5000") == 1
    assert (pdf.facts.pages, pdf.facts.media_type) == (3, "application/pdf")


def test_an_array_of_entries_without_a_kind_goes_by_what_is_there(workspace, load, tmp_path):
    picture = draw(tmp_path / "in" / "a.png").as_uri()
    entries = [
        {"objectUrl": picture},
        {"objectUrl": picture, "kind": "images"},
        {"objectUrl": picture, "type": "video"},
        {"objectUrl": "s3://lake/b.jpg", "imageMetadata": {}},
        {"objectUrl": "s3://lake/b", "imageMetadata": {}},
        {"objectUrl_0": picture, "kind": "imageSequence"},
    ]
    told = faults(workspace, load(entries))
    assert [item.kind for item in items(workspace)] == ["image", "image", "image", "image_sequence"]
    assert told.keys() == {"$[2]", "$[4]"}
    assert "is declared as video, but its content is image/png" in told["$[2]"]
    assert (
        told["$[4]"]
        == '$[4]: the kind of s3://lake/b is not given, and its name does not show it (give it a "kind")'
    )


@pytest.mark.parametrize("block", ["keyframes", "$encord", "$heron"])
def test_blocks_of_key_frames_become_frames_and_the_other_metadata_stays(workspace, load, block):
    value = [13, 0] if block == "keyframes" else {"config": {"sampling_rate": 1}, "frames": {"13": {"a": 1}}}
    metadata = {block: value, "city": "Oran"}
    load({"videos": [{"objectUrl": "s3://lake/v", "videoMetadata": {}, "clientMetadata": metadata}]})
    [video] = items(workspace)
    assert video.metadata == {"city": "Oran"}
    first, key = workspace.frames.list(video)
    assert (first.number, first.is_key) == (0, block == "keyframes")
    assert (key.number, key.is_key, key.metadata) == (13, True, {} if block == "keyframes" else {"a": 1})


# Groups and series


def test_members_stand_in_the_order_of_their_numbers_whatever_that_of_the_keys(workspace, load):
    entry = {
        f"objectUrl_{number}": f"s3://lake/{number}" for number in (10, 2, 0, 11, 1, 9, 3, 8, 4, 7, 5, 6)
    }
    load({"image_groups": [{**entry, "imageMetadata": {}}]})
    [item] = items(workspace)
    assert urls_of(workspace, item) == [f"s3://lake/{number}" for number in range(12)]


def test_three_ways_to_name_the_files_of_a_group_are_one(workspace, load):
    urls = ["s3://lake/1", "s3://lake/0", "s3://lake/1"]
    ways = [
        {f"objectUrl_{number}": url for number, url in enumerate(urls)},
        {"images": [{"url": url, "title": "t"} for url in urls]},
        {"images": urls},
    ]
    for way in ways:
        load({"image_groups": [{**way, "title": "G", "imageMetadata": {}}], "skip_duplicate_urls": True})
    [item] = items(workspace)
    assert urls_of(workspace, item) == urls


def test_groups_that_begin_alike_are_two_and_so_are_a_group_and_a_sequence(workspace, load):
    first, second = "s3://lake/0", "s3://lake/1"
    groups = [
        {"images": [first, second]}, {"images": [first]}, {"images": [first], "createVideo": True},
        {"images": [first, second]},
    ]  # fmt: skip
    report = load({"image_groups": [{**g, "imageMetadata": {}} for g in groups], "skip_duplicate_urls": True})
    assert (report.added, report.skipped) == (3, 1)
    assert len({item.url for item in items(workspace)}) == 3


def test_a_group_without_a_title_is_called_like_its_folder(workspace, load, tmp_path):
    picture = draw(tmp_path / "a b" / "0.png").as_uri()
    assert " " not in picture
    load({"image_groups": [{"objectUrl_0": picture}]})
    assert items(workspace)[0].name == "a b"


def test_a_probed_group_has_the_facts_of_its_first_file_and_the_size_of_all(workspace, load, tmp_path):
    paths = [draw(tmp_path / "in" / f"{n}.png", size=(20 + n, 10), seed=n) for n in range(3)]
    load({"image_groups": [{f"objectUrl_{n}": path.as_uri() for n, path in enumerate(paths)}]})
    [item] = items(workspace)
    assert (item.kind, item.facts.width, item.facts.height) == ("image_group", 20, 10)
    assert (item.facts.frame_count, item.size) == (3, sum(path.stat().st_size for path in paths))
    sizes = [member.size for member in workspace.items.members(item)]
    assert sizes == [path.stat().st_size for path in paths]


def test_a_member_that_is_no_image_or_not_there_fails_its_group_alone(workspace, load, tmp_path):
    picture = draw(tmp_path / "in" / "a.png").as_uri()
    (tmp_path / "in" / "words.png").write_text("words")
    words, gone = picture.replace("a.png", "words.png"), picture.replace("a.png", "gone.png")
    groups = [{"images": [picture, words]}, {"images": [picture, picture, gone]}, {"images": [picture]}]
    report = load({"image_groups": groups})
    told = faults(workspace, report)
    assert (report.added, report.failed) == (1, 2)
    assert told["$.image_groups[0]"] == f"member 1: {words} is text/plain, expected an image"
    assert told["$.image_groups[1]"].startswith("member 2: ")
    assert "gone.png is not there" in told["$.image_groups[1]"]
    assert report.problems[1].url == f"{picture} {picture} {gone}"


def test_series_have_dicom_files_and_nothing_else(tmp_path, load):
    for number in range(3):
        (tmp_path / f"{number}").write_bytes(DICOM + bytes([number]))
    files = [(tmp_path / f"{number}").as_uri() for number in (2, 0, 1)]
    picture = draw(tmp_path / "a.png").as_uri()
    scans = Unread({".dcm": ("dicom", DICOM[:132])})
    with heron.open(tmp_path / "clinic", plugins=[scans], discover=False) as clinic:
        series = [{"title": "S", "dicomFiles": files}, {"objectUrl_0": files[0], "objectUrl_1": picture}]
        report = load({"dicom_series": series}, into=clinic)
        [item] = items(clinic)
        assert (item.kind, item.name, item.facts.frame_count) == ("dicom", "S", 3)
        assert urls_of(clinic, item) == files
        told = faults(clinic, report)
        assert told["$.dicom_series[1]"] == f"member 1: {picture} is image/png, expected a DICOM file"
