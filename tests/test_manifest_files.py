"""`heron manifest check` and `create`, `heron import --manifest`, and the guide, whose examples are imported."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

import heron
from heron.cli.import_files import command as import_command
from heron.cli.main import status
from heron.cli.manifest import command as manifest_command
from heron.ingest.manifest.entries import _FIELDS
from heron.ingest.manifest.facts import _FACTS
from heron.ingest.manifest.tables import _TITLES
from heron.media.kinds import Kinds, plain
from tests.conftest import draw
from tests.test_manifest_import import entry, names, state, write
from tests.toy_media import Unread

GUIDE = (Path(__file__).parent.parent / "docs" / "manifests.md").read_text()
DICOM = bytes(128) + b"DICM" + bytes(200)
NIFTI = struct.pack("<i", 348) + bytes(340) + b"n+1\0" + bytes(100)
FILES = {
    ".mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100), ".wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
    ".nii": NIFTI, ".txt": b"words", ".pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(100), ".dcm": DICOM,
}  # fmt: skip
"""The least that a file of each kind has to be to be known by its content."""

KIND = {".mp4": "video", ".wav": "audio", ".nii": "nifti", ".pdf": "pdf", ".dcm": "dicom"}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in a new workspace; returns what it printed, and checks its exit status."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, exit_status=0):
        assert status(["--no-plugins", *map(str, arguments)]) == exit_status, capsys.readouterr()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return out if out or not err else err

    call("init")
    return call


def one_line(text):
    return text.startswith("Error: ") and len(text.strip().splitlines()) == 1


# Checking


def test_check_counts_the_kinds_and_finds_no_fault(run, tmp_path):
    manifest = {
        "images": [entry(0), {"objectUrl": "file:///gone.png"}], "image_groups": [{"images": ["s3://a"], "imageMetadata": {}}],
    }  # fmt: skip
    text = run("manifest", "check", write(tmp_path, manifest))
    assert [line.split() for line in text.splitlines()[:3]] == [
        ["kind", "entries"], ["image", "2"], ["image_group", "1"],
    ]  # fmt: skip
    assert "2 of them have facts, and will not be fetched." in text
    assert text.splitlines()[-1] == "No fault found."
    assert run("imports", "list") == "Nothing was imported yet: heron import PATH --folder NAME\n"


def test_check_tells_every_fault_that_an_import_would_meet_before_it_looks_at_files(run, tmp_path):
    run("schema", "add", "speed", "number")
    images = [
        {}, entry(1, metadata={"speed": "fast"}), entry(2, title="x" * 301), entry(3, title="a\nb"), entry(4),
        entry(5, objectUrl=f"s3://lake/{'x' * 301}"), entry(6, metadata={"a": "x" * (10 << 20)}),
    ]  # fmt: skip
    file = write(tmp_path, {"images": images})
    found = json.loads(run("manifest", "check", file, "--json", exit_status=1))
    assert found["faults"] == 6
    told = {problem["place"]: problem["reason"] for problem in found["problems"]}
    assert list(told) == [f"$.images[{number}]" for number in (0, 1, 2, 3, 5, 6)]
    assert all(reason.startswith(place) for place, reason in told.items())
    dry = json.loads(
        run(
            "import",
            "--manifest",
            file,
            "--folder",
            "A",
            "--dry-run",
            "--ignore-errors",
            "--json",
            exit_status=3,
        )
    )
    assert {problem["place"] for problem in dry["problems"]} == told.keys()


def test_check_lists_a_hundred_faults_and_counts_the_rest(run, tmp_path):
    text = run("manifest", "check", write(tmp_path, {"images": [{}] * 250}), exit_status=1)
    assert text.count("a value is missing") == 100
    assert "… and 150 more: --json lists all of them" in text
    assert text.splitlines()[-1] == "250 faults found."


def test_check_of_a_table_of_kinds_that_only_the_files_tell(run, tmp_path):
    file = write(tmp_path, "ObjectURL\nfile:///a\nfile:///b.png\n", "m.csv")
    found = json.loads(run("manifest", "check", file, "--json"))
    assert found["kinds"] == {"other": 1, "image": 1}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.json", '{"images": [{"objectUrl": "file:///a.png"}, {', "it ends too early"),
        ("m.json", '{"skip_duplicate_urls": 1, "images": []}', "skip_duplicate_urls: expected true or false, got 1"),
        ("m.csv", "a;b\n", "the first row is not a header"),
        ("m.txt", "", "a manifest ends with .json, .jsonl, .ndjson, .csv"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_on_is_a_fault_too(run, tmp_path, name, content, said):
    text = run("manifest", "check", write(tmp_path, content, name), exit_status=1)
    assert said in text and text.splitlines()[-1] == "1 fault found."


def test_check_of_a_file_that_is_not_there_is_an_error(run):
    text = run("manifest", "check", "gone.json", exit_status=1)
    assert one_line(text) and "gone.json is not there" in text


# Making

ODD = [
    "two words.png", "größe #1?.png", "100%25.png", 'quo"te, comma.png', "semi;colon.png", "UPPER.PNG",
    "東京.png", "deep/er/a.png", "a+b&c=d.png", "[x]{y}.png", "p.png.png", "~tilde'.png",
]  # fmt: skip


@pytest.fixture
def lake(tmp_path):
    for number, name in enumerate(ODD):
        draw(tmp_path / "in" / name, seed=number)
    (tmp_path / "in" / "notes.txt").write_text("words")
    (tmp_path / "in" / "two words.png.metadata.json").write_text('{"a": 1}')
    (tmp_path / "in" / "blob.bin").write_bytes(bytes(20))
    return tmp_path / "in"


@pytest.mark.parametrize("suffix", ["json", "jsonl", "ndjson", "csv"])
@pytest.mark.parametrize("facts", [False, True])
def test_what_create_writes_can_be_imported_whatever_the_files_are_called(run, lake, tmp_path, suffix, facts):
    file = tmp_path / f"m.{suffix}"
    arguments = ["manifest", "create", "in", "-o", file, *(["--facts"] if facts else [])]
    if facts and suffix == "csv":
        text = run(*arguments, exit_status=1)
        assert one_line(text) and "a CSV manifest cannot contain facts" in text and not file.exists()
        return
    text = run(*arguments)
    assert re.search(r"^Wrote (12 image, 1 text|1 text, 12 image) to ", text)
    assert "Left out 2 objects that are DICOM files or whose names show no known kind." in text
    assert "No fault found." in run("manifest", "check", file)
    sizes = {path.name: path.stat().st_size for path in lake.rglob("*") if path.is_file()}
    if facts:
        (lake / "two words.png").unlink()
    run("import", "--manifest", file, "--folder", "A")
    found = json.loads(run("search", "--json", "--limit", "100"))["items"]
    assert {item["name"] for item in found} == {Path(name).name for name in ODD} | {"notes.txt"}
    assert all(item["size"] == sizes[item["name"]] for item in found)
    assert {item["kind"] for item in found} == {"image", "text"}
    if not facts:
        again = json.loads(run("import", "in", "--folder", "A", "--json"))
        assert (again["job"]["added"], again["job"]["skipped"]) == (1, 13), (
            "all but blob.bin is known by its URL"
        )


def test_create_leaves_out_a_name_that_no_item_can_have_and_says_so(workspace, tmp_path, monkeypatch):
    from heron.hooks import StoredObject

    objects = [StoredObject(f"s3://lake/{'x' * count}.jpg", 1) for count in (296, 297, 5)]
    monkeypatch.setattr(workspace.storage, "stream", lambda *given, **more: iter(objects))
    report = workspace.ingest.write_manifest("s3://lake/", tmp_path / "m.jsonl")
    assert report.kinds == {"image": 2}
    [problem] = report.problems
    assert "301 characters, at most 300" in problem.reason and problem.url == objects[1].url
    assert (
        workspace.ingest.manifest(tmp_path / "m.jsonl", folder="A", dry_run=True, ignore_errors=True).failed
        == 2
    )


def test_create_leaves_its_own_file_out_and_replaces_an_older_one(run, lake, tmp_path):
    for _ in range(2):
        text = run("manifest", "create", lake, "-o", lake / "m.json")
        assert "12 image" in text and "1 text" in text and "Left out 2 objects" in text
    assert not list(lake.glob(".heron-*"))


def test_create_takes_one_file_an_empty_folder_and_standard_output(run, lake, tmp_path):
    (tmp_path / "empty").mkdir()
    found = json.loads(run("manifest", "create", lake / "two words.png", "-o", "-"))
    assert found == {"images": [{"objectUrl": (lake / "two words.png").as_uri()}]}
    for suffix in ("json", "jsonl", "csv"):
        assert "Wrote nothing to" in run("manifest", "create", "empty", "-o", f"m.{suffix}")
        assert "0 new" in run("import", "--manifest", f"m.{suffix}", "--folder", "A")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in", "-o", "m.xml"], "m.xml: a manifest ends with .json, .jsonl, .ndjson, .csv"),
        (["gone", "-o", "m.json"], "is not there"),
        (["nobody://x/", "-o", "m.json"], "no storage is called 'nobody'"),
        (["in", "-o", "gone/m.json"], "cannot be written"),
    ],
)
def test_create_says_what_it_cannot_do_and_leaves_no_file(run, lake, tmp_path, arguments, said):
    text = run("manifest", "create", *arguments, exit_status=1)
    assert one_line(text) and said in text
    assert not list(tmp_path.glob("m.*"))


# Importing


def test_the_options_of_import_reach_the_manifest(run, tmp_path):
    file = write(tmp_path, {"images": [entry(0, metadata={"a": 1}), {}, entry(1)]})
    text = run("import", "--manifest", file, "--folder", "A", exit_status=1)
    assert (
        one_line(text) and "$.images[1].objectUrl: a value is missing" in text and "--ignore-errors" in text
    )
    text = run("import", "--manifest", file, "--folder", "A", "--ignore-errors", "--dry-run", exit_status=3)
    assert text.startswith("A dry run, nothing was changed. Into A: 2 new, 1 failed.")
    text = run("import", "--manifest", file, "--folder", "A", "--ignore-errors", exit_status=3)
    assert text.splitlines()[:2] == [
        "Imported into A: 2 new, 1 failed.",
        "  failed: $.images[1].objectUrl: a value is missing",
    ]
    text = run(
        "import", "--manifest", file, "--folder", "A", "--ignore-errors", "--skip-duplicates", exit_status=3
    )
    assert text.startswith("Imported into A: 0 new, 2 there already, 1 failed.")
    text = run(
        "import", "--manifest", file, "--folder", "A", "--ignore-errors", "--upsert-metadata", exit_status=3
    )
    assert text.startswith("Imported into A: 0 new, 1 updated, 1 there already, 1 failed.")
    assert "line 1" not in run("imports", "report", "2", "-o", "report.csv")
    assert (tmp_path / "report.csv").read_text().splitlines()[1].startswith("failure,$.images[1],,")


def test_a_manifest_that_ends_too_early_is_one_sentence_and_exit_status_1(run, tmp_path):
    file = write(tmp_path, json.dumps({"images": [entry(0), entry(1)]})[:-9])
    for option in ([], ["--ignore-errors"]):
        text = run("import", "--manifest", file, "--folder", "A", *option, exit_status=1)
        assert one_line(text) and "it ends too early" in text
    jobs = json.loads(run("imports", "list", "--json"))["items"]
    assert [job["state"] for job in jobs] == ["failed", "failed"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["in", "--manifest", "m.json"], [], ["--manifest", "m.json", "--again"], ["in", "--skip-duplicates"],
        ["--manifest", "m.json", "--no-sidecars"], ["--manifest", "m.json", "--skip-identical"], ["in", "--upsert-metadata"],
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_wrong_usage(run, lake, tmp_path, arguments):
    write(tmp_path, {}, "m.json")
    run("import", *arguments, "--folder", "A", exit_status=2)
    assert json.loads(run("imports", "list", "--json"))["items"] == []


# The guide


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def materialised(text, folder):
    """An example whose URLs of the lake lead to small files of this machine."""
    for url in re.findall(r"s3://lake/([^\s\",]+)", text):
        path = folder / url.replace("%20", " ")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".jpg":
            draw(path)
        else:
            path.write_bytes(FILES[path.suffix])
    return text.replace("s3://lake/", folder.as_uri() + "/")


EXAMPLES = [(name, text) for name in ("json", "jsonl", "csv") for text in blocks(name)]


@pytest.mark.parametrize(
    ("form", "text"), EXAMPLES, ids=[f"{n}-{form}" for n, (form, _) in enumerate(EXAMPLES)]
)
def test_every_example_of_the_guide_is_imported_whole(tmp_path, form, text):
    file = write(tmp_path, materialised(text, tmp_path / "in"), f"m.{form}")
    unread = Unread({suffix: (KIND[suffix], FILES[suffix][:132]) for suffix in KIND})
    with heron.open(tmp_path / "lake", plugins=[unread], discover=False) as workspace:
        checked = workspace.ingest.check_manifest(file)
        report = workspace.ingest.manifest(file, folder="A")
        assert (checked.faults, report.failed) == (0, 0)
        assert report.added == sum(checked.kinds.values()) > 1
        before = state(workspace)
        assert workspace.ingest.manifest(file, folder="A", skip_duplicates=True, dry_run=True).added == 0
        assert state(workspace) == before and len(names(workspace)) == report.added


def test_the_guide_has_an_example_of_each_form_and_every_kind():
    assert {form for form, _ in EXAMPLES} == {"json", "jsonl", "csv"}
    assert len(EXAMPLES) >= 7


def test_the_guide_names_every_array_key_fact_and_header():
    text = GUIDE.lower().replace("_", "")
    names = {*Kinds().names_in_manifests(), *_FIELDS, *map(plain, _FACTS), *_TITLES}
    assert [name for name in sorted(names) if f"`{name}`" not in text and f",{name}" not in text] == []


def test_the_faults_of_the_guide_are_what_check_says(run, tmp_path):
    [faulty], [said] = blocks("json faulty"), blocks("text")
    file = write(tmp_path, faulty, "faulty.json")
    assert run("manifest", "check", file, exit_status=1) == said


def test_every_option_that_the_guide_names_is_there():
    commands = [import_command, *manifest_command.commands.values()]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", GUIDE)) <= known
    table = GUIDE.partition("| option |")[2].partition("\n\n")[0]
    assert {"--folder", "--integration", "--dry-run", "--upsert-metadata"} <= set(
        re.findall(r"--[a-z-]+[a-z]", table)
    )
