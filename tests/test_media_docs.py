"""The examples on the pages about kinds, frames and metrics run, line by line, on the sample lake."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

import heron
from heron.cli.exits import DONE, FAILURES
from heron.cli.main import status

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [
    "images", "groups", "video", "audio", "dicom", "nifti", "documents", "keyframes", "metrics", "similarity",
    "embeddings", "curation",
]  # fmt: skip
pytestmark = pytest.mark.slow


def blocks(page, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE
    )


def named_in_examples():
    """The names of files of the sample lake that examples of the docs say."""
    shown = "".join(text for path in DOCS.glob("*.md") for text in blocks(path.stem, "sh"))
    return set(re.findall(r"lake/\S+/([\w-]+(?:\.\w+)+)", shown))


@pytest.fixture(scope="module")
def sample(sample_lake, tmp_path_factory):
    """The sample lake, imported with the plugins that are installed; all pages work in it, one after the other."""
    place = tmp_path_factory.mktemp("imported")
    shutil.copytree(sample_lake, place, dirs_exist_ok=True)
    with heron.open(place) as workspace:
        workspace.schema.add_scalar("event", "varchar")
        workspace.ingest.files([place / "lake"], folder="Lake", ignore_errors=True)
        workspace.ingest.files([place / "views"], folder="Views", batch_as="group")
        again = (
            place / "again"
        )  # with all its extras, the quickstart has most files under a second address too
        again.mkdir()
        for path in [path for path in (place / "lake").rglob("*") if path.name in named_in_examples()]:
            shutil.copyfile(path, again / path.name)
        workspace.ingest.files([again], folder="Again")
        assert len(list(workspace.items.by_name("ferry.avi"))) == 2
    return place


@pytest.fixture
def lake(sample, monkeypatch):
    """The sample as the folder to work in."""
    monkeypatch.chdir(sample)
    monkeypatch.delenv("HERON_WORKSPACE", raising=False)
    return sample


@pytest.mark.parametrize("page", PAGES)
def test_every_example_of_a_page_runs_and_finds_something(page, lake, capsys):
    lines = "".join(blocks(page, "sh")).splitlines()
    assert lines
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "heron"
        fine = (DONE, FAILURES) if "--ignore-errors" in arguments else (DONE,)  # the lake has broken files
        assert status(arguments) in fine, f"{line}\n{capsys.readouterr().err}"
        said = capsys.readouterr().out
        assert said, line
        assert " matches." not in said, line
        if "-o" in arguments:
            assert (lake / arguments[arguments.index("-o") + 1]).exists(), line


@pytest.mark.parametrize("page", ["groups", "keyframes", "similarity", "embeddings", "curation"])
def test_the_python_example_of_a_page_runs(page, lake):
    for code in blocks(page, "python"):
        names = {}
        exec(code, names)
        names["ws"].close()
