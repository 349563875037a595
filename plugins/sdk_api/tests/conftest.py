"""A server over a workspace, in which users have keys."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from PIL import Image

import heron
from heron_sdk_api.testing import Key, make_key

Serving = Callable[..., AbstractContextManager[tuple[str, Key]]]


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """Serves a workspace in a thread; gives the address and a key of the owner, and takes keys of other users by address."""
    keys = tmp_path_factory.mktemp("keys")

    @contextmanager
    def serve(root: Path, **more: Key) -> Iterator[tuple[str, Key]]:
        from heron_server.testing import served

        owner = make_key(keys, f"owner-{len([*keys.iterdir()])}")
        with heron.open(root) as ws:
            for email, key in {"owner": owner, **more}.items():
                ws.users.add_key(email, key.public)
        with served(root) as running:
            yield running.url, owner

    return serve


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Callable[[heron.Workspace], tuple[str, str]]:
    """Adds an integration for a bucket with two pictures to a workspace; gives its name, and the URL of the bucket."""
    from heron_storage_s3.testing import seaweedfs

    server = seaweedfs()
    name = server.bucket()
    for number in range(2):
        stream = io.BytesIO()
        Image.new("RGB", (16, 16), (number * 90, 0, 0)).save(stream, "JPEG")
        server.client().put_object(Bucket=name, Key=f"{number}.jpg", Body=stream.getvalue())
    monkeypatch.setenv("HERON_TEST_SECRET", server.keys["reader"].secret_access_key)

    def integrate(ws: heron.Workspace) -> tuple[str, str]:
        options = server.options("reader", secret_access_key="env:HERON_TEST_SECRET")
        ws.integrations.create("store", "s3", options)
        return "store", f"s3://{name}/"

    return integrate
