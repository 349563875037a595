"""Models of SigLIP, SigLIP 2, open_clip and timm have the vectors of these libraries; `parity/check_layouts.py` wrote what these are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import heron
import heron_embedder_clip
from heron_embedder_clip.directory import BOTH, TEXT, VISION
from heron_embedder_clip.hub import wanted
from heron_embedder_clip.layout import Layout
from heron_embedder_clip.pictures import Preprocessing
from heron_embedder_clip.recipes import recipe_of
from heron_embedder_clip.tokens import Tokens

DATA = Path(__file__).parent / "data"
ALL = ("siglip", "siglip2", "open_clip_sigmoid", "open_clip_apart")
HALF = 12.9 / np.exp(4.7)
"""The cosine at which the model `siglip` gives a probability of a half: it was made with these numbers."""


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    known = np.load(DATA / "expected.npz")
    return [Image.fromarray(known[f"picture_{number}"]) for number in range(len(known["of_images"]))]


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(DATA / "layouts" / name, tmp_path / name))


def expected(name: str) -> Any:
    return np.load(DATA / "layouts" / name / "expected.npz")


def texts_of(name: str) -> list[str]:
    if name.startswith("open_clip"):
        pytest.importorskip("ftfy")
    return [str(text) for text in expected(name)["texts"]]


def load(folder: Path | str) -> Any:
    return heron_embedder_clip.load(str(folder if isinstance(folder, Path) else DATA / "layouts" / folder))


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **values}))


def refused(folder: Path) -> str:
    with pytest.raises(heron.HeronError) as caught:
        embedder = load(folder)
        embedder.embed_images([Image.new("RGB", (9, 9))])
        embedder.embed_texts(["a"])
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("name", ALL)
def test_pictures_have_the_vectors_of_the_library(name: str, pictures: list[Image.Image]) -> None:
    found = load(name).embed_images(pictures)
    np.testing.assert_allclose(found, expected(name)["of_pictures"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ALL)
def test_texts_have_the_vectors_of_the_library(name: str) -> None:
    found = load(name).embed_texts(texts_of(name))
    np.testing.assert_allclose(found, expected(name)["of_texts"], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "file", "part", "values"),
    [
        ("siglip", "preprocessor_config.json", None, {"resample": 2}),
        ("siglip", "preprocessor_config.json", None, {"image_mean": 0.4}),
        ("open_clip_sigmoid", "open_clip_config.json", "preprocess_cfg", {"resize_mode": "longest"}),
        ("open_clip_sigmoid", "open_clip_config.json", "preprocess_cfg", {"resize_mode": "shortest"}),
        ("open_clip_sigmoid", "open_clip_config.json", "preprocess_cfg", {"interpolation": "bicubic"}),
        ("open_clip_apart", "visual/preprocess_cfg.json", None, {"fill_color": 0}),
    ],
)
def test_what_is_compared_follows_the_settings(
    copy: Any, pictures: list[Image.Image], name: str, file: str, part: str | None, values: dict[str, Any]
) -> None:
    path = copy(name) / file
    whole = json.loads(path.read_text())
    change(path, **({part: {**whole[part], **values}} if part else values))
    assert (
        np.abs(
            load(path.parents[file.count("/")]).embed_images(pictures) - expected(name)["of_pictures"]
        ).max()
        > 1e-3
    )


def test_both_sides_of_siglip_in_one_file(copy: Any, pictures: list[Image.Image]) -> None:
    folder = copy("siglip")
    for name in ("vision_model", "text_model"):
        (folder / f"onnx/{name}.onnx").unlink()
    embedder = load(folder)
    np.testing.assert_allclose(
        embedder.embed_images(pictures), expected("siglip")["of_pictures"], atol=1e-4, rtol=0
    )
    found = embedder.embed_texts(texts_of("siglip"))
    np.testing.assert_allclose(found, expected("siglip")["of_texts"], atol=1e-4, rtol=0)
    assert f"from {HALF:.3f} on, it takes a text and a picture for a pair" in embedder.scores
    assert embedder.source == f"The model is read from onnx/model.onnx of {folder}."


def test_pictures_need_no_tokenizer(copy: Any) -> None:
    folder = copy("siglip")
    for name in ("onnx/vision_model.onnx", "onnx/text_model.onnx", "tokenizer.json"):
        (folder / name).unlink()
    embedder = load(folder)
    assert embedder.embed_images([NOISE]).shape == (1, 12)
    assert "Its files do not say which scores are good" in embedder.scores
    with pytest.raises(heron.NotFound, match=r"tokenizer\.json is missing"):
        embedder.embed_texts(["a"])


def test_what_scores_mean_is_read_where_a_file_says_it(copy: Any) -> None:
    folder = copy("siglip")
    assert "Its files do not say which scores are good" in load(folder).scores
    change(folder / "config.json", logit_scale=4.7, logit_bias=-12.9)
    assert f"from {HALF:.3f} on, it takes a text and a picture for a pair" in load(folder).scores
    change(folder / "config.json", logit_scale=109.9)
    with pytest.raises(heron.InvalidInput, match=r"logit_scale is 109\.9, expected a logarithm"):
        load(folder).scores  # noqa: B018
    assert load(DATA / "tiny").scores == ""


def test_the_files_that_are_read_are_said() -> None:
    assert load("siglip").source.startswith(
        "The model is read from onnx/vision_model.onnx and onnx/text_model.onnx of"
    )
    assert load("open_clip_sigmoid").source.startswith("The model is read from open_clip_model.onnx of")


def test_sizes_that_no_file_says_are_those_of_the_graph(copy: Any, pictures: list[Image.Image]) -> None:
    folder = copy("siglip2")
    (folder / "config.json").write_text('{"model_type": "siglip"}')
    embedder = load(folder)
    assert embedder.size == 12
    found = embedder.embed_images(pictures)
    np.testing.assert_allclose(found, expected("siglip2")["of_pictures"], atol=1e-4, rtol=0)


def test_files_of_both_libraries_are_read_together_if_they_agree(copy: Any) -> None:
    folder = copy("siglip")
    section = {"vision_cfg": {"image_size": 32}, "text_cfg": {"context_length": 16, "hf_tokenizer_name": "x"}}
    cfg = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}
    path = folder / "open_clip_config.json"
    change(path, model_cfg={**section, "embed_dim": 12}, preprocess_cfg=cfg)
    (first,) = load(folder).embed_images([Image.radial_gradient("L")])
    np.testing.assert_allclose(first, load("siglip").embed_images([Image.radial_gradient("L")])[0], atol=1e-6)
    change(path, preprocess_cfg={**cfg, "interpolation": "bilinear"})
    told = refused(folder)
    assert "prepare pictures differently: interpolation bicubic and bilinear (remove the one" in told
    change(path, preprocess_cfg=cfg, model_cfg={**section, "embed_dim": 13})
    assert "the files of the model contradict each other: vectors have 12 by" in refused(folder)


@pytest.mark.parametrize("name", ALL)
def test_all_files_of_a_layout_are_fetched_from_a_hub(name: str) -> None:
    hub = pytest.importorskip("huggingface_hub.utils")
    folder = DATA / "layouts" / name
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    names = (*VISION, *TEXT) if name != "open_clip_sigmoid" else BOTH
    found = set(hub.filter_repo_objects(there, allow_patterns=wanted(names, "")))
    assert there - found == {"expected.npz", *({"onnx/model.onnx"} & there)}


def test_a_clip_without_its_projections_is_refused(copy: Any) -> None:
    folder = copy("siglip")
    change(folder / "config.json", model_type="clip", projection_dim=12)
    assert "it turns pixel_values into last_hidden_state and pooler_output, expected" in refused(folder)


def test_two_files_of_one_side_are_refused(copy: Any) -> None:
    folder = copy("siglip2")
    shutil.copy(folder / "onnx/vision_model.onnx", folder)
    assert "onnx/vision_model.onnx and vision_model.onnx are there, and either could be meant" in refused(
        folder
    )


def test_variants_that_are_there_are_named(copy: Any) -> None:
    folder = copy("siglip2")
    for name in ("vision_model", "text_model"):
        (folder / f"onnx/{name}.onnx").rename(folder / f"onnx/{name}_fp16.onnx")
    assert "(name a variant that is there: #fp16)" in refused(folder)
    assert load(Path(f"{folder}#fp16")).source.startswith(
        "The model is read from onnx/vision_model_fp16.onnx and"
    )


def test_a_model_for_pictures_of_any_shape_is_refused(copy: Any) -> None:
    folder = copy("open_clip_sigmoid")
    path = folder / "open_clip_config.json"
    model = json.loads(path.read_text())["model_cfg"]
    change(path, model_cfg={**model, "vision_cfg": {"timm_model_name": "naflexvit_base_patch16_siglip"}})
    assert "belongs to a SigLIP 2 model of the kind NaFlex" in refused(folder)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"tokenizer_mode": "clips"}, "tokenizer_mode is 'clips', expected none"),
        (
            {"tokenizer_kwargs": {"reduction_mask": "simple"}},
            "reduction_mask is 'simple', expected only clean",
        ),
        (
            {"tokenizer_kwargs": {"clean": "all"}},
            "clean is 'all', expected one of whitespace, lower, canonicalize",
        ),
        ({"vocab_size": 7}, "does not belong to the model"),
    ],
)
def test_texts_that_would_be_read_otherwise_are_refused(copy: Any, settings: Any, told: str) -> None:
    pytest.importorskip("ftfy")
    folder = copy("open_clip_sigmoid")
    path = folder / "open_clip_config.json"
    model = json.loads(path.read_text())["model_cfg"]
    change(path, model_cfg={**model, "text_cfg": {**model["text_cfg"], **settings}})
    assert told in refused(folder)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"mode": "L"}, "mode is 'L', expected RGB"),
        ({"resize_mode": "crop"}, "resize_mode is 'crop', expected one of shortest, longest, squash"),
        (
            {"interpolation": "lanczos"},
            "interpolation is 'lanczos', expected one of bicubic, bilinear, random",
        ),
        ({"mean": [0.5]}, "mean is [0.5], expected three numbers"),
        ({"std": 0}, "std is 0, expected numbers of at least"),
    ],
)
def test_pictures_that_would_be_read_otherwise_are_refused(copy: Any, settings: Any, told: str) -> None:
    folder = copy("open_clip_sigmoid")
    change(folder / "open_clip_config.json", preprocess_cfg=settings)
    assert told in refused(folder)


def test_padding_is_seen_or_masked_as_in_training() -> None:
    """Texts of CLIP are as long as the longest if the graph has a mask, and as long as the context if not; those of SigLIP always."""
    of_clip, of_siglip = Layout.read(DATA / "tiny"), Layout.read(DATA / "layouts" / "siglip")
    ids, mask = Tokens(of_clip, None, is_masked=True)(["a bus", "bus"])
    assert ids.shape[1] < 16
    assert mask[1].tolist() == [1] * (mask[1].sum()) + [0] * (ids.shape[1] - mask[1].sum())
    longer, _ = Tokens(of_clip, None, is_masked=False)(["a bus", "bus"])
    assert longer.shape == (2, 16)
    assert (longer[:, : ids.shape[1]] == ids).all()
    assert (longer[:, ids.shape[1] :] == 559).all()
    ids, mask = Tokens(of_siglip, None, is_masked=True)(["a bus", "bus"])
    assert ids.shape == (2, 16)
    assert mask.all()
    assert (ids[:, -2:] == 1).all()


def test_padding_follows_the_tokenizer(copy: Any) -> None:
    folder = copy("siglip2")
    change(folder / "tokenizer_config.json", padding_side="left")
    assert np.abs(load(folder).embed_texts(["a bus"]) - load("siglip2").embed_texts(["a bus"])).max() > 1e-3
    change(folder / "tokenizer_config.json", add_bos_token=True)
    assert "tokenizer.json does not add the bos_token, which" in refused(folder)


def test_a_missing_tokenizer_is_named(copy: Any) -> None:
    pytest.importorskip("ftfy")
    for name, which in (
        ("open_clip_sigmoid", "'here'"),
        ("open_clip_apart", "the tokenizer of CLIP, as in openai/"),
    ):
        folder = copy(name)
        for path in folder.glob("**/tokenizer.json"):
            path.unlink()
        assert f"(open_clip does not write it: copy that of {which}" in refused(folder)


def test_a_sentence_says_that_ftfy_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ftfy", None)
    with pytest.raises(heron.PluginError, match=r"cleaned with the package ftfy.*\(pip install ftfy\)"):
        load("open_clip_apart").embed_texts(["a"])


NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (37, 53, 3), np.uint8))
TIMM = {"input_size": [3, 20, 20], "crop_pct": 0.8, "mean": [0.5, 0.4, 0.3], "std": [1, 1, 1]}


def pixels_of(folder: Path, **cfg: Any) -> Any:
    """What a model of timm sees, as numbers from 0 to 255."""
    change(folder / "config.json", pretrained_cfg={**TIMM, **cfg})
    found = Preprocessing(recipe_of(Layout.read(folder)))([NOISE])[0]
    return np.round((found + np.array(TIMM["mean"])[:, None, None]) * 255).transpose(1, 2, 0)


def test_timm_cuts_from_a_larger_picture(tmp_path: Path) -> None:
    """25 pixels are 20 by 0.8; the middle of 35 begins at 7.5, which is rounded to the even number."""
    scaled = NOISE.resize((35, 25), Image.Resampling.BICUBIC)
    assert (pixels_of(tmp_path) == np.asarray(scaled.crop((8, 2, 28, 22)))).all()
    squashed = NOISE.resize((25, 25), Image.Resampling.BILINEAR)
    found = pixels_of(tmp_path, crop_mode="squash", interpolation="bilinear")
    assert (found == np.asarray(squashed.crop((2, 2, 22, 22)))).all()


def test_timm_fills_borders_with_the_mean(tmp_path: Path) -> None:
    found = pixels_of(tmp_path, crop_mode="border", crop_pct=1)
    ground = Image.new("RGB", (20, 20), (128, 102, 76))
    ground.paste(NOISE.resize((20, 14), Image.Resampling.BICUBIC), (0, 3))
    assert (found == np.asarray(ground)).all()


@pytest.mark.parametrize("cfg", [{"crop_pct": 0}, {"input_size": [1, 20, 20]}, {"crop_mode": "other"}])
def test_bad_settings_of_timm_are_refused(tmp_path: Path, cfg: Any) -> None:
    with pytest.raises(heron.InvalidInput, match=next(iter(cfg))):
        pixels_of(tmp_path, **cfg)


def test_a_wide_picture_is_covered_by_another_target(tmp_path: Path) -> None:
    """open_clip scales these with bicubic, whatever the settings say."""
    change(tmp_path / "config.json", embed_dim=4, vision_cfg={"image_size": [10, 30]}, text_cfg={})
    change(tmp_path / "preprocess_cfg.json", mean=0, std=1, interpolation="bilinear")
    found = Preprocessing(recipe_of(Layout.read(tmp_path)))([NOISE])[0]
    scaled = NOISE.resize((30, 21), Image.Resampling.BICUBIC).crop((0, 6, 30, 16))
    assert (np.round(found.transpose(1, 2, 0) * 255) == np.asarray(scaled)).all()


@pytest.mark.parametrize(
    ("name", "settings", "side"),
    [
        ("preprocessor_config.json", {"size": {"height": 384, "width": 384}, "image_processor_type": "SiglipImageProcessor"}, 384),
        ("preprocessor_config.json", {"size": 336, "crop_size": 336}, 336),
        ("open_clip_config.json", {"model_cfg": {"vision_cfg": {"image_size": 512}}}, 512),
        ("config.json", {"pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 0.875}}, 256),
    ],
)  # fmt: skip
def test_pictures_come_as_large_as_a_model_needs_them(
    tmp_path: Path, name: str, settings: Any, side: int
) -> None:
    change(tmp_path / "config.json")
    change(tmp_path / name, **settings)
    assert Preprocessing(recipe_of(Layout.read(tmp_path))).shortest_side == side


def test_embed_and_search_say_what_is_read_and_what_scores_mean(copy: Any, tmp_path: Path) -> None:
    folder = copy("siglip")
    change(folder / "config.json", logit_scale=4.7, logit_bias=-12.9)
    NOISE.save(tmp_path / "a.png")
    with heron.init(tmp_path / "lake") as lake:
        lake.ingest.files([tmp_path / "a.png"], folder="A")
        made = lake.embed("clip", model=str(folder))
        assert made.notes[0].startswith(
            "The model is read from onnx/vision_model.onnx and onnx/text_model.onnx of "
        )
        assert made.notes[1].startswith("Scores of texts are lower with this model than with CLIP")
        [found] = lake.search("a red bus").notes
        assert found == made.notes[1]
        [item] = lake.items.list()
        assert not lake.search(like=[item.uuid]).notes
        assert len(lake.search("a red bus", min_score=-1)) == 1
        assert lake.search("a red bus", min_score=0.99).notes == (found,)
        assert lake.search.notes(text="a red bus", min_score=0.99) == (found,)
        assert not lake.search.notes(text="a red bus", nearest=1)
