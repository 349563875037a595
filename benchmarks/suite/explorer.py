"""The Explorer in Chromium: the steps of somebody who looks at a workspace, from the click until the page shows the answer."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.house.shape import Benchmark, Cases, Figures, Job, way

CHROMIUM = os.environ.get("HERON_CHROMIUM") or shutil.which("chromium") or "chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
]  # fmt: skip
DIMENSIONS = 32
BLOCK = 20_000
WORDS = [
    "harbour",
    "ferry",
    "bridge",
    "tram",
    "bus",
    "rain",
    "snow",
    "fog",
    "night",
    "dusk",
    "street",
    "hill",
    "boat",
    "lamp",
    "wall",
    "tower",
]
PATIENCE = 300_000


def make_lake(stage: Path, size: int) -> None:
    """Items with facts, six keys of metadata, words, thumbnails, vectors in clusters, and a projection of them."""
    import numpy as np

    import heron

    rng, draws = random.Random(15), np.random.default_rng(15)
    facts = heron.MediaFacts("image", "image/jpeg", width=1024, height=768)
    pictures = [_picture(number) for number in range(200)]
    with heron.open(stage, discover=False) as workspace:
        for key, kind in {
            "city": "varchar", "dark": "boolean", "score": "number", "seen": "datetime", "temperature": "number", "about": "text",
        }.items():  # fmt: skip
            workspace.schema.add_scalar(key, kind)
        workspace.schema.add_enum("weather", ["sun", "rain", "fog", "snow"])
        workspace.schema.add_embedding("clusters", DIMENSIONS)
        centres = draws.normal(size=(40, DIMENSIONS))
        for start in range(0, size, BLOCK):
            numbers = range(start, min(start + BLOCK, size))
            new = [
                heron.NewItem(f"s3://lake/{n:07}.jpg", facts, size=9, metadata=_metadata(n, rng))
                for n in numbers
            ]
            workspace.registration.register(new, "A")
            items = workspace.items.list(limit=len(numbers)) if size <= BLOCK else _last(workspace, numbers)
            workspace.thumbnails._put((item.id, pictures[item.id % len(pictures)]) for item in items)
            near = centres[draws.integers(0, len(centres), len(items))]
            workspace.vectors.add(
                "clusters", items, near + draws.normal(scale=0.3, size=(len(items), DIMENSIONS))
            )
        workspace.projections.make("clusters")


def _last(workspace: Any, numbers: range) -> list[Any]:
    page = workspace.search.window(start=numbers.start, limit=len(numbers))
    return [*page]


def _metadata(number: int, rng: random.Random) -> dict[str, Any]:
    return {
        "city": f"city {rng.randrange(50)}",
        "weather": rng.choice(["sun", "rain", "fog", "snow"]),
        "dark": number % 2 == 0,
        "score": rng.random(),
        "seen": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T00:00:00Z",
        "temperature": rng.uniform(1, 35),
        "about": " ".join(rng.sample(WORDS, 5)),
    }


def _picture(number: int) -> bytes:
    from PIL import Image

    picture = Image.radial_gradient("L").resize((128, 96)).convert("RGB")
    tint = Image.new("RGB", picture.size, ((number * 47) % 256, (number * 91) % 256, (number * 13) % 256))
    stream = io.BytesIO()
    Image.blend(picture, tint, 0.6).save(stream, "JPEG", quality=55)
    return stream.getvalue()


@contextmanager
def _served(stage: Path, log: Path) -> Iterator[tuple[int, str, str]]:
    """A server of the workspace: its process id, its address, and the owner's token."""
    program = Path(sys.executable).with_name("heron")
    command = [str(program), "-w", str(stage), "serve", "--port", "0"]
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(1200):
            if server.poll() is not None:
                break
            said = log.read_text(errors="replace")
            found = re.search(r"at (http://\S+)", said), re.search(r"Bearer (\S+)", said)
            if found[0] and found[1]:
                yield server.pid, found[0][1], found[1][1]
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[:500]}")
    finally:
        server.terminate()
        server.wait()


class _Page:
    """The Explorer in a fresh browser, and the requests of the API that it waits for."""

    def __init__(self, job: Job, pid: int, url: str, token: str, log: Path, browser: Any) -> None:
        import httpx

        self.job, self.pid, self.url, self.log = job, pid, url, log
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(PATIENCE)
        answer = httpx.post(f"{url}/login", data={"token": token})
        name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
        context.add_cookies([{"name": name, "value": value, "url": url}])
        self.page = context.new_page()

    def step(self, deed: Callable[[], object], shown: str) -> Figures:
        """Do something, wait in the page until `shown` is true and that is painted, and give what it cost."""
        lines, cpu = len(self._requests()), _cpu(self.pid)
        begin = time.perf_counter()
        deed()
        self.page.wait_for_function(f"() => {{ {_PAINTED} return ({shown}) && painted(); }}", polling="raf")
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        wall = time.perf_counter() - begin
        asked = [line for line in self._requests()[lines:] if "/thumbnail" not in line["path"]]
        slowest = max((line["ms"] for line in asked), default=0.0)
        return {"wall": wall, "cpu": _cpu(self.pid) - cpu, "server": slowest / 1000, "page": _renderer_mb()}

    def _requests(self) -> list[dict[str, Any]]:
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and '"routes": "api"' in line]


_PAINTED = """
const painted = () => {
  const inSight = (part) => part.getBoundingClientRect().top < innerHeight;
  const skeletons = [...document.querySelectorAll('.facets .skeleton')].filter(inSight);
  const tiles = [...document.querySelectorAll('.tile')];
  return tiles.length > 0 && tiles.every((tile) => tile.dataset.uuid) && skeletons.length === 0;
};
"""
_COUNT = "(document.querySelector('.count')?.textContent ?? '…')"
_FIRST = "document.querySelector('.tile[data-uuid]')?.dataset.uuid"


def explored(job: Job) -> Cases:
    """The figures of each step; a page of its own for each run."""
    from playwright.sync_api import sync_playwright

    log = job.own / "log"
    found: Cases = {}
    with _served(job.stage, log) as (pid, url, token), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        there = _Page(job, pid, url, token, log, browser)
        page = there.page
        whole = f"{_COUNT} !== '…' && document.querySelector('.tile img.there')"
        address = f"{url}/explore/?facets=city,weather,dark,score,seen"
        found["first grid"] = there.step(lambda: page.goto(address), whole)

        def changes(what: str) -> str:
            return f"{what} !== {json.dumps(page.evaluate(what))}"

        rain = page.get_by_role("region", name="weather").get_by_role("button", name="rain")
        found["facet"] = there.step(rain.click, changes(_COUNT))
        page.go_back()
        page.wait_for_function(f"() => {changes(_COUNT)}")
        middle = "const box = document.querySelector('.grid'); box.scrollTop = box.scrollHeight / 2;"
        found["jump to the middle"] = there.step(
            lambda: page.evaluate(f"() => {{ {middle} }}"), changes(_FIRST)
        )
        order = page.get_by_role("combobox", name="Sort by")
        found["sort"] = there.step(lambda: order.select_option("score"), changes(_FIRST))
        order.select_option("")
        words = page.get_by_role("searchbox", name="Search by words")

        def search() -> None:
            words.fill("")
            page.get_by_role("textbox", name="Condition").fill("match(about, 'harbour fog')")
            page.keyboard.press("Enter")

        found["word search"] = there.step(search, changes(_COUNT))
        page.get_by_role("button", name="Clear all filters").click()
        first = page.evaluate(_FIRST)
        found["similar"] = there.step(
            lambda: page.goto(f"{address}&like={first}"), f"{_COUNT}.startsWith('1,000')"
        )
        frame = page.frame_locator("iframe").locator("canvas")

        def plot() -> None:
            page.goto(f"{address}&plot=on&colour=weather")
            frame.and_(page.frame_locator("iframe").locator("[data-shown]")).wait_for()

        found["plot"] = there.step(plot, whole)
        browser.close()
    return found


def _renderer_mb() -> float:
    """The resident memory of the largest process that shows a page, in MB."""
    sizes = [0.0]
    for process in Path("/proc").iterdir():
        try:
            if b"--type=renderer" in (process / "cmdline").read_bytes():
                sizes.append(
                    int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
                )
        except (OSError, ValueError, IndexError):
            continue
    return round(max(sizes))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


BENCHMARK = Benchmark(
    name="explorer",
    title="The Explorer in Chromium over {size} items",
    unit="steps",
    about="""
Items with seven keys of metadata, thumbnails, and vectors of 32 numbers with a projection. Each step begins with the click or key and ends when
the count, all tiles and facets in sight and their paint stand; wall seconds are those of a step in Chromium without a graphics card, where
WebGL is drawn by the processor, and the processor seconds are those of the server alone. `server` is the longest request of a step, `page`
the resident memory of the page's process. Targets at 1,000,000 items: 0.3 s of server time and 0.5 s to paint a step, 500 MB.
""",
    prepare=make_lake,
    ways=(way("Heron", explored, needs=("heron_explorer", "heron_server", "playwright", CHROMIUM)),),
    references={"": "Heron"},
    sizes={"tiny": 50, "small": 10_000, "full": 1_000_000},
    single_from=1_000_000,
    extras={"server": "server s", "page": "page MB"},
)
