"""The schema in the catalogue: one transaction an edit, kept across openings, with its indexes and its files."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

import heron
from heron.catalog.schema_files import read_schema, write_schema
from heron.errors import AlreadyExists, InvalidInput, MetadataError, NotFound
from heron.models import MediaFacts, NewItem

EVERY_TYPE = {
    "flag": "boolean",
    "seen": "datetime",
    "speed": "number",
    "track": "uuid",
    "city": "varchar",
    "video.description": "text",
    "place": "geospatial",
    "weather": {"type": "enum", "options": ["sun", "rain", "東京 \"x\" 'y'"]},
    "clip": {"type": "embedding", "size": 512},
}


def register(workspace, **metadata):
    new = NewItem("s3://lake/1.mp4", MediaFacts("video", "video/mp4"), metadata=metadata)
    workspace.registration.register([new], "A")
    return list(workspace.items.list())[-1]


def indexes(workspace):
    """The SQL of the indexes over metadata."""
    found = workspace._database.rows("SELECT sql FROM sqlite_master WHERE name LIKE 'items_metadata_%'")
    return [row["sql"] for row in found]


def full_text_tables(workspace):
    """The names of the full-text tables with their views and triggers."""
    found = workspace._database.rows(
        "SELECT name FROM sqlite_master WHERE name GLOB 'text_[0-9]*' AND type IN ('table', 'view', 'trigger')"
    )
    return [row["name"] for row in found]


def plan(workspace, where):
    """How SQLite goes about a condition, asked by a connection that has no statements of before."""
    planned = workspace.search.explain(where=where)
    explain = f"EXPLAIN QUERY PLAN SELECT id FROM items WHERE {planned.sql}"
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        return " ".join(row[3] for row in plain.execute(explain, planned.parameters))


# Edits


def test_every_type_is_kept_across_openings(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.set_from_dict(EVERY_TYPE)
    with heron.open(tmp_path, discover=False) as workspace:
        assert workspace.schema.to_dict() == EVERY_TYPE
        assert workspace.schema.keys() == list(EVERY_TYPE)


def test_each_verb_saves_at_once(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace, heron.open(tmp_path, discover=False) as other:
        workspace.schema.add_scalar("speed", "number")
        workspace.schema.add_enum("weather", ["sun"])
        workspace.schema.add_enum_options("weather", ["rain"])
        workspace.schema.add_embedding("clip", 3)
        workspace.schema.add("place", "geospatial")
        assert other.schema.to_dict() == {
            "speed": "number",
            "weather": {"type": "enum", "options": ["sun", "rain"]},
            "clip": {"type": "embedding", "size": 3},
            "place": "geospatial",
        }


def test_an_alias_is_kept_as_the_type_it_stands_for(workspace):
    workspace.schema.add_scalar("city", "string")
    workspace.schema.add_scalar("story", "long_string")
    assert workspace.schema.to_dict() == {"city": "varchar", "story": "text"}


def test_an_edit_of_several_verbs_is_saved_once(workspace):
    with workspace.schema.edit() as schema:
        schema.add_scalar("speed", "number")
        schema.add_scalar("city", "varchar")
        assert workspace.schema.keys() == []
    assert workspace.schema.keys() == ["speed", "city"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError("oops"), MetadataError("no")])
def test_an_error_within_an_edit_changes_nothing(workspace, error):
    workspace.schema.set_from_dict({"speed": "number", "track": "uuid", "story": "text"})
    before = (workspace.schema.show(), indexes(workspace), full_text_tables(workspace))
    with (
        pytest.raises(type(error) if isinstance(error, Exception) else error),
        workspace.schema.edit() as schema,
    ):
        schema.add_scalar("city", "text")
        schema.delete_key("track")
        schema.delete_key("story", hard=True)
        schema.set_indexed("speed", True)
        raise error
    assert (workspace.schema.show(), indexes(workspace), full_text_tables(workspace)) == before
    workspace.schema.add_scalar("city", "varchar")
    assert workspace.schema.keys() == ["speed", "track", "story", "city"]


def test_a_verb_that_fails_within_an_edit_changes_nothing(workspace):
    workspace.schema.add_scalar("speed", "number")
    with pytest.raises(AlreadyExists), workspace.schema.edit() as schema:
        schema.add_scalar("city", "varchar")
        schema.add_scalar("speed", "varchar")
    assert workspace.schema.to_dict() == {"speed": "number"}


def test_two_workspaces_do_not_overwrite_each_others_keys(tmp_path):
    with heron.open(tmp_path, discover=False) as one, heron.open(tmp_path, discover=False) as other:
        one.schema.add_scalar("speed", "number")
        other.schema.add_scalar("city", "varchar")
        assert one.schema.keys() == other.schema.keys() == ["speed", "city"]


# Deletion and restoration


def test_a_softly_deleted_key_comes_back_as_it_was(workspace):
    workspace.schema.add_enum("weather", ["sun", "rain"])
    item = register(workspace, weather="rain")
    workspace.schema.delete_key("weather")
    assert workspace.schema.keys() == []
    assert [(key.name, key.state) for key in workspace.schema.show()] == [("weather", "deleted")]
    assert workspace.items.get(item).metadata == {"weather": "rain"}
    workspace.schema.restore_key("weather")
    assert workspace.schema.to_dict() == {"weather": {"type": "enum", "options": ["sun", "rain"]}}


def test_a_hard_deleted_name_is_spent_for_ever(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.add_scalar("speed", "number")
        item = register(workspace, speed=1)
        workspace.schema.delete_key("speed", hard=True)
        assert workspace.items.get(item).metadata == {"speed": 1}
    with heron.open(tmp_path, discover=False) as workspace:
        for verb in (
            lambda: workspace.schema.add_scalar("speed", "number"),
            lambda: workspace.schema.set_from_dict({"speed": "number"}),
        ):
            with pytest.raises(AlreadyExists, match="was deleted for good"):
                verb()
        with pytest.raises(NotFound, match="no deleted key 'speed' to restore"):
            workspace.schema.restore_key("speed")
        assert workspace.schema.keys() == []


def test_a_softly_deleted_key_can_still_be_deleted_for_good(workspace):
    workspace.schema.add_scalar("speed", "number")
    workspace.schema.delete_key("speed")
    workspace.schema.delete_key("speed", hard=True)
    assert workspace.schema.show()[0].state == "spent"


@pytest.mark.parametrize("hard", [False, True])
def test_deleting_a_key_that_is_not_there_is_refused(workspace, hard):
    workspace.schema.add_scalar("speed", "number")
    with pytest.raises(NotFound) as refusal:
        workspace.schema.delete_key("spead", hard=hard)
    assert refusal.value.hint == "did you mean 'speed'?"


def test_values_written_while_a_key_was_deleted_are_kept_as_given(workspace):
    workspace.schema.add_scalar("speed", "number")
    workspace.schema.delete_key("speed")
    item = register(workspace, speed="fast")
    assert workspace.items.get(item).metadata == {"speed": "fast"}
    assert workspace.schema.unknown_keys() == ["speed"]
    workspace.schema.restore_key("speed")
    assert workspace.schema.unknown_keys() == []


# Replacing the whole schema


def test_replacing_the_schema_keeps_values_and_what_went_can_be_restored(workspace):
    workspace.schema.set_from_dict({"speed": "number", "city": "varchar"})
    item = register(workspace, speed=1, city="Oran")
    workspace.schema.set_from_dict({"city": "text", "dark": "boolean"})
    assert workspace.schema.to_dict() == {"city": "text", "dark": "boolean"}
    assert workspace.items.get(item).metadata == {"speed": 1, "city": "Oran"}
    workspace.schema.restore_key("speed")
    assert workspace.schema.to_dict() == {"speed": "number", "city": "text", "dark": "boolean"}


def test_text_stored_before_its_key_is_searchable_once_the_key_is_text(workspace):
    register(workspace, city="a bus in Oran")
    workspace.schema.set_from_dict({"city": "text"})
    assert workspace.search.count(where="match(city, 'bus')") == 1
    register(workspace, city="a tram in Oran")
    assert workspace.search.count(where="match(city, 'oran')") == 2


@pytest.mark.parametrize(
    "faulty", [{"a b": "number", "c": "nonsense"}, {"a": "number", "": "text"}, {"a": 3}, {"a": {"size": 3}}, {"a": None}]
)  # fmt: skip
def test_a_faulty_schema_replaces_nothing(workspace, faulty):
    workspace.schema.set_from_dict(EVERY_TYPE)
    with pytest.raises(MetadataError):
        workspace.schema.set_from_dict(faulty)
    assert workspace.schema.to_dict() == EVERY_TYPE


def test_setting_the_schema_that_is_there_changes_nothing(workspace):
    workspace.schema.set_from_dict(EVERY_TYPE)
    workspace.schema.set_indexed("city")
    before = (workspace.schema.show(), sorted(indexes(workspace)), sorted(full_text_tables(workspace)))
    workspace.schema.set_from_dict(workspace.schema.to_dict())
    assert (
        workspace.schema.show(),
        sorted(indexes(workspace)),
        sorted(full_text_tables(workspace)),
    ) == before


# Indexes


def test_a_uuid_key_is_indexed_by_itself_and_the_index_is_used(workspace):
    workspace.schema.add_scalar("track", "uuid")
    (sql,) = indexes(workspace)
    assert '"track"' in sql
    assert "USING INDEX" in plan(workspace, "track = '8ad58157-ca74-4ae4-8f37-a0193430bcac'")


def test_an_index_is_made_and_dropped(workspace):
    workspace.schema.add_scalar("my key", "varchar")
    workspace.schema.add_scalar("speed", "number")
    assert indexes(workspace) == []
    assert workspace.schema.set_indexed("speed").indexed
    assert "USING INDEX" in plan(workspace, "speed > 3")
    assert not workspace.schema.set_indexed("speed", False).indexed
    assert indexes(workspace) == []
    assert "USING INDEX" not in plan(workspace, "speed > 3")


@pytest.mark.parametrize("hard", [False, True])
def test_deleting_a_key_drops_its_index_and_restoring_makes_it_again(workspace, hard):
    workspace.schema.add_scalar("track", "uuid")
    workspace.schema.delete_key("track", hard=hard)
    assert indexes(workspace) == []
    if not hard:
        workspace.schema.restore_key("track")
        assert len(indexes(workspace)) == 1


@pytest.mark.parametrize("name", ["place", "clip"])
def test_a_key_whose_values_have_no_order_cannot_be_indexed(workspace, name):
    workspace.schema.set_from_dict(EVERY_TYPE)
    with pytest.raises(MetadataError, match="cannot be indexed"):
        workspace.schema.set_indexed(name)


def test_a_full_text_index_goes_with_its_key_and_comes_back_filled(workspace):
    workspace.schema.add_scalar("story", "text")
    register(workspace, story="a bus at night")
    workspace.schema.delete_key("story")
    assert full_text_tables(workspace) == []
    register(workspace, story="a second bus")
    workspace.schema.restore_key("story")
    assert workspace.search.count(where="match(story, 'bus')") == 2


def test_keys_that_need_quoting_in_sql_can_be_indexed_and_searched(workspace):
    name = "a.b-c d_e.. 1"
    workspace.schema.add_scalar(name, "text")
    workspace.schema.set_indexed(name)
    register(workspace, **{name: "a bus"})
    assert workspace.search.count(where=f"match(\"{name}\", 'bus')") == 1
    assert workspace.search.count(where=f"\"{name}\" = 'a bus'") == 1


# Files


@pytest.mark.parametrize("suffix", [".json", ".toml", ".TOML"])
def test_a_schema_goes_through_a_file_unchanged(workspace, tmp_path, suffix):
    workspace.schema.set_from_dict(EVERY_TYPE)
    file = tmp_path / f"schema{suffix}"
    write_schema(file, workspace.schema.to_dict())
    with heron.open(tmp_path / "other", discover=False) as other:
        other.schema.set_from_dict(read_schema(file))
        assert other.schema.to_dict() == EVERY_TYPE
        assert other.schema.keys() == workspace.schema.keys()


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_an_empty_schema_goes_through_a_file(tmp_path, suffix):
    file = tmp_path / f"schema{suffix}"
    write_schema(file, {})
    assert read_schema(file) == {}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("s.json", b"{", "not valid JSON"), ("s.json", b"", "not valid JSON"), ("s.json", b"\xff", "not valid JSON"),
        ("s.json", b"[]", "does not contain a table of keys and types"), ("s.json", b'"a"', "does not contain a table"),
        ("s.toml", b"a = ", "not valid TOML"), ("s.toml", b"\xff", "not valid TOML"), ("s.toml", b"a=1\na=2", "not valid TOML"),
        ("s.yaml", b"a: number", r"ends with \.json or \.toml"), ("schema", b"{}", r"ends with \.json or \.toml"),
    ],
)  # fmt: skip
def test_a_broken_schema_file_is_refused_in_one_line_by_name(tmp_path, name, content, reason):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=reason) as refusal:
        read_schema(file)
    assert str(file) in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(NotFound, match=r"nowhere\.json is not there"):
        read_schema(tmp_path / "nowhere.json")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_schema(tmp_path / "folder.toml")
    for target in (tmp_path / "folder.toml", tmp_path / "nowhere" / "s.json"):
        with pytest.raises(InvalidInput, match="cannot be written"):
            write_schema(target, {})
    with pytest.raises(InvalidInput, match=r"ends with \.json or \.toml"):
        write_schema(tmp_path / "s.yaml", {})


def test_a_key_with_a_null_character_of_an_older_catalogue_does_not_break_the_list_of_unknown_keys(
    workspace, pictures
):
    workspace.ingest.files([pictures], folder="P")
    item = workspace.items.list(folder="P")[0]
    workspace.metadata.merge({item.uuid: {"plain": 2}})
    stored = '{"plain":2,"a\\u0000b":1}'
    workspace._database.execute("UPDATE items SET metadata = ? WHERE id = ?", [stored, item.id])
    workspace._database.execute("INSERT INTO unknown_keys VALUES (?)", ["a\0b"])
    assert workspace.schema.unknown_keys() == ["plain"]


def test_keys_with_control_characters_are_refused_by_every_way_in(workspace, pictures):
    workspace.ingest.files([pictures], folder="P")
    item = workspace.items.list(folder="P")[0]
    for key in ("a\0b", "a\nb", "\x7f", "\x9b"):
        for write in (
            lambda metadata: workspace.metadata.merge({item.uuid: metadata}),
            lambda metadata: workspace.metadata.replace({item.uuid: metadata}),
            lambda metadata: workspace.folders.create("Q", metadata=metadata),
            lambda metadata: workspace.folders.set_metadata("P", metadata),
            lambda metadata: register(workspace, **metadata),
        ):
            with pytest.raises(MetadataError, match="control character"):
                write({key: 1})
    assert workspace.schema.unknown_keys() == []
