"""Jobs over items whose store does not answer: embedding, thumbnails, key frames and hashes ask again at their end, exit
with 4, and the same command takes just what is missing.
"""

import json
import time
from functools import partial

import pytest
from PIL import Image

import heron
from heron.cli.context import Context
from heron.cli.main import status
from heron.references import UnsetVariable
from heron.storage import waiting
from heron.storage.waiting import Patience
from tests.memory_storage import Lake, LakePlugin
from tests.test_outages import Clock

COMMANDS = {
    "embed": ["embed", "--embedder", "visual"],
    "thumbnails": ["thumbnails", "--folder", "F"],
    "keyframes": ["keyframes", "set", "--folder", "F", "--sampling-rate", "20"],
    "hashes": ["duplicates", "--hash-missing"],
}


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(waiting, "Patience", partial(Patience, clock=clock, pause=clock.pause))
    return clock


@pytest.fixture
def lake(tmp_path, monkeypatch, clock):
    """Four films in a store: each can be embedded, drawn, sampled and hashed."""
    lake = Lake(page=100)
    for number in range(4):
        pages = [Image.new("RGB", (32, 32), (60 * page, 50 * number, 0)) for page in range(3)]
        file = tmp_path / f"{number}.gif"
        pages[0].save(file, save_all=True, append_images=pages[1:], duration=100)
        lake.put(f"mem://b/{number}.gif", file.read_bytes())
    plugins = [LakePlugin(lake)]
    with heron.open(tmp_path / "ws", plugins=plugins, discover=False) as opened:
        opened.ingest.files(["mem://b/"], folder="F")
    monkeypatch.setattr(
        Context, "workspace", lambda self: heron.open(tmp_path / "ws", plugins=plugins, discover=False)
    )
    lake.asked.clear()
    lake.silent = set()
    ask, answered = lake.ask, set()

    def asked(what, *about):
        clock.now += 0.01
        ask(what, *about)
        if about[0] in lake.silent:
            before = {f"{number}.gif" for number in range(4)} - lake.silent
            for _ in range(
                500
            ):  # another thread may be about to read the first file, while this one moves the clock
                if answered or min(before, default="~") > about[0]:
                    break
                time.sleep(0.01)
            time.sleep(0.02)
            raise heron.Unreachable(f"mem://b/{about[0]} cannot be reached: 503")
        answered.add(about[0])

    lake.ask = asked
    return lake


def run(capsys, *arguments):
    capsys.readouterr()
    ended = status([*arguments])
    out, err = capsys.readouterr()
    return ended, out + err


def keys_asked(lake):
    return {about[0] for what, *about in lake.asked if what == "get"}


@pytest.mark.parametrize("name", COMMANDS)
def test_nobody_waits_for_a_secret_that_is_not_set(lake, name, capsys, clock):
    ask = lake.ask

    def unset(what, *about):
        raise UnsetVariable("integration 'lab', option secret: the environment variable LAB is not set")

    lake.ask, begin = unset, clock.now
    ended, said = run(capsys, *COMMANDS[name])
    assert (ended, clock.now) == (4, begin)
    assert "4 waiting" in said
    assert said.count("the environment variable LAB is not set") == (4 if name == "hashes" else 1)
    lake.ask = ask
    assert run(capsys, *COMMANDS[name])[0] == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_store_does_not_answer_for_is_taken_by_the_same_command(lake, name, capsys):
    command = COMMANDS[name]
    lake.silent = {"1.gif", "2.gif"}
    ended, said = run(capsys, *command)
    assert ended == 4
    assert "2 waiting" in said and "failed" not in said
    assert "  waiting: " in said and "mem://b/1.gif cannot be reached: 503" in said
    assert "Not complete, since a store could not be read: the same command asks for the rest" in said
    assert max([what, *about].count("1.gif") for what, *about in lake.asked) == 1
    lake.silent = set()
    lake.asked.clear()
    ended, said = run(capsys, *command)
    assert (ended, "waiting" in said) == (0, False)
    if name != "keyframes":  # sampling again asks for the times of all
        assert keys_asked(lake) == {"1.gif", "2.gif"}
    with Context().workspace() as workspace:
        items = list(workspace.search.all())
        assert {
            "embed": lambda: all(workspace.vectors.find("visual", item) is not None for item in items),
            "thumbnails": lambda: all(workspace.thumbnails.find(item) for item in items),
            "keyframes": lambda: [len(workspace.frames.list(item)) for item in items] == [3] * 4,
            "hashes": lambda: all(item.content_hash for item in items),
        }[name]()


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("seconds", [10, 60])
def test_an_outage_of_all_or_of_one_that_ends_is_waited_out(lake, name, clock, seconds, capsys):
    begin, ask = clock.now, lake.ask
    every = seconds == 60

    def asked(what, *about):
        if clock.now - begin < seconds and (every or about[0] == "1.gif"):
            clock.now += 0.01
            raise heron.Throttled("slow down")
        ask(what, *about)

    lake.ask = asked
    ended, said = run(capsys, *COMMANDS[name])
    assert (ended, "waiting" in said, "failed" in said) == (0, False, False)
    assert clock.now - begin >= seconds


@pytest.mark.parametrize("name", COMMANDS)
def test_a_store_that_is_down_ends_the_job_after_its_patience(lake, name, clock, capsys):
    lake.broken["get"] = lake.broken["stat"] = heron.Unreachable("mem://b cannot be reached: refused")
    begin = clock.now
    ended, said = run(capsys, *COMMANDS[name])
    assert (ended, "4 waiting" in said) == (4, True)
    # the pauses of threads add up in this clock; four items that waited one after another would take four times as long
    assert waiting.SILENCE <= clock.now - begin < 4 * waiting.SILENCE


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if name != "keyframes"]
)  # they can do without the file
def test_a_file_that_is_gone_has_failed_for_good(lake, name, capsys):
    del lake.buckets["b"]["0.gif"]
    ended, said = run(capsys, *COMMANDS[name])
    assert (ended, "1 item failed" in said or "1 file failed" in said, "waiting" in said) == (3, True, False)


def test_json_says_how_many_wait_and_why(lake, capsys):
    lake.silent = {"1.gif"}
    del lake.buckets["b"]["0.gif"]
    for name in ("embed", "thumbnails"):
        ended, said = run(capsys, *COMMANDS[name], "--json")
        told = json.loads(said)
        assert (ended, told["failed"], told["waiting"]) == (4, 1, 1)
        assert [problem["severity"] for problem in told["problems"]] == ["failure", "waiting"]
    ended, said = run(capsys, *COMMANDS["keyframes"], "--json")
    told = json.loads(said)
    assert (ended, told["items"], told["waiting"], len(told["problems"])) == (4, 3, 1, 1)


def test_refused_credentials_wait_too(lake, capsys):
    lake.broken["get"] = lake.broken["stat"] = heron.BadCredentials("the token has expired")
    ended, said = run(capsys, *COMMANDS["thumbnails"])
    assert (ended, "4 waiting" in said) == (4, True)


@pytest.mark.parametrize("again", [False, True])
def test_frames_of_an_item_that_is_asked_for_again_are_made_and_counted_once(lake, tmp_path, again):
    """The second frame of the first film cannot be read in the first round."""
    with Context().workspace() as workspace:
        items = list(workspace.search.all())
        for item in items:
            workspace.frames.set(item, range(3))
        if again:
            workspace.embed(items=items, frames=True)
        frames, made, failures = workspace.pictures._files.frames, [], [1]

        def breaking(item, numbers, size):
            for number, picture in frames(item, numbers, size):
                if item.name == "0.gif" and number == 1 and failures:
                    failures.pop()
                    raise heron.Unreachable("cut")
                made.append((item.name, number))
                yield number, picture

        workspace.pictures._files.frames = breaking
        done = workspace.pictures.make(items, frames=True, again=again)
        assert (done.frames, done.waiting, len(made), len(set(made))) == (12, 0, 12, 12)
        made.clear()
        failures.append(1)
        embedded = workspace.embed(items=items, frames=True, again=again)
        assert (embedded.embedded, embedded.skipped, embedded.waiting) == (16, 0, 0)
        assert len(made) == len(set(made))


@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_says_what_is_kept(lake, name, monkeypatch, capsys):
    def press(*about, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("heron.pictures.rounds.in_threads", press)
    monkeypatch.setattr("heron.catalog.frames.FrameService.set", press)
    ended, said = run(capsys, *COMMANDS[name])
    assert ended == 4
    assert said.startswith("Error: interrupted, ")
    assert said.endswith("(the same command goes on from there)\n")
