"""The cost of installed plugins at the start of commands that use none of them: 30 of them, with static records and without."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.house.measuring import median_of
from benchmarks.house.shape import Benchmark, Cases, Figures, Job, Step, way

COUNT = 30
HERON = "import sys; sys.argv = ['heron', *sys.argv[1:]]; from heron.cli.main import run; run()"
COMMANDS = {
    "heron --help": ["--help"],
    "heron search": ["search", "--where", "size > 0", "--json"],
    "heron import": ["import", "b.txt", "--folder", "A", "--json"],
}
SLOW = "import time\nend = time.process_time() + 0.02\nwhile time.process_time() < end:\n    pass\n"
"""What the modules of slow plugins do when they are imported, as libraries that are imported at the top."""

KINDS = {
    "register_storage": 'heron.StorageBackend(name="{n}", summary="", schemes=["{n}"], hosts=[r".*\\.{n}\\.example"], load=load)',
    "register_decoders": (
        'heron.MediaDecoder(name="{n}", summary="", load=load, formats=[heron.MediaFormat(media_type="image/{n}", '
        'kind="image", suffixes=[".{n}"], signature=b"{n}")])'
    ),
    "register_metadata_types": 'heron.MetadataType(name="{n}", summary="", affinity="text", load=load)',
    "register_embedders": 'heron.EmbedderModel(name="{n}", summary="", size=3, load=load)',
    "register_exporters": 'heron.DatasetExporter(name="{n}", summary="", suffix=".{n}", load=load)',
    "register_commands": 'heron.CliCommand(name="{n}", summary="", load=load)',
}


def plugins(stage: Path, size: int) -> None:
    """A workspace with one item, and folders that have the plugins installed as pip does it."""
    import json

    import heron
    from heron.hooks.describing import describe
    from heron.installed import RECORD_FILE

    with heron.open(stage, discover=False) as workspace:
        (stage / "a.txt").write_text("a\n")
        (stage / "b.txt").write_text("b\n")
        workspace.ingest.files([stage / "a.txt"], folder="A")
    for variant, head in {"plain": "", "slow": SLOW}.items():
        site = stage / variant
        for number in range(COUNT):
            hook, record = list(KINDS.items())[number % len(KINDS)]
            name = f"bench{variant}{number}"
            package = site / f"heron_{name}"
            package.mkdir(parents=True)
            (package / "__init__.py").write_text(
                f"{head}import heron\n\ndef load(*arguments):\n    raise RuntimeError('not measured')\n\n"
                f"@heron.hookimpl\ndef {hook}():\n    yield {record.format(n=name)}\n"
            )
            info = site / f"heron_{name}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: heron-{name}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[heron]\n{name} = heron_{name}\n")
        sys.path.insert(0, str(site))
        for folder in sorted(site.glob("heron_bench*[0-9]")):
            recorded = stage / f"{variant} recorded" / folder.name
            recorded.mkdir(parents=True)
            (recorded / "__init__.py").write_bytes((folder / "__init__.py").read_bytes())
            (recorded / RECORD_FILE).write_text(json.dumps(describe(folder.name)))
            info = recorded.with_name(f"{folder.name}-1.0.dist-info")
            info.symlink_to(folder.with_name(info.name))
        sys.path.remove(str(site))


def started(variant: str) -> Step:
    """Medians of many starts of each command, in turn, with the plugins of a folder; without any if it is empty."""

    def step(job: Job) -> Cases:
        found: dict[str, list[Figures]] = {name: [] for name in COMMANDS}
        for _ in range(job.size):
            for name, arguments in COMMANDS.items():
                found[name].append(_start(arguments, job.stage, variant))
        return {name: median_of(figures) for name, figures in found.items()}

    return step


def _start(arguments: list[str], directory: Path, variant: str) -> Figures:
    paths = [str(directory / variant)] if variant else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])}
    start = time.perf_counter()
    done = subprocess.Popen(
        [sys.executable, "-c", HERON, *arguments], cwd=directory, stdout=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(done.pid, 0)
    assert status == 0, arguments
    return {"wall": time.perf_counter() - start, "cpu": usage.ru_utime + usage.ru_stime}


BENCHMARK = Benchmark(
    name="plugins",
    title="Start-up with 30 plugins, {size} starts of each command",
    unit="starts",
    about="""
Thirty plugins of six sorts are installed, and each command uses none of them. The reference is Heron without them. Slow ones take 20 ms to
import. Targets with static records, also for slow ones: `heron --help` at most 1.3 times, `heron search` and `heron import` at most 1.1 times.
""",
    prepare=plugins,
    ways=(
        way("Heron alone", started("")),
        way("Heron, 30 with records", started("plain recorded")),
        way("Heron, 30 slow with records", started("slow recorded")),
        way("Heron, 30 without records", started("plain")),
        way("Heron, 30 slow without records", started("slow")),
    ),
    references={"": "Heron alone"},
    sizes={"tiny": 1, "small": 5, "full": 21},
    runs=1,
)
