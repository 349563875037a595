"""PCD files as https://pointclouds.org/documentation/tutorials/pcd_file_format.html describes them: text, and binary data of 4-byte fields."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

import heron

MOST = 50_000_000
"""The most points that are read."""

HEAD = 1000
"""The most bytes of a header, which is within the head of a file."""


class PcdDecoder:
    """Reads point clouds."""

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        """The number of points, their fields, and how they are stored."""
        header, _ = self._header(file)
        facts = {"points": self._count(file, header), "fields": header["FIELDS"], "data": header["DATA"][0]}
        return heron.MediaFacts(kind="point_cloud", media_type=file.media_type, extra={"pcd": facts})

    def picture(self, file: heron.MediaFile, size: int) -> Image.Image | None:
        """The points from above, brighter where there are more."""
        points = self._points(file)
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return None
        low, reach = points.min(axis=0), float(np.ptp(points, axis=0).max()) or 1.0
        across, down = ((points - low) / reach * (size - 1)).astype(int).T
        counts = np.zeros((size, size))
        np.add.at(counts, (size - 1 - down, across), 1)
        grey = (np.log1p(counts) / np.log1p(counts.max()) * 255).astype("uint8")
        return Image.fromarray(grey, "L").convert("RGB")

    def _header(self, file: heron.MediaFile) -> tuple[dict[str, list[str]], int]:
        """The lines of the header by their first word, and where the data begins."""
        header: dict[str, list[str]] = {}
        place = 0
        for line in file.head[:HEAD].split(b"\n"):
            place += len(line) + 1
            words = line.decode("ascii", "replace").split()
            if words and not words[0].startswith("#"):
                header[words[0]] = words[1:]
            if words[:1] == ["DATA"]:
                break
        missing = [name for name in ("FIELDS", "SIZE", "TYPE", "POINTS", "DATA") if not header.get(name)]
        if missing:
            raise heron.MediaError(f"{file.name} has no {', '.join(missing)} in its header")
        if len(header["FIELDS"]) != len(header["SIZE"]) or len(header["FIELDS"]) != len(header["TYPE"]):
            raise heron.MediaError(f"{file.name}: its header has another number of fields than of types")
        return header, place

    def _count(self, file: heron.MediaFile, header: dict[str, list[str]]) -> int:
        given = header["POINTS"][0]
        if not given.isascii() or not given.isdecimal() or int(given) > MOST:
            raise heron.MediaError(f"{file.name}: {given[:40]!a} is no number of points up to {MOST:,}")
        return int(given)

    def _points(self, file: heron.MediaFile) -> Any:
        """The x and y of all points, float64 of shape (count, 2)."""
        header, place = self._header(file)
        count, fields, data = self._count(file, header), header["FIELDS"], header["DATA"][0]
        if "x" not in fields or "y" not in fields:
            raise heron.MediaError(f"{file.name} has no x and y")
        columns = [fields.index("x"), fields.index("y")]
        if data == "ascii" and count * 2 * len(fields) > file.size:
            raise heron.MediaError(f"{file.name} is too short for {count:,} points")
        with file.open() as stream:
            stream.seek(place)
            if data == "binary":
                return self._binary(file, stream.read(), header, count, columns)
            rows = stream.read().split(b"\n")[:count]
        try:
            return np.array(
                [[float(row.split()[column]) for column in columns] for row in rows if row.strip()]
            ).reshape(-1, 2)
        except (ValueError, IndexError) as error:
            raise heron.MediaError(f"{file.name}: a line is no point: {ascii(error)[:100]}") from error

    def _binary(
        self,
        file: heron.MediaFile,
        content: bytes,
        header: dict[str, list[str]],
        count: int,
        columns: list[int],
    ) -> Any:
        if (
            set(header["SIZE"]) != {"4"}
            or header["TYPE"][columns[0]] != "F"
            or header["TYPE"][columns[1]] != "F"
        ):
            raise heron.MediaError(f"{file.name}: only fields of 4 bytes are read")
        wide = len(header["FIELDS"])
        if len(content) < count * wide * 4:
            raise heron.MediaError(f"{file.name} is too short for {count:,} points")
        return np.frombuffer(content, "<f4", count * wide).reshape(count, wide)[:, columns].astype("float64")
