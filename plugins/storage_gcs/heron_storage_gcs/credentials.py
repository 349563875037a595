"""Credentials: loads those that the options name, and explains why Google refuses them."""

from __future__ import annotations

import json
import os
import warnings
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import google.auth
import google.auth.credentials
from google.auth.exceptions import (
    DefaultCredentialsError,
    GoogleAuthError,
    RefreshError,
    ResponseError,
    TimeoutError,
    TransportError,
)
from google.auth.transport.requests import Request
from google.oauth2 import service_account

import heron

SCOPES = ["https://www.googleapis.com/auth/devstorage.read_only"]
"""What reading needs, which is all that Heron does with files of a lake."""

SCOPES_TO_WRITE = ["https://www.googleapis.com/auth/devstorage.read_write"]
"""What `heron columns push` needs."""

_SECONDS = (5, 30)
"""The time limits of signing in, for connecting and for the answer."""

_LOG_IN = "run `gcloud auth application-default login`, or set the option credentials_file or anonymous"


class Account(NamedTuple):
    """Credentials (None: anonymous) and their project, if it is known."""

    credentials: Any
    project: str | None


def account_of(credentials_file: str | None, anonymous: bool) -> Account:
    """The account that the options name, or that of this machine; raises InvalidInput or BadCredentials."""
    if anonymous and credentials_file:
        raise heron.InvalidInput(
            "the options anonymous and credentials_file exclude each other", hint="leave one of them out"
        )
    if anonymous:
        return Account(None, None)
    return _from_file(credentials_file) if credentials_file else _from_machine()


def _from_file(path: str) -> Account:
    try:
        info = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise heron.BadCredentials(
            f"the credentials file {path} cannot be read: {error.strerror}",
            hint="check the path and its rights",
        ) from None
    except ValueError:  # from None, here and below: the error contains parts of the file
        raise heron.BadCredentials(
            f"the credentials file {path} is not JSON",
            hint="download the JSON key of the service account again",
        ) from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise heron.BadCredentials(
            f"the credentials file {path} is not the key of a service account",
            hint="for other credentials, set GOOGLE_APPLICATION_CREDENTIALS to the path of the file",
        )
    try:
        credentials = service_account.Credentials.from_service_account_info(info, scopes=SCOPES)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, AttributeError, GoogleAuthError):
        raise heron.BadCredentials(
            f"the credentials file {path} contains an incomplete or damaged key",
            hint="download the JSON key of the service account again",
        ) from None
    return Account(credentials, credentials.project_id)


def _from_machine() -> Account:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice about quotas, which do not matter for reading
            return Account(*google.auth.default(scopes=SCOPES))
    except DefaultCredentialsError:
        if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
            raise heron.BadCredentials(
                "the file that GOOGLE_APPLICATION_CREDENTIALS names is missing or contains no credentials",
                hint="correct the variable, or set the option credentials_file",
            ) from None
        raise heron.BadCredentials("this machine has no default Google credentials", hint=_LOG_IN) from None


def to_write(credentials: Any) -> Any:
    """The same credentials with the scope to write, where credentials have scopes of their own."""
    if isinstance(credentials, google.auth.credentials.Scoped):
        return credentials.with_scopes(SCOPES_TO_WRITE)  # type: ignore[no-untyped-call]
    return credentials


class SignIn:
    """Signs requests, and gets a new token when the last one expires; thread-safe."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials
        self._lock = Lock()
        self._request = partial(Request(), timeout=_SECONDS)

    def headers(self) -> dict[str, str]:
        """The headers with the token; raises GoogleAuthError."""
        headers: dict[str, str] = {}
        if self._credentials is not None:
            with self._lock:
                if not self._credentials.valid:
                    self._credentials.refresh(self._request)
                self._credentials.apply(headers)
        return headers


def sign_in_failed(error: GoogleAuthError, url: str) -> heron.HeronError:
    """The error for credentials for which Google gave no token."""
    text = " ".join(str(error.args[0] if error.args else error).split())[:300]
    unanswered = isinstance(error, TransportError | TimeoutError | ResponseError)
    if unanswered or isinstance(error.__cause__, TransportError) or error.retryable:
        return heron.Unreachable(f"{url} cannot be reached: signing in at Google failed: {text}")
    if text.startswith("<") or not isinstance(error, RefreshError):
        return heron.Unreachable(
            f"{url} cannot be reached: signing in at Google got an answer that cannot be read"
        )
    return heron.BadCredentials(
        f"{url} cannot be read: Google refused the credentials: {text}", hint=_advice(text)
    )


def _advice(text: str) -> str:
    lower = text.lower()
    if "reasonable timeframe" in lower:
        return "set the clock of this machine"
    if "jwt" in lower or "account not found" in lower:
        return "the key or its account was deleted: make a new key, and set credentials_file to its path"
    if "expired" in lower or "revoked" in lower or "reauth" in lower:
        return "the credentials expired: run `gcloud auth application-default login` again"
    return _LOG_IN
