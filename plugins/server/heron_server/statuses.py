"""The one table of statuses: which answer belongs to which error."""

from __future__ import annotations

import heron

_STATUSES: dict[type[BaseException], int] = {
    heron.NotFound: 404,
    heron.BadCredentials: 424,
    heron.PermissionDenied: 403,
    heron.AlreadyExists: 409,
    heron.ObjectChanged: 409,
    heron.Throttled: 429,
    heron.Unreachable: 424,
    heron.ImportAborted: 422,
    heron.ImportCancelled: 409,
    heron.ImportInterrupted: 424,
    heron.ExecutorError: 424,
    heron.InvalidInput: 422,
    heron.MediaError: 422,
    heron.PluginError: 422,
    heron.CatalogueBusy: 503,
    heron.CatalogueError: 500,
}
"""The status for each class of errors; that of the nearest class counts. 424: something beside the server failed."""

RETRY_AFTER = {429: "1", 503: "1"}
"""The seconds after which a client may try again."""


def status_of(error: BaseException) -> int:
    """The status for an error; 500 for one that is not in the table."""
    for kind in type(error).__mro__:
        if kind in _STATUSES:
            return _STATUSES[kind]
    return 500
