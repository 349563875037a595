"""Embedding and pictures of items whose store does not answer: counted, told by the exit status, taken by the next run."""

import json

import pytest

import heron
from heron.cli.context import Context
from heron.cli.main import status
from tests.conftest import draw
from tests.memory_storage import Lake, LakePlugin


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_PATIENCE", "0")
    monkeypatch.setenv("HERON_RETRIES", "0")
    lake = Lake()
    for number in range(4):
        lake.put(f"mem://b/{number}.png", draw(tmp_path / f"{number}.png", seed=number).read_bytes())
    plugins = [LakePlugin(lake)]
    with heron.open(tmp_path / "ws", plugins=plugins) as opened:
        opened.ingest.files(["mem://b/"], folder="F")
    monkeypatch.setattr(Context, "workspace", lambda self: heron.open(tmp_path / "ws", plugins=plugins))
    return lake


@pytest.mark.parametrize("command", [["embed", "--embedder", "visual"], ["thumbnails", "--folder", "F"]])
def test_what_a_store_does_not_answer_for_is_taken_by_the_same_command(lake, command, capsys, monkeypatch):
    capsys.readouterr()
    ask = lake.ask

    def silent(what, *about):
        raise heron.Unreachable("mem://b cannot be reached: connection refused")

    monkeypatch.setattr(lake, "ask", silent)
    assert status([*command, "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert (told["failed"], told["unreachable"]) == (4, 4)
    assert status(command) == 4
    assert "4 items could not be reached: the same command again takes those." in capsys.readouterr().out
    monkeypatch.setattr(lake, "ask", ask)
    assert status(command) == 0
    assert "could not be reached" not in capsys.readouterr().out


@pytest.mark.parametrize("command", [["embed", "--embedder", "visual"], ["thumbnails", "--folder", "F"]])
def test_a_file_that_is_gone_has_failed_for_good(lake, command, capsys):
    del lake.buckets["b"]["0.png"]
    assert status(command) == 3
    assert "could not be reached" not in capsys.readouterr().out
