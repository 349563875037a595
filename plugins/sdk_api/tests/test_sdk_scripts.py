"""Scripts written for the hosted product run unchanged against a server of Heron, with two versions of its SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

import heron
from heron_sdk_api.testing import fill, installed, run_script

pytest.importorskip("encord")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sdk")]
SCRIPTS = Path(__file__).with_name("sdk_scripts.py")


@pytest.fixture(params=["newest", "0.1.147"])
def packages(request: pytest.FixtureRequest) -> Path | None:
    """The folder with the SDK of a version; None for the one that is installed."""
    if request.param == "newest":
        return None
    return installed(f"encord=={request.param}")


def test_the_public_scripts_run(tmp_path: Path, packages: Path | None, serving) -> None:
    with heron.init(tmp_path / "lake") as ws:
        fill(ws)
        photos = ws.folders.get("Lake/photos")
        waves = ws.items.get("waves.gif")
        dataset = ws.datasets.create("rows", items=ws.items.list(folder=photos, limit=3))
        uuids = [item.uuid for item in ws.items.list(folder=photos)]
        before = {item.uuid: item.metadata for item in ws.items.list(folder=photos)}
    with serving(tmp_path / "lake") as (url, key):
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
    with heron.open(tmp_path / "lake") as ws:
        assert [frame.number for frame in ws.frames.list(waves, only="key")] == [3, 7, 9]
        assert {
            entry.user for entry in ws.log.list(verb="metadata.replace", since="2026-01-01T00:00:00Z")
        } == {"owner"}
