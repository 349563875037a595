"""Decoders that raise, exit, and answer with anything: each costs only the file that it was asked for, and is named."""

from __future__ import annotations

import sys

import pytest
from attrs import evolve
from PIL import Image

import heron

FACTS = heron.MediaFacts(kind="tape", media_type="video/x-tape", frame_count=2)


class Panic(BaseException):
    """What an extension in Rust raises."""


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no name")


class Tape:
    """A decoder of `.tape` files that does all that it should, unless a test replaces one of its methods."""

    def __init__(self, **methods):
        for name, method in methods.items():
            setattr(self, name, method)

    def probe(self, file):
        return FACTS

    def picture(self, file, size):
        return Image.new("RGB", (8, 8))

    def times(self, file, *, whole=True):
        return [0.0, 0.5]

    def frames(self, file, numbers, size=None):
        for number in numbers:
            yield number, Image.new("RGB", (8, 8))

    def text(self, file):
        yield "words"

    def part(self, file):
        return None

    def series(self, parts):
        raise heron.MediaError("no series")


class Tapes:
    def __init__(self, decoder, **record):
        self.decoder, self.record = decoder, record
        self.kind, self.files = record.pop("kind", "tape"), record.pop("files", "one")

    @heron.hookimpl
    def register_kinds(self):
        yield heron.MediaKind(name="tape", summary="tapes", files=self.files)

    @heron.hookimpl
    def register_decoders(self):
        form = heron.MediaFormat(
            media_type="video/x-tape", kind=self.kind, suffixes=[".tape"], signature=b"TAPE"
        )
        yield heron.MediaDecoder(
            name="tape", summary="tapes", formats=[form], load=lambda: self.decoder, **self.record
        )


def fails(error):
    def method(*_, **__):
        raise error

    return method


def gives(answer):
    return lambda *_, **__: answer


def extra(**spaces):
    return gives(evolve(FACTS, extra=spaces))


def circular():
    found = {}
    found["itself"] = found
    return found


PROBES = {
    "an exception": (fails(ZeroDivisionError("in\ntwo lines")), "ZeroDivisionError: in"),
    "an exception without words": (fails(KeyError()), "KeyError"),
    "SystemExit": (lambda _: sys.exit(7), "SystemExit: 7"),
    "a panic": (fails(Panic("unwrap on None")), "Panic: unwrap on None"),
    "recursion": (lambda file: Tape.probe and PROBES["recursion"][0](file), "RecursionError"),
    "an error of ours": (lambda _: evolve(FACTS, captured_at="soon"), "soon"),
    "nothing": (gives(None), "it gave None"),
    "a dict": (gives({"kind": "tape"}), "it gave {'kind': 'tape'}"),
    "a class": (gives(heron.MediaFacts), "expected MediaFacts"),
    "a width in words": (gives(evolve(FACTS, width="wide")), "width is 'wide'"),
    "a width below zero": (gives(evolve(FACTS, width=-1)), "width is -1"),
    "a width beyond 64 bits": (gives(evolve(FACTS, width=2**63)), "width is 9223372036854775808"),
    "a width that is true": (gives(evolve(FACTS, width=True)), "width is True"),
    "a width that cannot be shown": (gives(evolve(FACTS, width=Unprintable())), "width is <Unprintable>"),
    "a duration that is none": (gives(evolve(FACTS, duration=float("nan"))), "duration is nan"),
    "an endless duration": (gives(evolve(FACTS, duration=float("inf"))), "duration is inf"),
    "a codec in bytes": (gives(evolve(FACTS, codec=b"h264")), "codec is b'h264'"),
    "a note that is no Unicode": (gives(evolve(FACTS, note="\ud800")), "note is"),
    "no kind": (gives(evolve(FACTS, kind=None)), "kind"),
    "an unknown kind": (gives(evolve(FACTS, kind="cassette")), "'cassette' is not a kind"),
    "facts without a namespace": (extra(tape=7), "not grouped by namespace"),
    "facts in a list": (gives(evolve(FACTS, extra=["tape"])), "not grouped by namespace"),
    "facts that are no JSON": (extra(tape={"a": object()}), "cannot be stored as JSON"),
    "facts with numbers that are none": (extra(tape={"a": float("nan")}), "cannot be stored as JSON"),
    "facts with names that are none": (extra(tape={1: "a"}), "cannot be stored as JSON"),
    "facts that contain themselves": (extra(tape=circular()), "cannot be stored as JSON"),
    "facts that are no Unicode": (extra(tape={"a": "\ud800"}), "cannot be stored as JSON"),
    "facts beyond 64 bits": (extra(tape={"a": 2**70}), "cannot be stored as JSON"),
    "facts of a gigabyte": (extra(tape={"a": "x" * 2_000_000}), "at most 1,000,000 are kept"),
}


@pytest.fixture
def files(tmp_path):
    """Eleven texts and a tape among them."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(11):
        (folder / f"{number:02}.txt").write_text(f"text {number}")
    (folder / "05.tape").write_bytes(b"TAPE" + bytes(100))
    return folder


@pytest.fixture
def opened(tmp_path):
    made = []

    def make(decoder, **record):
        made.append(heron.open(tmp_path / "lake", plugins=[Tapes(decoder, **record)], discover=False))
        return made[-1]

    yield make
    for workspace in made:
        workspace.close()


def tape(workspace):
    return next(item for item in workspace.items.list() if item.kind == "tape")


@pytest.mark.parametrize("what", PROBES)
def test_a_probe_that_goes_wrong_costs_its_file_and_names_the_plugin(opened, files, what):
    probe, reason = PROBES[what]
    workspace = opened(Tape(probe=probe))
    report = workspace.ingest.files([files], folder="A", ignore_errors=True)
    assert (report.added, report.failed) == (11, 1)
    [problem] = report.problems
    assert reason in problem.reason
    assert "05.tape" in problem.reason
    assert what == "an unknown kind" or "decoder tape (plugin Tapes" in problem.reason
    assert "\n" not in problem.reason


PICTURES = {
    "an exception": (fails(ValueError("no")), "ValueError: no"),
    "SystemExit": (lambda *_: sys.exit("bye"), "SystemExit: bye"),
    "bytes": (gives(b"JPEG"), "it gave b'JPEG'"),
    "a picture of floats": (lambda *_: Image.new("F", (3, 3)), "its picture is F"),
    "a picture of no pixels": (lambda *_: Image.new("RGB", (0, 3)), "0x3"),
}


@pytest.mark.parametrize("what", PICTURES)
def test_a_picture_that_goes_wrong_costs_the_thumbnail_and_is_noted(opened, files, what):
    picture, reason = PICTURES[what]
    workspace = opened(Tape(picture=picture))
    report = workspace.ingest.files([files], folder="A", thumbnails=True, ignore_errors=True)
    assert (report.added, report.failed) == (12, 0)
    item = tape(workspace)
    assert reason in item.facts.note
    assert "decoder tape (plugin Tapes" in item.facts.note
    with pytest.raises(heron.MediaError, match="decoder tape"):
        workspace.pictures.picture(item)


def test_pictures_of_other_modes_and_sizes_are_shown_as_they_are(opened, files):
    workspace = opened(Tape(picture=lambda *_: Image.new("L", (900, 300), 77)))
    workspace.ingest.files([files], folder="A")
    item = tape(workspace)
    picture = workspace.pictures.picture(item, size=90)
    assert (picture.mode, picture.size, picture.getpixel((4, 4))) == ("RGB", (90, 30), (77, 77, 77))


def one(number, image=None):
    return gives([(number, image or Image.new("RGB", (4, 4)))])


FRAMES = {
    "an exception": (fails(ValueError("no")), "ValueError: no"),
    "no pairs": (gives([7]), "TypeError"),
    "another frame": (one(0), "it gave frame 0, which was not asked for"),
    "the frame twice": (
        gives([(1, Image.new("RGB", (4, 4)))] * 2),
        "it gave frame 1, which was not asked for",
    ),
    "no picture": (gives([(1, None)]), "it gave nothing for frame 1"),
    "SystemExit later": (
        lambda *_: ((n, Image.new("RGB", (4, 4))) if n == 1 else sys.exit(3) for n in (1, 2)),
        "SystemExit: 3",
    ),
}


@pytest.mark.parametrize("what", FRAMES)
def test_frames_that_go_wrong_are_refused(opened, files, what):
    frames, reason = FRAMES[what]
    workspace = opened(Tape(frames=frames))
    workspace.ingest.files([files], folder="A")
    item = tape(workspace)
    with pytest.raises(heron.MediaError) as refusal:
        list(workspace.pictures.frames(item, [1]))
    assert reason in str(refusal.value)
    assert "decoder tape (plugin Tapes" in str(refusal.value)


TIMES = {
    "they go back": (gives([0.0, 0.5, 0.4]), "do not ascend"),
    "they begin before 0": (gives([-1.0, 0.5]), "no seconds from 0"),
    "they never end": (gives([0.0, float("inf")]), "no seconds from 0"),
    "words": (gives("0, 0.5"), "it gave '0, 0.5'"),
    "a number": (gives(0.5), "it gave 0.5"),
    "texts": (gives(["a", "b"]), "TypeError"),
}


@pytest.mark.parametrize("what", TIMES)
def test_times_that_go_wrong_choose_no_frame(opened, files, what):
    times, reason = TIMES[what]
    film = evolve(FACTS, kind="video")
    workspace = opened(Tape(times=times, probe=gives(film)), kind="video")
    workspace.ingest.files([files], folder="A", sampling_rate=1)
    item = next(item for item in workspace.items.list() if item.kind == "video")
    assert "decoder tape (plugin Tapes" in item.facts.note
    assert reason in item.facts.note
    assert workspace.frames.list(item) == []
    assert workspace.pictures.times(item) is None


TEXTS = {
    "an exception": (fails(ValueError("no")), "ValueError: no"),
    "one text": (gives("words"), "it gave 'words'"),
    "bytes": (gives([b"words"]), "it gave b'words'"),
    "nothing": (gives(None), "TypeError"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_texts_that_go_wrong_are_refused(opened, files, what):
    text, reason = TEXTS[what]
    workspace = opened(Tape(text=text))
    workspace.ingest.files([files], folder="A")
    item = tape(workspace)
    with pytest.raises(heron.MediaError) as refusal:
        list(workspace.pictures.text(item))
    assert reason in str(refusal.value)


def part(series="s", header=None):
    return heron.Part(series, {} if header is None else header)


def whole(**changes):
    return heron.Series(**{"order": [0], "frame_counts": [1], "facts": FACTS, **changes})


PARTS = {
    "an exception": (fails(ValueError("no")), None, "ValueError: no"),
    "a text": (gives("s"), None, "it gave 's'"),
    "a number of a series": (gives(part(7)), None, "the series is 7"),
    "a header that is none": (gives(part(header=[1])), None, "the header is [1]"),
    "a header that is no JSON": (gives(part(header={"a": object()})), None, "cannot be stored as JSON"),
    "SystemExit in series": (gives(part()), lambda _: sys.exit(1), "SystemExit: 1"),
    "no series": (gives(part()), gives(None), "it gave None"),
    "a part twice": (gives(part()), gives(whole(order=[0, 0], frame_counts=[1, 1])), "names a part twice"),
    "a part that is not there": (gives(part()), gives(whole(order=[3])), "one that does not exist"),
    "too few counts": (gives(part()), gives(whole(frame_counts=[])), "do not fit the parts"),
    "facts of a series": (gives(part()), gives(whole(facts={})), "expected MediaFacts"),
    "warnings in one": (gives(part()), gives(whole(warnings="careful")), "no list of texts"),
}


@pytest.mark.parametrize("what", PARTS)
def test_series_that_go_wrong_cost_their_files(opened, files, what):
    found, series, reason = PARTS[what]
    decoder = Tape(part=found, **({"series": series} if series else {}))
    report = opened(decoder, files="series").ingest.files([files], folder="A", ignore_errors=True)
    assert (report.added, report.failed) == (11, 1)
    [problem] = report.problems
    assert reason in problem.reason
    assert "decoder tape (plugin Tapes" in problem.reason
