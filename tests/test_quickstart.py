"""The quickstart runs to its end, opens no connection, and leaves a workspace to play with."""

import socket
import subprocess
import sys

import pytest

import heron
from heron.cli.main import status
from tests.test_catalogue_file import without_override


@pytest.fixture
def no_network(monkeypatch):
    """No connection leaves this machine; the bucket of the tour is in this very process."""
    connect = socket.socket.connect

    def only_here(self, address):
        assert self.family == socket.AF_UNIX or address[0] == "127.0.0.1", f"a connection to {address}"
        return connect(self, address)

    def refuse(host, *arguments, **options):
        raise AssertionError(f"{host} was looked up")

    monkeypatch.setattr(socket.socket, "connect", only_here)
    monkeypatch.setattr(socket, "gethostbyname", refuse)


def test_the_quickstart_goes_through_all_steps_and_can_begin_anew(tmp_path, capsys, no_network):
    place = tmp_path / "two words"
    assert status(["quickstart", str(place)]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("STEP")][-1].startswith("STEP 11")
    assert "No item is like that." not in said, "every search of the tour finds something"
    assert "\n0\n" not in said
    with heron.open(place, discover=False) as workspace:
        assert workspace.items.count() > 40
        assert workspace.datasets.get("nights-1").row_count > 5
        assert [job.failed for job in workspace.imports.list()] == [2, 2, 2, 2]
        assert [job.added for job in workspace.imports.list()] == [47, 0, 47, 47]
        assert workspace.integrations.get("tour").options["secret_access_key"] == "env:HERON_TOUR_SECRET"
        assert list(workspace.metadata.verify()) == []
    assert (place / "nights-1.csv").exists()

    assert status(["quickstart", str(place)]) == 1
    assert "--fresh" in capsys.readouterr().err
    assert status(["quickstart", str(place), "--fresh"]) == 0


def test_without_the_extra_the_quickstart_says_what_is_left_out(tmp_path, capsys, monkeypatch):
    from heron.hooks import registry

    monkeypatch.setattr(registry, "_installed", lambda name: name != "s3fs")
    assert status(["quickstart", str(tmp_path / "tour")]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("STEP")][-1].startswith("STEP 8")
    assert "The steps through a bucket are left out: storage s3 (plugin storage_s3) needs s3fs" in said
    assert 'pip install "heron[s3]"' in said


def test_the_quickstart_never_deletes_a_folder_that_is_not_its_own(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    assert status(["quickstart", str(tmp_path), "--fresh"]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_the_quickstart_stays_out_of_the_workspace_in_use(tmp_path, monkeypatch):
    heron.init(tmp_path / "mine", discover=False).close()
    monkeypatch.setenv("HERON_WORKSPACE", str(tmp_path / "mine"))
    assert status(["quickstart", str(tmp_path / "tour")]) == 0
    with heron.open(tmp_path / "mine", discover=False) as mine:
        assert mine.items.count() == 0
    with heron.open(tmp_path / "tour", discover=False, create=False) as tour:
        assert tour.items.count() > 40


def test_an_interrupted_quickstart_can_begin_anew(tmp_path, monkeypatch, capsys):
    def interrupt(directory):
        raise KeyboardInterrupt

    place = tmp_path / "tour"
    with monkeypatch.context() as patched:
        patched.setattr("heron.quickstart.lake.make_lake", interrupt)
        assert status(["quickstart", str(place)]) == 1
    assert status(["quickstart", str(place)]) == 1
    assert "an earlier quickstart" in capsys.readouterr().err
    assert status(["quickstart", str(place), "--fresh"]) == 0


def test_a_quickstart_where_nothing_can_be_written_is_one_line(tmp_path):
    command = without_override()
    tmp_path.chmod(0o555)
    run = "from heron.cli.main import run; run()"
    done = subprocess.run(
        [*command, sys.executable, "-c", run, "quickstart"], cwd=tmp_path, capture_output=True, text=True
    )
    tmp_path.chmod(0o755)
    assert done.returncode == 1
    assert "no quickstart can be made in heron-quickstart" in done.stderr
    assert len(done.stderr.splitlines()) == 1
