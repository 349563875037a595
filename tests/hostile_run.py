"""Runs `heron` for each hostile plugin, in a process of its own with a limit of time, and tells what it has said.

A program: it gets the folder of a lake and a JSON list of runs, and prints a JSON list of their results.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

READ = (
    "heron.cli.main",
    "heron.cli.collecting",
    "heron.workspace",
    "heron.ingest.runner",
    "heron.ingest.landing",
    "heron.embedding.service",
    "heron.search.service",
    "heron.search.parse",
    "heron.search.sqlite_engine",
    "heron.search.similar",
    "heron.export.writing",
    "heron.pictures.service",
    "heron.storage.service",
    "heron.catalog.registration",
    "heron.media.pillow",
    "heron.vectors.space",
    "PIL.PngImagePlugin",
    "heron.opening",
    "heron.hooks.manager",
    "heron.executors.opening",
    "heron.metadata.types",
    "heron.metadata.codecs",
)
"""The modules that most commands read."""

LONGEST = 90
"""The seconds after which a command counts as one that hangs."""


AT_ONCE = 3
"""Most commands that run side by side: most of their time they wait for the limit of a call."""


def main() -> None:
    """Run those that make the lake one after another, and then the others side by side, each on a copy of it."""
    for name in READ:  # so that each process begins with it
        import_module(name)
    lake, runs = Path(sys.argv[1]), json.loads(sys.stdin.read())
    going: list[_Run] = []
    made: list[_Run] = []
    with tempfile.TemporaryDirectory() as copies:
        for number, run in enumerate(runs):
            place = lake
            if not run.pop("makes"):
                place = Path(copies) / str(number)
                shutil.copytree(lake, place, symlinks=True)
            made.append(_Run(place, **run))
            going.append(made[-1])
            while len(going) >= (1 if place is lake else AT_ONCE):
                going = [each for each in going if not each.has_ended()]
                time.sleep(0.01)
        while going := [each for each in going if not each.has_ended()]:
            time.sleep(0.01)
    print(json.dumps([each.told() for each in made]))


class _Run:
    """One command in a process of its own."""

    def __init__(self, place: Path, arguments: list[str], plugins: str | None) -> None:
        self.begin, self.status, self.seconds = time.monotonic(), None, 0.0
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed when told
        self.child = os.fork()
        if not self.child:
            os.chdir(place)
            _be_heron(arguments, plugins, self.out.fileno(), self.err.fileno())

    def has_ended(self) -> bool:
        """Whether the command has ended; one that runs for too long is ended, and has no status."""
        done, found = os.waitpid(self.child, os.WNOHANG)
        self.seconds = time.monotonic() - self.begin
        if done:
            self.status = os.waitstatus_to_exitcode(found)
        elif self.seconds > LONGEST:
            os.kill(self.child, 9)
            os.waitpid(self.child, 0)
            return True
        return bool(done)

    def told(self) -> dict[str, object]:
        """What it has said."""
        said = []
        for stream in (self.out, self.err):
            stream.seek(0)
            said.append(stream.read().decode(errors="replace"))
            stream.close()
        return {"status": self.status, "out": said[0], "err": said[1], "seconds": self.seconds}


def _be_heron(arguments: list[str], plugins: str | None, out: int, err: int) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.pop("HERON_PLUGINS", None)
    if plugins is not None:
        os.environ["HERON_PLUGINS"] = plugins
    sys.argv = ["heron", *arguments]
    status = 1
    try:
        from heron.cli.program import run

        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - it is told
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


if __name__ == "__main__":
    assert Path(sys.argv[1]).is_dir()
    main()
