"""Thumbnails of JPEGs, facts from headers, and quality metrics, beside other ways to get them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import on_one_core, timed
from benchmarks.house.pictures import camera_exif, noise
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way

SIDE, QUALITY = 256, 80
BOTH = "thumbnails with metrics"
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
Work = Callable[[Path], Any]


def write_pictures(stage: Path, size: int) -> None:
    """JPEGs of 1024x768 and some 100 kB, PNGs and WebPs of 512x384, all with EXIF, each format in a folder."""
    for suffix, name in FORMATS.items():
        (stage / suffix).mkdir()
        cells, shape = ((64, 48), (1024, 768)) if suffix == "jpg" else ((32, 24), (512, 384))
        buffer = io.BytesIO()
        noise(cells, shape).save(buffer, name, quality=72, exif=camera_exif(0))
        for number in range(min(size, 1000)):
            (stage / suffix / f"{number:05}.{suffix}").write_bytes(buffer.getvalue())


def each(works: dict[str, tuple[str, Callable[[], Work]]]) -> Step:
    """Do some works on the files of a format, warm, on one core; by the names of cases."""

    def step(job: Job) -> Cases:
        on_one_core()
        os.environ["VIPS_CONCURRENCY"] = "1"
        cases = {}
        for case, (suffix, make) in works.items():
            work, paths = make(), sorted((job.stage / suffix).iterdir())
            for path in paths[:20]:
                work(path)
            files = cycle(paths)
            took = timed(lambda work=work, files=files: [work(next(files)) for _ in range(job.size)])
            cases[case] = {**took, "count": job.size}
        return cases

    return step


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
    return lambda path: encode_thumbnail(decoder.picture(heron_file(path), SIDE))


def heron_both() -> Work:
    """Thumbnail and metrics of one scaled decode, as an import makes them."""
    from heron.media.images import ImageDecoder
    from heron.media.metrics import measure
    from heron.media.thumbnails import encode_thumbnail

    decoder = ImageDecoder()

    def work(path: Path) -> Any:
        picture = decoder.picture(heron_file(path), SIDE)
        return encode_thumbnail(picture), measure(picture, 1024, 768)

    return work


def heron_facts() -> Work:
    """Heron's facts: a header reader, and whether the file is complete."""
    from heron.media.images import ImageDecoder

    decoder = ImageDecoder()
    return lambda path: decoder.probe(heron_file(path))


def heron_metrics() -> Work:
    """The quality metrics of a thumbnail that is in memory."""
    from heron.media.metrics import measure

    picture = noise((64, 48), (SIDE, SIDE * 3 // 4))
    return lambda path: measure(picture, 1024, 768)


def pillow_thumbnail() -> Work:
    """Pillow's draft, given the square that the thumbnail shall fit."""
    from PIL import Image

    def work(path: Path) -> bytes:
        with Image.open(path) as image:
            image.draft("RGB", (SIDE, SIDE))
            image.thumbnail((SIDE, SIDE))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=QUALITY)
            return buffer.getvalue()

    return work


def pillow_exact() -> Work:
    """Pillow's draft, given the very size of the thumbnail, which is the least that it can cost; without metrics."""
    from PIL import Image

    def work(path: Path) -> bytes:
        with Image.open(path) as image:
            image.draft("RGB", (SIDE, SIDE * 3 // 4))
            image.thumbnail((SIDE, SIDE))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=QUALITY)
            return buffer.getvalue()

    return work


def pillow_facts() -> Work:
    """A bare Pillow loop: size, mode and EXIF."""
    from PIL import Image

    def work(path: Path) -> Any:
        with Image.open(path) as image:
            exif = image.getexif()
            return image.size, image.mode, dict(exif), dict(exif.get_ifd(0x8769))

    return work


def simplejpeg_thumbnail() -> Work:
    """Scaled decoding by simplejpeg, scaled further by Pillow where that is needed."""
    import numpy
    import simplejpeg
    from PIL import Image

    def work(path: Path) -> Any:
        pixels = simplejpeg.decode_jpeg(
            path.read_bytes(), min_width=SIDE, min_height=SIDE * 3 // 4, min_factor=1
        )
        if max(pixels.shape) > SIDE:
            image = Image.fromarray(pixels)
            image.thumbnail((SIDE, SIDE))
            pixels = numpy.asarray(image)
        return simplejpeg.encode_jpeg(pixels, QUALITY, colorsubsampling="420")

    return work


def opencv_thumbnail() -> Work:
    """Decoding at a quarter by OpenCV."""
    import cv2

    cv2.setNumThreads(1)

    def work(path: Path) -> Any:
        pixels = cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_4)
        if max(pixels.shape) > SIDE:
            scale = SIDE / max(pixels.shape)
            pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()

    return work


def pyvips_thumbnail() -> Work:
    """The thumbnail of libvips."""
    import pyvips

    pyvips.cache_set_max(0)
    return lambda path: pyvips.Image.thumbnail(str(path), SIDE, height=SIDE).jpegsave_buffer(Q=QUALITY)


def imagesize_facts() -> Work:
    """The size alone."""
    import imagesize

    return lambda path: imagesize.get(str(path))


def thumbnail_by(make: Callable[[], Work]) -> Step:
    """A step that makes thumbnails."""
    return each({"thumbnails": ("jpg", make)})


def facts_by(make: Callable[[], Work]) -> dict[str, tuple[str, Callable[[], Work]]]:
    """The works that read facts."""
    return {f"facts, {suffix}": (suffix, make) for suffix in FORMATS}


BENCHMARK = Benchmark(
    name="thumbnails",
    title="Thumbnails, facts and metrics of {size} pictures",
    unit="files",
    about="""
Each way does the whole job for each file on one core, warm: it reads it, decodes it as small as it can, fits the picture into
256x256, and encodes it as a JPEG of quality 80. JPEGs are 1024x768, PNGs and WebPs 512x384. Facts are size, mode and EXIF, beside a
bare Pillow loop; imagesize reads no EXIF. Metrics are those of a thumbnail in memory. Thumbnails with metrics are held to Pillow's draft to the very size, without metrics.
Target: thumbnails at 0.8 of the fastest, and with metrics at 0.9 of Pillow's draft.
""",
    prepare=write_pictures,
    ways=(
        way(
            "Heron",
            each(
                {
                    "thumbnails": ("jpg", heron_thumbnail),
                    BOTH: ("jpg", heron_both),
                    **facts_by(heron_facts),
                    "metrics": ("jpg", heron_metrics),
                }
            ),
        ),
        way(
            "Pillow",
            each(
                {
                    "thumbnails": ("jpg", pillow_thumbnail),
                    BOTH: ("jpg", pillow_exact),
                    **facts_by(pillow_facts),
                }
            ),
        ),
        way("simplejpeg", thumbnail_by(simplejpeg_thumbnail), peer="jpeg"),
        way("OpenCV, reduced", thumbnail_by(opencv_thumbnail), peer="jpeg"),
        way("pyvips", thumbnail_by(pyvips_thumbnail), peer="jpeg"),
        way("imagesize", each(facts_by(imagesize_facts)), peer="imagesize"),
    ),
    references={"": "Pillow", "thumbnails": "simplejpeg"},
    sizes={"tiny": 3, "small": 100, "full": 2_000},
)
