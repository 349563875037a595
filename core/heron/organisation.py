"""The records of the organisation: users, groups, projects, tags of projects, roles that were given, and entries of the log."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from datetime import datetime

from attrs import field, frozen

from heron.models import Json
from heron.records import Identified, Record, cut
from heron.times import moment, moment_or_none


@frozen(eq=False, repr=False)
class User(Identified):
    """A user of a workspace, identified by the e-mail address.

    `role` is `owner`, `admin` or `member`; the owner is the admin as whom a workspace is opened unless a user is named.
    `member_type` is `internal`, `external` or `workforce`.
    """

    email: str
    role: str
    member_type: str = "internal"
    uuid: str = ""
    created_at: datetime | None = field(default=None, converter=moment_or_none)

    def _identity(self) -> Hashable:
        return self.email

    def _shown(self) -> Iterator[str]:
        yield f"{cut(self.email, 60)}, {self.member_type} {self.role}"


@frozen(eq=False, repr=False)
class UserKey(Identified):
    """A public key of a user, with which requests to a server are signed. Times are None for no end, and for never.

    `public_key` is its line in OpenSSH's form, `fingerprint` what `ssh-keygen -l` shows, `user` an e-mail address.
    """

    id: int
    uuid: str
    user: str
    name: str
    public_key: str
    fingerprint: str
    created_at: datetime = field(converter=moment)
    expires_at: datetime | None = field(converter=moment_or_none)
    last_used_at: datetime | None = field(converter=moment_or_none)

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 40)} of {cut(self.user, 60)}, {self.fingerprint}"


@frozen(eq=False, repr=False)
class UserToken(Identified):
    """A token with which a program acts as a user, without its text. Times are None for no end, and for never."""

    id: int
    uuid: str
    user: str
    name: str
    created_at: datetime = field(converter=moment)
    expires_at: datetime | None = field(converter=moment_or_none)
    last_used_at: datetime | None = field(converter=moment_or_none)

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 40)} of {cut(self.user, 60)}, {self.uuid}"


@frozen(repr=False)
class NewToken(Record):
    """A token that was just created. `secret` is its text, which is shown here once; it is not in what is printed of the record."""

    secret: str
    token: UserToken

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.token.name), 40)} of {cut(self.token.user, 60)}"


@frozen(eq=False, repr=False)
class Group(Identified):
    """Users under a name. `users` are the e-mail addresses of its direct members, `groups` the names of groups within it."""

    id: int
    uuid: str
    name: str
    description: str
    users: tuple[str, ...]
    groups: tuple[str, ...]
    created_at: datetime = field(converter=moment)

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 50)} {len(self.users)} users, {len(self.groups)} groups, {self.uuid}"


@frozen(eq=False, repr=False)
class ProjectTag(Identified):
    """A tag that projects can have; `project_count` counts those that the acting user may see."""

    id: int
    uuid: str
    name: str
    project_count: int
    created_at: datetime = field(converter=moment)

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 50)} {self.project_count} projects, {self.uuid}"


@frozen(eq=False, repr=False)
class Project(Identified):
    """Datasets that people work on together. `datasets` and `collections` are their titles, `tags` the names of its tags.

    `status` is `not_started`, `in_progress` or `completed`.
    """

    id: int
    uuid: str
    title: str
    description: str
    status: str
    datasets: tuple[str, ...]
    tags: tuple[str, ...]
    archived_at: datetime | None = field(converter=moment_or_none)
    created_at: datetime = field(converter=moment)
    collections: tuple[str, ...] = ()

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.title), 50)} {self.status}, {len(self.datasets)} datasets, {self.uuid}"


@frozen(repr=False)
class Grant(Record):
    """A role on one resource that a user, or a group, was given.

    `noun` is folder, dataset, integration or project, and `resource` its path, title or name. Exactly one of `user` (an e-mail
    address) and `group` (a name) is not None.
    """

    role: str
    noun: str
    resource: str
    uuid: str
    user: str | None
    group: str | None
    granted_by: str
    granted_at: datetime = field(converter=moment)

    def _shown(self) -> Iterator[str]:
        whom = self.user if self.group is None else f"group {self.group!r}"
        yield f"{self.role} on {self.noun} {cut(repr(self.resource), 40)} for {cut(str(whom), 40)}"


@frozen(repr=False)
class LogEntry(Record):
    """One line of the log: who did what to which resource when.

    `verb` is the verb of the Python API, such as `collections.add`. `resource` is the path, title or name of what it was
    done to, or one of these; `count` says how many of that noun there were. `uuid` is None where there is none, or several.
    """

    id: int
    at: datetime = field(converter=moment)
    user: str
    verb: str
    noun: str
    resource: str
    uuid: str | None
    count: int
    details: Mapping[str, Json] = field(hash=False)

    def _shown(self) -> Iterator[str]:
        yield f"{self.at:%Y-%m-%d %H:%M:%S} {cut(self.user, 30)} {self.verb} {self.noun} {cut(repr(self.resource), 40)}"
