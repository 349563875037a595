"""The plugin folders and the root project agree, and each folder can stand alone."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import heron
from heron.hooks import PluginManager
from heron.media import builtin
from heron.media.sniff import Sniffer

ROOT = Path(__file__).parent.parent
FOLDERS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
each_plugin = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def module_of(folder: Path) -> str:
    return f"heron_{folder.name}"


def contributions(folder: Path) -> list[Any]:
    module = importlib.import_module(module_of(folder))
    hooks = [value for name, value in vars(module).items() if name.startswith("register_")]
    return [record for hook in hooks for record in hook()]


def extra_of(folder: Path) -> str | None:
    """The extra that brings what a plugin needs; None if it needs nothing."""
    (extra,) = {record.extra for record in contributions(folder)}
    assert extra or not any(record.requires for record in contributions(folder))
    return extra or None


def brought_by(folder: Path) -> list[str]:
    extra = extra_of(folder)
    return project(ROOT)["project"]["optional-dependencies"][extra] if extra else []


def distribution_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found[0]


def sources(folder: Path) -> Iterator[Path]:
    return (folder / module_of(folder)).rglob("*.py")


def imports(tree: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """Module and names of each import anywhere below."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or "", [alias.name for alias in node.names]


def test_every_entry_point_has_its_folder_and_every_folder_its_entry_point() -> None:
    points = project(ROOT)["project"]["entry-points"]["heron"]
    assert points == {folder.name: module_of(folder) for folder in FOLDERS}


def test_the_wheel_holds_the_core_and_every_plugin() -> None:
    packages = project(ROOT)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    expected = [f"plugins/{folder.name}/{module_of(folder)}" for folder in FOLDERS]
    assert sorted(packages) == sorted(["core/heron", *expected])
    assert all((ROOT / package / "__init__.py").is_file() for package in packages)


def test_mypy_checks_the_core_and_every_plugin() -> None:
    mypy = project(ROOT)["tool"]["mypy"]
    assert sorted(mypy["mypy_path"].split(":")) == ["core", *(f"plugins/{path.name}" for path in FOLDERS)]
    assert {"core/heron", "plugins/*/heron_*"} <= set(mypy["files"])


def test_all_brings_every_extra_of_a_plugin() -> None:
    (everything,) = project(ROOT)["project"]["optional-dependencies"]["all"]
    assert {extra_of(folder) for folder in FOLDERS} - {None} <= set(everything[len("heron[") : -1].split(","))


@each_plugin
def test_own_project_agrees_with_the_root(folder: Path) -> None:
    root, own = project(ROOT)["project"], project(folder)["project"]
    assert own["name"] == f"heron-{folder.name.replace('_', '-')}"
    assert own["entry-points"] == {"heron": {folder.name: module_of(folder)}}
    assert own["dependencies"] == ["heron", *brought_by(folder)]
    assert own["requires-python"] == root["requires-python"]
    assert any(distribution_name(line) == "pytest" for line in own["optional-dependencies"]["test"])
    wheel = project(folder)["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == [module_of(folder)]


@each_plugin
def test_records_need_only_what_their_extra_brings(folder: Path) -> None:
    brought = brought_by(folder)
    needed = {name for record in contributions(folder) for name in record.requires}
    assert needed <= {distribution_name(line) for line in brought}


@each_plugin
def test_the_folder_is_complete(folder: Path) -> None:
    assert (folder / "README.md").read_text().startswith(f"# {project(folder)['project']['name']}\n")
    assert (folder / module_of(folder) / "py.typed").is_file()
    assert (folder / "tests" / f"test_{folder.name}_plugin.py").is_file()


@each_plugin
def test_the_module_is_small(folder: Path) -> None:
    assert len((folder / module_of(folder) / "__init__.py").read_text().splitlines()) <= 60


@each_plugin
def test_only_public_names_of_heron_are_imported(folder: Path) -> None:
    for path in [*sources(folder), *(folder / "tests").rglob("*.py")]:
        for module, names in imports(ast.parse(path.read_text())):
            public = ("heron.testing", "heron.remote", "heron.quickstart.photos")
            is_public = module in public or module.startswith("heron.isolation")
            assert not module.startswith("heron.") or is_public, f"{path}: {module}"
            if module == "heron":
                assert set(names) <= set(heron.__all__), f"{path}: {names}"


@each_plugin
def test_the_module_imports_only_heron_and_the_standard_library(folder: Path) -> None:
    tree = ast.parse((folder / module_of(folder) / "__init__.py").read_text())
    allowed = {*sys.stdlib_module_names, "heron", module_of(folder)}
    assert {module.partition(".")[0] for module, _ in imports(tree)} <= allowed


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in ROOT.glob("plugins/*/tests/*.py") if path.name != "conftest.py"]
    assert len(names) == len(set(names))


def test_all_plugins_together_are_without_conflict() -> None:
    plugins = [importlib.import_module(module_of(folder)) for folder in FOLDERS]
    manager = PluginManager(plugins=plugins, discover=False)
    bad = [
        status.status
        for status in manager.statuses
        if not status.status.startswith(("loaded", "needs ", "planned"))
    ]
    assert bad == []
    assert manager.storage("abfss").name == "azure"
    assert manager.embedder("clip").takes_model


@pytest.mark.parametrize(
    ("head", "name", "decoder", "media_type"),
    [
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1", "a.avif", "image", "image/avif"),
        (b"\0\0\0\x1cftypavis\0\0\0\0mif1", "a.mp4", "image", "image/avif"),
        (b"\0\0\0\x1cftypisom\0\0\0\0isom", "a", "video", "video/mp4"),
        (b"\0\0\0\x1cftypmp42\0\0\0\0isom", "a.m4a", "audio", "audio/mp4"),
        (b"\0\0\0\x1cftypM4A \0\0\0\0isom", "a.m4a", "audio", "audio/mp4"),
        (b"\0\0\0\x1cftypmp42\0\0\0\0isom", "a.mov", "video", "video/mp4"),
        (b"RIFF\0\1\0\0WEBPVP8 ", "a.wav", "image", "image/webp"),
        (b"RIFF\0\1\0\0WAVEfmt ", "a.webp", "audio", "audio/wav"),
        (b"II*\0".ljust(128, b"\0") + b"DICM", "a.tif", "dicom", "application/dicom"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\3", "a.nii.gz", "nifti", "application/x-nifti+gzip"),
        (b"the mdat atom", "a.txt", "text", "text/plain"),
    ],
)
def test_plugins_and_core_share_the_formats(head: bytes, name: str, decoder: str, media_type: str) -> None:
    plugins = [importlib.import_module(f"heron_{media}") for media in ("media_dicom", "media_video")]
    sniffed = Sniffer(PluginManager(plugins=[builtin, *plugins], discover=False).decoders()).sniff(head, name)
    assert sniffed is not None
    assert (sniffed.decoder.name, sniffed.format.media_type) == (decoder, media_type)


def test_gzip_of_something_else_is_unknown() -> None:
    plugins = [
        builtin,
        *(importlib.import_module(f"heron_{media}") for media in ("media_dicom", "media_video")),
    ]
    sniffer = Sniffer(PluginManager(plugins=plugins, discover=False).decoders())
    assert sniffer.sniff(b"\x1f\x8b\x08\0\0\0\0\0\0\3", "a.tar.gz") is None
