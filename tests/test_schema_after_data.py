"""A schema that comes after the data: values are converted without loss, undone, or count as missing; never as another type."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing

import pytest

import heron
from heron.errors import AlreadyExists, InvalidInput, MetadataError, NotFound, QueryError
from heron.metadata.forms import BESIDE
from heron.models import MediaFacts, NewFrame, NewItem
from tests.toy_types import ToyTypes

PHOTO = MediaFacts("image", "image/jpeg", width=4, height=3)


@pytest.fixture
def plugins():
    return [ToyTypes()]


def fill(workspace, values, key="k"):
    """An item for each value, called by its position."""
    new = [
        NewItem(f"s3://lake/{n}.jpg", PHOTO, name=str(n), metadata={key: value} if value is not None else {})
        for n, value in enumerate(values)
    ]
    workspace.registration.register(new, "A")


def stored(workspace, key="k"):
    """The stored values, by position."""
    rows = workspace._database.rows("SELECT name, metadata FROM items ORDER BY id")
    return [json.loads(row["metadata"]).get(key) for row in rows]


def found(workspace, where, **parts):
    return [int(item.name) for item in workspace.search(where=where, limit=1000, **parts)]


def add(workspace, kind, key="k", **parameters):
    with workspace.schema.edit() as draft:
        draft.add(key, kind, **parameters)
    return draft.conversions[0] if draft.conversions else None


# Conversion

LOSSLESS = {
    "number": [
        ("3", 3), ("-4.5", -4.5), ("1e3", 1000.0), ("3.0", 3.0), ("2.50", 2.5), (" 3 ", 3), ("0", 0), ("1152921504606846976.0", 2.0**60),
    ],
    "boolean": [("true", True), ("false", False), ("True", True), ("False", False)],
    "datetime": [
        ("2026-03-01T00:00:00+02:00", "2026-02-28T22:00:00.000000Z"),
        ("2026-02-01", "2026-02-01T00:00:00.000000Z"),
        ("2026-02-28T22:30:00.5Z", "2026-02-28T22:30:00.500000Z"),
    ],
    "uuid": [
        ("8AD58157-CA74-4AE4-8F37-A0193430BCAC", "8ad58157-ca74-4ae4-8f37-a0193430bcac"),
        ("8ad58157ca744ae48f37a0193430bcac", "8ad58157-ca74-4ae4-8f37-a0193430bcac"),
    ],
    "geospatial": [
        ([36.75, 3], {"latitude": 36.75, "longitude": 3.0}),
        ("36.75, 3.06", {"latitude": 36.75, "longitude": 3.06}),
        ("[36.75, 3.06]", {"latitude": 36.75, "longitude": 3.06}),
    ],
    "varchar": [(3, "3"), (3.0, "3.0"), (-0.5, "-0.5"), (True, "true")],
    "text": [(2**53, str(2**53)), (1e22, "1e+22")],
    "semver": [("1.9.0", "00001.00009.00000")],
    "ipv4": [("10.0.0.1", 167772161)],
}  # fmt: skip
LOSSY = {
    "number": [
        "007", "+3", "3,5", "１２", "NaN", "Infinity", "1e999", "x", "", str(2**60), "0.1234567890123456789", "1_000", "0x10", '"3"',
        "9007199254740993.0", [1], {"k": 2}, "true", "null", "٣",
    ],
    "boolean": ["yes", "1", "TRUE", "t", "", 2, "null", [True]],
    "datetime": [
        "yesterday", "2026-02-30", "2026-03-01T00:00:00", "08/09/2023", 1694172977, "2026-03-01T00:00:00.1234567Z",
        "0001-01-01T00:00:00+14:00",
    ],
    "uuid": ["x", 5, "8ad58157-ca74-4ae4-8f37"],
    "geospatial": ["here", [91, 0], [1], {"lat": 1, "lon": 2}, "36.75", True],
    "varchar": [[1], {"k": 2}, "x" * 8193],
    "semver": ["1.9", "x", 19],
    "ipv4": ["10.0.0.256", -1],
}  # fmt: skip


@pytest.mark.parametrize("kind", LOSSLESS)
def test_values_that_lose_nothing_are_converted_and_undone_exactly(workspace, kind):
    before = [old for old, _ in LOSSLESS[kind]]
    fill(workspace, before)
    report = add(workspace, kind)
    assert stored(workspace) == [new for _, new in LOSSLESS[kind]]
    assert [type(value) for value in stored(workspace)] == [type(new) for _, new in LOSSLESS[kind]]
    assert (report.key, report.converted, report.left, report.written) == ("k", len(before), 0, True)
    assert list(workspace.metadata.verify()) == [] and workspace.schema.not_fitting() == {}
    assert workspace.schema.undo("k").converted == len(before)
    assert stored(workspace) == before and list(map(type, stored(workspace))) == list(map(type, before))
    assert workspace.schema.show() == [] and workspace.schema.unknown_keys() == ["k"]


@pytest.mark.parametrize("kind", LOSSY)
def test_values_that_would_lose_something_stay_and_are_all_listed(workspace, kind):
    values = LOSSY[kind]
    fill(workspace, values)
    report = add(workspace, kind)
    assert stored(workspace) == values
    assert report.converted == 0 and report.left == len(values)
    assert len(report.examples) == min(10, len(values)) and all(row.reason for row in report.examples)
    assert [row.value for row in workspace.metadata.verify()] == values
    assert workspace.schema.not_fitting() == {"k": len(values)}
    assert found(workspace, "k IS NOT NULL") == ([2] if kind == "varchar" else [])  # too long, but a text


def test_an_enum_takes_texts_and_numbers_that_are_exactly_an_option(workspace):
    fill(workspace, ["sun", "Sun", 3, 3.0, True, "3", "true"])
    report = add(workspace, "enum", options=["sun", "3", "true"])
    assert stored(workspace) == ["sun", "Sun", "3", 3.0, "true", "3", "true"]
    assert (report.converted, report.left) == (2, 2)


def test_a_text_beside_numbers_is_left_until_it_is_asked_for(workspace):
    fill(workspace, ["10", 9, -1.5, "x", [1], {"k": 2}])
    report = add(workspace, "number")
    assert (report.converted, report.left) == (0, 4) and report.examples[0].reason == BESIDE
    assert found(workspace, "k > 5") == [1]
    (asked,) = workspace.schema.convert("k")
    assert (asked.converted, asked.left) == (1, 3)
    assert stored(workspace) == [10, 9, -1.5, "x", [1], {"k": 2}]
    assert found(workspace, "k > 5") == [0, 1]
    assert workspace.schema.undo("k").converted == 1 and stored(workspace)[0] == "10"
    assert workspace.schema.keys() == ["k"]  # the addition itself converted nothing


def test_items_that_are_deleted_frames_and_folders_are_converted_too(workspace):
    facts = MediaFacts("video", "video/mp4", frame_count=9)
    frames = [NewFrame(4, 0.5, True, metadata={"k": "7"}), NewFrame(5, 0.6, False, metadata={"k": "x"})]
    workspace.registration.register(
        [NewItem("s3://lake/a.mp4", facts, metadata={"k": "5"}, frames=frames)], "A"
    )
    workspace.folders.set_metadata("A", {"k": "9"})
    workspace._database.execute("UPDATE items SET deleted_at = created_at")
    assert add(workspace, "number").converted == 3
    assert stored(workspace) == [5] and workspace.folders.get("A").metadata == {"k": 9}
    (item,) = workspace.items.list(deleted=True)
    assert [frame.metadata for frame in workspace.frames.list(item)] == [{"k": 7}, {"k": "x"}]
    assert workspace.schema.undo("k").converted == 3
    assert stored(workspace) == ["5"] and workspace.folders.get("A").metadata == {"k": "9"}


def test_a_dry_run_says_all_and_changes_nothing(workspace):
    fill(workspace, ["3", "40", "007"])
    with workspace.schema.edit(dry_run=True) as draft:
        draft.add("k", "number")
    (report,) = draft.conversions
    assert (report.converted, report.left, report.written) == (2, 1, False)
    assert stored(workspace) == ["3", "40", "007"] and workspace.schema.keys() == []
    add(workspace, "number")
    assert workspace.schema.undo("k", dry_run=True).converted == 2
    assert stored(workspace) == [3, 40, "007"] and workspace.schema.keys() == ["k"]


def test_an_error_within_an_edit_converts_nothing(workspace):
    fill(workspace, ["3"])
    with pytest.raises(AlreadyExists), workspace.schema.edit() as draft:
        draft.add("k", "number")
        draft.add("k", "number")
    assert stored(workspace) == ["3"] and workspace.schema.keys() == []


def test_changing_the_type_converts_there_and_back(workspace):
    fill(workspace, ["3", "4.5", "x"])
    add(workspace, "number")
    with workspace.schema.edit() as draft:
        draft.set_from_dict({"k": "varchar"})
    assert stored(workspace) == ["3", "4.5", "x"] and draft.conversions[0].converted == 2
    workspace.schema.undo("k")
    assert stored(workspace) == [3, 4.5, "x"] and workspace.schema.to_dict() == {"k": "number"}
    with pytest.raises(NotFound, match="no conversion"):
        workspace.schema.undo("k")


def test_values_of_a_type_with_a_shown_form_are_converted_from_this_form(workspace):
    fill(workspace, ["1.9.0", "1.10.0"])
    add(workspace, "semver")
    workspace.schema.set_from_dict({"k": "varchar"})
    assert stored(workspace) == ["1.9.0", "1.10.0"]


def test_restoring_a_key_converts_what_was_written_meanwhile(workspace):
    fill(workspace, [None, None])
    add(workspace, "boolean")
    workspace.schema.delete_key("k")
    workspace.metadata.merge({"0": {"k": "true"}})
    workspace.schema.restore_key("k")
    assert stored(workspace) == [True, None] and found(workspace, "k") == [0]


def test_what_people_wrote_since_is_not_undone_but_listed(workspace):
    fill(workspace, ["1", "2", "3", "4"])
    add(workspace, "number")
    workspace.metadata.merge({"0": {"k": 9}, "1": {"k": None}, "2": {"other": 1}})
    workspace.items.delete(["3"])
    report = workspace.schema.undo("k")
    assert (report.converted, report.left) == (1, 2)
    assert [row.value for row in report.examples] == [9, None]
    assert stored(workspace) == [9, None, "3"] and stored(workspace, "other") == [None, None, 1]


def test_a_key_that_was_deleted_for_good_cannot_be_undone(workspace):
    fill(workspace, ["1"])
    add(workspace, "number")
    workspace.schema.delete_key("k", hard=True)
    with pytest.raises(AlreadyExists, match="for good"):
        workspace.schema.undo("k")
    assert workspace._database.value("SELECT count(*) FROM converted_values") == 0


def test_an_item_in_the_place_of_a_deleted_one_is_not_undone(workspace):
    fill(workspace, ["1"])
    add(workspace, "number")
    workspace.items.delete(["0"])
    fill(workspace, [1])
    assert workspace.schema.undo("k").converted == 0 and stored(workspace) == [1]


def test_other_metadata_stays_to_the_letter(workspace):
    fill(workspace, ["1"])
    odd = '{"k":"1","a":1.0,"b":1e22,"c":"\\u00e9","d":[1,{"e":null}],"f":12345678901234567890123}'
    workspace._database.execute("UPDATE items SET metadata = ?", [odd])
    add(workspace, "number")
    assert workspace._database.value("SELECT metadata FROM items") == odd.replace('"1"', "1", 1)
    workspace.schema.undo("k")
    assert workspace._database.value("SELECT metadata FROM items") == odd


def test_many_rows_go_through_in_pages_with_progress(workspace):
    fill(workspace, [str(n) for n in range(2500)])
    seen = []
    with workspace.schema.edit(progress=seen.append) as draft:
        draft.add("k", "number")
    assert seen == [1000, 2000, 2500] and draft.conversions[0].converted == 2500
    assert stored(workspace) == list(range(2500))
    assert workspace.schema.undo("k").converted == 2500
    assert stored(workspace) == [str(n) for n in range(2500)]


def test_full_text_and_indexes_know_what_was_converted(workspace):
    fill(workspace, [31, "a 31 b", [31]])
    add(workspace, "text")
    assert found(workspace, "match(k, '31')") == [0, 1]
    fill(workspace, ["5", "x", "700"], key="n")
    add(workspace, "number", key="n")
    workspace.schema.set_indexed("n")
    assert found(workspace, "n > 6") == [2] and found(workspace, "n <= 5") == [0]


# Unknown keys, and catalogues of before


def test_a_key_that_nothing_has_any_more_is_forgotten(workspace):
    fill(workspace, ["1", "2"])
    workspace.metadata.merge({"0": {"typo": 1}})
    workspace.metadata.merge({"0": {"typo": None}})
    assert workspace.schema.unknown_keys() == ["k"]
    workspace.schema.add("other", "number")
    assert [row[0] for row in workspace._database.rows("SELECT name FROM unknown_keys")] == ["k"]


def test_a_catalogue_of_before_is_guarded_until_its_values_are_counted(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.add("k", "number")
        workspace.schema.add("good", "varchar")
        fill(workspace, [3, 4, None])
        workspace._database.execute(
            "UPDATE items SET metadata = json_set(metadata, '$.k', 'x') WHERE name = '1'"
        )
        workspace._database.execute("INSERT INTO unknown_keys VALUES (?)", ["a\0b"])
        path = workspace._database.path
    with closing(sqlite3.connect(path)) as plain:
        for table in ("converted_values", "conversions"):
            plain.execute(f"DROP TABLE {table}")
        plain.execute("ALTER TABLE schema_keys DROP COLUMN not_fitting")
        plain.execute("DELETE FROM _sqlite_migrations WHERE name = 'conversions'")
        plain.commit()
    with heron.open(tmp_path, discover=False) as workspace:
        assert found(workspace, "k > 1000") == [] and found(workspace, "k > 1") == [0]
        assert workspace._database.value("SELECT count(*) FROM unknown_keys WHERE name LIKE 'a%'") == 0
        assert workspace.search(where="k > 1").notes == ()
        workspace.schema.convert()
        assert workspace.schema.not_fitting() == {"k": 1} and len(workspace.search(where="k > 1").notes) == 1
        assert "CASE" not in workspace.search.explain(where="good = 'x'").sql


def test_random_values_are_converted_and_undone_exactly(workspace):
    rng = random.Random(7)
    values = [
        rng.choice(
            [
                str(rng.randint(-99, 9999)),
                f"{rng.uniform(-9, 9):.3f}",
                "x",
                "0" + str(rng.randint(0, 9)),
                None,
            ]
        )
        for _ in range(300)
    ]
    fill(workspace, values)
    report = add(workspace, "number")
    now = stored(workspace)
    assert report.converted == sum(type(v) in (int, float) for v in now)
    assert report.left == len(list(workspace.metadata.verify())) == sum(type(v) is str for v in now)
    for old, new in zip(values, now, strict=True):
        assert new == old or float(old) == new
    assert sorted(found(workspace, "k > 0")) == [
        n for n, v in enumerate(now) if type(v) in (int, float) and v > 0
    ]
    workspace.schema.undo("k")
    assert stored(workspace) == values


def test_a_key_is_not_undone_that_was_never_converted(workspace):
    workspace.schema.add("k", "number")
    with pytest.raises(NotFound):
        workspace.schema.undo("k")
    with pytest.raises(NotFound, match="did you mean 'k'"):
        workspace.schema.convert("kk")
    with pytest.raises((MetadataError, InvalidInput)):
        workspace.schema.rename_option("k", "a", "b")


# Messages that say what to write

WRITTEN = {
    "ok = 'true'": "write TRUE without quotes",
    "ok = 'False'": "write FALSE without quotes",
    "ok IN (1)": "write TRUE",
    "n = '5'": "write 5 without quotes",
    "taken > 2024-05-01": "write the date in single quotes: '2024-05-01'",
    "2024-05-01 < captured_at": "write the date in single quotes: '2024-05-01'",
    "captured_at BETWEEN 2024-05-01 AND 2024-06-01": "write the date in single quotes: '2024-05-01'",
    "taken > 2024-05-01T10:00:00Z": "write the time in single quotes: '2024-05-01T10:00:00Z'",
}


@pytest.mark.parametrize("where", WRITTEN)
def test_a_literal_of_another_type_is_refused_with_what_to_write(workspace, where):
    workspace.schema.set_from_dict({"ok": "boolean", "n": "number", "taken": "datetime"})
    with pytest.raises(QueryError) as refusal:
        workspace.search(where=where)
    assert refusal.value.hint == WRITTEN[where]


def test_a_misspelt_media_fact_gets_a_suggestion_from_the_facts_that_there_are(workspace):
    facts = MediaFacts("image", "image/jpeg", extra={"exif": {"Model": "Finch", "ISO": 100}})
    workspace.registration.register([NewItem("s3://lake/a.jpg", facts)], "A")
    (note,) = workspace.search(where="exif.Modle = 'Finch'").notes
    assert note.endswith("did you mean exif.Model?")
    assert workspace.search(where="exif.Model = 'x'").notes == ()
    assert workspace.search(where="exif.Zzzzqqq = 'x'").notes == ()


def test_listing_thousands_of_unknown_keys_reads_the_metadata_once(workspace):
    names = [f"key {n}" for n in range(2000)]
    workspace.registration.register(
        [
            NewItem(f"s3://lake/{n}.jpg", PHOTO, metadata=dict.fromkeys(names[n * 10 : n * 10 + 10], 1))
            for n in range(200)
        ],
        "A",
    )
    statements = []
    workspace._database.connection.set_trace_callback(statements.append)
    assert workspace.schema.unknown_keys() == sorted(names)
    workspace._database.connection.set_trace_callback(None)
    assert len(statements) < 20
