"""Writes DICOM files into a folder with a DICOMDIR: as they are, or de-identified."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress

from heron import DatasetRow, ExportFolder, HeronError, Item, Member
from heron_export_dicom.directory import Directory, Place
from heron_export_dicom.identity import Deidentification
from heron_export_dicom.judging import KEY
from heron_export_dicom.reading import BadFile, header_of, understood, whole_file

REPORT = "deidentification.json"

Put = Callable[[Item, Member | None], Place | None]
"""Writes a file into the folder, and returns its place; None if it cannot be, which the user was told."""


class CopiesExporter:
    """The files of DICOM items, byte for byte; only one without a preamble or meta header gets one."""

    def write_folder(self, rows: Iterator[DatasetRow], folder: ExportFolder) -> int:
        """Write the files, and return the number of items of which all are there."""
        directory = Directory()

        def put(item: Item, member: Member | None) -> Place | None:
            with folder.open(item, member) as (stream, _):
                header, is_whole = header_of(stream)
            place = directory.place(header)
            if is_whole:
                return place if folder.copy(item, place.name, member) else None
            with folder.open(item, member) as (stream, size):
                dataset = whole_file(stream, size)
            _write(folder, place.name, dataset)
            return place

        return _written(rows, folder, directory, put)


class DeidentifiedExporter:
    """De-identified copies, and a report of what was removed. A file that cannot be made safe is refused."""

    def write_folder(self, rows: Iterator[DatasetRow], folder: ExportFolder) -> int:
        """Write the copies, and return the number of items of which all are there."""
        directory, work = Directory(), Deidentification()
        safe: dict[str, bool] = {}

        def put(item: Item, member: Member | None) -> Place | None:
            with folder.open(item, member) as (stream, size):
                try:
                    dataset = whole_file(stream, size)
                except BadFile as error:
                    work.refused(error)
                    raise
            dataset, is_safe = work(dataset, item.metadata.get(KEY))
            place = directory.place(dataset)
            _write(folder, place.name, dataset)
            safe[place.name] = is_safe
            return place

        def kept(places: list[Place]) -> None:
            for place in places:
                work.written(place.name, safe[place.name])
            safe.clear()

        count = _written(rows, folder, directory, put, kept)
        with folder.create(REPORT) as report:
            report.write(json.dumps(work.report(), indent=2).encode() + b"\n")
        return count


def _written(
    rows: Iterator[DatasetRow],
    folder: ExportFolder,
    directory: Directory,
    put: Put,
    kept: Callable[[list[Place]], None] = lambda places: None,
) -> int:
    count = 0
    for row in rows:
        if row.item.kind != "dicom":
            continue
        places = _put_all(row, folder, directory, put)
        if places:
            kept(places)
            count += 1
    with folder.create("DICOMDIR") as stream:
        directory.write(stream)
    return count


def _put_all(row: DatasetRow, folder: ExportFolder, directory: Directory, put: Put) -> list[Place]:
    """Put the files of an item into the folder, and return their places; if one cannot be, none of them stays."""
    places: dict[str, Place] = {}
    for member in (*row.members,) or (None,):
        try:
            place = put(row.item, member)
            if place is not None and place.uid in places:
                folder.remove(place.name)
                raise BadFile("two of its files are the same instance")
        except HeronError as error:
            folder.failed(row.item, error, member)
            place = None
        if place is None:
            for each in places.values():
                folder.remove(each.name)
            return []
        places[place.uid] = place
    for place in places.values():
        directory.keep(place)
    return [*places.values()]


def _write(folder: ExportFolder, name: str, dataset: object) -> None:
    """Write a dataset into a new file, which does not stay if that fails."""
    try:
        with understood(), folder.create(name) as stream:
            dataset.save_as(stream, enforce_file_format=True)  # type: ignore[attr-defined]
    except BaseException:
        with suppress(OSError):
            folder.remove(name)
        raise
