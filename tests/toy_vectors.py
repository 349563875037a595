"""What tests of vectors share: lakes of items without files, vectors that name their owner, and an embedder of colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import heron
from heron.models import MediaFacts, NewFrame, NewItem

SIZE = 16

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255,) * 3,
}


def register(workspace, count, folder="A", *, kind="image", start=0, frames=0, **more):
    """Put items into the catalogue whose files nobody looks at, each with so many frames; returns them in order."""
    facts = MediaFacts(kind, f"{kind}/x", frame_count=frames or None)
    numbers = [NewFrame(number) for number in range(frames)]
    new = [
        NewItem(f"s3://lake/{number}.{kind}", facts, frames=numbers, **more)
        for number in range(start, start + count)
    ]
    workspace.registration.register(new, folder)
    return list(workspace.items.list())[-count:]


def some(count, seed=0, size=SIZE):
    """Vectors that are the same for each seed."""
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def kept(workspace, key="look"):
    """All that is kept under a key: the bytes of each vector by the UUID of its item and the number of its frame."""
    if key not in [status.key for status in workspace.vectors.status()]:
        return {}
    return {
        (item, frame): vector.tobytes()
        for batch in workspace.vectors.stored(key)
        for item, frame, vector in zip(batch.items, batch.frames, batch.vectors, strict=True)
    }


def cosines(vectors, query):
    """Cosine similarities in float64; -2 for vectors of zeros."""
    vectors, query = np.asarray(vectors, np.float64), np.asarray(query, np.float64)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    return np.where(lengths > 0, vectors @ query / np.where(lengths > 0, lengths, 1), -2)


def opened(folder):
    return heron.open(folder, discover=False)


def lake_in(folder, dtype="float32"):
    """A lake of twelve items, half of which have vectors, and a video with three frames that have some."""
    with opened(folder) as lake:
        lake.schema.add("look", "embedding", size=SIZE, dtype=dtype)
        items = register(lake, 12)
        [video] = register(lake, 1, "B", kind="video", frames=3)
        lake.vectors.add("look", [*items[:6], *lake.frames.list(video)], some(9))
        lake.vectors.refresh("look")
    return folder


def items_of(lake):
    return list(lake.items.list())


def assert_sound(lake):
    """Nothing is wrong, each vector finds its owner and no other; and all goes on: more are added, and compacted."""
    before = kept(lake)
    assert not before or faults(lake) == []
    items = items_of(lake)[:3]
    lake.vectors.add("look", items, some(3, seed=99))
    expected = before | {
        (i.uuid, None): v.tobytes() for i, v in zip(items, _as_kept(lake, some(3, seed=99)), strict=True)
    }
    lake.vectors.compact("look")
    assert kept(lake) == expected
    assert faults(lake) == []
    assert_found(lake)
    [status] = lake.vectors.status()
    assert {path.name.partition(".")[0] for path in lake.vectors._rows.folder.iterdir()} == {
        Path(status.file).stem
    }


def _as_kept(lake, vectors):
    """Vectors as the lake keeps them."""
    [status] = lake.vectors.status()
    return vectors.astype(status.dtype).astype(np.float32)


def faults(lake):
    """What verifying finds, but codes whose record is not there: they are being made, or were when somebody was killed."""
    problems = lake.vectors.verify("look", deep=True)
    return [problem for problem in problems if problem != "the int8 codes are not used: there is none"]


def assert_found(lake):
    """Vectors, if not all of them, are nearest to themselves."""
    for (uuid, number), vector in list(kept(lake).items())[-4:]:
        page = lake.search(like=np.frombuffer(vector, np.float32), limit=1)
        frame = page.matches[0].frame
        assert (page.rows[0].uuid, frame.number if frame else None) == (uuid, number)
        assert page.matches[0].score == pytest.approx(1, abs=1e-6)


class ColourModel:
    """Embeds a picture as its mean colour, and a text as the sum of the colours that it names."""

    size = 3
    revision = "colour 1"

    def __init__(self):
        """Count what is embedded."""
        self.seen = 0

    def embed_images(self, images):
        self.seen += len(images)
        means = [np.asarray(image.convert("RGB"), np.float32).mean((0, 1)) / 255 for image in images]
        return np.array(means, np.float32).reshape(-1, 3)

    def embed_texts(self, texts):
        named = [[COLOURS[word] for word in text.lower().split() if word in COLOURS] for text in texts]
        return np.array([np.sum(found or [(0, 0, 0)], axis=0) for found in named], np.float32) / 255


class Colours:
    """The plugin that brings it. `model` is what is loaded, `takes` the sides that the record names."""

    def __init__(self, model=None, *, embeds=("image", "text"), **record):
        self.model = model or ColourModel()
        self.record = {"embeds": embeds, "size": 3, "batch": 4, "picture_size": 64, **record}

    @heron.hookimpl
    def register_embedders(self):
        yield heron.EmbedderModel(
            name="colour", summary="mean colours", load=lambda *names: self.model, **self.record
        )


def rounded(vectors, dtype):
    """Vectors as they are kept."""
    return vectors.astype(dtype).astype(np.float32)


def counts(workspace, key="look"):
    """How many vectors, gaps and lost rows there are."""
    [status] = [status for status in workspace.vectors.status() if status.key == key]
    return status.vectors, status.gaps, status.missing


def is_sound(workspace, key="look"):
    """Whether nothing is wrong, and every vector kept is nearest to itself."""
    assert workspace.vectors.verify(key, deep=True) == []
    for batch in workspace.vectors.stored(key):
        for uuid, number, vector in zip(batch.items, batch.frames, batch.vectors, strict=True):
            [frame] = workspace.search.frames(like=vector, key=key, limit=1) if number is not None else [None]
            [item] = workspace.search(like=vector, key=key, limit=1)
            assert (item.uuid, frame.number if frame else None) == (uuid, number)
    return True
