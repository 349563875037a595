"""The visual descriptor: finding pictures again after they were changed, and its speed, beside simple descriptors."""

from __future__ import annotations

import io
import json
import os
import random
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import on_one_core, repeated
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way

SIDE = 256
OWN = "HERON_BENCHMARK_PICTURES"
QUALITIES = ("place", "time", "weather")
Pictures = Sequence[Any]


def photographs(folders: Iterable[Path]) -> list[Any]:
    """All different pictures of folders, at most 256 pixels wide and high."""
    from PIL import Image, UnidentifiedImageError

    from heron.media.thumbnails import finished

    found: dict[bytes, Any] = {}
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        try:
            with Image.open(path) as image:
                picture = finished(image, SIDE)
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
            continue
        found.setdefault(picture.resize((8, 8)).quantize(16).tobytes(), picture)
    return list(found.values())


def packaged() -> list[Path]:
    """The folders of pictures of scikit-image and scikit-learn, as far as they are installed."""
    places = {"skimage": "data", "sklearn": "datasets/images"}
    specs = {name: find_spec(name) for name in places}
    return [Path(str(spec.origin)).parent / places[name] for name, spec in specs.items() if spec]


def prepare(stage: Path, size: int) -> None:
    """Photographs, and scenes of the quickstart with what they show, many of which are hard to tell apart."""
    from heron.media.thumbnails import finished
    from heron.quickstart.canvas import Shot
    from heron.quickstart.scenes import draw_scene

    folders = packaged() + ([Path(os.environ[OWN])] if OWN in os.environ else [])
    for number, picture in enumerate(photographs(folders)):
        picture.save(stage / f"photo{number:04}.png")
    choice = random.Random(5).choice
    subjects = dict.fromkeys(("street", "landscape"), ("red bus", "yellow taxi", "blue car"))
    subjects["harbour"] = ("fishing boat", "white ferry", "sailing boat")
    shots = []
    for seed in range(size):
        place = choice(tuple(subjects))
        time, weather = choice(("day", "dusk", "night")), choice(("sun", "rain", "fog", "snow"))
        shot = Shot(choice(("algiers", "oslo", "lisbon")), place, time, weather, choice(subjects[place]))
        finished(draw_scene(shot, 1000 + seed, (480, 360)), SIDE).save(stage / f"scene{seed:04}.png")
        shots.append({quality: getattr(shot, quality) for quality in QUALITIES})
    (stage / "shots.json").write_text(json.dumps(shots))


def changes() -> dict[str, Callable[[Any], Any]]:
    """What is done to pictures."""
    from PIL import Image, ImageEnhance, ImageFilter, ImageOps

    def encoded(image: Any) -> Any:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=20)
        return Image.open(buffer).convert("RGB")

    def cropped(image: Any, share: float, x: float, y: float) -> Any:
        width, height = (max(1, int(side * share)) for side in image.size)
        left, top = int((image.width - width) * x), int((image.height - height) * y)
        return image.crop((left, top, left + width, top + height))

    def scaled(image: Any) -> Any:
        return image.resize([max(1, side // 4) for side in image.size], Image.Resampling.BILINEAR)

    return {
        "a quarter of the size": scaled,
        "JPEG of quality 20": encoded,
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


def visual(images: Pictures) -> Any:
    """Heron's descriptor."""
    from heron.embedders.visual import VisualEmbedder

    return VisualEmbedder().embed_images(images)


def rgb_histogram(images: Pictures) -> Any:
    """Counts of 8 x 8 x 8 colours."""
    import numpy as np

    cells = [(np.asarray(image) >> 5).reshape(-1, 3) @ (64, 8, 1) for image in images]
    return np.stack([np.bincount(found, minlength=512) / len(found) for found in cells])


def thumbnail(images: Pictures) -> Any:
    """The colours of 16 x 16 pixels, counted from gray."""
    import numpy as np
    from PIL import Image

    small = [image.resize((16, 16), Image.Resampling.BOX) for image in images]
    return np.stack([np.asarray(image, float).ravel() - 127 for image in small])


def perceptual_hash(images: Pictures) -> Any:
    """The 64 bits of pHash as -1 and 1: which low frequencies of 32 x 32 gray pixels are above their median."""
    import numpy as np
    from PIL import Image

    rows, columns = np.ogrid[:8, :32]
    waves = np.cos(np.pi * (2 * columns + 1) * rows / 64)
    small = [image.convert("L").resize((32, 32), Image.Resampling.LANCZOS) for image in images]
    low = (waves @ np.stack([np.asarray(image, float) for image in small]) @ waves.T).reshape(len(images), 64)
    return np.where(low > np.median(low, axis=1, keepdims=True), 1.0, -1.0)


def cosines(queries: Any, gallery: Any) -> Any:
    """The cosine of each query to each vector of the gallery."""
    import numpy as np

    unit = [v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (queries, gallery)]
    return unit[0] @ unit[1].T


def opened(paths: Iterable[Path]) -> list[Any]:
    """The pictures of files."""
    from PIL import Image

    return [Image.open(path).convert("RGB") for path in sorted(paths)]


def tried(embed: Callable[[Pictures], Any]) -> Step:
    """How often changed pictures find their originals first, what else the cosines tell, and the speed on one core."""

    def step(job: Job) -> Cases:
        import numpy as np

        photos, scenes = (opened(job.stage.glob(f"{kind}*.png")) for kind in ("photo", "scene"))
        images = [*photos, *scenes]
        gallery = embed(images)
        cases: Cases = {}
        hits = []
        for change, apply in changes().items():
            nearest = cosines(embed([apply(image) for image in images]), gallery).argmax(axis=1)
            hits.append(nearest == np.arange(len(images)))
            cases[change] = {"recall": float(hits[-1].mean())}
        for kind, part in (("photographs", slice(len(photos))), ("scenes", slice(len(photos), None))):
            if photos or kind == "scenes":
                cases[f"mean, {kind}"] = {"recall": float(np.mean([hit[part] for hit in hits]))}
        near = cosines(gallery[len(photos) :], gallery[len(photos) :])
        np.fill_diagonal(near, -2)
        shots = json.loads((job.stage / "shots.json").read_text())
        for quality in QUALITIES:
            values = np.array([shot[quality] for shot in shots])
            same = values[near.argsort(axis=1)[:, -5:]] == values[:, None]
            cases[f"same {quality} among the five nearest scenes"] = {"recall": float(same.mean())}
        on_one_core()
        took, _ = repeated(lambda: embed(scenes), 3)
        return {**cases, "describing": {**took, "count": len(scenes)}}

    return step


BENCHMARK = Benchmark(
    name="descriptor",
    title="The visual descriptor, {size} drawn scenes and photographs",
    unit="pictures",
    about="""
A gallery of pictures is searched, by cosine, with a changed copy of each one; recall@1 is the share of copies whose nearest picture is
the original. The gallery holds scenes drawn by the quickstart, many of which are hard to tell apart, and the photographs that come with
scikit-image and scikit-learn, as far as they are installed; `HERON_BENCHMARK_PICTURES` names a folder of further ones. What it means is
said in [Embedders](../docs/embedders.md).
""",
    prepare=prepare,
    ways=(
        way("Heron, visual", tried(visual)),
        way("RGB histogram", tried(rgb_histogram)),
        way("16x16 thumbnail", tried(thumbnail)),
        way("pHash", tried(perceptual_hash)),
    ),
    references={"": "pHash"},
    sizes={"tiny": 6, "small": 60, "full": 240},
    runs=1,
    extras={"recall": "recall@1"},
)
