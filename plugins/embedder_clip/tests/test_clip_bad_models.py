"""Model directories that are not as they should be: one sentence each, and nothing on stderr."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import heron
import heron_embedder_clip

TINY = Path(__file__).parent / "data" / "tiny"
PICTURES = [Image.new("RGB", (40, 30), "red")]
TEXTS = ["a bus", "the harbour in fog"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "model"))


def embed(model: Path, variant: str = "") -> None:
    embedder = heron_embedder_clip.load(f"{model}{variant}")
    embedder.embed_images(PICTURES)
    embedder.embed_texts(TEXTS)


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def change_section(path: Path, section: str, **values: Any) -> None:
    change(path, **{section: {**json.loads(path.read_text())[section], **values}})


def refusal(model: Path, kind: type[heron.HeronError] = heron.InvalidInput) -> str:
    with pytest.raises(kind) as caught:
        embed(model)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert len(text) < 1000
    return text


def test_the_directory_is_missing(tmp_path: Path) -> None:
    assert "does not exist (name a directory, or OWNER/NAME@REVISION" in refusal(
        tmp_path / "x", heron.NotFound
    )


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "tokenizer.json"])
def test_a_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    assert refusal(model, heron.NotFound).startswith(f"{name} is missing in the model directory {model}")


def test_missing_graphs_are_named(model: Path) -> None:
    with pytest.raises(heron.NotFound, match=r"vision_model_q4\.onnx is missing"):
        embed(model, "#q4")
    (model / "vision_model_quantized.onnx").unlink()
    (model / "text_model_quantized.onnx").unlink()
    with pytest.raises(
        heron.NotFound, match=r"vision_model_int8\.onnx or vision_model_quantized\.onnx is missing"
    ):
        embed(model, "#int8")


def test_a_model_of_one_side_refuses_the_other(model: Path) -> None:
    (model / "model.onnx").unlink()
    (model / "text_model.onnx").rename(model / "text")
    (model / "tokenizer.json").unlink()
    pictures_only = heron_embedder_clip.load(str(model))
    assert pictures_only.embed_images(PICTURES).shape == (1, 12)
    with pytest.raises(heron.InvalidInput, match="has no side for texts"):
        pictures_only.embed_texts(TEXTS)
    (model / "text").rename(model / "text_model.onnx")
    (model / "vision_model.onnx").unlink()
    shutil.copy(TINY / "tokenizer.json", model)
    texts_only = heron_embedder_clip.load(str(model))
    assert texts_only.embed_texts(TEXTS).shape == (2, 12)
    with pytest.raises(heron.InvalidInput, match="has no side for pictures"):
        texts_only.embed_images(PICTURES)


@pytest.mark.parametrize("name", ["vision_model.onnx", "text_model.onnx"])
@pytest.mark.parametrize("content", [b"", b"junk" * 1000, None])
def test_a_corrupt_graph(model: Path, name: str, content: bytes | None, capfd: Any) -> None:
    whole = (model / name).read_bytes()
    (model / name).write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert f"{model / name} cannot be loaded by onnxruntime" in refusal(model)
    assert capfd.readouterr() == ("", "")


def test_a_foreign_graph(model: Path) -> None:
    shutil.copy(model / "text_model.onnx", model / "vision_model.onnx")
    assert (
        "vision_model.onnx is not a CLIP model: it turns input_ids and attention_mask into text_embeds, "
        "expected pixel_values and image_embeds"
    ) in refusal(model)


def test_an_input_that_no_clip_has(model: Path) -> None:
    path = model / "text_model.onnx"
    path.write_bytes(path.read_bytes().replace(b"attention_mask", b"attention_task"))
    assert "it turns input_ids and attention_task into text_embeds" in refusal(model)


def test_weights_outside_the_directory(model: Path) -> None:
    name = b"vision_model_external.onnx_data"
    (model / name.decode()).rename(model.parent / name[3:].decode())
    graph = model / "vision_model_external.onnx"
    graph.write_bytes(graph.read_bytes().replace(name, b"../" + name[3:]))
    with pytest.raises(heron.InvalidInput, match="cannot be loaded by onnxruntime"):
        embed(model, "#external")


def test_weights_that_are_cut_short(model: Path) -> None:
    path = model / "vision_model_external.onnx_data"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(heron.InvalidInput, match="cannot be loaded by onnxruntime"):
        embed(model, "#external")


def test_sides_of_another_size_than_the_configuration(model: Path) -> None:
    change(model / "config.json", projection_dim=13)
    embedder = heron_embedder_clip.load(str(model))
    for work, name in (
        (lambda: embedder.embed_images(PICTURES), "vision_model"),
        (lambda: embedder.embed_texts(TEXTS), "text_model"),
    ):
        with pytest.raises(
            heron.InvalidInput, match=rf"{name}\.onnx makes vectors of 12 numbers, but .* says 13"
        ):
            work()


def test_a_tokenizer_of_another_model(model: Path) -> None:
    change_section(model / "config.json", "text_config", vocab_size=100)
    assert "tokenizer.json does not belong to the model: it has a token 559" in refusal(model)


def test_a_context_longer_than_the_graph(model: Path, capfd: Any) -> None:
    change_section(model / "config.json", "text_config", max_position_embeddings=77)
    embedder = heron_embedder_clip.load(str(model))
    with pytest.raises(heron.PluginError, match="cannot be run"):
        embedder.embed_texts(["bus " * 50])
    assert capfd.readouterr() == ("", "")


def test_pictures_of_another_size_than_the_model_sees(model: Path) -> None:
    change(model / "preprocessor_config.json", crop_size=64)
    assert "makes pictures of 64 x 64 pixels, but the model takes 32" in refusal(model)


def test_vectors_that_are_no_numbers(model: Path) -> None:
    weights = model / "vision_model_external.onnx_data"
    weights.write_bytes(b"\xff" * weights.stat().st_size)
    with pytest.raises(heron.PluginError, match="gave vectors with NaN or infinity"):
        embed(model, "#external")


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "tokenizer.json"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"]
)
def test_corrupt_json(model: Path, name: str, content: bytes) -> None:
    (model / name).write_bytes(content)
    assert str(model / name) in refusal(model)


@pytest.mark.parametrize(
    "damage", [(b'"vocab"', b'"vocap"'), (b'"BPE"', b'"XYZ"'), (b"560", b'"x"'), (b": 7,", b": -7,")]
)
def test_a_broken_tokenizer(model: Path, damage: tuple[bytes, bytes]) -> None:
    path = model / "tokenizer.json"
    path.write_bytes(path.read_bytes().replace(*damage).replace(b'"merges"', b'"merge"'))
    assert "tokenizer.json is not a tokenizer" in refusal(model)


def test_a_file_beyond_all_measure(model: Path) -> None:
    with (model / "tokenizer.json").open("r+b") as stream:
        stream.truncate(10_000_000_000)
    assert "tokenizer.json is refused: it has more than" in refusal(model)


def test_a_directory_in_the_place_of_a_file(model: Path) -> None:
    (model / "tokenizer.json").unlink()
    (model / "tokenizer.json").mkdir()
    assert "tokenizer.json cannot be read" in refusal(model)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"size": {"shortest_edge": 100_000}},
            "size: shortest_edge is 100000, expected a whole number from 1 to 1,024",
        ),
        ({"size": {"height": 32, "width": 0}}, "size: width is 0"),
        ({"size": {"width": 32}}, "size: height is missing"),
        (
            {"size": {"shortest_edge": 32, "longest_edge": 64}},
            "expected a shortest_edge, or a height and a width",
        ),
        ({"size": "large"}, "size is 'large', expected an object"),
        ({"size": True}, "size is True, expected a whole number"),
        ({"crop_size": 10**400}, "crop_size is "),
        ({"crop_size": {"height": -1, "width": 32}}, "crop_size: height is -1"),
        ({"do_center_crop": False}, "without a centre crop, size needs a height and a width"),
        ({"do_resize": "yes"}, "do_resize is 'yes', expected true or false"),
        ({"resample": 9}, "resample is 9"),
        ({"image_mean": [0.5]}, "image_mean is [0.5], expected three numbers"),
        ({"image_std": [1, 1, "1"]}, "expected numbers of at most a million"),
        ({"image_std": [1, 0, 1]}, "expected numbers of at least 1e-06"),
        ({"rescale_factor": float("nan")}, "rescale_factor is nan, expected numbers of at most"),
        ({"rescale_factor": 10**400}, "rescale_factor is 1"),
        (
            {"image_processor_type": "ViTImageProcessor"},
            "is for ViTImageProcessor, expected CLIPImageProcessor or",
        ),
        ({"image_processor_type": "Siglip2ImageProcessor"}, "belongs to a SigLIP 2 model of the kind NaFlex"),
        ({"do_pad": True}, "do_pad is True, expected no padding"),
    ],
)
def test_settings_of_pictures_out_of_bounds(model: Path, values: dict[str, Any], told: str) -> None:
    change(model / "preprocessor_config.json", **values)
    assert told in refusal(model)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda path: change(path, model_type="siglip2"), "belongs to a SigLIP 2 model of the kind NaFlex"),
        (
            lambda path: change(path, projection_dim=5000),
            "projection_dim is 5000, expected a whole number from 1",
        ),
        (lambda path: change(path, text_config="../../etc/passwd"), "text_config is '../../etc/passwd'"),
        (
            lambda path: change_section(path, "text_config", max_position_embeddings=10**9),
            "max_position_embeddings",
        ),
        (lambda path: change_section(path, "vision_config", image_size=100_000), "image_size is 100000"),
    ],
)
def test_settings_of_the_model_out_of_bounds(model: Path, edit: Callable[[Path], None], told: str) -> None:
    edit(model / "config.json")
    assert told in refusal(model)


def test_providers_are_chosen_by_the_environment(
    model: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    for good in ("cpu", " CPU , ", ""):
        monkeypatch.setenv("HERON_ONNX_PROVIDERS", good)
        embed(model)
    monkeypatch.setenv("HERON_ONNX_PROVIDERS", "warp,cpu")
    assert "HERON_ONNX_PROVIDERS names 'warp', but this onnxruntime has " in refusal(model)
    assert capfd.readouterr() == ("", "")


def test_texts_of_all_sorts_are_embedded(model: Path) -> None:
    vectors = heron_embedder_clip.load(str(model)).embed_texts(["\ud800", "\0", "x" * 3_000_000, "?"])
    assert vectors.shape == (4, 12)
    assert (vectors[0] == vectors[3]).all()
