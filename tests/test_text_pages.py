"""Pages: embedders of texts read each page of a document, and the contract of decoders that give their texts."""

from __future__ import annotations

import pytest
from PIL import Image

import heron
from heron.testing import DecoderContract
from tests.test_text_embedding import BothModel, WordModel, Words, lake_of

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


@pytest.mark.parametrize("executor", [None, "threads"])
def test_pages_that_cannot_be_read_are_named(tmp_path, executor, monkeypatch):
    texts = Booklets.page_texts
    monkeypatch.setattr(
        Booklets,
        "page_texts",
        lambda self, file, numbers: (each for each in texts(self, file, numbers) if each[0]),
    )
    with booklet(tmp_path, WordModel()) as lake:
        report = lake.embed("words", frames=True, executor=executor)
        assert (report.embedded, report.without_text, report.failed) == (2, 1, 1)
        assert [problem.reason for problem in report.problems] == ["a.booklet: page 0 cannot be read"]
        again = lake.embed("words", frames=True, executor=executor)
        assert (again.embedded, again.skipped, again.failed) == (0, 2, 1)


@pytest.mark.parametrize("executor", [None, "threads"])
def test_a_text_keeps_its_vector_though_no_page_can_be_read(tmp_path, executor, monkeypatch):
    """Its last passages wait for the rest of a batch when the pages fail."""
    monkeypatch.setattr(Booklets, "page_texts", lambda self, file, numbers: iter(()))
    with booklet(tmp_path, WordModel()) as lake:
        for embedded in (1, 0):
            report = lake.embed("words", frames=True, executor=executor)
            assert (report.embedded, report.skipped, report.failed) == (embedded, 1 - embedded, 1)


def test_frames_that_are_no_pages_have_no_text(tmp_path):
    with lake_of(tmp_path, WordModel()) as lake:
        pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
        pages[0].save(tmp_path / "in" / "film.gif", save_all=True, append_images=pages[1:], duration=100)
        lake.ingest.files([tmp_path / "in" / "film.gif"], folder="A")
        lake.frames.set("film.gif", [0, 1])
        report = lake.embed("words", ["film.gif"], frames=True)
        assert (report.embedded, report.without_text, report.failed) == (0, 1, 0)


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
