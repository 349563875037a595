"""The visual descriptor: finding pictures again after they were changed, and its speed, beside simple descriptors.

A gallery of pictures is searched, by cosine, with a changed copy of each one; recall@1 is the share of copies whose
nearest picture is the original. The gallery holds photographs and drawings that come with scikit-image and scikit-learn,
scenes drawn by the quickstart, many of which are hard to tell apart, and pictures of the folders given.
Run: python benchmarks/descriptor.py [FOLDER ...]

With --means, pictures of the folders are what the centre and the scales of the descriptor are fitted to, and the text of
heron/embedders/visual_means.py is printed.
"""

from __future__ import annotations

import io
import os
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from measure import median, table, timed
from PIL import Image, ImageEnhance, ImageFilter, ImageOps, UnidentifiedImageError

from heron.embedders.visual import PARTS, VisualEmbedder, features
from heron.media.thumbnails import finished
from heron.quickstart.canvas import Shot
from heron.quickstart.scenes import draw_scene

SIDE, DRAWN, RUNS = 256, 240, 5
WEIGHTS = (0.7, 0.7, 1.0, 1.8)
"""How much layout of lightness, layout of colour, colour histogram and edges count; chosen by this benchmark."""

Array = np.ndarray[Any, Any]
Pictures = Sequence[Image.Image]


def photographs(folders: Iterable[Path]) -> list[Image.Image]:
    """All different pictures of folders, at most 256 pixels wide and high."""
    found: dict[bytes, Image.Image] = {}
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        try:
            with Image.open(path) as image:
                picture = finished(image, SIDE)
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
            continue
        found.setdefault(picture.resize((8, 8)).quantize(16).tobytes(), picture)
    return list(found.values())


def packaged() -> list[Image.Image]:
    """What comes with scikit-image and scikit-learn, as far as they are installed."""
    places = {"skimage": "data", "sklearn": "datasets/images"}
    specs = {name: find_spec(name) for name in places}
    return photographs(Path(spec.origin).parent / places[name] for name, spec in specs.items() if spec)


def drawn(count: int) -> list[tuple[Shot, Image.Image]]:
    """Scenes of the quickstart with what they show."""
    choice = random.Random(5).choice
    subjects = dict.fromkeys(("street", "landscape"), ("red bus", "yellow taxi", "blue car"))
    subjects["harbour"] = ("fishing boat", "white ferry", "sailing boat")
    scenes = []
    for seed in range(count):
        place = choice(tuple(subjects))
        time, weather = choice(("day", "dusk", "night")), choice(("sun", "rain", "fog", "snow"))
        shot = Shot(choice(("algiers", "oslo", "lisbon")), place, time, weather, choice(subjects[place]))
        scenes.append((shot, finished(draw_scene(shot, 1000 + seed, (480, 360)), SIDE)))
    return scenes


def encoded(image: Image.Image, quality: int) -> Image.Image:
    """The picture as it comes back from a JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def cropped(image: Image.Image, share: float, x: float, y: float) -> Image.Image:
    """A part with so much of the width and the height; `x` and `y` say where, from 0 to 1."""
    width, height = (max(1, int(side * share)) for side in image.size)
    left, top = int((image.width - width) * x), int((image.height - height) * y)
    return image.crop((left, top, left + width, top + height))


def scaled(image: Image.Image, share: float) -> Image.Image:
    """A smaller copy."""
    width, height = (max(1, int(side * share)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a quarter of the size": lambda image: scaled(image, 0.25),
    "JPEG of quality 20": lambda image: encoded(image, 20),
    "blurred (3 pixels)": lambda image: image.filter(ImageFilter.GaussianBlur(3)),
    "brightness x 0.7": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "brightness x 1.4": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "contrast x 0.6": lambda image: ImageEnhance.Contrast(image).enhance(0.6),
    "without colour": lambda image: ImageEnhance.Color(image).enhance(0),
    "cropped to 90 %, middle": lambda image: cropped(image, 0.9, 0.5, 0.5),
    "cropped to 80 %, corner": lambda image: cropped(image, 0.8, 0.1, 0.9),
    "white border (6 %)": lambda image: ImageOps.expand(image, max(image.size) // 16, "white"),
    "turned by 5 degrees": lambda image: image.rotate(5, Image.Resampling.BICUBIC),
    "mirrored": ImageOps.mirror,
}


def rgb_histogram(images: Pictures) -> Array:
    """Counts of 8 x 8 x 8 colours."""
    return np.stack(
        [
            np.bincount((np.asarray(image) >> 5).reshape(-1, 3) @ (64, 8, 1), minlength=512) / image.width
            for image in images
        ]
    )


def thumbnail(images: Pictures) -> Array:
    """The colours of 16 x 16 pixels, counted from gray."""
    return np.stack(
        [np.asarray(i.resize((16, 16), Image.Resampling.BOX), float).ravel() - 127 for i in images]
    )


def perceptual_hash(images: Pictures) -> Array:
    """The 64 bits of pHash as -1 and 1: which low frequencies of 32 x 32 gray pixels are above their median."""
    rows, columns = np.ogrid[:8, :32]
    cosines = np.cos(np.pi * (2 * columns + 1) * rows / 64)
    gray = np.stack(
        [np.asarray(i.convert("L").resize((32, 32), Image.Resampling.LANCZOS), float) for i in images]
    )
    low = (cosines @ gray @ cosines.T).reshape(len(images), 64)
    return np.where(low > np.median(low, axis=1, keepdims=True), 1.0, -1.0)


WAYS: dict[str, Callable[[Pictures], Array]] = {
    "visual": VisualEmbedder().embed_images,
    "RGB histogram": rgb_histogram,
    "16x16 thumbnail": thumbnail,
    "pHash": perceptual_hash,
}


def cosines(queries: Array, gallery: Array) -> Array:
    """The cosine of each query to each vector of the gallery."""
    unit = [v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (queries, gallery)]
    return unit[0] @ unit[1].T


def retrieval(photos: Pictures, scenes: Sequence[tuple[Shot, Image.Image]]) -> None:
    """Print how often changed pictures find their originals, and what else the cosines tell."""
    images = [*photos, *(image for _, image in scenes)]
    galleries = {name: embed(images) for name, embed in WAYS.items()}
    rows, hits = [], {name: [] for name in WAYS}
    for change, apply in CHANGES.items():
        changed = [apply(image) for image in images]
        for name, embed in WAYS.items():
            nearest = cosines(embed(changed), galleries[name]).argmax(axis=1)
            hits[name].append(nearest == np.arange(len(images)))
        rows.append([change, *(f"{hits[name][-1].mean():.2f}" for name in WAYS)])
    for title, which in (("photographs", slice(len(photos))), ("drawn scenes", slice(len(photos), None))):
        means = (np.mean([hit[which] for hit in hits[name]]) for name in WAYS)
        rows.append([f"**mean, {title}**", *(f"**{mean:.3f}**" for mean in means)])
    for quality in ("place", "time", "weather"):
        rows.append([f"same {quality} among the five nearest scenes"])
        values = np.array([getattr(shot, quality) for shot, _ in scenes])
        for vectors in galleries.values():
            found = cosines(vectors[len(photos) :], vectors[len(photos) :])
            np.fill_diagonal(found, -2)
            rows[-1].append(f"{(values[found.argsort(axis=1)[:, -5:]] == values[:, None]).mean():.2f}")
    rows.append(["cosine of two photographs, mean (99th percentile)"])
    for vectors in galleries.values():
        pairs = cosines(vectors, vectors)[np.triu_indices(len(photos), 1)]
        rows[-1].append(f"{pairs.mean():.2f} ({np.quantile(pairs, 0.99):.2f})")
    table(f"Recall@1 among {len(photos)} photographs and {len(scenes)} scenes", ["change", *WAYS], rows)


def speed(images: Pictures) -> None:
    """Print how many pictures of 256 pixels a second each way takes on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rows = []
    for name, embed in WAYS.items():
        embed(images[:20])
        runs = [timed(lambda embed=embed: embed(images)) for _ in range(RUNS)]
        wall, processor = (median([run[axis] for run in runs]) for axis in (0, 1))
        rows.append([name, f"{len(images) / wall:,.0f}", f"{len(images) / processor:,.0f}"])
    table("Pictures of 256 pixels, one core", ["way", "pictures/s (wall)", "pictures per CPU s"], rows)


def print_means(folders: Sequence[Path]) -> None:
    """Print the module that holds the centre and the scales of the descriptor."""
    pictures = photographs(folders)
    found = features([*pictures, *map(ImageOps.mirror, pictures)]).astype(float)
    mean = found.mean(axis=0)
    parts = np.split((found - mean) ** 2, np.cumsum(PARTS)[:-1], axis=1)
    scales = [weight / part.sum(axis=1).mean() ** 0.5 for weight, part in zip(WEIGHTS, parts, strict=True)]
    numbers = [f"{value:.3f}".replace("-0.000", "0.000") for value in mean]
    lines = [", ".join(numbers[start : start + 14]) for start in range(0, len(numbers), 14)]
    print(f'"""The centre and the scales of the visual descriptor, fitted to {len(pictures)} pictures.')
    print(
        "\nThese are averages over the pictures of the Debian packages lomiri-wallpapers-16.04 and mate-backgrounds and"
        "\ntheir mirror images; printed by `python benchmarks/descriptor.py --means FOLDER`. Whoever changes them gives the"
        '\nembedder another revision.\n"""\n'
    )
    print(f"SCALES = ({', '.join(f'{scale:.3f}' for scale in scales)})")
    print(
        '"""The weight of each part, divided by the root mean square distance of the pictures from its centre."""\n'
    )
    print("MEAN = (")
    print("".join(f"    {line},\n" for line in lines), end="")
    print(')  # fmt: skip\n"""The centre of all parts, one after the other."""')


def main(arguments: Sequence[str]) -> None:
    """Print the tables, or the means."""
    if arguments[:1] == ["--means"]:
        print_means([Path(name) for name in arguments[1:]])
        return
    scenes = drawn(DRAWN)
    photos = packaged()
    retrieval([*photos, *photographs(map(Path, arguments))], scenes)
    speed([image for _, image in scenes])


if __name__ == "__main__":
    main(sys.argv[1:])
