"""A soak of the server: 32 clients with mixed work for some minutes, beside an import and a sync that run all the time.

`python -m benchmarks.soak --minutes 10`. Each change that the server has acknowledged is read back at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

import heron

ITEMS = 2_000
_PAGE = os.sysconf("SC_PAGESIZE") / 2**20


def picture(path: Path, seed: int) -> None:
    """A small picture that no other is equal to."""
    Image.frombytes("RGB", (64, 48), random.Random(seed).randbytes(64 * 48 * 3)).save(path)


def prepared(place: Path) -> Path:
    """A lake with pictures, and a folder that is synced."""
    photos, watched = place / "photos", place / "watched"
    photos.mkdir()
    watched.mkdir()
    for number in range(200):
        picture(photos / f"{number:04}.png", number)
    picture(watched / "first.png", -1)
    with heron.init(place / "lake") as workspace:
        workspace.schema.add_scalar("client", "number")
        workspace.schema.add_scalar("city", "varchar")
        workspace.ingest.files(photos, folder="Photos", thumbnails=True)
        facts = heron.MediaFacts("image", "image/jpeg", 1920, 1080)
        cities = ("Oran", "Algiers", "Tunis")
        new = [
            heron.NewItem(f"s3://lake/{n:05}.jpg", facts, metadata={"city": cities[n % 3], "client": 0})
            for n in range(ITEMS)
        ]
        workspace.registration.register(new, "Registered")
        workspace.ingest.follow("Watched", str(watched))
    return place / "lake"


class Soak:
    """What the clients share: the server, the end, and what was counted."""

    def __init__(self, place: Path, url: str, token: str, clients: int, until: float) -> None:
        self.place = place
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}
        self.clients = clients
        self.until = until
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[str] = Counter()
        self.failures: list[str] = []
        self.kept: dict[str, int] = {}
        self.sent: set[str] = set()

    def client(self) -> httpx.Client:
        """A client with a connection of its own."""
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=self.headers, timeout=120)

    def asked(self, kind: str, call: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer to a request, measured."""
        start = time.perf_counter()
        answer = call()
        self.taken[kind].append(time.perf_counter() - start)
        self.statuses[f"{answer.status_code}"] += 1
        if answer.status_code >= 500:
            self.failures.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
        return answer

    def mixed(self, number: int) -> None:
        """One client: reads of all sorts, and changes of items that no other client changes."""
        chance = random.Random(number)
        own = [f"{n:05}.jpg" for n in range(number, ITEMS, self.clients)]
        value = 0
        with self.client() as api:
            while time.monotonic() < self.until:
                name = f"{chance.randrange(200):04}.png"
                work: dict[str, Callable[[], httpx.Response]] = {
                    "an item": lambda name=name: api.get(f"/items/{name}"),  # type: ignore[misc]
                    "a page": lambda: api.post(
                        "/search", json={"where": "city = 'Oran'", "sort": "-name", "limit": 100}
                    ),
                    "count": lambda: api.post("/count", json={"where": "width > 100"}),
                    "facets": lambda: api.post("/facets", json={"names": "city"}),
                    "thumbnail": lambda name=name: api.get(f"/items/{name}/thumbnail"),  # type: ignore[misc]
                    "picture": lambda name=name: api.get(f"/items/{name}/picture", params={"size": 32}),  # type: ignore[misc]
                    "media": lambda name=name: api.get(f"/items/{name}/media"),  # type: ignore[misc]
                }
                kind = chance.choices([*work, "a change"], weights=[25, 15, 8, 4, 15, 5, 8, 20])[0]
                if kind != "a change":
                    self.asked(kind, work[kind])
                    continue
                value += 1
                changed = chance.sample(own, 3)
                updates = [[each, {"client": value}] for each in changed]
                answer = self.asked(
                    kind,
                    lambda updates=updates: api.post("/metadata:merge", json={"updates": updates}),  # type: ignore[misc]
                )
                if answer.is_success:
                    self.kept.update(dict.fromkeys(changed, value))

    def imports(self) -> None:
        """Files are sent and imported, again and again."""
        with self.client() as api:
            number = 0
            while time.monotonic() < self.until:
                upload = self.asked("begin an upload", lambda: api.post("/uploads")).json()["id"]
                names = []
                for _ in range(20):
                    number += 1
                    path = self.place / "sent.png"
                    picture(path, 10_000 + number)
                    names.append(f"sent-{number:06}.png")
                    place = f"/uploads/{upload}/{names[-1]}"
                    content = path.read_bytes()
                    self.asked(
                        "send a file",
                        lambda content=content, place=place: api.put(place, content=content),  # type: ignore[misc]
                    )
                body = {"sources": [f"upload:{upload}"], "folder": "Sent"}
                if self.ended(api, self.asked("start an import", lambda: api.post("/imports", json=body))):  # noqa: B023
                    self.sent.update(names)

    def syncs(self) -> None:
        """A folder grows, and is synced."""
        with self.client() as api:
            number = 0
            while time.monotonic() < self.until:
                number += 1
                name = f"watched-{number:06}.png"
                picture(self.place / "watched" / name, 100_000 + number)
                if self.ended(
                    api, self.asked("start a sync", lambda: api.post("/folders/Watched/sync", json={}))
                ):
                    self.sent.add(name)

    def ended(self, api: httpx.Client, answer: httpx.Response) -> bool:
        """Whether a job has ended well, by its events."""
        if answer.status_code != 202:
            time.sleep(1)
            return False
        last = ""
        with api.stream("GET", f"/jobs/{answer.json()['id']}/events") as events:
            for line in events.iter_lines():
                last = line if line.startswith("data: ") else last
        state = json.loads(last.removeprefix("data: "))
        if state["state"] != "done":
            self.failures.append(f"job: {json.dumps(state)[:300]}")
        return bool(state["state"] == "done")

    def lost(self) -> list[str]:
        """What was acknowledged and is not there."""
        found: dict[str, Any] = {}
        with self.client() as api:
            cursor: dict[str, str] = {}
            while True:
                page = api.get("/items", params={"limit": 1000, "sort": "name", **cursor}).json()
                found.update((row["name"], row["metadata"]) for row in page["rows"])
                if page["cursor"] is None:
                    break
                cursor = {"cursor": page["cursor"]}
        changes = [n for n, value in self.kept.items() if found.get(n, {}).get("client") != value]
        return changes + [name for name in self.sent if name not in found]


def memory(pid: int) -> float:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def main() -> None:
    """Run it, and print what was seen as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=32)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heron-soak-") as folder:
        place = Path(folder)
        lake = prepared(place)
        log = (place / "log").open("w")
        command = [str(Path(sys.executable).with_name("heron")), "-w", str(lake), "serve", "--json", "--port", "0", "--access-log", "none"]  # fmt: skip
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert server.stdout is not None
            said = json.loads(server.stdout.readline())
            print(json.dumps(observed(place, said, server.pid, given), indent=1))
        finally:
            server.terminate()
            server.wait()
            log.close()
        print("log of the server:", (place / "log").read_text()[-2000:] or "empty")


def observed(place: Path, said: dict[str, Any], pid: int, given: argparse.Namespace) -> dict[str, Any]:
    """What a run has shown."""
    httpx.get(f"{said['url']}/healthz", timeout=120)  # it answers once all is loaded
    soak = Soak(place, said["url"], said["token"], given.clients, time.monotonic() + 60 * given.minutes)
    works: list[Callable[[], None]] = [
        lambda number=number: soak.mixed(number)
        for number in range(given.clients)  # type: ignore[misc]
    ]
    failed: list[str] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told in the report
            failed.append(f"{type(error).__name__}: {error}"[:300])

    threads = [threading.Thread(target=run, args=(work,)) for work in (*works, soak.imports, soak.syncs)]
    for thread in threads:
        thread.start()
    sizes = []
    while any(thread.is_alive() for thread in threads):
        sizes.append(memory(pid))
        for thread in threads:
            thread.join(10 / len(threads))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    step = max(1, len(sizes) // 12)
    return {
        "minutes": given.minutes,
        "clients": given.clients,
        "requests": sum(map(len, soak.taken.values())),
        "statuses": dict(soak.statuses),
        "failures": soak.failures[:20],
        "clients that failed": failed,
        "acknowledged changes": len(soak.kept),
        "acknowledged files": len(soak.sent),
        "lost": soak.lost()[:20],
        "server processor seconds": round(cpu, 1),
        "memory in MB": [round(size) for size in sizes[::step]],
        "milliseconds (p50, p99)": {
            kind: [
                round(1000 * statistics.median(taken), 1),
                round(1000 * sorted(taken)[int(len(taken) * 0.99)], 1),
            ]
            for kind, taken in sorted(soak.taken.items())
        },
    }


if __name__ == "__main__":
    main()
