"""Every error that Heron raises on purpose: one sentence, and if possible a hint what to do next."""

from __future__ import annotations


class HeronError(Exception):
    """Base of all errors meant for people; the command line prints it as one line and exits with 1.

    `message` says what was wrong and where, `hint` says what to do about it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InvalidInput(HeronError, ValueError):
    """An argument, name, file or record breaks a documented rule."""


class NotFound(HeronError, LookupError):
    """The thing named is not in the workspace, or not on disk."""


class NoSuchBucket(NotFound):
    """The bucket or container of a URL does not exist."""


class ObjectChanged(HeronError):
    """A stored object was replaced while it was being read."""


class Unreachable(HeronError):
    """A storage backend did not answer: no route, refused, cut off, or too slow. Retrying may help."""


class NoSuchHost(Unreachable):
    """The name of a store's host is not known. A job waits for it only if the store has answered before."""


class Throttled(Unreachable):
    """A storage backend asks for fewer requests. Retrying later helps."""


class Changed(HeronError):
    """Somebody else has changed an item since it was read; nothing was written."""


class AlreadyExists(HeronError):
    """A name that has to be unique is taken."""


class MetadataError(InvalidInput):
    """A metadata key or value that the schema does not accept; names item, key, value and type."""


class QueryError(InvalidInput):
    """A condition, a sort term or a cursor is not valid.

    `position` says which characters of a condition are meant, as (start, end) like those of a slice; None if that is not known.
    """

    position: tuple[int, int] | None = None


class PermissionDenied(HeronError):
    """The acting user may not do this; names the user, the verb and the resource."""


class BadCredentials(PermissionDenied):
    """The credentials for a storage backend are missing, wrong or expired."""


class PluginError(HeronError):
    """A plugin is missing, broken, in conflict with another one, or lacks a package that it needs."""


class PluginWarning(UserWarning):
    """A plugin failed when it was told of something that had happened; what had happened stays."""


class CatalogueError(HeronError):
    """The catalogue cannot be opened or written: foreign, corrupt, newer than this Heron, or a full disk."""


class CatalogueBusy(CatalogueError):
    """Another process is writing and did not finish within the waiting time."""


class MediaError(HeronError):
    """A media file that cannot be read as what it claims to be, or is refused as unsafe."""


class ImportAborted(HeronError):
    """An import stopped at its first failure; the catalogue is unchanged.

    `place` (the position in the source) and `url` say which unit failed, if that is known.
    """

    place = ""
    url = ""


class ImportCancelled(HeronError):
    """An import was cancelled while it ran; items that were already added stay."""


class ImportInterrupted(HeronError):
    """An import stopped because its storage does not answer or refuses the credentials; it can be resumed."""


class ExecutorError(HeronError):
    """The workers of an executor cannot do the work, or are gone; what was landed stays, and the job can be resumed."""


class WorkerLost(ExecutorError):
    """The worker that ran one task has ended, hangs, or has answered with something else; the other tasks go on."""
