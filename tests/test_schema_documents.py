"""The schema written out as JSON or TOML and read in again: what replacing it changes."""

from __future__ import annotations

import json
import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import MetadataError
from heron.metadata.schema import Schema, SchemaKey
from tests.test_schema_keys import PLUGINS, declarations, full, legal_keys, schema  # noqa: F401 - fixtures


def test_schema_survives_json_and_toml(full):
    data = full.to_dict()
    assert data["weather"] == {"type": "enum", "options": ["sun", "rain"]}
    assert data["clip"] == {"type": "embedding", "size": 512}
    for again in (json.loads(json.dumps(data)), tomllib.loads(tomli_w.dumps(data))):
        other = Schema(lambda: PLUGINS)
        other.set_from_dict(again)
        assert other.all() == full.all()
        assert list(other.to_dict().items()) == list(data.items())


@pytest.mark.slow
@given(st.dictionaries(legal_keys, declarations, max_size=6))
def test_any_legal_schema_round_trips(data):
    schema = Schema(lambda: PLUGINS)
    schema.set_from_dict(data)
    assert schema.to_dict() == data
    assert schema.keys() == list(data)
    from_json, from_toml = Schema(lambda: PLUGINS), Schema(lambda: PLUGINS)
    from_json.set_from_dict(json.loads(json.dumps(schema.to_dict())))
    from_toml.set_from_dict(tomllib.loads(tomli_w.dumps(schema.to_dict())))
    assert from_json.all() == schema.all()
    assert from_toml.to_dict() == data  # in another order: TOML has tables after plain values


def test_replacing_the_schema_softly_deletes_the_keys_that_are_no_longer_named(full):
    full.set_indexed("a number", True)
    full.set_from_dict({"city": "varchar", "clip": {"type": "embedding", "size": 512}})
    assert full.to_dict() == {"city": "varchar", "clip": {"type": "embedding", "size": 512}}
    assert full.restore_key("weather").parameters == {"options": ["sun", "rain"]}
    assert full.restore_key("a number").indexed


def test_replaced_schema_has_the_order_of_the_file(schema):
    schema.set_from_dict({"a": "varchar", "b": "number"})
    schema.set_from_dict({"c": "text", "b": "number", "a": "varchar"})
    assert schema.keys() == ["c", "b", "a"]


def test_replacing_the_schema_can_change_the_type_of_a_key(full):
    full.set_from_dict({"weather": "varchar"})
    assert full.require("weather") == SchemaKey("weather", "varchar", {})


def test_replacing_the_schema_keeps_indexes_of_keys_that_stay(full):
    full.set_indexed("a number", True)
    full.set_indexed("a varchar", True)
    full.set_from_dict({"a number": "number", "a varchar": "text"})
    assert full.require("a number").indexed
    assert not full.require("a varchar").indexed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"city": "varchar", "k": "colour"}, "key 'k': no metadata type is called 'colour'"),
        ({"city": "varchar", "k": {"type": "enum"}}, "key 'k': enum takes options"),
        ({"city": "varchar", "k": "enum"}, "key 'k': enum takes options"),
        (
            {"city": "varchar", "k": {"type": "number", "size": 3}},
            "key 'k': number takes no parameters, got size",
        ),
        (
            {"city": "varchar", "k": {"type": "number", "name": "x"}},
            "key 'k': number takes no parameters, got name",
        ),
        (
            {"city": "varchar", "k": {"type": "number", "self": 1}},
            "key 'k': number takes no parameters, got self",
        ),
        ({"city": "varchar", "k": {"type": "number", 5: 1}}, "key 'k': number takes no parameters, got 5"),
        ({"city": "varchar", "k": {"options": ["a"]}}, "key 'k': expected a type name"),
        ({"city": "varchar", "k": None}, "key 'k': expected a type name"),
        ({"city": "varchar", "k": ["varchar"]}, "key 'k': expected a type name"),
        ({"city": "varchar", "$k": "varchar"}, "cannot start with"),
        ({"city": "varchar", "key.frames": "varchar"}, "reserved"),
        ({"city": "varchar", 5: "varchar"}, "a metadata key is text, not int"),
        (["city"], "a schema is a table"),
        (None, "a schema is a table"),
    ],
)
def test_faulty_schema_file_changes_nothing(full, data, reason):
    before = full.all()
    with pytest.raises(MetadataError, match=reason):
        full.set_from_dict(data)
    assert full.all() == before
