"""The language of conditions: what parses and what it finds, what is refused, and that nothing gets out of hand."""

from __future__ import annotations

import re
import time

import pytest

import heron
from heron.errors import NotFound, QueryError
from heron.models import MediaFacts, NewItem
from tests.toy_media import ToyMedia

REF = "8ad58157-ca74-4ae4-8f37-a0193430bcac"
NOON = "2026-01-31T12:00:00.000000Z"


def declare(schema):
    for name, type in {
        "city": "varchar",
        "description": "text",
        "score": "number",
        "ok": "boolean",
        "taken": "datetime",
        "seen": "datetime",
        "ref": "uuid",
        "place": "geospatial",
        "home": "geospatial",
        "video.description": "text",
        "my key": "varchar",
        "a-b": "varchar",
        "1.2": "number",
        "select": "varchar",
        "note": "varchar",
        "item.name": "varchar",
        "weather.main": "varchar",
    }.items():
        schema.add_scalar(name, type)
    schema.add_enum("weather", ["sun", "rain", "a'b"])
    schema.add_embedding("clip", 2)


def items():
    """Item a has all there is, b most of it, c is a video without much, d has nothing but pages."""
    yield (
        "Photos",
        NewItem(
            "file:///a.jpg",
            MediaFacts(
                "image",
                "image/jpeg",
                width=400,
                height=300,
                captured_at=NOON,
                note="item note",
                extra={"exif": {"Model": "Finch 2", "ISO": 200, "Flash": True}, "dicom": {"Patient Age": 40}},
            ),
            name="a",
            size=100,
            etag="e1",
            content_hash="h1",
            modified_at=NOON,
            metadata={
                "city": "Algiers", "description": "A red bus in the rain", "score": 1.5, "ok": True,
                "taken": "2026-01-31T12:00:00Z", "seen": "2026-02-01", "ref": REF, "place": [36.75, 3.06],
                "weather": "rain", "clip": [1, 0], "video.description": "a slow bus", "my key": "x", "a-b": "y",
                "1.2": 3, "select": "s", "note": "key note", "item.name": "alias", "weather.main": "wet",
                "loose": 7, "odd $ key": "z", "other.part": "p", "back\\slash": 1, 'qu"ote': 1,
            },
        ),
    )  # fmt: skip
    yield (
        "Photos/Old",
        NewItem(
            "file:///b.png",
            MediaFacts("image", "image/png", width=1000, height=1000, extra={"exif": {"Model": "Wren"}}),
            name="b",
            size=2000,
            metadata={
                "city": "Oslo", "description": "A blue tram, 100% on time", "score": -2, "ok": False,
                "taken": "2025-06-01", "seen": "2025-01-01", "place": [59.91, 10.75], "weather": "sun",
                "loose": True,
            },
        ),
    )  # fmt: skip
    yield (
        "Clips",
        NewItem(
            "file:///c.mp4",
            MediaFacts(
                "video", "video/mp4", width=1920, height=1080, frame_count=250, fps=25.0, duration=10.0,
                codec="h264", sample_rate=48000, channels=2, extra={"custom": {"lens": "wide"}},
            ),
            name="c",
            metadata={"city": "O'Hara", "score": 0, "loose": "7 seas"},
        ),
    )  # fmt: skip
    yield "Clips", NewItem("file:///d.pdf", MediaFacts("pdf", "application/pdf", pages=12), name="d")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    with heron.open(tmp_path_factory.mktemp("lake"), plugins=[ToyMedia()], discover=False) as workspace:
        declare(workspace.schema)
        for folder, item in items():
            workspace.registration.register([item], folder)
        best = [item for item in workspace.items.list() if item.name in "ac"]
        workspace.collections.create("Best of", items=best)
        workspace.collections.create("It's")
        yield workspace


def found(workspace, where):
    return "".join(item.name for item in workspace.search(where=where, sort="item.name"))


def refusal_of(workspace, where, error=QueryError):
    with pytest.raises(error) as refusal:
        workspace.search(where=where)
    text = str(refusal.value)
    assert len(text.splitlines()) == 1
    assert len(text) < 400
    text.encode()
    return text


FOUND = {
    # comparisons
    "width = 400": "a", "width == 400": "a", "width != 400": "bc", "width <> 400": "bc", "width < 1000": "a",
    "width <= 1000": "ab", "width > 1000": "c", "width >= 1000": "bc", "400 = width": "a", "1000 > width": "a",
    "width = height": "b", "width > height": "ac", "score = 1.5": "a", "score < -1": "b", "score >= .5": "a",
    "score > -1e3": "abc", "width > 0x190": "bc", "1 = 1": "abcd", "1 = 2": "",
    "city = 'Algiers'": "a", "city > 'B'": "bc", "city = 'O''Hara'": "c", "city = 'oslo'": "", "city <> ''": "abc",
    # lists
    "city IN ('Algiers', 'Oslo')": "ab", "city NOT IN ('Algiers', 'Oslo')": "c", "NOT city IN ('Oslo')": "ac",
    "width IN (height, 400)": "ab", "score in (0, -2)": "bc", "1000 IN (width, height)": "b",
    "'2026-02-01' IN (taken, seen)": "a", "weather IN ('rain', 'a''b')": "a",
    # patterns
    "city LIKE 'o%'": "bc", "city NOT LIKE 'O%'": "a", "city ILIKE 'OSL_'": "b", "city NOT ILIKE 'o%'": "a",
    "description LIKE '%100!%%' ESCAPE '!'": "b", "description LIKE '%!%%' ESCAPE '!' AND width = 1000": "b",
    "width = 1000 AND description NOT LIKE '%!%%' ESCAPE '!'": "", "description ILIKE '%100\\%%' ESCAPE '\\'": "b",
    "taken LIKE '2026-01%'": "a", "exif.Model LIKE 'finch%'": "a", "city LIKE '%''%'": "c", "city LIKE ''": "",
    # ranges
    "width BETWEEN 400 AND 1000": "ab", "width NOT BETWEEN 400 AND 1000": "c",
    "width BETWEEN 1 AND 500 AND height = 300": "a", "500 BETWEEN height AND width": "",
    "350 BETWEEN height AND width": "a", "city BETWEEN 'A' AND 'B'": "a",
    "taken BETWEEN '2025-06-01' AND '2026-01-31'": "b", "'2026-02-01' BETWEEN taken AND seen": "a",
    "'2026-01-31' BETWEEN '2026-01-31' AND seen": "a",
    # nothing there
    "city IS NULL": "d", "city IS NOT NULL": "abc", "NOT city IS NULL": "abc", "width ISNULL": "d",
    "width NOTNULL": "abc", "NULL IS NULL": "abcd", "NULL": "", "NOT NULL": "", "clip IS NULL": "bcd", "clip IS NOT NULL": "a",
    "place IS NOT NULL": "ab", "exif.Model IS NULL": "cd", "width + 1 IS NULL": "d",
    # true and false
    "ok": "a", "NOT ok": "b", "ok = TRUE": "a", "ok = false": "b", "ok <> true": "b", "ok IS TRUE": "a",
    "ok IS FALSE": "b", "ok IS NOT TRUE": "bcd", "ok IS NOT FALSE": "acd", "NOT (ok IS TRUE)": "bcd",
    "ok IN (TRUE)": "a", "exif.Flash": "a", "exif.Flash IS TRUE": "a", "exif.Flash IS NOT TRUE": "bcd",
    "TRUE": "abcd", "FALSE": "", "ok = (TRUE)": "a",
    # logic: NOT before AND before OR
    "width = 400 OR width = 1000 AND height = 1": "a", "(width = 400 OR width = 1000) AND height = 1000": "b",
    "NOT width = 400 AND height > 0": "bc", "NOT (width = 400 OR height = 1080)": "b",
    "NOT NOT ok": "a", "((((ok))))": "a", "kind = 'image' and not ok or pages > 1": "bd",
    # arithmetic
    "width + height = 700": "a", "width - height = 100": "a", "width * 2 = 800": "a", "width / 3 > 133.3": "abc",
    "width / 3 < 133.4": "a", "width % 7 = 1": "a", "2 + 3 * 4 = 14": "abcd", "(2 + 3) * 4 = 20": "abcd",
    "10 - 4 - 3 = 3": "abcd", "-width = -400": "a", "- -width = 400": "a", "-(width + 1) = -401": "a",
    "+width = 400": "a", "width / 0 = 1": "", "width / 0 IS NULL": "abcd", "size / 1000 >= 2": "b",
    "width * height > 1e6": "c", "score * -2 = 4": "b",
    # item columns
    "name = 'a'": "a", "url = 'file:///b.png'": "b", "kind = 'video'": "c", "kind IN ('image', 'pdf')": "abd",
    "media_type LIKE 'image/%'": "ab", "size > 100": "b", "height = 300": "a", "frame_count = 250": "c",
    "fps = 25": "c", "duration >= 10": "c", "codec = 'h264'": "c", "sample_rate = 48000": "c", "channels = 2": "c",
    "pages = 12": "d", "captured_at = '2026-01-31T12:00:00Z'": "a", "captured_at > '2026-01-31'": "a",
    "captured_at = '2026-01-31T14:00:00+02:00'": "a", "captured_at < '2026-01-31'": "",
    "content_hash = 'h1'": "a", "etag = 'e1'": "a", "modified_at >= '2026-01-31'": "a",
    "created_at > '2020-01-01'": "abcd", "updated_at < '2020-01-01'": "", "uuid = 'nobody'": "",
    "created_at <= now()": "abcd", "created_at > CURRENT_TIMESTAMP": "", "captured_at = modified_at": "a",
    # derived fields
    "area = 1000000": "b", "area IS NULL": "d", "aspect_ratio > 1.33": "ac", "aspect_ratio = 1": "b",
    "folder = 'Clips'": "cd", "folder LIKE 'Photos%'": "ab", "item.area = 120000": "a", "item.folder = 'Photos'": "a",
    # metadata of every type
    "taken = '2026-01-31T12:00:00Z'": "a", "taken = '2026-01-31T13:00:00+01:00'": "a", "taken = '2025-06-01'": "b",
    "taken < seen": "a", "taken <= captured_at": "a", f"ref = '{REF}'": "a", f"ref = '{REF.upper()}'": "a",
    f"ref = 'urn:uuid:{REF}'": "a", f"ref IN ('{REF.replace('-', '')}')": "a", "weather = 'sun'": "b",
    "weather <> 'sun'": "a", "weather LIKE 'r%'": "a", "weather > 'rain'": "b", "description = 'A red bus in the rain'": "a",
    # names
    '"city" = \'Oslo\'': "b", "[city] = 'Oslo'": "b", "`city` = 'Oslo'": "b", '"my key" = \'x\'': "a",
    "metadata.\"my key\" = 'x'": "a", '"a-b" = \'y\'': "a", '"1.2" = 3': "a", '"select" = \'s\'': "a",
    "video.description LIKE '%slow%'": "a", "\"video.description\" LIKE '%slow%'": "a",
    "metadata.video.description LIKE '%slow%'": "a", "\"video\".\"description\" LIKE '%slow%'": "a",
    "metadata.city = 'Oslo'": "b", "item.width = 400": "a", "weather.main = 'wet'": "a",
    # a key of the schema comes before the item's field of that name
    "note = 'key note'": "a", "note = 'item note'": "", "item.note = 'item note'": "a", "metadata.note = 'key note'": "a",
    "item.name = 'a'": "a", "\"item.name\" = 'a'": "", "\"item.name\" = 'alias'": "a", "metadata.item.name = 'alias'": "a",
    # media facts
    "exif.Model = 'Finch 2'": "a", "exif.ISO = 200": "a", "exif.ISO > 100 AND exif.ISO < 300": "a",
    "exif.ISO = '200'": "", "facts.exif.Model = 'Wren'": "b", "facts.custom.lens = 'wide'": "c",
    "dicom.\"Patient Age\" + 1 = 41": "a", "exif.Nothing = 1": "", "exif.ISO IN (100, 200)": "a",
    "exif.Model = city": "", "lower(exif.Model) = 'wren'": "b",
    # a fact that is no number is not there for numbers, and no text for texts; IS is never unknown
    "exif.ISO NOT IN ('200')": "", "exif.ISO NOT IN ('200', 100)": "", "exif.Model > width": "",
    "exif.Model + 1 = 1": "", "exif.Model IS NOT TRUE": "abcd", "NOT exif.Model": "", "exif.ISO LIKE '2%'": "",
    "exif.ISO BETWEEN 100 AND 'x'": "", "exif.ISO BETWEEN 100 AND 200": "a", "exif.ISO < exif.Model": "",
    # keys that the schema does not know are text
    "loose = '7'": "a", "loose = 'true'": "b", "loose LIKE '7%'": "ac", "loose > '7'": "bc", "loose IS NULL": "d",
    "metadata.loose = '7 seas'": "c", "upper(loose) = 'TRUE'": "b", "loose = city": "", "length(loose) = 1": "a",
    "\"odd $ key\" = 'z'": "a", "other.part = 'p'": "a", "loose IN ('7', 'true')": "ab",
    # functions
    "lower(city) = 'oslo'": "b", "upper(city) LIKE 'ALG%'": "a", "LOWER(upper(city)) = 'oslo'": "b",
    "length(city) = 4": "b", "abs(score) = 2": "b", "round(score) = 2": "a", "abs(-5) = 5": "abcd",
    "latitude(place) > 50": "b", "longitude(place) = 3.06": "a", "latitude(home) IS NULL": "abcd",
    "distance_km(place, 36.75, 3.06) < 0.001": "a", "distance_km(place, 48.86, 2.35) BETWEEN 1300 AND 1400": "ab",
    "distance_km(place, latitude(place), longitude(place)) = 0": "ab", "distance_km(place, 1e308 * 10, 0) > 0": "",
    "distance_km(place, -36.75, -176.94) > 20015": "a",
    "match(description, 'red')": "a", "match(description, 'BUS rain')": "a", "match(description, 'red tram')": "",
    "NOT match(description, 'red')": "bcd", "match(video.description, 'slow')": "a", "MATCH(description, 'tram')": "b",
    "in_collection('Best of')": "ac", "NOT in_collection('Best of')": "bd", "in_collection('It''s')": "",
    "in_folder('Photos')": "ab", "in_folder('Photos/Old')": "b", "IN_FOLDER('Clips') AND width > 0": "c",
    # comments and a last semicolon mean nothing
    "width = 400 -- OR 1 = 1": "a", "width /* OR 1 = 1 */ = 400": "a", "width = 400;": "a",
    "width\n=\t400": "a", "city = '-- x'": "", "city <> '/* x'": "abc",
}  # fmt: skip


@pytest.mark.parametrize(("where", "names"), FOUND.items(), ids=list(FOUND))
def test_condition_finds(lake, where, names):
    assert found(lake, where) == names


def test_count_is_the_number_of_items_found(lake):
    assert {where: lake.search.count(where=where) for where in FOUND} == {
        where: len(names) for where, names in FOUND.items()
    }


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
    start = time.monotonic()
    assert "nested too deeply" in refusal_of(lake, where) or "not a SQL condition" in refusal_of(lake, where)
    assert time.monotonic() - start < 5


def test_longest_condition_is_100_000_characters(lake):
    core = "width = 400"
    assert found(lake, core + " " * (100_000 - len(core))) == "a"
    assert "has 100,001 characters" in refusal_of(lake, core + " " * (100_001 - len(core)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "names"),
    [
        (" OR ".join(f"width = {n}" for n in range(399, 3399)), "abc"),
        (" AND ".join(f"width <> {n}" for n in range(401, 3401)), "a"),
        (f"width IN ({', '.join(map(str, range(400, 10_400)))})", "abc"),
        ("(" * 30 + "width = 400" + ")" * 30, "a"),
    ],
    ids=["or", "and", "in", "parentheses"],
)
def test_wide_condition_works(lake, where, names):
    assert found(lake, where) == names


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
        assert "key 'paint'" in refusal_of(workspace, "paint = 'red'")


def test_values_from_before_a_schema_change_do_not_break_functions_of_places(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        facts = MediaFacts("image", "image/png")
        before = [NewItem("u:a", facts, name="a", metadata={"place": "somewhere", "taken": "2026-01-01"})]
        workspace.registration.register(before, "F")
        workspace.schema.add_scalar("place", "geospatial")
        after = [NewItem("u:b", facts, name="b", metadata={"place": [1, 2]})]
        workspace.registration.register(after, "F")
        assert found(workspace, "latitude(place) = 1") == "b"
        assert found(workspace, "distance_km(place, 1, 2) < 1") == "b"
        assert found(workspace, "longitude(place) IS NULL") == "a"
