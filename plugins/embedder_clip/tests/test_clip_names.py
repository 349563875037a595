"""How models are named, and what tells their versions apart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import heron
import heron_embedder_clip
from heron_embedder_clip.directory import ModelDirectory
from heron_embedder_clip.names import HubModel, LocalModel, parse

TINY = Path(__file__).parent / "data" / "tiny"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, HubModel("Xenova/clip-vit-base-patch32", None, "")),
        ("openai/clip", HubModel("openai/clip", None, "")),
        ("openai/clip@main", HubModel("openai/clip", "main", "")),
        ("openai/clip@refs/pr/3#fp16", HubModel("openai/clip", "refs/pr/3", "fp16")),
        ("a.b/c_d#int8", HubModel("a.b/c_d", None, "int8")),
    ],
)
def test_names_of_the_hub(name: str | None, expected: HubModel) -> None:
    assert parse(name) == expected


def test_a_directory_comes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openai" / "clip").mkdir(parents=True)
    (tmp_path / "a#fp16").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse("openai/clip#fp16") == LocalModel(Path("openai/clip"), "fp16")
    assert parse("a#fp16") == LocalModel(Path("a#fp16"), "")
    assert parse("~/openai/clip") == LocalModel(tmp_path / "openai/clip", "")


@pytest.mark.parametrize(
    "name",
    ["missing", "./a/b", "/a/b", "~/a", "a/../b", "a/b@../c", "a/b/c", "", "a/b@", "x" * 9999, "a\0/b"],
)
def test_what_is_neither_is_a_missing_directory(name: str) -> None:
    with pytest.raises(heron.NotFound, match="does not exist"):
        parse(name)


@pytest.mark.parametrize("variant", ["", "../fp16", "FP16", "fp 16"])
def test_a_variant_is_a_word(variant: str) -> None:
    with pytest.raises(heron.InvalidInput, match="cannot be a variant of a model"):
        parse(f"openai/clip#{variant}")


def test_revision_of_a_directory_follows_its_files(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "a")
    shutil.copytree(TINY, tmp_path / "b")

    def revision(name: str) -> Any:
        return heron_embedder_clip.load(str(tmp_path / name)).revision

    first = revision("a")
    assert first == revision("b")
    (tmp_path / "b" / "README.md").write_text("another text")
    assert first == revision("b")
    assert len({first, revision("a#fp16"), revision("a#quantized"), revision("a#external")}) == 4
    for name in ("vision_model.onnx", "text_model.onnx", "preprocessor_config.json", "tokenizer.json"):
        shutil.copytree(TINY, tmp_path / "b", dirs_exist_ok=True)
        with (tmp_path / "b" / name).open("ab") as stream:
            stream.write(b" ")
        assert revision("b") != first


def test_fingerprint_of_a_large_file_sees_beginning_middle_and_end(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path, dirs_exist_ok=True)
    place = tmp_path / "vision_model.onnx"
    content = bytearray(40_000_000)
    seen = set()
    for start in (None, 0, 20_000_000, 39_999_999):
        changed = content.copy()
        if start is not None:
            end = min(start + 2_000_000, len(changed))
            changed[start:end] = b"\1" * (end - start)
        place.write_bytes(changed)
        seen.add(ModelDirectory.find(tmp_path).fingerprint())
    assert len(seen) == 4
