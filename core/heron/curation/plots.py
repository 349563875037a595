"""Writes points to a file: a scatter plot with or without small pictures, or a table for other tools."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from heron.curation.points import Points
from heron.errors import InvalidInput
from heron.export.files import whole_file
from heron.projection.colouring import Value
from heron.projection.frame import spread_out
from heron.projection.picture import SUFFIXES, draw_plot
from heron.projection.tables import write_table

if TYPE_CHECKING:
    from PIL.Image import Image

TABLES = (".json", ".csv", ".parquet")

Thumbnail = Callable[[str, int | None], bytes | None]
"""The JPEG of an item, by UUID, or of one of its frames, by number; None if there is none."""


def check_file(file: Path) -> None:
    """Raise InvalidInput for a file that is neither a picture nor a table."""
    if file.suffix.lower() not in (*SUFFIXES, *TABLES):
        raise InvalidInput(f"{file}: points are written as {', '.join((*SUFFIXES, *TABLES))}")


def write_points(points: Points, file: Path, title: str, thumbnail: Thumbnail | None) -> None:
    """Write points in the format of the file's suffix; the file appears whole or not at all.

    With `thumbnail`, a plot shows small pictures of some points, spread over it.
    """
    check_file(file)
    with whole_file(file) as stream:
        if file.suffix.lower() in TABLES:
            write_table(_columns(points), _rows(points), stream, file.suffix)
            return
        pictures = _pictures(points, thumbnail) if thumbnail is not None else ()
        draw_plot(
            points.places, stream, file.suffix, title=title, colour=points.values, colour_name=points.field or "",
            pictures=pictures,
        )  # fmt: skip


def _columns(points: Points) -> list[str]:
    names = ["uuid", "name", *(["frame"] if points.of_frames else []), "x", "y"]
    if points.field is not None:
        names.append(f"value.{points.field}" if points.field in names else points.field)
    return names


def _rows(points: Points) -> Iterator[list[Value]]:
    for place, (x, y) in enumerate(points.places.tolist()):
        row: list[Value] = [points.uuids[place], points.names[place]]
        if points.of_frames:
            row.append(points.frames[place])
        row += [x, y]
        if points.values is not None:
            row.append(points.values[place])
        yield row


def _pictures(points: Points, thumbnail: Thumbnail) -> Iterator[tuple[int, Image]]:
    """Pictures of points that are spread over the plot; points without a picture are left out."""
    from PIL import Image

    for place in spread_out(points.places):
        jpeg = thumbnail(points.uuids[place], points.frames[place])
        if jpeg is not None:
            with Image.open(io.BytesIO(jpeg)) as picture:
                yield place, picture.convert("RGB")
