"""References: every verb takes a record, a UUID or a name for what it works on, and one or many of them.

A text is always one reference, never a sequence of letters; any other iterable is many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

from heron.errors import InvalidInput
from heron.metadata.keys import printable
from heron.models import Collection, Dataset, DatasetRow, Folder, Frame, Item, Preset
from heron.organisation import Group, Project, ProjectTag, User, UserKey, UserToken
from heron.uuids import is_uuid, is_uuid_object

if TYPE_CHECKING:
    from uuid import UUID

    from heron.jobs import ImportJob, ImportReport, Integration
    from heron.versions import DatasetVersion

ItemRef: TypeAlias = "Item | Frame | DatasetRow | UUID | str"
"""An item, one of its frames, a row of a dataset, a UUID, a name that no other item has, or the path or URL of its file.

If there is no such item, the end or the beginning of a UUID, with six characters or more and one letter at least, is enough.
"""

ItemRefs: TypeAlias = "ItemRef | Iterable[ItemRef]"
"""One item or many."""

FolderRef: TypeAlias = "Folder | UUID | str"
"""A folder, its UUID or its path."""

CollectionRef: TypeAlias = "Collection | UUID | str"
"""A collection, its UUID or its title."""

DatasetRef: TypeAlias = "Dataset | UUID | str"
"""A dataset, its UUID or its title."""

VersionRef: TypeAlias = "DatasetVersion | UUID | str"
"""A version of a dataset, its UUID, or the title and the number of it, as `rain-1@2`."""

IntegrationRef: TypeAlias = "Integration | UUID | str"
"""An integration, its UUID or its name."""

ImportRef: TypeAlias = "ImportJob | ImportReport | UUID | str | int"
"""An import, its report, its UUID or the beginning of that (8 characters or more), or its short number as the list shows it."""

UserRef: TypeAlias = "User | UUID | str"
"""A user, its UUID or its e-mail address."""

KeyRef: TypeAlias = "UserKey | UUID | str"
"""A public key of a user, its UUID, or its name if no other user has a key of this name."""

TokenRef: TypeAlias = "UserToken | UUID | str"
"""A token of a user, its UUID, or its name if no other user has a token of this name."""

GroupRef: TypeAlias = "Group | UUID | str"
"""A group, its UUID or its name."""

ProjectRef: TypeAlias = "Project | UUID | str"
"""A project, its UUID or its title."""

TagRef: TypeAlias = "ProjectTag | UUID | str"
"""A tag of projects, its UUID or its name."""

PresetRef: TypeAlias = "Preset | str"
"""A preset or its name."""


@frozen
class Noun:
    """What references of one noun can be: the records with the attribute that identifies them, and the word for names."""

    name: str
    takes: str
    records: Callable[[], Mapping[type, Callable[[Any], str]]]

    def uuid(self, ref: object) -> str | None:
        """The UUID of a reference, in lower case; None for a text that is not a UUID, and so is a name.

        Raises InvalidInput for anything that is not a reference.
        """
        known = self.records().get(type(ref))
        if known is not None:
            return known(ref)
        if is_uuid_object(ref):
            return str(ref)
        if isinstance(ref, str):
            return ref.lower() if is_uuid(ref) else None
        raise self._refused(ref)

    def key(self, ref: object) -> str:
        """The UUID or the name of a reference, for messages; raises InvalidInput."""
        return self.uuid(ref) or str(ref)

    def condition(self, ref: object, column: str, name: str | None = None) -> tuple[str, list[str]]:
        """An SQL condition that a row is the one meant, by UUID or by the unique name in `column`, and its parameters.

        `name` is the name if its spelling in the column differs from the reference. A text that is a UUID can also be a
        name.
        """
        uuid = self.uuid(ref)
        if not isinstance(ref, str):
            assert uuid is not None
            return "uuid = ?", [uuid]
        text = ref if name is None else name
        return (f"{column} = ?", [text]) if uuid is None else (f"(uuid = ? OR {column} = ?)", [uuid, text])

    def many(self, refs: ItemRefs) -> Iterable[ItemRef]:
        """`several` for items."""
        return self.several(refs)

    def several(self, refs: Any) -> Iterable[Any]:
        """One reference or many, as an iterable."""
        if isinstance(refs, str) or is_uuid_object(refs) or type(refs) in self.records():
            return [refs]
        if isinstance(refs, Mapping | bytes) or not isinstance(refs, Iterable):
            raise self._refused(refs, " or several of these")
        return refs

    def _refused(self, given: object, several: str = "") -> InvalidInput:
        return InvalidInput(
            f"{printable(given)} ({type(given).__name__}) is not a reference to {_a(self.name)}",
            hint=f"give {self.takes}{several}",
        )


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def frame_numbers(given: Iterable[int] | int) -> list[int]:
    """One number, or many, as a list; raises InvalidInput for anything else, which is never converted."""
    parts = list(given) if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]
    for part in parts:
        if isinstance(part, bool) or not hasattr(part, "__index__"):
            raise InvalidInput(f"{printable(part)} is not a frame", hint="give a whole number, or several")
    return [int(part) for part in parts]


_uuid = attrgetter("uuid")


def _is(*records: type) -> Callable[[], Mapping[type, Callable[[Any], str]]]:
    known = dict.fromkeys(records, _uuid)
    return lambda: known


_ITEMS = {Item: _uuid, Frame: attrgetter("item"), DatasetRow: attrgetter("item.uuid")}
_PRESETS: Mapping[type, Callable[[Any], str]] = {Preset: attrgetter("name")}


@cache
def _integrations() -> Mapping[type, Callable[[Any], str]]:
    from heron.jobs import Integration

    return {Integration: _uuid}


@cache
def _imports() -> Mapping[type, Callable[[Any], str]]:
    from heron.jobs import ImportJob, ImportReport

    return {ImportJob: _uuid, ImportReport: attrgetter("job.uuid")}


ITEM = Noun("item", "an item, a frame, a row of a dataset, a UUID, a name or a path", lambda: _ITEMS)
FOLDER = Noun("folder", "a folder, a UUID or a path", _is(Folder))
COLLECTION = Noun("collection", "a collection, a UUID or a title", _is(Collection))
DATASET = Noun("dataset", "a dataset, a UUID or a title", _is(Dataset))
INTEGRATION = Noun("integration", "an integration, a UUID or a name", _integrations)
USER = Noun("user", "a user, a UUID or an e-mail address", _is(User))
KEY = Noun("key", "a public key, a UUID or a name", _is(UserKey))
TOKEN = Noun("token", "a token, a UUID or a name", _is(UserToken))
GROUP = Noun("group", "a group, a UUID or a name", _is(Group))
PROJECT = Noun("project", "a project, a UUID or a title", _is(Project))
TAG = Noun("tag", "a tag, a UUID or a name", _is(ProjectTag))
IMPORT = Noun("import", "an import, its report, a UUID or its short number", _imports)
PRESET = Noun("preset", "a preset or its name", lambda: _PRESETS)


def item_name(ref: ItemRef) -> str:
    """The name of an item or a frame in messages."""
    if isinstance(ref, Frame):
        return f"{ref.item}, frame {ref.number}"
    if isinstance(ref, DatasetRow):
        ref = ref.item
    return f"{ref.name} ({ref.uuid})" if isinstance(ref, Item) else str(ref)


def parted_version(ref: object) -> tuple[str | None, int]:
    """The title and the number in the name of a version, `TITLE@NUMBER`; no title for anything else."""
    title, _, number = str(ref).rpartition("@")
    if not title or not (number.isascii() and number.isdigit()) or len(number) > 9:
        return None, 0
    return title, int(number)
