"""What users show to a server: public keys, and tokens, of which only a hash is kept."""

from __future__ import annotations

import builtins
import math
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from heron.catalog.access import Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.organisation.public_keys import PublicKey, parse_public_key
from heron.catalog.referring import KEY, TOKEN, KeyRef, Noun, TokenRef, UserRef
from heron.errors import AlreadyExists, InvalidInput
from heron.metadata.keys import check_name, printable
from heron.models import now
from heron.organisation import NewToken, User, UserKey, UserToken
from heron.times import utc_iso
from heron.uuids import new_uuid

Kind = Literal["key", "token"]

PREFIX = "heron_"
"""What tokens begin with, so that programs that look for secrets in files find them."""

_SELECT = (
    "SELECT credentials.*, users.email AS user FROM credentials JOIN users ON users.id = credentials.user_id"
)
_VALID = "(expires_at IS NULL OR expires_at > ?)"
_LONGEST_DAYS = 36_500


class Credentials:
    """Public keys and tokens of users. Each user has their own; an admin has those of all."""

    _database: Database
    _access: Access

    if TYPE_CHECKING:

        def get(self, ref: UserRef) -> User: ...  # noqa: D102 - UserService has it
        def _identified(self, ref: UserRef) -> tuple[int, str]: ...

    @one_transaction
    def add_key(
        self, user: UserRef, public_key: str, *, name: str | None = None, days: float | None = None
    ) -> UserKey:
        """Add a public key of a user: the text of a file such as `id_ed25519.pub`. It signs for the user from now on.

        `name` is that of the comment in the file if none is given. With `days`, it is valid as long. Raises InvalidInput for what is
        not an ed25519 key in OpenSSH's form, and AlreadyExists for a key, or a name, that is there.
        """
        owner, email = self._own(user)
        key = parse_public_key(public_key)
        self._require_free(key)
        uuid = self._insert(owner, email, "key", name or key.comment or key.fingerprint[:14], key.raw, days)
        added = _key(self._row("credentials.uuid = ?", [uuid]))
        self._access.note(
            added, user=email, fingerprint=added.fingerprint, expires_at=_text(added.expires_at)
        )
        return added

    def keys(self, user: UserRef | None = None, *, limit: int | None = None) -> builtins.list[UserKey]:
        """The public keys of a user, or of all users that one may see, by user and name."""
        return [_key(row) for row in self._rows("key", user, limit)]

    @one_transaction
    def remove_key(self, ref: KeyRef) -> None:
        """Remove a public key: signatures made with it are no longer valid."""
        self._delete(self._get_key(ref))

    @one_transaction
    def create_token(self, user: UserRef, *, name: str | None = None, days: float | None = 90) -> NewToken:
        """Create a token with which a program acts as a user. Its text is returned once, and kept nowhere.

        It is valid for some days, or with None until it is revoked. Raises AlreadyExists for a name that another token has.
        """
        owner, email = self._own(user)
        text = PREFIX + secrets.token_urlsafe(32)
        uuid = self._insert(
            owner, email, "token", name or f"token {text[len(PREFIX) :][:4]}", _hash(text), days
        )
        token = _token(self._row("credentials.uuid = ?", [uuid]))
        self._access.note(token, user=email, expires_at=_text(token.expires_at))
        return NewToken(text, token)

    def tokens(self, user: UserRef | None = None, *, limit: int | None = None) -> builtins.list[UserToken]:
        """The tokens of a user, or of all users that one may see, by user and name; not their texts, which nobody has."""
        return [_token(row) for row in self._rows("token", user, limit)]

    @one_transaction
    def revoke_token(self, ref: TokenRef) -> None:
        """Revoke a token: from now on it is not valid, also in servers that run."""
        self._delete(self._get_token(ref))

    def of_key(self, public_key: bytes) -> UserKey | None:
        """The valid key with these 32 bytes, or None; its `user` is who signs with it."""
        row = self._valid("key", bytes(public_key))
        return None if row is None else _key(row)

    def of_token(self, token: str) -> UserToken | None:
        """The valid token with this text, or None; its `user` is who acts with it."""
        row = self._valid("token", _hash(token)) if token.startswith(PREFIX) else None
        return None if row is None else _token(row)

    def note_use(self, credentials: Sequence[UserKey | UserToken]) -> None:
        """Note that keys and tokens were used just now. It is not logged; once a minute is often enough."""
        with self._database.write():
            for each in credentials:
                self._access.require("update", each)
                self._database.execute(
                    "UPDATE credentials SET last_used_at = ? WHERE id = ?", [now(), each.id]
                )

    def _get_key(self, ref: KeyRef) -> UserKey:
        """The public key that is meant; raises NotFound with a suggestion."""
        return _key(self._found(KEY, "key", ref))

    def _get_token(self, ref: TokenRef) -> UserToken:
        """The token that is meant; raises NotFound with a suggestion."""
        return _token(self._found(TOKEN, "token", ref))

    def _own(self, user: UserRef) -> tuple[int, str]:
        """The inner id and the address of a user whose keys and tokens one may change; raises NotFound, PermissionDenied."""
        found = self.get(user)
        self._access.require_self(found)
        return self._identified(found)

    def _insert(self, owner: int, email: str, kind: Kind, name: str, value: bytes, days: float | None) -> str:
        check_name(name, f"name of a {kind}")
        if self._database.row(
            "SELECT 1 FROM credentials WHERE user_id = ? AND kind = ? AND name = ?", [owner, kind, name]
        ):
            raise AlreadyExists(f"{email} has a {kind} {name!r} already", hint="choose another name")
        uuid = new_uuid()
        self._database.execute(
            "INSERT INTO credentials (uuid, user_id, kind, name, value, created_at, created_by, expires_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [uuid, owner, kind, name, value, now(), self._access.user.email, _until(days)],
        )
        return uuid

    def _require_free(self, key: PublicKey) -> None:
        if self._database.row("SELECT 1 FROM credentials WHERE value = ?", [key.raw]):
            raise AlreadyExists(
                f"the key {key.fingerprint} is in use already",
                hint="a key belongs to one user: make another one",
            )

    def _delete(self, credential: UserKey | UserToken) -> None:
        self._access.require("delete", credential)
        self._database.execute("DELETE FROM credentials WHERE id = ?", [credential.id])
        self._access.note(credential, user=credential.user)

    def _found(self, noun: Noun, kind: Kind, ref: object) -> Row:
        """The row of the one key or token that is meant; raises NotFound, and InvalidInput where several have the name."""
        meant, parameters = noun.condition(ref, "credentials.name")
        meant = meant.replace("uuid = ?", "credentials.uuid = ?")
        rows = self._select(kind, meant, parameters, 2)
        if not rows:
            raise missing(kind, noun.key(ref), (row["name"] for row in self._rows(kind, None, None)))
        if len(rows) > 1:
            raise InvalidInput(
                f"several users have a {kind} {printable(noun.key(ref))}",
                hint="name it by its UUID, which the list shows",
            )
        return rows[0]

    def _rows(self, kind: Kind, user: UserRef | None, limit: int | None) -> Sequence[Row]:
        email = None if user is None else self.get(user).email
        return self._select(kind, "(? IS NULL OR users.email = ?)", [email, email], at_most(limit))

    def _select(self, kind: Kind, condition: str, parameters: Sequence[object], limit: int) -> Sequence[Row]:
        scope = self._access.scope("credential", "credentials")
        return self._database.rows(
            f"{_SELECT} WHERE kind = ? AND ({condition}) AND {scope} ORDER BY users.email, credentials.name LIMIT ?",
            [kind, *parameters, limit],
        )

    def _valid(self, kind: Kind, value: bytes) -> Row | None:
        scope = self._access.scope("credential", "credentials")
        return self._database.row(
            f"{_SELECT} WHERE value = ? AND kind = ? AND {_VALID} AND {scope}", [value, kind, now()]
        )

    def _row(self, condition: str, parameters: Sequence[object]) -> Row:
        row = self._database.row(f"{_SELECT} WHERE {condition}", parameters)
        assert row is not None
        return row


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _until(days: float | None) -> str | None:
    """When something that is valid for some days ends."""
    if days is None:
        return None
    if (
        isinstance(days, bool)
        or not isinstance(days, int | float)
        or not 0 < days <= _LONGEST_DAYS
        or math.isnan(days)
    ):
        raise InvalidInput(
            f"{printable(days)} is not a number of days", hint=f"more than 0, at most {_LONGEST_DAYS}"
        )
    return utc_iso(datetime.now(UTC) + timedelta(days=days))


def _text(at: datetime | None) -> str | None:
    return None if at is None else utc_iso(at)


@lru_cache(maxsize=1024)
def _written(raw: bytes) -> tuple[str, str]:
    """A public key as OpenSSH writes it, and its fingerprint; a server asks for the same ones with each request."""
    key = PublicKey(raw, "")
    return key.line, key.fingerprint


def _key(row: Row) -> UserKey:
    line, fingerprint = _written(row["value"])
    return UserKey(
        row["id"], row["uuid"], row["user"], row["name"], line, fingerprint, row["created_at"],
        row["expires_at"], row["last_used_at"],
    )  # fmt: skip


def _token(row: Row) -> UserToken:
    return UserToken(
        row["id"],
        row["uuid"],
        row["user"],
        row["name"],
        row["created_at"],
        row["expires_at"],
        row["last_used_at"],
    )
