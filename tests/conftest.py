"""What tests share: a workspace, and pictures to import."""

from pathlib import Path

import pytest
from PIL import Image

import heron
from heron.cli.main import status


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """Tests see no workspace and no plugin choice of whoever runs them."""
    for name in ("HERON_WORKSPACE", "HERON_PLUGINS", "HERON_BUSY_SECONDS", "HERON_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def plugins():
    """The plugins of `workspace` beside the built-in ones; a file that needs some has its own fixture of this name."""
    return []


@pytest.fixture
def workspace(tmp_path, plugins):
    """An empty workspace in the folder `lake`.

    A file that wants something in it has a fixture `workspace(workspace)` that adds to this one.
    """
    with heron.open(tmp_path / "lake", plugins=plugins, discover=False) as opened:
        yield opened


def draw(path: Path, size=(64, 48), seed=0, **options) -> Path:
    """A small picture with some structure, different for each seed."""
    image = Image.radial_gradient("L").resize(size).rotate(seed * 7 % 360).convert("RGB")
    image.putpixel((seed % size[0], 0), (seed % 256, 0, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


@pytest.fixture
def pictures(tmp_path):
    """A folder with six JPEGs."""
    for number in range(6):
        draw(tmp_path / "pictures" / f"p{number}.jpg", seed=number)
    return tmp_path / "pictures"


@pytest.fixture(scope="session")
def sample_lake(heron_sample_lake):
    """The files of the quickstart: they are only read, or copied."""
    return heron_sample_lake


@pytest.fixture
def run(lake, monkeypatch, capsys):
    """Run a command in the lake; returns what it printed, an error being one line."""
    monkeypatch.chdir(lake.root)

    def call(*arguments, code=0):
        assert status(["--no-plugins", *arguments]) == code, capsys.readouterr()
        out, err = capsys.readouterr()
        assert code != 1 or (len(err.splitlines()) == 1 and err.startswith("Error: "))
        return err if code else out

    return call
