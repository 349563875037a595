"""The contract of media decoders."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from heron.errors import MediaError
from heron.hooks.interfaces import FrameDecoder, SeriesDecoder, TextReader
from heron.hooks.values import ValueDecoder
from heron.media import answers
from heron.models import MediaFacts
from heron.testing.checks import check_facts, check_picture, descriptors
from heron.testing.contracts import RecordContract, reason_of
from heron.testing.files import LocalMediaFile, damaged_copies, format_of
from heron.testing.frames import FrameRules
from heron.testing.values import ValueRules
from heron.times import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from heron.hooks import Contribution, Decoder, MediaDecoder

GoodFiles = Mapping[Path, Mapping[str, Any]]
"""Files that a decoder reads, each with some of its facts."""


class DecoderContract(FrameRules, ValueRules, RecordContract):
    """Rules for a media decoder. Set `decoder`, and write the fixture `good_files`.

    `good_files` maps paths to some of the facts expected, such as `{"width": 640, "extra": {"exif": {...}}}`.
    """

    decoder: ClassVar[MediaDecoder]
    """The record that the hook yields."""

    sizes: ClassVar[tuple[int, ...]] = (1, 16, 64, 512)
    """The requested sizes of pictures, in pixels."""

    def record(self) -> Contribution:
        """The decoder under test."""
        return self.decoder

    def test_gives_what_its_record_says(self) -> None:
        """The documentation is made from the record."""
        decoder, gives = self.load(), set(self.decoder.gives)
        able = {
            "frames": isinstance(decoder, FrameDecoder),
            "text": isinstance(decoder, TextReader),
            "values": isinstance(decoder, ValueDecoder),
            "series": isinstance(decoder, SeriesDecoder),
        }
        if gives:
            assert gives - {"picture"} == {name for name, is_there in able.items() if is_there}

    @pytest.fixture
    def good_files(self) -> GoodFiles:
        """Files that the decoder reads, with the expected facts."""
        raise NotImplementedError("write the fixture good_files: a dict of paths and expected facts")

    @pytest.fixture
    def broken_files(self, good_files: GoodFiles, tmp_path: Path) -> Iterable[LocalMediaFile]:
        """Damaged copies of the good files, with the same name and media type."""
        folder = tmp_path / "damaged"
        folder.mkdir()
        return (
            LocalMediaFile(damaged, self.file(path).media_type)
            for path in good_files
            for damaged in damaged_copies(path, folder)
        )

    def file(self, path: Path, *, remote: bool = False) -> LocalMediaFile:
        """A file as Heron gives it to the decoder."""
        format = format_of(self.decoder, path)
        assert format is not None, f"no format of {self.decoder.name} matches {path.name}"
        return LocalMediaFile(path, format.media_type, remote=remote)

    def load(self) -> Decoder:
        """The decoder of the record, loaded again."""
        return self.decoder.load()

    def test_suffixes_are_lower_case_with_their_dot(self) -> None:
        """File names are compared in lower case, so a suffix in upper case would never match."""
        assert self.decoder.formats
        for format in self.decoder.formats:
            assert all(s.startswith(".") and s == s.lower() for s in format.suffixes), format.suffixes
            assert format.suffixes or format.signature, f"nothing tells {format.media_type}"
            assert not (pattern := format.pattern()) or not pattern.match(b""), (
                "a signature matches an empty file"
            )

    def test_probe_tells_the_facts(self, good_files: GoodFiles) -> None:
        """Each good file has the expected facts, and a kind and media type that the record names."""
        assert good_files, "give some good files"
        decoder = self.load()
        for path, expected in good_files.items():
            facts = decoder.probe(self.file(path))
            assert isinstance(facts, MediaFacts)
            assert facts.media_type in {format.media_type for format in self.decoder.formats}
            assert facts.kind in {format.kind for format in self.decoder.formats}
            for name, value in expected.items():
                assert _agree(getattr(facts, name), value), f"{path.name}: {name} is {getattr(facts, name)!r}"

    def test_facts_can_be_kept(self, good_files: GoodFiles) -> None:
        """Facts can be stored in the catalogue: JSON of a reasonable size, sensible numbers, and times in UTC."""
        decoder = self.load()
        for path in good_files:
            check_facts(decoder.probe(self.file(path)))

    def test_namespaces_of_facts_are_declared(self, good_files: GoodFiles) -> None:
        """The record names each namespace of facts, so that `NAMESPACE.FACT` works in conditions."""
        decoder, declared = self.load(), set(self.decoder.namespaces)
        for path in good_files:
            filled = set(decoder.probe(self.file(path)).extra)
            assert filled <= declared, f"{path.name} has facts in {sorted(filled - declared)}"
        personal = {name.partition(".")[0] for name in self.decoder.personal}
        assert personal <= declared, f"personal facts in {sorted(personal - declared)}"

    def test_probe_gives_the_same_answer_twice(self, good_files: GoodFiles) -> None:
        """An unchanged file has the same facts, whatever was read in between."""
        decoder = self.load()
        first = [decoder.probe(self.file(path)) for path in good_files]
        again = [decoder.probe(self.file(path)) for path in reversed(list(good_files))]
        assert again[::-1] == first
        assert [self.load().probe(self.file(path)) for path in good_files] == first

    def test_file_without_a_path_has_the_same_facts(self, good_files: GoodFiles) -> None:
        """A file in a bucket has no path and is read only through `open`."""
        decoder = self.load()
        for path in good_files:
            near, far = self.file(path), self.file(path, remote=True)
            assert decoder.probe(far) == decoder.probe(near)
            assert _pixels(decoder, far, 64) == _pixels(decoder, near, 64)

    def test_decoder_serves_several_threads(self, good_files: GoodFiles) -> None:
        """Imports probe in threads, with one decoder for all of them."""
        decoder = self.load()
        paths = list(good_files) * 8
        expected = {path: decoder.probe(self.file(path)) for path in good_files}
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda path: decoder.probe(self.file(path)), paths))
        assert found == [expected[path] for path in paths]

    def test_opened_files_are_closed(self, good_files: GoodFiles) -> None:
        """An import reads millions of files; it would fail if each stayed open."""
        decoder = self.load()
        for path in good_files:
            file = self.file(path)
            decoder.probe(file)
            decoder.picture(file, 64)
            assert not file.left_open()
            assert not descriptors(path)

    def test_files_are_left_alone(self, good_files: GoodFiles) -> None:
        """A decoder only reads: it changes no file and creates none beside it."""
        decoder = self.load()
        before = {path: (path.read_bytes(), sorted(path.parent.iterdir())) for path in good_files}
        for path in good_files:
            decoder.probe(self.file(path))
            decoder.picture(self.file(path), 64)
        assert {path: (path.read_bytes(), sorted(path.parent.iterdir())) for path in good_files} == before

    def test_picture_is_rgb_and_fits(self, good_files: GoodFiles) -> None:
        """A picture, if there is one, is RGB or RGBA, has at least one pixel, and fits into the requested size."""
        decoder = self.load()
        for path in good_files:
            for size in self.sizes:
                check_picture(decoder.picture(self.file(path), size), size)

    def test_broken_files_are_refused_or_read_and_nothing_else(
        self, broken_files: Iterable[LocalMediaFile]
    ) -> None:
        """A damaged file raises MediaError with one line, or gives facts; it never raises another error."""
        decoder = self.load()
        seen = 0
        for file in broken_files:
            seen += 1
            with _read_or_refused(file):
                check_facts(decoder.probe(file))
            with _read_or_refused(file):
                check_picture(decoder.picture(file, 64), 64)
            if isinstance(decoder, FrameDecoder):
                with _read_or_refused(file):
                    for _, picture in decoder.frames(file, [0], 64):
                        check_picture(picture, 64)
            if isinstance(decoder, ValueDecoder):
                with _read_or_refused(file):
                    deque(answers.values(decoder.values(file), None), 0)
                with _read_or_refused(file):
                    answers.volume(decoder.volume(file, None))
            if isinstance(decoder, SeriesDecoder):
                with _read_or_refused(file):
                    decoder.part(file)
        assert seen, "give some broken files"


@contextmanager
def _read_or_refused(file: LocalMediaFile) -> Iterator[None]:
    try:
        yield
    except MediaError as refusal:
        reason_of(refusal)
    except Exception as error:
        error.add_note(f"while reading {file.name}, a damaged {file.media_type}")
        raise
    assert not file.left_open(), f"{file.name} is left open"


def _agree(found: Any, expected: Any) -> bool:
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(_agree(found.get(key), expected[key]) for key in expected)
    if isinstance(expected, float):
        return isinstance(found, int | float) and abs(found - expected) <= 1e-3 * max(1.0, abs(expected))
    if isinstance(found, datetime) and isinstance(expected, str):
        return found == moment(expected)
    return bool(found == expected)


def _pixels(decoder: Decoder, file: LocalMediaFile, size: int) -> bytes | None:
    picture = decoder.picture(file, size)
    return None if picture is None else picture.tobytes()
