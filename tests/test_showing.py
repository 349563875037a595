"""`ws.show`: what a notebook gets of a query, with a server and without."""

from __future__ import annotations

import json
import socket
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

import heron


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    root = tmp_path_factory.mktemp("shown")
    for number in range(3):
        Image.new("RGB", (40, 30), (80 * number, 40, 90)).save(root / f"<b>{number}.png")
    with heron.open(root, discover=False) as workspace:
        workspace.ingest.files([root], folder="All", thumbnails=True)
        yield workspace


@pytest.fixture
def serves(lake):
    """Lets a server say that it serves the lake: a socket that listens, and the note of `heron serve`."""
    note = lake.root / ".heron" / "server.json"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def begin(*origins):
            note.write_text(json.dumps({"url": url, "pid": 1, "frame_in": list(origins)}))
            return url

        yield begin
    note.unlink(missing_ok=True)


class Elements(HTMLParser):
    """The elements of a text, by name, with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.setdefault(tag, []).append(dict(attrs))


def shown(what):
    return Elements(what._repr_mimebundle_()["text/html"]).found


def test_without_a_server_pictures_are_shown(lake):
    found = lake.show(where="width = 40", limit=2)
    elements = shown(found)
    assert len(elements["img"]) == 2 and "iframe" not in elements and "b" not in elements
    assert elements["img"][0]["src"].startswith("data:image/jpeg;base64,")
    assert found._repr_mimebundle_(exclude={"text/html"}) == {"text/plain": repr(found)}


def test_a_server_that_allows_it_is_shown_in_a_frame(lake, serves):
    url = serves("http://localhost:8888")
    found = lake.show(where="name = '<b>0.png'", sort="-size", folder="All", height=300)
    (frame,) = shown(found)["iframe"]
    address = urlsplit(frame["src"])
    assert f"{address.scheme}://{address.netloc}" == url and address.path == "/explore/"
    assert parse_qs(address.query) == {
        "where": ["name = '<b>0.png'"],
        "sort": ["-size"],
        "in": ["folder:All"],
    }
    assert "height:300px" in frame["style"]


def test_a_server_that_does_not_allow_it_is_linked(lake, serves):
    url = serves()
    elements = shown(lake.show())
    assert "iframe" not in elements and len(elements["img"]) == 3
    assert elements["a"][0]["href"] == f"{url}/explore/"


def test_what_the_page_cannot_say_is_shown_as_pictures(lake, serves):
    serves("http://localhost:8888")
    first, second = lake.items.list(limit=2)
    lake.embed("visual")
    assert shown(lake.show(like=first))["iframe"][0]["src"].endswith(f"like={first.uuid}")
    assert "iframe" not in shown(lake.show(like=[first, second]))


@pytest.mark.parametrize("note", ["", "[]", '{"url": 3}', '{"url": "http://127.0.0.1:1", "frame_in": ["x"]}'])
def test_a_server_that_is_gone_is_no_server(lake, note):
    path = lake.root / ".heron" / "server.json"
    path.write_text(note)
    assert lake.show().address is None
    path.unlink()


def test_a_fault_in_the_condition_is_told_at_once(lake):
    with pytest.raises(heron.QueryError):
        lake.show(where="width >")


@pytest.mark.slow
def test_a_real_notebook_shows_pictures_and_says_a_fault_in_one_sentence(lake, serves):
    """The cells run in a kernel of Jupyter."""
    pytest.importorskip("ipykernel")
    v4 = pytest.importorskip("nbformat").v4
    client = pytest.importorskip("nbclient").NotebookClient
    cells = [f"import heron\nws = heron.open({str(lake.root)!r})", "ws.show()", "ws.show(where='nme = 1')"]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    client(notebook, timeout=300, allow_errors=True, kernel_name="python3").execute()
    (pictures,), (fault,) = (cell.outputs for cell in notebook.cells[1:])
    assert [one["src"][:10] for one in Elements(pictures.data["text/html"]).found["img"]] == [
        "data:image"
    ] * 3
    assert (fault.ename, fault.evalue) == ("QueryError", "there is no field 'nme' (did you mean name?)")
