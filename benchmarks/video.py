"""Frames of video: one a second, and eight given ones, beside ffmpeg, torchcodec, decord and decoding everything.

Two videos with motion, detail and B-frames, key frames every 250: 60 s of 1920x1080, and 10 min of 1280x720, 30 frames a
second each. Pictures are made 256 wide. Each measurement is made in a process of its own that has imported what it needs.
Run: python benchmarks/video.py [--keep FOLDER] [--peers PYTHON]
The videos are made anew unless they are in FOLDER; PYTHON is an interpreter that has torchcodec and decord, if this has not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measure import median, peak_memory_mb, table, timed

RATE, MINUTE, KEY_FRAMES = 30, 60, 250
VIDEOS = {"1080p, 60 s": (1920, 1080, 1), "720p, 10 min": (1280, 720, 10)}
WIDTH, HEIGHT = 256, 144
RUNS = 3


def scenes(width: int, height: int) -> Iterator[Any]:
    """The brightness of a minute of pictures: a soft pattern that moves, with grain, and a square that moves otherwise."""
    import numpy as np
    from PIL import Image

    source = np.random.default_rng(1)
    rough = source.integers(0, 256, (height // 8 + 32, width // 8 + 96), dtype=np.uint8)
    image = Image.fromarray(rough).resize((width + 768, height + 256), Image.Resampling.BICUBIC)
    soft = np.asarray(image, np.int16)
    grain = source.integers(-6, 7, (8, height, width), dtype=np.int16)
    for number in range(MINUTE * RATE):
        x, y = number * 3 % 768, number % 256
        scene = soft[y : y + height, x : x + width] + grain[number % 8]
        left = number * 7 % (width - 200)
        scene[height // 3 : height // 3 + 150, left : left + 200] = 220
        yield scene.clip(0, 255).astype(np.uint8)


def make(path: Path, width: int, height: int, minutes: int) -> None:
    """Write a video by x264: one minute is encoded, and stands in the file as often as there are minutes."""
    import av
    import numpy as np

    once = path.with_suffix(".once.mp4")
    with av.open(str(once), "w") as output:
        options = {"preset": "medium", "g": str(KEY_FRAMES), "bf": "3"}
        stream: Any = output.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, scene in enumerate(scenes(width, height)):
            grey = np.full((height // 2, width), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.vstack([scene, grey]), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with av.open(str(path), "w") as output:
        stream = None
        for minute in range(minutes):
            with av.open(str(once)) as given:
                stream = stream or output.add_stream_from_template(given.streams.video[0])
                for packet in given.demux(video=0):
                    if packet.dts is not None:
                        shift = int(minute * MINUTE / packet.time_base)
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        output.mux(packet)
    once.unlink()


def given(count: int) -> list[int]:
    """Eight frame numbers, spread over a video, none of them at a key frame."""
    return [count * (2 * part + 1) // 16 + 7 * part for part in range(8)]


def heron_frames(path: str, sampled: bool) -> Callable[[], Any]:
    """Heron's decoder: times first, then frames by number."""
    import heron_media_video
    from heron.media.files import look_at

    record = next(iter(heron_media_video.register_decoders()))
    decoder: Any = record.load()

    def work() -> None:
        file = look_at(Path(path), Path(path).absolute().as_uri())
        file.media_type = "video/mp4"
        times = decoder.times(file)
        wanted = range(0, len(times), RATE) if sampled else given(len(times))
        assert sum(1 for _ in decoder.frames(file, wanted, WIDTH)) == len(wanted)

    return work


def everything(path: str, sampled: bool) -> Callable[[], Any]:
    """PyAV decoding each frame, and making pictures of the wanted ones."""
    import av
    import PIL.Image  # noqa: F401

    def work() -> None:
        with av.open(path) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            wanted = set(range(0, stream.frames, RATE) if sampled else given(stream.frames))
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    frame.to_image(width=WIDTH, height=HEIGHT)

    return work


def ffmpeg(path: str, sampled: bool) -> Callable[[], Any]:
    """The command line of ffmpeg, writing raw pictures."""
    minutes = next(minutes for name, (_, _, minutes) in VIDEOS.items() if Path(path).stem == file_name(name))
    chosen = "+".join(f"eq(n\\,{number})" for number in given(minutes * MINUTE * RATE))
    choice = "fps=1" if sampled else f"select={chosen}"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-vf", f"{choice},scale={WIDTH}:{HEIGHT}"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def torchcodec(path: str, sampled: bool) -> Callable[[], Any]:
    """torchcodec, with its own resizing."""
    from torchcodec.decoders import VideoDecoder  # type: ignore[import-not-found]
    from torchcodec.transforms import Resize  # type: ignore[import-not-found]

    def work() -> None:
        decoder = VideoDecoder(path, transforms=[Resize((HEIGHT, WIDTH))])
        count = decoder.metadata.num_frames
        decoder.get_frames_at(list(range(0, count, RATE)) if sampled else given(count))

    return work


def decord(path: str, sampled: bool) -> Callable[[], Any]:
    """decord, with its own resizing."""
    import decord as library  # type: ignore[import-not-found]

    def work() -> None:
        reader = library.VideoReader(path, width=WIDTH, height=HEIGHT)
        reader.get_batch(list(range(0, len(reader), RATE)) if sampled else given(len(reader)))

    return work


WORK = {
    "Heron": heron_frames,
    "ffmpeg": ffmpeg,
    "torchcodec": torchcodec,
    "decord": decord,
    "decoding everything (PyAV)": everything,
}
NEEDS = {"torchcodec": "torchcodec", "decord": "decord"}


def file_name(video: str) -> str:
    """The name of the file of a video, without its suffix."""
    return video.partition(",")[0]


def measured(name: str, path: str, sampled: bool) -> None:
    """Do one kind of work once, and print what it took."""
    work = WORK[name](path, sampled)
    wall, processor = timed(work)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    memory = children if name == "ffmpeg" else peak_memory_mb()
    print(json.dumps({"wall": wall, "processor": processor, "memory": memory}))


def run(python: str, name: str, path: Path, sampled: bool) -> dict[str, float]:
    """Measure in a fresh process."""
    command = [python, __file__, "--measure", name, str(path), "sampled" if sampled else "given"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def interpreter(name: str, peers: str) -> str | None:
    """The interpreter that can do a kind of work; None where none can."""
    if name == "ffmpeg":
        return sys.executable if shutil.which("ffmpeg") else None
    if name not in NEEDS or find_spec(NEEDS[name]):
        return sys.executable
    found = subprocess.run([peers, "-c", f"import {NEEDS[name]}"], capture_output=True).returncode == 0
    return peers if found else None


def compare(folder: Path, video: str, peers: str, sampled: bool) -> None:
    """Measure all that is there on one video, in turn, and print the table."""
    path = folder / f"{file_name(video)}.mp4"
    pythons = {name: interpreter(name, peers) for name in WORK}
    results: dict[str, list[dict[str, float]]] = {name: [] for name, python in pythons.items() if python}
    for _ in range(RUNS):
        for name, found in results.items():
            found.append(run(str(pythons[name]), name, path, sampled))
    mid = {name: {k: median([run[k] for run in found]) for k in found[0]} for name, found in results.items()}
    ours = mid["Heron"]["processor"]
    rows = [
        [
            name,
            f"{m['processor']:.2f}",
            f"{m['wall']:.2f}",
            f"{m['memory']:.0f}",
            f"{ours / m['processor']:.2f}",
        ]
        for name, m in mid.items()
    ]
    rows += [[name, "not installed", "", "", ""] for name, python in pythons.items() if not python]
    title = "one frame a second" if sampled else "eight given frames"
    table(f"{video}: {title}", ["work", "CPU s", "wall s", "peak MB", "Heron's CPU to it"], rows)


def main(folder: Path, peers: str) -> None:
    """Make what videos are missing, and compare."""
    for video, (width, height, minutes) in VIDEOS.items():
        path = folder / f"{file_name(video)}.mp4"
        if not path.exists():
            make(path, width, height, minutes)
    for sampled in (True, False):
        for video in VIDEOS:
            compare(folder, video, peers, sampled)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--measure", nargs=3)
    options = parser.parse_args()
    if options.measure:
        measured(options.measure[0], options.measure[1], options.measure[2] == "sampled")
    elif options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        main(options.keep, options.peers)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary), options.peers)
