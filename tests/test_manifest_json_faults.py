"""JSON manifests: the place of each fault, limits, and what other producers write."""

from __future__ import annotations

import json

import pytest

import heron
from heron.models import MAX_METADATA
from tests.test_manifest_json import (
    GOOD,
    faults,
    items,
    load,  # noqa: F401 - fixtures
)


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
