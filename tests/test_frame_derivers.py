"""Derivers of frames give values for the frames in the catalogue, once for each content and version, and never over what people gave."""

from __future__ import annotations

import inspect
import threading

import pytest
from attrs import evolve
from PIL import Image, ImageStat

import heron
from heron.cli.main import status
from heron.models import NewItem
from heron.testing import DeriverContract, a_frame, an_item
from tests.test_derivers import Plugin, counts
from tests.toy_derivers import LIGHT, record


def light(item, frame, picture):
    return {"light": "night" if ImageStat.Stat(picture.convert("L")).mean[0] < 60 else "day"}


def third(item, frame, content):
    count = item.facts.frame_count or 1
    return {"third": "begin" if frame.number * 3 < count else "rest"}


def of_frames(derive=light, **given):
    return record(derive, **{"of": "frames", **given})


THIRD = of_frames(third, name="third", keys=[heron.DerivedKey("third", "varchar")], reads="facts")
WHITE, BLACK = (Image.new("RGB", (8, 8), colour) for colour in ("white", "black"))


@pytest.fixture
def lake(tmp_path):
    """A film of six pictures, three of them black, and a picture without frames."""
    folder = tmp_path / "in"
    folder.mkdir()
    pages = [Image.new("RGB", (16, 12), colour) for colour in ("white", "black") * 3]
    for number, page in enumerate(pages):
        page.putpixel((number, 0), (200, 10, number))
    pages[0].save(folder / "film.gif", save_all=True, append_images=pages[1:], duration=100)
    WHITE.save(folder / "day.png")
    return tmp_path


def opened(lake, *records):
    workspace = heron.open(lake, plugins=[Plugin(*records)], discover=False)
    if not workspace.items.count():
        workspace.ingest.files([lake / "in"], folder="P")
        workspace.frames.set("film.gif", [0, 1, 4])
    return workspace


def values(workspace, key="light"):
    return {frame.number: frame.metadata.get(key) for frame in workspace.frames.list("film.gif")}


def test_values_are_derived_once_for_each_frame_and_version(lake):
    with opened(lake, of_frames(), THIRD) as workspace:
        done = workspace.derive("light")
        assert (counts(done), done.of) == ((3, 0, 0, 0), "frames")
        assert values(workspace) == {0: "day", 1: "night", 4: "day"}
        assert workspace.items.get("film.gif").metadata == {}
        assert counts(workspace.derive("light")) == (0, 3, 0, 0)
        assert counts(workspace.derive("third")) == (3, 0, 0, 0)
        workspace.frames.set("film.gif", [5])
        assert counts(workspace.derive("light")) == (1, 3, 0, 0)
        assert [frame.number for frame in workspace.search.frames(where="frame.light = 'night'")] == [1, 5]
    with opened(lake, of_frames(version="2")) as workspace:
        assert counts(workspace.derive("light", ["film.gif"])) == (4, 0, 0, 0)


def test_what_changes_of_a_frame_or_its_item_makes_values_anew(lake):
    seen = []

    def look(item, frame, content):
        seen.append((dict(item.metadata), dict(frame.metadata), frame.seconds, frame.metrics != {}))
        return {"light": "day" if frame.metadata.get("hour", 0) < 20 else "night"}

    with opened(lake, of_frames(look, reads="facts", uses=["hour"])) as workspace:
        workspace.frames.set_metadata("film.gif", 1, {"hour": 22, "city": "X"})
        assert counts(workspace.derive("light")) == (3, 0, 0, 0)
        assert seen[1] == ({}, {"hour": 22}, pytest.approx(0.1), False)
        assert values(workspace)[1] == "night"
        assert workspace.frames.get("film.gif", 1).metadata["city"] == "X"
        workspace.frames.set_metadata("film.gif", 1, {"hour": 3, "city": "Y"}, merge=True)
        assert counts(workspace.derive("light")) == (1, 2, 0, 0)
        workspace.frames.set_metadata("film.gif", 1, {"city": "Z"}, merge=True)
        assert counts(workspace.derive("light")) == (0, 3, 0, 0)
        item = workspace.items.get("film.gif")
        workspace.registration._refresh([(item.id, NewItem(item.url, item.facts, etag="another"))])
        assert counts(workspace.derive("light")) == (3, 0, 0, 0)


def test_values_that_people_gave_to_frames_stay(lake):
    with opened(lake, of_frames()) as workspace:
        workspace.schema.add_enum("light", ["day", "night", "dusk"])
        workspace.frames.set_metadata("film.gif", 0, {"light": "dusk"})
        assert counts(workspace.derive("light")) == (2, 0, 1, 0)
        workspace.frames.set_metadata("film.gif", 1, {"light": "day"}, merge=True)
        assert counts(workspace.derive("light")) == (0, 1, 2, 0)
        assert values(workspace) == {0: "dusk", 1: "day", 4: "day"}
        workspace.frames.set_metadata("film.gif", 0, {})
        assert counts(workspace.derive("light")) == (1, 1, 1, 0)
        assert counts(workspace.derive("light", again=True)) == (3, 0, 0, 0)
        assert values(workspace) == {0: "day", 1: "night", 4: "day"}


def test_one_key_can_be_derived_of_items_and_of_frames(lake):
    items = record(lambda item, picture: {"light": "day"}, name="whole")
    with opened(lake, of_frames(), items) as workspace:
        assert [each.problem for each in workspace.derive.list() if each.name != "orientation"] == [
            None,
            None,
        ]
        assert workspace.derive("whole").derived == 2
        assert workspace.derive("light").derived == 3
        assert workspace.items.get("film.gif").metadata == {"light": "day"}
        assert values(workspace)[1] == "night"


BAD = {
    "raises": (lambda item, frame, picture: 1 / 0, "ZeroDivisionError"),
    "exits": (lambda item, frame, picture: exit(3), "SystemExit"),
    "gives a list": (lambda item, frame, picture: ["day"], "returned list, expected a mapping"),
    "gives another key": (lambda item, frame, picture: {"city": "Rome"}, "'city', which is none of its keys"),
    "gives no option": (lambda item, frame, picture: {"light": "dawn"}, "'light'"),
    "takes no frame": (lambda item, picture: {"light": "day"}, "TypeError"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("executor", [None, "threads:2"])
def test_a_frame_that_fails_costs_itself_alone(lake, case, executor):
    bad, reason = BAD[case]

    def derive(item, frame, picture):
        return bad(item, frame, picture) if frame.number == 1 else light(item, frame, picture)

    with opened(lake, of_frames(derive)) as workspace:
        done = workspace.derive("light", executor=executor)
        assert counts(done) == (2, 0, 0, 1)
        assert done.problems[0].place == "film.gif#1"
        assert reason in done.problems[0].reason and "light" in done.problems[0].reason
        assert values(workspace) == {0: "day", 1: None, 4: "day"}
    with opened(lake, of_frames()) as workspace:
        assert counts(workspace.derive("light", executor=executor)) == (1, 2, 0, 0)


def test_a_file_that_cannot_be_read_costs_its_frames_alone(lake):
    with opened(lake, of_frames()) as workspace:
        (lake / "in" / "film.gif").unlink()
        done = workspace.derive("light")
        assert counts(done) == (0, 0, 0, 1)
        assert done.problems[0].place == "film.gif"


def test_frames_behind_the_end_of_a_shorter_film_are_left_out(lake):
    with opened(lake, THIRD) as workspace:
        item = workspace.items.get("film.gif")
        facts = evolve(item.facts, frame_count=2)
        workspace.registration._refresh([(item.id, NewItem(item.url, facts, etag="shorter"))])
        assert counts(workspace.derive("third")) == (2, 0, 0, 0)


def test_a_run_that_ends_early_goes_on_where_it_stopped(lake, monkeypatch):
    monkeypatch.setattr("heron.deriving.run._KEPT", 1)
    seen = []

    def stopping(item, frame, picture):
        seen.append(frame.number)
        if frame.number == 4 and len(seen) == 3:
            raise KeyboardInterrupt
        return light(item, frame, picture)

    with opened(lake, of_frames(stopping)) as workspace:
        with pytest.raises(KeyboardInterrupt):
            workspace.derive("light")
        done = workspace.derive("light")
        assert (done.derived + done.skipped, done.skipped >= 1) == (3, True)


@pytest.mark.parametrize("reads", ["picture", "facts"])
def test_workers_derive_the_same_of_frames(lake, reads, monkeypatch):
    monkeypatch.setattr("heron.pictures.elsewhere.FRAMES", 2)
    derive = light if reads == "picture" else third
    keys = [LIGHT] if reads == "picture" else THIRD.keys
    key = keys[0].name
    with opened(lake, of_frames(derive, reads=reads, keys=keys)) as workspace:
        assert counts(workspace.derive("light", executor="threads:2")) == (3, 0, 0, 0)
        there = values(workspace, key)
        assert counts(workspace.derive("light", executor="threads:2")) == (0, 3, 0, 0)
        assert counts(workspace.derive("light", again=True)) == (3, 0, 0, 0)
        assert values(workspace, key) == there


def test_frames_that_come_with_their_item_are_derived_on_import(lake, tmp_path):
    import json

    manifest = tmp_path / "m.json"
    entry = {"url": (lake / "in" / "film.gif").as_uri(), "metadata": {"keyframes": [2, 3]}}
    manifest.write_text(json.dumps({"images": [entry]}))
    with heron.open(lake, plugins=[Plugin(of_frames(on_import=True))], discover=False) as workspace:
        workspace.ingest.manifest(manifest, folder="P")
        assert values(workspace) == {2: "day", 3: "night"}


def test_the_command_names_frames(lake, capsys):
    folder = lake / ".heron" / "plugins"
    opened(lake).close()
    folder.mkdir(parents=True)
    (folder / "thirds.py").write_text(
        "import heron\n\n\ndef third(item, frame, content):\n    return {'third': str(frame.number)}\n\n\n"
        "@heron.hookimpl\ndef register_derivers():\n    yield heron.MetadataDeriver(name='third', summary='s', of='frames', version='1',\n"
        "        keys=[heron.DerivedKey('third', 'varchar')], load=lambda: third)\n"
    )
    assert status(["-w", str(lake), "plugins", "allow"]) == 0
    capsys.readouterr()
    assert status(["-w", str(lake), "derive", "third"]) == 0
    assert "Derived frame.third of 3 frames." in capsys.readouterr().out
    assert status(["-w", str(lake), "derive", "--list"]) == 0
    assert "frames" in capsys.readouterr().out


def test_a_deriver_of_frames_reads_no_text():
    with pytest.raises(ValueError, match="frames have no text"):
        of_frames(reads="text")
    with pytest.raises(ValueError, match="'of' must be in"):
        of_frames(of="films")


# The contract, for frames


class TestFrameLight(DeriverContract):
    deriver = of_frames()
    module = "tests.toy_derivers"
    examples = (
        ((an_item(name="a.mp4"), a_frame(3, 0.1)), WHITE, {"light": "day"}),
        ((an_item(name="b.mp4"), a_frame(7, 0.2, metadata={"hour": 3})), BLACK, {"light": "night"}),
    )


def spoiling(item, frame, picture):
    frame.metadata["seen"] = True
    return light(item, frame, picture)


def painting(item, frame, picture):
    found = light(item, frame, picture)
    picture.putpixel((0, 0), (1, 2, 3))
    return found


def by_turns(item, frame, picture, turn=[0]):  # noqa: B006 - it is meant to stay
    turn[0] += 1
    return {"light": "night" if turn[0] % 2 else "day"}


def in_the_main_thread(item, frame, picture):
    if threading.current_thread() is not threading.main_thread():
        return {}
    return light(item, frame, picture)


MUTANTS = {
    "test_examples_have_their_values": (lambda item, frame, picture: {"light": "day"}, {}),
    "test_values_are_of_its_own_keys": (
        lambda item, frame, picture: {**light(item, frame, picture), "city": None}, {},
    ),
    "test_the_schema_takes_the_values": (light, {"keys": [heron.DerivedKey("light", "enum", {"options": ["day"]})]}),
    "test_it_gives_the_same_values_each_time": (by_turns, {}),
    "test_what_it_gets_is_left_as_it_is": (spoiling, {}),
    "test_it_works_in_several_threads": (in_the_main_thread, {}),
    "test_examples_are_of_what_it_applies_to": (
        lambda item, *more: light(item, *(more if len(more) == 2 else (None, *more))), {"of": "items"},
    ),
}  # fmt: skip

ALSO = {
    "test_examples_have_their_values": {"test_it_works_in_several_threads"},
    "test_it_gives_the_same_values_each_time": {"test_examples_have_their_values", "test_it_works_in_several_threads"},
}  # fmt: skip
"""Rules that see the same fault, where it has several sides."""


def broken(derive, **given):
    contract = type("Contract", (TestFrameLight,), {"deriver": of_frames(derive, **given)})
    found = set()
    for name, rule in inspect.getmembers(contract(), inspect.ismethod):
        if name in MUTANTS:
            try:
                rule()
            except (AssertionError, TypeError, heron.HeronError):
                found.add(name)
    return found


@pytest.mark.parametrize("rule", MUTANTS)
def test_this_rule_catches_the_deriver(rule):
    derive, given = MUTANTS[rule]
    found = broken(derive, **given)
    assert rule in found
    assert found - ALSO.get(rule, set()) == {rule}


def test_a_picture_that_is_painted_over_is_caught():
    assert "test_what_it_gets_is_left_as_it_is" in broken(painting)


def test_every_rule_has_a_mutant():
    assert {name for name in vars(DeriverContract) if name.startswith("test_")} == set(MUTANTS)
