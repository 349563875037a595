"""Checks of an integration: what it lists below a URL, and what it reads of an object there, each said in one sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from heron.errors import (
    BadCredentials,
    HeronError,
    NoSuchBucket,
    NotFound,
    PermissionDenied,
    Throttled,
    Unreachable,
)
from heron.hooks import StoredObject
from heron.interrupts import SLICE
from heron.jobs import CheckResult
from heron.storage.retries import PatientStorage

SECONDS = 20.0
"""The longest that a check takes: drivers wait longer for a host that takes connections and says nothing."""


def checked(storage: PatientStorage, url: str) -> list[CheckResult]:
    """List below a canonical URL, and read an object there, for `SECONDS` at most."""
    found: list[CheckResult] = []
    raised: list[BaseException] = []

    def check() -> None:
        try:
            for result in _checks(storage, url):
                found.append(result)
        except BaseException as error:  # noqa: BLE001 - raised below
            raised.append(error)

    thread = threading.Thread(target=check, daemon=True)  # nobody waits for a driver that waits for a host
    thread.start()
    end = time.monotonic() + SECONDS
    while thread.is_alive() and time.monotonic() < end:
        thread.join(min(SLICE, SECONDS))
    if raised:
        raise raised[0]
    if not thread.is_alive():
        return found
    return [*found, failure("endpoint", Unreachable(f"{url} gave no answer within {SECONDS:g} seconds"))]


def failure(name: str, error: HeronError) -> CheckResult:
    """The result for an error during the check `name`; an error that prevents every check has a name of its
    own.
    """
    for kind, own, word in _KINDS:
        if isinstance(error, kind):
            return CheckResult(own, False, f"{word}: {error}")
    no_right = f"no right to {name}: " if isinstance(error, PermissionDenied) else ""
    return CheckResult(name, False, f"{no_right}{error}")


_KINDS: Sequence[tuple[type[HeronError], str, str]] = (
    (BadCredentials, "credentials", "bad credentials"),
    (NoSuchBucket, "bucket", "no such bucket"),
    (Throttled, "endpoint", "throttled"),
    (Unreachable, "endpoint", "unreachable"),
)
"""Errors that prevent every check: the name of the check, and the words for it."""


def _checks(storage: PatientStorage, url: str) -> Iterator[CheckResult]:
    """Listing is proved by a listing, also where the URL is that of an object: then of the folder that it is in."""
    folder = url if url.endswith("/") else f"{url}/"
    first, refusal = _first_below(storage, folder)
    if first == url:
        first = None  # a storage of files lists the file itself
    read: CheckResult | None = None
    if folder != url and first is None and (refusal is None or type(refusal) is NotFound):
        read = _read(storage, url)
        if read.ok:
            folder = f"{url.rpartition('/')[0]}/"
            first, refusal = _first_below(storage, folder)
    found = _listed(folder, first) if refusal is None else failure("list", refusal)
    yield found
    if found.name == "list":  # reading may work where listing does not
        yield read or _read(storage, first or url, was_listed=first is not None)


def _listed(folder: str, first: str | None) -> CheckResult:
    nothing = "" if first is not None else ", there is nothing below it"
    return CheckResult("list", True, f"{folder} can be listed{nothing}")


_NOT_TRIED = CheckResult("read", False, "reading was not tried: give the URL of an object that is there")


def _first_below(storage: PatientStorage, folder: str) -> tuple[str | None, HeronError | None]:
    """The URL of the first object of a listing, if there is one, and the error of one that fails."""
    try:
        found: StoredObject | None = next(iter(storage.list(folder)), None)
    except HeronError as error:
        return None, error
    return (None if found is None else found.url), None


def _read(storage: PatientStorage, url: str, *, was_listed: bool = False) -> CheckResult:
    try:
        storage.peek(url, 1)
    except HeronError as error:
        found = failure("read", error)
        return (
            _NOT_TRIED if isinstance(error, NotFound) and found.name == "read" and not was_listed else found
        )
    return CheckResult("read", True, f"{url} can be read")
