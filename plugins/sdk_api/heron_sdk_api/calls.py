"""What the handler of an operation gets, and the answers that are more than JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from attrs import define, field, frozen

from heron_sdk_api.fields import Fields, Query, as_uuid

if TYPE_CHECKING:
    from heron import Site, Workspace
    from heron_sdk_api.wire import Wire

HOLD = 20.0
"""The most seconds for which a long poll waits before it answers that the work is not done yet."""


@define(slots=False)
class Call:
    """One request to an operation: the workspace as its user, the server, and what the request says.

    `origin` is the address under which the client reaches the server, such as `http://127.0.0.1:8000`. `uid` is what a query
    of v1 is about, and `body` its payload then.
    """

    ws: Workspace
    site: Site
    user: str | None
    origin: str
    path: Mapping[str, str] = field(factory=dict)
    query: Query = field(factory=lambda: Query(""))
    body: Any = None
    uid: Any = None

    def uuid(self, name: str) -> UUID:
        """A UUID in the path."""
        return as_uuid(self.path[name], f"the {name} in the path")

    @cached_property
    def fields(self) -> Fields:
        """The body, read field by field."""
        return Fields(self.body)

    @cached_property
    def wire(self) -> Wire:
        """Makes the objects of the API of Heron's records."""
        from heron_sdk_api.wire import Wire

        return Wire(self)

    def signed(self, path: str, seconds: int = 3600) -> str:
        """An address that can be read, or written, without a key for some time; it acts as the user of this call."""
        return self.origin + self.site.sign(path, user=self.user, seconds=seconds)


@frozen
class Pending:
    """Work that is not done yet: `again` is asked until it gives something else, for `seconds` at most.

    `answer` is the answer if it is still not done then.
    """

    again: Callable[[Call], Any]
    answer: Any
    seconds: float
