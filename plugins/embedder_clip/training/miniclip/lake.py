"""The lake of the quickstart as Heron imports it: the pictures of its items and their metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

import heron
from heron.quickstart.lake import make_lake

PICTURE_SIZE = 256
"""Pixels of the longer side of the pictures that an embedder gets."""


def lake(directory: Path) -> tuple[dict[str, Image.Image], Mapping[str, Mapping[str, Any]]]:
    """Make the lake, unless the directory has it, and import it; returns pictures and metadata, both by the name of the item.

    Items without a picture, for instance of a kind whose plugin is not installed, are left out.
    """
    if not (directory / "metadata.jsonl").exists():
        make_lake(directory)
    workspace = heron.init(directory / "workspace")
    workspace.ingest.files([directory / "lake"], folder="Lake", ignore_errors=True)
    pictures = {}
    for item in workspace.items.list(folder="Lake"):
        try:
            pictures[item.name] = workspace.pictures.picture(item, size=PICTURE_SIZE)
        except (heron.MediaError, heron.PluginError):
            continue
    lines = (directory / "metadata.jsonl").read_text().splitlines()
    return pictures, {known["name"]: known for known in map(json.loads, lines)}
