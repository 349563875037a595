"""Copies of photographs: which changes near duplicates find, by the cosine that is recommended, and how many pairs are wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.house import peers
from benchmarks.house.measuring import on_one_core, timed
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way
from benchmarks.suite.descriptor import SIDE, changes, packaged

PHOTOGRAPHS = {
    "skimage/data": "astronaut brick camera chelsea coffee coins grass gravel hubble_deep_field ihc motorcycle_left page retina rocket",
    "datasets/images": "china flower",
    "examples/data": (
        "aero1 aloeL apple baboon basketball1 board box box_in_scene building butterfly chicky_512 ela_original fruits graf1 home left left01 "
        "leuvenA licenseplate_motion messi5 orange right rubberwhale1 squirrel_cls starry_night stuff sudoku"
    ),
    "hfs/data": "000",
    "reg": "home",
    "examples/text": "scenetext01 scenetext02 scenetext03 scenetext04 scenetext05 scenetext06",
    "mate/nature": "Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm TwoWings Wood YellowFlower",
    "share/backgrounds": (
        "Bridge_by_Sander_Klootwijk Dragonfly_by_Bolly Picture_0B_by_freespace Picture_1A_by_freespace Wine_by_Jakkub_Mede "
        "aitzgorri_by_Aitzol_Berasategi free_by_Peter_Nerlich friends_by_Aitzol_Berasategi greentock_by_Peter_Nerlich "
        "life_by_Aitzol_Berasategi picosdeeuropa_by_Aitzol_Berasategi seeding_by_Clements_Engelhardt sunset_by_Aitzol_Berasategi"
    ),
}
"""Names of photographs, by the end of their folder: the other pictures of these packages are drawn, or show the same again."""

Pairs = Iterator[tuple[int, int]]


def prepare(stage: Path, size: int) -> None:
    """Photographs, at most `size`, each with a copy of every change, as JPEG files; and the names of the changes."""
    folders = [*packaged(), peers.place("photographs")]
    found = {}
    for path in sorted(
        path for folder in folders for path in folder.rglob("*") if path.suffix in (".jpg", ".png")
    ):
        for end, names in PHOTOGRAPHS.items():
            if path.parent.as_posix().endswith(end) and path.stem in names.split():
                found.setdefault((end, path.stem), path)
    made = changes_and_turns()
    for number, path in enumerate(list(found.values())[:size]):
        picture = opened(path)
        for kind, apply in enumerate((lambda image: image, *made.values())):
            apply(picture).save(stage / f"{number:03}-{kind:02}.jpg", quality=90)
    (stage / "changes.json").write_text(json.dumps(list(made)))


def opened(path: Path) -> Any:
    """A picture with a longest side of 512 pixels."""
    from PIL import Image

    with Image.open(path) as image:
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
        picture = image.convert("RGB")
    picture.thumbnail((2 * SIDE, 2 * SIDE))
    return picture


def changes_and_turns() -> dict[str, Callable[[Any], Any]]:
    """The twelve changes of the benchmark `descriptor`, and those that `--turned` and borders are about."""
    from PIL import Image, ImageOps

    def bars(image: Any, across: float, down: float, colour: str = "black") -> Any:
        border = int(image.width * across / 2), int(image.height * down / 2)
        return ImageOps.expand(image, (*border, *border), colour)

    turn = Image.Transpose
    return {
        **changes(),
        "rotated by 90": lambda image: image.transpose(turn.ROTATE_90),
        "rotated by 180": lambda image: image.transpose(turn.ROTATE_180),
        "mirrored, rotated by 270": lambda image: ImageOps.mirror(image).transpose(turn.ROTATE_270),
        "letterbox": lambda image: bars(image, 0, 0.3),
        "pillarbox": lambda image: bars(image, 0.4, 0),
        "rotated by 90, in bars": lambda image: bars(image.transpose(turn.ROTATE_90), 0.5, 0),
    }


def files(job: Job) -> list[Path]:
    """The photographs and their copies, in order."""
    return sorted(job.stage.glob("*.jpg"))


def scored(job: Job, pairs: Pairs) -> Cases:
    """The share of copies of each change that stand in a pair with their original, and what share of all pairs are of one photograph."""
    names = [path.stem.split("-") for path in files(job)]
    made = json.loads((job.stage / "changes.json").read_text())
    found, right, total = [0] * (len(made) + 1), 0, 0
    for pair in pairs:
        (photo, kind), (other, change) = (names[place] for place in sorted(pair))
        total += 1
        right += photo == other
        found[int(change)] += photo == other and kind == "00"
    count = len(names) // (len(made) + 1)
    cases: Cases = {change: {"recall": n / count} for change, n in zip(made, found[1:], strict=True)}
    cases["all changes"] = {"recall": sum(found) / count / len(made), "precision": right / max(1, total)}
    return cases


def heron(embedder: str, threshold: float | None) -> Step:
    """Import, `embed` and `near_duplicates(turned=True)`; the time is that of the last two."""

    def step(job: Job) -> Cases:
        on_one_core()
        import heron as library

        with library.open(job.own, discover=False) as workspace:
            workspace.ingest.files([job.stage], folder="Lake")
            kept: list[Any] = []

            def work() -> None:
                workspace.embed(embedder)
                kept.append(workspace.curation.near_duplicates(embedder, threshold, turned=True))

            took = timed(work)
            place = {path.name: number for number, path in enumerate(files(job))}
            of = {item.uuid: place[item.name] for item in workspace.items.list() if item.name in place}
            pairs = [(of[pair.first], of[pair.second]) for group in kept[0].groups for pair in group.pairs]
        return {**scored(job, iter(pairs)), "finding them": {**took, "count": len(of)}}

    return step


def by_bits(hashes: Callable[[Sequence[Path]], Any], most: int) -> Step:
    """Hashes of shape (turns, pictures, bits), the first as it is; pairs of which at most so many bits differ in any turn."""

    def step(job: Job) -> Cases:
        on_one_core()
        import numpy as np

        kept: list[Any] = []

        def work() -> None:
            signs = hashes(files(job)).astype(np.float32) * 2 - 1
            least = (signs.shape[2] - 2 * most) - 0.5
            is_near = np.zeros((signs.shape[1],) * 2, bool)
            for turned in signs:
                is_near |= signs[0] @ turned.T >= least
            kept.append(np.argwhere(np.triu(is_near | is_near.T, 1)))

        took = timed(work)
        pairs = ((int(first), int(second)) for first, second in kept[0])
        return {**scored(job, pairs), "finding them": {**took, "count": len(files(job))}}

    return step


def image_hash(paths: Sequence[Path]) -> Any:
    """pHash of imagehash, 64 bits."""
    import imagehash
    import numpy as np

    return np.stack([imagehash.phash(loaded(path)).hash.ravel() for path in paths])[None]


def pdq(paths: Sequence[Path]) -> Any:
    """PDQ of pdqhash, 256 bits, with those of the eight turned pictures."""
    import numpy as np
    import pdqhash

    made = [pdqhash.compute_dihedral(np.asarray(loaded(path)))[0] for path in paths]
    return np.stack(made).swapaxes(0, 1)


def loaded(path: Path) -> Any:
    """A picture as Heron decodes it for its embedders."""
    from PIL import Image

    with Image.open(path) as image:
        image.draft("RGB", (SIDE, SIDE))
        picture = image.convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    return picture


BENCHMARK = Benchmark(
    name="copies",
    title="Copies of {size} photographs, changed in eighteen ways",
    unit="pictures",
    about="""
The photographs come with scikit-image and scikit-learn, as far as they are installed, and with Debian's opencv-doc, mate-backgrounds and
lomiri-wallpapers-16.04; drawings among them are left out. Each is changed in eighteen ways, and all files are compared with each other. Recall is the share of copies that
stand in a pair with their original, precision the share of all pairs that are of one photograph. Heron's ways are `near_duplicates(turned=True)` with what
it recommends for the embedder, and `visual` with 0.7 as well. imagehash takes pairs of which at most 10 of 64 bits differ, which is imagededup's default, and pdqhash at most
31 of 256 with the hashes of the turned picture, as its authors recommend. FiftyOne compares vectors of models that it downloads, and is not among them.
""",
    prepare=prepare,
    made_by=("photographs",),
    ways=(
        way("Heron, phash", heron("phash", None)),
        way("Heron, visual", heron("visual", None)),
        way("Heron, visual from 0.7", heron("visual", 0.7)),
        way("imagehash", by_bits(image_hash, 10), peer="imagehash"),
        way("pdqhash", by_bits(pdq, 31), peer="pdqhash"),
    ),
    references={"": "imagehash"},
    sizes={"tiny": 3, "small": 20, "full": 76},
    runs=1,
    extras={"recall": "recall", "precision": "precision"},
)
