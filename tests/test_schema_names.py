"""Names of the schema's keys and of things: which are legal, which are refused with their rule, and how values look in messages."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heron.errors import InvalidInput, MetadataError
from heron.metadata.keys import check_key, check_name, printable
from tests.test_schema_keys import LETTERS, is_reserved, legal_keys, schema  # noqa: F401 - fixtures


@pytest.mark.parametrize(
    "key",
    [
        "city", "City", "video.description", "a", "0", "a b", " a", "-", "_", ".", "...", "a-b_c.d e", "x" * 1000,
        "Keyframes", "keyframe", "keyframes1", "my keyframes", "select", "id", "null", "type", "name", "self",
    ],
)  # fmt: skip
def test_legal_key_is_taken_as_it_is(schema, key):
    schema.add_scalar(key, "varchar")
    assert schema.keys() == [key]


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("   ", "empty"),
        ("$encord", r"cannot start with \$"),
        ("$", r"cannot start with \$"),
        ("price$", r"holds '\$'"),
        ("a/b", "holds '/'"),
        ("a:b", "holds ':'"),
        ('a"b', "holds '\"'"),
        ("a'b", 'holds "\'"'),
        ("a\\b", "holds"),
        ("a\nb", "holds"),
        ("city\n", "holds"),
        ("a\tb", "holds"),
        ("a\0b", "holds"),
        ("a\u00a0b", "holds"),
        ("Zürich", "holds 'ü'"),
        ("城市", "holds"),
        ("٣", "holds"),
        ("\ud800", "holds"),
        ("a[0]", "holds"),
        ("a*", "holds"),
        ("keyframes", "reserved"),
        ("key.frames", "reserved"),
        ("key_frames", "reserved"),
        (" key-frames.", "reserved"),
        (None, "not NoneType"),
        (5, "not int"),
        (b"city", "not bytes"),
    ],
)
def test_illegal_key_is_refused_with_its_rule(schema, key, rule):
    with pytest.raises(MetadataError, match=rule) as refusal:
        schema.add_scalar(key, "varchar")
    assert len(str(refusal.value).splitlines()) == 1
    str(refusal.value).encode()
    assert schema.keys() == []


@given(st.characters(exclude_characters=LETTERS), legal_keys)
def test_any_other_character_is_refused(character, key):
    with pytest.raises(MetadataError):
        check_key(key + character)


@given(legal_keys)
@example("keyframes.")
def test_every_legal_key_passes_and_every_reserved_one_fails(key):
    if is_reserved(key):
        with pytest.raises(MetadataError, match="reserved"):
            check_key(key)
    else:
        assert check_key(key) == key


@pytest.mark.parametrize("name", ["a", "x" * 300, "Zürich 東京 🚌", "a/b", "$a", " a "])
def test_name_of_a_thing_is_taken(name):
    assert check_name(name, "item name") == name


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "cannot be empty"),
        (" \t", "cannot be empty"),
        ("x" * 301, "301 characters, at most 300"),
        ("a\nb", "line break"),
        ("a\rb", "line break"),
        ("a\tb", "control character"),
        ("a\x1b[31mb", "control character"),
        ("a\x9bb", "control character"),
        ("a\0b", "null"),
        ("a\ud800", "Unicode"),
        (None, "expected text, got NoneType"),
    ],
)
def test_bad_name_of_a_thing_is_refused_with_its_rule(name, rule):
    with pytest.raises(InvalidInput, match=f"^item name.*{rule}") as refusal:
        check_name(name, "item name")
    str(refusal.value).encode()


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize("value", ["a\nb", "x" * 10_000, "\ud800", Unprintable(), {"a": ["\x1b[31m"] * 99}])
def test_any_value_can_stand_in_a_message(value):
    text = printable(value)
    assert 0 < len(text) <= 60
    assert text.isprintable()


def test_number_too_long_to_be_written_out_stands_as_its_type():
    assert printable(10**5000) == "<int>"


def test_value_of_several_lines_stands_in_one():
    class Table:
        def __repr__(self):
            return "a b\n1 2"

    assert printable(Table()) == "a b 1 2"
