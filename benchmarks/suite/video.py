"""Frames of a video: one a second, and eight given ones, beside ffmpeg, torchcodec, decord and decoding everything."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way

RATE, KEY_FRAMES = 30, 250
SIZE = (1920, 1080)
WIDTH, HEIGHT = 256, 144
FILE = "video.mp4"
Work = Callable[[str, bool, int], None]


def scenes(count: int) -> Iterator[Any]:
    """The brightness of pictures: a soft pattern that moves, with grain, and a square that moves otherwise."""
    import numpy as np
    from PIL import Image

    width, height = SIZE
    source = np.random.default_rng(1)
    rough = source.integers(0, 256, (height // 8 + 32, width // 8 + 96), dtype=np.uint8)
    image = Image.fromarray(rough).resize((width + 768, height + 256), Image.Resampling.BICUBIC)
    soft = np.asarray(image, np.int16)
    grain = source.integers(-6, 7, (8, height, width), dtype=np.int16)
    for number in range(count):
        x, y = number * 3 % 768, number % 256
        scene = soft[y : y + height, x : x + width] + grain[number % 8]
        left = number * 7 % (width - 200)
        scene[height // 3 : height // 3 + 150, left : left + 200] = 220
        yield scene.clip(0, 255).astype(np.uint8)


def make(stage: Path, size: int) -> None:
    """A video by x264, with B-frames."""
    import av
    import numpy as np

    width, height = SIZE
    with av.open(str(stage / FILE), "w") as output:
        options = {"preset": "medium", "g": str(KEY_FRAMES), "bf": "3"}
        stream: Any = output.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        grey = np.full((height // 2, width), 128, np.uint8)
        for number, scene in enumerate(scenes(size * RATE)):
            frame = av.VideoFrame.from_ndarray(np.vstack([scene, grey]), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def wanted(count: int, sampled: bool) -> list[int]:
    """Numbers of frames: one a second, or eight that are spread over the video, none of them at a key frame."""
    if sampled:
        return list(range(0, count, RATE))
    return sorted({min(count * (2 * part + 1) // 16 + 7 * part, count - 1) for part in range(8)})


def heron_frames(path: str, sampled: bool, seconds: int) -> None:
    """Heron's decoder: times first, then frames by number."""
    import heron_media_video
    from heron.media.files import look_at

    record = next(iter(heron_media_video.register_decoders()))
    decoder: Any = record.load()
    file = look_at(Path(path), Path(path).absolute().as_uri())
    file.media_type = "video/mp4"
    numbers = wanted(len(decoder.times(file)), sampled)
    assert sum(1 for _ in decoder.frames(file, numbers, WIDTH)) == len(numbers)


def everything(path: str, sampled: bool, seconds: int) -> None:
    """PyAV decoding each frame, and making pictures of the wanted ones."""
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        numbers = set(wanted(stream.frames, sampled))
        for number, frame in enumerate(container.decode(stream)):
            if number in numbers:
                frame.to_image(width=WIDTH, height=HEIGHT)


def ffmpeg(path: str, sampled: bool, seconds: int) -> None:
    """The command line of ffmpeg, writing raw pictures."""
    chosen = "+".join(f"eq(n\\,{number})" for number in wanted(seconds * RATE, False))
    choice = "fps=1" if sampled else f"select={chosen}"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-vf", f"{choice},scale={WIDTH}:{HEIGHT}"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def torchcodec(path: str, sampled: bool, seconds: int) -> None:
    """torchcodec, with its own resizing."""
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    decoder = VideoDecoder(path, transforms=[Resize((HEIGHT, WIDTH))])
    decoder.get_frames_at(wanted(decoder.metadata.num_frames, sampled))


def decord(path: str, sampled: bool, seconds: int) -> None:
    """decord, with its own resizing."""
    import decord as library

    reader = library.VideoReader(path, width=WIDTH, height=HEIGHT)
    reader.get_batch(wanted(len(reader), sampled))


def frames_by(work: Work, sampled: bool, imports: str = "") -> Step:
    """A step in a process that has imported what it needs."""

    def step(job: Job) -> Cases:
        for name in imports.split():
            __import__(name)
        took = timed(lambda: work(str(job.stage / FILE), sampled, job.size))
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        memory = children if work is ffmpeg else peak_memory()
        return {"one frame a second" if sampled else "eight given frames": {**took, "memory": memory}}

    return step


def both(work: Work, imports: str = "") -> tuple[Step, Step]:
    """One frame a second, and eight given ones, each in a process."""
    return frames_by(work, True, imports), frames_by(work, False, imports)


BENCHMARK = Benchmark(
    name="video",
    title="Frames of a video of {size} s, 1920x1080",
    unit="frames",
    about="""
H.264 with B-frames, key frames every 250, 30 frames a second, motion and detail; pictures are made 256 wide. Frames that no other frame
needs, and nobody asked for, are not decoded. The eight given frames are not near key frames: in a short video, which has few groups of
frames, they take decoding most of it. Targets: one frame a second at most 0.85 of the time of ffmpeg, 1.1 of torchcodec, 120 MB; eight
frames not slower than decord.
""",
    prepare=make,
    ways=(
        way("Heron", *both(heron_frames, "heron_media_video av PIL.Image")),
        way("ffmpeg", *both(ffmpeg), needs=("ffmpeg",)),
        way("torchcodec", *both(torchcodec, "torchcodec.decoders torchcodec.transforms"), peer="video"),
        way("decord", *both(decord, "decord"), peer="video"),
        way("decoding everything (PyAV)", *both(everything, "av PIL.Image"), needs=("av",)),
    ),
    references={"": "decoding everything (PyAV)"},
    sizes={"tiny": 1, "small": 10, "full": 60},
)
