"""What servers write in `.heron`: never through a link, and notebooks believe no address of another machine."""

import json
import os

import pytest

from heron.errors import CatalogueError
from heron.remote import inside
from heron.showing import SERVING, server_of


@pytest.fixture
def root(tmp_path):
    (tmp_path / ".heron").mkdir()
    (tmp_path / "mine").write_text("mine")
    return tmp_path


def link(path, root):
    path.symlink_to(root / "mine")


def hard_link(path, root):
    os.link(root / "mine", path)


def pipe(path, root):
    os.mkfifo(path)


@pytest.mark.parametrize("kind", [link, hard_link, pipe])
def test_the_note_of_a_server_replaces_what_is_no_file_of_its_own(root, kind):
    note = root / ".heron" / SERVING
    kind(note, root)
    assert server_of(root) is None
    with inside.noted(root, "http://127.0.0.1:1", ["http://localhost"]):
        assert json.loads(note.read_text())["url"] == "http://127.0.0.1:1"
    assert not note.exists()
    assert (root / "mine").read_text() == "mine"


def test_a_note_that_another_server_has_written_meanwhile_stays(root):
    note = root / ".heron" / SERVING
    with inside.noted(root, "http://127.0.0.1:1", []):
        note.unlink()
        link(note, root)
    assert note.is_symlink()


@pytest.mark.parametrize(
    "url",
    [
        "javascript://127.0.0.1:80/%0aalert(1)",
        "http://203.0.113.7:80",
        "http://example.org",
        "file:///etc/passwd",
        "http://127.0.0.1:x",
    ],
)
def test_an_address_elsewhere_is_not_asked(root, url, monkeypatch):
    monkeypatch.setattr("socket.create_connection", lambda *given: pytest.fail("it was asked"))
    monkeypatch.setattr("socket.getaddrinfo", lambda *given: pytest.fail("it was looked up"))
    (root / ".heron" / SERVING).write_text(
        json.dumps({"url": url, "pid": 1, "frame_in": ["http://localhost"]})
    )
    assert server_of(root) is None


def test_bodies_are_not_received_through_a_link(root):
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "1-a").write_text("mine")
    (root / ".heron" / "receiving").symlink_to(root / "elsewhere")
    with pytest.raises(CatalogueError, match="link"):
        inside.receiving(root)
    assert inside.received_before(root) == ()
    (root / ".heron" / "receiving").unlink()
    part = inside.receiving(root)
    part.touch()
    assert inside.received_before(root) == (part,) and part.parent == root / ".heron" / "receiving"
