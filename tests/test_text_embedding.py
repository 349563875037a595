"""Embedders of texts: what they read of items, how long texts are cut, and what is found by them."""

from __future__ import annotations

import re
import zlib

import numpy as np
import pytest
from PIL import Image

import heron
from heron.errors import PluginError
from heron.hooks import PluginManager
from heron.models import NewItem, Query
from tests.toy_stacks import ToyStacks, slices
from tests.toy_vectors import ColourModel

SIZE = 64


class WordModel:
    """Embeds a text as the counts of its words; `longest` is how many words it reads."""

    size = SIZE
    revision = "words 1"

    def __init__(self, longest=None):
        self.longest = longest
        self.seen = []
        self.fails_at = None
        if longest is not None:
            self.fits = lambda texts: [len(text.split()) <= longest for text in texts]

    def embed_texts(self, texts):
        if self.fails_at is not None and any(self.fails_at in text for text in texts):
            raise ValueError(f"it knows no {self.fails_at}")
        self.seen += texts
        made = np.zeros((len(texts), self.size), np.float32)
        for vector, text in zip(made, texts, strict=True):
            for word in text.lower().split():
                vector[place(word)] += 1
        return made


class BothModel(WordModel, ColourModel):
    """The same space for colours: the first three numbers."""

    def __init__(self):
        WordModel.__init__(self)
        ColourModel.__init__(self)
        self.seen = []
        self.size = SIZE

    def embed_images(self, images):
        means = [np.asarray(image.convert("RGB"), np.float32).mean((0, 1)) / 255 for image in images]
        return np.pad(np.array(means, np.float32).reshape(-1, 3), ((0, 0), (0, SIZE - 3)))


class Words:
    """The plugin that brings it."""

    def __init__(self, model, **record):
        self.model = model
        self.record = {"embeds": ["text"], "size": SIZE, "batch": 4, **record}

    @heron.hookimpl
    def register_embedders(self):
        yield heron.EmbedderModel(
            name="words", summary="counts of words", load=lambda: self.model, **self.record
        )


def place(word):
    return zlib.crc32(word.encode()) % SIZE


NOTES = {
    "ferry.txt": "the ferry leaves the harbour",
    "train.md": "# trains\n\nthe night train to oslo",
    "empty.txt": " \n ",
}


def lake_of(tmp_path, model, also=(), **record):
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    Image.new("RGB", (8, 6), "red").save(folder / "red.png")
    lake = heron.open(tmp_path / "lake", plugins=[Words(model, **record), *also], discover=False)
    lake.ingest.files([folder], folder="A")
    return lake


def write(lake, tmp_path, name, text):
    (tmp_path / "in" / name).write_text(text)
    lake.ingest.files([tmp_path / "in" / name], folder="A")
    return lake.items.get(name)


def test_items_with_text_get_vectors_of_their_text(tmp_path):
    model = WordModel()
    with lake_of(tmp_path, model) as lake:
        told = []
        report = lake.embed("words", progress=told.append)
        assert (report.embedded, report.texts, report.without_text, report.failed) == (2, 2, 1, 0)
        assert told[-1] == 3  # the picture is of no kind with text
        assert sorted(model.seen) == ["# trains\n\nthe night train to oslo", "the ferry leaves the harbour"]
        assert lake.vectors.get("words", "ferry.txt")[place("ferry")] == 1
        again = lake.embed("words")
        assert (again.embedded, again.skipped, len(model.seen)) == (0, 2, 2)
        assert [item.name for item in lake.search(text="a train", limit=1)] == ["train.md"]
        assert lake.search(like="ferry.txt", key="words")[0].name == "train.md"
        assert lake.embed("words", ["red.png"]).without_text == 1


def test_a_changed_text_and_other_passages_are_embedded_again(tmp_path):
    model = WordModel()
    with lake_of(tmp_path, model) as lake:
        lake.embed("words")
        (tmp_path / "in" / "ferry.txt").write_text("the bus is late")
        item = lake.items.get("ferry.txt")
        lake.registration._refresh([(item.id, NewItem(item.url, item.facts, etag="another"))])
        assert (lake.embed("words").embedded, lake.embed("words").skipped) == (1, 2)
        assert lake.vectors.get("words", "ferry.txt")[place("bus")] == 1
    with heron.open(tmp_path / "lake", plugins=[Words(model, text_size=500)], discover=False) as lake:
        assert lake.embed("words").embedded == 2


def test_a_long_text_has_the_mean_of_its_passages_and_the_report_says_so(tmp_path):
    model = WordModel()
    with lake_of(tmp_path, model, text_size=40, text_overlap=0) as lake:
        long = write(lake, tmp_path, "long.txt", "ferry harbour boat quay " * 50 + "the last word is zebra")
        report = lake.embed("words", [long])
        passages = [text for text in model.seen if "ferry" in text or "zebra" in text]
        assert (report.embedded, report.texts) == (1, 1)
        assert report.notes == (
            "1 text is longer than words reads at once. It has one vector, the mean of its passages; "
            f"{len(passages)} passages in all.",
        )
        assert max(map(len, passages)) <= 40
        assert "".join("".join(passages).split()) == "".join(
            ("ferry harbour boat quay" * 50 + "the last word is zebra").split()
        )
        vector = lake.vectors.get("words", long)
        assert vector[place("zebra")] > 0
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_a_model_that_counts_in_tokens_reads_each_text_to_its_end(tmp_path):
    model = WordModel(longest=3)
    with lake_of(tmp_path, model) as lake:
        report = lake.embed("words", ["ferry.txt"])
        assert model.seen == ["the ferry", "leaves the", "harbour"]
        assert "the mean of its passages; 3 passages" in report.notes[0]
        lake.search(text="one two three four five")
        assert model.seen[3:] == ["one two", "three four", "five"]


def test_a_model_that_reads_nothing_is_said(tmp_path):
    told = r"ferry\.txt: the model reads no text"
    with lake_of(tmp_path, WordModel(longest=0)) as lake, pytest.raises(PluginError, match=told):
        lake.embed("words", ["ferry.txt"])


def test_an_embedder_of_both_reads_the_text_of_what_has_some_and_the_picture_of_the_rest(tmp_path):
    model = BothModel()
    with lake_of(tmp_path, model, embeds=["image", "text"], reads=["picture", "text"]) as lake:
        report = lake.embed("words")
        assert (report.embedded, report.texts, report.failed) == (4, 2, 0)
        assert lake.vectors.get("words", "red.png")[0] == 1
        assert lake.vectors.get("words", "ferry.txt")[place("ferry")] == 1
        white = lake.vectors.get("words", "empty.txt")  # the picture of an empty page
        assert white[:3].min() > 0.8
        assert [item.name for item in lake.search(like=str(tmp_path / "in" / "red.png"), limit=1)] == [
            "red.png"
        ]
        (tmp_path / "ask.txt").write_text("night train")
        assert [item.name for item in lake.search(like=str(tmp_path / "ask.txt"), limit=1)] == ["train.md"]


def test_an_embedder_that_takes_texts_as_queries_only_reads_pictures_as_before(tmp_path):
    with lake_of(tmp_path, BothModel(), embeds=["image", "text"]) as lake:
        assert [item.name for item in lake.embed.chosen(None, "words")] == ["red.png"]
        assert lake.embed("words").texts == 0


def test_files_and_items_without_a_vector_are_compared_by_their_text(tmp_path):
    with lake_of(tmp_path, WordModel(), text_size=20, text_overlap=5) as lake:
        lake.embed("words", ["ferry.txt"])
        (tmp_path / "ask.txt").write_text("harbour " * 30)
        [found] = lake.search(like=str(tmp_path / "ask.txt"))
        assert found.name == "ferry.txt"
        assert [item.name for item in lake.search(like="train.md")] == ["ferry.txt"]
        with pytest.raises(heron.MediaError, match=r"red\.png .* contains no text"):
            lake.search(like="red.png", key="words")
        with pytest.raises(heron.MediaError, match=r"red\.png .* contains no text"):
            lake.search(like=str(tmp_path / "in" / "red.png"))


def test_a_text_is_compared_by_an_embedder_of_texts_where_there_is_one(tmp_path):
    with lake_of(tmp_path, WordModel()) as lake:
        lake.embed("visual", Query())
        lake.embed("words")
        assert lake.search(like="ferry.txt").key == "visual"  # it has a vector of its page there
        lake.vectors.remove("visual", ["ferry.txt"])
        assert lake.search(like="ferry.txt").key == "words"
        assert lake.search(like="red.png").key == "visual"


@pytest.mark.parametrize("executor", [None, "threads"])
def test_an_item_of_a_kind_without_text_is_no_failure_even_if_its_file_cannot_be_read(tmp_path, executor):
    slices(tmp_path / "in", "bone", [1, 2, 3])
    with lake_of(tmp_path, WordModel(), also=[ToyStacks()]) as lake:
        for name in ("red.png", "train.md"):
            (tmp_path / "in" / name).unlink()
        report = lake.embed("words", [*lake.items.list()], executor=executor)
        kinds = sorted(item.kind for item in lake.items.list())
        assert kinds == ["image", "stack", "text", "text", "text"]
        assert (report.embedded, report.without_text, report.failed) == (1, 3, 1)
        assert [problem.place for problem in report.problems] == ["train.md"]


@pytest.mark.parametrize("executor", [None, "threads"])
def test_a_text_that_fails_costs_itself_alone(tmp_path, executor):
    model = WordModel()
    with lake_of(tmp_path, model, text_size=20, text_overlap=0) as lake:
        for name in ("a", "b"):
            write(lake, tmp_path, f"{name}.txt", f"{name} ferry " * 30)
        bad = write(lake, tmp_path, "bad.txt", "ferry " * 20 + "dragon " + "boat " * 20)
        model.fails_at = "dragon"
        report = lake.embed("words", executor=executor)
        assert (report.embedded, report.failed) == (4, 1)
        assert [(problem.place, "it knows no dragon" in problem.reason) for problem in report.problems] == [
            ("bad.txt", True)
        ]
        assert lake.vectors.find("words", bad) is None
        model.fails_at = None
        assert lake.embed("words", executor=executor).embedded == 1


@pytest.mark.parametrize("executor", [None, "threads"])
def test_an_embedder_that_fails_for_all_texts_is_given_up(tmp_path, executor):
    model = WordModel()
    with lake_of(tmp_path, model) as lake:
        for number in range(9):
            write(lake, tmp_path, f"{number}.txt", f"dragon {number}")
        model.fails_at = "dragon"
        with pytest.raises(PluginError, match="it knows no dragon"):
            lake.embed("words", [f"{number}.txt" for number in range(9)], executor=executor)


WORKED = {
    "texts": (WordModel, {"text_size": 30, "text_overlap": 5}),
    "limited": (lambda: WordModel(longest=3), {"text_size": 30, "text_overlap": 5}),
    "both": (BothModel, {"text_size": 30, "text_overlap": 5, "embeds": ["image", "text"], "reads": ["picture", "text"]}),
}  # fmt: skip


@pytest.mark.parametrize("case", WORKED)
def test_workers_make_the_same_vectors(tmp_path, case):
    model, record = WORKED[case]
    with lake_of(tmp_path, model(), **record) as lake:
        write(lake, tmp_path, "long.txt", "ferry harbour boat quay " * 9)
        (tmp_path / "in" / "gone.txt").write_text("it is not there")
        lake.ingest.files([tmp_path / "in" / "gone.txt"], folder="A")
        (tmp_path / "in" / "gone.txt").unlink()
        alone, there = lake.embed("words", key="a"), lake.embed("words", key="b", executor="threads")
        assert (alone.embedded, alone.texts, alone.without_text, alone.failed, alone.notes) == (
            there.embedded, there.texts, there.without_text, there.failed, there.notes,
        )  # fmt: skip
        assert (alone.failed, alone.texts) == (1, 3)
        for item in lake.items.list():
            one, other = lake.vectors.find("a", item), lake.vectors.find("b", item)
            assert (one is None and other is None) or np.array_equal(one, other), item.name


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"reads": ["picture"]}, "reads the picture of items, but embeds only text"),
        ({"reads": ["sound"]}, r"reads is \('sound',\), expected picture, text, both or None"),
        ({"text_size": 8}, "text_size is 8"),
        ({"text_size": 100, "text_overlap": 26}, "at most a quarter of text_size"),
    ],
)
def test_a_record_that_cannot_be_is_refused(record, reason):
    manager = PluginManager(builtin=[], plugins=[Words(WordModel(), **record)], discover=False)
    [status] = manager.statuses
    assert re.search(reason, status.status)
