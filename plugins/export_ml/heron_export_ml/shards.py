"""WebDataset: tar files in which the files of a sample have one key (https://github.com/webdataset/webdataset)."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import PurePosixPath

from attrs import frozen

from heron import DatasetRow, ExportFolder, HeronError, Member
from heron_export_ml.rows import described, dumps


@frozen
class WebDatasetExporter:
    """`000000.tar`, `000001.tar` and so on, each with at most `most` samples and, unless one sample has more, `size` bytes.

    The key of a sample is its position in nine digits. It has the file of the item under its usual ending, or the files of an
    item of several as `0.png`, `1.png` and so on, and `json` with all that is known of the item.
    """

    most: int = 10_000
    size: int = 1_000_000_000

    def write_folder(self, rows: Iterator[DatasetRow], folder: ExportFolder) -> int:
        """Write the samples and return their number."""
        count = shard = held = 0
        with ExitStack() as stack:
            archive: tarfile.TarFile | None = None
            for row in rows:
                if archive is None or held >= self.most or archive.offset >= self.size:
                    stack.close()
                    file = stack.enter_context(folder.create(f"{shard:06}.tar"))
                    archive = stack.enter_context(tarfile.open(fileobj=file, mode="w|"))
                    shard, held = shard + 1, 0
                if not _add(archive, row, f"{count:09}", folder):
                    continue
                _write(archive, f"{count:09}.json", dumps(described(row)).encode())
                count, held = count + 1, held + 1
        return count


def _add(archive: tarfile.TarFile, row: DatasetRow, key: str, folder: ExportFolder) -> bool:
    """Add the files of an item; False if one cannot be read, and then nothing of it is added."""
    members = [*row.members]
    if not members:
        return _add_one(archive, row, f"{key}{_suffix(folder.name(row))}", folder, None)
    for (
        member
    ) in members:  # all of them are looked at before the first is written, for a tar cannot take back
        try:
            with folder.open(row.item, member):
                pass
        except HeronError as error:
            folder.failed(row.item, error, member)
            return False
    return all(
        _add_one(archive, row, f"{key}.{place}{_suffix(member.path or member.url)}", folder, member)
        for place, member in enumerate(members)
    )


def _add_one(
    archive: tarfile.TarFile, row: DatasetRow, name: str, folder: ExportFolder, member: Member | None
) -> bool:
    try:
        with folder.open(row.item, member) as (stream, size):
            data = io.BytesIO(stream.read(size + 1)) if size < _SMALL else None
            if data is not None and len(data.getvalue()) != size:
                raise HeronError("its size has changed while it was read")
            info = tarfile.TarInfo(name)
            info.size = size
            archive.addfile(info, data or stream)
    except HeronError as error:
        folder.failed(row.item, error, member)
        return False
    return True


_SMALL = 64 * 1024 * 1024
"""Files up to this size are read before the tar file gets them, so that one that cannot be read leaves nothing there."""


def _write(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
