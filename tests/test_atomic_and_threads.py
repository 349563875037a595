"""Work with threads of its own refuses to run in a transaction that its threads would wait for."""

from __future__ import annotations

import pytest

import heron


@pytest.mark.parametrize(
    "work",
    [
        lambda ws, pictures: ws.ingest.files([pictures], folder="B"),
        lambda ws, pictures: ws.ingest.files([pictures], folder="B", dry_run=True),
        lambda ws, pictures: ws.pictures.make(ws.items.list()),
        lambda ws, pictures: ws.embed("visual"),
    ],
    ids=["import", "dry run", "pictures", "embedding"],
)
def test_it_is_refused_at_once_and_nothing_changes(workspace, pictures, work):
    workspace.ingest.files([pictures], folder="A")
    with workspace.atomic():
        workspace.collections.create("Kept")
        with pytest.raises(heron.InvalidInput, match=r"cannot run within atomic\(\).*do it before or after"):
            work(workspace, pictures)
    assert workspace.collections.find("Kept") is not None
    assert (workspace.items.count(), len(workspace.imports.list())) == (6, 1)
    work(workspace, pictures)
