"""Every built-in metadata type: what it takes, in which form it is stored, and what it refuses."""

# ruff: noqa: RUF012 - the attributes of a contract are never changed

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.hooks import PluginManager
from heron.testing import MetadataTypeContract

PLUGINS = PluginManager(builtin=["heron.metadata.types"], discover=False)

NO_NUMBERS = [math.nan, math.inf, -math.inf, "1", "", b"1", None, [1], {}, 1j, True, False]
LONE_SURROGATE = "caf\ud800"


class HugeInteger(int):
    """A number type of somebody's own."""


class BuiltIn(MetadataTypeContract):
    """The contract for a type of this name."""

    type_name = ""

    @property
    def metadata_type(self):
        return PLUGINS.metadata_type(self.type_name)


class TestBoolean(BuiltIn):
    type_name = "boolean"
    good = [(True, True), (False, False), (np.True_, True), (np.bool_(False), False)]
    ascending = [False, True]
    bad = [0, 1, 1.0, "true", "yes", "", None, [], [True], np.int64(1), np.array([True]), np.array(True)]


class TestDatetime(BuiltIn):
    type_name = "datetime"
    good = [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123456Z"),
        ("2026-01-31T12:00:00.5+00:00", "2026-01-31T12:00:00.500000Z"),
        ("2026-01-31T00:30:00+01:00", "2026-01-30T23:30:00.000000Z"),
        ("2026-01-31 12:00-05:30", "2026-01-31T17:30:00.000000Z"),
        ("20260131T120000Z", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000000Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000000Z"),
        (datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=14))), "2026-01-30T10:00:00.000000Z"),
    ]
    ascending = [
        "0001-01-01", "1969-12-31T23:59:59.999999Z", "1970-01-01", "2026-01-31T00:30:00+01:00", "2026-01-31",
        "2026-01-31T00:00:00.1Z", "2026-01-31T00:00:00.25Z", "9999-12-31T23:59:59.999999Z",
    ]  # fmt: skip
    bad = [
        "2026-01-31T12:00:00", "2026-01-31 12:00", datetime(2026, 1, 31), "20260131", "2026-W05-6", "12:00Z",
        "0000-01-01", "0000-01-01T00:00:00Z", "10000-01-01", "10000-01-01T00:00:00Z", "-2026-01-31",
        "2026-13-01", "2026-00-01", "2026-01-32", "2025-02-29", "2026-01-31T25:00:00Z", "2026-01-31T12:60:00Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00",
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
        "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+25:00", "offset\nand more",
        "２０２６-01-31", "yesterday", "", " ", "2026", "2026-01", " 2026-01-31", "2026-01-31\n", LONE_SURROGATE,
        1769860800, 1769860800.0, True, None, b"2026-01-31", np.datetime64("2026-01-31T12:00:00"), [2026, 1, 31],
    ]  # fmt: skip


class TestNumber(BuiltIn):
    type_name = "number"
    good = [
        (0, 0), (-1, -1), (1.5, 1.5), (-0.0, -0.0), (1e308, 1e308), (5e-324, 5e-324),
        (2**53, 2**53), (-(2**53), -(2**53)), (float(2**60), float(2**60)),
        (np.float32(0.5), 0.5), (np.float64(0.1), 0.1), (np.int64(2**53), 2**53), (np.uint8(7), 7),
        (Decimal("0.5"), 0.5), (Fraction(1, 4), 0.25),
    ]  # fmt: skip
    ascending = [-1e308, -(2**53), -1.5, 0, 5e-324, 1, 9, 10, 2**53, 1e308]
    bad = [
        *NO_NUMBERS, 2**53 + 1, -(2**53) - 1, 10**400, -(10**400), np.int64(2**53 + 1), np.uint64(2**64 - 1),
        Decimal(2**53 + 1), Decimal("1e400"), Decimal("NaN"), Decimal("sNaN"), Fraction(10**400), HugeInteger(10**400),
        np.float32("nan"), np.float64("inf"), np.True_, np.str_("1.5"), np.complex128(1 + 2j),
        np.array([1.0]), np.array([1, 2]), np.datetime64("2026-01-31"), np.timedelta64(5, "s"),
    ]  # fmt: skip


UUID_TEXT = "8ad58157-ca74-4ae4-8f37-a0193430bcac"
UUID_FORMS = [
    UUID_TEXT, UUID_TEXT.upper(), UUID_TEXT.replace("-", ""), f"{{{UUID_TEXT}}}", f"urn:uuid:{UUID_TEXT}",
    UUID(UUID_TEXT),
]  # fmt: skip


class TestUuid(BuiltIn):
    type_name = "uuid"
    good = [(form, UUID_TEXT) for form in UUID_FORMS]
    ascending = ["0" * 32, UUID_TEXT.upper(), UUID_TEXT.replace("bcac", "bcad"), "f" * 32]
    bad = [
        "", " ", UUID_TEXT[:-1], f"{UUID_TEXT}0", f" {UUID_TEXT}", f"{UUID_TEXT}\n", UUID_TEXT.replace("8", "g"),
        "0" * 31, f"+{'0' * 31}", f"1_{'0' * 30}", "０" * 32, UUID_TEXT.replace("-", ":"), UUID(UUID_TEXT).bytes,
        UUID(UUID_TEXT).int, None, True, [UUID_TEXT], LONE_SURROGATE,
    ]  # fmt: skip


class TestVarchar(BuiltIn):
    type_name = "varchar"
    good = [
        (text, text)
        for text in (
            "",
            " ",
            "Algiers",
            "Zürich 東京 🚌",
            "two\nlines",
            "x" * 8192,
            "🚌" * 8192,
            "null",
            "0\0",
        )
    ] + [(np.str_("Algiers"), "Algiers")]
    ascending = ["", "Z", "a", "é", "東", "🚌"]
    bad = ["x" * 8193, "é" * 8193, LONE_SURROGATE, 1, 1.0, True, None, b"Algiers", ["Algiers"], {}, math.nan]


class TestText(BuiltIn):
    type_name = "text"
    good = [(text, text) for text in ("", "a story", "x" * 8193, "🚌" * 100_000, "two\nlines\r\n\ttabs")]
    ascending = ["Z", "a", "東", "🚌"]
    bad = [LONE_SURROGATE, "x" * 10_000 + "\udfff", 1, True, None, b"text", ["text"], {"a": "b"}]


class TestEnum(BuiltIn):
    type_name = "enum"
    parameters = {"options": ["sun", "rain", "Rain", "a\nb", "é" * 8192]}
    bad_parameters = [
        {}, {"options": []}, {"options": None}, {"options": "sun"}, {"options": {"sun": 1}}, {"options": [1]},
        {"options": ["sun", "sun"]}, {"options": ["a\nb", "a\nb"]}, {"options": ["sun", ""]}, {"options": [" "]},
        {"options": [LONE_SURROGATE]}, {"options": ["x" * 8193]}, {"options": [f"option {n}" for n in range(257)]},
        {"options": ["sun"], "size": 3}, {"size": 3},
    ]  # fmt: skip
    good = [(option, option) for option in parameters["options"]] + [(np.str_("sun"), "sun")]
    ascending = ["Rain", "rain", "sun"]
    bad = ["snow", "SUN", " sun", "", 0, 1, True, None, ["sun"], {"sun"}, b"sun", LONE_SURROGATE, math.nan]


class TestEnumOfManyOptions(BuiltIn):
    type_name = "enum"
    parameters = {"options": [f"option {number}" for number in range(256)]}
    good = [("option 0", "option 0"), ("option 255", "option 255")]
    ascending = ["option 0", "option 10", "option 9"]
    bad = ["option 256", "option"]


class TestEmbedding(BuiltIn):
    type_name = "embedding"
    parameters = {"size": 3}
    bad_parameters = [
        {}, {"size": 0}, {"size": -1}, {"size": 4097}, {"size": True}, {"size": "512"}, {"size": 512.0},
        {"size": None}, {"size": 10**400}, {"size": [3]}, {"size": 3, "options": ["a"]}, {"options": ["a"]},
    ]  # fmt: skip
    good = [
        ([1, 2, 3], [1.0, 2.0, 3.0]),
        ((0.5, -0.0, 1e-300), [0.5, -0.0, 1e-300]),
        (np.array([1, 2, 3]), [1.0, 2.0, 3.0]),
        (np.array([0.5, 0.25, 0], dtype=np.float16), [0.5, 0.25, 0.0]),
        (list(np.array([0.5, 0.25, 0], dtype=np.float32)), [0.5, 0.25, 0.0]),
    ]
    bad = [
        [], [1, 2], [1, 2, 3, 4], [1, 2, math.nan], [1, 2, math.inf], [1, 2, -math.inf], [1, 2, True],
        [1, 2, "3"], [1, 2, None], [1, 2, [3]], [1, 2, 10**400], [1, 2, 3j], "123", b"123", {1, 2, 3},
        {"0": 1, "1": 2, "2": 3}, 3, None, True, range(3), iter([1, 2, 3]),
        np.zeros((1, 3)), np.zeros((3, 1)), np.zeros(2), np.array(3.0), np.array([1, 2, np.nan]),
        np.array([True, False, True]), np.array(["1", "2", "3"]),
    ]  # fmt: skip


class TestLargestEmbedding(BuiltIn):
    type_name = "embedding"
    parameters = {"size": 4096}
    good = [([0] * 4096, [0.0] * 4096)]
    bad = [[0] * 4095, [0] * 4097]


PLACE_FORMS = [
    {"latitude": 36.75, "longitude": 3}, {"longitude": 3.0, "latitude": 36.75}, [36.75, 3], (36.75, 3.0),
    "36.75, 3", "36.75,3.0", np.array([36.75, 3]), [np.float32(36.75), Decimal(3)],
]  # fmt: skip


class TestGeospatial(BuiltIn):
    type_name = "geospatial"
    good = [
        *((form, {"latitude": 36.75, "longitude": 3.0}) for form in PLACE_FORMS),
        ([90, 180], {"latitude": 90.0, "longitude": 180.0}),
        ([-90, -180], {"latitude": -90.0, "longitude": -180.0}),
    ]
    bad = [
        [90.1, 0], [-90.1, 0], [0, 180.1], [0, -180.1], "90.1, 0", "0, -180.1", {"latitude": 91, "longitude": 0},
        [math.nan, 0], [0, math.nan], "nan, 0", [math.inf, 0], "0, -inf", {"latitude": math.nan, "longitude": 0},
        [10**400, 0], [], [1], [1, 2, 3], "1", "1, 2, 3", "", "north, west", ["1", "2"], [True, False], [np.True_, 1],
        [None, 0], [[1, 2]], {}, {"latitude": 1}, {"latitude": 1, "longitude": 2, "altitude": 3},
        {"lat": 1, "lon": 2}, {"latitude": None, "longitude": 2}, {"latitude": True, "longitude": 2},
        {"latitude": "north", "longitude": 2}, {1.0, 2.0}, b"\x01\x02", iter([1, 2]), 1, None, True,
        np.array([[1, 2]]), np.array([1, np.nan]),
    ]  # fmt: skip


def encode(type_name, value, **parameters):
    codec = PLUGINS.load(PLUGINS.metadata_type(type_name))
    return codec.encoder(codec.parameters(parameters))(value)


def test_the_nine_types_of_the_specification_are_there():
    names = "boolean datetime embedding enum geospatial number text uuid varchar"
    assert (
        sorted(kind.name for kind in PLUGINS.contributions(type(PLUGINS.metadata_type("text"))))
        == names.split()
    )


@pytest.mark.parametrize(("alias", "name"), [("string", "varchar"), ("long_string", "text")])
def test_alias_leads_to_its_type(alias, name):
    assert PLUGINS.metadata_type(alias) is PLUGINS.metadata_type(name)


@pytest.mark.parametrize("name", ["boolean", "datetime", "number", "uuid", "varchar", "text", "geospatial"])
def test_scalar_type_refuses_parameters(name):
    codec = PLUGINS.load(PLUGINS.metadata_type(name))
    with pytest.raises(ValueError, match="takes no parameters, got size"):
        codec.parameters({"size": 3})


@pytest.mark.slow
@given(st.datetimes(timezones=st.timezones(), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))
def test_text_order_of_stored_datetimes_is_time_order(moment):
    in_utc = moment.astimezone(UTC)
    assert encode("datetime", moment) < encode("datetime", in_utc + timedelta(microseconds=1))
    assert datetime.fromisoformat(encode("datetime", moment)) == in_utc


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_is_kept_to_the_last_bit(number):
    assert encode("number", number).hex() == number.hex()


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_every_integer_that_a_float_holds_is_kept(number):
    assert encode("number", number) == number == float(encode("number", number))


@given(st.uuids())
def test_every_uuid_is_stored_in_one_form(value):
    assert (
        encode("uuid", value) == encode("uuid", value.hex.upper()) == encode("uuid", value.urn) == str(value)
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_every_unicode_text_is_kept_as_it_is(text):
    assert encode("varchar", text) == encode("text", text) == text


def test_a_date_alone_is_midnight_utc_and_a_naive_time_is_refused():
    assert encode("datetime", "2026-01-31") == "2026-01-31T00:00:00.000000Z"
    with pytest.raises(ValueError, match="UTC offset"):
        encode("datetime", "2026-01-31T00:00:00")


def test_a_datetime_whose_zone_knows_no_offset_is_naive():
    class Nowhere(tzinfo):
        def utcoffset(self, moment):
            return None

    with pytest.raises(ValueError, match="UTC offset"):
        encode("datetime", datetime(2026, 1, 31, tzinfo=Nowhere()))


def test_an_impossible_offset_is_explained_in_our_words():
    with pytest.raises(ValueError, match=r"^expected ISO 8601"):
        encode("datetime", "2026-01-31T12:00:00+25:00")


def test_a_large_integer_is_sent_to_varchar():
    with pytest.raises(ValueError, match=r"2\*\*53 .*varchar"):
        encode("number", 2**53 + 1)


def test_enum_names_the_first_options_in_one_line():
    with pytest.raises(ValueError, match=r"expected one of o0, o1, .*o7, …") as refusal:
        encode("enum", "snow", options=[f"o{number}" for number in range(20)])
    assert "o8" not in str(refusal.value)


def test_embedding_says_how_many_numbers_came():
    with pytest.raises(ValueError, match="expected 3 numbers, got 2"):
        encode("embedding", [1, 2], size=3)


def test_python_dates_are_midnight_in_utc_as_their_text_is():
    assert (
        encode("datetime", date(2026, 1, 31))
        == encode("datetime", "2026-01-31")
        == "2026-01-31T00:00:00.000000Z"
    )
