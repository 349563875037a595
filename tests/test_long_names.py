"""Paths that no file can have are refused with a sentence, whichever verb gets them."""

from __future__ import annotations

import pytest

from heron.errors import HeronError

LONG = "x" * 300


@pytest.mark.parametrize(
    "path", [LONG, f"a/{LONG}/b.png", f"file:///{LONG}", "ä" * 200], ids=["name", "folder", "url", "bytes"]
)
def test_a_name_that_is_too_long_is_refused(workspace, path):
    verbs = [
        lambda: workspace.ingest.files(path, folder="A"),
        lambda: workspace.ingest.files(path, folder="A", batch_as="group"),
        lambda: workspace.ingest.follow("A", path),
        lambda: workspace.storage.list(path),
    ]
    for verb in verbs:
        with pytest.raises(HeronError) as refused:
            verb()
        assert len(str(refused.value)) < 500


def test_a_name_that_is_as_long_as_it_may_be_is_taken(workspace, tmp_path):
    name = f"{'x' * 251}.txt"
    (tmp_path / name).write_text("a note")
    workspace.ingest.files(tmp_path / name, folder="A")
    assert [item.name for item in workspace.items.list()] == [name]
    assert workspace.items.get(workspace.items.list()[0].url).name == name


def test_a_file_of_vectors_without_a_name_is_refused(workspace):
    workspace.schema.add("look", "embedding", size=3)
    with pytest.raises(HeronError, match="a"):
        workspace.vector_files.import_file("look", "a\0b.npy")
