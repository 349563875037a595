"""The values behind the grey levels of a picture, and the protocol of the decoders that give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from attrs import field, frozen

from heron.records import Record

if TYPE_CHECKING:
    import numpy

    from heron.hooks.interfaces import MediaFile

Curve = Literal["linear", "exact", "sigmoid"]
"""How a window turns values into grey levels: LINEAR, LINEAR_EXACT and SIGMOID of DICOM (PS3.3 C.11.2.1.2)."""


@frozen(repr=False)
class Window(Record):
    """The values that a picture shows between black and white: `width` of them, around `level`, in the units of the values.

    `name` is what the file calls it, such as `LUNG`.
    """

    width: float
    level: float
    name: str = ""


@frozen(eq=False)
class Values:
    """The values of one frame, as it is shown: row 0 is on top, column 0 on the left.

    `array` has the shape (rows, columns), after the scaling that the file asks for, so that a CT has Hounsfield units.
    `windows` are those that the file names, at least one: `picture` shows the first. `inverted` ones show high values dark.
    For a slice of a volume, `axes` are the directions of the patient to which columns, rows and slices go on, one letter each
    of R L A P S I, such as `LPS`; `spacing` is the distance of columns and of rows, and `depth` the place along the third
    axis, in millimetres.
    """

    array: numpy.ndarray[Any, Any]
    windows: Sequence[Window]
    curve: Curve = "exact"
    inverted: bool = False
    units: str = ""
    axes: str = ""
    spacing: tuple[float, float] = field(default=(1.0, 1.0))
    depth: float | None = None


@runtime_checkable
class ValueDecoder(Protocol):
    """Optional for a decoder of files with more values than a screen has grey levels. Heron shows them in any window and plane.

    Without it, Heron refuses a picture in another window, and says so.
    """

    def values(
        self, file: MediaFile, numbers: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Values | None]]:
        """The values of frames with their numbers, ascending like `FrameDecoder.frames`; for None, those of `picture`.

        None in place of the values of a frame that has colours.
        """

    def volume(self, file: MediaFile, number: int | None) -> range:
        """The frames of the volume to which a frame belongs, or that of `picture` for None: a single one if there is none."""


PROTOCOLS = ("ValueDecoder", "Values", "Window")
"""In the order in which the documentation explains them."""
