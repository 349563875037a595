"""Vectors are those of transformers' CLIPModel and its processor; `parity/check_parity.py` wrote what these are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import heron_embedder_clip

DATA = Path(__file__).parent / "data"
TINY = DATA / "tiny"


@pytest.fixture(scope="module")
def expected() -> Any:
    return np.load(DATA / "expected.npz")


@pytest.fixture(scope="module")
def pictures(expected: Any) -> list[Image.Image]:
    return [Image.fromarray(expected[f"picture_{number}"]) for number in range(len(expected["of_images"]))]


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """An export with both sides in one file."""
    for name in (
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.onnx",
    ):
        shutil.copy(TINY / name, tmp_path)
    return tmp_path


def test_pictures_of_odd_shapes(expected: Any, pictures: list[Image.Image]) -> None:
    found = heron_embedder_clip.load(str(TINY)).embed_images(pictures)
    assert len({picture.size for picture in pictures}) == 8
    np.testing.assert_allclose(found, expected["of_images"], atol=1e-4, rtol=0)


def test_texts(expected: Any) -> None:
    found = heron_embedder_clip.load(str(TINY)).embed_texts([str(text) for text in expected["texts"]])
    np.testing.assert_allclose(found, expected["of_texts"], atol=1e-4, rtol=0)


def test_both_sides_in_one_file(both: Path, expected: Any, pictures: list[Image.Image]) -> None:
    embedder = heron_embedder_clip.load(str(both))
    np.testing.assert_allclose(embedder.embed_images(pictures), expected["of_images"], atol=1e-4, rtol=0)
    found = embedder.embed_texts([str(text) for text in expected["texts"]])
    np.testing.assert_allclose(found, expected["of_texts"], atol=1e-4, rtol=0)


def test_files_in_the_folder_onnx(tmp_path: Path, expected: Any, pictures: list[Image.Image]) -> None:
    (tmp_path / "onnx").mkdir()
    for path in TINY.iterdir():
        shutil.copy(path, tmp_path / ("onnx" if "onnx" in path.suffix else "."))
    found = heron_embedder_clip.load(str(tmp_path)).embed_images(pictures)
    np.testing.assert_allclose(found, expected["of_images"], atol=1e-4, rtol=0)


def test_weights_in_a_file_of_their_own(expected: Any, pictures: list[Image.Image]) -> None:
    found = heron_embedder_clip.load(f"{TINY}#external").embed_images(pictures)
    np.testing.assert_allclose(found, expected["of_images"], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("variant", "far"), [("fp16", 5e-3), ("int8", 0.1), ("quantized", 0.1)])
def test_smaller_variants_come_near(
    variant: str, far: float, expected: Any, pictures: list[Image.Image]
) -> None:
    embedder = heron_embedder_clip.load(f"{TINY}#{variant}")
    assert 1e-5 < np.abs(embedder.embed_images(pictures) - expected["of_images"]).max() < far
    texts = [str(text) for text in expected["texts"]]
    assert 1e-5 < np.abs(embedder.embed_texts(texts) - expected["of_texts"]).max() < far


def test_vectors_follow_the_settings(tmp_path: Path, expected: Any, pictures: list[Image.Image]) -> None:
    """What is compared above is sensitive to how a picture is prepared."""
    shutil.copytree(TINY, tmp_path, dirs_exist_ok=True)
    settings = json.loads((TINY / "preprocessor_config.json").read_text())
    for change in ({"resample": 2}, {"size": {"shortest_edge": 33}}, {"image_mean": [0.5, 0.5, 0.5]}):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps({**settings, **change}))
        found = heron_embedder_clip.load(str(tmp_path)).embed_images(pictures)
        assert np.abs(found - expected["of_images"]).max() > 1e-3
