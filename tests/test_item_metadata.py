"""Metadata of items: replaced or merged, a bundle whole or not at all, checked by the schema, and verified afterwards."""

from __future__ import annotations

import math

import pytest

from heron.answers import Verification
from heron.errors import MetadataError, NotFound
from heron.models import MAX_METADATA, MediaFacts, NewItem

UNKNOWN = "01a1fc7f-6634-7b8f-8ffa-50166ba72775"
UNKNOWN_KEY = "the schema does not know this key"


@pytest.fixture
def workspace(workspace):
    workspace.schema.add_scalar("speed", "number")
    workspace.schema.add_scalar("seen", "datetime")
    workspace.schema.add_enum("weather", ["sun", "rain"])
    return workspace


def register(workspace, count=1, folder="A", **fields):
    facts = MediaFacts("video", "video/mp4", frame_count=90)
    new = (NewItem(f"s3://lake/{number}.mp4", facts, **fields) for number in range(count))
    workspace.registration.register(new, folder)
    return list(workspace.items.list(folder=folder))


def stored(workspace, item):
    return workspace.items.get(item).metadata


def all_stored(workspace):
    return [item.metadata for item in workspace.items.list()]


# Replace and merge


def test_replace_leaves_nothing_of_what_was_there(workspace):
    (item,) = register(workspace, metadata={"speed": 1, "weather": "sun"})
    assert workspace.metadata.replace({item.uuid: {"speed": 2}}) == 1
    assert stored(workspace, item) == {"speed": 2}


def test_merge_keeps_other_keys(workspace):
    (item,) = register(workspace, metadata={"speed": 1, "weather": "sun"})
    assert workspace.metadata.merge({item.uuid: {"speed": 2, "note": "x"}}) == 1
    assert stored(workspace, item) == {"speed": 2, "weather": "sun", "note": "x"}


def test_merge_takes_a_key_away_that_is_given_as_none(workspace):
    (item,) = register(workspace, metadata={"speed": 1, "note": "x"})
    workspace.metadata.merge({item.uuid: {"speed": None, "note": None, "never there": None}})
    assert stored(workspace, item) == {}


def test_replace_leaves_out_a_key_that_is_given_as_none(workspace):
    (item,) = register(workspace, metadata={"speed": 1})
    workspace.metadata.replace({item.uuid: {"speed": None, "weather": "sun"}})
    assert stored(workspace, item) == {"weather": "sun"}


def test_merging_a_nested_value_replaces_it_whole(workspace):
    (item,) = register(workspace, metadata={"box": {"x": 1, "y": 2}})
    workspace.metadata.merge({item.uuid: {"box": {"x": 3}}})
    assert stored(workspace, item) == {"box": {"x": 3}}


def test_keys_that_differ_in_case_are_two_keys(workspace):
    (item,) = register(workspace)
    workspace.metadata.merge({item.uuid: {"City": "Algiers", "city": "Oran"}})
    assert stored(workspace, item) == {"City": "Algiers", "city": "Oran"}


def test_values_are_stored_in_the_form_of_their_type(workspace):
    (item,) = register(workspace)
    workspace.metadata.merge({item.uuid: {"seen": "2026-01-31T13:00:00+01:00"}})
    assert stored(workspace, item) == {"seen": "2026-01-31T12:00:00.000000Z"}


def test_a_key_that_the_schema_does_not_know_is_kept_and_can_be_filtered(workspace):
    first, _ = register(workspace, 2)
    odd = {"odd key, 東京": "x", "nested": {"a": [1, None, {"b": True}]}}
    workspace.metadata.merge({first.uuid: odd})
    assert stored(workspace, first) == odd
    assert workspace.schema.unknown_keys() == ["nested", "odd key, 東京"]
    assert [item.uuid for item in workspace.search(where="\"odd key, 東京\" = 'x'")] == [first.uuid]


def test_writing_metadata_moves_the_time_of_change(workspace):
    (item,) = register(workspace)
    workspace.metadata.merge({item.uuid: {"speed": 1}})
    after = workspace.items.get(item)
    assert after.updated_at > item.updated_at
    assert after.created_at == item.created_at


def test_items_are_named_by_record_by_uuid_and_in_upper_case(workspace):
    first, second, third = register(workspace, 3)
    pairs = [(first, {"speed": 1}), (second.uuid, {"speed": 2}), (third.uuid.upper(), {"speed": 3})]
    assert workspace.metadata.merge(pairs) == 3
    assert [metadata["speed"] for metadata in all_stored(workspace)] == [1, 2, 3]


def test_an_item_named_twice_gets_both_updates_in_their_order_and_counts_once(workspace):
    (item,) = register(workspace, metadata={"old": 1})
    pairs = [(item, {"a": 1, "b": 1}), (item.uuid.upper(), {"b": 2, "old": None})]
    assert workspace.metadata.merge(pairs) == 1
    assert stored(workspace, item) == {"a": 1, "b": 2}
    assert workspace.metadata.replace(pairs) == 1
    assert stored(workspace, item) == {"b": 2}


def test_the_same_metadata_for_the_items_of_a_folder(workspace):
    register(workspace, 3, "A")
    register(workspace, 2, "A/B", metadata={"note": "x"})
    register(workspace, 1, "C")
    assert workspace.metadata.merge_all(workspace.items.list(folder="A"), {"weather": "sun"}) == 5
    assert all_stored(workspace)[3:] == [{"note": "x", "weather": "sun"}] * 2 + [{}]
    flat = workspace.items.list(folder="A", recursive=False)
    assert workspace.metadata.replace_all(flat, {"weather": "rain"}) == 3
    assert [metadata.get("weather") for metadata in all_stored(workspace)] == ["rain"] * 3 + ["sun"] * 2 + [
        None
    ]


def test_no_updates_are_no_error(workspace):
    assert workspace.metadata.merge({}) == 0
    assert workspace.metadata.replace(iter(())) == 0


# Refusals


@pytest.mark.parametrize("value", ["fast", True, math.nan, math.inf, [1]])
def test_a_wrong_value_is_refused_with_item_key_value_and_type(workspace, value):
    (item,) = register(workspace, metadata={"speed": 1})
    with pytest.raises(MetadataError) as refusal:
        workspace.metadata.merge({item.uuid: {"speed": value}})
    message = str(refusal.value)
    assert all(part in message for part in ("0.mp4", "'speed'", "number", repr(value)))
    assert len(message.splitlines()) == 1
    assert stored(workspace, item) == {"speed": 1}


@pytest.mark.parametrize("key", ["", "  ", 7, None, "\ud800"])
def test_an_impossible_key_is_refused(workspace, key):
    (item,) = register(workspace)
    with pytest.raises(MetadataError, match="metadata key"):
        workspace.metadata.merge({item.uuid: {key: "x"}})


def test_an_unknown_item_is_refused(workspace):
    (item,) = register(workspace)
    with pytest.raises(NotFound, match=UNKNOWN):
        workspace.metadata.merge({item.uuid: {"speed": 1}, UNKNOWN: {"speed": 1}})
    assert stored(workspace, item) == {}


def test_merging_does_not_stumble_over_an_old_value_that_the_schema_no_longer_takes(workspace):
    (item,) = register(workspace, metadata={"mood": "calm"})
    workspace.schema.add_scalar("mood", "number")
    workspace.metadata.merge({item.uuid: {"speed": 1}})
    assert stored(workspace, item) == {"mood": "calm", "speed": 1}


def test_metadata_of_10_mb_is_taken_and_of_one_byte_more_refused(workspace):
    (item,) = register(workspace)
    frame = len('{"a":"","b":""}')
    half = "x" * (MAX_METADATA // 2)
    rest = "é" * ((MAX_METADATA - frame - len(half)) // 2)
    text = half + "x" * ((MAX_METADATA - frame - len(half)) % 2)
    workspace.metadata.merge({item.uuid: {"a": text, "b": rest}})
    with pytest.raises(MetadataError, match=r"0\.mp4: metadata has 10,485,761 bytes, at most 10,485,760"):
        workspace.metadata.merge({item.uuid: {"a": text + "x"}})
    assert stored(workspace, item) == {"a": text, "b": rest}


def test_the_limit_is_of_all_metadata_together_not_of_one_update(workspace):
    (item,) = register(workspace, metadata={"a": "x" * (MAX_METADATA // 2)})
    with pytest.raises(MetadataError, match="10,485,760"):
        workspace.metadata.merge({item.uuid: {"b": "x" * (MAX_METADATA // 2)}})
    assert set(stored(workspace, item)) == {"a"}


# Bundles


@pytest.mark.parametrize("position", [0, 500, 999])
def test_a_bundle_with_a_fault_is_not_applied_at_all(workspace, position):
    items = register(workspace, 1000)
    updates = [(item, {"speed": number}) for number, item in enumerate(items)]
    updates[position] = (items[position], {"speed": "fast"})
    with pytest.raises(MetadataError) as refusal:
        workspace.metadata.merge(updates)
    assert refusal.value.hint is None
    assert all_stored(workspace) == [{}] * 1000


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["merge", "replace"])
@pytest.mark.parametrize("fault", ["value", "item"])
def test_a_fault_at_item_1500_leaves_1000_updated_and_says_so(workspace, verb, fault):
    items = register(workspace, 2500)
    updates = [(item, {"speed": number}) for number, item in enumerate(items)]
    updates[1500] = (items[1500], {"speed": "fast"}) if fault == "value" else (UNKNOWN, {"speed": 1})
    with pytest.raises(MetadataError if fault == "value" else NotFound) as refusal:
        getattr(workspace.metadata, verb)(updates)
    assert refusal.value.hint == "the 1,000 items before this batch of 1000 were updated, none of the batch"
    assert all_stored(workspace) == [{"speed": number} for number in range(1000)] + [{}] * 1500


def test_a_faulty_bundle_leaves_no_unknown_keys_behind(workspace):
    first, second = register(workspace, 2)
    with pytest.raises(MetadataError):
        workspace.metadata.merge({first.uuid: {"new key": 1}, second.uuid: {"speed": "fast"}})
    assert workspace.schema.unknown_keys() == []


# Verification


def test_verify_finds_nothing_where_everything_follows_the_schema(workspace):
    register(workspace, 3, metadata={"speed": 1, "weather": "sun"})
    assert list(workspace.metadata.verify()) == []


def test_verify_lists_unknown_keys_and_values_that_a_changed_schema_no_longer_takes(workspace):
    (item,) = register(workspace, metadata={"speed": 1, "weather": "rain", "note": "x"})
    workspace.schema.set_from_dict({"speed": "number", "weather": {"type": "enum", "options": ["sun"]}})
    found = list(workspace.metadata.verify())
    assert found == [
        Verification(item.uuid, "weather", "rain", "expected one of sun, got 'rain' (key type: enum)"),
        Verification(item.uuid, "note", "x", UNKNOWN_KEY),
    ]


def test_a_schema_change_drops_nothing_and_taking_it_back_makes_all_well_again(workspace):
    (item,) = register(workspace, metadata={"speed": 1, "weather": "rain"})
    before = workspace.schema.to_dict()
    workspace.schema.set_from_dict({"speed": "boolean"})
    assert [(row.key, row.value) for row in workspace.metadata.verify()] == [
        ("speed", 1),
        ("weather", "rain"),
    ]
    assert stored(workspace, item) == {"speed": 1, "weather": "rain"}
    workspace.schema.set_from_dict(before)
    assert list(workspace.metadata.verify()) == []


@pytest.mark.parametrize("hard", [False, True])
def test_verify_lists_the_values_of_a_deleted_key(workspace, hard):
    (item,) = register(workspace, metadata={"speed": 1})
    workspace.schema.delete_key("speed", hard=hard)
    assert list(workspace.metadata.verify()) == [Verification(item.uuid, "speed", 1, UNKNOWN_KEY)]


def test_verify_covers_folders_and_frames_too(workspace):
    (item,) = register(workspace, folder="A/B")
    workspace.folders.set_metadata("A/B", {"mood": "calm"})
    workspace.frames.add(item, [(13, 0.5, True), (14, 0.6, False)])
    workspace.frames.set_metadata(item, 13, {"weather": "rain", "speed": 3})
    workspace.schema.set_from_dict({"speed": "number", "weather": {"type": "enum", "options": ["sun"]}})
    assert list(workspace.metadata.verify()) == [
        Verification("folder A/B", "mood", "calm", UNKNOWN_KEY),
        Verification(
            f"{item.uuid}, frame 13", "weather", "rain", "expected one of sun, got 'rain' (key type: enum)"
        ),
    ]


def test_verify_covers_the_items_of_datasets(workspace):
    (item,) = register(workspace)
    workspace.datasets.create("train", items=[item])
    workspace.datasets.set_metadata("train", 0, {"note": "x"})
    assert list(workspace.metadata.verify()) == [Verification(item.uuid, "note", "x", UNKNOWN_KEY)]


def test_verify_leaves_herons_own_blocks_alone(workspace):
    register(workspace, metadata={"keyframes": [13], "$heron": {"config": {}}, "$encord": {"config": {}}})
    assert list(workspace.metadata.verify()) == []


def test_verify_reads_more_items_than_a_page(workspace):
    register(workspace, 2300, metadata={"note": "x"})
    assert sum(1 for _ in workspace.metadata.verify()) == 2300
