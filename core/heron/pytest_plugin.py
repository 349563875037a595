"""Fixtures for tests of plugins; pytest finds them once Heron is installed, and imports nothing of it before they are used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import heron


@pytest.fixture
def heron_workspace(tmp_path: Path) -> Iterator[Callable[..., heron.Workspace]]:
    """Opens a workspace in a new folder with the plugins that are given, and no installed ones: `heron_workspace(my_plugin)`."""
    import heron

    opened: list[heron.Workspace] = []

    def make(*plugins: object, **options: Any) -> heron.Workspace:
        root = tmp_path / f"lake-{len(opened)}"
        root.mkdir()
        opened.append(heron.open(root, plugins=plugins, discover=False, **options))
        return opened[-1]

    yield make
    for workspace in opened:
        workspace.close()


@pytest.fixture
def heron_pictures(tmp_path: Path) -> Callable[..., list[Path]]:
    """Writes PNG files of one colour each: `heron_pictures(red=(255, 0, 0))`; returns their paths."""

    def write(**colours: tuple[int, int, int]) -> list[Path]:
        from PIL import Image

        folder = tmp_path / "pictures"
        folder.mkdir(exist_ok=True)
        paths = [folder / f"{name}.png" for name in colours]
        for path, colour in zip(paths, colours.values(), strict=True):
            Image.new("RGB", (32, 24), colour).save(path)
        return paths

    return write


@pytest.fixture
def heron_cli(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs `heron ARGUMENTS` with all installed plugins, in this process and a new folder; returns status and what was printed."""

    def run(*arguments: str, folder: Path | None = None) -> tuple[int, str]:
        import contextlib
        import io

        from heron.cli.main import status

        with contextlib.chdir(folder or tmp_path), contextlib.redirect_stdout(io.StringIO()) as said:
            found = status([*arguments])
        return found, said.getvalue()

    return run


@pytest.fixture(scope="session")
def heron_sample_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that `heron quickstart` draws, which takes 4 s: once for all workers of pytest-xdist, so they are only read or copied."""

    def draw(place: Path) -> None:
        from heron.quickstart.lake import make_lake

        make_lake(place)

    return _made_once(tmp_path_factory, "sample lake", draw)


@pytest.fixture(scope="session")
def heron_quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace that `heron quickstart` makes with all installed plugins: once for all workers of pytest-xdist; copy it.

    Beside it stand `out.txt` and `err.txt` with what was printed. The quickstart fails if a connection would leave this machine.
    """

    def tour(place: Path) -> None:
        place.mkdir()
        command = [sys.executable, "-c", _WATCHED_QUICKSTART, "quickstart", str(place / "two words")]
        with (place / "out.txt").open("w") as out, (place / "err.txt").open("w") as err:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=600, check=False
            )
        said = (place / "out.txt").read_text()[-2000:] + (place / "err.txt").read_text()
        assert done.returncode == 0, said

    return _made_once(tmp_path_factory, "quickstart", tour) / "two words"


_WATCHED_QUICKSTART = """
import socket, sys

def look(event, given):
    if event in ("socket.connect", "socket.sendto") and given[0].family != socket.AF_UNIX:
        assert given[1][0] == "127.0.0.1", f"{event} {given[1]}"
    if event.startswith(("socket.gethostby", "socket.getaddrinfo")):
        assert given[0] in ("127.0.0.1", "localhost"), f"{event} {given}"

sys.addaudithook(look)
from heron.cli.program import run
run()
"""


def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` writes, made by the first worker that needs it."""
    import fcntl

    base = factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made once"
    place.mkdir(exist_ok=True)
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / name).exists():
            shutil.rmtree(part := place / f"{name}.part", ignore_errors=True)
            make(part)
            part.rename(place / name)
    return place / name
