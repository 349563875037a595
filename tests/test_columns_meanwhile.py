"""Columns miss no row whose id was another one's, and no change that is made while a segment is written."""

from heron.catalog.columns import kept
from tests.test_columns import COUNT, found, lake, new_items  # noqa: F401 - a fixture


def test_an_item_id_that_is_used_again_is_another_item(lake):
    assert found(lake, "n >= 0") == COUNT
    lake.items.delete(list(lake.search(where=f"n = {COUNT - 1}")))
    lake.columns.rebuild()
    lake.registration.register(new_items(1, 7777), "A")
    assert (found(lake, "n = 7777"), found(lake, f"n = {COUNT - 1}")) == (1, 0)


def test_ids_below_the_newest_are_used_again(lake, monkeypatch):
    """An id that was free when the columns were written becomes that of a new item once all above it are gone."""
    assert found(lake, "n >= 0") == COUNT
    last = [*lake.search(where=f"n >= {COUNT - 4}", sort="n")]
    lake.items.delete([last[0]])
    written(lake, monkeypatch)
    lake.items.delete(last[1:])
    lake.registration.register(new_items(3, 7777), "A")
    assert (found(lake, "n >= 7777"), found(lake, "n >= 0")) == (3, COUNT - 1)
    lake.items.delete([*lake.search(where="n > 7777")])
    lake.registration.register(new_items(1, 9999), "A")
    written(lake, monkeypatch)
    assert (found(lake, "n >= 7777"), found(lake, "n >= 0")) == (2, COUNT - 2)


def written(lake, monkeypatch):
    """Write whatever is pending; nothing more is written afterwards."""
    monkeypatch.setattr(kept, "PENDING", 1)
    lake.columns.refresh()
    monkeypatch.setattr(kept, "PENDING", 1000)


def meanwhile(monkeypatch, change):
    """While the next segment is written, something changes."""
    turns, write = [change], kept.write_segment

    def write_segment(*given):
        segment = write(*given)
        while turns:
            turns.pop()()
        return segment

    monkeypatch.setattr(kept, "write_segment", write_segment)


def test_what_changes_again_while_a_segment_is_written_is_not_lost(lake, monkeypatch):
    assert found(lake, "n >= 0") == COUNT
    [first] = lake.search(where="n = 0")
    lake.metadata.merge_all([first], {"city": "Oslo"})
    meanwhile(monkeypatch, lambda: lake.metadata.merge_all([first], {"city": "Oran"}))
    written(lake, monkeypatch)
    assert (found(lake, "city = 'Oran'"), found(lake, "city = 'Oslo'")) == (1, 0)


def test_ids_that_are_used_again_while_a_segment_is_written_are_not_lost(lake, monkeypatch):
    assert found(lake, "n >= 0") == COUNT
    lake.registration.register(new_items(3, 1000), "A")
    middle, last = lake.search(where="n > 1000", sort="n")

    def change():
        lake.items.delete([last])
        lake.registration.register(new_items(2, 7777), "A")

    lake.items.delete([middle])  # its id is free, and behind those that the columns have
    meanwhile(monkeypatch, change)
    written(lake, monkeypatch)
    assert (found(lake, "n >= 7777"), found(lake, "n >= 0")) == (2, COUNT + 3)
