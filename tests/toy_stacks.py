"""Numbered slices such as `bone_001.slice`: files that make up series of a kind of their own, for tests."""

from __future__ import annotations

import re

from PIL import Image

import heron

_NAME = re.compile(r"(.+)_(\d+)\.slice")


def slices(folder, name, numbers, level=10):
    """Write slices; that of a number is grey of `level` times the number."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}_{number:03}.slice" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        path.write_bytes(b"SLICE" + bytes([number * level % 256]))
    return paths


class SliceDecoder:
    """Reads slices: `Decoder`, `FrameDecoder` and `SeriesDecoder`. A file without a number stands alone."""

    def probe(self, file):
        self.level(file)
        return heron.MediaFacts("stack", file.media_type, 8, 8, 1)

    def level(self, file):
        with file.open() as stream:
            data = stream.read()
        if len(data) != 6:
            raise heron.MediaError(f"{file.name} is not one slice")
        return data[5]

    def picture(self, file, size):
        return next(self.frames(file, [0], size))[1]

    def times(self, file, *, whole=True):
        return []

    def frames(self, file, numbers, size=None):
        for number in sorted(set(numbers)):
            if number:
                raise heron.MediaError(f"{file.name} has one frame, {number} is none of them")
            side = min(8, size or 8)
            yield 0, Image.new("RGB", (side, side), (self.level(file),) * 3)

    def part(self, file):
        self.level(file)
        found = _NAME.fullmatch(file.name)
        return heron.Part(found[1], {"stack": {"number": int(found[2])}}) if found else None

    def series(self, parts):
        numbers = [part.header["stack"]["number"] for part in parts]
        order = sorted(range(len(parts)), key=numbers.__getitem__)
        facts = heron.MediaFacts(
            "stack", "application/x-slice", 8, 8, len(parts), extra={"stack": {"last": max(numbers)}}
        )
        return heron.Series(order, [1] * len(parts), facts, parts[0].series)


class ToyStacks:
    """The plugin that brings them."""

    @heron.hookimpl
    def register_kinds(self):
        yield heron.MediaKind(
            name="stack", summary="numbered slices", arrays=["stacks"], files="series", slices=True
        )

    @heron.hookimpl
    def register_decoders(self):
        form = heron.MediaFormat(
            media_type="application/x-slice", kind="stack", suffixes=[".slice"], signature=rb"SLICE"
        )
        yield heron.MediaDecoder(
            name="slices", summary="slices", formats=[form], load=SliceDecoder, namespaces=["stack"]
        )
