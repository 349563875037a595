"""Backups of strangers: a changed, damaged or hostile one is refused with one sentence, and nothing is restored."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256

import pytest

import heron
from heron.export.backups import manifest as manifests
from tests.test_backup import backup, filled  # noqa: F401 - a fixture


def rewritten(made, change=lambda given: given):
    """Change a manifest, after the checksums of all files were written into it anew."""
    given = json.loads((made.path / manifests.MANIFEST).read_text())
    for file in given["files"]:
        content = (made.path / file["path"]).read_bytes()
        file.update(size=len(content), sha256=sha256(content).hexdigest())
    changed = change(given)
    (made.path / manifests.MANIFEST).write_text(json.dumps(given if changed is None else changed))


def sql(made, *statements):
    with closing(sqlite3.connect(made.path / "catalog.db")) as plain:
        for statement in statements:
            plain.execute(statement)
        plain.commit()
    rewritten(made)


def vectors_of(made):
    return next((made.path / "vectors").iterdir())


def replaced(made, by):
    """Put something else in the place of a file of vectors."""
    file = vectors_of(made)
    content = file.read_bytes()
    file.unlink()
    by(file, content)


def as_link(file, content):
    (file.parent.parent / "elsewhere").write_bytes(content)
    file.symlink_to(file.parent.parent / "elsewhere")


def folder_as_link(made):
    (made.path / "vectors").rename(made.path / "moved")
    (made.path / "vectors").symlink_to(made.path / "moved")


HOSTILE = {
    "a path that leads out": (
        lambda m: rewritten(m, lambda g: g["files"][1].update(path="../../x")),
        "which no backup has",
    ),
    "an absolute path": (
        lambda m: rewritten(m, lambda g: g["files"][1].update(path="/etc/passwd")),
        "which no backup has",
    ),
    "a file named twice": (lambda m: rewritten(m, lambda g: g["files"].append(g["files"][1])), "twice"),
    "a link": (lambda m: replaced(m, as_link), "a link or not a regular file"),
    "a folder that is a link": (folder_as_link, "its folder is a link"),
    "a pipe": (lambda m: replaced(m, lambda file, content: os.mkfifo(file)), "not a regular file"),
    "another byte": (
        lambda m: vectors_of(m).write_bytes(b"\1" + vectors_of(m).read_bytes()[1:]),
        "another checksum",
    ),
    "a byte less": (lambda m: vectors_of(m).write_bytes(vectors_of(m).read_bytes()[1:]), "and not 640"),
    "vectors less": (
        lambda m: vectors_of(m).write_bytes(vectors_of(m).read_bytes()[16:]) and rewritten(m),
        "has 624 of 640 bytes",
    ),
    "a file less": (lambda m: vectors_of(m).unlink(), "cannot be read"),
    "a manifest of a later version": (lambda m: rewritten(m, lambda g: g.update(version=3)), "newer Heron"),
    "a manifest that is none": (lambda m: rewritten(m, lambda g: [1]), "not the manifest of a backup"),
    "a manifest that is cut": (
        lambda m: (m.path / manifests.MANIFEST).write_text('{"format": "heron-backup"'),
        "is damaged",
    ),
    "a negative size": (
        lambda m: rewritten(m, lambda g: g["files"][1].update(size=-1)),
        "the size or the checksum",
    ),
    "a later catalogue": (
        lambda m: sql(m, "INSERT INTO _sqlite_migrations VALUES (99, 'heron', 'later', '2030-01-01')"),
        "newer Heron .*later",
    ),
    "a trigger": (
        lambda m: sql(m, "CREATE TRIGGER t AFTER INSERT ON items BEGIN DELETE FROM items; END"),
        "that Heron did not make",
    ),
    "a view in the place of a table": (
        lambda m: sql(m, "DROP TABLE thumbnails", "CREATE VIEW thumbnails AS SELECT 1 AS item_id, 2 AS jpeg"),
        "that Heron did not make",
    ),
    "rows that refer to nothing": (
        lambda m: sql(m, "UPDATE items SET folder_id = 77"),
        "refers to nothing",
    ),
    "another application": (lambda m: sql(m, "PRAGMA application_id = 7"), "not a catalogue of Heron"),
    "a name of vectors that leads out": (
        lambda m: sql(m, "UPDATE vector_sets SET file = '../x'"),
        "cannot be the name of a file",
    ),
    "a damaged page": (
        lambda m: damage(m.path / "catalog.db") and rewritten(m),
        "damaged",
    ),
    "another workspace": (
        lambda m: rewritten(m, lambda g: g.update(workspace="0" * 8)),
        "of another workspace",
    ),
}


def damage(file):
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 12] = os.urandom(4096 * 9)
    return file.write_bytes(content)


@pytest.fixture(scope="module")
def made(filled, tmp_path_factory):
    """A backup, which is only copied."""
    return backup(filled, tmp_path_factory.mktemp("made") / "b", single=True)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_backup_is_refused_with_one_sentence_and_changes_nothing(made, tmp_path, what):
    from attrs import evolve

    copy = evolve(made, path=tmp_path / "b")
    shutil.copytree(made.path, copy.path)
    change, said = HOSTILE[what]
    change(copy)
    with pytest.raises(heron.HeronError, match=said) as refused:
        heron.restore(copy.path, tmp_path / "new")
    assert "\n" not in refused.value.message
    assert [*(tmp_path / "new").glob("*")] == [] and [*(tmp_path / "new").glob(".*")] == []


def test_a_backup_of_another_user_has_to_be_trusted(made, tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr("heron.inside.own_users", lambda: {-5})
    with pytest.raises(heron.PermissionDenied, match="heron trust"):
        heron.restore(made.path, tmp_path / "new")
