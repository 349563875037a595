"""Failures and warnings of imports name a file once, and as a path."""

import json
import re

import pytest

from heron.cli.main import status
from heron.metadata.sidecars import SUFFIX
from tests.conftest import draw


@pytest.fixture
def lake(workspace):
    return workspace


@pytest.fixture
def odd(lake):
    """A folder whose files all give a failure or a warning."""
    folder = lake.root / "odd files"
    draw(folder / "first.jpg")
    (folder / "twin of it.jpg").write_bytes((folder / "first.jpg").read_bytes())
    (folder / "empty.png").touch()
    (folder / "cut.jpg").write_bytes((folder / "first.jpg").read_bytes()[:300])
    (folder / "what.bin").write_bytes(bytes(range(256)))
    draw(folder / "third.jpg", seed=3)
    (folder / f"third.jpg{SUFFIX}").write_text("{")
    return folder


def test_an_import_names_each_file_once_and_as_a_path(lake, odd, monkeypatch, capsys):
    monkeypatch.chdir(lake.root)
    assert status(["--no-plugins", "import", "odd files", "--folder", "A", "--ignore-errors", "--hash"]) == 3
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if line.startswith("  ")]
    assert len(lines) == 5, said
    assert "file:" not in said and "%20" not in said
    for name in (
        "empty.png",
        "cut.jpg",
        "what.bin",
        f"third.jpg{SUFFIX}",
        "twin of it.jpg",
    ):
        assert said.count(name) == 1, said
    assert re.search(r"twin of it.jpg has the same content as \S+/odd files/first.jpg\n", said)


def test_a_report_has_the_path_in_its_column_and_not_in_the_reason(lake, odd, monkeypatch, capsys):
    monkeypatch.chdir(lake.root)
    status(["--no-plugins", "import", "odd files", "--folder", "A", "--ignore-errors"])
    capsys.readouterr()
    assert status(["--no-plugins", "imports", "report", "1"]) == 0
    said = capsys.readouterr().out
    for name in ("empty.png", "cut.jpg", "what.bin", f"third.jpg{SUFFIX}"):
        assert said.count(name) == 1, said
    assert status(["--no-plugins", "imports", "report", "1", "--json"]) == 0
    reasons = [row["reason"] for row in json.loads(capsys.readouterr().out)["items"]]
    assert any("empty.png is empty" in reason for reason in reasons), "programs get all of it"
