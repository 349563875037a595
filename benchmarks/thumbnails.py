"""Thumbnails of 1024x768 JPEGs, facts from headers, and quality metrics, beside other ways to get them.

Each way does the whole job for each file on one core: reads it, decodes it as small as it can, fits the picture into
256x256, and encodes it as a JPEG of quality 80. Facts are size, mode and EXIF. All are measured warm.
Run: python benchmarks/thumbnails.py [FILES]
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Any

from measure import in_fresh_process, median, table, timed

SIZE, QUALITY = 256, 80
Work = Callable[[Path], Any]


def make_files(directory: Path, count: int) -> None:
    """JPEGs of 1024x768 and about 100 kB, PNGs and WebPs of 512x384, all with EXIF, each format in a folder."""
    from PIL import Image

    random.seed(1)
    for suffix, cells, size in (("jpg", 64, (1024, 768)), ("png", 32, (512, 384)), ("webp", 32, (512, 384))):
        (directory / suffix).mkdir()
        shape = (cells, cells * 3 // 4)
        noise = Image.frombytes("RGB", shape, random.randbytes(shape[0] * shape[1] * 3))
        exif = Image.Exif()
        exif[0x010F], exif[0x0110], exif[0x0112] = "Heron", "Finch 2", 1
        exif.get_ifd(0x8769)[0x9003] = "2026:01:01 12:00:00"
        buffer = io.BytesIO()
        noise.resize(size, Image.Resampling.BICUBIC).save(
            buffer, {"jpg": "JPEG"}.get(suffix, suffix), quality=72, exif=exif
        )
        for number in range(count):
            (directory / suffix / f"{number:05}.{suffix}").write_bytes(buffer.getvalue())


def heron_file(path: Path) -> Any:
    """A file as an import gives it to the decoder."""
    from heron.media.files import look_at

    file = look_at(path, path.as_uri())
    file.media_type = {".jpg": "image/jpeg"}.get(path.suffix, f"image/{path.suffix[1:]}")
    return file


def heron_thumbnail() -> Work:
    """Heron's decoder and encoder."""
    from heron.media.images import ImageDecoder
    from heron.media.thumbnails import encode_thumbnail

    decoder = ImageDecoder()
    return lambda path: encode_thumbnail(decoder.picture(heron_file(path), SIZE))


def simplejpeg_thumbnail() -> Work:
    """Scaled decoding by simplejpeg, scaled further by Pillow where that is needed."""
    import numpy
    import simplejpeg
    from PIL import Image

    def work(path: Path) -> bytes:
        data = path.read_bytes()
        pixels = simplejpeg.decode_jpeg(data, min_width=SIZE, min_height=SIZE * 3 // 4, min_factor=1)
        if max(pixels.shape) > SIZE:
            image = Image.fromarray(pixels)
            image.thumbnail((SIZE, SIZE))
            pixels = numpy.asarray(image)
        return simplejpeg.encode_jpeg(pixels, QUALITY, colorsubsampling="420")

    return work


def opencv_thumbnail() -> Work:
    """Decoding at a quarter by OpenCV."""
    import cv2

    cv2.setNumThreads(1)

    def work(path: Path) -> bytes:
        pixels = cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_4)
        if max(pixels.shape) > SIZE:
            scale = SIZE / max(pixels.shape)
            pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()

    return work


def pillow_thumbnail(width: int, height: int) -> Work:
    """Pillow's draft, which takes the size below which neither side may fall."""
    from PIL import Image

    def work(path: Path) -> bytes:
        with Image.open(path) as image:
            image.draft("RGB", (width, height))
            image.thumbnail((SIZE, SIZE))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=QUALITY)
            return buffer.getvalue()

    return work


def pyvips_thumbnail() -> Work:
    """The thumbnail of libvips."""
    import pyvips

    pyvips.cache_set_max(0)
    return lambda path: pyvips.Image.thumbnail(str(path), SIZE, height=SIZE).jpegsave_buffer(Q=QUALITY)


def pillow_facts() -> Work:
    """A bare Pillow loop: size, mode and EXIF."""
    from PIL import Image

    def work(path: Path) -> Any:
        with Image.open(path) as image:
            exif = image.getexif()
            return image.size, image.mode, dict(exif), dict(exif.get_ifd(0x8769))

    return work


def heron_facts() -> Work:
    """Heron's facts: a header reader, and whether the file is complete."""
    from heron.media.images import ImageDecoder

    decoder = ImageDecoder()
    return lambda path: decoder.probe(heron_file(path))


def heron_facts_by_pillow() -> Work:
    """The same with the header read by Pillow."""
    from heron.media import images

    for name in ("read_jpeg_header", "read_png_header", "read_webp_header"):
        setattr(images, name, lambda _: None)
    return heron_facts()


def imagesize_facts() -> Work:
    """The size alone."""
    import imagesize

    return lambda path: imagesize.get(str(path))


def metrics(stage: str) -> Work:
    """The quality metrics of a thumbnail that is in memory."""
    from PIL import Image

    from heron.media.metrics import measure

    with Image.open(Path(stage) / "jpg" / "00000.jpg") as image:
        picture = image.resize((SIZE, SIZE * 3 // 4))
    return lambda path: measure(picture, 1024, 768)


THUMBNAILS: dict[str, tuple[str, Callable[[], Work]]] = {
    "Heron": ("heron", heron_thumbnail),
    "simplejpeg": ("simplejpeg", simplejpeg_thumbnail),
    "OpenCV, reduced": ("cv2", opencv_thumbnail),
    "Pillow, draft 256x192": ("PIL", partial(pillow_thumbnail, SIZE, SIZE * 3 // 4)),
    "Pillow, draft 256x256": ("PIL", partial(pillow_thumbnail, SIZE, SIZE)),
    "pyvips": ("pyvips", pyvips_thumbnail),
}
FACTS: dict[str, tuple[str, Callable[[], Work]]] = {
    "Pillow loop": ("PIL", pillow_facts),
    "Heron, header readers": ("heron", heron_facts),
    "Heron, header by Pillow": ("heron", heron_facts_by_pillow),
    "imagesize (no EXIF)": ("imagesize", imagesize_facts),
}


def compare(
    title: str,
    ways: dict[str, tuple[str, Any]],
    stage: str,
    suffix: str,
    count: int,
    runs: int,
    base: str = "",
) -> None:
    """Run all ways in turn, each in a process of its own, and print a table with ratios to `base`, or the fastest other."""
    there = [name for name, (module, _) in ways.items() if find_spec(module)]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in there}
    for _ in range(runs):
        for name in there:
            results[name].append(in_fresh_process(__file__, name, stage, suffix, str(count)))
    rates = {
        name: [count / median([run[key] for run in found]) for key in ("wall", "processor")]
        for name, found in results.items()
    }
    others = {
        name: found for name, found in rates.items() if name == base or not (base or name.startswith("Heron"))
    }
    best = [max(rate[column] for rate in others.values()) for column in (0, 1)]
    rows = [
        [
            name,
            *(f"{rate:,.0f}" for rate in found),
            *(f"{r / b:.2f}" for r, b in zip(found, best, strict=True)),
        ]
        for name, found in rates.items()
    ]
    reference = base or "the fastest other"
    columns = ["way", "files/s (wall)", "files per CPU s", f"ratio to {reference} (wall)", "(CPU)"]
    table(title, columns, rows)
    if missing := sorted(set(ways) - set(there)):
        print(f"\nnot installed: {', '.join(missing)}")


def main(count: int, runs: int = 3) -> None:
    """Make the files and print all tables."""
    with tempfile.TemporaryDirectory() as stage:
        make_files(Path(stage), count)
        compare(f"Thumbnails of {count:,} JPEGs of 1024x768", THUMBNAILS, stage, "jpg", count, runs)
        for suffix in ("jpg", "png", "webp"):
            compare(f"Facts of {count:,} files, {suffix}", FACTS, stage, suffix, count, runs, "Pillow loop")
        metrics_alone = {"metrics": ("heron", None)}
        compare("Metrics of a 256x192 thumbnail", metrics_alone, stage, "jpg", count, runs, "metrics")


def measured(name: str, stage: str, suffix: str, count: str) -> None:
    """Time one way on one core, once everything that it needs is imported, and print it."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ["VIPS_CONCURRENCY"] = "1"
    work = metrics(stage) if name == "metrics" else {**THUMBNAILS, **FACTS}[name][1]()
    paths = sorted((Path(stage) / suffix).iterdir())
    for path in paths[:20]:
        work(path)
    files = cycle(paths)
    wall, processor = timed(lambda: [work(next(files)) for _ in range(int(count))])
    print(json.dumps({"wall": wall, "processor": processor}))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measured(*sys.argv[1:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
