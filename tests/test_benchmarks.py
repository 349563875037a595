"""The benchmark house: it runs, its tables and pictures show the results, and its modules load in the Pythons of peers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.__main__ import main
from benchmarks.house import drawing, peers, reporting, results, running, tables
from benchmarks.house.results import Result
from benchmarks.house.shape import Benchmark, way
from benchmarks.suite import NAMES, find

ROOT = Path(__file__).parent.parent
MACHINE = {
    "processor": "P",
    "cores": 2,
    "memory_gb": 8,
    "system": "S",
    "python": "3",
    "sqlite": "3",
    "load": 0.1,
}


def toy(**more):
    ways = (
        way("Heron", lambda job: {}),
        way("bare", lambda job: {}),
        way("peer", lambda job: {}, peer="duckdb"),
    )
    given = {"name": "toy", "ways": ways, "references": {"": "bare", "asking": "peer"}, **more}
    return Benchmark(title="Toys, {size}", unit="toys", sizes={"tiny": 1, "small": 2, "full": 3}, **given)


def result(cases, **more):
    ways = {name for found in cases.values() for name in found}
    given = {"missing": {}, **more}
    return Result(
        "toy", 5, MACHINE, dict.fromkeys(ways, "2026-01-01"), dict.fromkeys(ways, 3), cases, **given
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_is_complete(name):
    benchmark = find(name)
    names = [way.name for way in benchmark.ways]
    assert benchmark.name == name
    assert len(set(names)) == len(names) and any(name.startswith("Heron") for name in names)
    assert set(benchmark.sizes) == {"tiny", "small", "full"} and "{size}" in benchmark.title
    assert set(benchmark.references.values()) <= set(names)
    assert {way.peer for way in benchmark.ways} - {""} <= set(peers.PEERS)


def test_modules_load_without_anything_installed():
    """As they are in the environment of a peer."""
    program = (
        "from benchmarks.suite import NAMES, find; import benchmarks.__main__; [find(name) for name in NAMES]"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_modules_stay_small():
    sizes = {path: len(path.read_text().splitlines()) for path in (ROOT / "benchmarks").rglob("*.py")}
    assert {path.name: lines for path, lines in sizes.items() if lines > 300} == {}


def test_pages_and_pictures_show_the_results():
    assert reporting.out_of_date() == []


def test_a_changed_result_makes_the_report_stale(tmp_path, monkeypatch):
    for found in results.FOLDER.glob("lake-*.json"):
        (tmp_path / found.name).write_text(found.read_text())
    changed = json.loads((tmp_path / "lake-10000.json").read_text())
    changed["cases"]["registering"]["Heron"]["cpu"] *= 2
    (tmp_path / "lake-10000.json").write_text(json.dumps(changed))
    monkeypatch.setattr(results.all_of, "__defaults__", (tmp_path,))
    stale = "\n".join(reporting.out_of_date())
    assert "docs/pictures/growth_import.png" in stale and "benchmarks/README.md" in stale
    assert "growth_disk.png" not in stale


def test_a_picture_carries_what_it_shows(tmp_path):
    shown = drawing.bars_shown(
        toy(), result({"making": {"Heron": {"cpu": 1.0, "count": 5}, "bare": {"cpu": 2.0, "count": 5}}})
    )
    drawing.draw_bars(tmp_path / "a.png", shown)
    assert drawing.drawn_checksum(tmp_path / "a.png") == drawing.checksum(shown)
    assert drawing.drawn_checksum(tmp_path / "b.png") == ""


def test_the_table_has_rates_times_ratios_and_reasons():
    found = result(
        {
            "making": {
                "Heron": {"cpu": 2.0, "wall": 4.0, "count": 1000, "memory": 50.0, "disk": 1.5},
                "bare": {"cpu": 1.0, "wall": 1.0, "count": 1000},
            },
            "asking": {
                "Heron": {"cpu": 0.002, "wall": 0.002, "recall": 0.99},
                "peer": {"cpu": 0.004, "wall": 0.01},
            },
        },
        missing={"other": "not installed"},
    )
    lines = tables.section(toy(), found).splitlines()
    assert "| **Heron** | 500 | 250 | 0.50 | 50.0 | 1.50 |" in lines
    assert "| bare | 1,000 | 1,000 | 1.00 |  |  |" in lines
    assert "| **Heron** | 2.00 | 2.00 | 2.00 | 0.99 |" in lines
    assert lines[-1].endswith("medians of 3 runs. other: not installed.")


def test_answers_have_to_agree():
    same = {"Heron": {"cpu": 1.0, "answer": "a"}, "bare": {"cpu": 1.0, "answer": "a"}, "peer": {"cpu": 1.0}}
    assert result({"asking": same}).disagreements == []
    [said] = result({"asking": {**same, "peer": {"cpu": 1.0, "answer": "b"}}}).disagreements
    assert "toy, asking" in said


def test_one_way_measured_alone_keeps_the_others(tmp_path):
    results.save(
        result({"asking": {"Heron": {"cpu": 1.0}, "bare": {"cpu": 3.0}}}, missing={"peer": "not installed"}),
        tmp_path,
    )
    path = results.save(result({"asking": {"peer": {"cpu": 2.0}}, "more": {"peer": {"cpu": 1.0}}}), tmp_path)
    found = results.load(path)
    assert found.cases == {
        "asking": {"Heron": {"cpu": 1.0}, "bare": {"cpu": 3.0}, "peer": {"cpu": 2.0}},
        "more": {"peer": {"cpu": 1.0}},
    }
    assert found.missing == {} and set(found.runs) == {"Heron", "bare", "peer"}


def test_a_peer_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_BENCHMARK_PEERS", str(tmp_path))
    found = running.run(find("lake"), 5, only=["DuckDB"], work_in=tmp_path, say=lambda text: None)
    assert found.missing == {"DuckDB": "not installed: python -m benchmarks peers duckdb"}
    assert tables.section(find("lake"), found) == "DuckDB: not installed: python -m benchmarks peers duckdb."


def test_a_peer_that_cannot_be_installed_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_BENCHMARK_PEERS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(peers.PeerUnavailable, match="Orthanc does not install here"):
        peers.make("orthanc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_benchmark_runs_and_keeps_its_result(tmp_path):
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "run",
        "lake",
        "headers",
        "--size",
        "tiny",
        "--runs",
        "1",
        "--peers",
        "none",
    ]
    done = subprocess.run(
        [*command, "--results", str(tmp_path), "--work-in", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "## A lake of 300 items" in done.stdout and "| **Heron** |" in done.stdout
    lake = results.load(tmp_path / "lake-300.json")
    registering = lake.cases["registering"]["Heron"]
    assert registering["count"] == 300 and registering["cpu"] > 0 and 20 < registering["memory"] < 1000
    assert len({figures["answer"] for figures in lake.cases["five facets, 30 %"].values()}) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"lake-300.json", "headers-10.json"}


@pytest.mark.slow
def test_a_step_that_fails_is_told(tmp_path):
    """This one has the name of a real benchmark, whose first step finds no files here."""
    broken = toy(name="images", ways=(find("images").find("Heron, facts"),))
    with pytest.raises(running.StepFailed, match="images Heron, facts 0: Traceback"):
        running.run(broken, 5, work_in=tmp_path, say=lambda text: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "there is no benchmark nothing; there are lake"),
        (["lake", "--size", "huge"], "a size is tiny, small, full, or a number"),
    ],
)
def test_wrong_arguments_are_told(monkeypatch, arguments, said):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "run", *arguments])
    with pytest.raises(SystemExit, match=said):
        main()
