"""Transactions of the catalogue: what an error undoes, and who waits for whom when two write."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import closing

import pytest

import heron
from heron.errors import CatalogueBusy, InvalidInput, NotFound
from heron.models import NewItem
from tests.test_catalogue_file import FACTS, file_of, made, new_items, refusal, running

# Transactions


def test_an_error_within_a_transaction_undoes_all_of_it(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        with pytest.raises(RuntimeError), workspace._database.write():
            workspace.folders.create("A")
            workspace.registration.register(new_items(3), "A")
            raise RuntimeError
        assert workspace.folders.list() == []
        workspace.folders.create("A")
        assert workspace.items.count() == 0


def test_an_error_within_an_inner_block_undoes_that_block_alone(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        with workspace._database.write():
            workspace.folders.create("kept")
            with pytest.raises(RuntimeError), workspace._database.write():
                workspace.folders.create("gone")
                raise RuntimeError
        assert [folder.path for folder in workspace.folders.list()] == ["kept"]


def test_nothing_is_written_after_an_error_that_has_ended_the_transaction(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        workspace._database.execute(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON folders WHEN NEW.name = 'bad' "
            "BEGIN SELECT RAISE(ROLLBACK, 'refused'); END"
        )
        with pytest.raises(heron.CatalogueError, match="transaction has ended"), workspace._database.write():
            workspace.folders.create("A")
            with pytest.raises(heron.CatalogueError, match="refused"):
                workspace.folders.create("bad")
            workspace.folders.create("B")
        assert workspace.folders.list() == []


def test_threads_of_one_workspace_write_one_after_the_other(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        threads = [
            threading.Thread(target=workspace.registration.register, args=(new_items(50, start), f"F{start}"))
            for start in range(0, 400, 50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert workspace.items.count() == 400


def test_another_connection_reads_the_state_before_a_transaction_until_it_ends(tmp_path):
    made(tmp_path)
    with heron.open(tmp_path, discover=False) as writer, heron.open(tmp_path, discover=False) as reader:
        with writer._database.write():
            writer.items.delete(writer.items.list())
            assert (writer.items.count(), reader.items.count()) == (0, 10)
        assert reader.items.count() == 0


# Two writers


HOLDER = """
import sys, heron
workspace = heron.open(sys.argv[1], discover=False)
with workspace._database.write():
    workspace.folders.create("of the holder")
    print("ready", flush=True)
    sys.stdin.read()
"""


FOREIGN_HOLDER = """
import sys, sqlite3
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_waits_and_is_then_told_who_holds_the_catalogue(tmp_path, monkeypatch):
    made(tmp_path)
    monkeypatch.setenv("HERON_BUSY_SECONDS", "0.5")
    with running(HOLDER, tmp_path) as holder, heron.open(tmp_path, discover=False) as workspace:
        assert workspace.items.count() == 10
        began = time.monotonic()
        with pytest.raises(CatalogueBusy) as caught:
            workspace.folders.create("B")
        assert 0.4 < time.monotonic() - began < 60
        text = str(caught.value)
        assert f"(process {holder.pid} on " in text
        assert "is being written by a Python program" in text
        assert "HERON_BUSY_SECONDS" in text
        assert len(text.splitlines()) == 1
        holder.stdin.close()
        holder.wait(120)
        workspace.folders.create("B")
        assert [folder.path for folder in workspace.folders.list()] == ["A", "B", "of the holder"]


def test_a_second_writer_goes_on_when_the_first_ends_in_time(tmp_path, monkeypatch):
    made(tmp_path)
    monkeypatch.setenv("HERON_BUSY_SECONDS", "20")
    with running(HOLDER, tmp_path) as holder, heron.open(tmp_path, discover=False) as workspace:
        timer = threading.Timer(0.3, holder.stdin.close)
        timer.start()
        workspace.folders.create("B")
        timer.join()
        assert [folder.path for folder in workspace.folders.list()] == ["A", "B", "of the holder"]


def test_a_foreign_program_is_called_another_program_though_we_wrote_before(tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_BUSY_SECONDS", "0.1")
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.folders.create("A")
        with running(FOREIGN_HOLDER, file_of(tmp_path)), pytest.raises(CatalogueBusy) as caught:
            workspace.folders.create("B")
    assert f"{file_of(tmp_path)} is being written by another program" in str(caught.value)


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", json.dumps({"pid": 2**22 + 1, "command": "heron"})])
def test_a_damaged_or_stale_note_of_the_holder_does_no_harm(tmp_path, monkeypatch, note):
    made(tmp_path)
    monkeypatch.setenv("HERON_BUSY_SECONDS", "0")
    with (
        heron.open(tmp_path, discover=False) as workspace,
        closing(sqlite3.connect(file_of(tmp_path))) as plain,
    ):
        plain.isolation_level = None
        plain.execute("BEGIN IMMEDIATE")
        (tmp_path / ".heron" / "writer.json").write_text(note)
        with pytest.raises(CatalogueBusy, match="another program"):
            workspace.folders.create("B")


def test_no_note_of_the_holder_stays_after_a_transaction(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        note = tmp_path / ".heron" / "writer.json"
        with workspace._database.write():
            assert json.loads(note.read_text())["pid"] == os.getpid()
        assert not note.exists()
        with pytest.raises(InvalidInput):
            workspace.registration.register([NewItem("", FACTS)], "A")
        assert not note.exists()


def test_a_waiting_time_that_is_no_number_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_BUSY_SECONDS", "long")
    assert "HERON_BUSY_SECONDS is 'long'" in refusal(tmp_path, InvalidInput)


def test_verbs_within_atomic_are_kept_together_or_not_at_all(workspace):
    workspace.registration.register([NewItem("file:///a.jpg", FACTS)], "A")
    with workspace.atomic():
        workspace.folders.create("B")
        workspace.items.rename("a.jpg", "b.jpg")
    with pytest.raises(NotFound), workspace.atomic():
        workspace.metadata.replace_all("b.jpg", {"a": 1})
        workspace.folders.create("C")
        workspace.items.rename("nothing", "c.jpg")
    assert [folder.path for folder in workspace.folders.list()] == ["A", "B"]
    assert workspace.items.get("b.jpg").metadata == {}
    assert {entry.verb for entry in workspace.log.list()} >= {"items.rename", "folders.create"}
    assert len(workspace.log.list(verb="items.rename")) == 1
