"""Scripts written for the hosted product run unchanged against a server of Heron, with two versions of its SDK."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import heron
from heron.testing import servers
from heron_sdk_api.testing import SCHEMA, Key, fill, installed, make_key, run_script

pytest.importorskip("encord")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sdk")]
SCRIPTS = Path(__file__).with_name("sdk_scripts.py")


VERSIONS = ("newest", "0.1.147")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, Key]]:
    """`heron serve` over a workspace with a folder for each version; gives the workspace, the address and a key of a user."""
    root = tmp_path_factory.mktemp("scripts")
    key = make_key(root, "ada")
    with heron.init(root / "lake") as ws:
        for version in VERSIONS:
            fill(ws, folder=f"Lake {version}")
        ws.users.add("ada@example.org", role="admin")
        ws.users.add_key("ada@example.org", key.public)
    port = servers.free_port()
    command = [sys.executable, "-c", "from heron.cli.program import run; run()", "-w", str(root / "lake")]
    process = servers.ServerProcess(
        [*command, "serve", "--port", str(port), "--access-log", "none"],
        lambda: servers.port_answers(port),
        environment={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    yield root / "lake", f"http://127.0.0.1:{port}", key
    process.stop()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_public_scripts_run(version: str, served: tuple[Path, str, Key]) -> None:
    root, url, key = served
    packages = None if version == "newest" else installed(f"encord=={version}")
    with heron.open(root) as ws:
        ws.schema.set_from_dict(SCHEMA)  # the scripts of the other version have replaced it
        photos = ws.folders.get(f"Lake {version}/photos")
        waves = ws.items.list(folder=f"Lake {version}/media")[-1]
        dataset = ws.datasets.create(f"rows {version}", items=ws.items.list(folder=photos, limit=3))
        uuids = [item.uuid for item in ws.items.list(folder=photos)]
        before = {item.uuid: item.metadata for item in ws.items.list(folder=photos)}
    seen = run_script(
        SCRIPTS, url, str(key.private), photos.uuid, waves.uuid, dataset.uuid, packages=packages
    )
    assert seen["before"] == before
    assert list(seen["before"]) == uuids  # the names are ordered as the items were added
    assert seen["S01"] == "NotImplementedError"
    assert seen["S04"] == {"captured_at": "datetime", "city": "datetime", "dark": "boolean"}
    assert seen["S07"] == {"keyframes": [3, 7, 9]}
    assert seen["S09"] == before  # of another schema, and still all there
    first, second, third, fourth, fifth, *_ = uuids
    assert [seen["S11"][uuid] for uuid in (first, second, third)] == [
        {"dark": True},
        {"light": False},
        {"count": "100"},
    ]
    assert seen["S11"][fourth] == {
        "taken_at": "2024-02-24",
        "deep": {"list": [1, 2.5, "ä"], "none": None},
        "big": 2**53 + 1,
    }
    assert [*seen["S11"][fourth]] == ["taken_at", "deep", "big"]
    assert seen["S11"][fifth] == before[fifth]
    assert seen["S15"][first] == {"dark": True, "light": False}
    assert seen["S15"][fifth] == {**before[fifth], "dark": True}  # beside a city that is no datetime
    assert [seen["S13"][uuid] for uuid in uuids] == [
        {"dark": True, "captured_at": "2024-02-24T00:00:00.000000Z"}
    ] * 12
    assert [seen["S16"][uuid] for uuid in uuids] == [{"metadata-1": "value", "metadata-2": False}] * 12
    assert [seen["S17"][uuid] for uuid in uuids] == [{"number": number} for number in range(12)]
    assert seen["S18"] == [[None] * 3, [{"number": number} for number in range(3)]]
    assert seen["S19"] == {"my": "metadata"}
    assert seen["S19 rows"] == [{"number": 0}, {"my": "metadata"}, {"number": 2}]
    assert seen["S20"] == [{"all": "the same"}] * 3
    assert [seen["after"][uuid] for uuid in uuids[:4]] == [{"all": "the same"}] * 3 + [{"number": 3}]
    with heron.open(root) as ws:
        assert [frame.number for frame in ws.frames.list(waves, only="key")] == [3, 7, 9]
        assert ws.log.list(verb="metadata.replace", limit=1)[0].user == "ada@example.org"
