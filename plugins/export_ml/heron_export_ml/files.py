"""Folders of files: plain copies or links, and those that FiftyOne and Hugging Face datasets load."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable, Container, Iterator
from typing import Any

from attrs import frozen

from heron import DatasetRow, ExportFolder
from heron_export_ml.rows import described, dumps, facts, flat, lists


@frozen
class FilesExporter:
    """The files of all items in the folders that they have in the catalogue, and `items.jsonl` with all that is known.

    The files of an item of several files stand in a folder of its name. Links lead to local files only.
    """

    links: bool = False

    def write_folder(self, rows: Iterator[DatasetRow], folder: ExportFolder) -> int:
        """Write the items and return the number of those whose files are all there."""
        count = 0
        with folder.create("items.jsonl") as table:
            for row, files in self._placed(rows, folder):
                if not files:
                    continue
                count += 1
                line = {"files": files, **described(row)}
                table.write(dumps(line).encode() + b"\n")
        return count

    def _placed(
        self, rows: Iterator[DatasetRow], folder: ExportFolder
    ) -> Iterator[tuple[DatasetRow, list[str]]]:
        """The rows with the names of their files; items of one file are copied some at a time."""
        waiting: list[tuple[DatasetRow, str]] = []

        def copied() -> Iterator[tuple[DatasetRow, list[str]]]:
            done = folder.copy_all([(row.item, name) for row, name in waiting])
            for (row, name), is_there in zip(waiting, done, strict=True):
                yield row, [name] if is_there else []
            waiting.clear()

        for row in rows:
            if not self.links and not row.members:
                waiting.append((row, folder.name(row)))
                if len(waiting) == _AT_ONCE:
                    yield from copied()
                continue
            yield from copied()
            yield row, _put(row, folder, folder.link if self.links else folder.copy)
        yield from copied()


_AT_ONCE = 32
"""Items whose files are copied at the same time."""


def _put(row: DatasetRow, folder: ExportFolder, put: Callable[..., bool]) -> list[str]:
    """Put the files of an item into the folder, and return their names; if one cannot be read, none of them stays."""
    files: list[str] = []
    for member in (*row.members,) or (None,):
        name = folder.name(row, member)
        if not put(row.item, name, member):
            for file in files:
                folder.remove(file)
            return []
        files.append(name)
    return files


@frozen
class LinksExporter(FilesExporter):
    """The same with links."""

    links: bool = True


class FiftyOneExporter:
    """A folder that FiftyOne imports with `dataset_type=fiftyone.types.FiftyOneDataset`: `samples.json` and `data/`.

    Keys of metadata become fields, with `_` in place of what a name of a field cannot have.
    """

    def write_folder(self, rows: Iterator[DatasetRow], folder: ExportFolder) -> int:
        """Write images and videos, and return their number."""
        count = 0
        with folder.create("samples.json") as samples:
            samples.write(b'{"samples":[')
            for row in rows:
                item = row.item
                if item.kind not in ("image", "video"):
                    continue
                name = folder.name(row, below="data")
                if not folder.copy(item, name):
                    continue
                sample: dict[str, Any] = {"filepath": name, "tags": list(item.tags)}
                sample |= {"heron_uuid": item.uuid, "heron_folder": item.folder_path}
                more = {**item.metadata, **facts(item), **lists(row.vectors)}
                for key, value in more.items():
                    sample[_field(key, sample)] = value
                samples.write((b",\n" if count else b"\n") + dumps(sample).encode())
                count += 1
            samples.write(b"\n]}\n")
        return count


def _field(key: str, taken: Container[str]) -> str:
    """The name of a field of FiftyOne for a key; one that is taken gets a number."""
    name = "".join(character if character.isalnum() or character == "_" else "_" for character in key)
    if not name[:1].isalpha() or name in ("id", "metadata"):
        name = f"key_{name}"
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in taken else next(other for other in numbered if other not in taken)


class HuggingFaceExporter:
    """A folder for `datasets.load_dataset("imagefolder", data_dir=…)`, or `audiofolder` and `videofolder`.

    `metadata.jsonl` has one object for each file: `file_name`, what is known of the item, and its metadata by key. Each line
    has the same keys, as the loader of JSON needs.
    """

    def write_folder(self, rows: Iterator[DatasetRow], folder: ExportFolder) -> int:
        """Write images, audio files and videos, and return their number; the keys are known at the end of a first pass."""
        keys, count = dict[str, None](), 0
        with tempfile.TemporaryFile() as kept:
            for row in rows:
                if row.item.kind not in ("image", "audio", "video"):
                    continue
                name = folder.name(row, below="data")
                if folder.copy(row.item, name):
                    values = flat(row)
                    keys.update(dict.fromkeys(values))
                    kept.write(dumps({"file_name": name, **values}).encode() + b"\n")
                    count += 1
            kept.seek(0)
            with folder.create("metadata.jsonl") as table:
                for line in kept:
                    values = json.loads(line)
                    whole = {"file_name": values["file_name"], **{key: values.get(key) for key in keys}}
                    table.write(dumps(whole).encode() + b"\n")
        return count
