"""Portable exports of strangers: whatever they contain, they are refused with one sentence, and nothing is changed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import zipfile
from contextlib import closing

import numpy as np
import pytest

import heron
from heron.catalog.full_text import SPACED, spaced
from tests.portable_lakes import edit, fill, forge, rows_of


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """An export with something of everything."""
    place = tmp_path_factory.mktemp("hostile")
    with heron.open(place / "lake", discover=False) as ws:
        fill(ws)
        ws.portable.export(place / "ex", media=True, thumbnails=True, unreadable=[])
    return place / "ex"


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A workspace into which nothing of it may come."""
    with heron.open(tmp_path_factory.mktemp("target") / "lake", discover=False) as ws:
        yield ws


@pytest.fixture
def forged(export, tmp_path):
    """A copy of the export, to be changed."""
    shutil.copytree(export, tmp_path / "ex")
    return tmp_path / "ex"


def refused(ws, export, sentence, **options):
    """The export is refused with one sentence; catalogue and files are as before."""
    before, files = state(ws), sorted(path.name for path in ws.root.rglob("*"))
    with pytest.raises(heron.HeronError, match=sentence) as refusal:
        ws.portable.merge(export, **options)
    assert "\n" not in str(refusal.value)
    assert len(refusal.value.message) < 500
    assert state(ws) == before
    assert sorted(path.name for path in ws.root.rglob("*")) == files


def state(ws):
    with closing(sqlite3.connect(ws._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
        return "\n".join(plain.iterdump())


ROWS = [
    ("items.jsonl", {"uuid": "1"}, "items.jsonl, line 1: uuid: expected a UUID"),
    ("items.jsonl", {"size": "12"}, "line 1: size: expected a whole number"),
    ("items.jsonl", {"size": -1}, "line 1: size: expected a whole number"),
    ("items.jsonl", {"size": 2**70}, "line 1: size: expected a whole number"),
    ("items.jsonl", {"width": True}, "line 1: width: expected a whole number"),
    ("items.jsonl", {"fps": "fast"}, "line 1: fps: expected a number"),
    ("items.jsonl", {"name": ...}, "line 1: name is missing"),
    ("items.jsonl", {"name": "a\nb"}, "line 1: name"),
    ("items.jsonl", {"name": "n" * 400}, "line 1: name"),
    ("items.jsonl", {"kind": "hologram"}, "'hologram' is not a kind of item"),
    ("items.jsonl", {"created_at": "yesterday"}, "line 1: created_at: expected a time"),
    ("items.jsonl", {"created_at": "2026-13-01T00:00:00.000000Z"}, "line 1: created_at"),
    ("items.jsonl", {"facts": [1]}, "line 1: facts: expected an object"),
    ("items.jsonl", {"metadata": "x"}, "line 1: metadata: expected an object"),
    ("items.jsonl", {"metadata": {"a\u0000b": 1}}, "control character"),
    ("items.jsonl", {"metadata": {"n": 2**80}}, "cannot be written as JSON"),
    ("items.jsonl", {"metadata": {"n": "x" * 11_000_000}}, "metadata has .* bytes, at most"),
    ("items.jsonl", {"url": "file:./../../etc/passwd"}, "leads out of the folder"),
    ("items.jsonl", {"url": "file:./a/%2e%2e/%2E%2E/etc"}, "leads out of the folder"),
    ("items.jsonl", {"url": "file:./..%2f..%2fetc"}, "leads out of the folder"),
    ("items.jsonl", {"url": "file:.//etc/passwd"}, "leads out of the folder"),
    ("items.jsonl", {"url": "file:relative"}, "expected file:"),
    ("items.jsonl", {"url": "a b"}, "contains a space"),
    ("items.jsonl", {"folder": "a//b"}, "line 1: folder"),
    ("items.jsonl", {"folder": "../up"}, "line 1: folder"),
    ("items.jsonl", {"surprise": 1}, "unknown field 'surprise'"),
    ("folders.jsonl", {"path": "/".join("x" * 101)}, "at most 100 names"),
    ("folders.jsonl", {"path": ".."}, "folder name"),
    ("members.jsonl", {"item": "01a2282e-0000-7000-8000-000000000000"}, "names an item that is not in items.jsonl"),
    ("frames.jsonl", {"number": -1}, "number: expected a whole number"),
    ("frames.jsonl", {"is_key": 1}, "is_key: expected true or false"),
    ("collection_items.jsonl", {"collection": "01a2282e-0000-7000-8000-000000000000"}, "names a collection that is not"),
    ("dataset_rows.jsonl", {"dataset": "01a2282e-0000-7000-8000-000000000000"}, "names a dataset that is not"),
    ("presets.jsonl", {"query": {"where": 5}}, "presets.jsonl, line 1"),
    ("presets.jsonl", {"query": {"drop": "x"}}, "presets.jsonl, line 1"),
    ("schema.jsonl", {"type": "quantum"}, "quantum"),
    ("schema.jsonl", {"state": "immortal"}, "not a state of a key"),
    ("schema.jsonl", {"name": "$x"}, "cannot start with"),
    ("schema.jsonl", {"parameters": {"options": 4}}, "."),
    ("thumbnails.jsonl", {"jpeg": "!!!"}, "expected base64"),
    ("thumbnails.jsonl", {"jpeg": "PHNjcmlwdD4="}, "expected a JPEG"),
    ("media.jsonl", {"file": "media/here/../../../etc/x"}, "is not the name of a file within an export"),
    ("media.jsonl", {"file": "/etc/passwd"}, "is not the name of a file within an export"),
    ("media.jsonl", {"file": "media/here/other.png"}, "is not the file of"),
    ("media.jsonl", {"file": "media/here/.heron/catalog.db", "url": "file:./.heron/catalog.db"}, "within .heron"),
    ("media.jsonl", {"bytes": 1}, "is not the file that media.jsonl names"),
    ("media.jsonl", {"sha256": "0" * 64}, "is not the file that media.jsonl names"),
    ("vectors/1.jsonl", {"item": "01a2282e-0000-7000-8000-000000000000"}, "names an item that is not"),
    ("vectors/1.jsonl", {"number": 77}, "names a frame that is not in frames.jsonl"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "sentence"), ROWS, ids=[f"{n} {next(iter(v))} {i}" for i, (n, v, _) in enumerate(ROWS)]
)
def test_a_row_that_is_wrong(target, forged, name, values, sentence):
    edit(forged, name, 0, values)
    refused(target, forged, sentence)


@pytest.mark.parametrize(
    "name", ["items.jsonl", "folders.jsonl", "collections.jsonl", "media.jsonl", "vectors/1.jsonl"]
)
def test_a_row_that_is_there_twice(target, forged, name):
    forge(forged, name, lambda data: data + data.splitlines(keepends=True)[0])
    refused(target, forged, "is there twice|names . owners")


@pytest.mark.parametrize("name", ["items.jsonl", "vectors/1.npy", "schema.jsonl"])
def test_a_part_that_was_changed_after_it_was_written(target, forged, name):
    data = bytearray((forged / name).read_bytes())
    data[-2] ^= 1
    (forged / name).write_bytes(data)
    refused(target, forged, "changed or damaged|not valid JSON|finite|expected")


def test_a_part_that_is_cut_short_or_longer_or_gone(target, forged):
    whole = (forged / "items.jsonl").read_bytes()
    for data in (whole[:-5], whole + b"{}\n", b""):
        (forged / "items.jsonl").write_bytes(data)
        refused(target, forged, "items.jsonl")
    (forged / "items.jsonl").unlink()
    refused(target, forged, "items.jsonl cannot be used")


@pytest.mark.parametrize(
    "line", [b"{\n", b"[1]\n", b"\xff\n", b'{"a":NaN}\n', b"[" * 5000 + b"\n", b"null\n"]
)
def test_a_line_that_is_no_row(target, forged, line):
    forge(forged, "items.jsonl", lambda data: line + data)
    refused(target, forged, "items.jsonl, line 1")


def matrix(array):
    def change(data):
        from io import BytesIO

        stream = BytesIO()
        np.save(stream, array)
        return stream.getvalue()

    return change


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.array([[1, 2, np.nan]] * 3, np.float32), "vector 1: a number is not finite"),
        (np.array([[1, 2, np.inf]] * 3, np.float32), "not finite"),
        (np.zeros((3, 4), np.float32), "is not a .npy file of 3 vectors"),
        (np.zeros((2, 3), np.float32), "is not a .npy file of 3 vectors"),
        (np.zeros((3, 3), np.float64), "is not a .npy file of 3 vectors"),
        (np.array([{"a": 1}], object), "is not a .npy file of 3 vectors"),
    ],
    ids=["nan", "infinity", "size", "count", "type", "pickle"],
)
def test_vectors_that_are_none(target, forged, array, sentence):
    forge(forged, "vectors/1.npy", matrix(array))
    refused(target, forged, sentence)


MANIFESTS = [
    (lambda m: m | {"version": 2}, "has version 2 of the format, and this Heron reads versions up to 1"),
    (lambda m: m | {"version": "1"}, "not a version"),
    (lambda m: m | {"format": "zip"}, "not the manifest of a portable export"),
    (lambda m: m | {"extra": 1}, "heron.json"),
    (lambda m: m | {"parts": m["parts"][1:]}, "does not name the part 'schema.jsonl'"),
    (lambda m: m | {"parts": m["parts"] + m["parts"][:1]}, "names a part twice"),
    (lambda m: m | {"parts": [*m["parts"], {"name": "../x", "rows": 0, "bytes": 0, "sha256": ""}]}, "a part '../x' that is none"),
    (lambda m: m | {"vectors": [m["vectors"][0] | {"file": "../../x.npy"}]}, "does not name the part"),
    (lambda m: m | {"vectors": [m["vectors"][0] | {"size": 10**9}]}, "have a size or type that none can have"),
    (lambda m: m | {"vectors": m["vectors"] * 2}, "names the vectors of a key twice"),
    (lambda m: m | {"parts": [p | {"rows": -1} for p in m["parts"]]}, "below 0"),
    (lambda m: m | {"parts": [p | {"rows": 10**7} if p["name"] == "folders.jsonl" else p for p in m["parts"]]}, "10,000,000 folders, at most"),
    (lambda m: [m], "not the manifest"),
    (lambda m: None, "not the manifest"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), MANIFESTS, ids=range(len(MANIFESTS)))
def test_a_manifest_that_is_wrong(target, forged, change, sentence):
    manifest = json.loads((forged / "heron.json").read_text())
    (forged / "heron.json").write_text(json.dumps(change(manifest)))
    refused(target, forged, sentence)


def test_links_and_pipes_are_not_followed(target, forged, tmp_path):
    for name in ("items.jsonl", "vectors"):
        (forged / name).rename(tmp_path / "moved")
        (forged / name).symlink_to(tmp_path / "moved")
        refused(target, forged, "it is a link")
        (forged / name).unlink()
        (tmp_path / "moved").rename(forged / name)
    file = forged / rows_of(forged, "media.jsonl")[0]["file"]
    file.unlink()
    file.symlink_to("/etc/passwd")
    with pytest.raises(heron.InvalidInput, match="it is a link"):
        target.portable.merge(forged)
    (forged / "items.jsonl").unlink()
    os.mkfifo(forged / "items.jsonl")
    refused(target, forged, "not a regular file")


def test_a_link_in_the_workspace_does_not_lead_files_out_of_it(forged, tmp_path):
    (tmp_path / "outside").mkdir()
    with heron.open(tmp_path / "lake", discover=False) as ws:
        (ws.root / "pics").symlink_to(tmp_path / "outside")
        with pytest.raises(heron.InvalidInput, match="leads out of the folder of the workspace by a link"):
            ws.portable.merge(forged)
        assert ws.items.count() == 0
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_file_with_other_content_is_never_replaced(forged, tmp_path):
    with heron.open(tmp_path / "lake", discover=False) as ws:
        (ws.root / "pics").mkdir()
        (ws.root / "pics" / "p 0.png").write_bytes(b"mine")
        refused(ws, forged, "is here already, and is another file")
        assert (ws.root / "pics" / "p 0.png").read_bytes() == b"mine"
        ws.portable.merge(forged, media=False)
        assert ws.items.count() == 5


def zipped(folder, path, **more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
        for name, data in more.items():
            archive.writestr(name.replace("__", "/"), data)
    return path


def test_archives_that_are_traps(target, forged, tmp_path):
    names = {"../evil": "..", "/evil": "", "a\\..\\b": "", "C:evil": ""}
    for number, name in enumerate(names):
        path = zipped(forged, tmp_path / f"{number}.zip")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, b"x")
        refused(target, path, "is not the name of a file within an export")
    path = zipped(forged, tmp_path / "link.zip")
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    refused(target, path, "is a link")
    refused(target, zipped(forged, tmp_path / "bomb.zip", bomb=b"\0" * 50_000_000), "would grow from")
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04nothing")
    refused(target, tmp_path / "no.zip", "not a portable export")
    data = bytearray(zipped(forged, tmp_path / "flipped.zip").read_bytes())
    for place in range(200, len(data) - 3000, 997):
        data[place] ^= 255
    (tmp_path / "flipped.zip").write_bytes(data)
    with pytest.raises(heron.HeronError):
        target.portable.merge(tmp_path / "flipped.zip")
    assert target.items.count() == 0


def test_what_is_no_export_at_all(target, tmp_path):
    refused(target, tmp_path / "nowhere", "is not there")
    refused(target, tmp_path, "is not a portable export")
    (tmp_path / "a.txt").write_text("x")
    refused(target, tmp_path / "a.txt", "is not a portable export")


def test_values_that_do_not_fit_their_key_are_kept_and_told(forged, tmp_path):
    edit(forged, "items.jsonl", 0, {"metadata": {"weather": "hail", "city": 5}})
    with heron.open(tmp_path / "lake", discover=False) as ws:
        notes = ws.portable.merge(forged).notes
        assert (
            "of the key 'weather', the type does not fit 1 value; heron metadata verify lists them" in notes
        )
        assert ws.schema.not_fitting() == {"city": 1, "weather": 1}
