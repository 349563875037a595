"""A stranger's distribution, installed beside the built wheel, is found and used through the command line."""

import importlib.util
import os
import struct
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from heron.testing import DecoderContract, EmbedderContract, MetadataTypeContract

ROOT = Path(__file__).parent.parent
EXAMPLE = Path(__file__).parent / "third_party"


def farbfeld(width: int, height: int) -> bytes:
    return (
        b"farbfeld"
        + struct.pack(">II", width, height)
        + struct.pack(">4H", 65535, 0, 0, 65535) * (width * height)
    )


@pytest.fixture(scope="session")
def heron_command(tmp_path_factory):
    """A virtual environment of its own with the wheel of Heron and the stranger's; gives its `heron` command."""
    place = tmp_path_factory.mktemp("third-party")
    wheels = place / "wheels"
    for project in (ROOT, EXAMPLE):
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, project],
            check=True,
            capture_output=True,
        )
    # What the wheels need stands in this environment already: a path file lends it, the wheels themselves are installed.
    venv.create(place / "env", with_pip=False, symlinks=True)
    python = place / "env" / "bin" / "python"
    site = next((place / "env" / "lib").glob("python*")) / "site-packages"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--quiet",
            "install",
            "--no-deps",
            "--no-index",
            "--target",
            site,
            *wheels.glob("*.whl"),
        ],
        check=True,
        capture_output=True,
    )
    lent = [path for path in sys.path if path.endswith("site-packages")]
    (site / "lent.pth").write_text("\n".join(lent) + "\n")
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HERON_PLUGINS")
    }

    def run(*arguments, cwd, status=0):
        done = subprocess.run(
            [python, "-c", "from heron.cli.main import run; run()", *arguments],
            cwd=cwd, capture_output=True, text=True, env=environment,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    where = subprocess.run(
        [python, "-c", "import heron; print(heron.__file__)"],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert str(place) in where.stdout, "the wheel is what is tested, not the checkout"
    return run


@pytest.mark.slow
def test_it_is_listed_with_all_that_it_brings(heron_command, tmp_path):
    listed = heron_command("plugins", cwd=tmp_path)
    line = next(line for line in listed.splitlines() if line.startswith("example"))
    assert "heron-example 1.0" in line
    assert "loaded" in line
    for part in ("storage zipped", "decoder farbfeld", "metadata type percent", "embedder mean-colour"):
        assert part in line


@pytest.mark.slow
def test_all_that_it_brings_is_used_through_the_command_line(heron_command, tmp_path):
    (tmp_path / "red.ff").write_bytes(farbfeld(4, 3))
    with zipfile.ZipFile(tmp_path / "lake.zip", "w") as archive:
        archive.writestr("in/inside.ff", farbfeld(5, 2))
        archive.writestr("in/notes.txt", "words\n")

    heron_command("init", cwd=tmp_path)
    heron_command(
        "import", "red.ff", f"zipped://{tmp_path}/lake.zip!/in", "--folder", "A", "--thumbnails", cwd=tmp_path
    )
    found = heron_command("items", cwd=tmp_path)
    assert "red.ff" in found and "4 x 3" in found
    assert "inside.ff" in found and "5 x 2" in found
    assert "notes.txt" in found

    heron_command("schema", "add", "quality", "percent", cwd=tmp_path)
    heron_command("metadata", "merge", "quality=80", "--where", "width = 5", cwd=tmp_path)
    assert heron_command("search", "--where", "quality > 79", "--count", cwd=tmp_path).strip() == "1"
    refused = heron_command("metadata", "merge", "quality=101", "--folder", "A", cwd=tmp_path, status=1)
    assert "expected a number from 0 to 100" in refused

    heron_command("datasets", "create", "D", "--folder", "A", cwd=tmp_path)
    heron_command("datasets", "export", "D", "-o", "out.urls", cwd=tmp_path)
    assert len((tmp_path / "out.urls").read_text().splitlines()) == 3

    heron_command("embed", "--embedder", "mean-colour", cwd=tmp_path)
    assert "mirrored" not in heron_command("duplicates", "--turned", cwd=tmp_path), (
        "the best of equals is named"
    )
    assert "1 group of 2 items" in heron_command("duplicates", "--turned", cwd=tmp_path)

    Image.new("RGB", (8, 8), (250, 10, 20)).save(tmp_path / "p.png")
    assert "mean-colour" in heron_command("--help", cwd=tmp_path)
    assert heron_command("mean-colour", "p.png", cwd=tmp_path).strip() == "250 10 20"


@pytest.mark.slow
def test_without_plugins_it_is_not_there(heron_command, tmp_path):
    assert "example" not in heron_command("--no-plugins", "plugins", cwd=tmp_path)


def example_module():
    if "heron_example" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "heron_example",
            EXAMPLE / "heron_example" / "__init__.py",
            submodule_search_locations=[str(EXAMPLE / "heron_example")],
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules["heron_example"] = module
        spec.loader.exec_module(module)
    return sys.modules["heron_example"]


class TestPercent(MetadataTypeContract):
    metadata_type = next(iter(example_module().register_metadata_types()))
    good = ((0, 0.0), (99.5, 99.5))
    ascending = (0, 9, 10, 99.5)
    bad = (-1, 101, "50", True)


class TestMeanColour(EmbedderContract):
    embedder = next(iter(example_module().register_embedders()))


class TestFarbfeld(DecoderContract):
    decoder = next(iter(example_module().register_decoders()))

    @pytest.fixture
    def good_files(self, tmp_path):
        path = tmp_path / "a.ff"
        path.write_bytes(farbfeld(6, 5))
        return {path: {"width": 6, "height": 5}}
