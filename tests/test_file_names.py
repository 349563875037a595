"""Every way into the catalogue treats one file name alike: the same name of the item, or the same refusal."""

import csv
import json
import os
import zipfile
from urllib.parse import quote

import pytest

import heron
from heron.errors import InvalidInput
from heron.media.archives import members
from heron.media.files import look_at
from heron.metadata.keys import file_name, shown_path
from tests.conftest import draw
from tests.memory_storage import Lake, LakePlugin

KEPT = [
    "plain.png", " blanks .png ", "rtl\u202egnp.exe.png", "joined\u200d\u200b.png", "line\u2028separator.png",
    "cafe\u0301.png", "caf\u00e9.png", "\u00e9" * 125 + ".pngx", "%41.png", "#a.png", "a?b=c&d.png", "back\\slash.png",
    "~.png", "-lead.png", "'\"`$x.png", "nbsp\u00a0.png", "c:d.png", "*.png", "=1+1.png", "+.png", "(a),;@!.png",
    "\U0001f600.png", "a.PNG", "a..png", "[1].png", "{x}|^.png",
]  # fmt: skip
"""File names that are also the names of their items."""

ESCAPED = {
    "line\nbreak.png": "line%0Abreak.png",
    "tab\t.png": "tab%09.png",
    "bell\x07.png": "bell%07.png",
    "return\r.png": "return%0D.png",
    "delete\x7f.png": "delete%7F.png",
    "c1\x85.png": "c1%C2%85.png",
    "   ": "%20%20%20",
    "\u3000": "%E3%80%80",
}
REFUSED = [b"bad\xff.png", b"half\xc3.png", b"surrogate\xed\xa0\x80.png"]
NAMES = {**{name: name for name in KEPT}, **ESCAPED}
SENTENCE = "the file name is not valid Unicode, rename the file"


@pytest.fixture
def bucket():
    return Lake(page=1000)


@pytest.fixture
def plugins(bucket):
    return [LakePlugin(bucket)]


@pytest.fixture
def folder(tmp_path):
    """A folder with a picture of every name."""
    content = draw(tmp_path / "x.png", size=(8, 8)).read_bytes()
    (tmp_path / "lo").mkdir()
    for name in (*map(os.fsencode, NAMES), *REFUSED):
        try:
            with open(os.fsencode(tmp_path / "lo") + b"/" + name, "wb") as stream:
                stream.write(content)
        except OSError:
            pytest.skip("this file system does not take every name")
    return tmp_path / "lo"


def names(workspace, folder):
    return {item.name for item in workspace.items.list(folder=folder)}


def refusals(workspace, report):
    found = list(workspace.imports.problems(report.job))
    assert all(problem.reason.endswith(SENTENCE) for problem in found), found
    return sorted(problem.url.rpartition("/")[2] for problem in found)


def test_imports_and_syncs(workspace, folder):
    imported = workspace.ingest.files([folder], folder="I", ignore_errors=True)
    workspace.ingest.follow("S", str(folder))
    synced = workspace.ingest.sync("S")
    assert names(workspace, "I") == names(workspace, "S") == set(NAMES.values())
    assert refusals(workspace, imported) == refusals(workspace, synced) == sorted(map(quote, REFUSED))
    assert {i.url for i in workspace.items.list(folder="I")} == {
        i.url for i in workspace.items.list(folder="S")
    }
    one, other = (list(workspace.imports.problems(report.job)) for report in (imported, synced))
    assert {problem.reason for problem in one} == {problem.reason for problem in other}
    assert workspace.ingest.sync("S").job.updated == 0


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv"])
def test_manifests(workspace, folder, tmp_path, suffix):
    file = tmp_path / f"m.{suffix}"
    written = workspace.ingest.write_manifest(str(folder), file)
    assert sorted(problem.url.rpartition("/")[2] for problem in written.problems) == sorted(
        map(quote, REFUSED)
    )
    assert all(problem.reason.endswith(SENTENCE) for problem in written.problems)
    workspace.ingest.manifest(file, folder="M")
    shown = {item for name, item in NAMES.items() if ".png" in name.lower() and not name.endswith("x")}
    assert names(workspace, "M") == shown  # the kind of the others is not in their names


def test_what_a_manifest_gives_is_refused_alike(workspace, folder, tmp_path):
    entries = [{"objectUrl": f"{folder.as_uri()}/{quote(name)}", "kind": "image"} for name in REFUSED]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, entries)))
    report = workspace.ingest.manifest(tmp_path / "m.jsonl", folder="M", ignore_errors=True)
    assert refusals(workspace, report) == sorted(map(quote, REFUSED))
    assert len(workspace.ingest.check_manifest(tmp_path / "m.jsonl").problems) == len(REFUSED)


@pytest.mark.parametrize("base", ["https://host.example/d", "s3://bucket/d"])
def test_urls_whose_facts_are_given(workspace, tmp_path, base):
    facts = {
        "imageMetadata": {"width": 1, "height": 1, "fileSize": 1, "mimeType": "image/png"},
        "kind": "image",
    }
    urls = [f"{base}/{quote(name)}" for name in (*NAMES, *REFUSED)]
    (tmp_path / "m.jsonl").write_text("\n".join(json.dumps({"objectUrl": url, **facts}) for url in urls))
    report = workspace.ingest.manifest(tmp_path / "m.jsonl", folder="M", ignore_errors=True)
    assert names(workspace, "M") == set(NAMES.values())
    assert refusals(workspace, report) == sorted(map(quote, REFUSED))


def test_objects_of_a_bucket(workspace, folder, bucket):
    for name in NAMES:
        bucket.put(f"mem://b/d/{quote(name)}", (folder / "plain.png").read_bytes())
    workspace.ingest.files(["mem://b/d/"], folder="B")
    workspace.ingest.follow("S", "mem://b/d/")
    workspace.ingest.sync("S")
    assert names(workspace, "B") == names(workspace, "S") == set(NAMES.values())


def test_members_of_archives(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in NAMES:
            archive.write(folder / name, f"d/{name}")
    found = [member.name for member in members(look_at(tmp_path / "a.zip", "file:///a.zip"))]
    assert found == [*NAMES.values()]


def test_groups_are_named_by_their_folder(workspace, tmp_path):
    draw(tmp_path / "a\nb" / "1.png")
    draw(tmp_path / "a\nb" / "2.png")
    workspace.ingest.files([tmp_path / "a\nb"], folder="G", batch_as="group")
    assert names(workspace, "G") == {"a%0Ab"}
    with open(os.fsencode(tmp_path / "a\nb") + b"/3\xff.png", "wb") as stream:
        stream.write(b"x")
    report = workspace.ingest.files([tmp_path / "a\nb"], folder="H", batch_as="group", ignore_errors=True)
    assert refusals(workspace, report) == ["3%FF.png"]


def test_sidecars(workspace, folder):
    for name in NAMES:
        (folder / f"{name}.metadata.json").write_text('{"k": 1}') if len(os.fsencode(name)) < 230 else None
    workspace.ingest.files([folder], folder="I", ignore_errors=True)
    workspace.ingest.follow("S", str(folder))
    workspace.ingest.sync("S")
    for place in ("I", "S"):
        found = {item.name: dict(item.metadata) for item in workspace.items.list(folder=place)}
        assert found == {
            item: {} if len(os.fsencode(name)) > 230 else {"k": 1} for name, item in NAMES.items()
        }


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_exports_and_what_names_items_in_them(workspace, folder, tmp_path, form):
    workspace.ingest.files([folder], folder="I", ignore_errors=True)
    workspace.datasets.create("D", items=workspace.items.list(folder="I"))
    workspace.export("D", tmp_path / f"out.{form}", format=form)
    with (tmp_path / f"out.{form}").open(newline="") as stream:
        if form == "csv":
            flat = list(csv.DictReader(stream))
        else:
            flat = json.load(stream) if form == "json" else [*map(json.loads, stream)]
    assert {row["name"] for row in flat} == set(NAMES.values())
    for column in ("url", "path"):
        with (tmp_path / f"{column}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["url", "k"], *([row[column], column] for row in flat)])
        workspace.ingest.metadata_file(tmp_path / f"{column}.csv", by="url")
        assert {item.metadata["k"] for item in workspace.items.list(folder="I")} == {column}


def test_the_rule_itself():
    assert {name: file_name(name) for name in NAMES} == NAMES
    for name in REFUSED:
        with pytest.raises(InvalidInput, match="not valid Unicode"):
            file_name(os.fsdecode(name))
        assert shown_path(os.fsdecode(name)) == quote(name)
    with pytest.raises(heron.InvalidInput):
        file_name("\ud800")
    assert file_name("x" * 1000) == "x" * 1000
