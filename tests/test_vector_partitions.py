"""Partitions of vectors: nearly all of the nearest are found, whatever the query and the filter, and the file is never
trusted blindly.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from heron.catalog.vectors.status import _notes
from heron.errors import CatalogueBusy, CatalogueError
from heron.vectors.files import exclusive, stamp
from heron.vectors.matrix import Matrix
from heron.vectors.space import Space
from heron.vectors.tuning import Tuning
from tests.test_vector_engine import Asked, assert_same, by_hand, clustered, masks, open_space

TUNING = Tuning(checkpoint=1024, step=8192, save=8192, least=2048, masked=1024, first_asked=256)
COUNT, BUILT = 12_000, 11 * 1024


def reopened(space, count=None, tuning=TUNING):
    return Space(space.matrix, count or space.count, space.matrix.path.parent, "m", tuning=tuning)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """12,000 vectors with partitions of all but the last few hundred."""
    vectors = clustered(COUNT, size=96)
    space = open_space(tmp_path_factory.mktemp("lake"), vectors, tuning=TUNING)
    space.build()
    status = space.status()
    assert (status.partitions.rows, status.graph.rows, status.are_partitions_useful) == (BUILT, 0, True)
    return space, vectors


@pytest.fixture
def copied(lake, tmp_path):
    """A copy of that lake, to be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(lake[0].matrix.path.parent, folder)
    return Space(Matrix(folder / "m", 96, "float32"), COUNT, folder, "m", tuning=TUNING)


def queries(vectors):
    """Near the vectors, between two, opposite to one, and in any direction."""
    random = np.random.default_rng(8)
    some = vectors[random.integers(0, len(vectors), (3, 12))]
    return {
        "near": clustered(12, size=96, seed=2),
        "between": some[0] + some[1],
        "opposite": -some[2],
        "anywhere": random.standard_normal((12, 96)),
    }


FILTERS = {"asked": Asked, "quick": partial(Asked, is_quick=True), "rows": np.flatnonzero}


def recall(space, vectors, asked, k, mask=None, way="asked", groups=None):
    found = total = 0
    ways = set()
    for query in asked:
        filter = None if mask is None else FILTERS[way](mask)
        result = space.search(query, k, filter=filter, groups=groups)
        rows, scores = by_hand(vectors, query, k, mask, groups)
        assert len(result.rows) == len(rows)
        assert mask is None or mask[result.rows].all()
        assert groups is None or len(set(groups[result.rows])) == len(rows)
        found += np.count_nonzero(result.scores >= scores[-1] - 1e-6)
        total += len(rows)
        ways.add(result.plan.way)
    return found / total, ways


@pytest.mark.slow
@pytest.mark.parametrize("k", [10, 100])
def test_the_nearest_are_found_by_queries_near_the_vectors_and_far_from_them(lake, k):
    for asked in queries(lake[1]).values():
        found, ways = recall(*lake, asked, k)
        assert found >= 0.975
        assert ways == {"index"}


@pytest.mark.slow
@pytest.mark.parametrize("way", FILTERS)
def test_recall_is_kept_under_every_filter(lake, way):
    asked = np.concatenate([some[:2] for some in queries(lake[1]).values()])
    for mask in masks(lake[1]):
        assert recall(*lake, asked, 10, mask, way)[0] >= 0.96
    few = np.arange(COUNT) % 2 == 0
    assert recall(*lake, queries(lake[1])["near"], 10, few, way)[1] == {"index"}


@pytest.mark.slow
def test_groups_and_deep_pages_keep_their_recall(lake):
    asked = queries(lake[1])["near"]
    assert recall(*lake, asked, 10, groups=np.arange(COUNT) // 40)[0] >= 0.98
    assert recall(*lake, asked[:3], 2000)[0] >= 0.98
    most = np.where(np.arange(COUNT) < COUNT - 10, -1, np.arange(COUNT))
    found = lake[0].search(asked[0], 10, groups=most)
    assert_same(found, *by_hand(lake[1], asked[0], 10, groups=most))


def test_an_exact_search_compares_all(lake):
    query = queries(lake[1])["anywhere"][0]
    found = lake[0].search(query, 10, exact=True)
    assert found.plan.way == "scan"
    assert_same(found, *by_hand(lake[1], query, 10))


def test_the_plan_says_how_many_were_visited(lake):
    plan = lake[0].search(queries(lake[1])["near"][0], 10).plan
    assert plan.way == "index"
    assert " of 128 partitions were visited, and " in plan.reason
    assert plan.scanned < COUNT / 4


def test_rows_behind_the_partitions_are_found_and_rows_beyond_a_snapshot_are_not(lake):
    space, vectors = lake
    for row in (BUILT, BUILT + 1, COUNT - 1):
        found = space.search(vectors[row], 3)
        assert (found.rows[0], found.plan.way) == (row, "index")
    old = reopened(space, BUILT - 1000)
    for query in vectors[BUILT - 20 : BUILT : 4]:
        found = old.search(query, 20)
        assert (max(found.rows) < old.count, found.plan.way) == (True, "index")
    assert reopened(space, 5000).search(vectors[0], 3).plan.way == "scan"


def test_a_query_finds_the_same_twice_and_in_threads(lake):
    asked = queries(lake[1])["near"]
    wanted = [lake[0].search(query, 10).rows.tolist() for query in asked]
    wrong = []

    def search():
        wrong.extend(
            q for q, rows in zip(asked, wanted, strict=True) if lake[0].search(q, 10).rows.tolist() != rows
        )

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Growing


def append(space, vectors):
    space.matrix.write(space.count, vectors.astype(np.float32))
    grown = reopened(space, space.count + len(vectors))
    grown.refresh()
    return grown


def record(space):
    return space._partitions.value().saved


@pytest.mark.slow
def test_new_vectors_of_the_same_sort_are_added_to_the_partitions_that_are_there(copied, lake):
    more = clustered(3_000, size=96, seed=5)
    grown = append(copied, more[:1_400])
    grown = append(grown, more[1_400:1_900])
    grown = append(grown, more[1_900:])
    before = grown.view().partitions.index.contents.model.centres.copy()
    grown.build()
    assert (record(grown).rows, record(grown).trained) == (14 * 1024, BUILT)
    assert np.array_equal(grown.view().partitions.index.contents.model.centres, before)
    everything = np.concatenate([lake[1], more])
    for asked in queries(more).values():
        assert recall(grown, everything, asked, 10)[0] >= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["many", "strange"])
def test_many_new_vectors_or_vectors_unlike_the_others_get_partitions_of_their_own(copied, lake, sort):
    random = np.random.default_rng(3)
    centres = 3 * random.standard_normal((20, 96))
    strange = centres[np.arange(2_500) % 20] + random.standard_normal((2_500, 96))
    more = clustered(8_000, size=96, seed=5) if sort == "many" else strange
    grown = append(copied, more)
    grown.build()
    assert record(grown).trained == record(grown).rows == (COUNT + len(more)) // 1024 * 1024
    assert recall(grown, np.concatenate([lake[1], more]), more[:12], 10)[0] >= 0.98


def test_partitions_grow_when_the_codes_do_if_they_lack_many_like_the_others(copied, lake):
    grown = append(copied, clustered(3_000, size=96, seed=5))
    assert grown.status().partitions.rows == 14 * 1024
    assert append(grown, clustered(1_000, size=96, seed=6)).status().partitions.rows == 14 * 1024
    strange = 9 * np.random.default_rng(3).standard_normal((3_000, 96))
    grown = append(reopened(grown, COUNT + 4_000), strange)
    assert grown.status().partitions.rows == 14 * 1024
    assert grown.search(strange[7], 5).rows[0] == COUNT + 4_007


def test_verifying_finds_a_byte_that_changed_unnoticed(copied):
    path = copied.matrix.path.with_name("m.parts")
    assert copied.status().partitions.problem is None
    times = path.stat()
    with path.open("r+b") as stream:
        stream.seek(-9, 2)
        stream.write(b"\x55")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert copied.verify(deep=True) == ["the partitions were damaged"]


def test_a_build_of_all_rows_again_does_nothing(copied):
    before = stamp(copied.matrix.path.with_name("m.parts"))
    copied.build(lambda done, total: pytest.fail("it was built again"))
    assert stamp(copied.matrix.path.with_name("m.parts")) == before


def test_vectors_of_zeros_are_in_no_partition(tmp_path):
    vectors = clustered(4_096, size=16)
    vectors[::3] = 0
    space = open_space(tmp_path, vectors, tuning=TUNING)
    space.build()
    assert record(space).vectors == np.count_nonzero(vectors.any(1))
    assert not (space.search(vectors[1], 300).rows % 3 == 0).any()
    empty = open_space(tmp_path, np.zeros((4_096, 16), np.float32), tuning=TUNING)
    empty.drop_caches()
    empty.build()
    assert empty.status().partitions.rows == 0


def test_few_vectors_get_no_partitions_and_vectors_far_from_each_other_are_scanned(tmp_path):
    few = open_space(tmp_path, clustered(2_000, size=16), tuning=TUNING)
    few.build()
    assert few.status().partitions.rows == 0
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    vectors = np.random.default_rng(0).standard_normal((4_096, 256)).astype(np.float32)
    far = open_space(tmp_path, vectors, tuning=TUNING)
    far.build()
    status = far.status()
    assert (status.partitions.rows, status.are_partitions_useful) == (4_096, False)
    assert any("a scan is faster" in note for note in _notes(evolve(status, partitions_recall=0.99)))
    assert any("finds 90.0% of the nearest" in note for note in _notes(evolve(status, partitions_recall=0.9)))
    found = far.search(vectors[5] + vectors[6], 10)
    assert found.plan.way == "scan"
    assert_same(found, *by_hand(vectors, vectors[5] + vectors[6], 10))


def test_the_graph_is_used_where_it_is_cheaper(tmp_path, monkeypatch):
    monkeypatch.setattr("heron.vectors.partition_file._CHEAPER", 9)
    vectors = clustered(4_096, size=32)
    space = open_space(tmp_path, vectors, tuning=evolve(TUNING, graph_step=0))
    space.build(graph=True)
    assert space.status().graph.rows == 4_096
    assert space.search(vectors[0], 10).plan.reason.startswith("the graph considered")
    dear = reopened(space, tuning=evolve(TUNING, graph_step=10_000))
    assert "partitions were visited" in dear.search(vectors[0], 10).plan.reason
    append(space, clustered(2_048, size=32, seed=4)).build()  # a graph that is there is extended
    assert reopened(space, 6_144).status().graph.rows == 6_144


# The file


DAMAGES = {
    "cut short": lambda data: data[: len(data) // 2],
    "longer": lambda data: data + b"more",
    "garbage": lambda data: os.urandom(len(data)),
    "empty": lambda data: b"",
    "one byte": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
}


@pytest.mark.parametrize("damage", [*DAMAGES, "gone", "folder", "link"])
@pytest.mark.parametrize("name", ["m.parts", "m.parts.json"])
def test_a_damaged_file_is_not_used_and_made_again(copied, lake, name, damage):
    path = copied.matrix.path.with_name(name)
    data = path.read_bytes()
    path.unlink()
    if damage in DAMAGES:
        path.write_bytes(DAMAGES[damage](data))
    elif damage == "folder":
        path.mkdir()
    elif damage == "link":
        path.with_name("elsewhere").write_bytes(data)
        path.symlink_to(path.with_name("elsewhere"))
    query = queries(lake[1])["near"][0]
    is_harmless = name == "m.parts.json" and damage in ("longer", "one byte")
    found = copied.search(query, 10)
    if not is_harmless:
        assert found.plan.way == "scan"
        assert_same(found, *by_hand(lake[1], query, 10))
        problems = copied.verify()
        assert len(problems) == (0 if copied.status().partitions.problem is None else 1)
    if damage in ("gone", "cut short"):
        copied.build()
        assert copied.search(query, 10).plan.way == "index"
        assert copied.verify(deep=True) == []


def test_the_file_of_another_set_is_not_used(copied, tmp_path):
    others = clustered(COUNT, size=96, seed=9)
    (tmp_path / "other").mkdir()
    other = open_space(tmp_path / "other", others, tuning=TUNING)
    for name in ("m.parts", "m.parts.json"):
        shutil.copy2(copied.matrix.path.with_name(name), tmp_path / "other" / name)
    assert other.search(others[0], 10).plan.way == "scan"
    assert other.status().partitions.problem == "they were made from other vectors"


def test_a_record_of_another_version_is_not_used(copied, lake):
    path = copied.matrix.path.with_name("m.parts.json")
    path.write_text(
        path.read_text().replace('"version":1', '"version":2').replace('"version": 1', '"version": 2')
    )
    assert copied.search(lake[1][0], 10).plan.way == "scan"
    assert copied.status().partitions.problem == "it was made by another version of Heron"


def test_only_one_process_makes_them_and_errors_of_writing_are_told(copied):
    with exclusive(copied.matrix.path.with_name("m.parts.lock")) as is_ours:
        assert is_ours
        with pytest.raises(CatalogueBusy, match=r"m\.parts is being built by another process"):
            copied.build()
    nowhere = Space(copied.matrix, COUNT, copied.matrix.path.parent / "not there", "m", tuning=TUNING)
    with pytest.raises(CatalogueError, match="make the folder writable"):
        nowhere.build()


KILLED = """
import os, sys
from functools import partial
from pathlib import Path
from heron.vectors import partition_file
from heron.vectors.matrix import Matrix
from heron.vectors.space import Space
from tests.test_vector_partitions import TUNING

def die_at(name, call):
    def dying(*arguments, **options):
        if sys.argv[2] == f"before {name}":
            os.kill(os.getpid(), 9)
        result = call(*arguments, **options)
        if sys.argv[2] == f"after {name}":
            os.kill(os.getpid(), 9)
        return result
    return dying

for name in ("sync_file", "write_record", "replace"):
    setattr(partition_file, name, die_at(name, getattr(partition_file, name)))
folder = Path(sys.argv[1])
space = Space(Matrix(folder / "m", 96, "float32"), int(sys.argv[3]), folder, "m", tuning=TUNING)
space.build()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment", ["before sync_file", "after sync_file", "after write_record", "after replace"]
)
def test_a_process_that_is_killed_leaves_the_old_state_or_the_new_one(copied, lake, moment):
    more = clustered(1_300, size=96, seed=5)
    grown = append(copied, more)
    command = [sys.executable, "-c", KILLED, str(grown.matrix.path.parent), moment, str(grown.count)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    rows = grown.count // 1024 * 1024
    assert grown.status().partitions.rows == (rows if moment == "after replace" else BUILT)
    everything = np.concatenate([lake[1], more])
    share, ways = recall(grown, everything, everything[[5, 500, COUNT + 5]], 10)
    assert share >= 0.95 and ways == {"index"}
    grown.build()
    assert (grown.status().partitions.rows, grown.verify(deep=True)) == (rows, [])


@pytest.mark.slow
def test_searches_go_on_while_another_process_extends_the_partitions(copied, lake):
    more = clustered(1_300, size=96, seed=5)
    grown = append(copied, more)
    everything = np.concatenate([lake[1], more])
    command = [sys.executable, "-c", KILLED, str(grown.matrix.path.parent), "never", str(grown.count)]
    writer = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    states = set()
    while writer.poll() is None:
        assert grown.search(everything[COUNT + 7], 5).rows[0] == COUNT + 7
        states.add(grown.status().partitions.rows)
    assert writer.returncode == 0
    assert states <= {BUILT, grown.count // 1024 * 1024}
    assert grown.status().partitions.rows == grown.count // 1024 * 1024
