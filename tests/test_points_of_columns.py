"""Points of a projection are the same from columns as from SQLite, in what a member sees too, and in the bytes that are sent."""

import random

import numpy as np
import pytest

import heron
from heron.catalog.columns import kept
from heron.catalog.projections import ProjectionStore
from heron.catalog.vectors.rights import VectorRights
from heron.columns.gathered import Gathered
from heron.curation import lookup
from heron.models import MediaFacts, NewFrame, NewItem
from heron.remote import columns

pytest.importorskip("polars")
CARL = "carl@example.org"
COUNT = 300
FIELDS = [
    None, "item.name", "item.kind", "folder", "path", "width", "size", "area", "aspect_ratio", "item.created_at", "captured_at", "item.url",
    "city", "score", "ok", "day", "weather", "nothing", "facts.exif.ISO", "facts.exif.Model", "facts.exif.Flash",
]  # fmt: skip
OF_FRAMES = ["frame.number", "frame.seconds", "frame.is_key", "frame.label", "city"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Items of two folders with values of all types, some changed and some deleted after the columns were written."""
    chosen = random.Random(7)
    with (
        pytest.MonkeyPatch.context() as patch,
        heron.open(tmp_path_factory.mktemp("lake"), discover=False) as workspace,
    ):
        patch.setattr(kept, "MANY", 1)
        patch.setattr(lookup, "_MANY", 10)
        keys = {
            "city": "varchar",
            "score": "number",
            "ok": "boolean",
            "day": "datetime",
            "nothing": "varchar",
            "label": "varchar",
        }
        workspace.schema.set_from_dict({**keys, "own": {"type": "embedding", "size": 3}})
        workspace.schema.add_enum("weather", ["sun", "rain"])

        def one(number):
            extra = {
                "ISO": chosen.choice([100, 200]),
                "Model": chosen.choice(["é", 7, 1.5]),
                "Flash": chosen.choice([True, False]),
            }
            metadata = {
                "city": chosen.choice(["Oslo", "Algiers", "日本", None]), "score": chosen.choice([0.5, 2, -1.25, None]),
                "ok": chosen.choice([True, False, None]), "day": chosen.choice(["2026-01-31T12:00:00+02:00", "1969-12-31T23:59:59.999999Z", None]),
                "weather": chosen.choice(["sun", "rain", None]),
            }  # fmt: skip
            facts = MediaFacts(
                chosen.choice(["image", "video"]), "x/y", width=chosen.choice([None, 7, 640]), height=3, frame_count=9,
                captured_at=chosen.choice([None, "2026-01-31T12:00:00Z"]), extra={"exif": extra},
            )  # fmt: skip
            frames = [NewFrame(k, k / 2, k == 0, {"label": chosen.choice("ab")}) for k in range(number % 3)]
            metadata = {key: value for key, value in metadata.items() if value is not None}
            return NewItem(
                f"s3://b/{number}.jpg", facts, name=f"n{number % 50}", metadata=metadata, frames=frames
            )

        for folder, numbers in (("A", range(COUNT // 2)), ("B", range(COUNT // 2, COUNT))):
            workspace.registration.register(map(one, numbers), folder)
        things = [
            *workspace.items.list(),
            *(frame for item in workspace.items.list() for frame in workspace.frames.list(item)),
        ]
        workspace.vectors.add("own", things, np.random.default_rng(0).standard_normal((len(things), 3)))
        workspace.projections.make("own")
        workspace.columns.rebuild()
        items = list(workspace.items.list())
        workspace.items.delete(items[3:9])
        workspace.metadata.merge_all(items[20:30], {"city": "Lisbon"})
        workspace.users.add(CARL)
        workspace.roles.grant("user", user=CARL, folder="A")
        yield workspace


def by_sqlite(workspace, *given, **named):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "_has_polars", lambda: False)
        return workspace.projections.points(*given, **named)


def same(workspace, field, **named):
    """The points by columns, which those by SQLite have to confirm, also as they are sent."""
    found = workspace.projections.points("own", value=field, **named)
    wanted = by_sqlite(workspace, "own", value=field, **named)
    assert isinstance(found.uuids, Gathered) and not isinstance(wanted.uuids, Gathered)
    assert (found.uuids, found.names, tuple(found.frames)) == (
        wanted.uuids,
        wanted.names,
        tuple(wanted.frames),
    )
    assert found.places.tobytes() == wanted.places.tobytes()
    assert columns.uuids(found.uuids) == columns.uuids(wanted.uuids)
    assert columns.texts(found.names) == columns.texts(wanted.names)
    if field is None:
        assert found.values is None and wanted.values is None
    else:
        assert [(type(each), each) for each in found.values] == [(type(each), each) for each in wanted.values]
        assert columns.values(found.values) == columns.values(wanted.values)
    return found


@pytest.mark.parametrize("field", FIELDS)
def test_points_of_items(lake, field):
    assert len(same(lake, field)) == COUNT - 6
    with lake.open_as(CARL) as carl:
        assert len(same(carl, field)) == COUNT // 2 - 6


@pytest.mark.parametrize("field", OF_FRAMES)
def test_points_of_frames(lake, field):
    found = same(lake, field, frames=True)
    with lake.open_as(CARL) as carl:
        assert 0 < len(same(carl, field, frames=True)) < len(found)


def test_points_that_a_query_finds(lake):
    assert 0 < len(same(lake, "city", query=heron.Query(where="city = 'Lisbon' OR score > 0"))) < COUNT
    assert len(same(lake, "city", query=heron.Query(where="FALSE"))) == 0


def test_most_values_are_gathered_without_an_object_for_each(lake):
    by_rows = [
        field
        for field in FIELDS[1:]
        if not isinstance(lake.projections.points("own", value=field).values, Gathered)
    ]
    assert by_rows == ["facts.exif.Model"]  # the columns have no texts beside numbers


def test_points_are_read_once_while_they_are_the_same(lake, monkeypatch):
    read, of = [], ProjectionStore._read
    monkeypatch.setattr(ProjectionStore, "_read", lambda store, found: read.append(1) or of(store, found))
    before = len(lake.projections.points("own"))
    with lake.open_as(None) as other:
        assert len(other.projections.points("own")) == before
    assert read == []
    last = list(lake.items.list())[-1]
    lake.items.delete([last])
    assert len(lake.projections.points("own")) == before - 1
    assert read == [1]
    lake.projections.make("own")
    assert len(lake.projections.points("own")) == before - 1
    assert read == [1, 1]


def test_a_member_gets_points_without_a_list_of_all_vectors(lake, monkeypatch):
    def refuse(rights, kept):
        raise AssertionError("all vectors that the member sees are listed")

    monkeypatch.setattr(VectorRights, "rows", refuse)
    with lake.open_as(CARL) as carl:
        assert len(carl.projections.points("own")) == len(carl.projections.points())
        lake.roles.revoke(user=CARL, folder="A")
        with pytest.raises(heron.HeronError, match="no vectors"):
            carl.projections.points("own")
        lake.roles.grant("user", user=CARL, folder="A")
