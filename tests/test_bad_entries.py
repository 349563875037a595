"""One entry of a folder that cannot be read fails alone; imports, syncs and manifests continue with the others."""

import json
import os
import socket
from pathlib import Path

import pytest

import heron
from heron.errors import ImportAborted
from heron.storage.local_files import walk
from tests.conftest import draw


def _link_to_nothing(folder):
    (folder / "bad.png").symlink_to("nowhere.png")


def _loop(folder):
    (folder / "bad.png").symlink_to("bad.png")


def _pipe(folder):
    os.mkfifo(folder / "bad.png")


def _socket(folder):
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(folder)
        made.bind("bad.png")
        os.chdir(here)


def _not_utf8(folder):
    draw(folder / "x.png").rename(os.fsdecode(os.fsencode(folder) + b"/bad\xff.png"))


BAD = [_link_to_nothing, _loop, _pipe, _socket, _not_utf8]


@pytest.fixture(params=BAD, ids=lambda make: make.__name__)
def folder(request, tmp_path):
    """A folder with three pictures and one bad entry beside them."""
    for number in range(2):
        draw(tmp_path / "lo" / f"p{number}.png", seed=number)
    draw(tmp_path / "lo" / "sub" / "p2.png", seed=2)
    request.param(tmp_path / "lo")
    return tmp_path / "lo"


NAMES = ["p0.png", "p1.png", "p2.png"]


def test_an_import_names_it_and_lands_the_rest(workspace, folder):
    report = workspace.ingest.files([folder], folder="P", ignore_errors=True)
    assert sorted(item.name for item in workspace.items.list(folder="P")) == NAMES
    (problem,) = workspace.imports.problems(report.job)
    assert "bad" in problem.place and problem.reason


def test_a_strict_import_stops_with_its_sentence(workspace, folder):
    with pytest.raises(ImportAborted, match="bad"):
        workspace.ingest.files([folder], folder="P")


def test_a_sync_names_it_and_lands_the_rest(workspace, folder):
    workspace.ingest.follow("S", str(folder))
    workspace.ingest.sync("S")
    assert sorted(item.name for item in workspace.items.list(folder="S")) == NAMES


def test_a_manifest_leaves_it_out(workspace, folder, tmp_path):
    report = workspace.ingest.write_manifest(str(folder), tmp_path / "m.json")
    assert len(json.loads((tmp_path / "m.json").read_text())["images"]) == 3
    (problem,) = report.problems
    assert "bad" in problem.reason


def test_a_sidecar_that_is_a_pipe_is_not_waited_for(workspace, tmp_path):
    draw(tmp_path / "lo" / "p.png")
    os.mkfifo(tmp_path / "lo" / "p.png.metadata.json")
    with pytest.raises(heron.HeronError, match="not a regular file"):
        workspace.ingest.files([tmp_path / "lo"], folder="P")


def test_links_to_folders_are_followed_and_each_folder_is_visited_once(tmp_path):
    for name in ("real/a", "real/sub/b", "lake/z/c", "lake/d"):
        draw(tmp_path / f"{name}.png")
    for link, target in {"a": "z", "loop": ".", "up": "..", "other": "../real", "again": "../real"}.items():
        (tmp_path / "lake" / link).symlink_to(target)
    (tmp_path / "lake" / "z" / "back").symlink_to("../../lake")
    found = [
        str((folder / name).relative_to(tmp_path))
        for folder, names in walk(tmp_path / "lake")
        for name in names
    ]
    assert found == ["lake/d.png", "lake/z/c.png", "lake/again/a.png", "lake/again/sub/b.png"]
