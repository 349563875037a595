"""Sampling: which frames are shown at the moments 0, 1/rate, 2/rate …, by their times, or evenly spaced."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heron.catalog.sampling import MOST, SLICES, all_frames, chosen_frames
from heron.errors import InvalidInput, MetadataError
from heron.metadata.keyframes import FrameWish
from heron.models import MediaFacts
from tests.toy_media import ClipDecoder, ToyMedia, clip

STEP = 1000
"""Times are whole milliseconds, so that no two lie within the tolerance of a microsecond."""

DELAYS = st.lists(st.integers(1, 3 * STEP), min_size=1, max_size=40)
RATES = st.integers(1, 120) | st.sampled_from([Fraction(1, 7), Fraction(1, 2), Fraction(30000, 1001)])


def facts(**known):
    return MediaFacts("video", "video/mp4", **known)


def sampled(rate, times=None, **known):
    """The numbers of the frames that are sampled."""
    return [frame.number for frame in chosen_frames(FrameWish(rate), facts(**known), times, "clip.mp4")]


def shown(times, end, rate):
    """The frames that are shown at k / rate, for all such moments before the end, by exact arithmetic."""
    moments = (k / rate for k in range(int(end * rate) + 1))
    return sorted({bisect_right(times, moment) - 1 for moment in moments if moment < end})


@given(DELAYS, RATES)
def test_frames_are_sampled_exactly_where_they_are_shown(delays, rate):
    exact = [Fraction(time, STEP) for time in accumulate(delays, initial=0)]
    *times, end = exact
    found = sampled(float(rate), [float(time) for time in times], duration=float(end))
    assert found == shown(times, end, Fraction(rate))


@pytest.mark.slow
@given(
    st.integers(1, 300), st.sampled_from([1, 5, 24, 25, 30, 50, Fraction(30000, 1001), Fraction(1, 2)]), RATES
)
@example(10, 10, Fraction(20, 19))
def test_even_spacing_is_that_of_the_same_times(count, fps, rate):
    evenly = sampled(float(rate), frame_count=count, fps=float(fps))
    times = [float(number / Fraction(fps)) for number in range(count)]
    assert evenly == sampled(float(rate), times, fps=float(fps))
    assert evenly == shown([n / Fraction(fps) for n in range(count)], count / Fraction(fps), Fraction(rate))


@given(DELAYS, st.floats(0, 1e308))
def test_every_rate_gives_ascending_frames_from_the_first_on(delays, rate):
    times = [time / STEP for time in accumulate(delays, initial=0)]
    for found in (sampled(rate, times), sampled(rate, frame_count=len(times), fps=30.0)):
        assert found[0] == 0
        assert all(before < after for before, after in pairwise(found))
        assert found[-1] < len(times)


def test_a_rate_of_zero_is_the_first_frame():
    assert sampled(0, frame_count=90, fps=30.0) == [0]
    assert sampled(0, [0.0, 0.5, 1.0]) == [0]


@pytest.mark.parametrize("rate", [30, 31, 1000, 1e9, 1e308])
def test_a_rate_above_that_of_the_video_gives_each_frame_once(rate):
    assert sampled(rate, frame_count=90, fps=30.0) == list(range(90))
    assert sampled(rate, [n / 30 for n in range(90)], fps=30.0) == list(range(90))


def test_of_variable_times_frames_between_two_moments_are_left_out_and_long_ones_come_once():
    assert sampled(1, [0.0, 0.1, 0.2, 0.9, 1.0, 4.5, 4.6], duration=6.0) == [0, 4, 6]
    assert sampled(2, [0.0, 0.1, 0.2, 0.9, 1.0, 4.5, 4.6], duration=6.0) == [0, 2, 4, 5, 6]


def test_the_last_frame_lasts_as_long_as_the_facts_say():
    assert sampled(1, [0.0, 0.9]) == [0]
    assert sampled(1, [0.0, 0.9], fps=10.0) == [0]
    assert sampled(1, [0.0, 0.9], fps=5.0) == [0, 1]
    assert sampled(1, [0.0, 0.9], duration=1.5) == [0, 1]
    assert sampled(1, [0.0, 1.0]) == [0, 1], "a frame is shown at its own time at least"


def test_times_rounded_to_microseconds_count_as_the_moments_they_stand_for():
    times = [0.0, 0.333333, 0.666667, 0.9999995, 1.333333]
    assert sampled(3, times) == [0, 1, 2, 3, 4]
    assert sampled(1, times) == [0, 3]


def test_a_duration_and_a_rate_stand_for_a_count():
    assert sampled(1, duration=3.0, fps=30.0) == [0, 30, 60]
    with pytest.raises(InvalidInput, match=r"no frame 90, it has 90 frames in 3 s"):
        chosen_frames(FrameWish(keys={90: None}), facts(duration=3.0, fps=30.0), None, "clip.mp4")


@pytest.mark.parametrize("known", [{}, {"duration": 3.0}, {"frame_count": 90}, {"fps": 30.0}])
def test_where_times_cannot_be_known_only_the_first_frame_is_sampled(known):
    [frame] = chosen_frames(FrameWish(25.0), facts(**known), None, "clip.mp4")
    assert (frame.number, frame.is_key) == (0, False)


def test_more_frames_than_a_catalogue_is_for_are_refused_at_once():
    with pytest.raises(InvalidInput) as refusal:
        sampled(30, frame_count=2**62, fps=30.0)
    assert refusal.value.message == (
        f"clip.mp4: sampled at 30 per second it has {2**62:,} frames, at most {MOST:,} are kept"
    )
    assert refusal.value.hint == "give a smaller sampling_rate"
    assert len(sampled(0.001, frame_count=10**9, fps=30.0)) == 33_334


# Key frames by time


@given(DELAYS, st.integers(0, 200 * STEP))
def test_a_time_names_the_frame_that_is_shown_then(delays, milliseconds):
    *times, end = (time / STEP for time in accumulate(delays, initial=0))
    wish = FrameWish(mode="seconds", keys={milliseconds / STEP: None})
    if milliseconds / STEP > end:
        with pytest.raises(
            InvalidInput, match=r"^clip\.mp4: nothing is shown at [\d.]+ s, it has \d+ frames in "
        ):
            chosen_frames(wish, facts(duration=end), times, "clip.mp4")
        return
    [frame] = chosen_frames(wish, facts(duration=end), times, "clip.mp4")
    assert frame.number == sum(time <= milliseconds / STEP for time in times) - 1
    assert (frame.seconds, frame.is_key) == (times[frame.number], True)


@pytest.mark.parametrize(("seconds", "number"), [(0, 0), (0.033, 0), (0.0334, 1), (2.99, 89), (3.0, 89)])
def test_evenly_a_time_names_the_frame_that_is_shown_then(seconds, number):
    wish = FrameWish(mode="seconds", keys={seconds: None})
    [frame] = chosen_frames(wish, facts(frame_count=90, fps=30.0), None, "clip.mp4")
    assert (frame.number, frame.seconds) == (number, number / 30)


def test_slices_are_all_there_or_evenly_spaced():
    assert [frame.number for frame in all_frames(5)] == [0, 1, 2, 3, 4]
    assert len(all_frames(5000)) == 5000
    few = [frame.number for frame in all_frames(5000, SLICES)]
    assert few == list(range(0, 5000, 5))
    assert len({frame.number for frame in all_frames(1001, SLICES)}) == SLICES


# Imports


@pytest.fixture
def plugins():
    return [ToyMedia()]


def imported(workspace, path, **options):
    """The frames of a file that is imported, by number, and its item."""
    workspace.ingest.files([path], folder="A", **options)
    *_, item = workspace.items.list()
    return [frame.number for frame in workspace.frames.list(item)], item


def test_videos_are_sampled_once_a_second_unless_an_import_says_otherwise(workspace, tmp_path):
    path = clip(tmp_path / "a.clip", [n / 10 for n in range(35)], fps=10.0, duration=3.5)
    assert imported(workspace, path)[0] == [0, 10, 20, 30]
    assert imported(workspace, path, sampling_rate=2, skip_duplicates=False)[0] == [0, 5, 10, 15, 20, 25, 30]
    numbers, item = imported(workspace, path, sampling_rate=0, skip_duplicates=False)
    assert numbers == [0]
    assert workspace.frames.set(item, [1], rate=1) == 5, "those of the import stay"
    assert [frame.seconds for frame in workspace.frames.list(item)] == [0.0, 0.1, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("rate", [-1, float("nan"), float("inf"), "1", True])
def test_a_rate_that_is_none_is_refused_before_anything_happens(workspace, tmp_path, rate):
    path = clip(tmp_path / "a.clip", [0.0])
    with pytest.raises(MetadataError, match=r"import: sampling_rate is .*, expected a number from 0 on"):
        workspace.ingest.files([path], folder="A", sampling_rate=rate)
    assert (workspace.imports.list(), list(workspace.folders.list())) == ([], [])


def test_a_video_whose_times_cannot_be_read_lands_with_a_word_about_it(workspace, tmp_path):
    path = clip(tmp_path / "a.clip", [0.0, 1.0], fps=1.0, blind=True)
    numbers, item = imported(workspace, path)
    assert (numbers, item.facts.note) == ([], "a.clip has a broken index")


@pytest.mark.parametrize("times", [[0.0, 2.0, 1.0], [0.0, 1.0, float("nan")]])
def test_times_that_do_not_ascend_choose_no_frames(workspace, tmp_path, times):
    numbers, item = imported(workspace, clip(tmp_path / "a.clip", times, fps=1.0))
    sentence = "a.clip: decoder clip (plugin ToyMedia) failed in times: its times of frames do not ascend"
    assert (numbers, item.facts.note) == ([], sentence)


def test_given_facts_are_sampled_only_on_request(workspace, tmp_path):
    video = {"objectUrl": "s3://lake/v.mp4", "videoMetadata": {"fps": 30, "duration": 3}}
    manifest = tmp_path / "m.json"
    manifest.write_text(str({"videos": [video]}).replace("'", '"'))
    for rate, expected in ((None, []), (0, [0]), (1, [0, 30, 60])):
        workspace.ingest.manifest(manifest, folder="A", sampling_rate=rate)
        *_, item = workspace.items.list()
        assert [frame.number for frame in workspace.frames.list(item)] == expected


def test_a_file_is_read_before_the_catalogue_is_locked(workspace, tmp_path, monkeypatch):
    _, item = imported(workspace, clip(tmp_path / "a.clip", [0.0, 0.4, 0.9]))
    locked = []

    class Watching(ClipDecoder):
        def times(self, file, *, whole=True):
            locked.append(workspace._database.connection.in_transaction)
            return super().times(file, whole=whole)

    decoder = workspace.pictures._files.opened(item)[1]
    monkeypatch.setattr(decoder, "decoder", Watching())
    assert workspace.frames.set(item, [0.5], mode="seconds") == 2
    assert locked == [False]
