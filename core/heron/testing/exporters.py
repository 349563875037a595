"""The contract of exporters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from attrs import evolve

from heron.models import DatasetRow, MediaFacts
from heron.testing.contracts import RecordContract
from heron.testing.derivers import an_item

if TYPE_CHECKING:
    from heron.hooks import Contribution, DatasetExporter

NAMES = ("plain.png", "café 東京 🚌.png", "two\nlines.png", 'a "quoted", name.png', "=1+1.png")
"""Names of files that formats easily write wrongly."""


def rows(names: Sequence[str] = NAMES) -> Iterator[DatasetRow]:
    """Rows as an exporter gets them: pictures with these names, and metadata `label`, which is missing for each third."""
    for position, name in enumerate(names):
        metadata = {} if position % 3 == 2 else {"label": f"label of {name}"}
        item = evolve(
            an_item(MediaFacts("image", "image/png", width=40, height=30), name=name, metadata=metadata),
            id=position + 1,
            uuid=f"00000000-0000-4000-8000-{position:012}",
        )
        yield DatasetRow(position, item)


class _Folder:
    """A folder into which an exporter writes, without the files of a lake."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, name: str) -> Any:
        place = self.path / name
        assert place.resolve().is_relative_to(self.path.resolve()), f"{name} lies outside of the folder"
        assert not place.exists(), f"{name} is written twice"
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.open("wb")


class ExporterContract(RecordContract):
    """Rules for an exporter. Set `exporter`, and write `read`; a format that needs files or vectors is tried by a test of your own with `heron_workspace` instead, since the folder here can only `create`."""

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
            return made.write_folder(given, _Folder(path))  # type: ignore[no-any-return]
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
