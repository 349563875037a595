"""Records: hashable, equal by what identifies them, shown in one short line, and as pictures in notebooks."""

from __future__ import annotations

import copy
import pickle
from html.parser import HTMLParser

import attrs
import numpy as np
import pytest
from PIL import Image

import heron
from heron.curation.points import Points
from heron.models import DatasetRow, Match, MediaFacts, Member, NewItem, Query
from heron.pages import Page
from heron.records import MOST, Record

NASTY = "<script>alert('x')</script>"


@pytest.fixture
def workspace(workspace, tmp_path):
    picture = tmp_path / "photo.jpg"
    Image.new("RGB", (1920, 1080), "red").save(picture)
    workspace.ingest.files(picture, folder="Photos", thumbnails=True)
    facts = MediaFacts("video", "video/mp4", 1280, 720, frame_count=9)
    new = [NewItem("s3://lake/b.mp4", facts, NASTY, metadata={NASTY: NASTY})]
    workspace.registration.register(new, "x" * 300 + "/" + NASTY.replace("/", "|"))
    workspace.frames.add(workspace.items.get(NASTY), [(0, 0.25, True)])
    return workspace


@pytest.fixture
def photo(workspace):
    return workspace.items.get("photo.jpg")


def every_record(workspace):
    """One of each record that a user meets."""
    photo, video = workspace.items.list()
    workspace.schema.add_embedding("look", 2)
    kept = workspace.vectors.add("look", [photo, video], [[1, 2], [1, 2.01]])
    yield from (photo, video, video.facts, workspace.frames.get(video, 0), kept)
    yield from workspace.folders.list()
    yield workspace.folders.contents("Photos")
    yield workspace.collections.create("t" * 300, items=photo)
    yield (dataset := workspace.datasets.create("d" * 300, items=[photo, video]))
    yield from workspace.datasets.rows(dataset)
    query = Query(where="x = '" + "y" * 999 + "'", like=[[0.5] * 512])
    yield from (query, workspace.presets.create("p" * 300, query))
    yield workspace.integrations.create("i" * 300, "local", {})
    job = workspace.imports.list()[0]
    yield from (job, workspace.imports.report(job))
    yield from (workspace.search(), workspace.search(like=photo), workspace.search.explain(like=photo))
    yield workspace.curation.near_duplicates("look", 0.9)
    yield workspace.curation.uniqueness("look")
    yield workspace.curation.diverse("look", 1)
    yield workspace.curation.exact_duplicates()
    yield workspace.curation.leakage(dataset, dataset, "look")
    yield from workspace.vectors.status()
    yield from workspace.metadata.verify()
    yield workspace.collections.match_names(["a"] * 99)
    yield Points([], [], [], np.zeros((0, 2), np.float32))
    yield Points(["u"] * 3, ["n"] * 3, [None] * 3, np.zeros((3, 2), np.float32))
    yield from (Match(0.5), Member("s3://" + "m" * 5000), NewItem("s3://" + "m" * 5000, video.facts))


def test_every_record_is_shown_in_one_short_line(workspace):
    for record in every_record(workspace):
        text = repr(record)
        assert len(text) <= MOST, text
        assert text.startswith(f"<{type(record).__name__}") and text.endswith(">"), text
        assert text.isprintable(), text


def test_the_line_of_an_item_says_what_it_is_and_how_to_get_it(workspace, photo):
    assert repr(photo) == f"<Item photo.jpg image 1920x1080 in Photos, {photo.uuid}>"
    video = workspace.items.get(NASTY)
    assert video.uuid in repr(video)
    assert repr(workspace.search()).startswith("<Page 2 rows: photo.jpg, ")
    assert repr(workspace.search(limit=1)) == "<Page 1+ rows: photo.jpg>"


def test_every_record_is_hashable(workspace):
    assert len(set(every_record(workspace))) > 20


def test_lines_are_short_for_records_at_their_longest(photo):
    long = attrs.evolve(
        photo, name="n" * 300, folder_path="p/" * 100,
        facts=MediaFacts("image_sequence", "x/y", 10**6, 10**6), metadata={"k": "v" * 10**5},
    )  # fmt: skip
    assert len(repr(long)) <= MOST and long.uuid in repr(long)


def test_records_are_equal_and_hashed_by_their_uuid(workspace, photo):
    again = workspace.items.get(photo)
    workspace.metadata.merge_all(photo, {"a": 1})
    changed = workspace.items.get(photo)
    assert photo == again == changed and len({photo, again, changed}) == 1
    assert photo != workspace.items.get(NASTY) and photo != photo.uuid and photo is not None
    frame = workspace.frames.get(NASTY, 0)
    assert {frame: 1}[workspace.frames.set_metadata(NASTY, 0, {"b": 2})] == 1
    assert len({workspace.folders.get("Photos"), workspace.folders.get("photos".title())}) == 1
    assert {workspace.imports.list()[0], DatasetRow(0, photo), DatasetRow(0, changed), Query(words="x")}
    assert pickle.loads(pickle.dumps(photo)) == copy.copy(photo) == photo


def test_all_public_records_of_the_package_are_shown_in_short():
    for name in heron.__all__:
        kind = getattr(heron, name)
        if isinstance(kind, type) and attrs.has(kind) and kind.__module__ in ("heron.models", "heron.jobs"):
            assert issubclass(kind, Record), name


def test_a_page_is_a_sequence(workspace):
    page = workspace.search()
    first, second = page
    assert (
        page[0] == first and page[-1] == second and len(page) == 2 and list(reversed(page)) == [second, first]
    )
    assert first in page and page.index(second) == 1 and page.count(first) == 1
    assert isinstance(page[:1], Page) and list(page[1:]) == [second] and page[:1].cursor is None
    with pytest.raises(IndexError):
        page[2]
    assert not Page([]) and page[2:] == Page(())
    workspace.schema.add_embedding("look", 2)
    workspace.vectors.add("look", page, [[1, 2], [3, 1]])
    similar = workspace.search(like=[[1, 1]])
    assert len(similar.matches) == 2
    assert [match.score for match in similar[1:].matches] == [similar.matches[1].score]


class Tags(HTMLParser):
    """The tags, and the sources of pictures, of some HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.pictures, self.text = set(), [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.pictures.extend(value for name, value in attrs if name == "src")

    def handle_data(self, data):
        self.text += data


def test_notebooks_show_stored_thumbnails_and_escape_every_text(workspace, photo):
    for html in (workspace.search()._repr_html_(), workspace.items.get(NASTY)._repr_html_()):
        seen = Tags(html)
        assert "script" not in seen.tags and NASTY in seen.text
    page = Tags(workspace.search()._repr_html_())
    assert len(page.pictures) == 1, "the video has no thumbnail"
    assert page.pictures[0].startswith("data:image/jpeg;base64,") and "2 rows" in page.text
    assert Tags(photo._repr_html_()).pictures == page.pictures
    workspace.close()
    assert Tags(photo._repr_html_()).pictures == []


def test_notebooks_show_frames_rows_of_datasets_and_scores(workspace, photo):
    assert "frame 0" in workspace.search.frames()._repr_html_()
    rows = Page(workspace.datasets.rows(workspace.datasets.create("d", items=photo)))
    assert "photo.jpg" in rows._repr_html_() and "data:image" in rows._repr_html_()
    workspace.schema.add_embedding("look", 2)
    workspace.vectors.add("look", photo, [1, 2])
    assert "1.000" in workspace.search(like=[[1, 2]])._repr_html_()
    assert "7" in Page([7])._repr_html_()
    many = Page([photo] * 60, cursor="x")._repr_html_()
    assert "60 rows, 12 not shown, more follow" in many
