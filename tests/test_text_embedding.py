"""Embedders of texts: what they read of items, how long texts are cut, and what is found by them."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import heron
from heron.embedders.passages import Mean, passages_of
from heron.errors import PluginError
from heron.hooks import PluginManager
from heron.models import NewItem, Query
from heron.testing import DecoderContract
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
    with lake_of(tmp_path, WordModel(longest=0)) as lake:
        with pytest.raises(PluginError, match="ferry.txt: the model reads no text"):
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


PAGES = ["BOOK: the ferry leaves the harbour", "", "the night train to oslo " * 9]


class Booklets:
    """Files of pages, separated by form feeds."""

    def probe(self, file):
        return heron.MediaFacts("booklet", "text/x-booklet", frame_count=len(self.pages(file)))

    def pages(self, file):
        with file.open() as stream:
            return stream.read().decode().split("\f")

    def picture(self, file, size):
        return Image.new("RGB", (8, 8), "green")

    def times(self, file, *, whole=True):
        return ()

    def frames(self, file, numbers, size=None):
        return ((number, Image.new("RGB", (8, 8), "green")) for number in sorted(set(numbers)))

    def text(self, file):
        return (f"{page}\n" for page in self.pages(file))

    def page_texts(self, file, numbers):
        pages = self.pages(file)
        return ((number, pages[number]) for number in sorted(set(numbers)))

    @heron.hookimpl
    def register_kinds(self):
        yield heron.MediaKind(name="booklet", summary="pages", media_type="text/x-booklet", has_text=True)

    @heron.hookimpl
    def register_decoders(self):
        format = heron.MediaFormat(
            media_type="text/x-booklet", kind="booklet", suffixes=[".booklet"], signature=b"BOOK:"
        )
        yield heron.MediaDecoder(name="booklets", summary="pages", formats=[format], load=Booklets)


def booklet(tmp_path, model, **record):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.booklet").write_text("\f".join(PAGES))
    plugins = [Words(model, text_size=40, text_overlap=0, **record), Booklets()]
    lake = heron.open(tmp_path / "lake", plugins=plugins, discover=False)
    lake.ingest.files([tmp_path / "in"], folder="A")
    lake.frames.set("a.booklet", [0, 1, 2])
    return lake


@pytest.mark.parametrize("executor", [None, "threads"])
def test_pages_are_embedded_and_found_by_their_text(tmp_path, executor):
    with booklet(tmp_path, WordModel()) as lake:
        report = lake.embed("words", frames=True, executor=executor)
        assert (report.embedded, report.texts, report.without_text, report.failed) == (3, 3, 1, 0)
        assert "2 texts are longer than words reads at once" in report.notes[0]
        [frame] = lake.search.frames(text="night train", limit=1)
        assert frame.number == 2
        [item] = (page := lake.search(text="harbour", limit=1))
        assert (item.name, page.matches[0].frame.number) == ("a.booklet", 0)
        again = lake.embed("words", frames=True, executor=executor)
        assert (again.embedded, again.skipped, again.without_text) == (0, 3, 1)
        lake.vectors.remove("words", [frame])
        assert [found.number for found in lake.search.frames(like="a.booklet#2", key="words", limit=1)] == [0]
        with pytest.raises(heron.MediaError, match="page 1 contains no text"):
            lake.search.frames(like="a.booklet#1", key="words")


@pytest.mark.parametrize("executor", [None, "threads"])
def test_a_page_without_text_is_embedded_by_its_picture_if_pictures_are_read(tmp_path, executor):
    with booklet(tmp_path, BothModel(), embeds=["image", "text"], reads=["picture", "text"]) as lake:
        report = lake.embed("words", frames=True, executor=executor)
        assert (report.embedded, report.texts, report.without_text) == (4, 3, 0)
        assert lake.vectors.get("words", lake.frames.get("a.booklet", 1))[:3].tolist() == pytest.approx(
            [0, 128 / 255, 0]
        )


def test_frames_that_are_no_pages_have_no_text(tmp_path):
    with lake_of(tmp_path, WordModel()) as lake:
        pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
        pages[0].save(tmp_path / "in" / "film.gif", save_all=True, append_images=pages[1:], duration=100)
        lake.ingest.files([tmp_path / "in" / "film.gif"], folder="A")
        lake.frames.set("film.gif", [0, 1])
        report = lake.embed("words", ["film.gif"], frames=True)
        assert (report.embedded, report.without_text, report.failed) == (0, 1, 0)


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


def test_an_embedder_that_fails_for_all_texts_is_given_up(tmp_path):
    model = WordModel()
    with lake_of(tmp_path, model) as lake:
        for number in range(9):
            write(lake, tmp_path, f"{number}.txt", f"dragon {number}")
        model.fails_at = "dragon"
        with pytest.raises(PluginError, match="it knows no dragon"):
            lake.embed("words", [f"{number}.txt" for number in range(9)])


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


# Passages

letters = st.text(st.sampled_from("ab \n"), max_size=300)


@given(st.lists(letters, max_size=5), st.integers(16, 60), st.integers(0, 4))
def test_passages_have_all_words_in_order_and_no_more_than_their_size(pieces, size, overlap):
    found = list(passages_of(pieces, size, overlap))
    whole = "".join(pieces)
    assert [passage.is_first for passage in found] == [True, *[False] * (len(found) - 1)][: len(found)]
    assert [passage.is_last for passage in found] == [*[False] * (len(found) - 1), True][-len(found) :][
        : len(found)
    ]
    assert all(0 < len(passage.text) <= size and passage.text == passage.text.strip() for passage in found)
    place = 0
    for passage in found:  # each is a part of the text, and nothing but blanks is between two
        start = whole.find(passage.text, max(place - overlap, 0))
        assert start >= 0
        assert not whole[place:start].strip()
        place = start + len(passage.text)
    assert not whole[place:].strip()


def test_passages_end_at_lines_and_words_and_overlap_by_whole_words():
    text = "one two three four\nfive six seven eight nine ten"
    found = [passage.text for passage in passages_of([text], 24, 6)]
    assert found == ["one two three four", "four\nfive six seven", "seven eight nine ten"]
    assert [passage.text for passage in passages_of(["x" * 50], 20, 0)] == ["x" * 20, "x" * 20, "x" * 10]
    assert all(a[-4:] in b for a, b in pairwise(found[:2]))


def test_a_piece_is_no_passage_and_no_word_is_torn_at_its_end():
    assert [passage.text for passage in passages_of(["fer", "ry bo", "at"], 40, 0)] == ["ferry boat"]


def test_a_mean_counts_vectors_by_their_weight_and_not_by_their_length():
    mean = Mean()
    mean.add(np.array([5, 0], np.float32), 3)
    assert mean.vector().tolist() == [5, 0]
    mean.add(np.array([0, 0.1], np.float32), 4)
    assert mean.vector() == pytest.approx([0.6, 0.8])
    mean.add(np.zeros(2, np.float32), 100)
    assert mean.vector() == pytest.approx([0.6, 0.8])


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


def pages_are_right(tmp_path, decoder):
    path = tmp_path / "a.booklet"
    path.write_text("\f".join(PAGES))
    [record] = decoder().register_decoders()
    given = {"decoder": record, "load": lambda self: decoder()}
    type("Contract", (DecoderContract,), given)().test_texts_of_pages_are_the_text({path: {}})


def test_a_right_reader_of_pages_is_not_caught(tmp_path):
    pages_are_right(tmp_path, Booklets)


def backwards(self, file, numbers):
    return ((number, self.pages(file)[number]) for number in sorted(set(numbers), reverse=True))


def by_place(self, file, numbers):
    return ((number, self.pages(file)[place]) for place, number in enumerate(sorted(set(numbers))))


def without_empty_ones(self, file, numbers):
    return ((number, text) for number in sorted(set(numbers)) if (text := self.pages(file)[number]))


def cut(self, file, numbers):
    return ((number, self.pages(file)[number][:9]) for number in sorted(set(numbers)))


def always_one(self, file, numbers):
    return ((number, self.pages(file)[number]) for number in sorted(set(numbers)) or [0])


def by_path(self, file, numbers):
    pages = self.pages(file) if file.path else [""] * 3
    return ((number, pages[number]) for number in sorted(set(numbers)))


@pytest.mark.parametrize("mutant", [backwards, by_place, without_empty_ones, cut, always_one, by_path])
def test_a_wrong_reader_of_pages_is_caught(tmp_path, mutant):
    with pytest.raises((AssertionError, ValueError)):
        pages_are_right(tmp_path, type("Wrong", (Booklets,), {"page_texts": mutant}))
