"""Vectors written to files and read again, and many of them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import heron
from heron.errors import HeronError, InvalidInput, NotFound
from heron.models import MediaFacts, NewItem
from tests.test_vector_file_import import ODD, SIZE, bring, items, of, some, workspace  # noqa: F401 - fixtures

# To files and back


@pytest.mark.parametrize("suffix", ["npy", "parquet", "jsonl"])
@pytest.mark.parametrize("key", ["look", "half"])
def test_an_export_gives_every_vector_back_bit_by_bit(workspace, items, tmp_path, suffix, key):
    clip = workspace.items.by_name("clip.mp4")[0]
    owners = [items[3], *workspace.frames.list(clip), items[1], clip]
    vectors = some(6)
    vectors[0] = [1e-45, -0.0, 0.1, ODD]
    if key == "look":
        vectors[1] = [np.finfo(np.float32).max, np.finfo(np.float32).tiny, 1 / 3, 16777217]
    workspace.vectors.add(key, owners, vectors)
    before = of(workspace, owners, key).tobytes()
    done = workspace.vector_files.export_file(key, tmp_path / f"out.{suffix}")
    assert done.vectors == 6
    workspace.vectors.delete(key)
    assert workspace.vector_files.import_file(key, tmp_path / f"out.{suffix}").kept == 6
    assert of(workspace, owners, key).tobytes() == before


def test_an_export_of_half_floats_is_one(workspace, items, tmp_path):
    workspace.vectors.add("half", items, some(6))
    done = workspace.vector_files.export_file("half", tmp_path / "v.npy", ids=tmp_path / "names.txt")
    assert done.files == (str(tmp_path / "v.npy"), str(tmp_path / "names.txt"))
    array = np.load(tmp_path / "v.npy")
    assert array.dtype == np.float16
    assert (array == some(6).astype(np.float16)).all()
    assert (tmp_path / "names.txt").read_text().split() == [item.uuid for item in items]


def test_only_the_items_of_a_query_are_written(workspace, items, tmp_path):
    workspace.vectors.add("look", items, some(6))
    query = heron.Query(where="name IN ('2.jpg', '4.jpg')")
    assert workspace.vector_files.export_file("look", tmp_path / "v.npy", query=query).vectors == 2
    assert np.load(tmp_path / "v.npy").tobytes() == some(6)[[2, 4]].tobytes()
    nobody = heron.Query(where="name = 'nobody'")
    assert workspace.vector_files.export_file("look", tmp_path / "v.npy", query=nobody).vectors == 0
    assert np.load(tmp_path / "v.npy").shape == (0, SIZE)


def test_exports_that_cannot_be_are_refused_and_leave_nothing(workspace, items, tmp_path):
    files = workspace.vector_files
    with pytest.raises(NotFound, match="no vectors are kept under 'look'"):
        files.export_file("look", tmp_path / "v.npy")
    workspace.vectors.add("look", items, some(6))
    with pytest.raises(InvalidInput, match=r"vectors are written to .npy, .parquet or .jsonl"):
        files.export_file("look", tmp_path / "v.csv")
    with pytest.raises(InvalidInput, match="contains the names of its items"):
        files.export_file("look", tmp_path / "v.jsonl", ids=tmp_path / "ids.txt")
    for suffix in ("npy", "parquet", "jsonl"):
        with pytest.raises(HeronError, match="cannot be written"):
            files.export_file("look", tmp_path / "nowhere" / f"v.{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


# Many


@pytest.mark.slow
def test_many_bundles_keep_their_order(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("heron.ingest.vector_files.npy.rows_of_bundle", lambda size: 7)
    monkeypatch.setattr("heron.ingest.vector_files.json_lines.rows_of_bundle", lambda size: 7)
    monkeypatch.setattr("heron.ingest.vector_files.parquet.rows_of_bundle", lambda size: 7)
    facts = MediaFacts("image", "image/jpeg")
    workspace.registration.register((NewItem(f"s3://many/{n}", facts) for n in range(100)), "Many")
    many = list(workspace.items.list(folder="Many"))
    workspace.vectors.add("look", many[::-1], some(100))
    for suffix in ("npy", "parquet", "jsonl"):
        workspace.vector_files.export_file("look", tmp_path / f"v.{suffix}")
        workspace.vectors.delete("look")
        told = []
        workspace.vector_files.import_file("look", tmp_path / f"v.{suffix}", progress=told.append)
        assert told == [*range(7, 100, 7), 100]
        assert of(workspace, many[::-1]).tobytes() == some(100).tobytes()


def test_a_file_that_changes_while_it_is_read_is_not_read_on(bring, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("heron.ingest.vector_files.npy.rows_of_bundle", lambda size: 2)
    with pytest.raises(InvalidInput, match="was changed while it was being read"):
        bring(
            some(4),
            [f"{n}.jpg" for n in range(1, 5)],
            progress=lambda done: np.save(tmp_path / "v.npy", some(4, seed=1)),
        )
    assert workspace.vectors.status()[0].vectors == 2


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    """200 MB of vectors come in by a process that needs a fraction of it."""
    program = """
        import resource, sys
        from pathlib import Path
        import numpy as np
        import heron
        from heron.models import MediaFacts, NewItem
        place = Path(sys.argv[1])
        with heron.open(place / "lake", discover=False) as ws:
            facts = MediaFacts("image", "image/jpeg")
            ws.registration.register((NewItem(f"s3://lake/{n}", facts, f"n{n}") for n in range(25_000)), "A")
            ws.vector_files.import_file("start", place / "start.npy", create=True)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            assert ws.vector_files.import_file("look", place / "v.npy", create=True).kept == 25_000
            print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
    ids = "".join(f"n{n}\n" for n in range(25_000))
    array = np.lib.format.open_memmap(tmp_path / "v.npy", "w+", np.float32, (25_000, 2048))
    for start in range(0, 25_000, 5000):
        array[start : start + 5000] = some(5000, 2048)
    array.flush()
    np.save(tmp_path / "start.npy", array[:3000])
    (tmp_path / "v.ids.txt").write_text(ids)
    (tmp_path / "start.ids.txt").write_text("".join(f"n{n}\n" for n in range(3000)))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 120
