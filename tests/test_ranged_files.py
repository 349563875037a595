"""Files that are read by ranges: the same bytes as a local file, and no more of them are fetched than needed."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.media import ranged as module
from heron.media.ranged import LARGEST, STEP, WINDOWS, RangedFile, ranged

CONTENT = random.Random(5).randbytes(40 * LARGEST // 16)


class Source:
    """Content that is fetched by ranges, and what was fetched. `short` are the lengths that answers are cut to."""

    def __init__(self, content, short=()):
        self.content = content
        self.short = list(short)
        self.ranges = []

    def __call__(self, start, end):
        assert 0 <= start < end <= len(self.content), "nothing outside of the file is asked for"
        self.ranges.append((start, end))
        most = self.short.pop(0) if self.short else end - start
        return self.content[start : min(end, start + most)]

    @property
    def fetched(self):
        return sum(end - start for start, end in self.ranges)

    def asked(self):
        """The ranges since this was last asked."""
        ranges, self.ranges = self.ranges, []
        return ranges


def moves(size):
    """Calls on a file: seek to a place inside or behind it, read, or read into a buffer."""
    amounts = st.integers(0, size + 10)
    return st.lists(
        st.one_of(
            st.tuples(st.just("seek"), amounts),
            st.tuples(st.just("skip"), amounts),
            st.tuples(st.just("back"), st.integers(0, size)),
            st.tuples(st.just("read"), amounts),
            st.tuples(st.just("into"), amounts),
            st.tuples(st.just("rest"), st.just(0)),
        ),
        max_size=30,
    )


def do(file, what, amount):
    if what == "seek":
        return file.seek(amount)
    if what == "skip":
        return file.seek(amount, io.SEEK_CUR)
    if what == "back":
        return file.seek(-amount, io.SEEK_END)
    if what == "read":
        return file.read(amount)
    if what == "rest":
        return file.read()
    buffer = bytearray(amount)
    count = file.readinto(buffer)
    return count, bytes(buffer)


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data(), size=st.integers(0, 400), head=st.integers(0, 80))
def test_any_moves_find_what_a_local_file_has(data, size, head):
    content = CONTENT[:size]
    source = Source(content, data.draw(st.lists(st.integers(1, 20), max_size=30)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEP", data.draw(st.sampled_from([1, 7, 16, 64])))
        patch.setattr(module, "LARGEST", 64)
        file, local = ranged(source, size, content[:head]), io.BytesIO(content)
        for what, amount in data.draw(moves(size)):
            assert do(file, what, amount) == do(local, what, amount), (what, amount)
            assert file.tell() == local.tell()


@settings(max_examples=100)
@given(data=st.data(), size=st.integers(1, 1_000_000), head=st.sampled_from([0, 1, 1024, 32 * 1024]))
def test_any_moves_in_a_raw_file_fetch_at_most_once_a_read_and_never_what_is_at_hand(data, size, head):
    content = CONTENT[:size]
    source = Source(content)
    file = RangedFile(source, size, content[:head])
    places = st.integers(0, size - 1)
    for place, count in data.draw(st.lists(st.tuples(places, st.integers(1, 300_000)), max_size=15)):
        file.seek(place)
        buffer = bytearray(count)
        found = file.readinto(buffer)
        assert 0 < found <= count
        assert buffer[:found] == content[place : place + found]
        ranges = source.asked()
        assert len(ranges) <= 1
        for start, end in ranges:
            assert start == place
            assert place >= head, "the head was given"
            assert end - start <= max(count, LARGEST)
        file.seek(place)
        assert file.readinto(bytearray(found)) == found
        assert source.asked() == [], "what was read just now is kept"


def test_reading_to_the_end_fetches_each_byte_once_in_growing_steps():
    source = Source(CONTENT)
    with ranged(source, len(CONTENT)) as file:
        assert file.read() == CONTENT
    assert source.fetched == len(CONTENT)
    steps = [end - start for start, end in source.ranges]
    assert steps[:4] == [STEP, 2 * STEP, 4 * STEP, 8 * STEP]
    assert max(steps) == LARGEST
    assert len(steps) <= len(CONTENT) // LARGEST + 8


def test_reading_in_small_pieces_takes_no_more_requests():
    source = Source(CONTENT)
    with ranged(source, len(CONTENT)) as file:
        while file.read(4096):
            pass
    assert source.fetched == len(CONTENT)
    assert len(source.ranges) <= len(CONTENT) // LARGEST + 8


def test_a_jump_fetches_a_little_however_much_was_read_on_before():
    source = Source(CONTENT)
    file = RangedFile(source, len(CONTENT))
    while file.tell() < 6 * 1024 * 1024:
        file.readinto(bytearray(64 * 1024))
    source.asked()
    file.seek(len(CONTENT) - 1_000_000)
    file.readinto(bytearray(100))
    assert [end - start for start, end in source.asked()] == [STEP]


def test_a_large_read_is_one_request():
    source = Source(CONTENT)
    file = RangedFile(source, len(CONTENT))
    file.seek(1000)
    assert file.readinto(bytearray(8 * 1024 * 1024)) == 8 * 1024 * 1024
    assert source.ranges == [(1000, 1000 + 8 * 1024 * 1024)]


def test_the_beginning_at_hand_is_not_fetched_again():
    source = Source(CONTENT)
    with ranged(source, len(CONTENT), CONTENT[:50_000]) as file:
        assert file.read(1000) == CONTENT[:1000]
        file.seek(49_000)
        assert file.read(1000) == CONTENT[49_000:50_000]
        assert source.asked() == []
        assert file.read(1000) == CONTENT[50_000:51_000]
        assert source.asked() == [(50_000, 50_000 + 2 * STEP)]


def test_going_to_and_fro_between_some_places_fetches_each_once():
    source = Source(CONTENT)
    file = RangedFile(source, len(CONTENT))
    places = [number * 1_000_000 for number in range(WINDOWS)]
    for _ in range(5):
        for place in places:
            file.seek(place)
            buffer = bytearray(100)
            file.readinto(buffer)
            assert buffer == CONTENT[place : place + 100]
    assert source.ranges == [(place, place + STEP) for place in places]


def test_only_the_last_few_places_are_kept():
    source = Source(CONTENT)
    file = RangedFile(source, len(CONTENT))
    for number in range(WINDOWS + 1):
        file.seek(number * 1_000_000)
        file.readinto(bytearray(100))
    source.asked()
    file.seek(0)
    file.readinto(bytearray(100))
    assert source.asked() == [(0, STEP)], "the first place was given up"
    file.seek(WINDOWS * 1_000_000)
    file.readinto(bytearray(100))
    assert source.asked() == [], "the last one was not"


def test_a_file_that_was_read_on_is_not_kept_whole():
    source = Source(CONTENT)
    file = RangedFile(source, len(CONTENT))
    while file.readinto(bytearray(1024 * 1024)):
        pass
    source.asked()
    file.seek(0)
    file.readinto(bytearray(100))
    assert source.asked() == [(0, STEP)]


@pytest.mark.parametrize("announced", [1, 1001, 5_000_000])
def test_a_file_that_is_shorter_than_announced_is_no_whole_file(announced):
    content = CONTENT[: announced - 1]
    file = ranged(lambda start, end: content[start:end], announced)
    with pytest.raises(EOFError) as refusal:
        file.read()
    assert str(refusal.value) == f"the file ends at byte {announced - 1:,}, {announced:,} were expected"


def test_what_the_fetch_raises_comes_through_and_the_place_stays():
    answers = [TimeoutError("too slow"), b"abc"]

    def fetch(start, end):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    file = RangedFile(fetch, 3)
    with pytest.raises(TimeoutError, match="too slow"):
        file.read(3)
    assert file.tell() == 0
    assert file.read(3) == b"abc"


def test_an_empty_file_fetches_nothing():
    source = Source(b"")
    with ranged(source, 0) as file:
        assert file.read() == b""
        assert file.seek(0, io.SEEK_END) == 0
    assert source.ranges == []


def test_places_before_the_beginning_and_unknown_directions_are_refused():
    file = RangedFile(Source(CONTENT), len(CONTENT))
    file.seek(10)
    for offset, whence in ((-1, 0), (-11, 1), (-len(CONTENT) - 1, 2), (0, 3), (0, 99)):
        with pytest.raises(ValueError, match=r"negative seek position -1|invalid whence"):
            file.seek(offset, whence)
        assert file.tell() == 10


def test_it_is_a_readable_seekable_file_that_can_be_closed():
    file = ranged(Source(CONTENT), len(CONTENT))
    assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read(1)


def test_a_place_that_is_used_all_along_is_kept_however_many_others_are_visited():
    source = Source(CONTENT)
    file = RangedFile(source, len(CONTENT))
    for number in range(3 * WINDOWS):
        for place in (0, (number + 1) * 200_000):
            file.seek(place)
            file.readinto(bytearray(100))
    assert [start for start, _ in source.asked()].count(0) == 1
