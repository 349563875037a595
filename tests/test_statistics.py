"""Statistics, comparisons, and facets of memberships and words, by SQLite and by columns alike."""

import json
import statistics
from collections import Counter

import pytest

import heron
from heron.catalog.columns import kept
from heron.cli.main import status
from heron.models import MediaFacts, NewItem
from heron.search import sqlite_groups

WORDS = ["red", "green", "blue", "car", "tree", "sky"]


@pytest.fixture(params=["SQLite", "columns"])
def lake(request, tmp_path, monkeypatch):
    if request.param == "columns":
        pytest.importorskip("polars")
        monkeypatch.setattr(kept, "MANY", 1)
        monkeypatch.setattr(kept, "PENDING", 7)
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.add_scalar("score", "number")
        workspace.schema.add_scalar("when", "datetime")
        workspace.schema.add_scalar("split", "varchar")
        workspace.schema.add_scalar("story", "text")
        items = []
        for number in range(100):
            given = {"score": (number * 37 % 100) / 8, "when": f"2026-01-{number % 20 + 1:02}"}
            given["split"] = "test" if number % 4 == 0 else "train"
            if number % 10:
                given["story"] = " ".join(
                    word for place, word in enumerate(WORDS) if number % (place + 2) == 0
                )
            items.append(NewItem(f"u:{number}", MediaFacts("image", "x/y", width=number % 4), metadata=given))
        workspace.registration.register(items, "F")
        workspace.collections.create("Low", items=list(workspace.search(where="score < 3")))
        workspace.collections.create("All", items=list(workspace.search()))
        workspace.datasets.create("First", items=list(workspace.search(limit=10)))
        assert workspace.search.explain(where="score > 1").engine == request.param
        yield workspace


def counts(facet):
    return [(bucket.value, bucket.count) for bucket in facet.buckets]


def test_quartiles_mean_and_extent_are_those_of_the_values(lake):
    [score, when] = lake.stats("score,when")
    values = sorted(item.metadata["score"] for item in lake.search.all())
    assert (score.least, score.lower, score.median, score.upper, score.greatest) == (
        values[0], values[24], values[49], values[74], values[99],
    )  # fmt: skip
    assert score.mean == pytest.approx(statistics.fmean(values))
    assert (score.present, score.missing, score.distinct, score.most_count) == (100, 0, 100, 0)
    assert (when.distinct, when.most_count, when.mean) == (20, 5, None)
    assert (when.lower, when.median) == ("2026-01-05T00:00:00.000000Z", "2026-01-10T00:00:00.000000Z")


def test_pending_changes_count_in_statistics(lake):
    [item] = lake.search(where="score = 0")
    lake.metadata.merge_all([item], {"score": 1000.5})
    lake.items.delete(list(lake.search(where="score = 0.125")))
    [score] = lake.stats("score")
    values = sorted(item.metadata["score"] for item in lake.search.all())
    assert (score.least, score.median, score.greatest) == (0.25, values[49], 1000.5)
    assert score.mean == pytest.approx(statistics.fmean(values))


def test_by_default_what_has_a_value_is_described(lake):
    names = [each.name for each in lake.stats()]
    assert {"kind", "width", "score", "when", "split", "story"} <= set(names) and "pages" not in names
    assert lake.stats("pages")[0].present == 0
    assert [each.name for each in lake.stats(where="score > 1000")] == []
    with pytest.raises(heron.QueryError, match="there is no field 'nothing'"):
        lake.stats("nothing")


def test_items_are_counted_in_each_collection_and_dataset(lake):
    [collections, datasets] = lake.facets("collections,datasets")
    low = lake.search.count(where="score < 3")
    assert (counts(collections), collections.form) == ([("All", 100), ("Low", low)], "collections")
    assert (datasets.present, datasets.missing, datasets.distinct) == (10, 90, 1)
    [collections] = lake.facets("collections", where="score >= 3")
    assert counts(collections) == [("All", 100 - low)]


def test_a_key_named_collections_and_the_memberships_are_not_mixed_up(lake):
    lake.schema.add_scalar("collections", "varchar")
    with pytest.raises(heron.QueryError, match="is a metadata key, and also counts") as refused:
        lake.facets("collections")
    assert "metadata.collections" in refused.value.hint
    assert lake.facets("metadata.collections")[0].form == "values"


@pytest.mark.parametrize("few", [20_000, 3])
def test_words_of_texts_are_counted_once_for_each_item(lake, monkeypatch, few):
    monkeypatch.setattr(sqlite_groups, "_FEW", few)
    for where in (None, "split = 'test'", "score < 3", "score > 1000"):
        found = [item.metadata.get("story", "").split() for item in lake.search.all(where=where)]
        expected = Counter(word for words in found for word in set(words))
        [story] = lake.facets("story", where=where, most=4)
        assert story.form == "words"
        assert counts(story) == sorted(expected.items(), key=lambda entry: (-entry[1], entry[0]))[:4]
        for bucket in story.buckets:
            both = f"match(story, '{bucket.value}')" + (f" AND {where}" if where else "")
            assert lake.search.count(where=both) == bucket.count
    assert lake.facets("story")[0].distinct == (None if few == 3 else len(WORDS))


def test_words_of_changed_and_deleted_items_are_not_counted(lake, monkeypatch):
    monkeypatch.setattr(sqlite_groups, "_FEW", 3)
    items = list(lake.search.all(where="match(story, 'sky')"))
    lake.items.delete(items[:2])
    lake.metadata.merge_all(items[2:3], {"story": "moon"})
    words = dict(counts(lake.facets("story")[0]))
    assert (words["sky"], words["moon"]) == (len(items) - 3, 1)


def test_two_selections_are_compared_in_the_same_buckets(lake):
    found = {each.name: each for each in lake.compare("split = 'train'", "split = 'test'", bins=5)}
    split, score = found["split"], found["score"]
    assert split.difference == pytest.approx(1)
    assert [(bucket.value, bucket.left, bucket.right) for bucket in split.buckets] == [("train", 75, 0), ("test", 0, 25)]  # fmt: skip
    assert sum(bucket.left for bucket in score.buckets) == 75 and len(score.buckets) == 5
    shares = [abs(bucket.left / 75 - bucket.right / 25) for bucket in score.buckets]
    assert score.difference == pytest.approx(sum(shares) / 2)
    assert "story" not in found and found["kind"].difference == 0
    assert [each.name for each in lake.compare("width = 0", "width = 0", "score,split")] == ["score", "split"]


def test_a_side_without_items_has_no_difference(lake):
    [score] = lake.compare("score < 0", "score >= 0", "score")
    assert (score.difference, score.left_present, score.right_present) == (None, 0, 100)


def test_missing_values_are_a_difference(lake):
    lake.metadata.merge_all(list(lake.search.all(where="split = 'train'")), {"score": None})
    [score] = lake.compare("split = 'train'", "split = 'test'", "score")
    assert (score.left_missing, score.right_missing, score.difference) == (75, 0, pytest.approx(1))


def test_the_commands_print_tables_and_json(lake, capsys):
    assert status(["-w", str(lake.root), "stats", "score,split"]) == 0
    out = capsys.readouterr().out
    assert "median" in out and "train (75)" in out
    assert status(["-w", str(lake.root), "stats", "score", "split"]) == 0
    assert capsys.readouterr().out == out
    assert status(["-w", str(lake.root), "stats", "score", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["distinct"] == 100
    given = ["compare", "split = 'train'", "split = 'test'", "--by", "split,score"]
    assert status(["-w", str(lake.root), *given]) == 0
    out = capsys.readouterr().out
    assert "100.0 %" in out and "█" in out and out.index("split") < out.index("score")
    assert status(["-w", str(lake.root), "facets", "story,collections"]) == 0
    out = capsys.readouterr().out
    assert status(["-w", str(lake.root), "facets", "story", "collections"]) == 0
    assert capsys.readouterr().out == out
    assert "story: 6 words, in 90 items" in out and "All" in out


def test_a_key_and_a_field_of_one_name_are_two(lake):
    lake.schema.add_scalar("kind", "varchar")
    lake.metadata.merge_all(list(lake.search.all(where="width = 1")), {"kind": "mine"})
    for facets in (lake.facets("item.kind,metadata.kind"), lake.facets("metadata.kind,item.kind")[::-1]):
        assert [counts(facet) for facet in facets] == [[("image", 100)], [("mine", 25)]]


@pytest.mark.parametrize("few", [20_000, 3])
def test_collections_of_few_and_of_many_items_are_counted_alike(lake, monkeypatch, few):
    monkeypatch.setattr(sqlite_groups, "_FEW", few)
    expected = [("All", 25), ("Low", lake.search.count(where="split = 'test' AND score < 3"))]
    [facet] = lake.facets("collections", where="split = 'test'")
    assert (counts(facet), facet.present, facet.missing) == (expected, 25, 0)
    assert counts(lake.facets("collections", where="score > 1000")[0]) == []


def test_csv_has_every_value_in_full(lake, capsys):
    for given, head, row in (
        (["stats", "score"], "name,items,missing", "score,100,0,100,,0"),
        (["facets", "split"], "name,form,value,end,items", "split,values,train,,75"),
        (["compare", "split = 'train'", "split = 'test'", "--by", "split"], "name,form,value,end,left,right", "split,values,train,,75,0"),
    ):  # fmt: skip
        assert status(["-w", str(lake.root), *given, "--csv"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith(head) and any(line.startswith(row) for line in lines[1:]), lines
