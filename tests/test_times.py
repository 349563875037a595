"""Times: aware datetimes in UTC on every record; one form of text in the catalogue, in JSON and in exports."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given
from hypothesis.strategies import datetimes, timezones

from heron.convert import structure, unstructure
from heron.errors import CatalogueError, InvalidInput
from heron.models import MediaFacts, NewItem, Query
from heron.times import moment, utc_iso

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEXT = "2026-01-31T12:00:00.000000Z"


@pytest.fixture
def workspace(workspace):
    facts = MediaFacts("image", "image/jpeg", captured_at="2026-01-31T14:00:00+02:00")
    workspace.registration.register([NewItem("s3://lake/a.jpg", facts, modified_at=NOON)], "A")
    return workspace


def test_every_time_of_a_record_is_an_aware_datetime_in_utc(workspace):
    item = workspace.items.get("a.jpg")
    folder = workspace.folders.get("A")
    job = workspace.imports._finish(workspace.imports._start("src", folder, {}), "done").job
    records = [
        item, item.facts, folder, job, workspace.collections.create("c"), workspace.datasets.create("d"),
        workspace.presets.create("p", Query()), workspace.integrations.create("i", "local"),
    ]  # fmt: skip
    seen = 0
    for record in records:
        for part in attrs.fields(type(record)):
            if part.name.endswith("_at") and (value := getattr(record, part.name)) is not None:
                assert type(value) is datetime and value.tzinfo is UTC, (record, part.name)
                seen += 1
    assert seen == 11
    assert item.facts.captured_at == item.modified_at == NOON
    assert NOON < item.created_at <= datetime.now(UTC) + timedelta(seconds=1)


def test_the_catalogue_json_and_exports_keep_their_text(workspace, tmp_path):
    with sqlite3.connect(workspace._database.path) as plain:
        assert plain.execute("SELECT captured_at, modified_at FROM items").fetchone() == (TEXT, TEXT)
    item = workspace.items.get("a.jpg")
    dataset = workspace.datasets.create("d", items=item)
    workspace.export(dataset, tmp_path / "d.json")
    row = json.loads((tmp_path / "d.json").read_text())[0]
    assert row["captured_at"] == row["modified_at"] == TEXT
    assert row["created_at"] == utc_iso(item.created_at)
    workspace.export(dataset, tmp_path / "d.csv", format="csv")
    assert TEXT in (tmp_path / "d.csv").read_text()
    assert unstructure(item.facts)["captured_at"] == TEXT
    assert structure({"when": TEXT}, _Record, "x").when == NOON


@attrs.frozen
class _Record:
    when: datetime


@pytest.mark.parametrize(
    "given",
    [NOON, TEXT, "2026-01-31T12:00:00Z", "2026-01-31T12:00+00:00", "2026-01-31T05:00:00-07:00",
     datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))],
)  # fmt: skip
def test_decoders_may_give_aware_datetimes_or_texts(given):
    facts = MediaFacts("image", "image/jpeg", captured_at=given)
    assert facts.captured_at == NOON and facts.captured_at.tzinfo is UTC
    assert utc_iso(facts.captured_at) == TEXT


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (datetime(2026, 1, 31), "no offset"),
        ("2026-01-31T12:00:00", "no offset"),
        ("2026-01-31", "no offset"),
        ("yesterday", "'yesterday' is not a time"),
        ("", "is not a time"),
        (1769860800, "a int is not a time"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))), "too far away"),
    ],
)
def test_a_time_without_offset_and_what_is_no_time_are_refused(given, reason):
    for make in (
        lambda: MediaFacts("image", "image/jpeg", captured_at=given),
        lambda: NewItem("s3://lake/a", MediaFacts("other", "x/y"), modified_at=given),
        lambda: moment(given),
    ):
        with pytest.raises(InvalidInput, match=reason) as refusal:
            make()
        assert "2026-01-31T12:00:00Z" in refusal.value.hint


@given(datetimes(timezones=timezones()))
def test_the_text_is_of_fixed_width_and_is_read_back(when):
    try:
        in_utc = when.astimezone(UTC)
    except OverflowError:
        return
    text = utc_iso(when)
    assert text == in_utc.isoformat(timespec="microseconds")[:-6] + "Z" and len(text) == 27
    assert moment(text) == in_utc


def test_a_time_that_is_utc_already_is_not_converted():
    assert moment(NOON) is NOON


@pytest.mark.parametrize("text", ["yesterday", "2026-01-31T12:00:00", "", b"\x00"])
@pytest.mark.parametrize("column", ["created_at", "captured_at", "deleted_at"])
def test_a_stored_text_that_is_no_time_is_told_with_its_item_and_column(workspace, column, text):
    item = workspace.items.get("a.jpg")
    with sqlite3.connect(workspace._database.path) as plain:
        plain.execute(f"UPDATE items SET {column} = ?", [text])
    with pytest.raises(CatalogueError, match=f"{item.uuid}.*column {column} contains .* no time"):
        workspace.items.get(item.uuid)
    with pytest.raises(CatalogueError, match=f"{item.uuid}.*column {column} contains .* no time"):
        workspace.items.list(deleted=True)


def test_other_damaged_values_are_told_in_the_same_way(workspace):
    item = workspace.items.get("a.jpg")
    workspace.frames.add(item, [(7, 0.5, True)])
    with sqlite3.connect(workspace._database.path) as plain:
        plain.execute("UPDATE frames SET metadata = '{'")
    with pytest.raises(CatalogueError, match=f"frame 7 of item {item.uuid}: its column metadata .* no JSON"):
        workspace.frames.list(item)
    with sqlite3.connect(workspace._database.path) as plain:
        plain.execute("UPDATE items SET facts = '{'")
    with pytest.raises(CatalogueError, match=f"item '{item.uuid}': its column facts contains .* no JSON"):
        workspace.items.get(item.uuid)
