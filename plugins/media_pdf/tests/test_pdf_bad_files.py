"""PDF files that are broken, locked, or meant to do harm: one sentence, bounded time and memory, the rest goes on."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import heron
import heron_media_pdf
from heron.testing import LocalMediaFile, damaged_copies
from heron_media_pdf import documents
from heron_media_pdf.testing import HELLO, document, encrypted

(PDF,) = heron_media_pdf.register_decoders()
MEDIA_TYPE = "application/pdf"


@pytest.fixture(scope="module")
def decoder() -> Any:
    return PDF.load()


def written(folder: Path, content: bytes, name: str = "a.pdf", **options: Any) -> LocalMediaFile:
    (folder / name).write_bytes(content)
    return LocalMediaFile(folder / name, MEDIA_TYPE, **options)


def refusal(decoder: Any, file: LocalMediaFile) -> str:
    """The sentence with which a file is refused."""
    sentences = set()
    for read in (decoder.probe, lambda f: decoder.picture(f, 64), lambda f: list(decoder.frames(f, [0]))):
        with pytest.raises(heron.MediaError) as caught:
            read(file)
        sentences.add(str(caught.value))
    (sentence,) = sentences
    assert sentence.startswith(file.name)
    assert "\n" not in sentence
    return sentence


def test_what_is_no_pdf_is_refused(tmp_path: Path, decoder: Any) -> None:
    whole = document(HELLO)
    for content in (b"", b"%PDF-1.7", b"%PDF-1.7\n" + bytes(5000), whole[:200], b"\x89PNG\r\n\x1a\n" * 99):
        for remote in (False, True):
            file = written(tmp_path, content, remote=remote)
            assert "is not a PDF, or is damaged" in refusal(decoder, file)


def test_a_file_that_is_gone_is_refused(tmp_path: Path, decoder: Any) -> None:
    file = written(tmp_path, document(HELLO))
    (tmp_path / "a.pdf").unlink()
    assert "a.pdf" in refusal(decoder, file)


def test_a_cut_file_is_shown_as_far_as_it_goes_with_a_note(tmp_path: Path, decoder: Any) -> None:
    whole = document(HELLO, HELLO)
    without_table = whole[: whole.index(b"xref")] + b"trailer\n<</Size 9/Root 1 0 R>>\n"
    facts = decoder.probe(written(tmp_path, without_table))
    assert (facts.pages, facts.note) == (2, "it is damaged or cut short; what could be read is shown")
    assert decoder.picture(written(tmp_path, without_table), 64) is not None


def test_a_locked_document_keeps_what_can_be_told(tmp_path: Path, decoder: Any) -> None:
    file = written(tmp_path, encrypted(b"secret"))
    facts = decoder.probe(file)
    assert (facts.kind, facts.pages, facts.note) == ("pdf", None, "needs a password")
    assert facts.extra == {"pdf": {"is_encrypted": True}}
    assert decoder.picture(file, 64) is None
    for read in (lambda: list(decoder.frames(file, [0])), lambda: list(decoder.text(file))):
        with pytest.raises(heron.MediaError, match=r"a\.pdf needs a password"):
            read()


def test_a_document_that_all_may_read_is_read(tmp_path: Path, decoder: Any) -> None:
    file = written(tmp_path, encrypted(b""))
    assert decoder.probe(file).extra["pdf"]["text"] == "Hello harbour"


def test_absurd_page_sizes_are_refused(tmp_path: Path, decoder: Any) -> None:
    for box in (b"0 0 1000000000 1000000000", b"0 0 10 100000000"):
        assert "points large" in refusal(decoder, written(tmp_path, document(HELLO, box=box)))
    for box in (b"0 0 0 0", b"0 0 -1 -1", b"", b"nonsense", b"0 0 1e99 1e99"):
        file = written(tmp_path, document(HELLO, box=box))
        try:
            assert max(decoder.picture(file, 64).size) == 64
        except heron.MediaError as error:
            assert "points large" in str(error)


def test_absurd_page_counts_are_noted(tmp_path: Path, decoder: Any) -> None:
    file = written(tmp_path, document(HELLO, count=1_000_000))
    facts = decoder.probe(file)
    assert facts.pages is None
    assert "claims 1,000,000 pages, which cannot be in" in facts.note
    began = time.process_time()
    assert [number for number, _ in decoder.frames(file, [0, 1, 999_999], 64)] == [0]
    assert list(decoder.text(file)) == ["Hello harbour\n"]
    assert time.process_time() - began < 20, "it takes some hundredths of a second"
    with pytest.raises(heron.MediaError, match=r"a\.pdf cannot be read: page 500000 does not exist"):
        list(decoder.frames(file, [500_000]))


def test_trees_that_lead_back_to_themselves_are_refused(tmp_path: Path, decoder: Any) -> None:
    content = document(HELLO)
    looped = re.sub(rb"/Kids\[5 0 R\]", b"/Kids[2 0 R]", content)
    assert "page 0 does not exist" in refusal(decoder, written(tmp_path, looped))
    to_itself = content.replace(b"/Contents 6 0 R", b"/Contents 5 0 R")
    assert decoder.picture(written(tmp_path, to_itself), 64) is not None


@pytest.mark.slow
@pytest.mark.parametrize("opening", [b"[", b"<<", b"q ", b"/a BMC ", b"("])
def test_deep_nesting_is_borne(tmp_path: Path, decoder: Any, opening: bytes) -> None:
    on_the_page = document(opening * 500_000, packed=True)
    in_a_value = document(HELLO, about=b"/Title " + opening * 100_000)
    for content in (on_the_page, in_a_value):
        try:
            assert decoder.probe(written(tmp_path, content)).pages == 1
        except heron.MediaError as error:
            assert "a.pdf" in str(error)
    assert decoder.probe(written(tmp_path, document(HELLO), "b.pdf")).pages == 1


@pytest.mark.slow
def test_a_bomb_is_refused_and_the_next_file_is_read(tmp_path: Path, decoder: Any) -> None:
    letters = b"BT /F 12 Tf 72 700 Td " + b"(aaaaaaaa)Tj " * 20_000_000 + b"ET"
    bomb = written(tmp_path, document(letters, packed=True))
    assert bomb.size < 1_000_000
    with pytest.raises(heron.MediaError, match=r"a\.pdf cannot be read: its process ended by signal SIG"):
        decoder.probe(bomb)
    assert decoder.probe(written(tmp_path, document(HELLO), "b.pdf")).pages == 1


@pytest.mark.slow
def test_endless_work_is_stopped_and_the_next_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LIMITS", evolve(documents.LIMITS, seconds=1))
    decoder: Any = PDF.load()
    strokes = written(tmp_path, document(b"0 0 m 600 700 l S 7 9 m 300 2 l S " * 400_000, packed=True))
    with pytest.raises(
        heron.MediaError, match=r"a\.pdf cannot be read: it took more than 1 s of processor time"
    ):
        decoder.picture(strokes, 1024)
    assert decoder.probe(written(tmp_path, document(HELLO), "b.pdf")).pages == 1


def test_a_crash_of_the_reader_costs_one_file(tmp_path: Path, decoder: Any) -> None:
    frames = decoder.frames(written(tmp_path, document(HELLO, HELLO)), [0, 1], 64)
    next(frames)
    for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        if b"heron_media_pdf.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGSEGV)
    with pytest.raises(heron.MediaError, match="its process ended by signal SIGSEGV"):
        next(frames)
    assert decoder.probe(written(tmp_path, document(HELLO), "b.pdf")).pages == 1


def test_a_reader_that_cannot_start_is_told_from_a_bad_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, document(HELLO))
    monkeypatch.setattr(documents, "LIMITS", evolve(documents.LIMITS, memory="nonsense"))
    with pytest.raises(heron.PluginError, match="ended by itself with code 1"):
        PDF.load().probe(file)
    monkeypatch.setattr("sys.executable", str(tmp_path / "nothing"))
    with pytest.raises(heron.PluginError, match="cannot be started"):
        PDF.load().probe(file)


def test_any_damage_is_borne_by_text_and_pages(tmp_path: Path, decoder: Any) -> None:
    source = tmp_path / "whole.pdf"
    source.write_bytes(document(*[HELLO] * 5, packed=True))
    folder = tmp_path / "damaged"
    folder.mkdir()
    seen = 0
    for seed in range(5):
        for path in damaged_copies(source, folder, seed):
            file = LocalMediaFile(path, MEDIA_TYPE, remote=seed % 2 == 1)
            try:
                seen += sum(1 for _ in decoder.frames(file, range(decoder.probe(file).pages or 0), 8))
                "".join(decoder.text(file)).encode()
            except heron.MediaError:
                pass
            assert not file.left_open()
    assert seen > 100
