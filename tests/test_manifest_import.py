"""Importing manifests: given facts, duplicates, flags, all or nothing, and dry runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

import heron
from heron import ImportAborted, InvalidInput
from heron.catalog.full_text import SPACED, spaced
from tests.conftest import draw


def entry(number, **fields):
    return {"objectUrl": f"s3://lake/{number}.jpg", "imageMetadata": {"width": 3, "height": 2}} | fields


def write(tmp_path, content, name="manifest.json"):
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


@pytest.fixture
def load(workspace, tmp_path):
    """Import a manifest of this content into folder A, all or nothing; returns the report."""

    def load(content, name="manifest.json", **options):
        return workspace.ingest.manifest(write(tmp_path, content, name), **{"folder": "A"} | options)

    return load


def state(workspace, *but):
    """All that the catalogue holds as text, without the tables named."""
    marks = tuple(f'INSERT INTO "{table}"' for table in (*but, "sqlite_sequence"))
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
        return "\n".join(line for line in plain.iterdump() if not line.startswith(marks))


def names(workspace):
    return [item.name for item in workspace.items.list()]


def metadata(workspace):
    return [item.metadata for item in workspace.items.list()]


# Facts and URLs


def test_an_object_whose_facts_are_given_is_not_touched_and_others_are_probed(workspace, load, tmp_path):
    there, gone = draw(tmp_path / "in" / "a.png"), tmp_path / "gone.png"
    images = [
        {"objectUrl": there.as_uri()},
        {"objectUrl": gone.as_uri(), "imageMetadata": {"width": 7, "fileSize": 9}},
        {"objectUrl": there.as_uri(), "imageMetadata": {"width": 7}},
        {"objectUrl": "https://example.com/a.jpg", "imageMetadata": {}},
    ]
    assert load({"images": images}).added == 4
    probed, *given = workspace.items.list()
    assert (probed.facts.width, probed.facts.height, probed.size) == (64, 48, there.stat().st_size)
    assert [(item.facts.width, item.facts.height, item.size) for item in given] == [
        (7, None, 9),
        (7, None, None),
        (None, None, None),
    ]


def test_urls_are_kept_in_one_form_so_that_each_object_is_known_again(tmp_path):
    forms = [
        "s3://lake/a%20b.jpg",
        "https://lake.s3.eu-central-1.amazonaws.com/a%20b.jpg",
        "https://s3.eu-central-1.amazonaws.com/lake/a%20b.jpg",
        "https://lake.s3.amazonaws.com/a%20b.jpg",
        "S3://lake/a%20b.jpg",
    ]
    images = [entry(0, objectUrl=form) for form in forms]
    manifest = write(
        tmp_path, {"images": images, "image_groups": [{"images": forms[1:3], "imageMetadata": {}}]}
    )
    with heron.open(tmp_path / "cloud", discover=True) as cloud:
        report = cloud.ingest.manifest(manifest, folder="A", skip_duplicates=True)
        assert (report.added, report.skipped) == (2, 4)
        picture, group = cloud.items.list()
        assert (picture.url, picture.name) == ("s3://lake/a%20b.jpg", "a b.jpg")
        assert [member.url for member in cloud.items.members(group)] == [picture.url] * 2


def test_facts_of_a_url_of_another_place_are_taken_with_an_integration_as_without(tmp_path, monkeypatch):
    """The rule is one: what no storage reads needs facts, and lies in no store that Heron knows."""
    monkeypatch.setenv("SECRET", "x" * 20)
    elsewhere = [
        "https://example.com/a.jpg",
        "https://other-minio.example:9000/lake/b.jpg",
        "ftp://host/c.jpg",
    ]
    images = [entry(0, objectUrl=url, imageMetadata={"width": 7}) for url in elsewhere]
    given = write(tmp_path, {"images": images, "image_groups": [{"images": elsewhere, "imageMetadata": {}}]})
    bare = write(tmp_path, {"images": [{"objectUrl": url} for url in elsewhere]}, "bare.json")
    options = {
        "endpoint": "https://minio.example:9000",
        "access_key_id": "AK",
        "secret_access_key": "env:SECRET",
    }
    with heron.open(tmp_path / "cloud", discover=True) as cloud:
        cloud.integrations.create("minio", "s3", options)
        for folder, by in (("with", "minio"), ("without", None)):
            assert cloud.ingest.check_manifest(given, by).faults == 0
            assert cloud.ingest.manifest(given, folder=folder, integration=by).added == 4
            landed = cloud.items.list(folder=folder)
            assert [item.url for item in landed[:3]] == elsewhere
            assert {(item.store, item.integration_id) for item in landed} == {(None, None)}
            said = [problem.reason for problem in cloud.ingest.check_manifest(bare, by).problems]
            assert [text.partition(":")[0] for text in said] == [f"$.images[{n}].objectUrl" for n in range(3)]
            assert all("no storage" in text for text in said)
        mine = [entry(0, objectUrl=f"https://{host}/{key}.jpg") for host, key in
                [("minio.example:9000", "lake/a"), ("lake.minio.example:9000", "b")]]  # fmt: skip
        odd = [
            {**entry(0), "objectUrl": f"https://{host}/a.jpg?sig=1"}
            for host in ("minio.example:9000/l", "example.com")
        ]
        file = write(tmp_path, {"images": [*mine, *odd]})
        report = cloud.ingest.manifest(file, folder="mine", integration="minio", ignore_errors=True)
        assert (report.added, report.failed) == (2, 2)
        assert {(item.url, item.store) for item in cloud.items.list(folder="mine")} == {
            (f"s3://lake/{key}.jpg", "minio.example:9000") for key in "ab"
        }


def test_one_url_twice_is_two_items_unless_duplicates_are_skipped(workspace, load):
    images = {"images": [entry(0), entry(1), entry(0)]}
    assert load(images).added == 3
    report = load(images, skip_duplicates=True, folder="B")
    assert (report.added, report.skipped) == (2, 1)
    report = load(images, skip_duplicates=True, folder="B")
    assert (report.added, report.skipped) == (0, 3)
    assert load(images, folder="B").added == 3


# Flags

FLAGS = '"skip_duplicate_urls": true, "upsert_metadata": true'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{%s, "images": [%s]}', "m.json"),
        ('{"images": [%s], %s}', "m.json"),
        ('{"skipDuplicateUrls": true, "images": [%s], "UPSERTMETADATA": true}', "m.json"),
        ("{%s}\n%s", "m.jsonl"),
        ("%s\n{%s}", "m.jsonl"),
        ('{broken "upsert_metadata"\n%s\n{%s}', "m.jsonl"),
    ],
)
def test_flags_count_wherever_they_stand(workspace, load, text, name):
    def manifest(value):
        images = json.dumps(entry(0, metadata={"a": value}))
        order = (FLAGS, images) if text.startswith("{%s") else (images, FLAGS)
        return text % order[: text.count("%s")]

    for value in (1, 2):
        load(manifest(value), name, ignore_errors=True)
    assert metadata(workspace) == [{"a": 2}]


def test_what_the_caller_says_wins_over_the_flags(workspace, load):
    images = [entry(0, metadata={"a": 1})]
    load({"images": images, "skip_duplicate_urls": True}, skip_duplicates=False)
    load({"images": images, "skip_duplicate_urls": True}, skip_duplicates=False)
    assert len(names(workspace)) == 2
    load(
        {"images": [entry(0, metadata={"a": 2})], "upsert_metadata": True},
        upsert_metadata=False,
        skip_duplicates=True,
    )
    assert metadata(workspace) == [{"a": 1}] * 2


@pytest.mark.parametrize("name", ["m.json", "m.jsonl"])
def test_a_flag_that_is_neither_true_nor_false_is_refused_before_anything_begins(workspace, load, name):
    place = r"\$\.skip_duplicate_urls" if name == "m.json" else r"line 1\.skip_duplicate_urls"
    with pytest.raises(InvalidInput, match=rf"^{place}: expected true or false, got 'yes'"):
        load('{"skip_duplicate_urls": "yes"}', name)
    assert workspace.imports.list() == []


def test_the_name_of_a_flag_within_metadata_is_no_flag(workspace, load):
    images = [entry(0, metadata={"skip_duplicate_urls": True, "note": '"upsert_metadata"'})] * 2
    assert load({"images": images}).added == 2
    assert load("\n".join(map(json.dumps, images)), "m.jsonl").added == 2


# Skipping and merging


@pytest.mark.parametrize(
    ("skip", "upsert", "counts", "expected"),
    [
        (False, False, (2, 0, 0), [{"a": 1, "b": 1}, {"a": 2}, {"c": 3}]),
        (True, False, (1, 0, 1), [{"a": 1, "b": 1}, {"c": 3}]),
        (True, True, (1, 1, 0), [{"a": 2, "b": 1}, {"c": 3}]),
        (False, True, (1, 1, 0), [{"a": 2, "b": 1}, {"c": 3}]),
    ],
)
@pytest.mark.parametrize("ignore_errors", [False, True])
def test_a_second_run_adds_skips_or_merges(workspace, load, skip, upsert, counts, expected, ignore_errors):
    load({"images": [entry(0, title="first", metadata={"a": 1, "b": 1})]})
    second = {"images": [entry(0, title="second", metadata={"a": 2}), entry(1, metadata={"c": 3})]}
    report = load(second, skip_duplicates=skip, upsert_metadata=upsert, ignore_errors=ignore_errors)
    assert (report.added, report.job.updated, report.skipped) == counts
    assert metadata(workspace) == expected
    assert names(workspace)[0] == "first"


def test_merging_nothing_is_skipping_and_null_takes_a_key_away(workspace, load):
    load({"images": [entry(0, metadata={"a": 1, "b": 1})]})
    report = load({"images": [entry(0)]}, upsert_metadata=True)
    assert (report.job.updated, report.skipped) == (0, 1)
    load({"images": [entry(0, metadata={"a": None})]}, upsert_metadata=True)
    assert metadata(workspace) == [{"b": 1}]


def test_metadata_of_the_wrong_type_is_not_merged_and_is_told(workspace, load):
    workspace.schema.add_scalar("speed", "number")
    load({"images": [entry(0), entry(1)]})
    again = {"images": [entry(n, metadata={"speed": speed}) for n, speed in [(0, "fast"), (1, 5)]]}
    before = state(workspace, "imports", "import_problems", "log")
    with pytest.raises(ImportAborted, match=r"\$\.images\[0\].*'speed': expected a number, got 'fast'"):
        load(again, upsert_metadata=True)
    assert state(workspace, "imports", "import_problems", "log") == before
    report = load(again, upsert_metadata=True, ignore_errors=True)
    assert (report.job.updated, report.failed, report.problems[0].place) == (1, 1, "$.images[0]")
    assert metadata(workspace) == [{}, {"speed": 5.0}]


def test_metadata_of_a_url_that_stands_twice_in_one_manifest_is_merged(workspace, load):
    images = [entry(0, metadata={"a": 1, "b": 1}), entry(0, metadata={"a": 2, "c": 2})]
    report = load({"images": images}, upsert_metadata=True)
    assert (report.added, report.job.updated) == (1, 1)
    assert metadata(workspace) == [{"a": 2, "b": 1, "c": 2}]


def test_groups_are_merged_like_files(workspace, load):
    group = {"images": ["s3://lake/0", "s3://lake/1"], "imageMetadata": {}}
    load({"image_groups": [group | {"metadata": {"a": 1}}]})
    report = load({"image_groups": [group | {"metadata": {"b": 1}}]}, upsert_metadata=True)
    assert (report.added, report.job.updated) == (0, 1)
    assert metadata(workspace) == [{"a": 1, "b": 1}]


# All or nothing


@pytest.mark.parametrize(
    "fault",
    [
        {"title": "no URL"}, entry(700, objectUrl="s3://a b"), entry(700, clientMetadata=[]), entry(700, kind="imag"),
        entry(700, title="x" * 301), {"objectUrl": "file:///gone.png"},
    ],
)  # fmt: skip
def test_the_first_fault_leaves_the_catalogue_as_it_was(workspace, load, fault):
    load({"images": [entry(0)]})
    before = state(workspace, "imports", "import_problems", "log")
    with pytest.raises(ImportAborted) as aborted:
        load(
            {"images": [*map(entry, range(1, 700)), fault, entry(701)]},
            folder="New/Deep",
            skip_duplicates=True,
        )
    assert str(aborted.value).startswith("$.images[699]")
    assert "--ignore-errors" in aborted.value.hint
    assert state(workspace, "imports", "import_problems", "log") == before
    job = workspace.imports.list()[0]
    assert (job.state, job.added, job.failed, job.folder_id) == ("failed", 0, 1, None)


@pytest.mark.slow
def test_with_errors_ignored_every_good_unit_lands_and_every_bad_one_is_reported(workspace, load):
    images = [entry(n) if n % 7 else {"title": str(n)} for n in range(1500)]
    report = load({"images": images}, ignore_errors=True)
    assert (report.added, report.failed, report.job.state) == (1285, 215, "done")
    assert names(workspace) == [f"{n}.jpg" for n in range(1500) if n % 7]
    places = [problem.place for problem in workspace.imports.problems(report.job)]
    assert places == [f"$.images[{n}]" for n in range(0, 1500, 7)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("m.json", 10), ("m.json", 6000), ("m.csv", 100)])
def test_of_a_manifest_that_ends_too_early_what_came_before_stays_or_nothing(
    workspace, tmp_path, name, count
):
    url = draw(tmp_path / "in" / "a.png").as_uri()
    rows = [f"{url},{number}.jpg" for number in range(count)]
    text, said = {
        "m.json": (json.dumps({"images": list(map(entry, range(count + 1)))})[:-30], "it ends too early"),
        "m.csv": ("\n".join(["ObjectURL,Image title", *rows, f'{url},"cut']), "unexpected end of data"),
    }[name]
    file = write(tmp_path, text, name)
    before = state(workspace, "imports", "import_problems", "log")
    with pytest.raises(InvalidInput, match=said):
        workspace.ingest.manifest(file, folder="A")
    assert state(workspace, "imports", "import_problems", "log") == before
    with pytest.raises(InvalidInput, match=said) as refusal:
        workspace.ingest.manifest(file, folder="A", ignore_errors=True)
    assert "\n" not in str(refusal.value)
    job = workspace.imports.list()[0]
    assert (job.state, job.added, job.failed) == ("failed", count, 1)
    assert names(workspace) == [f"{number}.jpg" for number in range(count)]


@pytest.mark.parametrize("ignore_errors", [False, True])
def test_a_dry_run_tells_all_and_changes_nothing_at_all(workspace, load, ignore_errors):
    workspace.schema.add_scalar("speed", "number")
    load({"images": [entry(0, metadata={"a": 1})]})
    before = state(workspace)
    images = [
        entry(0, metadata={"a": 2}), {}, entry(1), entry(2, metadata={"speed": "x", "new": 1}), entry(3, title="x" * 301),
    ]  # fmt: skip
    report = load(
        {"images": images}, folder="A/New", dry_run=True, ignore_errors=ignore_errors, upsert_metadata=True
    )
    assert (report.added, report.failed) == (2, 3)
    places = ["$.images[1]", "$.images[3]", "$.images[4]"]
    assert [problem.place for problem in report.problems] == places
    report = load({"images": images}, dry_run=True, ignore_errors=ignore_errors, upsert_metadata=True)
    assert (report.added, report.job.updated, report.failed) == (1, 1, 3)
    assert state(workspace) == before
    assert len(workspace.imports.list()) == 1


def test_a_dry_run_of_a_broken_manifest_changes_nothing_either(workspace, load):
    before = state(workspace)
    with pytest.raises(InvalidInput, match="ends too early"):
        load('{"images": [', dry_run=True, ignore_errors=True)
    assert state(workspace) == before and workspace.imports.list() == []
