"""Conditions that are refused, each with one sentence, and that none gets out of hand."""

from __future__ import annotations

import re
import time

import pytest

import heron
from heron.errors import NotFound
from tests.test_conditions import found, lake, refusal_of  # noqa: F401 - fixtures


@pytest.mark.parametrize(
    ("where", "words"),
    {
        # no condition at all
        "": "is empty", "   ": "is empty", ";": "is empty", "-- x": "is empty", "width": "a value, not a condition",
        "'a'": "a value, not a condition", "1": "a value, not a condition", "width AND ok": "a value, not a condition",
        "lower(city)": "a value, not a condition", "NOT width": "a value, not a condition",
        # syntax
        "width >": "not a SQL condition", "width > , 1": "not a SQL condition", "(width > 1": "not a SQL condition",
        "width > 1)": "not a SQL condition", "city = 'Algiers": "not a SQL condition", "width > 1 height": "not a SQL condition",
        "width = 1_000": "near '_000'", "width IN (1, 2": "not a SQL condition", "width > 1 /*": "not a SQL condition",
        "lower()": "lower takes 1 argument, got 0", "if = 1": "not a SQL condition", "width !> 1": "not a SQL condition", "width BETWEEN 1": "not a SQL condition",
        "width = 1 && ok": "not a SQL condition", "{% if x %}": "not a SQL condition",
        # names
        "citty = 'x'": "did you mean city", "CITY = 'x'": "did you mean city", "Width > 1": "did you mean width",
        "metadata.citty = 'x'": "no field 'metadata.citty'", "item.city = 'x'": "no field 'item.city'",
        "a-b = 'y'": "no field 'a'", "my key = 'x'": "not a SQL condition", 'city = "Oslo"': "single quotes",
        "city = Oslo": "no field 'Oslo'", "facts.lens = 'x'": "no field 'facts.lens'",
        "a.b.c.d.e.f = 1": "no field 'a.b.c.d.e.f'", "items.id = 1": "no field", "deleted_at IS NULL": "no field",
        "rowid = 1": "no field 'rowid'", "sqlite_master.sql = ''": "no field", '"" = 1': "no field ''",
        '"back\\slash" = \'1\'': "backslash", '"qu""ote" = \'1\'': "double quote", 'exif."a""b" = 1': "double quote",
        'exif."a\\b" = 1': "backslash", 'facts.x."\n" = 1': "control character",
        "* = 1": "cannot stand", "items.* = 1": "no field",
        # types
        "width = 'x'": r"width \(number\): expected a number, got 'x'", "width > '400'": "expected a number",
        "score = TRUE": "expected a number, got True", "width LIKE '4%'": "LIKE cannot be used",
        "width IN (400, 'x')": "expected a number, got 'x'", "width BETWEEN 1 AND 'x'": "expected a number",
        "city = 5": "expected text in single quotes, got 5", "city = TRUE": "expected text",
        "city > width": "different types", "city = ok": "different types", "ok = 1": "expected true or false, got 1",
        "ok = 'true'": "expected true or false", "ok LIKE 't%'": "LIKE cannot be used", "ok + 1 = 2": "not a number",
        "city + 'x' = 'y'": "not a number", "-city = 1": "not a number", "width + NULL = 1": "not a number",
        "taken = 5": "expected a date", "taken > 'yesterday'": "expected a date",
        "taken = '2026-13-01'": "expected a date", "taken = '2026-01-31T12:00:00'": "expected a date",
        "taken = TRUE": "expected a date", "captured_at = '31.01.2026'": "expected a date", "taken = city": "different types",
        "ref = 'x'": "expected a UUID", "ref = 5": "expected text", "weather = 'snow'": "expected one of sun, rain",
        "weather = 'Rain'": "expected one of", "weather IN ('sun', 'snow')": "got 'snow'", "weather <> 'fog'": "got 'fog'",
        "weather = 1": "expected text", "clip = '[1, 0]'": "cannot be compared", "clip > 1": "cannot be compared",
        "clip = clip": "cannot be compared", "clip IN (1)": "cannot be compared", "place = '36.75, 3.06'": "distance_km",
        "place BETWEEN 1 AND 2": "cannot be compared", "place LIKE '%'": "LIKE cannot be used", "place": "a value",
        "loose = 7": "add the key to the schema", "loose > 1": "add the key to the schema", "loose IS TRUE": "IS stands before",
        "loose + 1 = 2": "not a number", "description = 5": "expected text", "1 = 'x'": "expected a number",
        "city = '" + "x" * 9000 + "'": "at most 8192 characters",
        # NULL
        "city = NULL": "IS NULL", "NULL = city": "IS NULL", "NULL = 1": "IS NULL", "1 = NULL": "IS NULL",
        "NULL = NULL": "IS NULL", "city <> NULL": "IS NULL", "city IN ('a', NULL)": "IS NULL",
        "width BETWEEN NULL AND 1": "IS NULL", "city IS 'x'": "cannot stand", "city IS TRUE": "IS stands before NULL",
        "width IS TRUE": "IS stands before", "city IS NOT 'x'": "cannot stand", "city LIKE NULL": "text in single quotes",
        # operators that are not of the language
        "city || 'x' = 'y'": "cannot stand", "width & 1 = 1": "cannot stand", "~width = 1": "cannot stand",
        "width << 1 = 2": "cannot stand", "city REGEXP 'x'": "cannot stand", "city GLOB 'x*'": "cannot stand",
        "city GLOB 'x' ESCAPE '!'": "cannot stand", "city COLLATE NOCASE = 'x'": "cannot stand",
        "width BETWEEN SYMMETRIC 9 AND 1": "cannot stand", "width IS DISTINCT FROM 1": "cannot stand",
        "city -> '$' = 1": "cannot stand", "width = 10 = 10": "cannot stand", "(ok AND ok) = TRUE": "cannot stand",
        "(width, height) = (1, 2)": "cannot stand", "city LIKE ANY ('a', 'b')": "cannot stand", "city MATCH 'x'": "not a SQL condition",
        "width = ANY (1, 2)": "cannot stand", "city LIKE 'x' ESCAPE '!!'": "one character", "city LIKE 'x' ESCAPE ''": "one character",
        "city LIKE upper('x')": "LIKE takes text", "city LIKE other.part": "LIKE takes text", "width = x'ff'": "cannot stand",
        "width IN ()": "IN takes a list", "width IN 5": "IN takes a list", "{{ x }} = 1": "no function struct",
        # statements and queries
        "width = 1; DROP TABLE items": "more than one statement", "1 = 1; SELECT 1": "more than one statement",
        "DROP TABLE items": "not a SQL condition|no field", "SELECT 1": "not a SQL condition|cannot stand", "(SELECT 1)": "cannot stand",
        "(SELECT 1) = 1": "cannot stand", "width IN (SELECT 1)": "IN takes a list", "EXISTS (SELECT 1)": "no function exists",
        "width = 1 UNION SELECT 1": "not a SQL condition", "width IN (SELECT id FROM items)": "IN takes a list",
        "width = 1 ORDER BY name": "not a SQL condition", "width = 1 LIMIT 1": "not a SQL condition",
        "width = 1 GROUP BY name": "not a SQL condition", "1 = 1) OR (1 = 1": "not a SQL condition",
        "width = 1) UNION SELECT 1 --": "not a SQL condition", "width = 1 /* x */; DELETE FROM items --": "more than one statement",
        "ATTACH 'x' AS y": "not a SQL condition|no field", "PRAGMA writable_schema": "not a SQL condition|no field",
        "CASE WHEN ok THEN TRUE END": "cannot stand", "CASE width WHEN 1 THEN 2 END = 2": "cannot stand",
        "CAST(width AS TEXT) = '1'": "no function cast", "width::text = '1'": "no function cast",
        "DATE '2026-01-01' < taken": "no function date", "INTERVAL '1' DAY > 1": "cannot stand",
        # functions
        "count(*) > 1": "no function count", "max(width) > 1": "no function max", "coalesce(width, 0) = 0": "no function coalesce",
        "row_number() OVER () = 1": "cannot stand", "lower(city) OVER (PARTITION BY kind) = 'x'": "cannot stand",
        "lower(city) FILTER (WHERE ok) = 'x'": "cannot stand", "lower(DISTINCT city) = 'x'": "cannot stand",
        "pragma_table_info('items') = 1": "no function pragma_table_info", "pragma_user_version() = 1": "no function",
        "load_extension('x') IS NULL": "no function load_extension", "load_extension('x')": "no function load_extension",
        "randomblob(1000000000) IS NULL": "no function randomblob", "zeroblob(1000000000) IS NULL": "no function zeroblob",
        "random() > 0": "no function random", "readfile('/etc/passwd') = 'x'": "no function readfile",
        "writefile('x', 'y') = 1": "no function writefile", "fts3_tokenizer('x') = 1": "no function", "iif(ok, 1, 2) = 1": "no function iif",
        "json_extract(metadata, '$.city') = 'x'": "no function json_extract", "date('now') = 'x'": "no function date",
        "heron_distance_km(place, 1, 2) = 1": "no function heron_distance_km", "now(1) > captured_at": "no function|no SQL",
        "abs(city) = 1": "expected a number, got city", "abs('x') = 1": "expected a number", "lower(width) = 'x'": "expected a text",
        "lower(ok) = 'x'": "expected a text", "length(5) = 1": "expected a text", "length(clip) = 2": "expected a text",
        "latitude(city) = 1": "expected a geospatial key", "latitude(clip) = 1": "expected a geospatial key",
        "latitude(36.75) = 1": "expected a geospatial key", "latitude(exif.GPS) = 1": "expected a geospatial key",
        "latitude(loose) = 1": "expected a geospatial key", "round(score, 1) = 1.5": "takes 1 argument, got 2",
        "distance_km(place, 1) < 2": "takes 3 arguments, got 2", "distance_km(city, 1, 2) < 3": "expected a geospatial key",
        "distance_km(place, 'x', 2) < 3": "expected a number", "distance_km(place, 1, 2)": "a value, not a condition",
        "match(city, 'x')": "not a text key", "match(name, 'x')": "not a text key", "match('x', 'y')": "not a text key",
        "match(description)": "match takes a key and words", "match(description, 'a', 'b')": "match takes a key and words",
        "match(description, city)": "text in single quotes", "match(description, '')": "no word to look for",
        "match(description, ' *\"- ')": "no word to look for", "match(description, 'x') = TRUE": "a condition of its own",
        "match(loose, 'x')": "not a text key", "in_folder(city)": "in_folder takes text", "in_folder()": "one text",
        "in_folder('a', 'b')": "one text", "in_collection(5)": "in_collection takes text", "in_collection('x') = 1": "a condition of its own",
        # parameters
        "width = ?": "cannot stand", "width = :x": "cannot stand", "width = @x": "cannot stand", "width = $x": "no field",
        "width = ?1": "not a SQL condition", "? = ?": "cannot stand",
        # numbers that no float holds
        "width = 9007199254740993": "too large a number", "width = -9007199254740993": "too large a number",
        "width = 1e400": "too large a number", "width = 4E": "'4E' is not a number", "width < " + "9" * 5000: "too large a number",
        "abs(9007199254740992 * -1024) > 0": "cannot be evaluated: integer overflow",
        # characters that no condition can hold
        "city = 'a\0b'": "not valid Unicode", "width = 1\0": "not valid Unicode", "city = '\ud800'": "not valid Unicode",
        "\udfff": "not valid Unicode",
    }.items(),
    ids=lambda value: value[:40].encode("ascii", "backslashreplace").decode(),
)  # fmt: skip
def test_refused_with_one_sentence(lake, where, words):
    assert re.search(words, refusal_of(lake, where))


@pytest.mark.parametrize(
    "where", ["in_folder('Fotos')", "in_folder('')", "in_collection('Best off')", "in_dataset('Best of')"]
)
def test_unknown_folder_collection_or_dataset_is_not_found(lake, where):
    assert "there is no" in refusal_of(lake, where, NotFound)


def test_not_found_suggests_what_was_meant(lake):
    assert "did you mean 'Photos'?" in refusal_of(lake, "in_folder('Photo')", NotFound)


@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    [
        "(" * 5000 + "1 = 1" + ")" * 5000,
        "NOT " * 5000 + "ok",
        "abs(" * 5000 + "width" + ")" * 5000 + " = 1",
        "width = " + " + ".join(["1"] * 5000),
        "width = " + " + ".join(["1"] * 150),
        "width IN (" * 1000,
        "CASE WHEN " * 1000,
        "(SELECT " * 1000,
        "width = - " + "- " * 20000 + "1",
    ],
    ids=lambda where: where[:12],
)
def test_deep_nesting_is_refused_in_time(lake, where):
    start = time.process_time()
    assert "nested too deeply" in refusal_of(lake, where) or "not a SQL condition" in refusal_of(lake, where)
    assert time.process_time() - start < 30, "it takes a third of a second"


def test_pattern_that_sqlite_finds_too_long_is_refused(lake):
    assert "cannot be evaluated" in refusal_of(lake, f"city LIKE '{'%' * 60_000}'")


def test_key_of_a_type_whose_plugin_is_gone_is_refused(tmp_path):
    class Plugin:
        @heron.hooks.hookimpl
        def register_metadata_types(self):
            from heron.metadata.codecs import TextCodec

            yield heron.hooks.MetadataType(
                name="colour", summary="a colour", affinity="text", load=lambda: TextCodec()
            )

    with heron.open(tmp_path, plugins=[Plugin()], discover=False) as workspace:
        workspace.schema.add_scalar("paint", "colour")
        assert found(workspace, "paint = 'red'") == ""
    with heron.open(tmp_path, discover=False) as workspace:
        assert "the metadata type colour came with" in refusal_of(workspace, "paint = 'red'")


@pytest.mark.parametrize(
    ("where", "marked"),
    [
        ("width > 400 AND citty = 'x'", "citty"),
        ("citty = 'citty' OR width > 1", "citty"),
        ("city = Oslo", "Oslo"),
        ("city = 'Oslo' AND width > 'wide'", "width > 'wide'"),
        ("ok AND facts.lens = 'x'", "facts.lens"),
        ('ok AND "a b" = 1', '"a b"'),
        ("ok AND nowhere(city, 3) = 1", "nowhere(city, 3"),
        ("ok AND city + 1 > 3", "city"),
        ("ok AND width IN (1, 'x')", "width IN (1, 'x'"),
        ("city = '𝄞é' AND widh > 1", "widh"),
        ("city = 'a'\n  AND widh > 1", "widh"),
        ("width > 1 height", "height"),
        ("city = 'a'\n\n AND width = = 3", "="),
        ("width > , 1", ","),
        ("city = 'Algiers", None),
        ("", None),
    ],
)
def test_a_refusal_says_which_characters_are_meant(lake, where, marked):
    with pytest.raises(heron.QueryError) as refused:
        lake.search(where=where)
    position = refused.value.position
    assert (None if position is None else where[slice(*position)]) == marked
