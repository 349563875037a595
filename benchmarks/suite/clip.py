"""CLIP throughput: pictures and JPEG files through the embedder `clip`, beside bare onnxruntime on ready tensors."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.house import peers
from benchmarks.house.measuring import peak_memory, timed
from benchmarks.house.pictures import noise
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way

BATCH = 32
MODEL = "HERON_BENCHMARK_CLIP"
EXPORTER = Path(__file__).resolve().parents[2] / "plugins/embedder_clip/parity/export_random.py"


def prepare(stage: Path, size: int) -> None:
    """A model of the shape of ViT-B/32 with random weights, made by the environment `torch`; or a given one."""
    if given := os.environ.get(MODEL):
        shutil.copytree(given, stage / "model")
        return
    python = peers.python_of("torch")
    subprocess.run([python, str(EXPORTER), str(stage / "model"), "--shape", "vit-b-32"], check=True)


def measured(make: Callable[[Job], Callable[[], Any]]) -> Step:
    """The rate after a first batch."""

    def step(job: Job) -> Cases:
        work = make(job)
        work()
        return {"": {**timed(work), "count": batches(job) * BATCH, "memory": peak_memory()}}

    return step


def batches(job: Job) -> int:
    """How many batches make about as many pictures as the size."""
    return max(1, job.size // BATCH)


def bare(spinning: bool) -> Step:
    """onnxruntime's session on tensors that are ready, with its own settings or with threads that sleep when idle."""

    def make(job: Job) -> Callable[[], Any]:
        import numpy
        import onnxruntime

        options = onnxruntime.SessionOptions()
        if not spinning:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model, side = job.stage / "model", 224
        if os.environ.get(MODEL):
            import heron_embedder_clip

            side = heron_embedder_clip.load(str(model)).shortest_side
        found = next(path for path in (model / "onnx", model) if (path / "vision_model.onnx").is_file())
        session = onnxruntime.InferenceSession(
            str(found / "vision_model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        name, output = session.get_inputs()[0].name, session.get_outputs()[-1].name
        tensors = numpy.random.default_rng(1).standard_normal((BATCH, 3, side, side)).astype(numpy.float32)
        return lambda: [session.run([output], {name: tensors}) for _ in range(batches(job))]

    return measured(make)


def heron_pictures(job: Job) -> Callable[[], Any]:
    """The embedder on decoded pictures of 512x384, as Heron gives them."""
    import heron_embedder_clip

    embedder = heron_embedder_clip.load(str(job.stage / "model"))
    pictures = [noise((32, 24), (512, 384), seed) for seed in range(BATCH)]
    return lambda: [embedder.embed_images(pictures) for _ in range(batches(job))]


def heron_files(job: Job) -> Callable[[], Any]:
    """The embedder on JPEGs of 1024x768, which two threads decode one batch ahead."""
    from PIL import Image

    import heron_embedder_clip

    embedder = heron_embedder_clip.load(str(job.stage / "model"))
    files = []
    for seed in range(BATCH):
        buffer = io.BytesIO()
        noise((32, 24), (1024, 768), seed).save(buffer, "JPEG", quality=80)
        files.append(buffer.getvalue())

    def decoded(data: bytes) -> Any:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", (512, 384))
            return image.convert("RGB")

    def work() -> None:
        with ThreadPoolExecutor(2) as pool:
            ahead = [pool.submit(decoded, data) for data in files]
            for number in range(1, batches(job) + 1):
                pictures = [future.result() for future in ahead]
                ahead = [pool.submit(decoded, data) for data in files if number < batches(job)]
                embedder.embed_images(pictures)

    return work


BENCHMARK = Benchmark(
    name="clip",
    title="CLIP, ViT-B/32 on the processor, {size} pictures",
    unit="pictures",
    about="""
The model has random weights. All ways take 32 pictures at a time. Bare is onnxruntime on ready tensors, with its default settings, and with
threads that sleep while they wait, as Heron sets them. `HERON_BENCHMARK_CLIP` names a directory of a model, of any layout that has `vision_model.onnx`, instead of the one that
is made. Target: 0.9 of the bare session.
""",
    prepare=prepare,
    made_by=("torch",),
    ways=(
        way("Heron, pictures in memory", measured(heron_pictures), needs=("onnxruntime",)),
        way("Heron, JPEG files", measured(heron_files), needs=("onnxruntime",)),
        way("onnxruntime, threads sleep", bare(spinning=False), needs=("onnxruntime",)),
        way("onnxruntime", bare(spinning=True), needs=("onnxruntime",)),
    ),
    references={"": "onnxruntime"},
    sizes={"tiny": 32, "small": 32, "full": 96},
)
