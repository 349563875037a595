"""The API page: it has every public verb, and each example runs on a sample lake."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import heron
from tests.test_verbs import services

DOCS = Path(__file__).parent.parent / "docs"
spec = importlib.util.spec_from_file_location("python_examples", DOCS / "python_examples.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
EXAMPLES = module.EXAMPLES


def picture(seed, size=(320, 240)):
    image = Image.new("RGB", size, (seed * 40 % 256, 90, 200 - seed * 20 % 200))
    ImageDraw.Draw(image).ellipse((seed * 9 % 80, 20, 200, 160), fill=(250, seed * 70 % 256, 30))
    return image


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample lake, made once; each example has a copy."""
    root = tmp_path_factory.mktemp("sample")
    photos, inbox = root / "photos", root / "inbox"
    photos.mkdir()
    inbox.mkdir()
    for seed, name in enumerate(("harbour.jpg", "dune.jpg", "tree.jpg")):
        picture(seed).save(photos / name)
    shutil.copy(photos / "dune.jpg", photos / "dune again.jpg")
    waves = [picture(seed, (96, 64)) for seed in range(9)]
    waves[0].save(photos / "waves.gif", save_all=True, append_images=waves[1:], duration=100)
    (photos / "notes.txt").write_text("Notes of a day at the harbour\n")
    picture(5).save(inbox / "new.jpg")
    with heron.open(root / "lake", discover=False) as ws:
        ws.schema.set_from_dict({"city": "varchar", "weather": {"type": "enum", "options": ["sun", "rain"]}})
        ws.schema.add_embedding("face", 3)
        ws.ingest.files(photos, folder="Photos", thumbnails=True)
        ws.metadata.merge_all(["harbour.jpg", "dune.jpg"], {"city": "Algiers"})
        ws.frames.set("waves.gif", [2, 5])
        ws.vectors.add("face", "dune.jpg", [1, 0, 0])
        ws.embed("visual")
        ws.collections.create("Best", items="harbour.jpg")
        ws.datasets.create("train", items=["harbour.jpg", "dune.jpg"])
        ws.datasets.create("test", items=["dune again.jpg", "tree.jpg"])
        ws.presets.create("large", heron.Query(where="width > 100"))
        ws.integrations.create("lab", "local")
        ws.ingest.follow("Inbox", inbox.as_uri() + "/")
        interrupted(ws, root)
    return root


def interrupted(ws, root):
    """An import that stopped before it read anything."""

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ws.ingest.files(root / "inbox", folder="Stopped", ignore_errors=True, progress=stop)
    assert ws.imports.list(limit=1)[0].state == "interrupted"


@pytest.mark.parametrize("verb", EXAMPLES)
def test_the_example_of_a_verb_runs(sample, tmp_path, monkeypatch, verb):
    shutil.copytree(sample / "lake", tmp_path / "lake")
    shutil.copytree(sample / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    call = f"ws.{verb}".removesuffix(".__call__") + "("
    assert call in EXAMPLES[verb], "it shows the verb"
    with heron.open("lake", discover=False) as ws:
        exec(EXAMPLES[verb], {"ws": ws, "heron": heron, "np": np})


def test_every_public_verb_has_an_example_and_stands_on_the_page(tmp_path):
    page = (DOCS / "python-api.md").read_text()
    with heron.open(tmp_path, discover=False) as ws:
        verbs = {
            f"{name}.{verb}"
            for name, _ in services()
            for base in type(getattr(ws, name)).__mro__
            for verb, value in vars(base).items()
            if callable(value) and (not verb.startswith("_") or verb == "__call__")
        }
    assert {*verbs, "atomic", "export"} == set(EXAMPLES)
    for verb in verbs:
        assert f"### `ws.{verb}`".replace(".__call__", "") in page, verb
