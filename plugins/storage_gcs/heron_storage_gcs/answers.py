"""Reads the answers of the service: content with its facts, or a refusal, which becomes one of Heron's
errors.

Objects are read through the XML API, the only one that returns the time of the last change together with the
content; everything else goes through the JSON API. Each API has its own format of errors.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import heron

READ, LIST, WRITE = "storage.objects.get", "storage.objects.list", "storage.objects.create"
"""The permissions that Heron needs."""

_RATE_REASONS = {
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "SlowDown",
    "TooManyRequests",
    "RateLimitExceeded",
}
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_LONGEST = 300


class Answer(NamedTuple):
    """Status, headers (with case-insensitive names) and body of one answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Refusal(NamedTuple):
    """Why a request was refused: the code and the message of the service; both may be empty."""

    reason: str
    message: str


class Content(NamedTuple):
    """The result of a GET of an object: bytes, and the size, generation and time of the whole object."""

    body: bytes
    size: int
    generation: str
    modified: str | None


def content_of(answer: Answer, url: str, start: int, end: int | None) -> Content:
    """The bytes from `start` up to `end`, exclusive; raises Unreachable if some are missing."""
    try:
        generation = str(int(answer.headers["x-goog-generation"]))
        if answer.status == 206:
            first, last, size = map(int, _RANGE.fullmatch(answer.headers["Content-Range"]).groups())  # type: ignore[union-attr]
            body, whole = answer.body, (start, min(end if end is not None else size, size))
            complete = (first, last + 1) == whole and len(body) == last + 1 - first
        else:
            size = int(answer.headers.get("x-goog-stored-content-length") or answer.headers["Content-Length"])
            body, complete = answer.body[start:end], len(answer.body) == size
        modified = answer.headers.get("Last-Modified")
        time = parsedate_to_datetime(modified).strftime("%Y-%m-%dT%H:%M:%S") if modified else None
    except (KeyError, ValueError, AttributeError):
        raise no_answer(answer, url) from None
    if not complete:
        raise heron.Unreachable(f"{url} cannot be reached: the content broke off")
    return Content(body, size, generation, time)


def json_of(answer: Answer, url: str) -> dict[str, Any]:
    """The JSON object of an answer; raises Unreachable if there is none."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise no_answer(answer, url)
    return found


def no_answer(answer: Answer, url: str) -> heron.Unreachable:
    """The error for an answer that is not from Google's service, but for instance from a login page or a proxy."""
    return heron.Unreachable(
        f"{url} cannot be reached: the answer, with status {answer.status}, is not from Google Cloud Storage",
        hint="check the option endpoint, and any proxy on the way",
    )


def refusal_of(answer: Answer) -> Refusal:
    """The reason in an error of the JSON API, of the XML API, or in plain text."""
    text = answer.body.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        reasons = error.get("errors") or [{}]
        return Refusal(str(reasons[0].get("reason", "")), _line(str(error.get("message", ""))))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        pass
    found = {
        name: html.unescape(value) for name, value in re.findall(r"<(Code|Message|Details)>([^<]*)<", text)
    }
    if "Code" in found:
        return Refusal(found["Code"], _line(found.get("Details") or found.get("Message", "")))
    return Refusal("", "" if "<" in text else _line(text))


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST]


def says_which_is_missing(refusal: Refusal) -> bool:
    """Whether a 404 says if the bucket or the object is missing."""
    return bool(
        re.search(r"no ?such ?(object|key|bucket)|bucket does not exist", " ".join(refusal), re.IGNORECASE)
    )


def error_of(
    status: int, refusal: Refusal, url: str, bucket: str, permission: str, anonymous: bool
) -> heron.HeronError:
    """The error for an unsuccessful answer."""
    reason, message = refusal
    said = f": {message}" if message else ""
    if status in (429, 503) or reason in _RATE_REASONS:
        return heron.Throttled(f"{url} cannot be read now: Google Cloud Storage asks for fewer requests")
    if status == 408 or status >= 500:
        return heron.Unreachable(
            f"{url} cannot be reached: Google Cloud Storage failed with status {status}{said}"
        )
    if status == 412:
        return heron.ObjectChanged(f"{url} was replaced while it was being read")
    if reason in ("NoSuchBucket", "InvalidBucketName") or re.search(
        "bucket does not exist|invalid bucket name", message, re.IGNORECASE
    ):
        return no_bucket(bucket)
    if status == 404:
        return heron.NotFound(f"{url} is not there")
    if reason == "UserProjectMissing" or "requester pays" in message.lower():
        return heron.PermissionDenied(
            f"{url} cannot be read: the bucket requires the reader to pay",
            hint="set the options requester_pays and project; the account needs serviceusage.services.use in that project",
        )
    if status in (401, 403) and anonymous:
        return heron.BadCredentials(
            f"{url} is not public and cannot be read without credentials",
            hint=f"leave out the option anonymous, or let the owner grant {permission} to allUsers",
        )
    if status == 401 or reason == "ExpiredToken":
        return heron.BadCredentials(
            f"{url} cannot be read: the credentials are unknown, expired or revoked{said}",
            hint="run `gcloud auth application-default login` again, or make a new key for credentials_file",
        )
    if status == 403:
        return _denied(url, said, permission)
    return heron.HeronError(f"{url} cannot be read: Google Cloud Storage answered with status {status}{said}")


def no_bucket(bucket: str) -> heron.NoSuchBucket:
    """The error for a bucket that does not exist."""
    return heron.NoSuchBucket(
        f"bucket {bucket} does not exist",
        hint="check its name: `gcloud storage ls` shows the buckets of a project",
    )


def _denied(url: str, said: str, permission: str) -> heron.PermissionDenied:
    verb = {LIST: "listed", WRITE: "written"}.get(permission, "read")
    if "serviceusage.services.use" in said or "user project" in said.lower():
        hint = "set the option project to a project in which the account has serviceusage.services.use"
    elif "scope" in said:
        scope = "devstorage.read_write" if permission == WRITE else "devstorage.read_only"
        hint = f"give the virtual machine or the login the scope {scope}"
    elif permission == WRITE:
        hint = f"grant the account {permission} and storage.objects.delete, for instance by the role roles/storage.objectUser"
    else:
        hint = f"grant the account {permission}, for instance by the role roles/storage.objectViewer"
    return heron.PermissionDenied(f"{url} cannot be {verb}: permission denied{said}", hint=hint)
