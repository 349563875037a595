"""References: each verb takes a record, a UUID or a name, one or many, and says what it takes where it gets something else."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from heron.answers import Added
from heron.catalog.referring import FOLDER, ITEM
from heron.errors import InvalidInput, NotFound
from heron.models import DatasetRow, MediaFacts, NewItem, Query
from tests.counting import statements


@pytest.fixture
def workspace(workspace):
    new = [
        NewItem(f"s3://lake/{name}.mp4", MediaFacts("video", "video/mp4", frame_count=9), name)
        for name in ("quay", "dune", "twin", "twin")
    ]
    workspace.registration.register(new, "A/B")
    return workspace


@pytest.fixture
def quay(workspace):
    return workspace.items.get("quay")


def spellings(workspace, item):
    """An item in every form in which it can be given."""
    workspace.frames.add(item, [(0, 0.0, True)])
    frame = workspace.frames.get(item, 0)
    return [item, frame, DatasetRow(0, item), item.uuid, item.uuid.upper(), UUID(item.uuid), item.name]


def test_an_item_is_meant_by_record_frame_row_uuid_and_name(workspace, quay):
    for given in spellings(workspace, quay):
        assert workspace.items.get(given).uuid == quay.uuid


def test_one_item_is_deleted_by_its_uuid_which_is_no_sequence_of_letters(workspace, quay):
    assert workspace.items.delete(quay.uuid) == 1
    assert workspace.items.find(quay.uuid) is None


def test_every_bulk_verb_takes_one_thing_as_it_takes_many(workspace, quay):
    workspace.schema.add_embedding("look", 2)
    workspace.collections.create("c")
    workspace.datasets.create("d")
    for given in [*spellings(workspace, quay), [quay.uuid], (x for x in [quay])]:
        again = list(given) if not isinstance(given, str) and hasattr(given, "__next__") else given
        assert workspace.collections.add("c", again) == Added(1, 0)
        assert workspace.collections.remove("c", again) == 1
        assert workspace.datasets.add("d", again) == Added(1, 0)
        assert workspace.datasets.remove("d", again) == 1
        assert workspace.metadata.merge_all(again, {"a": 1}) == 1
        assert workspace.metadata.replace_all(again, {"a": 2}) == 1
        assert workspace.items.move(again, "A") == 1
        assert workspace.vectors.add("look", again, [[1, 2]]).kept == 1
        assert workspace.vectors.remove("look", again) == 1
        assert [item.uuid for item in workspace.embed.chosen(again)] == [quay.uuid]
        assert workspace.pictures.make(again).failed == 1  # there is no such bucket
        assert workspace.pictures.contact_sheet(again).mode == "RGB"
    workspace.collections.create("one", items=quay.uuid)
    workspace.datasets.create("one", items=quay)
    assert workspace.collections.get("one").item_count == workspace.datasets.get("one").row_count == 1


def test_metadata_is_written_by_any_reference_as_key(workspace, quay):
    workspace.metadata.replace({quay.uuid.upper(): {"a": 1}, "dune": {"b": 2}})
    workspace.metadata.merge([(quay, {"c": 3}), ("quay", {"c": 4}), (UUID(quay.uuid), {"d": 5})])
    assert workspace.items.get(quay).metadata == {"a": 1, "c": 4, "d": 5}
    assert workspace.items.get("dune").metadata == {"b": 2}


def test_a_name_of_several_items_is_refused_with_their_number(workspace):
    for verb in (workspace.items.get, workspace.items.find, workspace.items.delete):
        with pytest.raises(InvalidInput, match="2 items are called 'twin'") as refusal:
            verb("twin")
        assert "UUID" in refusal.value.hint
    assert workspace.items.count() == 4


def test_a_stale_record_is_not_found_by_its_name(workspace, quay):
    workspace.items.delete(quay)
    workspace.registration.register([NewItem(quay.url, quay.facts, "quay")], "A")
    with pytest.raises(NotFound, match=quay.uuid):
        workspace.items.delete(quay)
    with pytest.raises(NotFound, match=quay.uuid):
        workspace.items.get(quay)
    assert workspace.items.get("quay").uuid != quay.uuid


def test_an_item_whose_name_is_a_uuid_is_found_by_that_too(workspace, quay):
    workspace.items.rename(quay, name := str(uuid4()))
    assert workspace.items.get(name).uuid == quay.uuid
    assert workspace.items.move([name], "A") == 1


@pytest.mark.parametrize("wrong", [None, 7, 1.5, b"abc", {"uuid": "x"}, object(), Query()])
def test_what_is_no_reference_is_refused_with_what_is_taken(workspace, wrong):
    verbs = [
        lambda w: w.items.get(wrong),
        lambda w: w.items.delete(wrong),
        lambda w: w.items.delete([wrong]),
        lambda w: w.items.move(wrong, "A"),
        lambda w: w.collections.create("c", items=wrong),
        lambda w: w.metadata.merge_all(wrong, {}),
        lambda w: w.folders.get(wrong),
        lambda w: w.collections.get(wrong),
        lambda w: w.datasets.get(wrong),
        lambda w: w.presets.get(wrong),
        lambda w: w.integrations.get(wrong),
        lambda w: w.storage.of(wrong),
    ]
    for verb in verbs:
        with pytest.raises(InvalidInput) as refusal:
            verb(workspace)
        assert (
            "is not a reference to" in refusal.value.message and type(wrong).__name__ in refusal.value.message
        )
        assert refusal.value.hint.startswith("give a")
    assert workspace.items.count() == 4


def test_a_record_of_another_noun_is_refused(workspace, quay):
    with pytest.raises(InvalidInput, match="not a reference to a folder"):
        workspace.folders.get(quay)
    with pytest.raises(InvalidInput, match="not a reference to an item"):
        workspace.items.get(workspace.folders.get("A"))


def test_other_nouns_are_meant_by_record_uuid_and_name(workspace, quay):
    folder = workspace.folders.get("A/B")
    collection = workspace.collections.create("c")
    dataset = workspace.datasets.create("d")
    integration = workspace.integrations.create("i", "local")
    preset = workspace.presets.create("p", Query(folder=folder))
    job = workspace.imports._start("src", folder, {})
    for noun, record, name in [
        ("folders", folder, "A/B"), ("folders", folder, "/A/B/"), ("collections", collection, "c"),
        ("datasets", dataset, "d"), ("integrations", integration, "i"), ("imports", job, str(job.id)),
        ("imports", job, job.id),
    ]:  # fmt: skip
        service = getattr(workspace, noun)
        for given in (record, record.uuid, record.uuid.upper(), UUID(record.uuid), name):
            assert service.get(given).uuid == record.uuid
            assert service.find(given).uuid == record.uuid
        assert service.find("nothing of that name") is None
        assert service.find(str(uuid4())) is None
    assert workspace.presets.get(preset) == workspace.presets.get("p")
    assert workspace.presets.find("q") is None
    assert preset.query.folder == "A/B"
    assert workspace.imports.get(workspace.imports.report(job)).uuid == job.uuid
    assert workspace.search.count(folder=folder) == workspace.search.count(folder=UUID(folder.uuid)) == 4


def test_a_folder_that_is_meant_by_a_uuid_is_not_made(workspace):
    with pytest.raises(NotFound):
        workspace.folders.ensure(str(uuid4()))
    assert workspace.folders.ensure("new/one").path == "new/one"


def test_one_frame_number_is_taken_as_many_are(workspace, quay):
    workspace.frames.set(quay, 3)
    workspace.frames.set(quay, [4, 5])
    assert workspace.frames.delete(quay, 3) == 1
    assert workspace.frames.delete(quay, range(4, 6)) == 2
    for wrong in ("3", ["3"], 1.5, True):
        with pytest.raises(InvalidInput, match="is not a frame"):
            workspace.frames.delete(quay, wrong)


def test_bulk_look_ups_go_by_bundles(workspace):
    facts = MediaFacts("image", "image/jpeg")
    workspace.registration.register((NewItem(f"s3://lake/{n}.jpg", facts, f"n{n}") for n in range(3000)), "C")
    items = list(workspace.items.list(folder="C"))
    for given in (
        [item.uuid.upper() for item in items],
        [item.name for item in items],
        [x.name if n % 2 else x for n, x in enumerate(items)],
    ):
        found = []
        asked = statements(workspace._database, lambda: found.extend(workspace.items._ids(given)))  # noqa: B023
        assert found == [item.id for item in items]
        assert len(asked) < 60, "and not one look-up for each"


def test_nouns_say_what_they_take():
    assert (ITEM.key("A-name"), FOLDER.key("x/y")) == ("A-name", "x/y")
