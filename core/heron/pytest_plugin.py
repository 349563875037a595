"""Fixtures for tests of plugins; pytest finds them once Heron is installed, and imports nothing of it before they are used."""

from __future__ import annotations

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
