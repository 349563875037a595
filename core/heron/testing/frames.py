"""The contract of decoders of files with frames and of series: a part of the contract of decoders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from heron.errors import MediaError
from heron.hooks.interfaces import FrameDecoder, PageReader, SeriesDecoder, TextReader
from heron.testing.checks import check_facts, check_picture, descriptors
from heron.testing.files import LocalMediaFile

GoodFiles = Mapping[Path, Mapping[str, Any]]
"""Files that a decoder reads, each with some of its facts."""


class FrameRules:
    """Rules for a decoder that is a `FrameDecoder` or a `SeriesDecoder`; skipped for others."""

    def file(self, path: Path, *, remote: bool = False) -> LocalMediaFile:
        """A file as Heron gives it to the decoder."""
        raise NotImplementedError

    def load(self) -> Any:
        """The decoder, loaded again."""
        raise NotImplementedError

    def test_frames_are_the_same_alone_and_together(self, good_files: GoodFiles) -> None:
        """Frames come in ascending order, each with the same picture as when it is requested alone."""
        decoder = self.load()
        for path, count in self._with_frames(decoder, good_files):
            wanted = sorted({0, 1, count // 2, count - 1} & set(range(count)))
            together = [
                (number, _bytes(picture)) for number, picture in decoder.frames(self.file(path), wanted, 64)
            ]
            assert [number for number, _ in together] == wanted
            for number, content in together:
                [(alone, picture)] = decoder.frames(self.file(path, remote=True), [number], 64)
                check_picture(picture, 64)
                assert (alone, _bytes(picture)) == (number, content), f"{path.name}: frame {number}"

    def test_frames_that_are_not_there_are_refused(self, good_files: GoodFiles) -> None:
        """A number out of range raises MediaError that names it; an empty list of numbers gives nothing."""
        decoder = self.load()
        for path, count in self._with_frames(decoder, good_files):
            assert list(decoder.frames(self.file(path), [], 64)) == []
            with pytest.raises(MediaError, match=f"{count:,}|{count}"):
                list(decoder.frames(self.file(path), [count], 64))

    def test_texts_of_pages_are_the_text(self, good_files: GoodFiles) -> None:
        """Texts of pages come in ascending order, the same alone and together, and all of them have the words of the whole text."""
        decoder = self.load()
        if not isinstance(decoder, PageReader):
            pytest.skip("it reads no pages")
        assert isinstance(decoder, TextReader), "a PageReader is a TextReader too"
        for path, count in self._with_frames(decoder, good_files):
            together = list(decoder.page_texts(self.file(path), range(count)))
            assert [number for number, _ in together] == list(range(count)), path.name
            for number in sorted({0, count // 2, count - 1}):
                [alone] = decoder.page_texts(self.file(path, remote=True), [number])
                assert alone == together[number], f"{path.name}: page {number}"
            assert list(decoder.page_texts(self.file(path), [])) == []
            words = [word for _, text in together for word in text.split()]
            assert words == "".join(decoder.text(self.file(path))).split(), path.name

    def test_times_of_frames_ascend_from_zero(self, good_files: GoodFiles) -> None:
        """Each frame has a time, or none has; a file in a bucket gives the same times, or None."""
        decoder = self.load()
        for path, count in self._with_frames(decoder, good_files):
            times = decoder.times(self.file(path))
            assert times is not None
            assert len(times) in (0, count)
            assert list(times) == sorted(set(times)), f"{path.name}: times do not ascend"
            assert not len(times) or times[0] == 0
            near = decoder.times(self.file(path, remote=True), whole=False)
            assert near is None or list(near) == list(times)

    def test_frames_close_their_file_when_nobody_wants_more(self, good_files: GoodFiles) -> None:
        """Iterating over one frame only leaves no file open."""
        decoder = self.load()
        for path, count in self._with_frames(decoder, good_files):
            file = self.file(path)
            frames = decoder.frames(file, range(count), 16)
            next(iter(frames))
            frames.close()
            assert not file.left_open()
            assert not descriptors(path)

    def test_part_of_a_series_can_be_kept(self, good_files: GoodFiles) -> None:
        """The header of a part is small JSON, and the stored parts make a series."""
        decoder = self.load()
        if not isinstance(decoder, SeriesDecoder):
            pytest.skip("its files make up no series")
        for path in good_files:
            part = decoder.part(self.file(path))
            if part is None:
                continue
            kept = json.dumps(part.header, allow_nan=False)
            assert len(kept) < 20_000
            assert decoder.part(self.file(path, remote=True)) == part
            series = decoder.series([type(part)(part.series, json.loads(kept))])
            assert list(series.order) == [0]
            assert len(series.frame_counts) == 1
            check_facts(series.facts)

    def _with_frames(self, decoder: Any, good_files: GoodFiles) -> Iterator[tuple[Path, int]]:
        """The good files that have frames, and the number of frames; skips the test for a decoder without frames."""
        if not isinstance(decoder, FrameDecoder):
            pytest.skip("its files have no frames")
        reader: Any = decoder
        for path in good_files:
            facts = reader.probe(self.file(path))
            count = facts.frame_count if facts.frame_count is not None else facts.pages
            if count:
                yield path, count


def _bytes(picture: Any) -> bytes:
    content: bytes = picture.tobytes()
    return content
