"""Curation: leakage, bad input, and the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import heron
from heron.cli.main import status
from heron.errors import InvalidInput, NotFound, QueryError
from heron.models import MediaFacts, NewItem, Query
from tests.test_curation import lake, planted, with_vectors  # noqa: F401 - fixtures

# Leakage


@pytest.fixture
def split(lake):
    """A dataset to train on and one to test on that share an item, equal content, and a near picture."""
    item = {item.name: item for item in lake.items.list()}
    lake.datasets.create("train", items=[item[n] for n in ("bus.png", "taxi.png", "ferry.png")])
    test = ("taxi.png", "bus-copy.png", "ferry-soft.png", "hills.png", "notes.txt")
    lake.datasets.create("test", items=[item[n] for n in test])
    return lake


def test_leaks_are_the_same_item_equal_content_and_near_ones(split):
    found = split.curation.leakage("train", "test", threshold=0.93)
    leaks = [(leak.name, leak.of_name, leak.why) for leak in found.leaks]
    assert leaks == [
        ("taxi.png", "taxi.png", "same item"), ("bus-copy.png", "bus.png", "equal content"),
        ("ferry-soft.png", "ferry.png", "near"),
    ]  # fmt: skip
    assert 0.93 <= found.leaks[2].score < 1 and found.leaks[1].score is None
    assert (found.first, found.second, found.key) == (3, 5, "visual")
    assert [split.items.get(uuid).name for uuid in found.items] == [
        "taxi.png",
        "bus-copy.png",
        "ferry-soft.png",
    ]
    assert sorted(map(len, found.groups)) == [1, 2, 2]
    assert "1 item of the second dataset without a vector under 'visual'" in found.notes
    assert [leak.why for leak in split.curation.leakage("train", "test", threshold=1.0).leaks] == [
        "same item",
        "equal content",
    ]


def test_a_frame_of_a_video_leaks(workspace):
    items = with_vectors(workspace, [[1, 0, 0], [0, 1, 0]])
    workspace.frames.add(items[1], [(4, None, False)])
    workspace.vectors.add("own", list(workspace.frames.list(items[1])), [[1, 0.01, 0]])
    for title, item in zip(("train", "test"), items, strict=True):
        workspace.datasets.create(title, items=[item])
    [leak] = workspace.curation.leakage("train", "test").leaks
    assert (leak.name, leak.frame, leak.of_name, leak.of_frame) == ("1", 4, "0", None)
    [leak] = workspace.curation.leakage("test", "train").leaks
    assert (leak.name, leak.frame, leak.of_name, leak.of_frame) == ("0", None, "1", 4)
    assert workspace.curation.leakage("train", "test", frames=False).leaks == ()


def test_without_vectors_leakage_is_by_identity_and_content(split):
    split.vectors.delete("visual")
    found = split.curation.leakage("train", "test")
    assert [leak.why for leak in found.leaks] == ["same item", "equal content"]
    assert (found.key, found.threshold) == (None, None)
    assert found.notes[-1] == "there are no vectors, so near items were not looked for"


# Bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: c.near_duplicates("nix"), "there are no vectors under 'nix'"),
        (lambda c: c.near_duplicates(threshold=1.01), "the threshold is 1.01, a cosine from -1 to 1 is needed"),
        (lambda c: c.near_duplicates(threshold=float("nan")), "the threshold is nan"),
        (lambda c: c.near_duplicates(query=Query(where="width > 10000")), "no item matches"),
        (lambda c: c.near_duplicates(query=Query(where="kind = 'text'")), "of 1 item, none has a vector under 'visual'"),
        (lambda c: c.near_duplicates(query=Query(where="nix = 1")), "there is no field 'nix'"),
        (lambda c: c.uniqueness(neighbours=0), "neighbours is 0, at least 1 is needed"),
        (lambda c: c.uniqueness(limit=0), "limit is 0"),
        (lambda c: c.uniqueness(query=Query(where="name = 'taxi.png'")), "there is only one item"),
        (lambda c: c.diverse(count=0), "count is 0, at least 1 is needed"),
        (lambda c: c.leakage("train", "empty"), "dataset 'empty' is empty"),
        (lambda c: c.leakage("train", "test", "nix"), "there are no vectors under 'nix'"),
        (lambda c: c.leakage("train", "test", threshold=-2), "the threshold is -2"),
        (lambda c: c.sheet(c.near_duplicates(threshold=1.0, query=Query(where="width = 240"))), "no duplicates to show"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(split, call, words):
    split.datasets.create("empty")
    with pytest.raises((InvalidInput, QueryError, NotFound)) as refusal:
        call(split.curation)
    assert words in refusal.value.message
    assert "\n" not in str(refusal.value)


def test_exact_duplicates_of_no_items_are_none_and_a_note_says_so(split):
    found = split.curation.exact_duplicates(Query(folder="Lake", where="width > 10000"))
    assert (found.groups, found.compared, found.left_out) == ((), 0, 0)
    assert found.notes == ("no item was found, so nothing was compared",)


def test_without_any_vectors_the_hint_says_what_makes_some(workspace):
    with pytest.raises(InvalidInput, match=r"there are no vectors \(heron embed makes some\)"):
        workspace.curation.diverse()


# The command line


def test_duplicates_are_printed_collected_and_drawn(run, lake):
    said = run(
        "duplicates", "--near", "0.93", "-o", "twins.png", "--collect", "Best", "--collect-redundant", "Rest"
    )
    assert "2 groups of 6 items, 4 of them redundant; 8 were compared" in said
    assert "largest, least loss, oldest" in said and "Wrote twins.png with 2 of 2 groups" in said
    assert {item.name for item in lake.collections.items("Best")} == {"bus.png", "ferry.png"}
    assert len(list(lake.collections.items("Rest"))) == 4
    with Image.open(lake.root / "twins.png") as sheet:
        colours = sheet.convert("RGB").resize((60, 60)).getcolors(3600)
        assert sheet.width > 4 * 192 and sheet.height > 2 * 192 and len(colours) > 300
    assert "there is a collection 'Best' already" in run("duplicates", "--collect", "Best", code=1)
    assert "both be called 'A'" in run("duplicates", "--collect", "A", "--collect-redundant", "A", code=1)


def test_duplicates_as_json_say_what_is_kept(run):
    found = json.loads(run("duplicates", "--json"))
    [group] = found["groups"]
    assert group["kept"] == group["items"][0]["uuid"] and found["way"] == "hash"
    assert json.loads(run("duplicates", "--near", "--json"))["threshold"] == 0.95


def test_duplicates_hash_what_has_no_hash(run, lake):
    lake._database.execute("UPDATE items SET content_hash = NULL")
    assert "There are no duplicates." in run("duplicates")
    said = run("duplicates", "--hash-missing")
    assert "Hashed 9 files." in said and "1 group of 2 items, 1 of them redundant" in said
    assert "--near" in run("duplicates", "--key", "visual", code=2)
    assert "--near" in run("duplicates", "--near", "--hash-missing", code=2)
    assert "--near" in run("duplicates", "--near", "much", code=2)


def test_a_subset_is_printed_collected_and_drawn(run, lake):
    said = run("select", "--diverse", "4", "--collect", "Four", "-o", "four.png")
    assert "Of 8 items, each has a cosine of 0.9" in said and "Made collection Four of 4 items" in said
    assert lake.collections.get("Four").item_count == 4
    assert (lake.root / "four.png").exists()
    ranked = json.loads(run("select", "--unique", "2", "--neighbours", "2", "--keep", "--json"))
    assert len(ranked["items"]) == 2 and ranked["neighbours"] == 2
    assert run("search", "--where", "metric.uniqueness > 0", "--count").strip() == "8"
    for wrong in ([], ["--diverse", "1", "--unique", "1"], ["--diverse", "1", "--keep"], ["--diverse", "0"]):
        run("select", *wrong, code=2)


def test_leakage_is_printed_collected_and_drawn(run, split):
    said = run("leakage", "train", "test", "--near", "0.93", "--collect", "Leaks", "-o", "leaks.webp")
    assert "3 of 5 items of test leak" in said and "Wrote leaks.webp with 3 of 3 items" in said
    assert split.collections.get("Leaks").item_count == 3
    found = json.loads(run("leakage", "train", "test", "--json"))
    assert {leak["why"] for leak in found["leaks"]} >= {"same item", "equal content"}
    split.datasets.create("hills", items=split.items.by_name("hills.png"))
    heads = run("leakage", "train", "test", "--csv").splitlines()[0].split(",")
    assert heads[:4] == ["leaks", "uuid", "is like", "its uuid"]
    assert "Nothing leaks." in run("leakage", "hills", "train")
    assert "there is no dataset 'nix'" in run("leakage", "nix", "test", code=1)
    assert ".png" in run("leakage", "train", "test", "-o", "leaks.txt", code=1)


def test_json_is_printed_with_nothing_to_compare_too(tmp_path, monkeypatch, capsys):
    with heron.open(tmp_path) as ws:
        monkeypatch.chdir(tmp_path)

        def run(*arguments):
            plain = status(["duplicates", *arguments])
            capsys.readouterr()
            assert status(["duplicates", *arguments, "--json"]) == plain
            out, err = capsys.readouterr()
            assert out, err
            return plain, json.loads(out)

        assert run()[0] == 0
        code, found = run("--near", "0.9")
        assert (code, found["groups"], found["compared"], found["key"]) == (1, [], 0, None)
        assert (found["threshold"], found["notes"]) == (0.9, ["there are no vectors"])
        assert found["carried_over"]["values"] == 0
        with_vectors(ws, np.eye(2, dtype=np.float32), "own")
        assert run("--near", "0.9", "--key", "own")[0] == 0
        code, found = run("--near", "0.9", "--where", "name = 'none'")
        assert (code, found["groups"], found["compared"]) == (1, [], 0)
        facts = MediaFacts("image", "image/png")
        ws.registration.register([NewItem("file:///more", facts, name="more")], "Own")
        code, found = run("--near", "0.9", "--where", "name = 'more'")
        assert (code, found["groups"], found["key"], found["left_out"]) == (1, [], "own", 1)
