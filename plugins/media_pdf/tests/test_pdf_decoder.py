"""PDF documents: the contract of decoders, facts, pages as pictures, and text."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from datetime import datetime
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import heron
import heron_media_pdf
from heron.testing import DecoderContract, LocalMediaFile
from heron_media_pdf.testing import HELLO, document, encrypted

(PDF,) = heron_media_pdf.register_decoders()
MEDIA_TYPE = "application/pdf"
ABOUT = (
    b"/Title(Tides)/Author(A. Heron)/Subject(Water)/Keywords(sea, moon)/Creator(Quill)/Producer(Press)"
    b"/CreationDate(D:20260131120000+02'00')"
)


@pytest.fixture(scope="module")
def decoder() -> Any:
    return PDF.load()


def written(folder: Path, content: bytes, name: str = "a.pdf", **options: Any) -> LocalMediaFile:
    (folder / name).write_bytes(content)
    return LocalMediaFile(folder / name, MEDIA_TYPE, **options)


@pytest.mark.slow
class TestPdf(DecoderContract):
    decoder = PDF

    @pytest.fixture
    def good_files(self, tmp_path: Path) -> dict[Path, dict[str, Any]]:
        picture = Image.effect_noise((200, 100), 60).convert("RGB")
        picture.save(tmp_path / "scan.pdf", save_all=True, append_images=[picture.rotate(90)] * 2)
        for name, content in {
            "text.pdf": document(HELLO, HELLO, about=ABOUT, packed=True),
            "junk.pdf": b"junk\n" + document(HELLO),
            "everybody.pdf": encrypted(b""),
            "locked.pdf": encrypted(b"secret"),
        }.items():
            (tmp_path / name).write_bytes(content)
        return {
            tmp_path / "scan.pdf": {"pages": 3, "extra": {"pdf": {"page_width": 200.0}}},
            tmp_path / "text.pdf": {
                "pages": 2,
                "captured_at": "2026-01-31T10:00:00.000000Z",
                "extra": {
                    "pdf": {
                        "page_width": 612.0,
                        "page_height": 792.0,
                        "title": "Tides",
                        "author": "A. Heron",
                        "subject": "Water",
                        "keywords": "sea, moon",
                        "creator": "Quill",
                        "producer": "Press",
                        "pdf_version": "1.7",
                        "is_encrypted": False,
                        "text": "Hello harbour Hello harbour",
                    }
                },
            },
            tmp_path / "junk.pdf": {"pages": 1},
            tmp_path / "everybody.pdf": {"pages": 1, "extra": {"pdf": {"is_encrypted": True}}},
            tmp_path / "locked.pdf": {"pages": None, "note": "needs a password"},
        }


def test_a_page_is_drawn_on_white(tmp_path: Path, decoder: Any) -> None:
    picture = decoder.picture(written(tmp_path, document(HELLO)), 792)
    pixels = np.asarray(picture)
    assert picture.size == (612, 792)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[792 - 250, 200].tolist() == [255, 0, 0]
    assert (pixels[60:95, 70:250] < 100).any()  # the letters


def test_a_page_without_a_size_has_150_dots_per_inch(tmp_path: Path, decoder: Any) -> None:
    [(number, picture)] = decoder.frames(written(tmp_path, document(b"", HELLO)), [1])
    assert (number, picture.size) == (1, (1275, 1650))


@pytest.mark.parametrize(("turn", "size"), [(b"0", (50, 100)), (b"90", (100, 50)), (b"270", (100, 50))])
def test_turned_pages_are_upright(tmp_path: Path, decoder: Any, turn: bytes, size: Any) -> None:
    file = written(tmp_path, document(b"", box=b"0 0 200 400", beside=b"/Rotate " + turn))
    assert decoder.picture(file, 100).size == size
    assert decoder.probe(file).extra["pdf"]["page_width"] == size[0] * 4


def test_large_and_thin_pages_are_bounded(tmp_path: Path, decoder: Any) -> None:
    for box, size in [
        (b"0 0 14400 14400", (100, 100)),
        (b"0 0 1 100000", (1, 100)),
        (b"0 0 .1 .1", (100, 100)),
    ]:
        file = written(tmp_path, document(b"0 0 m 9 9 l S", box=box))
        assert decoder.picture(file, 100).size == size
        [(_, whole)] = decoder.frames(file, [0])
        assert whole.width * whole.height <= 41_000_000


def test_text_comes_page_by_page(tmp_path: Path, decoder: Any) -> None:
    lines = b"BT /F 12 Tf 72 700 Td (one) Tj 0 -20 Td (two) Tj ET"
    assert list(decoder.text(written(tmp_path, document(lines, b"", HELLO)))) == [
        "one\ntwo\n",
        "\n",
        "Hello harbour\n",
    ]
    assert isinstance(decoder, heron.TextReader)


def test_the_text_of_pages_is_asked_for_by_number(tmp_path: Path, decoder: Any) -> None:
    file = written(tmp_path, document(HELLO, b"", HELLO))
    assert list(decoder.page_texts(file, [2, 1, 2])) == [(1, ""), (2, "Hello harbour")]
    assert list(decoder.page_texts(file, [])) == []
    with pytest.raises(heron.MediaError, match="no page 3"):
        list(decoder.page_texts(file, [0, 3]))
    assert isinstance(decoder, heron.PageReader)


def test_excerpt_is_short_and_on_one_line(tmp_path: Path, decoder: Any) -> None:
    lines = b"BT /F 1 Tf 72 700 Td " + b"(word  word) Tj 0 -2 Td " * 300 + b"ET"
    excerpt = decoder.probe(written(tmp_path, document(lines))).extra["pdf"]["text"]
    assert len(excerpt) == 1000
    assert excerpt.startswith("word word word")


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (b"D:20260131120000Z", "2026-01-31T12:00:00.000000Z"),
        (b"D:20260131120000-05'30'", "2026-01-31T17:30:00.000000Z"),
        (b"D:2026", "2026-01-01T00:00:00.000000Z"),
        (b"20260131", "2026-01-31T00:00:00.000000Z"),
        (b"D:20261331", None),
        (b"D:00010101000000+14'00'", None),
        (b"D:20260131120000+99'99'", None),
        (b"yesterday", None),
    ],
)
def test_creation_dates(tmp_path: Path, decoder: Any, date: bytes, expected: str | None) -> None:
    file = written(tmp_path, document(HELLO, about=b"/CreationDate(%s)" % date))
    assert decoder.probe(file).captured_at == (expected and datetime.fromisoformat(expected))


def test_broken_letters_in_facts_are_borne(tmp_path: Path, decoder: Any) -> None:
    about = b"/Title<FEFFD800>/Author<FEFF00480069D83DDE00>/Subject(a\\001b\\nc)"
    own = decoder.probe(written(tmp_path, document(HELLO, about=about))).extra["pdf"]
    assert (own["author"], own["subject"]) == ("Hi\U0001f600", "a b c")
    own["text"].encode()


class Asked(LocalMediaFile):
    """A file of a bucket that counts what is read, and that can be cut off."""

    error: heron.HeronError | None = None
    allowed = 0

    def open(self) -> Any:
        outer, taken = self, self.__dict__.setdefault("taken", [])

        class Stream(io.FileIO):
            def read(self, count: int | None = -1) -> Any:
                if outer.error is not None and len(taken) >= outer.allowed:
                    raise outer.error
                found = super().read(-1 if count is None else count)
                taken.append(len(found))
                return found

        stream: Any = Stream(self._place)
        self.opened.append(stream)
        return stream


def test_of_a_large_file_only_the_wanted_page_is_read(tmp_path: Path, decoder: Any) -> None:
    noise = bytes(np.random.default_rng(1).integers(0, 255, 1_000_000, "u1"))
    wide = [b"%" + noise.replace(b"\n", b"").replace(b"\r", b"") + b"\n" + HELLO for _ in range(20)]
    (tmp_path / "a.pdf").write_bytes(document(*wide))
    file = Asked(tmp_path / "a.pdf", MEDIA_TYPE, remote=True)
    assert decoder.picture(file, 64) is not None
    assert sum(file.taken) < 1_500_000 < file.size / 10


@pytest.mark.slow
def test_errors_of_the_storage_come_through_unchanged(tmp_path: Path, decoder: Any) -> None:
    (tmp_path / "a.pdf").write_bytes(document(*[HELLO + b" " * 100_000] * 9))
    reads = (
        decoder.probe,
        lambda f: decoder.picture(f, 64),
        lambda f: list(decoder.frames(f, [7])),
        lambda f: list(decoder.text(f)),
    )
    errors = cycle((heron.Unreachable("no route"), heron.ObjectChanged("replaced"), heron.NotFound("gone")))
    for (read, allowed), error in zip(product(reads, (0, 2)), errors, strict=False):
        file = Asked(tmp_path / "a.pdf", MEDIA_TYPE, remote=True)
        file.error, file.allowed = error, allowed
        with pytest.raises(type(error)) as caught:
            read(file)
        assert caught.value is error
        assert not file.left_open()
    assert decoder.probe(LocalMediaFile(tmp_path / "a.pdf", MEDIA_TYPE)).pages == 9


@pytest.mark.slow
def test_processes_are_used_again_and_end_with_the_decoder(tmp_path: Path) -> None:
    own: Any = PDF.load()
    file = written(tmp_path, document(*[HELLO] * 3))
    for _ in range(20):
        own.probe(file)
    (first,) = own._documents._pool._idle
    with pytest.raises(heron.MediaError):
        own.probe(written(tmp_path, b"%PDF-1.7 and nothing more", "b.pdf"))
    assert own._documents._pool._idle == [first], "a file that is refused costs no process"
    del first
    frames = own.frames(file, [0, 1, 2], 64)
    next(frames)
    own.probe(file)  # while a document is open
    frames.close()
    processes = [worker._process for worker in own._documents._pool._idle]
    assert len(processes) == 2
    del own, frames
    assert all(process.poll() is not None for process in processes)


@pytest.mark.slow
def test_processes_end_with_the_interpreter(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(document(HELLO))
    code = f"""
import sys; sys.path[:] = {sys.path!r}
import heron_media_pdf
from heron.testing import LocalMediaFile
(record,) = heron_media_pdf.register_decoders()
decoder = record.load()
decoder.probe(LocalMediaFile({str(tmp_path / "a.pdf")!r}, "application/pdf"))
print(decoder._documents._pool._idle[0]._process.pid)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    deadline = time.monotonic() + 60
    while Path(f"/proc/{int(done.stdout)}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
