"""Checking an item's metadata against the schema: what is kept, what is refused, and in which words."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import MetadataError, PluginError
from heron.hooks import PluginManager
from heron.metadata.schema import Schema, SchemaKey
from heron.metadata.validation import Validator
from heron.models import MAX_METADATA

PLUGINS = PluginManager(builtin=["heron.metadata.types"], discover=False)


@pytest.fixture
def schema():
    schema = Schema(lambda: PLUGINS)
    for name in ("boolean", "datetime", "number", "uuid", "varchar", "text", "geospatial"):
        schema.add_scalar(name, name)
    schema.add_enum("weather", ["sun", "rain"])
    schema.add_embedding("clip", 3)
    return schema


@pytest.fixture
def validator(schema):
    return Validator(schema)


def refusal_of(validator, metadata):
    with pytest.raises(MetadataError) as refusal:
        validator.dumps(metadata, "clip.mp4")
    text = str(refusal.value)
    assert len(text.splitlines()) == 1
    text.encode()
    return text


def test_values_are_stored_in_the_form_of_their_type(validator):
    given_ = {
        "boolean": True,
        "datetime": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "number": np.float32(0.5),
        "uuid": "8AD58157CA744AE48F37A0193430BCAC",
        "varchar": "Algiers",
        "text": "a long story",
        "geospatial": "36.75, 3",
        "weather": "sun",
        "clip": np.array([1, 2, 3]),
    }
    assert orjson.loads(validator.dumps(given_, "clip.mp4")) == {
        "boolean": True,
        "datetime": "2026-01-31T12:00:00.000000Z",
        "number": 0.5,
        "uuid": "8ad58157-ca74-4ae4-8f37-a0193430bcac",
        "varchar": "Algiers",
        "text": "a long story",
        "geospatial": {"latitude": 36.75, "longitude": 3.0},
        "weather": "sun",
        "clip": [1.0, 2.0, 3.0],
    }


def test_the_given_metadata_is_not_changed(validator):
    metadata = {"weather": "sun", "number": None, "notes": {"a": [1]}}
    validator.dumps(metadata, "clip.mp4")
    assert metadata == {"weather": "sun", "number": None, "notes": {"a": [1]}}


def test_key_without_a_value_is_left_out(validator):
    assert validator.encode({"number": None, "notes": None, "weather": "sun"}, "clip.mp4") == {
        "weather": "sun"
    }
    assert validator.unknown == set()


@pytest.mark.parametrize("empty", ["", [], {}, 0, False])
def test_empty_value_is_kept(validator, empty):
    assert validator.encode({"notes": empty}, "clip.mp4") == {"notes": empty}


# Unknown keys


@pytest.mark.parametrize(
    "value",
    ["text", "Zürich 🚌", True, 1, -(2**63), 0.1, [1, [2, {"a": None}]], {"a": {"b": [True]}}, {"": "x"}],
)
def test_unknown_key_is_kept_as_given_and_remembered(validator, value):
    stored = orjson.loads(validator.dumps({"note": value, "weather": "sun"}, "clip.mp4"))
    assert stored == {"note": value, "weather": "sun"}
    assert type(stored["note"]) is type(value)
    assert validator.unknown == {"note"}


def test_unknown_keys_of_all_items_are_remembered(validator):
    for number in range(3):
        validator.encode({f"note {number}": 1, "again": 2}, "clip.mp4")
    assert validator.unknown == {"note 0", "note 1", "note 2", "again"}


def test_heron_s_own_blocks_are_kept_and_not_reported_as_unknown(validator):
    blocks = {"$encord": {"frames": {}}, "$heron": {"config": {"sampling_rate": 1}}, "keyframes": [13, 17]}
    assert validator.encode(blocks, "clip.mp4") == blocks
    assert validator.unknown == set()


def test_key_differing_in_case_is_unknown(validator):
    assert validator.encode({"Weather": "fog"}, "clip.mp4") == {"Weather": "fog"}
    assert validator.unknown == {"Weather"}


def test_deleted_and_spent_keys_are_kept_as_unknown(schema):
    schema.delete_key("weather")
    schema.delete_key("number", hard=True)
    validator = Validator(schema)
    assert validator.encode({"weather": "fog", "number": "five"}, "a.mp4") == {
        "weather": "fog",
        "number": "five",
    }
    assert validator.unknown == {"weather", "number"}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize("nest", [lambda v: v, lambda v: [v], lambda v: {"a": [1, {"b": (v,)}]}])
def test_number_that_json_cannot_hold_is_refused_at_any_depth(validator, nest, bad):
    text = refusal_of(validator, {"notes": nest(bad)})
    assert text.startswith("clip.mp4: metadata key 'notes': ")


def circle():
    ring = []
    ring.append(ring)
    return ring


def tower():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(), b"bytes", {1, 2}, 1j, {1: "a"}, {"a": {None: 1}}, {("a", 1): 2}, 2**64, [10**400], np.zeros(2),
        datetime.now(UTC), "\ud800", "a\udfffb", ["\ud800"], {"\ud800": 1}, {"a": {"\udc00": 1}}, circle(),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_json_cannot_hold_is_refused_with_key_and_value(validator, value):
    with pytest.raises(MetadataError, match=r"clip\.mp4: metadata key 'notes': .*, got ") as refusal:
        validator.encode({"notes": value}, "clip.mp4")
    assert len(str(refusal.value).splitlines()) == 1
    str(refusal.value).encode()


@pytest.mark.slow
def test_value_nested_too_deep_is_refused(validator):
    with pytest.raises(MetadataError, match=r"clip\.mp4: metadata key 'notes': "):
        validator.encode({"notes": tower()}, "clip.mp4")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children),
    max_leaves=10,
)  # fmt: skip


def is_legal_key(text):
    """Whether a text can be a key: not blank, and without control characters and line breaks."""
    return bool(text.strip()) and all(unicodedata.category(c) not in ("Cc", "Zl", "Zp") for c in text)


@pytest.mark.slow
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])).filter(is_legal_key), json_values))
def test_all_json_under_unknown_keys_comes_back_unchanged(metadata):
    stored = orjson.loads(Validator(Schema(lambda: PLUGINS)).dumps(metadata, "clip.mp4"))
    assert stored == {key: value for key, value in metadata.items() if value is not None}


# Refusals


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("boolean", 1, "expected true or false, got 1 (key type: boolean)"),
        (
            "datetime",
            "soon",
            "expected ISO 8601, such as 2026-01-31T12:00:00Z, got 'soon' (key type: datetime)",
        ),
        ("number", "five", "expected a number, got 'five' (key type: number)"),
        ("number", math.nan, "expected a finite number, got nan (key type: number)"),
        ("number", True, "expected a number, got True (key type: number)"),
        ("weather", "fog", "expected one of sun, rain, got 'fog' (key type: enum)"),
        ("clip", [1, 2], "expected 3 numbers, got 2, got [1, 2] (key type: embedding)"),
        ("varchar", 5, "expected text, got 5 (key type: varchar)"),
        (
            "varchar",
            "\ud800",
            "expected valid Unicode, got a lone surrogate, got '\\ud800' (key type: varchar)",
        ),
    ],
)
def test_refusal_names_item_key_value_and_type(validator, key, value, reason):
    assert refusal_of(validator, {"note": "x", key: value}) == f"clip.mp4: metadata key {key!r}: {reason}"


@pytest.mark.parametrize("key", ["number", "weather", "clip", "uuid", "notes"])
@pytest.mark.parametrize(
    "value", [np.zeros((3, 3)), [object()] * 1000, 10**5000], ids=["array", "list", "integer"]
)
def test_refusal_of_a_huge_value_stays_short(validator, key, value):
    assert len(refusal_of(validator, {key: value})) < 300


@pytest.mark.parametrize("key", [5, None, True, 1.5, ("a",), b"weather", "", "  ", "\ud800"])
def test_key_that_is_no_text_is_refused(validator, key):
    text = refusal_of(validator, {key: "x"})
    assert text.startswith("clip.mp4: metadata key ")
    assert "is not text, empty, or not valid Unicode" in text


def test_first_faulty_key_is_reported_and_nothing_is_returned(validator):
    assert "'number'" in refusal_of(validator, {"weather": "sun", "number": "x", "clip": []})


def test_validator_goes_on_after_a_refusal(validator):
    refusal_of(validator, {"number": "x"})
    assert validator.encode({"number": 1}, "clip.mp4") == {"number": 1}


def test_key_whose_type_has_no_plugin_says_so():
    schema = Schema(lambda: PLUGINS, [SchemaKey("share", "percent", {})])
    validator = Validator(schema)
    assert validator.encode({"notes": 1}, "clip.mp4") == {"notes": 1}
    with pytest.raises(PluginError, match="no metadata type is called 'percent'"):
        validator.encode({"share": 5}, "clip.mp4")


def test_keys_made_after_the_validator_do_not_change_it(schema, validator):
    schema.add_scalar("notes", "number")
    assert validator.encode({"notes": "text"}, "clip.mp4") == {"notes": "text"}


# Size


def of_size(size, character="x"):
    """Metadata whose JSON has `size` bytes."""
    return {"t": character * ((size - len('{"t":""}')) // len(character.encode()))}


def test_metadata_of_exactly_10_mb_is_taken(validator):
    assert (
        len(validator.dumps(of_size(MAX_METADATA), "clip.mp4").encode()) == MAX_METADATA == 10 * 1024 * 1024
    )


@pytest.mark.parametrize("character", ["x", "é", "🚌"])
def test_metadata_beyond_10_mb_is_refused_with_both_sizes(validator, character):
    text = refusal_of(validator, of_size(MAX_METADATA + 8, character))
    assert text.startswith("clip.mp4: metadata has 10,485,7")
    assert "at most 10,485,760 are allowed" in text


def test_written_metadata_holds_no_more_than_it_was_given(validator):
    assert validator.dumps({"weather": "sun", "note": "é"}, "clip.mp4") == '{"weather":"sun","note":"é"}'
