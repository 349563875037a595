"""The contract of exporters."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import pytest
from attrs import evolve

from heron.models import DatasetRow, MediaFacts
from heron.testing.contracts import RecordContract
from heron.testing.derivers import an_item

if TYPE_CHECKING:
    from heron.errors import HeronError
    from heron.hooks import Contribution, DatasetExporter
    from heron.models import Item, Member

NAMES = ("plain.png", "café 東京 🚌.png", "two\nlines.png", 'a "quoted", name.png', "=1+1.png")
"""Names of files that formats easily write wrongly."""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PICTURE = b"".join(
    (
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 30, 8, 0, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress((b"\0" + bytes(range(0, 240, 6))) * 30)),
        _chunk(b"IEND", b""),
    )
)
"""The file of each item: a grey PNG of 40 x 30 pixels."""


def rows(names: Sequence[str] = NAMES) -> Iterator[DatasetRow]:
    """Rows as an exporter gets them: pictures with these names, and metadata `label`, which is missing for each third."""
    for position, name in enumerate(names):
        metadata = {} if position % 3 == 2 else {"label": f"label of {name}"}
        item = evolve(
            an_item(MediaFacts("image", "image/png", width=40, height=30), name=name, metadata=metadata),
            id=position + 1,
            size=len(PICTURE),
            uuid=f"00000000-0000-4000-8000-{position:012}",
        )
        yield DatasetRow(position, item)


class _Files:
    """The files of the rows, which are all the same picture and lie in no store."""

    is_frozen = False

    @contextmanager
    def open(self, item: Item, member: Member | None = None) -> Iterator[tuple[IO[bytes], int]]:
        yield BytesIO(PICTURE), len(PICTURE)

    def local(self, item: Item, member: Member | None = None) -> None:
        return None

    def failed(self, item: Item, error: HeronError, member: Member | None = None) -> None:
        raise error


@contextmanager
def _folder(path: Path) -> Iterator[Any]:
    """The folder as Heron gives it to exporters."""
    folder = import_module("heron.export.folders").NewFolder(path, _Files())
    try:
        yield folder
    finally:
        folder.close()


class ExporterContract(RecordContract):
    """Rules for an exporter. Set `exporter`, and write `read`. The folder is the real one; each item's file is `heron.testing.exporters.PICTURE`, which `copy` and `open` give. There are no vectors and no local files for `link`: for these, write a test of your own with `heron_workspace`."""

    exporter: ClassVar[DatasetExporter]
    """The record that the hook yields."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.exporter

    def read(self, path: Path) -> Sequence[str]:
        """The URLs or names of the items in the file or folder that was written, in their order, read by what reads the format."""
        raise NotImplementedError("write read(path): what was written, read again")

    def written(self, path: Path, given: Iterator[DatasetRow]) -> int:
        """Write rows to a path; returns what the exporter returns."""
        made: Any = self.exporter.load()
        if self.exporter.writes_folder:
            path.mkdir()
            with _folder(path) as folder:
                return made.write_folder(given, folder)  # type: ignore[no-any-return]
        with path.open("wb") as stream:
            return made.write(given, stream)  # type: ignore[no-any-return]

    def test_every_row_is_written_and_counted(self, tmp_path: Path) -> None:
        """What is read again are all items in their order, and the number is returned."""
        count = self.written(tmp_path / "all", rows())
        found = [str(name) for name in self.read(tmp_path / "all")]
        assert type(count) is int
        assert count == len(NAMES) == len(found), f"{count} returned, {len(found)} found, {len(NAMES)} given"
        for name, row in zip(found, rows(), strict=True):
            assert name in (row.item.name, row.item.url, row.item.uuid), f"{name!r} is not {row.item.name!r}"

    def test_no_rows_are_an_export_too(self, tmp_path: Path) -> None:
        """An empty dataset is written, and read again as empty."""
        assert self.written(tmp_path / "none", iter(())) == 0
        assert list(self.read(tmp_path / "none")) == []

    def test_the_same_rows_are_the_same_bytes(self, tmp_path: Path) -> None:
        """Two exports of one version are equal, so that they can be compared."""
        for name in ("first", "second"):
            self.written(tmp_path / name, rows())
        assert _contents(tmp_path / "first") == _contents(tmp_path / "second")

    def test_rows_are_taken_as_they_come(self, tmp_path: Path) -> None:
        """A dataset may have millions of rows: an error in the middle comes through, and rows behind it are not asked for."""

        def broken() -> Iterator[DatasetRow]:
            yield from rows(NAMES[:2])
            raise ZeroDivisionError("the catalogue is gone")

        with pytest.raises(ZeroDivisionError):
            self.written(tmp_path / "half", broken())

    def test_rows_are_left_as_they_are(self, tmp_path: Path) -> None:
        """The records belong to Heron."""
        given = list(rows())
        before = [dict(row.item.metadata) for row in given]
        self.written(tmp_path / "all", iter(given))
        assert [dict(row.item.metadata) for row in given] == before


def _contents(path: Path) -> Mapping[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
