"""How sure the hits of a text are: a text that means something stands out, one without meaning does not, and auto cuts."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import heron
from heron.errors import QueryError
from heron.search import sureness
from heron.search.asked import SURE
from heron.search.sureness import TEXTS, Scale
from tests.toy_vectors import COLOURS, Colours

SIZE = 24


def noise(text, strength):
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(SIZE) * strength


class Model:
    """Turns pictures into the direction of their colour, texts into that of the colour they name, and others anywhere."""

    size = SIZE
    revision = "1"

    def __init__(self):
        self.texts = 0

    def embed_images(self, images):
        return np.array([self._of(image) for image in images], np.float32).reshape(-1, SIZE)

    def _of(self, image):
        colour = image.getpixel((4, 4))
        nearest = min(
            COLOURS, key=lambda name: sum(abs(a - b) for a, b in zip(COLOURS[name], colour, strict=True))
        )
        return np.eye(SIZE)[list(COLOURS).index(nearest)] + noise(str(image.tobytes()), 0.1)

    def embed_texts(self, texts):
        self.texts += len(texts)
        vectors = [
            sum(
                (np.eye(SIZE)[list(COLOURS).index(word)] for word in text.split() if word in COLOURS),
                noise(text, 0.15),
            )
            for text in texts
        ]
        return np.array(vectors, np.float32).reshape(-1, SIZE)


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def plugins(model):
    return [Colours(model, size=SIZE)]


@pytest.fixture
def lake(workspace, tmp_path):
    """Sixty pictures of three colours, of which every third is red."""
    (tmp_path / "files").mkdir()
    for number in range(60):
        name = ("red", "green", "blue")[number % 3]
        picture = Image.new("RGB", (8, 8), COLOURS[name])
        picture.putpixel((0, 0), (number, 0, 0))
        picture.save(tmp_path / "files" / f"{name}{number:02}.png")
    workspace.ingest.files([tmp_path / "files"], folder="Lake")
    workspace.embed("colour")
    return workspace


def test_hits_of_a_text_that_means_something_are_sure_and_others_are_not(lake):
    page = lake.search("red", limit=25)
    assert [match.sure >= SURE for match in page.matches] == [True] * 20 + [False] * 5
    assert max(match.sure for match in page.matches[20:]) < 0.5
    assert page.notes == ()
    nonsense = lake.search("xyzzy")
    assert max(match.sure for match in nonsense.matches) < SURE
    [note] = nonsense.notes
    assert note.startswith(f"No hit is sure (the best {nonsense.matches[0].sure:.2f})")
    assert lake.search.window("red", start=0, limit=3).matches == page.matches[:3]
    assert lake.search.window("xyzzy").notes == (note,)
    assert lake.search.window("xyzzy", start=1).notes == ()
    assert {match.sure for match in lake.search("red", sort="name", nearest=20).matches} <= {
        match.sure for match in page.matches[:20]
    }


def test_a_least_sureness_cuts_pages_counts_and_facets_alike(lake):
    query = {"text": "red", "min_sure": SURE}
    assert (
        len(lake.search(**query)) == lake.search.count(**query) == len(list(lake.search.all(**query))) == 20
    )
    first = lake.search(**query, limit=15)
    assert len(lake.search(**query, limit=15, cursor=first.cursor)) == 5
    [facet] = lake.facets("kind", heron.Query(**query))
    assert [(bucket.value, bucket.count) for bucket in facet.buckets] == [("image", 20)]
    assert lake.search("xyzzy", min_sure=SURE).rows == ()
    assert lake.search.count("red", min_sure=SURE, min_score=0.999) < 20
    lake.presets.create("Red", heron.Query(**query))
    assert lake.search.count(lake.presets.get("Red").query) == 20


def test_nothing_is_said_of_few_vectors_of_examples_and_without_the_embedder(lake):
    for item in list(lake.items.list())[:11]:
        lake.items.delete(item)
    assert {match.sure for match in lake.search("red").matches} == {None}
    with pytest.raises(QueryError, match="at least 50 different vectors are needed"):
        lake.search("red", min_sure=SURE)
    assert {match.sure for match in lake.search(like="red57.png").matches} == {None}
    for wrong, reason in (
        ({"like": "red57.png", "min_sure": 0.7}, "of a text alone"),
        ({"text": "red", "min_sure": 1.0}, "min_sure is 1.0, a share from 0.01 to 0.99"),
        ({"text": "red", "min_sure": float("nan")}, "min_sure is nan"),
        ({"min_sure": 0.7}, "min_sure needs a text"),
    ):
        with pytest.raises(QueryError, match=reason):
            lake.search(**wrong)


def test_the_command_shows_it_and_auto_cuts(lake, run, monkeypatch):
    monkeypatch.setattr("heron.cli.context.Context.workspace", lambda context: lake)
    lines = run("search", "red", "--limit", "2").splitlines()
    assert lines[0].split()[:3] == ["name", "score", "sure"]
    assert lines[1].split()[2] == "0.99"
    told = json.loads(run("search", "red", "--min-score", "auto", "--limit", "1", "--json"))
    assert told["items"][0]["sure"] == 0.99
    assert run("search", "red", "--min-score", "auto", "--count").strip() == "20"
    nothing = run("search", "xyzzy", "--min-score", "auto")
    assert nothing.startswith("No item matches. The best score is") and " sure." in nothing
    assert "is neither a number nor auto" in run("search", "red", "--min-score", "high", code=2)
    assert "of a text alone" in run("search", "--like", "red57.png", "--min-score", "auto", code=1)


def test_texts_without_meaning_are_embedded_once_and_again_when_their_file_is_damaged(lake, model, plugins):
    lake.search("red")
    [file] = (lake.root / ".heron" / "vectors").glob("*.texts")
    whole, before = file.read_bytes(), model.texts
    lake.search("green")
    assert model.texts == before + 1

    def fresh():
        with heron.open(lake.root, plugins=plugins, discover=False) as again:
            return again.search("red").matches[0].sure

    sure = lake.search("red").matches[0].sure
    before = model.texts
    assert fresh() == sure and model.texts == before + 1
    for damaged in (whole[:-1], whole[:80] + b"x" + whole[81:], b""):
        file.write_bytes(damaged)
        before = model.texts
        assert fresh() == sure
        assert model.texts == before + 1 + len(TEXTS) and file.read_bytes() == whole


def test_an_embedder_that_gives_every_text_the_same_says_nothing(lake, model):
    model.embed_texts = lambda texts: np.ones((len(texts), SIZE), np.float32)
    assert {match.sure for match in lake.search("red").matches} == {None}


def test_a_sample_tells_about_the_same_as_the_whole(lake, monkeypatch):
    whole = [lake.search(text).matches[0].sure for text in ("red", "xyzzy")]
    monkeypatch.setattr(sureness, "_SAMPLE", 30)
    lake._similar.sureness._known.clear()
    sampled = [lake.search(text).matches[0].sure for text in ("red", "xyzzy")]
    [background] = lake._similar.sureness._known.values()
    assert len(background.sample) == 30
    assert sampled == pytest.approx(whole, abs=0.3)


@given(
    st.floats(-0.5, 0.5), st.floats(0, 0.5), st.floats(0.001, 0.3), st.integers(1, 99).map(lambda n: n / 100)
)
def test_the_least_score_is_where_sureness_begins(median, place, width, sure):
    scale = Scale(median, place, width)
    least = scale.least(sure)
    assert scale.of(least + 1e-6) >= sure
    assert scale.of(least - width) <= sure
    assert 0 <= scale.of(-9) <= scale.of(least) <= scale.of(9) == 0.99
