"""Every method of the SDK that the table calls working is called against a server, and does what it should."""

from __future__ import annotations

from pathlib import Path

import pytest

import heron
from heron_sdk_api.sdk_methods import ALL_OTHERS_ABSENT, METHODS
from heron_sdk_api.testing import fill, run_script

pytest.importorskip("encord")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sdk")]
CALLS = Path(__file__).with_name("sdk_methods_calls.py")

EITHER_WAY = {"EncordUserClient.create_with_bearer_token", "MetadataSchema.keys"}
"""What other tests call, or nothing is asked for by."""


def test_every_method_that_works_is_called(tmp_path: Path, serving, bucket) -> None:
    with heron.init(tmp_path / "lake") as ws:
        fill(ws)
        integration, url = bucket(ws)
    with serving(tmp_path / "lake") as (address, key):
        called = run_script(
            CALLS, address, str(key.private), str(tmp_path / "lake" / "files" / "Lake"), integration, url
        )
    expected = {f"{method.owner}.{method.name}" for method in METHODS if method.handlers}
    assert expected - set(called) <= EITHER_WAY
    absent = {f"{method.owner}.{method.name}" for method in METHODS if not method.handlers}
    assert ALL_OTHERS_ABSENT and absent & set(called)  # some of these are refused
