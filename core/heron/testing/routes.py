"""The contract of routes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from heron.testing.contracts import RecordContract

if TYPE_CHECKING:
    from heron.hooks import Contribution, Routes


class RoutesContract(RecordContract):
    """Rules for routes of the server. Set `routes`, `plugin` and `answers`. Needs `heron[server]` and httpx."""

    routes: ClassVar[Routes]
    """The record that the hook yields."""

    plugin: ClassVar[object]
    """The module or object that yields the routes."""

    answers: ClassVar[Sequence[tuple[str, int]]]
    """Paths that are got with the token of the owner, each with the status of the answer."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.routes

    def test_paths_are_answered_for_those_who_may(self, tmp_path: Path) -> None:
        """Each path has its status for the owner, and 401 without a token unless the record opens it."""
        from importlib import import_module

        import httpx

        assert self.answers, "give some paths"
        served: Any = import_module("heron_server.testing").served
        import_module("heron").open(tmp_path).close()
        with served(tmp_path, plugins=[self.plugin], discover=False, rate=1e9) as server:
            for path, status in self.answers:
                owner = httpx.get(server.url + path, headers={"Authorization": f"Bearer {server.token}"})
                assert owner.status_code == status, f"{path}: {owner.status_code} {owner.text[:200]}"
                stranger = httpx.get(server.url + path)
                wanted = (status,) if path in self.routes.open or self.routes.authenticates else (401,)
                assert stranger.status_code in wanted, f"{path} is answered to strangers"
