"""Where an import could have gone wrong silently: secrets in URLs, mixed stores, things that are gone or not there."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

import heron
from heron.cli.exits import FAILURES
from heron.cli.main import status
from tests.conftest import draw
from tests.synced_places import FolderPlace, counts, names
from tests.test_catalogue_file import without_override

SECRETS = ("SIGNED1", "PASSWORD2", "TOKEN3")
ENTRIES = [
    {"objectUrl": "https://cdn.example/a.jpg?X-Amz-Signature=SIGNED1", "imageMetadata": {}},
    {"objectUrl": "https://user:PASSWORD2@cdn.example/b.jpg", "imageMetadata": {}},
    {"objectUrl": "https://b.s3.eu-west-1.amazonaws.com/c.jpg?X-Amz-Security-Token=TOKEN3"},
    {"objectUrl": "https://cdn.example/d e.jpg?sig=SIGNED1", "imageMetadata": {}},
    ["https://cdn.example/f.jpg?sig=SIGNED1"],
    {"objectUrl": ["https://cdn.example/g.jpg?sig=SIGNED1"]},
]


def written(path, value):
    path.write_text(json.dumps(value))
    return path


def test_no_secret_of_a_url_is_kept_or_printed(tmp_path, capsys):
    file = written(
        tmp_path / "m.json",
        {"images": [*ENTRIES, {"objectUrl": "https://cdn.example/z.jpg", "imageMetadata": {}}]},
    )
    with heron.open(tmp_path / "lake") as workspace:
        report = workspace.ingest.manifest(file, folder="A", ignore_errors=True)
        assert (report.added, report.failed) == (1, len(ENTRIES))
    for line in ("imports report 1", "imports report 1 --json", "items --json", f"manifest check {file}"):
        status(["-w", str(tmp_path / "lake"), *line.split()])
    said = capsys.readouterr()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "lake" / ".heron").iterdir())
    for secret in SECRETS:
        assert secret not in said.out + said.err
        assert secret.encode() not in kept


def test_an_integration_is_for_the_urls_of_its_backend_alone(tmp_path):
    with heron.open(tmp_path / "lake") as workspace:
        workspace.integrations.create("lab", "s3", {"anonymous": "yes"})
        draw(tmp_path / "a.png")
        entries = [
            {"objectUrl": (tmp_path / "a.png").as_uri()},
            {"objectUrl": "s3://b/c.png", "imageMetadata": {}},
            {"objectUrl": "gs://b/d.png", "imageMetadata": {}},
            {"objectUrl": "hf://datasets/e.png", "imageMetadata": {}},
        ]
        file = written(tmp_path / "m.json", {"images": entries})
        assert workspace.ingest.manifest(file, folder="A", integration="lab").added == 4
        by = {item.url.partition(":")[0]: workspace.storage.of(item) for item in workspace.items.list()}
        assert {scheme: found and found.name for scheme, found in by.items()} == {
            "file": None, "s3": "lab", "gs": None, "hf": None,
        }  # fmt: skip


def test_a_secret_that_is_missing_is_told_before_a_job_is_opened(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_THERE", raising=False)
    file = written(tmp_path / "m.json", {"images": [{"objectUrl": f"s3://b/{n}.jpg"} for n in range(9)]})
    with heron.open(tmp_path / "lake") as workspace:
        workspace.integrations.create(
            "lab", "s3", {"access_key_id": "me", "secret_access_key": "env:NOT_THERE"}
        )
        with pytest.raises(heron.BadCredentials, match="NOT_THERE"):
            workspace.ingest.manifest(file, folder="A", integration="lab", ignore_errors=True)
        assert workspace.imports.list() == []


def test_where_nothing_lies_an_import_says_so(tmp_path):
    from fsspec.implementations.memory import MemoryFileSystem

    storage = heron.FilesystemStorage(MemoryFileSystem())
    storage.filesystem.mkdirs("/nothing", exist_ok=True)
    record = heron.StorageBackend(
        name="memory", summary="it", schemes=["memory"], load=lambda options: storage
    )
    plugin = SimpleNamespace(register_storage=heron.hookimpl(lambda: [record]))
    with heron.open(tmp_path / "lake", plugins=[plugin], discover=False) as workspace:
        for ignore_errors in (True, False):
            with pytest.raises(heron.NotFound, match="there is nothing at or below memory:///nothing"):
                workspace.ingest.files("memory:///nothing", folder="A/B/C", ignore_errors=ignore_errors)
            assert workspace.folders.list() == []
        workspace.folders.create("A/B")
        with pytest.raises(heron.NotFound):
            workspace.ingest.files("memory:///nothing", folder="A/B/C", ignore_errors=True)
        assert [folder.path for folder in workspace.folders.list()] == ["A", "A/B"]
        assert workspace.imports.list()[0].state == "failed"


def test_one_source_need_not_be_a_list(tmp_path):
    draw(tmp_path / "a.png")
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        assert workspace.ingest.files(tmp_path / "a.png", folder="A").added == 1
        assert workspace.ingest.files(str(tmp_path / "a.png"), folder="B").added == 1


@pytest.mark.parametrize("wrong", ["skip_duplicate_url", "upsert_metadatas", "imagess"])
def test_a_member_that_is_nearly_a_flag_or_a_kind_is_a_fault(tmp_path, wrong):
    file = written(tmp_path / "m.json", {wrong: True, "images": []})
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        [problem] = workspace.ingest.check_manifest(file).problems
    assert problem.reason.startswith(f"$.{wrong}: {wrong!r} is unknown (did you mean ")


def test_a_dry_run_tells_all_problems_and_no_report_that_is_not_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = written(
        tmp_path / "m.json", {"images": [{"objectUrl": f"file:///gone/{n}.jpg"} for n in range(40)]}
    )
    assert status(["init"]) == 0
    assert status(["import", "--manifest", str(file), "--folder", "A", "--dry-run"]) == FAILURES
    said = capsys.readouterr().out
    assert said.count("failed: $.images[") == 40
    assert "heron imports report" not in said


def test_what_was_marked_as_deleted_is_looked_at_again_when_it_is_imported(tmp_path):
    place = FolderPlace(tmp_path / "inbox")
    place.put("a.txt", b"first\n")
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.ingest.follow("Inbox", place.prefix)
        workspace.ingest.sync("Inbox")
        [before] = workspace.items.list()
        place.remove("a.txt")
        assert counts(workspace.ingest.sync("Inbox", allow_empty=True)) == {"removed": 1}
        place.put("a.txt", b"second, and longer\n")
        report = workspace.ingest.files(place.root, folder="Inbox")
        assert (report.added, report.job.restored, report.job.updated) == (0, 1, 1)
        [after] = workspace.items.list()
        assert (after.uuid, after.size, after.deleted_at) == (before.uuid, 19, None)


def test_a_sync_is_not_resumed_when_its_folder_follows_nothing_any_more(tmp_path):
    place = FolderPlace(tmp_path / "inbox")
    place.put("a.txt"), place.put("b.txt")
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.ingest.follow("Inbox", place.prefix)
        workspace.ingest.sync("Inbox")

        def stop(progress):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            workspace.ingest.sync("Inbox", progress=stop)
        workspace.synced.release("Inbox")
        place.remove("a.txt")
        with pytest.raises(heron.InvalidInput, match="is not synced with"):
            workspace.ingest.resume(workspace.imports.list()[0])
        assert sorted(names(workspace)) == ["a.txt", "b.txt"]


@pytest.mark.slow
def test_a_folder_that_cannot_be_read_marks_nothing_as_deleted(tmp_path):
    place = FolderPlace(tmp_path / "inbox")
    place.put("a.txt"), place.put("deep/b.txt")
    heron.init(tmp_path, discover=False).close()
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.ingest.follow("Inbox", place.prefix)
        workspace.ingest.sync("Inbox")
    (place.root / "deep").chmod(0)
    command = [part.replace("-dac_override", "-dac_override,-dac_read_search") for part in without_override()]
    run = [*command, sys.executable, "-c", "from heron.cli.main import run; run()", "sync"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    (place.root / "deep").chmod(0o755)
    assert (done.returncode, "deep cannot be listed" in done.stderr) == (1, True), done
    with heron.open(tmp_path, discover=False) as workspace:
        assert sorted(names(workspace)) == ["a.txt", "b.txt"]
