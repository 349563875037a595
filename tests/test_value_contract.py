"""The contract of decoders finds what is wrong with values behind pictures: each of many faults breaks a rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import heron
from heron.media.levels import shown
from heron.testing import DecoderContract

WINDOW = heron.Window(100.0, 50.0)


class Good:
    """Reads a file with a byte for each frame: a ramp from that value on, of 6 rows and 8 columns; two frames are a volume."""

    def __init__(self) -> None:
        self.window, self.inverted = WINDOW, False

    def _starts(self, file: heron.MediaFile) -> bytes:
        with file.open() as stream:
            found = stream.read()
        if not found or len(found) > 9 or max(found) > 60:
            raise heron.MediaError(f"{file.name} is not a file of ramps")
        return found

    def _of(self, start: int, number: int) -> heron.Values:
        ramp = start + np.arange(48, dtype="int16").reshape(6, 8)
        return heron.Values(ramp, [self.window], inverted=self.inverted, axes="LPS", depth=float(number))

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        return heron.MediaFacts("image", "image/x-ramp", 8, 6, len(self._starts(file)))

    def picture(self, file: heron.MediaFile, size: int) -> Any:
        return shown(Good()._of(self._starts(file)[0], 0), WINDOW, size)

    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        starts = self._starts(file)
        for number in sorted({0} if numbers is None else {*numbers}):
            if not 0 <= number < len(starts):
                raise heron.MediaError(f"{file.name} has {len(starts)} frames, not {number}")
            yield number, self._of(starts[number], number)

    def volume(self, file: heron.MediaFile, number: int | None) -> range:
        first = (number or 0) // 2 * 2
        return range(first, min(first + 2, len(self._starts(file))))


class Inverted(Good):
    def __init__(self) -> None:
        self.window, self.inverted = WINDOW, True


class OtherWindow(Good):
    def __init__(self) -> None:
        self.window, self.inverted = heron.Window(100.0, 90.0), False


class Turned(Good):
    def _of(self, start: int, number: int) -> heron.Values:
        found = super()._of(start, number)
        return heron.Values(found.array.T, found.windows, axes="PLS")


class UpsideDown(Good):
    def _of(self, start: int, number: int) -> heron.Values:
        found = super()._of(start, number)
        return heron.Values(found.array[::-1], found.windows)


class NoWindow(Good):
    def _of(self, start: int, number: int) -> heron.Values:
        return heron.Values(super()._of(start, number).array, [])


class Colours(Good):
    def _of(self, start: int, number: int) -> heron.Values:
        return heron.Values(np.zeros((6, 8, 3), "uint8"), [WINDOW])


class AllForNone(Good):
    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        count = len(self._starts(file))
        return super().values(file, range(count) if numbers is None else numbers)


class AsAsked(Good):
    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        for number in [0] if numbers is None else numbers:
            yield from super().values(file, [number])


class LeavesOut(Good):
    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        there = len(self._starts(file))
        return super().values(file, None if numbers is None else [n for n in numbers if 0 <= n < there])


class FromTheEnd(Good):
    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        count = len(self._starts(file))
        return super().values(file, None if numbers is None else [n % count if n < 0 else n for n in numbers])


class Remembers(Good):
    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        for place, (number, found) in enumerate(super().values(file, numbers)):
            yield number, heron.Values(found.array, found.windows, axes="LPS", depth=float(place))


class NeedsAPath(Good):
    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        for number, found in super().values(file, numbers):
            yield number, found if file.path is not None else None


class VolumeBeyond(Good):
    def volume(self, file: heron.MediaFile, number: int | None) -> range:
        return range(9)


class VolumeElsewhere(Good):
    def volume(self, file: heron.MediaFile, number: int | None) -> range:
        return range(1) if number else range(2)


class VolumeOfList(Good):
    def volume(self, file: heron.MediaFile, number: int | None) -> Any:
        return [0, 1]


class StaysOpen(Good):
    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        self.stream = file.open()
        return super().values(file, numbers)


class BreaksAnyhow(Good):
    def values(self, file: heron.MediaFile, numbers: Sequence[int] | None = None) -> Iterator[Any]:
        with file.open() as stream:
            assert stream.read()[0] <= 60
        return super().values(file, numbers)


RULES = {
    "test_values_are_those_that_the_picture_shows": (
        Inverted, OtherWindow, Turned, UpsideDown, NoWindow, Colours, AllForNone,
    ),
    "test_values_are_the_same_alone_and_together": (AsAsked, Remembers, NeedsAPath),
    "test_values_of_frames_that_are_not_there_are_refused": (LeavesOut, FromTheEnd),
    "test_a_volume_holds_the_frames_that_name_it": (VolumeBeyond, VolumeElsewhere, VolumeOfList),
    "test_values_close_their_file_when_nobody_wants_more": (StaysOpen,),
    "test_broken_files_are_refused_or_read_and_nothing_else": (BreaksAnyhow,),
}  # fmt: skip
"""The faults that each rule finds."""


def broken(rule: str, decoder: type, tmp_path: Any) -> bool:
    """Whether a decoder breaks a rule of the contract."""
    record = heron.MediaDecoder(
        name="ramps",
        summary="Ramps",
        formats=[heron.MediaFormat(media_type="image/x-ramp", kind="image", suffixes=[".ramp"])],
        load=decoder,
    )
    contract = type("Contract", (DecoderContract,), {"decoder": record})()
    path = tmp_path / "a.ramp"
    path.write_bytes(bytes([10, 20, 30, 40]))
    files = {path: {"frame_count": 4}}
    given = {"good_files": files}
    if "broken" in rule:
        bad = tmp_path / "b.ramp"
        bad.write_bytes(b"\xff\xff")
        given = {"broken_files": [contract.file(bad)]}
    try:
        getattr(contract, rule)(**given)
    except Exception:  # noqa: BLE001 - an assertion, or what the code of the decoder raises
        return True
    except pytest.fail.Exception:
        return True
    return False


@pytest.mark.parametrize("rule", RULES)
def test_a_decoder_that_does_all_right_passes(rule: str, tmp_path: Any) -> None:
    assert not broken(rule, Good, tmp_path)


@pytest.mark.parametrize(
    ("rule", "fault"), [(rule, each) for rule, faults in RULES.items() for each in faults]
)
def test_a_fault_breaks_its_rule(rule: str, fault: type, tmp_path: Any) -> None:
    assert broken(rule, fault, tmp_path)
