"""The derivers keep Heron's contract, and frames are found by their light."""

import heron_day_and_night
from PIL import Image

import heron
from heron.testing import DeriverContract, a_frame, an_item

OF_ITEMS, OF_FRAMES = heron_day_and_night.register_derivers()
DAY, DUSK, NIGHT = (Image.new("RGB", (64, 48), (level, level, level)) for level in (200, 90, 20))


class TestLight(DeriverContract):
    deriver = OF_ITEMS
    examples = (
        (an_item(), DAY, {"light": "day"}),
        (an_item(), DUSK, {"light": "dusk"}),
        (an_item(), NIGHT, {"light": "night"}),
    )


class TestLightOfFrames(DeriverContract):
    deriver = OF_FRAMES
    examples = (
        ((an_item(name="a.mp4"), a_frame(0, 0.0)), DAY, {"light": "day"}),
        ((an_item(name="a.mp4"), a_frame(30, 1.0)), NIGHT, {"light": "night"}),
    )


def test_frames_are_found_by_their_light(tmp_path):
    (tmp_path / "in").mkdir()
    DAY.save(tmp_path / "in" / "film.gif", save_all=True, append_images=[DUSK, NIGHT], duration=100)
    with heron.open(tmp_path, plugins=[heron_day_and_night], discover=False) as workspace:
        workspace.ingest.files([tmp_path / "in"], folder="A")
        workspace.frames.set("film.gif", [0, 1, 2])
        assert workspace.derive("light").derived == 1
        assert workspace.derive("light-of-frames").derived == 3
        assert workspace.derive("light-of-frames").skipped == 3
        [frame] = workspace.search.frames(where="frame.light = 'night'")
        assert frame.number == 2
        assert workspace.items.get("film.gif").metadata["light"] == "day"
