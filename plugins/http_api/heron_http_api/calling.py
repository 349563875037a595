"""Calls verbs for requests, and refuses what a request must not ask of the machine of the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

import heron
from heron.remote import guarding, verbs, wire
from heron_http_api import uploads
from heron_http_api.arguments import as_call
from heron_http_api.operations import Operation

ADMINS = ("owner", "admin")

_PLACES: Mapping[str, tuple[str, ...]] = {
    "columns.push": ("destination",),
    "ingest.files": ("sources",),
    "ingest.follow": ("url",),
    "ingest.check_manifest": ("root",),
    "ingest.manifest": ("tree", "root"),
    "portable.merge": ("lake",),
    "ingest.write_manifest": ("prefix",),
    "storage.check": ("url",),
    "storage.list": ("prefix",),
    "storage.relocate": ("old", "new"),
    "synced.bind": ("prefix",),
    "vector_files.import_file": ("file", "ids"),
}
"""The parameters of verbs that can name a place on the disk of the server."""


_NAMES_INTEGRATION = ("storage.check", "synced.bind")
"""Verbs whose place is read with an integration that they name in another way."""

_SENT = {"ingest.files": ("sources",), "vector_files.import_file": ("file", "ids")}
"""Parameters that can name an upload, or a file of one."""


def perform(
    workspace: heron.Workspace, operation: Operation, arguments: Mapping[str, Any], **more: Any
) -> Any:
    """The result of the verb of an operation; `more` are arguments that no client gives."""
    assert operation.route is not None
    verb = operation.route.verb
    call = {name: wire.resolved(value, workspace) for name, value in as_call(operation, arguments).items()}
    check_places(workspace, verb, call)
    for name in _SENT.get(verb, ()):
        if call.get(name) is not None:
            call[name] = uploads.located(workspace, call[name])
    if isinstance(query := call.get("query"), heron.Query) and query.like:
        call["query"] = evolve(query, like=[_located(workspace, like) for like in query.like])
    starred = [p.name for p in verbs.verb_of(verb).parameters.values() if p.is_starred]
    return function_of(workspace, verb)(*(call.pop(starred[0], ()) if starred else ()), **call, **more)


def _located(workspace: heron.Workspace, like: Any) -> Any:
    """What a query is to be similar to, with the file of an upload in place of `upload:ID/NAME`."""
    is_sent = isinstance(like, str) and like.startswith(uploads.SCHEME)
    return uploads.located(workspace, like) if is_sent else like


def function_of(workspace: heron.Workspace, verb: str) -> Any:
    """The method of a verb."""
    service, _, method = verb.rpartition(".")
    return getattr(getattr(workspace, service) if service else workspace, method)


def check_places(workspace: heron.Workspace, verb: str, call: Mapping[str, Any]) -> None:
    """Refuse places on the disk of the server, unless an admin names them; nobody writes there.

    A member could otherwise register any file, or any object, that the server can read, and then read it. So a member names
    an integration for the URLs of stores too. Raises PermissionDenied.
    """
    if verb == "columns.push" and is_local(str(call["destination"])):
        raise heron.PermissionDenied(
            "a request cannot write onto the disk of the server", hint="push into a bucket: s3://…"
        )
    if workspace.user.role in ADMINS:
        return
    named = verb in _NAMES_INTEGRATION or call.get("integration") is not None
    for place in _places(verb, call):
        _check_place(place, has_integration=named)


def _check_place(place: str, *, has_integration: bool) -> None:
    """Refuse what only admins may name."""
    if is_local(place):
        raise heron.PermissionDenied(
            f"{place[:200]} is on the disk of the server, which only its admins may name",
            hint="upload the files, or give the URL of an object store",
        )
    if not has_integration and not place.startswith(uploads.SCHEME):
        raise heron.PermissionDenied(
            f"without an integration, {place[:200]} would be read with the server's own credentials, which only its admins may use",
            hint="name an integration that you may use",
        )


def check_manifest(
    workspace: heron.Workspace, path: Path, format: str | None = None, *, has_integration: bool
) -> None:
    """Refuse a manifest with entries on the disk of the server, or read with its credentials, unless an admin sent it."""
    if workspace.user.role in ADMINS:
        return
    for url in guarding.urls_of_manifest(workspace, path, format):
        if url:
            _check_place(url, has_integration=has_integration)


def _places(verb: str, call: Mapping[str, Any]) -> Iterator[str]:
    for name in _PLACES.get(verb, ()):
        given = call.get(name)
        for place in given if isinstance(given, list) else [given]:
            if place is not None:
                yield str(place)
    if verb == "registration.register":
        for item in call["items"]:
            yield item.url
            yield from (member.url for member in item.members)
    query = call.get("query")
    if isinstance(query, heron.Query):
        likes = [like for like in query.like if isinstance(like, str) and not like.startswith(uploads.SCHEME)]
        yield from (like if "://" in like else f"file:{like}" for like in likes if _is_file(like))


def is_local(place: str) -> bool:
    """Whether a place is on the disk of the server: a path, or a URL of a file."""
    if place.startswith(uploads.SCHEME):
        return False
    scheme, there, _ = place.partition("://")
    return not there or not scheme.isascii() or scheme.lower() == "file" or not scheme[:1].isalpha()


def _is_file(like: str) -> bool:
    return "/" in like or "\\" in like or like.lower().endswith(".npy")


def rows_of(result: Iterable[Any]) -> Iterator[Any]:
    """The rows of a result as plain data."""
    return map(wire.given, result)


def is_read_only(operation: Operation) -> bool:
    """Whether an operation changes nothing."""
    route = operation.route
    return operation.is_read or (
        route is not None and verbs.verb_of(route.verb).service in ("facets", "stats")
    )
