"""The contract of decoders that give the values behind their pictures: a part of the contract of decoders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from heron.errors import MediaError
from heron.hooks.values import ValueDecoder
from heron.media import answers
from heron.testing.checks import descriptors
from heron.testing.files import LocalMediaFile

GoodFiles = Mapping[Path, Mapping[str, Any]]
"""Files that a decoder reads, each with some of its facts."""

_SIDE = 64
"""The size of the pictures that are compared, in pixels."""

_FAR = 6.0
"""The most grey levels by which a picture may differ, in the mean, from the values in their first window."""


class ValueRules:
    """Rules for a decoder that is a `ValueDecoder`; skipped for others."""

    def file(self, path: Path, *, remote: bool = False) -> LocalMediaFile:
        """A file as Heron gives it to the decoder."""
        raise NotImplementedError

    def load(self) -> Any:
        """The decoder, loaded again."""
        raise NotImplementedError

    def test_values_are_those_that_the_picture_shows(self, good_files: GoodFiles) -> None:
        """For None there is one frame, that of `picture`: its values in their first window are the picture."""
        from heron.media.levels import shown

        decoder = self.load()
        for path, _ in self._with_values(decoder, good_files):
            found = [*answers.values(decoder.values(self.file(path)), None)]
            assert len(found) == 1, f"{path.name}: {len(found)} frames in place of that of the picture"
            [(_, values)] = found
            picture = decoder.picture(self.file(path), _SIDE)
            if values is None:
                continue
            assert picture is not None, f"{path.name} has values, and no picture"
            distance = _distance(picture, shown(values, None, _SIDE))
            assert distance <= _FAR, (
                f"{path.name}: the picture is {distance:.0f} grey levels from the values in their first window"
            )

    def test_values_are_the_same_alone_and_together(self, good_files: GoodFiles) -> None:
        """Frames come in ascending order, each with the values that it has alone, also from a file in a bucket."""
        decoder = self.load()
        for path, count in self._with_values(decoder, good_files):
            wanted = sorted({0, 1, count // 2, count - 1} & set(range(count)))
            together = [*answers.values(decoder.values(self.file(path), wanted[::-1]), wanted)]
            assert [number for number, _ in together] == wanted, (
                f"{path.name}: not each frame, or not in order"
            )
            for number, values in together:
                far = self.file(path, remote=True)
                alone = [*answers.values(decoder.values(far, [number]), [number])]
                assert len(alone) == 1
                assert _told(alone[0][1]) == _told(values), f"{path.name}: frame {number} differs"

    def test_values_of_frames_that_are_not_there_are_refused(self, good_files: GoodFiles) -> None:
        """A number out of range raises MediaError that names the number of frames; an empty list gives nothing."""
        decoder = self.load()
        for path, count in self._with_values(decoder, good_files):
            assert [*decoder.values(self.file(path), [])] == []
            for number in (count, -1):
                with pytest.raises(MediaError, match=f"{count:,}|{count}"):
                    [*decoder.values(self.file(path), [number])]

    def test_a_volume_holds_the_frames_that_name_it(self, good_files: GoodFiles) -> None:
        """A frame is in its volume, which is the same for all its frames, and of which all frames are in the file."""
        decoder = self.load()
        for path, count in self._with_values(decoder, good_files):
            [(shown, _)] = decoder.values(self.file(path))
            assert shown in answers.volume(decoder.volume(self.file(path), None)), (
                f"{path.name}: of the picture"
            )
            for number in sorted({0, count // 2, count - 1}):
                volume = answers.volume(decoder.volume(self.file(path), number))
                assert number in volume, f"{path.name}: frame {number} is not in its volume {volume}"
                assert volume.stop <= count, f"{path.name}: {volume} goes beyond {count} frames"
                ends = [volume[0], volume[-1]]
                assert [decoder.volume(self.file(path), end) for end in ends] == [volume] * 2

    def test_values_close_their_file_when_nobody_wants_more(self, good_files: GoodFiles) -> None:
        """Reading the values of one frame only leaves no file open."""
        decoder = self.load()
        for path, count in self._with_values(decoder, good_files):
            file = self.file(path)
            found = decoder.values(file, range(count))
            next(iter(found))
            found.close()
            decoder.volume(file, None)
            assert not file.left_open(), f"{path.name} is left open"
            assert not descriptors(path)

    def _with_values(self, decoder: Any, good_files: GoodFiles) -> Iterator[tuple[Path, int]]:
        """The good files that have pictures, and the number of frames; skips the test for a decoder without values."""
        if not isinstance(decoder, ValueDecoder):
            pytest.skip("it gives no values")
        reader: Any = decoder
        for path in good_files:
            count = reader.probe(self.file(path)).frame_count
            if count:
                yield path, count


def _told(values: Any) -> Any:
    """What is compared of values: all that they say, with the bytes of their array."""
    if values is None:
        return None
    array, axes = values.array, (values.axes, tuple(values.spacing), values.depth)
    windows = [*values.windows], values.curve, values.inverted, values.units
    return array.dtype.str, array.shape, array.tobytes(), windows, axes


def _distance(picture: Any, other: Any) -> float:
    """The mean difference of two pictures in grey levels; 255 if their sizes differ by more than rounding."""
    import numpy as np

    if max(abs(one - two) for one, two in zip(picture.size, other.size, strict=True)) > 1:
        return 255.0
    other = other.resize(picture.size)
    levels = [np.asarray(each.convert("L"), dtype="float64") for each in (picture, other)]
    return float(np.abs(levels[0] - levels[1]).mean())
