"""JSON manifests: every kind and key in both spellings, groups and series, and the place of each fault."""

from __future__ import annotations

import json

import pytest

import heron
from heron.models import MAX_METADATA
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


# Places of faults


def entry(**fields):
    return {"objectUrl": "s3://lake/a.jpg", "imageMetadata": {}} | fields


G0, G1 = {"objectUrl_0": "s3://lake/0"}, {"objectUrl_1": "s3://lake/1"}
FAULTS = [
    ("images", {"title": "a"}, "$.images[1].objectUrl: a value is missing"),
    ("images", {"objectUrl": None}, "$.images[1].objectUrl: a value is missing"),
    ("images", {"object_url": 5}, "$.images[1].object_url: expected text, got 5"),
    ("images", entry(objectUrl=""), "$.images[1].objectUrl: URL '' is empty or contains a space"),
    ("images", entry(objectUrl="s3://a b"), "$.images[1].objectUrl: URL 's3://a b' is empty or contains a s"),
    ("images", entry(objectUrl="s3://a\u00a0b"), "is empty or contains a space (write a space as %20)"),
    ("images", entry(objectUrl="s3://a\nb"), "is empty or contains a space"),
    ("images", entry(objectUrl="s3://\ud800"), "'s3://\\ud800' is not valid Unicode"),
    ("images", entry(objectUrl="a.jpg"), "$.images[1].objectUrl: 'a.jpg' is not a URL"),
    ("images", {"objectUrl": "s3://lake/a"}, "$.images[1].objectUrl: no storage is called 's3'"),
    ("images", {"objectUrl": "https://x.org/a"}, "$.images[1].objectUrl: no storage plugin reads https://x."),
    ("images", None, "$.images[1]: expected an object, got None"),
    ("images", "s3://lake/a", "$.images[1]: expected an object, got 's3://lake/a'"),
    ("images", entry(titel="a"), "$.images[1]: unknown key 'titel' (did you mean title?)"),
    ("images", entry(object_url="s3://b"), "$.images[1].object_url is given twice, objectUrl is it too"),
    ("images", entry(title=5), "$.images[1].title: expected text, got 5"),
    ("images", entry(title="a\nb"), "holds a line break"),
    ("images", entry(title="\ud800"), "not valid Unicode"),
    ("images", entry(clientMetadata=[1]), "$.images[1].clientMetadata: expected an object, got [1]"),
    ("images", entry(client_metadata="x"), "$.images[1].client_metadata: expected an object, got 'x'"),
    ("images", entry(metadata={"": 1}), "metadata key '' is not text, empty"),
    ("images", entry(metadata={"n": 2**64}), "metadata key 'n': the value cannot be written as JSON"),
    ("images", entry(kind="imag"), "$.images[1].kind: 'imag' is not a kind of data (did you mean image?)"),
    ("images", entry(createVideo=True), "$.images[1].createVideo is not for a single file"),
    ("images", entry(imageMetadata=[]), "$.images[1].imageMetadata: expected an object, got []"),
    ("images", entry(imageMetadata={"width": "5"}), "$.images[1].imageMetadata.width: expected a whole number"),
    ("images", entry(imageMetadata={"file_size": 1.5}), "$.images[1].imageMetadata.file_size: expected a who"),
    ("images", entry(imageMetadata={"width": True}), "$.images[1].imageMetadata.width: expected a whole numb"),
    ("images", entry(imageMetadata={"width": -1}), "$.images[1].imageMetadata.width: expected a number from 0"),
    ("images", entry(imageMetadata={"width": 2**63}), "$.images[1].imageMetadata.width: expected a number fr"),
    ("images", entry(imageMetadata={"codec": "\ud800"}), "$.images[1].imageMetadata.codec: '\\ud800' is not v"),
    ("images", entry(imageMetadata={"x": 2**70}), "$.images[1].imageMetadata cannot be stored"),
    ("images", entry(imageMetadata={"size": 1, "fileSize": 1}), "fileSize is given twice, size is it too"),
    ("images", G0, "$.images[1]: an item of kind image is a single file"),
    ("image_groups", {"title": "G"}, "$.image_groups[1] names no files (give it objectUrl_0"),
    ("image_groups", entry(), "$.image_groups[1] names no files"),
    ("image_groups", {"images": []}, "$.image_groups[1] has no files in it"),
    ("image_groups", {"images": {}}, "$.image_groups[1].images: expected an array, got {}"),
    ("image_groups", {"images": [7]}, "$.image_groups[1].images[0]: expected an object, got 7"),
    ("image_groups", {"images": [{"title": "a"}]}, "$.image_groups[1].images[0].objectUrl: a value is missing"),
    ("image_groups", {"images": [{"url": "s3://a", "metadata": {}}]}, "images[0].metadata is not for one file"),
    ("image_groups", {**G0, **G1, "objectUrl_3": "x"}, "[1]: objectUrl_2 is missing, though there is objectUrl_3"),
    ("image_groups", G1, "$.image_groups[1]: objectUrl_0 is missing, though there is objectUrl_1"),
    ("image_groups", {**G0, "object_url_0": "x"}, "[1].object_url_0 is given twice, objectUrl_0 is it too"),
    ("image_groups", {**G0, "objectUrl_00": "x"}, "[1].objectUrl_00 is given twice, objectUrl_0 is it too"),
    ("image_groups", {**G0, "images": ["x"]}, "[1] names its files twice, as images and one by one"),
    ("image_groups", {**G0, "object_url_1": 5}, "$.image_groups[1].object_url_1: expected text, got 5"),
    ("image_groups", {**G0, "objectUrl_1": None}, "$.image_groups[1].objectUrl_1: expected text, got None"),
    ("image_groups", {"objectUrl_0": "s3://a b"}, "$.image_groups[1].objectUrl_0: URL 's3://a b' is empty or"),
    ("image_groups", {**G0, "createVideo": "true"}, "[1].createVideo: expected true or false, got 'true'"),
    ("image_groups", {f"objectUrl_{'9' * 5000}": "x"}, "$.image_groups[1]: unknown key 'objectUrl_999"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("array", "bad", "said"), FAULTS, ids=[said[:50] for *_, said in FAULTS])
def test_a_faulty_entry_is_told_with_its_place_and_the_others_land(workspace, load, array, bad, said):
    good = GOOD if array == "images" else {**G0, "imageMetadata": {}}
    report = load({array: [good, bad, good], "videos": [{**GOOD, "title": "V"}]})
    assert (report.added, report.failed, report.job.state) == (3, 1, "done")
    [problem] = workspace.imports.problems(report.job)
    assert problem.place == f"$.{array}[1]"
    assert said in problem.reason and "\n" not in problem.reason
    assert [item.name for item in items(workspace)][-1] == "V"


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"objectUrl": "s3://a", "objectUrl": "s3://b"}', "the key 'objectUrl' is given twice"),
        ('{"objectUrl": "s3://a", "clientMetadata": {"a": 1, "a": 2}}', "the key 'a' is given twice"),
        ('{"objectUrl": "s3://a", "metadata": {"x": [{"deep": 1, "deep": 1}]}}', "'deep' is given twice"),
        ('{"objectUrl": "s3://a.jpg", "imageMetadata": {"fps": 1e999}}', "expected a number from 0 to"),
        ('{"objectUrl": "s3://a.jpg", "imageMetadata": {"gain": 1e999}}', "imageMetadata cannot be stored"),
        ('{"objectUrl": "s3://a.jpg", "imageMetadata": {}, "metadata": {"n": 1e999}}', "metadata key 'n'"),
        (f'{{"objectUrl": "s3://a.jpg", "imageMetadata": {{}}, "metadata": {{"n": {2**64}}}}}', "key 'n'"),
        ('{"objectUrl": "s3://a.jpg", "imageMetadata": {}, "metadata": {"n": %s}}' % ("[" * 900 + "]" * 900),
         "metadata key 'n': the value cannot be written as JSON"),
    ],
)  # fmt: skip
def test_what_json_can_say_but_no_catalogue_keep_fails_its_entry(workspace, load, form, text, said):
    good = json.dumps(GOOD)
    parts = [good, text, good]
    report = load(f"[{', '.join(parts)}]") if form == "json" else load("\n".join(parts), "manifest.jsonl")
    told = faults(workspace, report)
    assert list(told) == (["$[1]"] if form == "json" else ["line 2"])
    assert said in str(told) and report.added == 2


def test_limits_hold_to_the_byte(workspace, load):
    room = MAX_METADATA - len('{"a":""}')
    url = "s3://lake/" + "x" * (16 * 1024 - len("s3://lake/"))
    for more in (0, 1):
        report = load(
            {
                "images": [
                    entry(clientMetadata={"a": "x" * (room + more)}),
                    entry(objectUrl=url + "x" * more, title="long"),
                    entry(title="x" * (300 + more)),
                ]
            }
        )
        assert (report.added, report.failed) == ((3, 0), (0, 3))[more]
    told = faults(workspace, report)
    assert "metadata has 10,485,761 bytes, at most 10,485,760 are allowed" in told["$.images[0]"]
    assert "has 16,385 bytes, at most 16,384 are allowed" in told["$.images[1]"]
    assert "has 301 characters, at most 300 are allowed" in told["$.images[2]"]


def test_metadata_of_the_wrong_type_is_told_with_key_value_and_type(workspace, load):
    workspace.schema.add_scalar("speed", "number")
    report = load({"images": [entry(metadata={"speed": "fast"}), entry(metadata={"speed": 3})]})
    told = faults(workspace, report)["$.images[0]"]
    assert "metadata key 'speed': expected a number, got 'fast' (key type: number)" in told
    assert [item.metadata for item in items(workspace)] == [{"speed": 3.0}]


def test_null_stands_for_not_given(workspace, load):
    nothing = dict.fromkeys(["title", "clientMetadata", "createVideo", "kind"])
    report = load({"images": [entry(**nothing)], "videos": None, "skip_duplicate_urls": None})
    assert (report.added, report.failed) == (1, 0)
    assert items(workspace)[0].name == "a.jpg"


def test_whole_numbers_of_columns_with_gaps_are_whole(workspace, load):
    facts = {"width": 1920.0, "height": 1080, "fileSize": 8e6, "numFrames": None, "fps": 25.0, "gain": 2.0}
    load({"videos": [{"objectUrl": "s3://lake/a.mp4", "videoMetadata": facts}]})
    [item] = items(workspace)
    assert (item.facts.width, item.size, item.facts.fps) == (1920, 8_000_000, 25.0)
    assert isinstance(item.facts.width, int) and item.facts.extra == {"video": {"gain": 2.0}}
    for wrong in (0.5, 2.0**60, -1.0):
        told = faults(
            workspace, load({"videos": [{"objectUrl": "s3://lake/a.mp4", "videoMetadata": {"width": wrong}}]})
        )
        assert "expected a" in told["$.videos[0]"]


def test_a_sequence_whose_given_sizes_differ_is_refused_as_if_it_was_probed(workspace, load):
    def members(*sizes):
        return [
            {"url": f"s3://lake/{n}.jpg", "imageMetadata": {"width": w, "height": 4}}
            for n, w in enumerate(sizes)
        ]

    groups = [{"title": "a", "images": members(3, 3, 5), "createVideo": True}, {"title": "b", "images": members(3, 5)},
              {"title": "c", "images": members(3, None, 3), "createVideo": True}]  # fmt: skip
    told = faults(workspace, load({"image_groups": groups}))
    assert [item.name for item in items(workspace)] == ["b", "c"]
    assert told["$.image_groups[0]"] == (
        "$.image_groups[0]: member 2 is 5x4, member 0 of the sequence 3x4 (import pictures of different sizes as a group)"
    )


def test_a_bucket_or_a_folder_is_no_file(tmp_path):
    urls = [
        "s3://lake",
        "s3://lake/",
        "https://s3.amazonaws.com/lake",
        "gs://lake/photos/",
        (tmp_path / "in").as_uri() + "/",
    ]
    file = tmp_path / "m.json"
    entries = [{"objectUrl": url, "imageMetadata": {}} for url in [*urls, "s3://lake/a"]]
    file.write_text(
        json.dumps({"images": entries, "image_groups": [{"images": [urls[0]], "imageMetadata": {}}]})
    )
    with heron.open(tmp_path / "cloud", discover=True) as cloud:
        report = cloud.ingest.manifest(file, folder="A", ignore_errors=True)
        assert (report.added, report.failed) == (1, len(urls) + 1)
        for problem in cloud.imports.problems(report.job):
            assert "is a folder, not an object (give the URL of a file)" in problem.reason


SDK_TYPES = {
    "images": "IMAGE", "videos": "VIDEO", "nifti": "NIFTI", "text": "PLAIN_TEXT", "pdf": "PDF", "audio": "AUDIO",
    "image_groups": "IMG_GROUP", "dicom_series": "DICOM",
}  # fmt: skip


def test_what_the_official_sdk_writes_is_read(workspace, load):
    """Its records, as its own client writes them: `externalFileType` and `placeholderItemUuid` in each."""
    files = {"image_groups": "images", "dicom_series": "dicomFiles"}
    own = {"placeholderItemUuid": None, "clientMetadata": {}, "title": "a"}
    written = {}
    for array, file_type in SDK_TYPES.items():
        of = (
            {files[array]: [{"url": "s3://lake/0", "title": None, "placeholderItemUuid": None}]}
            if array in files
            else {"objectUrl": "s3://lake/0"}
        )
        kind = array.removesuffix("s").replace("_", "").removesuffix("serie").removesuffix("group")
        written[array] = [{**own, **of, "externalFileType": file_type, f"{kind}Metadata": {}}]
    written |= {"scenes": [], "timeSeries": [], "imageGroupsFromItems": [], "skipDuplicateUrls": False}
    report = load(written)
    assert (report.added, report.failed, report.job.warnings) == (8, 0, 0)
    alone = [
        {**entries[0], "title": "b"} for entries in written.values() if isinstance(entries, list) and entries
    ]
    assert load(alone, folder="B").failed == 0
    kinds = [[item.kind for item in items(workspace) if item.name == name] for name in "ab"]
    assert kinds[0] == kinds[1] == ["image", "video", "nifti", "text", "pdf", "audio", "image_group", "dicom"]
    told = faults(
        workspace, load({"images": [entry(externalFileType="VIDEO"), entry(externalFileType="SCENE")]})
    )
    assert "'VIDEO' contradicts the kind of the entry, image" in told["$.images[0]"]
    assert "'SCENE' is not a kind of data" in told["$.images[1]"]


def test_keys_of_other_producers_are_ignored_with_one_warning_and_near_misses_are_faults(workspace, load):
    foreign = [entry(id=1, label="x", width=5), entry(id=2, duration=1), entry(nothing=None, labels=[])]
    groups = [{"images": [{"url": "s3://lake/0", "crop": [1]}], "imageMetadata": {}}]
    report = load({"images": foreign, "image_groups": groups})
    assert (report.added, report.failed, report.job.warnings) == (4, 0, 6)
    said = [(problem.place, problem.reason) for problem in workspace.imports.problems(report.job)]
    keys = [
        ("images[0]", "id"),
        ("images[0]", "label"),
        ("images[0]", "width"),
        ("images[1]", "duration"),
        ("images[2]", "labels"),
    ]
    assert said[:5] == [
        (f"$.{place}", f"$.{place}: the key '{key}' is ignored, here and in further entries")
        for place, key in keys
    ]
    assert said[5][1] == "$.image_groups[0].images[0]: the key 'crop' is ignored, here and in further entries"
    for near, meant in [
        ("titel", "title"),
        ("object-url", "objectUrl"),
        ("clientMetdata", "clientMetadata"),
        ("imageMetaDate", "imageMetadata"),
    ]:
        told = faults(workspace, load({"images": [{**GOOD, near: "x"}]}))
        assert f"unknown key '{near}' (did you mean {meant}?)" in told["$.images[0]"]


def test_warnings_of_ignored_keys_are_few_however_many_there_are(workspace, load):
    report = load({"images": [entry(**{f"x{number}": 1}) for number in range(300)]})
    assert (report.added, report.job.warnings) == (300, 101)
    report = load({"images": [entry(id=1)] * 300}, skip_duplicates=True)
    assert (report.skipped, report.job.warnings) == (300, 1)


def test_foreign_flags_are_passed_over_and_a_misspelt_array_is_not(workspace, load):
    manifest = {
        "note": "x",
        "version": 3,
        "by": {"a": 1},
        "imges": [GOOD, GOOD],
        "images": [GOOD],
        "none": [],
    }
    told = faults(workspace, load(manifest))
    assert told == {"$.imges": "$.imges: 'imges' is not a kind of data (did you mean images?)"}
    assert len(items(workspace)) == 1


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        ({"images": GOOD}, "$.images", "$.images: expected an array, got {'objectUrl'"),
        (json.dumps(GOOD, indent=1), "$", "$: found an entry, expected arrays of entries"),
        ({"\ud800": [GOOD]}, "$.\\ud800", "$.\\ud800: '\\ud800' is not a kind of data"),
    ],
)
def test_what_is_in_the_wrong_place_is_told(workspace, load, content, place, said):
    report = load(content)
    assert report.failed == 1
    assert faults(workspace, report)[place].startswith(said)
