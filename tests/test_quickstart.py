"""The quickstart runs to its end, opens no connection, and leaves a workspace to play with."""

import socket

import pytest

import heron
from heron.cli.main import status


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_quickstart_goes_through_all_steps_and_can_begin_anew(tmp_path, capsys, no_network):
    place = tmp_path / "two words"
    assert status(["quickstart", str(place)]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("STEP")][-1].startswith("STEP 8")
    assert "No item is like that." not in said, "every search of the tour finds something"
    assert "\n0\n" not in said
    with heron.open(place, discover=False) as workspace:
        assert workspace.items.count() > 40
        assert workspace.datasets.get("nights-1").row_count > 5
        assert workspace.imports.list()[0].failed == 2
        assert list(workspace.metadata.verify()) == []
    assert (place / "nights-1.csv").exists()

    assert status(["quickstart", str(place)]) == 1
    assert "--fresh" in capsys.readouterr().err
    assert status(["quickstart", str(place), "--fresh"]) == 0


def test_the_quickstart_never_deletes_a_folder_that_is_not_its_own(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    assert status(["quickstart", str(tmp_path), "--fresh"]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "precious"
