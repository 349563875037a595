"""Scripts written for the hosted product run unchanged against `heron serve` on what `heron quickstart` made, with two versions of its SDK."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import heron
from heron.testing import servers
from heron_sdk_api.testing import Key, installed, make_key, run_script

pytest.importorskip("encord")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sdk")]
SCRIPTS = Path(__file__).with_name("sdk_scripts.py")
HERON = [sys.executable, "-c", "from heron.cli.program import run; run()"]
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
USER = "ada@example.org"


@pytest.fixture
def served(heron_quickstart: Path, tmp_path: Path) -> Any:
    """`heron serve` over a copy of it; gives the workspace, the address, and the key of a user."""
    lake, key = tmp_path / "tour", make_key(tmp_path, "ada")
    shutil.copytree(heron_quickstart, lake)
    with heron.open(lake) as ws:
        ws.users.add(USER, role="admin")
        ws.users.add_key(USER, key.public)
    port = servers.free_port()
    process = servers.ServerProcess(
        [*HERON, "-w", str(lake), "serve", "--port", str(port), "--access-log", "none"],
        lambda: servers.port_answers(port),
        environment=ENVIRONMENT,
    )
    yield lake, f"http://127.0.0.1:{port}", key
    process.stop()


@pytest.mark.parametrize("version", ["newest", "0.1.147"])
def test_the_public_scripts_run(version: str, served: tuple[Path, str, Key]) -> None:
    lake, url, key = served
    with heron.open(lake) as ws:
        photos = ws.folders.get("Lake/photos/algiers")
        film = ws.items.get(str(lake / "lake" / "media" / "ferry.avi"))
        before = {item.uuid: dict(item.metadata) for item in ws.items.list(folder=photos)}
        dataset = ws.datasets.get("nights-1")
        rows = [row.item for row in ws.datasets.rows(dataset)]
    packages = None if version == "newest" else installed(f"encord=={version}")
    arguments = (url, str(key.private), photos.uuid, film.uuid, dataset.uuid)
    seen = run_script(SCRIPTS, *arguments, packages=packages)

    assert seen["before"] == before
    assert list(seen["before"]) == list(before)  # the names are ordered as the items were added
    assert seen["S01"] == "NotImplementedError"
    assert seen["S04"] == {"captured_at": "datetime", "city": "datetime", "dark": "boolean"}
    assert seen["S07"] == {"keyframes": [3, 7, 9]}
    assert seen["S09"] == before  # of another schema, and still all there
    first, second, third, fourth, fifth, *_ = before
    written = [seen["S11"][uuid] for uuid in (first, second, third)]
    assert written == [{"dark": True}, {"light": False}, {"count": "100"}]
    deep = {"list": [1, 2.5, "ä"], "none": None}
    assert seen["S11"][fourth] == {"taken_at": "2024-02-24", "deep": deep, "big": 2**53 + 1}
    assert [*seen["S11"][fourth]] == ["taken_at", "deep", "big"]
    assert seen["S11"][fifth] == before[fifth]
    assert seen["S15"][first] == {"dark": True, "light": False}
    assert seen["S15"][fifth] == {**before[fifth], "dark": True}  # beside a city that is no datetime
    captured = "2024-02-24T00:00:00.000000Z"
    assert seen["S13"] == {uuid: {"dark": True, "captured_at": captured} for uuid in before}
    assert seen["S16"] == {uuid: {"metadata-1": "value", "metadata-2": False} for uuid in before}
    numbered = {uuid: {"number": number} for number, uuid in enumerate(before)}
    assert seen["S17"] == numbered
    among = [numbered.get(item.uuid, dict(item.metadata)) for item in rows]
    assert any(item.uuid in before for item in rows) and any(item.uuid not in before for item in rows)
    assert seen["S18"] == [[None] * len(rows), among]
    assert seen["S19"] == {"my": "metadata"}
    assert seen["S19 rows"] == [among[0], {"my": "metadata"}, *among[2:]]
    assert seen["S20"] == [{"all": "the same"}] * len(rows)
    same = {item.uuid: {"all": "the same"} for item in rows if item.uuid in before}
    assert seen["after"] == {**numbered, **same}
    with heron.open(lake) as ws:
        assert [frame.number for frame in ws.frames.list(film, only="key")] == [3, 7, 9]
        assert ws.log.list(verb="metadata.replace", limit=1)[0].user == USER
