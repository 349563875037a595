"""The contract of metadata types."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from heron.hooks.interfaces import RangeCodec, ShownCodec
from heron.testing.contracts import RecordContract, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heron.hooks import Codec, Contribution, MetadataType
    from heron.hooks.interfaces import Encode
    from heron.models import Json

STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 10**400, math.nan, math.inf, 1j, "", " ", "\0", "\n", "\ud800", "x" * 100_000, b"", b"\xff",
    [], [[]], [None], [math.nan], (), {}, {"a": {}}, {1: 2}, set(), frozenset({1}), object(), object, range(3), len,
)  # fmt: skip
"""Values that programs pass by mistake."""

AFFINITIES = ("text", "datetime", "loose", "number", "boolean", "json", "any")
"""What values that are shown as they are stored compare as."""

_STORED_AS: dict[str, tuple[type, ...]] = {"text": (str,), "number": (int, float), "boolean": (bool,)}


class MetadataTypeContract(RecordContract):
    """Rules for a metadata type. Set `metadata_type`, `good` and `bad`, and `parameters` if its keys have some."""

    metadata_type: ClassVar[MetadataType]
    """The record that the hook yields."""

    parameters: ClassVar[Mapping[str, Json]] = {}
    """Parameters of a key, as a user gives them."""

    bad_parameters: ClassVar[Sequence[Mapping[str, Json]]] = ()
    """Parameters that are refused."""

    good: ClassVar[Sequence[tuple[Any, Json]]]
    """Values that are accepted, each with the form in which it is stored."""

    shown: ClassVar[Sequence[tuple[Any, Json]]] = ()
    """Values of a type whose codec is a `ShownCodec`, each with the form that people see."""

    ascending: ClassVar[Sequence[Any]] = ()
    """Different values in ascending order, those whose stored forms are easily sorted wrongly among them."""

    bad: ClassVar[Sequence[Any]]
    """Values that are refused."""

    def record(self) -> Contribution:
        """The metadata type under test."""
        return self.metadata_type

    def codec(self) -> Codec:
        """The codec of the record, loaded again."""
        return self.metadata_type.load()

    def encode(self, value: Any) -> Json:
        """The stored form of a value, by a newly loaded codec."""
        return self.encoder()(value)

    def encoder(self) -> Encode:
        """The function that checks the values of one key."""
        codec = self.codec()
        return codec.encoder(codec.parameters(self.parameters))

    def test_scalar_type_needs_no_parameters(self) -> None:
        """`add_scalar` passes no parameters, so a scalar type needs none, and any other type needs some."""
        if self.metadata_type.scalar:
            assert callable(self.codec().encoder(self.codec().parameters({})))
        else:
            assert self.parameters, "a type that is not scalar is tested with parameters"

    def test_parameters_survive_json_and_a_second_check(self) -> None:
        """Parameters are written to the catalogue and checked again when a schema is exported and imported."""
        checked = self.codec().parameters(self.parameters)
        assert self.codec().parameters(json.loads(json.dumps(checked, allow_nan=False))) == checked

    def test_bad_parameters_are_refused_with_a_reason(self) -> None:
        """An impossible key is refused when it is created, not when the first value is set."""
        for parameters in self.bad_parameters:
            with pytest.raises(ValueError) as refusal:
                pytest.fail(f"{str(parameters)[:80]} became {self.codec().parameters(parameters)}")
            reason_of(refusal.value)

    def test_good_values_are_stored_as_promised(self) -> None:
        """Each good value is stored in exactly the expected form; 1, 1.0 and true are different forms."""
        assert self.good, "give some good values"
        encode = self.encoder()
        for value, stored in self.good:
            assert _written(encode(value)) == _written(stored), f"{str(value)[:80]} is stored differently"

    def test_stored_values_are_encoded_to_themselves(self) -> None:
        """A value read from the catalogue can be written back unchanged."""
        encode = self.encoder()
        for value, _ in self.good:
            stored = _written(encode(value))
            assert _written(encode(json.loads(stored))) == stored

    def test_stored_values_fit_the_affinity(self) -> None:
        """SQL compares stored values as the affinity says, so they must be of that type."""
        affinity = self.metadata_type.affinity
        assert affinity in {*_STORED_AS, "json"}
        assert affinity == "text" or not self.metadata_type.full_text, (
            "only text can be searched word by word"
        )
        for value, _ in self.good:
            stored = json.loads(_written(self.encode(value)))
            assert affinity == "json" or type(stored) in _STORED_AS[affinity], f"{stored!r} is no {affinity}"

    def test_ascending_values_are_stored_in_ascending_order(self) -> None:
        """Conditions and sorts compare stored values as SQLite does: text by its characters in UTF-8, `9` after `10`."""
        if not self.metadata_type.ordered or self.metadata_type.affinity == "json":
            assert not self.ascending, "a type without an order has no ascending values"
            return
        assert len(self.ascending) > 1 or self.metadata_type.affinity == "boolean", (
            "give some ascending values, or say in the record that the type has no order: ordered=False"
        )
        encode = self.encoder()
        keys = [_sort_key(json.loads(_written(encode(value)))) for value in self.ascending]
        for before, after, value in zip(keys, keys[1:], self.ascending[1:], strict=False):
            assert before < after, f"{str(value)[:80]} is not sorted after the value before it"

    def test_bounds_of_ranges_are_encoded_as_values_are(self) -> None:
        """`key < LITERAL` compares with the form in which the literal would be stored."""
        codec = self.codec()
        if isinstance(codec, RangeCodec):
            encode, encode_bound = self.encoder(), codec.bound_encoder(codec.parameters(self.parameters))
            for value, _ in self.good:
                assert _written(encode_bound(value)) == _written(encode(value))

    def test_shown_values_are_the_ones_promised_and_can_be_written_back(self) -> None:
        """People copy what they see: what is shown is JSON, and is encoded to what was stored."""
        codec = self.codec()
        if not isinstance(codec, ShownCodec):
            assert not self.shown, "the codec has no decoder"
            return
        assert self.shown, "give some values with the form that people see"
        assert not self.metadata_type.full_text, (
            "words are looked for in what is stored, so that is what is shown"
        )
        assert self.metadata_type.compares not in AFFINITIES, (
            "what is stored is not what is shown, so it compares with its like only: leave out `compares`"
        )
        encode, decode = self.encoder(), codec.decoder(codec.parameters(self.parameters))
        for value, shown in self.shown:
            assert _written(decode(encode(value))) == _written(shown), (
                f"{str(value)[:80]} is shown differently"
            )
        for value in [value for value, _ in self.good] + list(self.ascending):
            stored = _written(encode(value))
            seen = json.loads(_written(decode(json.loads(stored))))
            assert _written(encode(seen)) == stored, f"{str(value)[:80]} is changed when it is written back"

    def test_encoding_leaves_the_value_alone(self) -> None:
        """The value belongs to the caller, who may give it to several items."""
        encode = self.encoder()
        for value, _ in self.good:
            before = repr(value)
            encode(value)
            assert repr(value) == before

    def test_bad_values_are_refused_with_a_reason(self) -> None:
        """A refusal is a ValueError with a text that fits into one line of a report."""
        assert len(self.bad), "give some bad values"
        encode = self.encoder()
        for value in self.bad:
            with pytest.raises(ValueError) as refusal:
                pytest.fail(f"{type(value).__name__} {repr(value)[:80]} is stored as {encode(value)!r:.80}")
            reason_of(refusal.value)

    def test_strange_values_are_stored_or_refused_and_nothing_else(self) -> None:
        """No value raises another error than ValueError, and every stored value is valid JSON."""
        encode = self.encoder()
        for value in STRANGE:
            try:
                stored = encode(value)
            except ValueError as refusal:
                reason_of(refusal)
            else:
                assert _written(encode(json.loads(_written(stored)))) == _written(stored)

    def test_encoders_of_two_keys_are_independent(self) -> None:
        """One codec serves many keys and many threads, so an encoder keeps no state."""
        codec = self.codec()
        first, second = (codec.encoder(codec.parameters(self.parameters)) for _ in range(2))
        for value, _ in [*self.good, *reversed(self.good)]:
            assert _written(first(value)) == _written(second(value))


def _written(value: Json) -> str:
    """The value as JSON text in UTF-8; fails if JSON cannot represent it."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    return text


def _sort_key(stored: Json) -> Any:
    """What SQLite compares a stored value by."""
    return stored.encode() if isinstance(stored, str) else stored
