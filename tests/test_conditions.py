"""The language of conditions: what parses, and what it finds."""

from __future__ import annotations

import pytest

import heron
from heron.errors import QueryError
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
