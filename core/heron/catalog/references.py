"""References to secrets: the catalogue keeps where a secret is to be found, never the secret."""

from __future__ import annotations

import os
import re
from pathlib import Path

from heron.errors import BadCredentials, InvalidInput

_REFERENCE = re.compile(r"(env|file|keyring):(.+)", re.DOTALL)

FORMS = "env:NAME, file:PATH or keyring:SERVICE/NAME"


def is_reference(value: object) -> bool:
    """Whether a value says where a secret is to be found."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def resolve(reference: str, what: str) -> str:
    """The secret that a reference leads to; raises BadCredentials, which names `what` and the reference alone."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise InvalidInput(f"{what} is no reference", hint=f"write {FORMS}")
    source, place = found.groups()
    secret = {"env": _from_environment, "file": _from_file, "keyring": _from_keyring}[source](place, what)
    if not secret:
        raise BadCredentials(f"{what}: {reference} is empty")
    return secret


def _from_environment(name: str, what: str) -> str:
    if name not in os.environ:
        raise BadCredentials(f"{what}: the environment variable {name} is not set")
    return os.environ[name]


def _from_file(place: str, what: str) -> str:
    path = Path(place).expanduser()
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text"
        raise BadCredentials(f"{what}: {path} cannot be read ({reason})") from None


def _from_keyring(place: str, what: str) -> str:
    service, mark, name = place.rpartition("/")
    if not mark or not service or not name:
        raise InvalidInput(f"{what}: keyring:{place} is no keyring:SERVICE/NAME")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise BadCredentials(
            f"{what}: reading the keyring needs a package", hint='pip install "heron[keyring]"'
        ) from None
    try:
        secret = keyring.get_password(service, name)
    except KeyringError as error:
        raise BadCredentials(f"{what}: the keyring cannot be read: {error}") from None
    if secret is None:
        raise BadCredentials(
            f"{what}: the keyring has no {name} for {service}", hint=f"keyring set {service} {name}"
        )
    return secret
