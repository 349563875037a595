"""Who asks: the user of a signed path, a token or a cookie."""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie

from attrs import frozen
from starlette.datastructures import Headers
from starlette.types import Scope

from heron_server.settings import Settings
from heron_server.site import USER, ServedSite

SESSION_SECONDS = 12 * 3600
"""How long the cookie of a browser is valid."""

BY_COOKIE = "heron.by_cookie"
"""The key in the scope of a request whose user is known by a cookie, which browsers send along by themselves."""

OWNER_PROOF = "owner"
"""What the cookie of the owner was made from: the owner's token, which is valid as long as the server runs."""


@frozen
class Known:
    """A user who was found: an e-mail address, or None for the owner, and what a cookie for the same user is made from."""

    user: str | None
    proof: str


class Identity:
    """Finds the user of each request."""

    def __init__(self, settings: Settings, site: ServedSite) -> None:
        self._site = site
        self._owner_token = settings.owner_token

    def identify(self, scope: Scope, headers: Headers) -> bool:
        """Set the user in the scope of a request, and whether a cookie told it; returns False for somebody unknown.

        Raises PermissionDenied for a signed path whose signature is wrong or stale.
        """
        signed = self._site.signed_in(scope)
        if signed is not None:
            scope[USER] = signed.user
            return True
        given = headers.get("authorization")
        if given is not None:
            kind, _, token = given.partition(" ")
            found = self.of_token(token.strip()) if kind.lower() == "bearer" else None
            if found is not None:
                scope[USER] = found.user
            return found is not None
        found = self._of_cookie(headers.get("cookie"))
        if found is not None:
            scope[USER] = found.user
            scope[BY_COOKIE] = True
        return found is not None

    def of_token(self, token: str) -> Known | None:
        """The user of a token, or of the owner's token; None for one that is not valid."""
        if self._owner_token is not None and hmac.compare_digest(token.encode(), self._owner_token.encode()):
            return Known(None, OWNER_PROOF)
        found = self._site.token(token) if token else None
        return None if found is None else Known(found.user, found.uuid)

    def _of_cookie(self, given: str | None) -> Known | None:
        if not given:
            return None
        try:
            morsel = SimpleCookie(given).get(self._site.signer.cookie)
        except CookieError:
            return None
        session = self._site.signer.session_of(morsel.value) if morsel is not None else None
        if session is None:
            return None
        user, proof = session
        if user is None:
            return Known(user, proof) if proof == OWNER_PROOF and self._owner_token is not None else None
        return Known(user, proof) if self._site.is_valid(user, proof) else None
