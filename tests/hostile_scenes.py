"""What a stranger does to `.heron` before a command: each scene gets the `Hand`, the number of the round, the folder and the number of the command."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing

from tests.hostile import spoil_values

FILES = [
    "writer.json", "writer.json.new", "server.json", ".gitignore", "turn.lock", "columns/lock", "columns/a.arrow", "receiving/1-a", "plugins/evil.py",
    "logs/rebuild visual.log", "catalog.db-wal", "pushed/x", "vectors/x.f32",
]  # fmt: skip
"""Files that a workspace may have, beside those of the sample."""


def plain(hand, round, folder, number):
    """Nothing is hostile."""


# Files


def link(path, hand):
    path.symlink_to(hand.home / ".bashrc")


def link_to_nothing(path, hand):
    path.symlink_to(hand.home / "new")


def hard_link(path, hand):
    os.link(hand.home / ".bashrc", path)


def pipe(path, hand):
    os.mkfifo(path)


def directory(path, hand):
    path.mkdir()


def code(path, hand):
    path.write_text(f"open({str(hand.home / 'ran')!r}, 'w').write('')\n")


def pickled(path, hand):
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(hand.home / "ran").encode() + b"'\ntR.")


KINDS = [link, link_to_nothing, hard_link, pipe, directory, code, pickled]


def files(hand, round, folder, number):
    """Every file but the catalogue is replaced, for each command by another kind of thing; and there is always a program."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for place, name in enumerate(sorted({*there, *FILES} - {"catalog.db"})):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        kind = KINDS[(place + number + round) % len(KINDS)]
        if name != "catalog.db-wal" or kind in (code, pickled):  # the others are in `catalogues`
            kind(path, hand)
    if (folder / "plugins").is_dir():
        code(folder / "plugins" / "always.py", hand)


def folders(hand, round, folder, number):
    """Every folder in `.heron` is a link."""
    for name in ("vectors", "columns", "frames", "receiving", "plugins", "logs", "pushed"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).symlink_to(hand.root / "outside")


def catalogues(hand, round, folder, number):
    """The catalogue, or a file of SQLite beside it, is no regular file."""
    path = folder / ("catalog.db", "catalog.db-wal", "catalog.db-shm", "catalog.db-journal")[number % 4]
    path.unlink(missing_ok=True)
    (link, directory, pipe, link_to_nothing, link_to_catalogue, hard_link, hard_link)[number % 7](path, hand)


def link_to_catalogue(path, hand):
    path.symlink_to(hand.kept / "catalog.db")


# Columns


def values(hand):
    """What a stranger may write into a column."""
    secret = hand.home / "secret"
    return [
        b"\x80\x04cos\nsystem\n(S'touch " + str(hand.home / "ran").encode() + b"'\ntR.", "../../home/.bashrc", str(secret), secret.as_uri(),
        "[1, 2]", '{"a": {"b": [1, "\\u0000"]}}', None, 2**62, -1, float("inf"), "", "a\x00b", "[" * 5000,
        f"http://127.0.0.1:{hand.port}/x", "s3://bucket/x.png", f"$(touch {hand.home}/ran)", "'; DROP TABLE items; --",
    ]  # fmt: skip


def columns(hand, round, folder, number):
    """A few of the columns that the command reads, in each round others, have values of which each comes to each column in turn."""
    bad, reads = values(hand), hand.reads[hand.lines[number]]
    chosen = reads[(number + round) % 5 :: max(5, len(reads) // 6)]
    first = 7 * number + round
    changes = [(table, name, bad[(first + place) % len(bad)]) for place, (table, name) in enumerate(chosen)]
    spoil_values(folder / "catalog.db", changes)


def references(hand, round, folder, number):
    """Everything that can name an integration names one that would send the secrets of the victim to the stranger."""
    options = {
        "endpoint": f"http://127.0.0.1:{hand.port}",
        "access_key_id": "env:MY_SECRET",
        "secret_access_key": f"file:{hand.home / 'secret'}",
    }
    with closing(sqlite3.connect(folder / "catalog.db", isolation_level=None)) as raw:
        raw.execute("UPDATE integrations SET backend = 's3', options = ?", [json.dumps(options)])
        raw.execute("INSERT INTO stores (scheme, name, integration_id, is_default) VALUES ('s3', 'x', 1, 1)")
        raw.execute(
            "UPDATE items SET integration_id = 1, store_id = 1, etag = NULL, url = 's3://bucket/' || name"
        )
        raw.execute("DELETE FROM thumbnails")
        raw.execute("UPDATE members SET url = 's3://bucket/' || position")
        raw.execute("UPDATE synced_folders SET integration_id = 1, prefix = 's3://bucket/'")
        raw.execute("UPDATE vector_sets SET embedder = 'clip', model = ?", [options["endpoint"]])
        raw.execute(
            "UPDATE imports SET state = 'interrupted', options = json_set(options, '$.integration', (SELECT uuid FROM integrations), "
            "'$.sources', json('[\"s3://bucket/\"]'))"
        )


SCHEMAS = [
    "CREATE TRIGGER t AFTER INSERT ON folders BEGIN DELETE FROM items; END",
    "DROP TABLE presets; CREATE VIEW presets AS SELECT name AS name FROM items",
    "DROP TABLE presets; CREATE VIRTUAL TABLE presets USING fts5(name)",
    "DROP TRIGGER vectors_of_frame; CREATE TRIGGER vectors_of_frame AFTER DELETE ON frames BEGIN DELETE FROM items; END",
    "ALTER TABLE folders DROP COLUMN description",
    "DROP TABLE presets",
]


def schemas(hand, round, folder, number):
    """Triggers and views of the stranger, and tables and columns that are missing."""
    with closing(sqlite3.connect(folder / "catalog.db")) as raw:
        raw.executescript(SCHEMAS[number % len(SCHEMAS)])


def foreign(hand, round, folder, number):
    """The same, and the workspace still belongs to the stranger."""
    schemas(hand, round, folder, number)
    folder.chmod(0o777)
