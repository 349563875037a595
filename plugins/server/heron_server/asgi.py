"""The ASGI application: every request passes the gate, gets its user, and reaches a route."""

from __future__ import annotations

import gc
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

import heron
from heron_server.answers import of_error, problem
from heron_server.exchange import Exchange
from heron_server.identity import BY_COOKIE, Identity
from heron_server.own import OwnRoutes, front_page
from heron_server.records import Records
from heron_server.refusals import Gate, Refused, check_cookie_write
from heron_server.routing import Routing, groups_of
from heron_server.settings import Settings
from heron_server.site import USER, ServedSite
from heron_server.statuses import status_of

_KINDS = {400: "BadRequest", 404: "NotFound", 405: "MethodNotAllowed"}

_COLLECT = (10_000, 20, 20)
"""How many new objects make Python look for cycles: a page of records is thousands of objects, and has none."""

_log = logging.getLogger("heron.server")


class Application:
    """Serves one workspace. It is closed at the end of its lifespan."""

    def __init__(self, settings: Settings, plugins: Sequence[object] = ()) -> None:
        self.settings = settings
        self._own_folder = None
        if settings.folder is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="heron-serve-")
        folder = settings.folder or Path(self._own_folder.name if self._own_folder else "")
        workspace = heron.open(
            settings.path,
            plugins=plugins,
            discover=settings.discover,
            create=False,
            read_only=settings.read_only,
        )
        workspace.asks_often = True
        self.site = ServedSite(settings, workspace, folder)
        self._gate = Gate(settings)
        self._identity = Identity(settings, self.site)
        self._records = Records()
        own = OwnRoutes(self.site, self._identity, self._records).group()
        brought = groups_of(self.site, workspace.plugins)
        self._routing = Routing([own, *brought, *front_page(self.site, brought)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live through the lifespan of the server."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the end of the server, and close."""
        if "state" in scope:
            scope["state"]["heron.stop"] = self.stop
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.close()
        await send({"type": "lifespan.shutdown.complete"})

    def stop(self) -> None:
        """Ask jobs and streams to end; requests are still answered."""
        self.site.stop()

    def close(self) -> None:
        """Wait for jobs and requests, and close the workspaces."""
        self.site.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, self.settings)
        self._records.began()
        try:
            await self._answer(exchange)
        except (ClientDisconnect, ConnectionError):
            exchange.has_left = True
        except Exception as error:
            answer = self._of_failure(error, exchange)
            if exchange.status is not None:
                raise ConnectionAbortedError("the request failed when its answer had begun") from error
            await answer(scope, exchange.receive, exchange.send)
        finally:
            self._records.ended(exchange)

    def _of_failure(self, error: Exception, exchange: Exchange) -> Response:
        """The answer to a request that failed."""
        if isinstance(error, Refused):
            exchange.closes = True
            return problem(error.status, error.kind, error.message, error.hint)
        if isinstance(error, heron.HeronError):
            if status_of(error) == 500:
                _log.error("request %s failed: %s", exchange.id, error)
            return of_error(error)
        if isinstance(error, HTTPException):
            answer = problem(error.status_code, _KINDS.get(error.status_code, "HTTPException"), error.detail)
            answer.headers.update(error.headers or {})
            return answer
        _log.error("request %s failed", exchange.id, exc_info=error)
        return problem(
            500, "Unexpected", "something unexpected happened", f"the server's log says more of {exchange.id}"
        )

    async def _answer(self, exchange: Exchange) -> None:
        """Let the route answer, once it is known who asks."""
        scope, headers = exchange.scope, exchange.headers
        self._gate.check(scope, headers)
        found = self._routing.find(scope)
        scope.pop(USER, None)
        if found is not None:
            exchange.group = found.group.name
        if found is None or not found.group.authenticates:
            is_known = self._identity.identify(scope, headers)
            if not is_known and (found is None or found.group.needs_user(scope["path"])):
                await self._ask_for_token(exchange)
                return
            if scope.get(BY_COOKIE):
                check_cookie_write(scope, headers)
        if found is None:
            raise HTTPException(404, "there is nothing at this address")
        scope.update(found.child)
        await found.handle(scope, exchange.receive, exchange.send)

    async def _ask_for_token(self, exchange: Exchange) -> None:
        """Answer that a token is needed; a browser is led to where it can give one."""
        answer: Response = problem(401, "NotAuthenticated", "it is not known who asks", "send a valid token")
        if exchange.scope["method"] == "GET" and "text/html" in exchange.headers.get("accept", ""):
            answer = RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
        await answer(exchange.scope, exchange.receive, exchange.send)


def from_environment() -> Any:
    """The application of a worker process, with the settings that `heron serve` left for it."""
    from heron_server.workers import settings_of_parent

    application = Application(settings_of_parent())
    gc.freeze()  # what is loaded stays; without this, looking through it again and again takes a third of the time
    gc.set_threshold(*_COLLECT)
    return application
