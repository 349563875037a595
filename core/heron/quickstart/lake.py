"""Writes the sample lake: files of every kind, metadata for the photographs, and two broken files on purpose."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from heron.quickstart.canvas import Shot, saved
from heron.quickstart.dicom import CT, MR, dicom_series
from heron.quickstart.film import avi
from heron.quickstart.logbook import logbook
from heron.quickstart.motion import crossing
from heron.quickstart.nifti import nifti_volume
from heron.quickstart.notes import NOTES
from heron.quickstart.photos import metadata, photographs, taken
from heron.quickstart.pictures import animation, chart, encoded_again, postcard, time_lapse, views
from heron.quickstart.sound import harbour_sound


def make_lake(directory: Path) -> dict[str, int]:
    """Write the sample lake into a directory, created if it is missing; the same bytes every time.

    It writes `lake`, `views` and `timelapse` (folders that become one item each), and `metadata.jsonl`.
    Returns the number of files of each sort.
    """
    shots = photographs()
    photos = {f"lake/photos/{photo.shot.city}/{photo.name}": taken(photo) for photo in shots}
    counts = {}
    for sort, files in _sorts(photos).items():
        counts[sort] = len(files)
        for name, content in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    lines = "".join(f"{json.dumps(metadata(photo))}\n" for photo in shots)
    (directory / "metadata.jsonl").write_text(lines)
    return counts


def _sorts(photos: Mapping[str, bytes]) -> dict[str, Mapping[str, bytes]]:
    """All files by the name of their sort, then by path."""
    red_bus, snow, tram = (
        photos[f"lake/photos/{city}/{city}-001.jpg"] for city in ("algiers", "oslo", "lisbon")
    )
    return {
        "photograph": photos,
        "other picture": {
            "lake/media/map-of-the-lake.png": chart(),
            "lake/media/lisbon-postcard.webp": postcard(),
            "lake/media/boat-at-dusk.gif": animation(),
            "lake/copies/the-red-bus.jpg": red_bus,
            "lake/copies/tram-as-sent.jpg": encoded_again(tram),
        },
        "view": {f"views/view-{n}.jpg": jpeg for n, jpeg in enumerate(views(), start=1)},
        "time-lapse picture": {f"timelapse/{n:04}.jpg": jpeg for n, jpeg in enumerate(time_lapse(), start=1)},
        "film": {"lake/media/ferry.avi": _film()},
        "sound": {"lake/media/foghorn.wav": harbour_sound()},
        "document": {
            **{f"lake/notes/{name}": text.encode() for name, text in NOTES.items()},
            "lake/notes/logbook.pdf": logbook(snow, (640, 480)),
        },
        "scan file": _scans(),
        "broken file": {"lake/broken/cut-short.jpg": snow[:9000], "lake/broken/empty.png": b""},
    }


def _film() -> bytes:
    """Eight seconds of a ferry that crosses a harbour at nightfall."""
    shots = [Shot("lisbon", "harbour", time, "sun", "white ferry") for time in ("day", "dusk", "night")]
    frames = [saved(frame, "JPEG", quality=60) for frame in crossing(shots, 5, (320, 240), 100)]
    return avi(frames, (320, 240), rate=(25, 2))


def _scans() -> dict[str, bytes]:
    """A series as separate files, another one in an archive, and a volume."""
    slices = {f"lake/scans/head-ct/{_name(n)}": slice for n, slice in enumerate(dicom_series(CT), start=1)}
    archive = _zipped((f"head-mr/{n:02}.dcm", slice) for n, slice in enumerate(dicom_series(MR), start=1))
    return {**slices, "lake/scans/head-mr.zip": archive, "lake/scans/head.nii.gz": nifti_volume()}


def _name(number: int) -> str:
    """A name for a slice, one of twelve, which do not sort in the order of the slices; some have no suffix."""
    shuffled = number * 5 % 13
    return f"IM{shuffled:04}" + (".dcm" if shuffled % 3 else "")


def _zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files:
            # A ZipInfo has the date 1980-01-01, so that the bytes are the same every time.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
