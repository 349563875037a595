"""The command line of the benchmarks: list, run, peers, report."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.house.shape import Benchmark, Job
from benchmarks.suite import NAMES, find


def main() -> int:
    """Run a command; the exit status is 1 if ways disagree, a step of Heron fails, or the report is out of date."""
    options = _parser().parse_args()
    status: int = options.command(options)
    return status


def _list(options: argparse.Namespace) -> int:
    for name in NAMES:
        benchmark = find(name)
        sizes = ", ".join(f"{size} {count:,}" for size, count in benchmark.sizes.items())
        print(f"{name:12} {benchmark.title.format(size='N')}\n{'':12} sizes: {sizes}")
        print(f"{'':12} ways: {', '.join(way.name for way in benchmark.ways)}")
    return 0


def _run(options: argparse.Namespace) -> int:
    from benchmarks.house import machine, results, running, tables

    status = 0
    for benchmark in map(_named, options.names or NAMES):
        size = _size(benchmark, options.size)
        wanted = {way.peer for way in benchmark.ways if way.peer} | set(benchmark.made_by)
        if options.peers == "make":
            _make(wanted)
        only = options.ways or [way.name for way in benchmark.ways if options.peers != "none" or not way.peer]
        try:
            found = running.run(
                benchmark, size, runs=options.runs, only=only, work_in=options.work_in,
                say=lambda text: print(text, file=sys.stderr),
            )  # fmt: skip
        except running.StepFailed as error:
            print(f"{benchmark.name}: {error}", file=sys.stderr)
            status = 1
            continue
        print(f"\n## {tables.title(benchmark, size)}\n\n{machine.sentence(found.machine)}\n")
        print(tables.section(benchmark, found), flush=True)
        for disagreement in found.disagreements:
            print(disagreement, file=sys.stderr)
            status = 1
        if found.runs and (options.results or size != benchmark.sizes["tiny"]):
            results.save(found, options.results or results.FOLDER)
    return status


def _peers(options: argparse.Namespace) -> int:
    from benchmarks.house.peers import PEERS

    return _make(options.names or PEERS)


def _make(names: object) -> int:
    from benchmarks.house import peers

    status = 0
    for name in sorted(names):  # type: ignore[call-overload]
        try:
            peers.make(name)
            print(f"{name}: {peers.python_of(name)}", file=sys.stderr)
        except peers.PeerUnavailable as error:
            print(f"{name}: {error}", file=sys.stderr)
            status = 1
    return status


def _report(options: argparse.Namespace) -> int:
    from benchmarks.house import reporting

    stale = reporting.out_of_date()
    if options.check:
        print("\n".join(stale))
        return int(bool(stale))
    reporting.write()
    return 0


def _step(options: argparse.Namespace) -> int:
    from benchmarks.house.running import step

    job = Job(Path(options.stage), Path(options.own), options.size)
    print(json.dumps(step(find(options.name), options.way, options.number, job)))
    return 0


def _named(name: str) -> Benchmark:
    try:
        return find(name)
    except KeyError:
        sys.exit(f"there is no benchmark {name}; there are {', '.join(NAMES)}")


def _size(benchmark: Benchmark, given: str) -> int:
    try:
        size = benchmark.size(given)
    except ValueError:
        size = 0
    return (
        size if size > 0 else sys.exit(f"a size is tiny, small, full, or a number of items; {given} is none")
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("list", help="the benchmarks, their sizes and ways").set_defaults(command=_list)
    run = commands.add_parser("run", help="measure some benchmarks, or all")
    run.add_argument("names", nargs="*", metavar="NAME")
    run.add_argument("--size", default="full", help="tiny, small, full, or a number of items")
    run.add_argument("--runs", type=int, help="how often each way runs")
    run.add_argument("--peers", default="made", choices=["made", "make", "none"],
                     help="those whose environment is there (made), all (make: install them first), or none")  # fmt: skip
    run.add_argument("--ways", action="append", metavar="WAY", help="only this way; can be given again")
    run.add_argument("--results", type=Path, metavar="FOLDER", help="where the JSON goes")
    run.add_argument("--work-in", type=Path, metavar="FOLDER", help="where the data is made")
    run.set_defaults(command=_run)
    peers = commands.add_parser("peers", help="make the environments of some peers, or of all")
    peers.add_argument("names", nargs="*", metavar="NAME")
    peers.set_defaults(command=_peers)
    report = commands.add_parser("report", help="write the tables and pictures from the results")
    report.add_argument("--check", action="store_true", help="only say what is out of date")
    report.set_defaults(command=_report)
    step = commands.add_parser("step")
    for name in ("name", "way", "number", "stage", "own", "size"):
        step.add_argument(name, type=int if name in ("number", "size") else str)
    step.set_defaults(command=_step)
    return parser


if __name__ == "__main__":
    sys.exit(main())
