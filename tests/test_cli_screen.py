"""What commands print: long lists, odd characters, mistakes."""

import json

import pytest

from tests.test_cli import items, lake, run  # noqa: F401 - fixtures

# Long lists


@pytest.mark.slow
def test_long_tables_end_with_a_word_that_there_is_more(lake):
    lake("collections", "create", "C", "--folder", "P")
    lake("datasets", "create", "D", "--folder", "P")
    lake("metadata", "merge", "unknown=1", "--folder", "P")
    for line in ("collections show C", "datasets show D", "metadata verify", "schema verify"):
        assert len(lake(*line.split(), "--limit", "2").splitlines()) == 4, line
        assert "There is more" in lake(*line.split(), "--limit", "2")
        assert "There is more" not in lake(*line.split(), "--limit", "3")
        json.loads(lake(*line.split(), "--json"))
    shown = json.loads(lake("collections", "show", "C", "--json"))
    assert shown["collection"]["title"] == "C"
    assert [item["name"] for item in shown["items"]] == ["p0.jpg", "p1.jpg", "p2.jpg"]
    assert len(json.loads(lake("metadata", "verify", "--json", "--limit", "1"))) == 1


def test_lists_are_printed_as_they_come(lake, monkeypatch, capsys):
    from heron.catalog.collections import CollectionService

    lake("collections", "create", "C", "--folder", "P")
    item = items(lake)[0]["uuid"]

    def endless(self, title):
        while True:
            yield self._items.get(item)

    monkeypatch.setattr(CollectionService, "items", endless)
    assert len(lake("collections", "show", "C", "--limit", "5").splitlines()) == 7


# What reaches the screen

ESCAPE = "\x1b[31m\x9b2J\r"


def test_no_control_character_reaches_the_screen(lake, tmp_path):
    name = f"red{ESCAPE}"
    (tmp_path / "in" / f"{name}.txt").write_bytes(b"")
    (tmp_path / "names.txt").write_text(name + "nobody")
    said = [
        lake("import", "in", "--folder", "P", "--ignore-errors", exit_status=3),
        lake("imports", "report", "2"),
        lake("collections", "create", "Names", "--names", "names.txt"),
        lake("import", f"nowhere{ESCAPE}", "--folder", "P", exit_status=1),
        lake("datasets", "export", f"nobody{ESCAPE}", "-o", "x.csv", exit_status=1),
    ]
    for text in said:
        assert "red" in text or "nowhere" in text or "nobody" in text
        assert all(character.isprintable() or character == "\n" for character in text), text


def test_json_holds_control_characters_as_escapes_only(lake):
    lake("presets", "create", "p", "--where", "name = 'a\x9bb'")
    text = lake("presets", "list", "--json")
    assert "\x9b" not in text and json.loads(text)["items"][0]["query"]["where"] == "name = 'a\x9bb'"


def test_one_is_not_written_as_several(lake):
    lake("schema", "add", "city", "varchar")
    assert "into 1 item\n" in lake("metadata", "merge", "city=x", "--where", "width = 64")
    assert "of 1 row\n" in lake("datasets", "create", "D", "--where", "width = 64")
    assert "of 3 items\n" in lake("collections", "create", "C", "--folder", "P")


def test_a_boolean_of_a_row_is_written_as_in_json(lake):
    lake("schema", "add", "night", "boolean")
    lake("metadata", "merge", "night=true", "--folder", "P")
    lake("datasets", "create", "D", "--folder", "P")
    assert "night=true" in lake("datasets", "show", "D")


def test_an_item_is_shown_with_its_folder_and_the_time_of_its_file(lake):
    [first, *_] = items(lake)
    assert first["folder"] == "P" and first["modified_at"].endswith("Z")
    shown = lake("items", "show", first["uuid"])
    assert first["modified_at"] in shown and "folder" in shown


# Mistakes


def test_numbers_that_are_none_or_too_large_are_wrong_usage(lake):
    for cursor in ("²", "9" * 30):
        assert "is not a cursor" in lake("items", "--cursor", cursor, exit_status=2)
    for line in ("items", "search", "datasets show D", "metadata verify"):
        lake(*line.split(), "--limit", "9" * 20, exit_status=2)
    lake("datasets", "metadata", "D", "9" * 20, exit_status=2)


def test_a_row_past_the_end_is_not_there(lake):
    lake("datasets", "create", "D", "--folder", "P")
    assert "has no row 3, it has 3 rows" in lake("datasets", "metadata", "D", "3", exit_status=1)


def test_names_have_to_be_text(lake, tmp_path):
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in lake("collections", "create", "C", "--names", "names.txt", exit_status=1)
