"""`heron vectors adopt`: vectors that stand in metadata become vectors that search finds."""

from __future__ import annotations

import json

import heron
from heron.models import MediaFacts, NewFrame, NewItem
from tests.test_vector_commands import lake, run  # noqa: F401 - fixtures


def test_adopt_moves_vectors_out_of_metadata(run, tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        facts = MediaFacts("video", "video/mp4", frame_count=9)
        vectors = [[1, 2, 3], "[4, 5, 6]", [1, 2], "none", [7, 8, 9.5], None]
        new = [
            NewItem(
                f"s3://lake/{n}",
                facts,
                f"v{n}",
                metadata={"look": vector, "city": "Oslo"},
                frames=[NewFrame(3)],
            )
            for n, vector in enumerate(vectors)
        ]
        workspace.registration.register(new, "A")
        workspace.frames.set_metadata(workspace.items.by_name("v0")[0], 3, {"look": [0, 0, 1]})
        workspace.schema.add_embedding("look", 3)
    assert "some vectors are in metadata, where no search finds them; heron vectors adopt 'look'" in run(
        "vectors", "status"
    )
    assert run("vectors", "adopt", "look").splitlines() == [
        "Moved 4 vectors from metadata to 'look'.",
        "  not moved: v2: expected 3 numbers, got 2",
        "  not moved: v3: expected a list of 3 numbers",
    ]
    with heron.open(tmp_path, discover=False) as workspace:
        items = list(workspace.items.list())
        kept = [workspace.vectors.find("look", item) for item in items]
        assert [None if v is None else v.tolist() for v in kept] == [
            [1, 2, 3], [4, 5, 6], None, None, [7, 8, 9.5], None,
        ]  # fmt: skip
        assert [item.metadata.get("look") for item in items] == [None, None, [1, 2], "none", None, None]
        assert {item.metadata["city"] for item in items} == {"Oslo"}
        frame = workspace.frames.get(items[0], 3)
        assert frame.metadata == {}
        assert workspace.vectors.find("look", frame).tolist() == [0, 0, 1]


def test_adopt_leaves_what_has_a_vector_unless_it_is_to_replace_it(run, tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        new = NewItem("s3://lake/1", MediaFacts("image", "image/png"), "x", metadata={"look": [1, 2, 3]})
        workspace.registration.register([new], "A")
        workspace.schema.add_embedding("look", 3)
        workspace.vectors.add("look", workspace.items.list(), [[4, 5, 6]])
    assert run("vectors", "adopt", "look").splitlines()[1] == "  not moved: x: there is a vector already"
    assert json.loads(run("vectors", "adopt", "look", "--replace", "--json"))["moved"] == 1
    with heron.open(tmp_path, discover=False) as workspace:
        (item,) = workspace.items.list()
        assert workspace.vectors.find("look", item).tolist() == [1, 2, 3]
        assert item.metadata == {}


def test_adopt_is_for_keys_of_vectors(lake):
    lake("schema", "add", "city", "varchar")
    assert "vectors need a key of type embedding" in lake("vectors", "adopt", "city", exit_status=1)
    assert "no key 'look'" in lake("vectors", "adopt", "look", exit_status=1)
    lake("schema", "add", "look", "embedding", "--size", "3")
    assert lake("vectors", "adopt", "look") == "Moved 0 vectors from metadata to 'look'.\n"
