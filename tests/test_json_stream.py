"""Large JSON files are read element by element."""

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron import InvalidInput, json_stream
from heron.json_stream import elements

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def read(data, chunk=1 << 20):
    before, json_stream.CHUNK = json_stream.CHUNK, chunk
    try:
        return list(elements(io.BytesIO(data), "file.json"))
    finally:
        json_stream.CHUNK = before


@pytest.mark.slow
@given(st.lists(JSON, max_size=6), st.integers(1, 40), st.sampled_from([None, 2]))
def test_an_array_comes_element_by_element_whatever_the_chunks(values, chunk, indent):
    data = json.dumps(values, ensure_ascii=False, indent=indent).encode()
    assert read(data, chunk) == [(f"$[{number}]", value) for number, value in enumerate(values)]


@pytest.mark.slow
@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=5), st.integers(1, 40)
)
def test_an_object_comes_member_by_member_and_its_arrays_element_by_element(value, chunk):
    expected = []
    for key, member in value.items():
        if isinstance(member, list):
            expected += [(f"$.{key}[{number}]", element) for number, element in enumerate(member)]
        else:
            expected.append((f"$.{key}", member))
    assert read(json.dumps(value).encode(), chunk) == expected


@pytest.mark.slow
@given(st.lists(JSON, min_size=1, max_size=4), st.data())
def test_a_file_that_is_cut_short_is_refused(values, draw):
    data = json.dumps(values).encode()
    cut = draw.draw(st.integers(0, len(data) - 1))
    with pytest.raises(InvalidInput, match=r"file\.json is not valid JSON: line 1, column \d+"):
        read(data[:cut], 7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected an object or an array"),
        ("5", "expected an object or an array"),
        ('{"a": 1,\n "b" 2}', "line 2, column 6: expected : after the key"),
        ("[1, 2", "ends too early"),
        ("[1,\n2,\n]", "line 3, column 1"),
        ("[1] x", "unexpected text after the end"),
        ("[NaN]", "NaN is not a JSON number"),
        ("{a: 1}", "expected a key in double quotes"),
        ("[1 2]", "expected , or ]"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text, said):
    with pytest.raises(InvalidInput) as refusal:
        read(text.encode())
    assert said in str(refusal.value)


def test_bytes_that_are_no_utf8_are_refused():
    with pytest.raises(InvalidInput, match="not UTF-8 text"):
        read(b'["\xff"]')


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file():
    class Long(io.RawIOBase):
        def __init__(self, count):
            self.parts = iter([b"[", *([b'{"name": "x", "city": "Algiers"}, ' * 1000] * count), b"1]"])

        def read(self, size=-1):
            return next(self.parts, b"")

    peaks = []
    for count in (10, 150):
        tracemalloc.start()
        assert sum(1 for _ in elements(Long(count), "f")) == 1000 * count + 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
