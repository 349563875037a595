"""How pictures are prepared, and what an embedder does with many of them, and in many threads."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import heron
import heron_embedder_clip
from heron_embedder_clip.embedder import normalised
from heron_embedder_clip.layout import Layout
from heron_embedder_clip.pictures import Preprocessing
from heron_embedder_clip.recipes import recipe_of
from heron_embedder_clip.sides import PICTURES

TINY = Path(__file__).parent / "data" / "tiny"
THIN = """
import resource, sys
from pathlib import Path
from PIL import Image
from heron_embedder_clip.layout import Layout
from heron_embedder_clip.pictures import Preprocessing
from heron_embedder_clip.recipes import recipe_of
resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
picture = Image.linear_gradient("L").rotate(90).resize((60_000, 2)).convert("RGB")
found = Preprocessing(recipe_of(Layout.read(Path(sys.argv[1]))))([picture])
print(found.min(), found.max())
"""
PLAIN = {"do_rescale": False, "do_normalize": False}


@pytest.fixture
def prepare(tmp_path: Path) -> Any:
    def make(**settings: Any) -> Preprocessing:
        path = tmp_path / "preprocessor_config.json"
        path.write_text(json.dumps(settings))
        return prepared(path.parent)

    return make


def prepared(folder: Path) -> Preprocessing:
    """As the files of a folder say, beside a `config.json` that says nothing."""
    (folder / "config.json").write_text("{}")
    return Preprocessing(recipe_of(Layout.read(folder)))


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def test_without_settings_it_is_that_of_openai(prepare: Any) -> None:
    tensor = prepare()([Image.new("RGB", (300, 400), (255, 0, 128))])
    assert (tensor.shape, tensor.dtype) == ((1, 3, 224, 224), np.float32)
    expected = [(1 - 0.48145466) / 0.26862954, -0.4578275 / 0.26130258, (128 / 255 - 0.40821073) / 0.27577711]
    np.testing.assert_allclose(tensor[0, :, 7, 7], expected, rtol=1e-6)


def test_shortest_edge_is_scaled_and_the_middle_cut_out(prepare: Any) -> None:
    picture = noise(80, 61)
    found = prepare(size=40, crop_size=30, resample=2, **PLAIN)([picture])[0]
    scaled = picture.resize((52, 40), Image.Resampling.BILINEAR).crop((11, 5, 41, 35))
    np.testing.assert_array_equal(found, np.asarray(scaled).transpose(2, 0, 1))


def test_a_smaller_picture_gets_a_black_frame(prepare: Any) -> None:
    found = prepare(do_resize=False, crop_size={"height": 4, "width": 5}, **PLAIN)(
        [Image.new("RGB", (2, 9), "red")]
    )
    assert found[0, 0].tolist() == [[0, 0, 255, 255, 0]] * 4


def test_an_exact_size_needs_no_crop(prepare: Any) -> None:
    picture = noise(17, 29)
    found = prepare(size={"width": 6, "height": 4}, do_center_crop=False, **PLAIN)([picture])[0]
    np.testing.assert_array_equal(
        found, np.asarray(picture.resize((6, 4), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    )


def test_a_long_thin_picture_takes_little_memory(tmp_path: Path) -> None:
    """Scaled as a whole it would have 6 GB."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PLAIN))
    done = subprocess.run([sys.executable, "-c", THIN, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.split() == ["127.0", "128.0"], done.stderr


def test_other_modes_become_rgb(prepare: Any) -> None:
    assert prepare(**PLAIN)([Image.new("L", (9, 9), 7)])[0, :, 0, 0].tolist() == [7, 7, 7]


def test_a_picture_without_pixels_is_refused() -> None:
    embedder = heron_embedder_clip.load(str(TINY))
    with pytest.raises(heron.InvalidInput, match="a picture of 0 x 5 pixels"):
        embedder.embed_images([noise(5, 5), Image.new("RGB", (0, 5))])
    with pytest.raises(heron.InvalidInput, match="a picture of 0 x 5 pixels"):
        embedder.embed_images([*[noise(5, 5)] * 5 * PICTURES, Image.new("RGB", (0, 5))])


def test_many_pictures_keep_their_order() -> None:
    embedder = heron_embedder_clip.load(str(TINY))
    pictures = [noise(40, 30, seed) for seed in range(PICTURES * 6 + 3)]
    together = embedder.embed_images(pictures)
    alone = np.concatenate([embedder.embed_images([picture]) for picture in pictures])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_one_embedder_serves_several_threads() -> None:
    pictures = [noise(40, 30, seed) for seed in range(8)]
    texts = [f"picture {number}" for number in range(8)]
    reference = heron_embedder_clip.load(str(TINY))
    embedder = heron_embedder_clip.load(str(TINY))
    with ThreadPoolExecutor(8) as pool:
        of_images = list(pool.map(lambda picture: embedder.embed_images([picture]), pictures))
        of_texts = list(pool.map(lambda text: embedder.embed_texts([text]), texts))
    np.testing.assert_allclose(np.concatenate(of_images), reference.embed_images(pictures), atol=1e-5)
    np.testing.assert_allclose(np.concatenate(of_texts), reference.embed_texts(texts), atol=1e-5)


def test_a_vector_of_zeros_stays_one() -> None:
    found = normalised(np.array([[3, 4], [0, 0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]], rtol=1e-6)


def test_settings_of_transformers_5_are_read_where_the_older_file_is_missing(tmp_path):
    values = {
        **PLAIN,
        "image_processor_type": "CLIPImageProcessorFast",
        "size": {"longest_edge": None, "shortest_edge": 32},
    }
    picture = Image.radial_gradient("L").convert("RGB")
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "processor_config.json").write_text(
        json.dumps({"processor_class": "CLIPProcessor", "image_processor": values})
    )
    older = tmp_path / "older"
    older.mkdir()
    (older / "preprocessor_config.json").write_text(json.dumps(values))
    (older / "processor_config.json").write_text(json.dumps({"processor_class": "CLIPProcessor"}))
    assert (prepared(newer)([picture]) == prepared(older)([picture])).all()
    (newer / "processor_config.json").write_text(json.dumps({"image_processor": {**values, "resample": 17}}))
    with pytest.raises(heron.InvalidInput, match=r"processor_config.json: image_processor: resample is 17"):
        prepared(newer)
    (newer / "processor_config.json").write_text("{}")
    with pytest.raises(
        heron.InvalidInput, match="image_processor is missing, expected how pictures are prepared"
    ):
        prepared(newer)
