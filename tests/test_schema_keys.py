"""The schema's keys: adding, deleting and restoring them, and their indexes."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

import heron
from heron.errors import AlreadyExists, MetadataError, NotFound
from heron.hooks import PluginManager
from heron.metadata.schema import Schema

LETTERS = string.ascii_letters + string.digits + " -_."


SCALARS = ["boolean", "datetime", "number", "uuid", "varchar", "text", "geospatial"]


PLUGINS = PluginManager(builtin=["heron.metadata.types"], discover=False)


@pytest.fixture
def schema():
    return Schema(lambda: PLUGINS)


@pytest.fixture
def full(schema):
    """A schema with a key of every type."""
    for name in SCALARS:
        schema.add_scalar(f"a {name}", name)
    schema.add_enum("weather", ["sun", "rain"])
    schema.add_embedding("clip", 512)
    return schema


def is_reserved(key):
    return "".join(c for c in key if c not in " ._-") == "keyframes"


legal_keys = st.text(alphabet=LETTERS, min_size=1, max_size=60).filter(
    lambda k: k.strip() and not is_reserved(k)
)


declarations = st.one_of(
    st.sampled_from(SCALARS),
    st.integers(1, 4096).map(lambda size: {"type": "embedding", "size": size}),
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip),
        min_size=1,
        max_size=9,
        unique=True,
    ).map(lambda options: {"type": "enum", "options": options}),
)


# Adding


@pytest.mark.parametrize("kind", SCALARS)
def test_scalar_key_has_its_type(schema, kind):
    assert schema.add_scalar("key", kind) == schema.get("key") == schema.require("key")
    assert schema.require("key").type == kind


@pytest.mark.parametrize(("alias", "kind"), [("string", "varchar"), ("long_string", "text")])
def test_alias_is_stored_as_the_type_that_it_means(schema, alias, kind):
    schema.add_scalar("key", alias)
    assert schema.to_dict() == {"key": kind}


def test_uuid_keys_are_indexed_from_the_start(schema):
    assert schema.add_scalar("id", "uuid").indexed
    assert not schema.add_scalar("city", "varchar").indexed


@pytest.mark.parametrize(("kind", "verb"), [("enum", "add_enum"), ("embedding", "add_embedding")])
def test_type_with_parameters_is_no_scalar_and_the_right_verb_is_named(schema, kind, verb):
    with pytest.raises(MetadataError, match=f"key 'k': {kind} is not a scalar type .use {verb}"):
        schema.add_scalar("k", kind)


def test_unknown_type_is_refused_with_a_suggestion(schema):
    with pytest.raises(MetadataError, match=r"key 'k': .*'numbr' \(did you mean number"):
        schema.add_scalar("k", "numbr")


def test_keys_are_case_sensitive(schema):
    schema.add_scalar("City", "varchar")
    schema.add_scalar("city", "number")
    schema.delete_key("City", hard=True)
    assert schema.to_dict() == {"city": "number"}


def test_key_cannot_be_added_twice(schema):
    schema.add_scalar("city", "varchar")
    with pytest.raises(AlreadyExists, match="has a key 'city' already, of type varchar"):
        schema.add_scalar("city", "number")
    assert schema.require("city").type == "varchar"


@pytest.mark.parametrize("size", [0, -1, 4097, True, "512", 512.0, None])
def test_impossible_size_is_refused_with_the_key(schema, size):
    with pytest.raises(MetadataError, match="key 'clip': embedding takes a size from 1 to 4096"):
        schema.add_embedding("clip", size)
    assert schema.keys() == []


@pytest.mark.parametrize("options", [[], ["a", "a"], [""], [1], [f"{n}" for n in range(257)]])
def test_impossible_options_are_refused_with_the_key(schema, options):
    with pytest.raises(MetadataError, match="key 'weather': enum "):
        schema.add_enum("weather", options)
    assert schema.keys() == []


def test_one_text_is_one_option_and_not_its_letters(schema):
    assert schema.add_enum("weather", "sun").parameters == {"options": ["sun"]}
    assert schema.add_enum_options("weather", "rain").parameters == {"options": ["sun", "rain"]}


def test_new_options_come_behind_the_old_ones_and_known_ones_are_passed_over(schema):
    schema.add_enum("weather", ["sun", "rain"])
    key = schema.add_enum_options("weather", iter(["rain", "snow", "snow", "fog"]))
    assert key.parameters["options"] == ["sun", "rain", "snow", "fog"]
    encode = schema.encoder(key)
    assert [encode(option) for option in ("sun", "fog")] == ["sun", "fog"]


def test_enum_takes_256_options_and_no_more(schema):
    schema.add_enum("weather", [f"w{n}" for n in range(255)])
    schema.add_enum_options("weather", ["w255"])
    with pytest.raises(MetadataError, match="key 'weather': enum takes 1 to 256 options, got 257"):
        schema.add_enum_options("weather", ["w256"])
    assert len(schema.require("weather").parameters["options"]) == 256


def test_only_an_enum_gets_options(full):
    with pytest.raises(MetadataError, match="'clip' is of type embedding, only an enum has options"):
        full.add_enum_options("clip", ["a"])
    with pytest.raises(NotFound, match="did you mean 'weather'"):
        full.add_enum_options("wether", ["a"])


def test_type_of_a_plugin_can_be_added_with_its_parameters():
    class Percent:
        def parameters(self, given):
            return dict(given)

        def encoder(self, parameters):
            return float

    class Plugin:
        @heron.hookimpl
        def register_metadata_types(self):
            yield heron.MetadataType(name="percent", summary="0 to 100", affinity="number", load=Percent)

    plugins = PluginManager(builtin=["heron.metadata.types"], plugins=[Plugin()], discover=False)
    schema = Schema(lambda: plugins)
    assert schema.add_scalar("share", "percent").type == "percent"
    assert schema.add("rest", "percent", digits=2).parameters == {"digits": 2}
    schema.set_from_dict(schema.to_dict())
    assert schema.to_dict() == {"share": "percent", "rest": {"type": "percent", "digits": 2}}


# Deleting and restoring


def test_softly_deleted_key_is_out_of_force_until_restored(full):
    before = full.to_dict()
    full.delete_key("weather")
    assert full.keys() == [name for name in before if name != "weather"]
    assert "weather" not in full.to_dict()
    assert full.get("weather") is None
    with pytest.raises(NotFound):
        full.require("weather")
    assert full.restore_key("weather").parameters == {"options": ["sun", "rain"]}
    assert full.to_dict() == before


def test_softly_deleted_name_waits_for_its_key(schema):
    schema.add_scalar("city", "varchar")
    schema.delete_key("city")
    with pytest.raises(AlreadyExists, match="bring it back with heron schema restore 'city'"):
        schema.add_scalar("city", "varchar")


def test_deleting_and_restoring_keeps_the_index(schema):
    schema.add_scalar("id", "uuid")
    schema.delete_key("id")
    assert schema.restore_key("id").indexed


@pytest.mark.parametrize("soft_first", [False, True])
def test_hard_deleted_name_is_spent(schema, soft_first):
    schema.add_scalar("city", "varchar")
    if soft_first:
        schema.delete_key("city")
    schema.delete_key("city", hard=True)
    assert [key.state for key in schema.all()] == ["spent"]
    with pytest.raises(AlreadyExists, match="deleted for good"):
        schema.add_scalar("city", "varchar")
    with pytest.raises(AlreadyExists, match="deleted for good"):
        schema.set_from_dict({"city": "varchar"})
    with pytest.raises(NotFound, match="no deleted key 'city' to restore"):
        schema.restore_key("city")
    for hard in (False, True):
        with pytest.raises(NotFound):
            schema.delete_key("city", hard=hard)


def test_key_cannot_be_deleted_softly_twice(schema):
    schema.add_scalar("city", "varchar")
    schema.delete_key("city")
    with pytest.raises(NotFound):
        schema.delete_key("city")


def test_key_in_force_and_unknown_key_cannot_be_restored(schema):
    schema.add_scalar("city", "varchar")
    for name in ("city", "town"):
        with pytest.raises(NotFound, match=f"no deleted key '{name}'"):
            schema.restore_key(name)


def test_unknown_key_is_not_found_with_a_suggestion(schema):
    schema.add_scalar("weather", "varchar")
    with pytest.raises(NotFound, match=r"no key 'wether' .did you mean 'weather'"):
        schema.delete_key("wether")


def test_index_is_asked_for_and_dropped(full):
    assert full.set_indexed("a number", True).indexed
    assert not full.set_indexed("a number", False).indexed


@pytest.mark.parametrize("name", ["clip", "a geospatial"])
def test_key_that_sql_cannot_compare_cannot_be_indexed(full, name):
    with pytest.raises(MetadataError, match="cannot be indexed"):
        full.set_indexed(name, True)
    assert not full.require(name).indexed


def test_copy_can_be_changed_without_changing_the_schema(full):
    before = full.all()
    draft = full.copy()
    draft.add_enum_options("weather", ["fog"])
    draft.delete_key("clip", hard=True)
    draft.add_scalar("city", "varchar")
    assert full.all() == before


# Out and in again


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "soft", "hard", "restore"])), max_size=30
    )
)
def test_no_order_of_verbs_brings_back_a_spent_name(steps):
    schema, spent = Schema(lambda: PLUGINS), set()
    for name, verb in steps:
        in_force = set(schema.keys())
        try:
            match verb:
                case "add":
                    schema.add_scalar(name, "varchar")
                case "restore":
                    schema.restore_key(name)
                case _:
                    schema.delete_key(name, hard=verb == "hard")
        except (NotFound, AlreadyExists):
            assert set(schema.keys()) == in_force
        else:
            assert set(schema.keys()) == (
                in_force | {name} if verb in ("add", "restore") else in_force - {name}
            )
            spent |= {name} if verb == "hard" else set()
        assert not spent & set(schema.keys())
