"""Copies of files: names by a template, safe on every file system and used once; an interrupted copy goes on; places that cannot be written."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tracemalloc
import unicodedata

import pytest

import heron
from heron.catalog import taken_names
from heron.catalog.taken_names import TakenNames
from heron.cli.main import status
from heron.errors import AlreadyExists, HeronError, InvalidInput, Unreachable
from heron.export import folders
from heron.export.names import Template
from heron.models import MediaFacts, NewItem
from tests.conftest import draw


@pytest.fixture
def lake(tmp_path):
    """Twelve pictures in two folders, as dataset D."""
    for number in range(12):
        draw(tmp_path / "in" / "ab"[number % 2] / f"{number}.png", seed=number)
    with heron.open(tmp_path / "lake") as workspace:
        workspace.schema.add_scalar("city", "varchar")
        workspace.ingest.files([tmp_path / "in"], folder="Lake")
        for item in workspace.items.list():
            workspace.metadata.merge_all([item], {"city": f"c/{item.name[:1]}"})
        workspace.datasets.create("D", items=workspace.items.list())
        yield workspace


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def left(folder):
    return [path for path in folder.iterdir() if path.name.startswith(".heron-")]


# Names


def test_a_template_names_the_files(lake, tmp_path):
    for number, (template, expected) in enumerate(
        {
            "{folder}/{name}": "Lake/a/0.png",
            "{metadata.city}/{position:03}-{stem}{suffix}": "c_0/000-0.png",
            "{kind}/{captured_at}/{nothing}.png": "image/_/_.png",
            "{city}-{uuid}": None,
        }.items()
    ):
        target = tmp_path / f"out{number}"
        assert lake.export("D", target, format="copies", template=template) == 12
        made = files_in(target)
        assert len(made) == 13
        assert expected is None or expected in made, sorted(made)
    assert lake.export("D", tmp_path / "flat", format="huggingface", template="{kind}/{name}") == 12
    assert "data/image/0.png" in files_in(tmp_path / "flat")


@pytest.mark.parametrize(
    "template",
    [
        "../{name}", "{folder}/../{name}", "/{name}", "C:/{name}", "a\\{name}", "./{name}", "{name}/", "a//{name}", "same", "",
        "{}", "{name!r}", "{name", "{metadata}", "{tags}", "{captured_at:../%Y}", "{position:09999999999}", "{name:>99999999999}",
    ],
)  # fmt: skip
def test_a_template_that_leads_elsewhere_or_says_nothing_is_refused(
    lake, tmp_path, template, monkeypatch, capsys
):
    with pytest.raises(InvalidInput, match="template"):
        lake.export("D", tmp_path / "out", format="copies", template=template)
    assert not (tmp_path / "out").exists()
    assert not left(tmp_path)


def test_a_format_without_files_refuses_a_template(lake, tmp_path, monkeypatch, capsys):
    with pytest.raises(InvalidInput, match="json does not name files") as refusal:
        lake.export("D", tmp_path / "d.json", template="{name}")
    assert "copies" in refusal.value.hint


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", ".._.._etc_passwd"), ("..", "_.png"), ("CON.png", "_CON.png"), ("nul", "_nul.png"), ("com¹.png", "_com¹.png"),
        ("a" * 290 + ".png", "a" * 146 + ".png"), ("é" * 200, "é" * 75 + ".png"), ("trailing. ", "trailing.png"), ("a:b*c?.png", "a_b_c_.png"),
    ],
)  # fmt: skip
def test_values_are_made_safe_names(lake, name, expected):
    [item] = lake.items.list(limit=1)
    row = heron.DatasetRow(0, lake.items.rename(item, name))
    assert Template.parsed("{name}").path_of(row) == expected


def test_two_files_of_one_name_in_any_spelling_are_two():
    names = TakenNames()
    composed, parted = "Café.png", unicodedata.normalize("NFD", "Café.png")
    given = [names.file(wanted) for wanted in ["a/x.png", "A/X.PNG", "a/x.png", f"a/{composed}", f"a/{parted}", "a/CAFÉ.png", "straße", "STRASSE"]]  # fmt: skip
    assert given == ["a/x.png", "a/X-2.PNG", "a/x-3.png", f"a/{composed}", f"a/{unicodedata.normalize('NFD', 'Café')}-2.png", "a/CAFÉ-3.png", "straße", "STRASSE-2"]  # fmt: skip
    assert names.file("a/x.png/inside") == "a/x.png-4/inside", "a folder where a file has its name"
    assert names.file("a/x.png/more") == "a/x.png-4/more"
    assert names.file("a") == "a-2", "a file where a folder has its name"
    assert names.file("a/x-2.png") == "a/x-2-2.png"
    names.close()


def test_names_are_not_kept_in_memory():
    names = TakenNames()
    tracemalloc.start()
    for number in range(6_000):
        names.file(
            f"folder-{number % 1500}/a-name-that-is-rather-long-and-takes-room-in-memory-{number:09}.png"
        )
    ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, taken_names.__file__)])
    tracemalloc.stop()
    assert sum(trace.size for trace in ours.traces) < 400_000
    names.close()


# Interrupted


KILLED = """
import os, signal, sys
import heron
from heron.export import folders
real, count = folders.copied, 0
def copied(*given):
    global count
    count += 1
    if count == 8:
        if sys.argv[3].startswith("kill"):
            given[0].write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt
    return real(*given)
folders.copied = copied
if not sys.argv[3].endswith("together"):
    folders._SMALL = -1  # one after the other
from heron.catalog import copied_files
copied_files._SECONDS = 0
with heron.open(sys.argv[1]) as workspace:
    workspace.export("D", sys.argv[2], format="copies")
"""


@pytest.mark.parametrize("how", ["kill", "interrupt"])
def test_a_copy_that_was_interrupted_goes_on(lake, tmp_path, monkeypatch, how):
    target = tmp_path / "out"
    given = [sys.executable, "-c", KILLED, lake.root, target, how]
    assert subprocess.run(given, capture_output=True, check=False).returncode != 0
    assert not target.exists()
    [part] = left(tmp_path)
    pictures = list(part.rglob("*.png"))
    assert len(pictures) in (7, 8)
    (part / "Lake/a/0.png").write_bytes(
        b"x" * (part / "Lake/a/0.png").stat().st_size
    )  # damaged, of the same size
    (part / "Lake/b/1.png").write_bytes(b"short")
    (part / "stray.bin").write_bytes(b"of nobody")
    made, real = [], folders.copied
    monkeypatch.setattr(folders, "copied", lambda *given: made.append(given[0].name) or real(*given))
    assert lake.export("D", target, format="copies") == 12
    assert {"0.png", "1.png"} <= set(made), "what is damaged is copied again"
    assert len(made) == 7 if how == "interrupt" else len(made) in (7, 8), "the rest is not"
    is_whole(target, tmp_path / "in")


@pytest.mark.parametrize("how", ["kill together", "interrupt together"])
def test_copies_at_the_same_time_that_were_interrupted_go_on(lake, tmp_path, how):
    target = tmp_path / "out"
    given = [sys.executable, "-c", KILLED, lake.root, target, how]
    assert subprocess.run(given, capture_output=True, check=False).returncode != 0
    assert not target.exists()
    assert lake.export("D", target, format="copies") == 12
    is_whole(target, tmp_path / "in")


def is_whole(target, source):
    by_name = {path.name: path.read_bytes() for path in source.rglob("*.png")}
    assert {path.name: path.read_bytes() for path in target.rglob("*.png")} == by_name
    assert files_in(target) - {"items.jsonl"} == {f"Lake/{'ab'[n % 2]}/{n}.png" for n in range(12)}
    assert len((target / "items.jsonl").read_text().splitlines()) == 12
    assert not left(target.parent)


def test_what_the_dataset_has_no_more_is_not_left_in_the_folder(lake, tmp_path, monkeypatch):
    interrupted(lake, tmp_path, monkeypatch, after=6)
    lake.datasets.remove("D", [item for item in lake.items.list() if item.name in ("0.png", "2.png")])
    assert lake.export("D", tmp_path / "out", format="copies") == 10
    assert len(list((tmp_path / "out").rglob("*.png"))) == 10
    assert len((tmp_path / "out" / "items.jsonl").read_text().splitlines()) == 10


def interrupted(lake, tmp_path, monkeypatch, after, error=KeyboardInterrupt):
    real, count = folders.copied, iter(range(after))

    def copied(*given):
        if next(count, None) is None:
            raise error
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(folders, "copied", copied)
        with pytest.raises(error if isinstance(error, type) else type(error)):
            lake.export("D", tmp_path / "out", format="copies", unreadable=[])
    assert not (tmp_path / "out").exists()


def test_another_export_to_the_same_place_begins_anew(lake, tmp_path, monkeypatch):
    interrupted(lake, tmp_path, monkeypatch, after=6)
    assert lake.export("D", tmp_path / "out", format="copies", template="{name}") == 12
    assert "0.png" in files_in(tmp_path / "out")


def test_a_store_that_is_lost_interrupts_the_export_and_one_that_never_answered_does_not(
    lake, tmp_path, monkeypatch
):
    gone = NewItem("s3://lake/gone.png", MediaFacts("image", "image/png", width=1, height=1))
    lake.registration.register([gone], "Gone")
    lake.datasets.add("D", list(lake.items.list(folder="Gone")))
    real = folders.copied

    def copied(file, files, item, member):
        if item.name == "gone.png":
            raise Unreachable("s3://lake does not answer")
        return real(file, files, item, member)

    monkeypatch.setattr(folders, "copied", copied)
    unreadable = []
    assert lake.export("D", tmp_path / "one", format="copies", unreadable=unreadable) == 12
    assert unreadable == ["s3://lake/gone.png: s3://lake does not answer"]
    monkeypatch.setattr(folders, "_store_of", lambda url: "one store")
    monkeypatch.setattr(folders.NewFolder, "failed", failed_after_answer)
    monkeypatch.chdir(lake.root)
    assert status(["datasets", "export", "D", "-o", str(tmp_path / "two"), "--format", "copies"]) == 4
    assert not (tmp_path / "two").exists()
    monkeypatch.setattr(folders, "copied", real_with_store(real))
    assert status(["datasets", "export", "D", "-o", str(tmp_path / "two"), "--format", "copies"]) == 0
    assert len(list((tmp_path / "two").rglob("*.png"))) == 13


real_failed = folders.NewFolder.failed


def failed_after_answer(self, item, error, member=None):
    self._answered.add("one store")
    real_failed(self, item, error, member)


def real_with_store(real):
    """The store is back: it gives the bytes of its file."""

    def copied(file, files, item, member):
        if item.name != "gone.png":
            return real(file, files, item, member)
        draw(file)
        return folders.CopiedFile(item.url, item.etag, file.stat().st_size, None)

    return copied


def test_two_processes_do_not_write_one_export(lake, tmp_path, monkeypatch):
    real = folders.copied

    def copied(*given):
        with pytest.raises(AlreadyExists, match="another process writes"), monkeypatch.context() as patch:
            patch.setattr(folders, "copied", real)
            lake.export("D", tmp_path / "out", format="copies")
        return real(*given)

    monkeypatch.setattr(folders, "copied", copied)
    assert lake.export("D", tmp_path / "out", format="copies") == 12


def test_ctrl_c_says_that_the_export_goes_on(lake, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(lake.root)

    def copied(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(folders, "copied", copied)
    assert status(["datasets", "export", "D", "-o", str(tmp_path / "out"), "--format", "copies"]) == 4
    assert "interrupted" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert not left(tmp_path), "nothing was copied, so nothing is kept"


# Places that cannot be written

FORMATS = [
    "json",
    "jsonl",
    "csv",
    "parquet",
    "arrow",
    "coco",
    "copies",
    "fiftyone",
    "huggingface",
    "webdataset",
    "croissant",
]


@pytest.mark.parametrize("format", FORMATS)
def test_a_place_without_room_is_one_sentence_and_leaves_nothing(lake, tmp_path, format):
    def exported():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        try:
            lake.export("D", tmp_path / "out", format=format)
        except HeronError as error:
            os.write(writing, str(error).encode())
            os._exit(7)
        except BaseException as error:  # noqa: BLE001 - the child of a fork must not go on
            os.write(writing, repr(error).encode())
            os._exit(8)
        os._exit(0)

    if format in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        exported()
    os.close(writing)
    with os.fdopen(reading) as stream:
        said = stream.read()
    _, result = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(result) == 7, said
    assert "written" in said and len(said.splitlines()) == 1, said
    assert not (tmp_path / "out").exists()
    assert not left(tmp_path)
    assert lake.items.count() == 12


@pytest.mark.parametrize("format", ["copies", "json"])
def test_a_place_without_right_and_the_catalogue_itself_are_refused(lake, tmp_path, format):
    for target in (lake.root / ".heron" / "out", lake.root / ".heron"):
        with pytest.raises(HeronError, match=r"part of a workspace|Is a directory"):
            lake.export("D", target, format=format)
    with pytest.raises(HeronError, match="cannot be written"):
        lake.export("D", "/proc/out", format=format)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(HeronError, match=r"cannot be written|is a file"):
        lake.export("D", tmp_path / "file" / "out", format=format)
    assert (tmp_path / "file").read_text() == "mine"
    assert lake.items.count() == 12


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_whole(lake, tmp_path, monkeypatch, capsys):
    (tmp_path / "in/a/0.png").unlink()
    (tmp_path / "in/a/2.png").unlink()
    (tmp_path / "in/a/2.png").mkdir()
    monkeypatch.chdir(lake.root)
    given = ["datasets", "export", "D", "-o", str(tmp_path / "out"), "--format", "copies", "--json"]
    assert status(given) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == 10
    assert len(report["unreadable"]) == 2
    assert len(list((tmp_path / "out").rglob("*.png"))) == 10
