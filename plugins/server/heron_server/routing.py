"""The routes of all plugins, and the server's own, behind one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

import heron
from heron_server.site import ServedSite


@frozen
class Group:
    """The routes of one record."""

    name: str
    authenticates: bool
    open: frozenset[str]
    routes: Sequence[BaseRoute]

    def needs_user(self, path: str) -> bool:
        """Whether a request to a path must come from a known user."""
        return not self.authenticates and path not in self.open


@frozen
class Found:
    """The route of a request, and what it adds to the scope; not `allowed` means that it answers other methods."""

    group: Group
    route: BaseRoute
    child: dict[str, Any]
    allowed: bool

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer; raises HTTPException (405)."""
        if not self.allowed:
            methods = ", ".join(sorted(getattr(self.route, "methods", None) or ()))
            raise HTTPException(405, "this address has no such method", {"Allow": methods})
        await self.route.handle(scope, receive, send)


class Routing:
    """Finds the route of a request."""

    def __init__(self, groups: Sequence[Group]) -> None:
        _refuse_equal(groups)
        self._routes = [
            (getattr(route, "path", "").partition("{")[0], group, route)
            for group in groups
            for route in group.routes
        ]
        """The routes in order, each with the part of its path that is the same in all requests."""

    def find(self, scope: Scope) -> Found | None:
        """The route of a request; one of another method if there is no better one."""
        other = None
        path = None if scope.get("root_path") else scope["path"]
        for start, group, route in self._routes:
            if path is not None and not path.startswith(start):
                continue
            match, child = route.matches(scope)
            if match is Match.FULL:
                return Found(group, route, dict(child), True)
            if match is Match.PARTIAL and other is None:
                other = Found(group, route, dict(child), False)
        return other


def groups_of(site: ServedSite, plugins: Any) -> Sequence[Group]:
    """The routes that plugins bring; those whose packages are missing are left out, and raise where they are the only ones."""
    found = []
    for record in plugins.contributions(heron.Routes):
        if plugins.missing(*record.requires):
            continue
        make = plugins.load(record)
        who = plugins.named(record)
        with plugins.guarded(record, "routes", "the server", "HERON_PLUGINS names the plugins to use"):
            routes = tuple(make(site))
        if strange := [each for each in routes if not isinstance(each, BaseRoute)]:
            raise heron.PluginError(f"{who} gave {strange[0]!r:.80}, which is no route of Starlette")
        found.append(Group(record.name, record.authenticates, frozenset(record.open), routes))
    return found


def _refuse_equal(groups: Sequence[Group]) -> None:
    """Raise PluginError where two groups answer the same method at the same path."""
    seen: dict[tuple[str, str], str] = {}
    for group in groups:
        for route in group.routes:
            path = getattr(route, "path", None)
            for method in getattr(route, "methods", None) or ("*",):
                first = seen.setdefault((method, path), group.name) if path is not None else group.name
                if first != group.name:
                    raise heron.PluginError(
                        f"routes {first} and {group.name} both answer {method} {path}",
                        hint="name the plugins to use in HERON_PLUGINS",
                    )
