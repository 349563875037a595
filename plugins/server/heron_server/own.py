"""The server's own routes: health, metrics, and how a browser enters."""

from __future__ import annotations

import html
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from heron_server.answers import problem
from heron_server.identity import OWNER_PROOF, SESSION_SECONDS, Identity
from heron_server.records import Records
from heron_server.routing import Group
from heron_server.site import ServedSite

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Heron</title>
<meta name="viewport" content="width=device-width"><h1>Heron</h1>{body}</html>"""

_FORM = """<p>{say}</p><form method="post" action="/login"><label>Token
<input type="password" name="token" autocomplete="current-password" required></label> <button>Enter</button></form>"""

_GO_ON = '<meta http-equiv="refresh" content="0;url=/"><p><a href="/">Go on</a></p>'


class OwnRoutes:
    """The routes that the server has without any plugin."""

    def __init__(self, site: ServedSite, identity: Identity, records: Records) -> None:
        self._site = site
        self._identity = identity
        self._records = records

    def group(self) -> Group:
        """The routes."""
        routes = [
            Route("/healthz", self.health),
            Route("/metrics", self.metrics),
            Route("/login", self.login, methods=["GET"]),
            Route("/login", self.enter, methods=["POST"]),
            Route("/logout", self.leave, methods=["POST"]),
        ]
        return Group("server", False, frozenset({"/healthz", "/login", "/logout"}), routes)

    async def health(self, request: Request) -> Response:
        """Whether the server answers from the catalogue."""
        if self._site.is_stopping:
            return problem(503, "Stopping", "the server stops")
        self._site.check()
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """The counters."""
        content, media_type = self._records.exposition()
        return Response(content, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    async def login(self, request: Request) -> Response:
        """With the token of the printed address, a cookie for it; else a form."""
        once = request.query_params.get("token")
        if once is not None and request.method == "GET":
            if self._site.claim(once):
                return self._entered(request, None, OWNER_PROOF)
            return _form("This address was used already, or is that of another start of the server.", 403)
        return _form("Enter with your token.")

    async def enter(self, request: Request) -> Response:
        """A cookie for a token."""
        given = parse_qs((await request.body()).decode("utf-8", "replace")).get("token", [""])[0]
        found = self._identity.of_token(given.strip())
        if found is None:
            return _form("This token is not valid.", 403)
        return self._entered(request, found.user, found.proof)

    def _entered(self, request: Request, user: str | None, proof: str) -> Response:
        # a page that goes on, not a redirect: a browser that comes from another site sends a strict cookie only from here on
        answer = HTMLResponse(_PAGE.format(body=_GO_ON), headers={"Cache-Control": "no-store"})
        answer.set_cookie(
            self._site.signer.cookie, self._site.signer.session(user, proof, SESSION_SECONDS),
            max_age=SESSION_SECONDS, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    async def leave(self, request: Request) -> Response:
        """Forget the cookie."""
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(self._site.signer.cookie, path="/", httponly=True, samesite="strict")
        return answer


def front_page(site: ServedSite, groups: Sequence[Group]) -> Sequence[Group]:
    """The page at `/`, for servers whose plugins have none."""
    if any(getattr(route, "path", None) == "/" for group in groups for route in group.routes):
        return []

    async def front(request: Request) -> Response:
        user = request.scope["heron.user"] or "the owner"
        names = "".join(f"<li>{html.escape(group.name)}</li>" for group in groups)
        body = (
            f"<p>Serves <code>{html.escape(str(site.path))}</code> to {html.escape(user)}, with the routes:</p><ul>{names}</ul>"
            '<form method="post" action="/logout"><button>Leave</button></form>'
        )
        return HTMLResponse(_PAGE.format(body=body), headers={"Cache-Control": "no-store"})

    return [Group("front", False, frozenset(), [Route("/", front)])]


def _form(say: str, status: int = 200) -> Response:
    return HTMLResponse(
        _PAGE.format(body=_FORM.format(say=html.escape(say))), status, {"Cache-Control": "no-store"}
    )
