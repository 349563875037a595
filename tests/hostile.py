"""Plays commands in a workspace of a stranger, as another user where the tests run as root, and finds what they did outside of it."""

from __future__ import annotations

import faulthandler
import hashlib
import importlib
import json
import os
import shlex
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from pathlib import Path

from attrs import frozen

from heron import installed
from heron.cli.main import status

VICTIM, STRANGER = 54322, 54321
"""Users who run the commands, and who has made the workspace."""

SECRET = "geheim"
SECONDS = 60
"""A command that takes longer hangs."""

_LOOKS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")
_STARTS = ("os.system", "os.exec", "os.posix_spawn", "pty.spawn", "ctypes.dlopen")


@frozen
class Played:
    """What came of a command: its exit status, what it said, and what it did that it must not."""

    line: str
    status: int
    said: str
    forbidden: list[str]
    read: list[tuple[str, str]]
    """The columns that it read, if that was asked for."""


class Stage:
    """A lake of a victim, its home, and what lies around; each command finds the same `.heron`, made hostile anew."""

    def __init__(self, sample: Path, lines: Sequence[str]) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.root.chmod(0o755)
        self.lake, self.home, self.kept = (self.root / name for name in ("lake", "home", "kept"))
        shutil.copytree(sample, self.lake)
        shutil.move(self.lake / ".heron", self.kept)
        for name in ("home", "tmp", "config", "outside"):
            (self.root / name).mkdir()
        (self.home / ".bashrc").write_text("mine")
        (self.home / "secret").write_text(SECRET)
        self.listener = Listener()
        self._lines = lines
        (self.root / "lines").write_text(json.dumps([str(self.root), self.listener.port, lines]))
        program = [sys.executable, "-c", "from tests.hostile import serve; serve()", str(self.root / "lines")]
        self._hand = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._hand.stdout is not None
        assert self._hand.stdout.readline() == "ready\n"

    def close(self) -> None:
        """Remove everything."""
        self._hand.communicate()
        self.listener.close()
        shutil.rmtree(self.root)

    def play(self, scene: str, number: int = 0) -> tuple[list[Played], list[str]]:
        """Run every command in a scene, by its name in `tests.hostile_scenes`; returns what came of them, and files that were changed."""
        for folder, below, files in os.walk(self.root):
            for name in (".", *below, *files):
                if os.geteuid() == 0:
                    os.chown(Path(folder, name), VICTIM, VICTIM, follow_symlinks=False)
        before = self._tree()
        print(scene, number, file=self._hand.stdin, flush=True)
        assert self._hand.stdout.readline() == "done\n"
        text = (self.root / "report").read_text()
        played = [Played(*json.loads(line)) for line in text.splitlines() if line.startswith('["')]
        assert len(played) == len(self._lines), f"{self._lines[len(played)]} has not ended: {text[-3000:]}"
        after = self._tree()
        changed = [name for name, was in before.items() if after.get(name) != was]
        changed += [name for name in after.keys() - before.keys() if not name.startswith(f"{self.lake}/")]
        return played, changed

    def _tree(self) -> dict[str, tuple[int, str]]:
        """Every file but those of the workspace, and of the victim's configuration and temporary files: its mode and content."""
        found = {}
        for place in (self.home, self.root / "outside", self.kept, self.lake):
            for folder, below, files in os.walk(place):
                if (self.lake / ".heron") in (Path(folder), *Path(folder).parents):
                    continue
                for name in (*below, *files):
                    path = Path(folder, name)
                    mode = path.lstat().st_mode
                    content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else ""
                    found[str(path)] = (mode, content)
        found.pop(str(self.lake / ".heron"), None)
        return found


class Hand:
    """The process that plays: it has imported all modules, for another user may not be able to read Python's own files, and forks."""

    def __init__(self, root: Path, port: int, lines: Sequence[str]) -> None:
        self.root, self.port, self.lines = root, port, lines
        self.lake, self.home, self.kept = (root / name for name in ("lake", "home", "kept"))
        self._there = {path.name for path in self.lake.iterdir()}
        self.reads: dict[str, list[tuple[str, str]]] = {}
        """The columns that each command reads where nothing is hostile, once the scene `plain` was played."""

    def play(self, scene: str, number: int) -> None:
        """Play a scene in a fork."""
        from tests import hostile_scenes

        spoil = partial(getattr(hostile_scenes, scene), self, number)
        owner = STRANGER if scene == "foreign" else VICTIM
        report = self.root / "report"
        if not (process := os.fork()):
            try:
                with report.open("w") as stream:
                    self._as_victim(spoil, owner, scene == "plain", stream)
            except BaseException:  # noqa: BLE001 - the process that asked for it shows it
                report.write_text(traceback.format_exc())
            finally:
                os._exit(0)
        os.waitpid(process, 0)
        if scene == "plain":
            tables = _tables(self.kept / "catalog.db")
            for line in report.read_text().splitlines():
                if line.startswith('["'):
                    played = Played(*json.loads(line))
                    self.reads[played.line] = [
                        (table, name) for table, name in played.read if table in tables
                    ]

    def learn(self) -> None:
        """Import what the commands import, and let the workspace have columns."""
        file = self.root / "modules"
        if not (process := os.fork()):
            try:
                os.environ["HERON_CONFIG_DIR"] = str(self.root / "tmp" / "config")
                sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the fork ends
                self._renew(os.geteuid(), 0, lambda folder, number: None)
                self._run("columns rebuild")
                self._run("columns push pushed")
                shutil.rmtree(self.kept)
                shutil.copytree(self.lake / ".heron", self.kept)
                for line in self.lines:
                    self._renew(os.geteuid(), 0, lambda folder, number: None)
                    self._run(line)
                file.write_text(json.dumps(sorted(sys.modules)))
            finally:
                os._exit(0)
        os.waitpid(process, 0)
        for name in json.loads(file.read_text()):
            with suppress(Exception):
                importlib.import_module(name)

    def _as_victim(self, spoil, owner: int, reads: bool, report) -> None:
        deeds: list[str] = []
        is_watched = [False]
        allowed = tuple(str(self.root / name) for name in ("lake", "tmp", "config"))

        def watch(event: str, given: tuple) -> None:
            if not is_watched[0]:
                return
            if (
                event in _LOOKS
                or event in _STARTS[:-1]
                or (event == "subprocess.Popen" and given[0] != sys.executable)
            ):
                deeds.append(f"{event} {given!r:.200}")
            elif (
                event == "open"
                and isinstance(given[0], str | bytes)
                and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            ):
                place = os.path.realpath(os.fsdecode(given[0]))
                if not place.startswith((*allowed, os.devnull)):
                    deeds.append(f"wrote {place}")

        sys.addaudithook(watch)
        if os.geteuid() == 0 and owner != VICTIM:
            (self.lake).chmod(0o777)
        if os.geteuid() == 0:
            os.setgroups([])
        os.environ.update(
            HOME=str(self.home), TMPDIR=str(self.root / "tmp"), HERON_CONFIG_DIR=str(self.root / "config"),
            MY_SECRET=SECRET, HERON_BUSY_SECONDS="0.2",
        )  # fmt: skip
        tempfile.tempdir = None
        columns: set[tuple[str, str]] = set()
        if reads:
            _note_reads(columns)
        for number, line in enumerate(self.lines):
            self._renew(owner, number, spoil)
            faulthandler.dump_traceback_later(SECONDS, exit=True, file=report)
            with _user(VICTIM):
                is_watched[0] = True
                found, said = self._run(line)
                is_watched[0] = False
            faulthandler.cancel_dump_traceback_later()
            report.write(json.dumps([line, found, said[-600:], deeds, sorted(columns)]) + "\n")
            report.flush()
            deeds.clear()
            columns.clear()

    def _renew(self, owner: int, number: int, spoil) -> None:
        heron = self.lake / ".heron"
        for path in self.lake.iterdir():
            if path.name not in self._there:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(self.kept, heron)
        config = self.root / "config"  # what a command consents to is gone before the next
        shutil.rmtree(config, ignore_errors=True)
        config.mkdir()
        spoil(heron, number)
        if os.geteuid() == 0:
            os.chown(config, VICTIM, VICTIM)
            for folder, below, files in os.walk(heron):
                for name in (".", *below, *files):
                    os.chown(Path(folder, name), owner, owner, follow_symlinks=False)

    def _run(self, line: str) -> tuple[int, str]:
        os.chdir(self.lake)
        urls = {"URL": (self.lake / "in").as_uri(), "URL2": (self.lake / "in").as_uri()}
        before = sys.stdin, sys.stdout, sys.stderr
        with (
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            open(os.devnull) as none,
        ):
            sys.stdin, sys.stdout, sys.stderr = none, out, err
            try:
                found = status([urls.get(word, word) for word in shlex.split(line)])
            finally:
                sys.stdin, sys.stdout, sys.stderr = before
            err.seek(0)
            return found, err.read()


@contextmanager
def _user(user: int):
    """Be another user for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _note_reads(columns: set[tuple[str, str]]) -> None:
    """Note which columns the statements of all connections read."""
    connect = sqlite3.connect

    def noting(action, table, column, database, inner):
        if action == sqlite3.SQLITE_READ and database == "main" and column:
            columns.add((table, column))
        return sqlite3.SQLITE_OK

    def connected(*given, **more):
        connection = connect(*given, **more)
        connection.set_authorizer(noting)
        return connection

    sqlite3.connect = connected


def _tables(catalogue: Path) -> set[str]:
    with closing(sqlite3.connect(catalogue)) as raw:
        found = raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        return {name for (name,) in found if not name.startswith(("sqlite_", "text_"))}


class Listener:
    """Hears what is sent to an endpoint of the stranger."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.heard.append(connection.recv(1000))

    def close(self) -> None:
        self._server.close()


def spoil_values(file: Path, changes) -> None:
    """Set columns of a catalogue to values that its constraints and triggers would refuse; rows that keep a table unique stay."""
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute("PRAGMA foreign_keys = OFF")
        triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            raw.execute(f'DROP TRIGGER "{name}"')
        for table, column, value in changes:
            with suppress(sqlite3.IntegrityError):  # as for text in an INTEGER PRIMARY KEY
                raw.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = ?', [value])
        for _, sql in triggers:
            raw.execute(sql)


def serve() -> None:
    """Play the scenes that standard input names."""
    root, port, lines = json.loads(Path(sys.argv[1]).read_text())
    installed.entry_points = cache(installed.entry_points)  # a third of the time of most commands
    hand = Hand(Path(root), port, lines)
    hand.learn()
    print("ready", flush=True)
    for line in sys.stdin:
        scene, number = line.split()
        hand.play(scene, int(number))
        print("done", flush=True)
