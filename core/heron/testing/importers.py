"""The contract of importers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from heron.convert import dumps
from heron.errors import InvalidInput
from heron.hooks import ImportEntry
from heron.testing.contracts import RecordContract

if TYPE_CHECKING:
    from heron.hooks import Contribution, DatasetImporter, ImportSource


class ImporterContract(RecordContract):
    """Rules for an importer. Set `importer` and `files`, and write a small dataset in `dataset`; `source` opens it as Heron does."""

    importer: ClassVar[DatasetImporter]
    """The record that the hook yields."""

    files: ClassVar[Sequence[tuple[str, Mapping[str, Any]]]]
    """The files of the dataset in their order, each with the annotations that it shall have; empty annotations need not be named."""

    others: ClassVar[Sequence[bytes]] = (b"", b"\x00\xff\x00", b"{}", b"[1, 2]", b"nothing of the kind\n")
    """Contents of a file that is not of this format."""

    def dataset(self, folder: Path) -> Path:
        """Write a dataset with the `files` below an empty folder; returns its file, or the folder."""
        raise NotImplementedError("write a dataset, and return its path")

    def source(self, path: Path) -> ImportSource:
        """The dataset at a path, as an importer gets it."""
        from importlib import import_module

        found: ImportSource = import_module("heron.ingest.datasets.source").DatasetSource(path)
        return found

    def record(self) -> Contribution:
        """The record under test."""
        return self.importer

    def entries(self, path: Path) -> list[ImportEntry]:
        """The entries of a dataset."""
        found = list(self.importer.load().entries(self.source(path)))
        assert all(isinstance(entry, ImportEntry) for entry in found), "it yields ImportEntry records"
        return found

    def test_entries_have_their_files_and_annotations(self, tmp_path: Path) -> None:
        """Each file of the example is an entry, with just the annotations that are written beside it."""
        entries = self.entries(self.dataset(tmp_path))
        assert not [entry.problem for entry in entries if entry.problem]
        found = {
            entry.file or "|".join(entry.files): {
                name: value for name, value in entry.annotations.items() if value not in (None, "", [], {})
            }
            for entry in entries
        }
        wanted = {name: dict(values) for name, values in self.files}
        assert found == wanted
        assert list(found) == list(wanted), "the files are in another order"

    def test_entries_are_the_same_each_time(self, tmp_path: Path) -> None:
        """An import that was interrupted goes on at its position."""
        path = self.dataset(tmp_path)
        assert self.entries(path) == self.entries(path)

    def test_annotations_are_declared(self, tmp_path: Path) -> None:
        """The record names all annotations, since users choose keys for them."""
        for entry in self.entries(self.dataset(tmp_path)):
            others = set(entry.annotations) - set(self.importer.annotations)
            assert not others, f"{others} are not in the annotations of the record"

    def test_values_can_be_stored(self, tmp_path: Path) -> None:
        """Metadata and annotations are values of JSON, and places are one line of text."""
        for entry in self.entries(self.dataset(tmp_path)):
            dumps([entry.metadata, entry.annotations])
            assert entry.place.strip()
            assert len(entry.place.splitlines()) == 1

    def test_a_file_of_another_format_is_refused_or_empty(self, tmp_path: Path) -> None:
        """What is not of this format raises InvalidInput, or its entries are problems; nothing else comes out of it."""
        suffixes = self.importer.suffixes or [".txt"]
        for number, content in enumerate(self.others):
            folder = tmp_path / str(number)
            folder.mkdir()
            path = folder / f"data{suffixes[0]}"
            path.write_bytes(content)
            try:
                entries = self.entries(path)
            except InvalidInput:
                continue
            known = [entry for entry in entries if entry.problem is None and entry.file in dict(self.files)]
            assert not known, f"{content!r} gave the file {known[0].file}"

    def test_a_folder_is_only_read_if_the_record_says_so(self, tmp_path: Path) -> None:
        """An empty folder is no dataset."""
        if not self.importer.reads_folder:
            pytest.skip("the format is one file, and Heron refuses folders")
        with pytest.raises(InvalidInput):
            self.entries(tmp_path)
