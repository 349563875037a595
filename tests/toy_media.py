"""Two small formats with real decoders: clips, which are videos with given times, and scans, which make up series.

Both are a mark and JSON, so that a test can write any file in a line.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise

from PIL import Image

import heron


def clip(path, times, *, fps=None, duration=None, size=(32, 24), **more):
    """Write a clip whose frames are shown at these times; frame n is grey of the level n."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "CLIP" + json.dumps({"times": times, "fps": fps, "duration": duration, "size": size} | more)
    )
    return path


def scan(path, series, position=0, **more):
    """Write one file of a series, or with `series` None a scan that stands alone; `more` is what its header says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(scan_bytes(series, position, **more))
    return path


def scan_bytes(series, position=0, **more):
    """What a file of a series holds."""
    return ("SCAN" + json.dumps({"series": series, "position": position} | more)).encode()


def grey(level, size):
    return Image.new("RGB", size, (level % 256,) * 3)


def read(file):
    with file.open() as stream:
        text = stream.read().decode()
    try:
        return json.loads(text[4:])
    except ValueError as error:
        raise heron.MediaError(f"{file.name} is truncated") from error


class ClipDecoder:
    """Reads clips; `Decoder` and `FrameDecoder`."""

    def probe(self, file):
        head = read(file)
        width, height = head["size"]
        return heron.MediaFacts(
            "video", "video/x-clip", width, height, len(head["times"]), head["fps"], head["duration"]
        )

    def picture(self, file, size):
        head = read(file)
        picture = grey(len(head["times"]) // 2, head["size"])
        picture.thumbnail((size, size))
        return picture

    def times(self, file, *, whole=True):
        head = read(file)
        if head.get("blind"):
            raise heron.MediaError(f"{file.name} has a broken index")
        return head["times"] if whole or not head.get("slow") else None

    def frames(self, file, numbers, size=None):
        head = read(file)
        for number in sorted(set(numbers)):
            if not 0 <= number < len(head["times"]):
                raise heron.MediaError(
                    f"{file.name} has {len(head['times'])} frames, {number} is none of them"
                )
            picture = grey(number, head["size"])
            if size:
                picture.thumbnail((size, size))
            yield number, picture


class ScanDecoder:
    """Reads scans; `Decoder`, `FrameDecoder` and `SeriesDecoder`."""

    def probe(self, file):
        head = self.checked(file)
        facts = {"PatientName": head.get("patient"), "Modality": head.get("modality", "CT")}
        return heron.MediaFacts(
            "dicom", "application/x-scan", 16, 12, head.get("frames", 1), extra={"dicom": facts}
        )

    def checked(self, file):
        head = read(file)
        if head.get("fault") == "broken":
            raise heron.MediaError(f"{file.name} has no pixels")
        if head.get("fault") == "crash":
            raise ZeroDivisionError("in the header")
        return head

    def picture(self, file, size):
        return next(self.frames(file, [0], size))[1]

    def times(self, file, *, whole=True):
        return []

    def frames(self, file, numbers, size=None):
        head = self.checked(file)
        for number in sorted(set(numbers)):
            if number >= head.get("frames", 1):
                raise heron.MediaError(
                    f"{file.name} has {head.get('frames', 1)} frames, {number} is none of them"
                )
            yield number, grey(head["position"] * 10 + number, (16, 12))

    def part(self, file):
        head = self.checked(file)
        if head["series"] is None:
            return None
        names = {"PatientName": head.get("patient"), "Modality": head.get("modality", "CT")}
        header = {
            "position": head["position"],
            "frames": head.get("frames", 1),
            "study": head.get("study", "S"),
        }
        return heron.Part(head["series"], {"scan": header, "dicom": names})

    def series(self, parts):
        headers = [part.header["scan"] for part in parts]
        if len({header["study"] for header in headers}) > 1:
            raise heron.MediaError(f"series {parts[0].series} has files of several studies")
        order = sorted(range(len(parts)), key=lambda place: headers[place]["position"])
        positions = sorted(header["position"] for header in headers)
        gaps = sum(after - before > 1 for before, after in pairwise(positions))
        counts = [headers[place]["frames"] for place in order]
        facts = heron.MediaFacts(
            "dicom",
            "application/x-scan",
            16,
            12,
            sum(counts),
            extra={"dicom": dict(parts[0].header["dicom"])},
        )
        warnings = [f"{gaps} slices are missing"] if gaps else []
        return heron.Series(order, counts, facts, f"Series {parts[0].series}", warnings)


class ToyMedia:
    """The plugin that brings both."""

    @heron.hookimpl
    def register_decoders(self):
        clips = heron.MediaFormat(
            media_type="video/x-clip", kind="video", suffixes=[".clip"], signature=rb"CLIP\{"
        )
        scans = heron.MediaFormat(
            media_type="application/x-scan", kind="dicom", suffixes=[".scan"], signature=rb"SCAN\{"
        )
        yield heron.MediaDecoder(name="clip", summary="clips", formats=[clips], load=ClipDecoder)
        yield heron.MediaDecoder(
            name="scan",
            summary="scans",
            formats=[scans],
            load=ScanDecoder,
            namespaces=["dicom"],
            personal=["dicom.PatientName"],
        )


class Unread:
    """A plugin that knows files of some kinds by their first bytes, and lacks what reads them."""

    def __init__(self, files):
        """Take the first bytes by suffix, with the kind of each."""
        self.files = files

    @heron.hookimpl
    def register_decoders(self):
        formats = [
            heron.MediaFormat(
                media_type=f"{kind}/x{suffix}", kind=kind, suffixes=[suffix], signature=re.escape(start)
            )
            for suffix, (kind, start) in self.files.items()
        ]
        yield heron.MediaDecoder(
            name="unread", summary="unread", formats=formats, requires=["no-such-package"], load=lambda: None
        )
