"""Runs `heron` for each hostile plugin, in a process of its own with a limit of time, and tells what it has said.

A program: it gets the folder of a lake and a JSON list of runs, and prints a JSON list of their results.
"""

from __future__ import annotations

import json
import os
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


def main() -> None:
    """Run all, one after another."""
    for name in READ:  # so that each process begins with it
        import_module(name)

    os.chdir(sys.argv[1])
    print(json.dumps([_one(**run) for run in json.loads(sys.stdin.read())]))


def _one(arguments: list[str], plugins: str | None) -> dict[str, object]:
    begin = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            _be_heron(arguments, plugins, out.fileno(), err.fileno())
        status: int | None = None
        while time.monotonic() - begin < LONGEST and status is None:
            done, found = os.waitpid(child, os.WNOHANG)
            status = os.waitstatus_to_exitcode(found) if done else None
            time.sleep(0.01)
        if status is None:
            os.kill(child, 9)
            os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return {
            "status": status,
            "out": out.read().decode(errors="replace"),
            "err": err.read().decode(errors="replace"),
            "seconds": time.monotonic() - begin,
        }


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
