"""A server over a workspace, in which users have keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from heron_sdk_api.testing import Key, make_key

Serving = Callable[..., AbstractContextManager[tuple[str, Key]]]


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """Serves a workspace; gives the address and a key of the owner, and takes keys of other users."""
    keys = tmp_path_factory.mktemp("keys")

    @contextmanager
    def serve(root: Path, **more: Key) -> Iterator[tuple[str, Key]]:
        from heron_server.testing import served

        owner = make_key(keys, f"owner-{len([*keys.iterdir()])}")
        known = {owner.raw: "owner", **{key.raw: email for email, key in more.items()}}
        with served(root) as running:
            running.application.site.user_of_key = known.get
            yield running.url, owner

    return serve
