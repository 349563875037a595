"""CLIP throughput: pictures and JPEG files through the embedder `clip`, beside bare onnxruntime on ready tensors.

The model has the shape of ViT-B/32 and random weights. MODEL is its directory; --torch names a Python that has torch,
transformers, onnx and onnxscript, to make one. Pictures are 512x384, as Heron gives them; JPEGs are 1024x768, decoded
by two threads while the embedder works. All take 32 at a time. Runs of all ways alternate, for the machine is shared.
Run: python benchmarks/clip.py (MODEL | --torch PYTHON)
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from measure import in_fresh_process, median, peak_memory_mb, table, timed

COUNT, BATCH, RUNS = 96, 32, 3
EXPORTER = Path(__file__).resolve().parents[1] / "plugins/embedder_clip/parity/export_random.py"


def bare(model: str, spinning: bool) -> Callable[[], Any]:
    """onnxruntime's session on tensors that are ready, with its own settings or with threads that sleep when idle."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if not spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        f"{model}/vision_model.onnx", options, providers=["CPUExecutionProvider"]
    )
    tensors = numpy.random.default_rng(1).standard_normal((BATCH, 3, 224, 224)).astype(numpy.float32)
    return lambda: [session.run(None, {"pixel_values": tensors}) for _ in range(COUNT // BATCH)]


def heron_pictures(model: str) -> Callable[[], Any]:
    """The embedder on decoded pictures."""
    import heron_embedder_clip

    embedder = heron_embedder_clip.load(model)
    pictures = [_picture(number, (512, 384)) for number in range(BATCH)]
    return lambda: [embedder.embed_images(pictures) for _ in range(COUNT // BATCH)]


def heron_files(model: str) -> Callable[[], Any]:
    """The embedder on JPEGs, which threads decode one batch ahead."""
    from PIL import Image

    import heron_embedder_clip

    embedder = heron_embedder_clip.load(model)
    files = []
    for number in range(BATCH):
        buffer = io.BytesIO()
        _picture(number, (1024, 768)).save(buffer, "JPEG", quality=80)
        files.append(buffer.getvalue())

    def decoded(data: bytes) -> Image.Image:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", (512, 384))
            return image.convert("RGB")

    def work() -> None:
        with ThreadPoolExecutor(2) as pool:
            ahead = [pool.submit(decoded, data) for data in files]
            for start in range(0, COUNT, BATCH):
                pictures = [future.result() for future in ahead]
                ahead = [pool.submit(decoded, data) for data in files if start + BATCH < COUNT]
                embedder.embed_images(pictures)

    return work


WAYS: dict[str, Callable[[str], Callable[[], Any]]] = {
    "bare onnxruntime": lambda model: bare(model, spinning=True),
    "bare onnxruntime, threads sleep": lambda model: bare(model, spinning=False),
    "Heron, pictures": heron_pictures,
    "Heron, JPEG files": heron_files,
}


def _picture(seed: int, size: tuple[int, int]) -> Any:
    import numpy
    from PIL import Image

    small = numpy.random.default_rng(seed).integers(0, 256, (24, 32, 3), numpy.uint8)
    return Image.fromarray(small).resize(size)


def measure_one(way: str, model: str) -> dict[str, float]:
    """One run in this process: rates by wall and by processor time, peak memory; loading and a first batch apart."""
    work = WAYS[way](model)
    work()
    wall, cpu = timed(work)
    return {"wall": COUNT / wall, "cpu": COUNT / cpu, "memory": peak_memory_mb()}


def main() -> None:
    """Measure all ways, or one in a child process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--torch", help="a Python with torch, transformers, onnx and onnxscript")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measure_one(given.way, given.model)))
        return
    if not given.model and not given.torch:
        parser.error("give a model directory, or --torch")
    with tempfile.TemporaryDirectory() as folder:
        if not given.model:
            subprocess.run([given.torch, str(EXPORTER), folder, "--shape", "vit-b-32"], check=True)
        report(given.model or folder)


def report(model: str) -> None:
    """Print the table."""
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(RUNS):
        for way, results in found.items():
            results.append(in_fresh_process(__file__, model, "--way", way))
    middle = {
        way: {name: median([result[name] for result in results]) for name in ("wall", "cpu", "memory")}
        for way, results in found.items()
    }
    first = middle["bare onnxruntime"]
    rows = []
    for way, m in middle.items():
        ratios = [f"{m[name] / first[name]:.2f}" for name in ("wall", "cpu")]
        rows.append([way, f"{m['wall']:.1f}", f"{m['cpu']:.1f}", f"{m['memory']:.0f} MB", *ratios])
    columns = ["work", "pictures/s (wall)", "pictures per CPU s", "peak memory", "ratio (wall)", "(CPU)"]
    table("CLIP ViT-B/32 on the processor", columns, rows)


if __name__ == "__main__":
    main()
