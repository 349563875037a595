"""Decoders of installed plugins run in processes of their own: whatever they do costs the file that they were given."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time

import numpy
import pytest
from attrs import evolve

import heron
from heron.hooks import PluginManager
from heron.isolation.channel import Channel
from heron.isolation.decoder import isolated
from heron.isolation.pool import Pool
from heron.isolation.process import Limits
from heron.media.files import look_at, remote_file
from heron.media.reader import MediaReader
from tests.memory_storage import Lake, LakePlugin, LakeStorage

PLUGIN = '''
import contextlib, ctypes, os, signal, threading, time
import heron
from PIL import Image

KEPT = []

class Tape:
    """What is written in a file, `TAPE probe:os.abort()`, happens when that is called."""

    def _run(self, verb, file):
        with file.open() as stream:
            for line in stream.read().decode()[5:].splitlines():
                called, _, code = line.partition(":")
                if called == verb:
                    exec(code)

    def probe(self, file):
        self._run("probe", file)
        return heron.MediaFacts(kind="image", media_type=file.media_type, width=os.getpid(), height=file.size,
            captured_at="2026-01-31T12:00:00Z", extra={"tape": {"has_path": file.path is not None, "sides": ["A", "B"]}})

    def picture(self, file, size):
        self._run("picture", file)
        return Image.linear_gradient("L").resize((32, 16))

    def times(self, file, *, whole=True):
        return [0.0, 0.1, 1 / 3] if whole else None

    def frames(self, file, numbers, size=None):
        for number in numbers:
            self._run("frames", file)
            yield number, Image.new("RGBA", (4, 2 + number), (number, 2, 3, 128))

    def text(self, file):
        yield "side A"
        self._run("text", file)
        yield "side B: ß"

    def page_texts(self, file, numbers):
        for number in numbers:
            yield number, f"page {number}: ß"

    def values(self, file, numbers=None):
        import numpy
        for number in (0,) if numbers is None else numbers:
            values = heron.Values(numpy.full((2, 3), number - 0.5, "float32"), [heron.Window(4, 1, "LUNG")], axes="LPS", depth=2.0)
            yield number, values if number < 2 else None

    def volume(self, file, number):
        return range(0, 3)

    def part(self, file):
        return heron.Part("s1", {"tape": {"number": 3}})

    def series(self, parts):
        return heron.Series([1, 0], [1, 1], heron.MediaFacts(kind="image", media_type="image/x-tape"), name="both")

@heron.hookimpl
def register_decoders():
    form = heron.MediaFormat(media_type="image/x-tape", kind="image", suffixes=[".tape"], signature=b"TAPE")
    yield heron.MediaDecoder(name="tape", summary="Tapes", formats=[form], namespaces=["tape"], load=Tape)
'''

WHO = "decoder tape (plugin tapes_apart of tapes-apart)"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of installed packages with the plugin."""
    place = tmp_path_factory.mktemp("site")
    info = place / "tapes_apart-1.0.dist-info"
    info.mkdir()
    (place / "tapes_apart.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tapes-apart\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[heron]\ntapes_apart = tapes_apart\n")
    return place


@pytest.fixture
def installed(site, monkeypatch):
    """The plugin is installed, and no other one."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("HERON_PLUGINS", "tapes_apart")


@pytest.fixture
def reader(installed):
    return MediaReader(PluginManager(only=["tapes_apart"]))


@pytest.fixture
def tape(tmp_path):
    """A function that writes a tape and looks at it."""

    def write(*lines, name="a.tape"):
        path = tmp_path / name
        path.write_bytes("\n".join(["TAPE ", *lines]).encode())
        return look_at(path, path.as_uri())

    return write


def test_every_answer_comes_through(reader, tape):
    file = tape()
    found = reader.examine(file)
    decoder = found.decoder
    assert found.facts.width != os.getpid()
    assert found.facts.extra == {"tape": {"has_path": True, "sides": ["A", "B"]}}
    assert found.facts.captured_at.isoformat() == "2026-01-31T12:00:00+00:00"
    picture = decoder.picture(file, 16)
    assert (picture.mode, picture.size) == ("RGB", (16, 8))
    assert picture.getpixel((0, 7)) > picture.getpixel((0, 0))
    assert decoder.times(file, whole=True) == [0.0, 0.1, 1 / 3]
    assert decoder.times(file, whole=False) is None
    frames = dict(decoder.frames(file, [0, 2], 64))
    assert [(number, frame.size, frame.getpixel((0, 0))) for number, frame in frames.items()] == [
        (0, (4, 2), (0, 2, 3, 128)),
        (2, (4, 4), (2, 2, 3, 128)),
    ]
    assert list(decoder.text(file)) == ["side A", "side B: ß"]
    assert list(decoder.page_texts(file, [0, 2])) == [(0, "page 0: ß"), (2, "page 2: ß")]
    [(first, values), (second, none)] = decoder.values(file, [1, 2])
    assert (first, second, none) == (1, 2, None)
    assert (values.array == numpy.full((2, 3), 0.5, "float32")).all()
    assert values.array.dtype == numpy.float32
    assert (values.windows, values.axes, values.depth) == ([heron.Window(4, 1, "LUNG")], "LPS", 2.0)
    assert decoder.volume(file, None) == range(3)
    part = decoder.part(file)
    assert part == heron.Part("s1", {"tape": {"number": 3}})
    series = decoder.series([part, part], "tapes")
    assert (series.order, series.frame_counts, series.name) == ([1, 0], [1, 1], "both")
    assert reader.examine(file).facts.width == found.facts.width, "one process has read all"


ENDS = {
    "os.abort()": "its process ended by signal SIGABRT",
    "ctypes.string_at(0)": "its process ended by signal SIGSEGV",
    "os.kill(os.getpid(), 9)": "its process was killed, as the system does when memory is short",
    "os._exit(3)": "its process ended by itself with code 3",
    "raise SystemExit(4)": "SystemExit: 4",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise heron.MediaError('a broken tape')": "a broken tape",
    "KEPT.append([bytearray(1 << 28) for _ in range(9)])": "it needs more than 1,024 MB of memory",
    "os.closerange(3, 64); time.sleep(1000)": "its process closed the connection",
    "signal.setitimer(signal.ITIMER_PROF, 0.001)\nprobe:while True: pass": "it took more than 60 s of processor time",
    "signal.setitimer(signal.ITIMER_REAL, 0.001)\nprobe:time.sleep(1000)": "it gave no answer for 120 s",
    "exec('for n in range(3, 9):\\n  with contextlib.suppress(OSError): os.write(n, bytes([255]) * 64)')": (
        "its process sent what is no answer"
    ),
}  # fmt: skip


def test_whatever_it_does_is_a_sentence_about_its_file(reader, tape, monkeypatch):
    monkeypatch.setenv("HERON_DECODER_MEMORY", "1024")
    for code, sentence in ENDS.items():
        with pytest.raises(heron.MediaError) as raised:
            reader.examine(tape(f"probe:{code}"))
        assert sentence in str(raised.value), code
        assert "a.tape" in str(raised.value) or "broken" in code
        assert WHO in str(raised.value) or "broken" in code
    assert reader.examine(tape()).facts.height == 5


def test_time_is_limited_by_the_system(reader, tape):
    limits = "import signal; assert 100 < signal.getitimer(signal.ITIMER_REAL)[0] <= 121; assert 50 < signal.getitimer(signal.ITIMER_PROF)[0] <= 61"
    assert reader.examine(tape(f"probe:{limits}")).facts.height


def test_processor_time_can_be_set(reader, tape, monkeypatch):
    monkeypatch.setenv("HERON_DECODER_SECONDS", "1")
    with pytest.raises(heron.MediaError, match="failed in probe: it took more than 1 s of processor time"):
        reader.examine(tape("probe:while True: pass"))
    monkeypatch.setenv("HERON_DECODER_SECONDS", "soon")
    with pytest.raises(heron.InvalidInput, match="HERON_DECODER_SECONDS is 'soon'"):
        Limits.of_environment()


def test_an_answer_is_not_awaited_for_ever():
    read, write = os.pipe()
    with pytest.raises(TimeoutError):
        Channel(read, write, 0.01).receive()
    with pytest.raises(TimeoutError):
        Channel(read, write, 0.01).send({}, bytes(2**21))
    os.close(read)
    os.close(write)


def test_what_it_prints_is_seen_by_nobody(reader, tape, capfd):
    noise = "print('noise'); os.write(1, b'noise'); os.write(2, b'noise'); os.system('echo noise')"
    assert reader.examine(tape(f"probe:{noise}")).facts.height
    assert capfd.readouterr() == ("", "")


def test_a_crash_later_costs_no_other_file(reader, tape):
    """A process that an earlier file has broken is replaced, and the file is read again."""
    later = "signal.signal(signal.SIGUSR1, lambda *_: os.abort())"
    first = reader.examine(tape(f"probe:{later}")).facts.width
    second = tape("probe:os.kill(os.getpid(), signal.SIGUSR1) if signal.getsignal(signal.SIGUSR1) else 0")
    again = reader.examine(second).facts.width
    assert again != first


def test_frames_up_to_a_crash_are_given(reader, tape):
    file = tape("frames:KEPT.append(1)", "frames:os.abort() if len(KEPT) == 2 else 0")
    frames = reader.opened(file).frames(file, [0, 1, 2], 8)
    assert next(frames)[0] == 0
    with pytest.raises(heron.MediaError, match="failed in frames: its process ended by signal SIGABRT"):
        next(frames)


def test_answers_that_are_not_taken_leave_the_process_ready(reader, tape):
    file = tape()
    decoder = reader.opened(file)
    pages, process = decoder.text(file), decoder.probe(file).width
    assert next(pages) == "side A"
    pages.close()
    assert decoder.probe(file).width == process
    frames, others = decoder.frames(file, [0, 1, 2], 8), decoder.text(file)
    assert [next(frames)[0], next(others), next(frames)[0], next(others)] == [0, "side A", 1, "side B: ß"]


def test_processes_end_with_their_reader(reader, tape):
    process = reader.examine(tape()).facts.width
    reader._decoders.clear()
    reader._pool = None
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_fork_uses_processes_of_its_own(reader, tape):
    file = tape()
    process = reader.examine(file).facts.width
    child = os.fork()
    if not child:
        os._exit(reader.examine(file).facts.width == process)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert reader.examine(file).facts.width == process


def test_processes_end_when_their_parent_is_killed(site, tmp_path):
    (tmp_path / "a.tape").write_bytes(b"TAPE ")
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(site)!r})
from heron.hooks import PluginManager
from heron.media.files import look_at
from heron.media.reader import MediaReader
from pathlib import Path
reader = MediaReader(PluginManager(only=["tapes_apart"]))
print(reader.examine(look_at(Path({str(tmp_path / "a.tape")!r}), "file:///a.tape")).facts.width, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    process = int(done.stdout)
    for _ in range(6000):
        if not _runs(process):
            return
        time.sleep(0.01)
    raise AssertionError("it still runs after a minute")


def _runs(process):
    try:
        with open(f"/proc/{process}/stat") as status:
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_stored_files_are_read_through_the_parent(reader):
    lake = Lake()
    content = b"TAPE " + b"\nx:" + b"x" * 10_000_000
    url = lake.put("mem://b/a.tape", content)
    storage = LakeStorage(lake)
    file = remote_file(url, storage, *storage.peek(url, 1024))
    found = reader.examine(file)
    assert (found.facts.height, found.facts.extra["tape"]["has_path"]) == (len(content), False)
    assert sum(end - start for what, _, start, end in lake.asked if what == "get") < len(content) + 2048
    lake.put(url, content + b"more")
    with pytest.raises(heron.ObjectChanged):
        reader.examine(evolve(file))


def test_only_installed_decoders_of_others_are_isolated(installed, site):
    import tapes_apart

    manager = PluginManager(builtin=["heron.media.builtin"], only=["tapes_apart", "media_pdf"])
    assert [record.name for record in manager.decoders() if manager.isolates(record)] == ["tape"]
    [given] = PluginManager(discover=False, plugins=[tapes_apart]).decoders()
    assert not PluginManager(discover=False, plugins=[tapes_apart]).isolates(given)
    with pytest.raises(heron.PluginError, match="isolation is 'sometimes'"):
        from heron.hooks.checking import check

        check(evolve(given, isolation="sometimes"), is_own=False)


def test_a_decoder_that_another_process_lacks_is_named(installed):
    with pytest.raises(heron.PluginError, match="plugin tapes_apart brings no decoder reel"):
        isolated(Pool(), "tapes_apart", "reel", "decoder reel")


def test_all_verbs_go_on(installed, tmp_path):
    """An import, thumbnails, embeddings and pictures, of local and stored files: each crash costs its file."""
    lake = Lake()
    files = {
        "crash.tape": b"TAPE probe:os.abort()",
        "dark.tape": b"TAPE picture:os.abort()",
        "good.tape": b"TAPE ",
        "good.txt": b"text",
    }
    (tmp_path / "in").mkdir()
    for name, content in files.items():
        (tmp_path / "in" / name).write_bytes(content)
        lake.put(f"mem://b/{name}", content)
    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)]) as workspace:
        for source, folder in ((tmp_path / "in", "Local"), ("mem://b/", "Stored")):
            report = workspace.ingest.files(source, folder=folder, ignore_errors=True)
            assert (report.job.added, report.job.failed) == (3, 1)
            [problem] = report.problems
            assert "crash.tape" in problem.reason
            assert f"{WHO} failed in probe: its process ended by signal SIGABRT" in problem.reason
            items = {item.name: item for item in workspace.search(folder=folder)}
            drawn = workspace.pictures.make(list(items.values()))
            embedded = workspace.embed("visual", list(items.values()))
            assert (drawn.items, drawn.failed, embedded.embedded, embedded.failed) == (2, 1, 2, 1)
            for problem in (*drawn.problems, *embedded.problems):
                assert "dark.tape" in problem.reason
                assert f"{WHO} failed in picture: its process ended by signal SIGABRT" in problem.reason
            assert workspace.pictures.picture(items["good.tape"], size=8).size == (8, 4)
            with pytest.raises(heron.MediaError, match="SIGABRT"):
                workspace.pictures.picture(items["dark.tape"], size=8)
