"""The services of a remote workspace: each verb of the Python API as a request to its route."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from heron.errors import InvalidInput, NotFound
from heron.remote import composed
from heron.remote.asking import asked
from heron.remote.connection import Connection
from heron.remote.table import ABSENT, COMPOSED, route_of
from heron.remote.verbs import names_of, service_class, verb_of


class RemoteService:
    """A service of a remote workspace: it has the verbs of the service of that name."""

    def __init__(self, workspace: Any, connection: Connection) -> None:
        self._workspace = workspace
        self._connection = connection

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._connection.url}>"


@cache
def remote_class(service: str) -> type[RemoteService]:
    """The class of a remote service, with a method for each verb."""
    kind = service_class(service)
    methods = {name.rpartition(".")[2]: method_of(name) for name in names_of(service)}
    return type(f"Remote{kind.__name__}", (RemoteService,), {"__doc__": kind.__doc__, **methods})


def method_of(name: str) -> Callable[..., Any]:
    """The method for a verb, with its signature and its description."""
    service, _, method = name.rpartition(".")
    original = inspect.unwrap(getattr(service_class(service), method))
    signature = inspect.signature(original)
    act = _act_of(name)

    @functools.wraps(original)
    def call(self: RemoteService, *args: Any, **named: Any) -> Any:
        bound = signature.bind(self, *args, **named)
        given = dict(list(bound.arguments.items())[1:])
        if given.get("executor") is not None:
            raise InvalidInput("an executor runs on the machine of the workspace", hint="leave it out")
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                others = given.pop(parameter.name, {})
                given |= {"parts" if parameter.name == "parts" else "parameters": others} if others else {}
        return act(self, given)

    return call


def _act_of(name: str) -> Callable[[RemoteService, dict[str, Any]], Any]:
    service, _, method = name.rpartition(".")
    if name in ABSENT:

        def refuse(self: RemoteService, given: dict[str, Any]) -> Any:
            raise InvalidInput(f"{name} does not work through a server", hint=ABSENT[name])

        return refuse
    if name in composed.VERBS:
        return lambda self, given: composed.VERBS[name](self._workspace, **given)
    if name in COMPOSED:
        twin = COMPOSED[name].partition(",")[0]
        return lambda self, given: asked(self._connection, verb_of(name), given, route_of(twin))
    if method == "find" and f"{service}.get" in names_of(service):

        def find(self: RemoteService, given: dict[str, Any]) -> Any:
            try:
                return getattr(self, "get")(**given)  # noqa: B009 - a method made from the table
            except NotFound:
                return None

        return find
    return lambda self, given: asked(self._connection, verb_of(name), given, route_of(name))
