"""References to secrets: the catalogue stores where a secret is, never the secret itself."""

from __future__ import annotations

import os
import re
from pathlib import Path

from heron.errors import BadCredentials, InvalidInput

_REFERENCE = re.compile(r"(env|file|keyring):(.+)", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

FORMS = "env:NAME, file:PATH or keyring:SERVICE/NAME"


class UnsetVariable(BadCredentials):
    """The environment variable of a secret is not set, which no wait changes."""


def is_reference(value: object) -> bool:
    """Whether a value is a reference to a secret."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def checked(reference: str, what: str) -> str:
    """A reference as it is stored, with the absolute path of a file; raises InvalidInput for an invalid reference.

    The message does not show the value: for `env:$SECRET` without quotes, the shell has put the secret itself there.
    """
    source, _, place = reference.partition(":")
    if source == "env" and not _VARIABLE.fullmatch(place):
        raise InvalidInput(
            f"{what}: what follows env: is not the name of an environment variable",
            hint="write env:NAME without $",
        )
    if source == "keyring" and not all(place.rpartition("/")):
        raise InvalidInput(f"{what}: what follows keyring: is not SERVICE/NAME")
    if source == "file" and not place.startswith("~"):
        return f"file:{os.path.abspath(place)}"  # noqa: PTH100 - resolve() would follow links
    return reference


def resolve(reference: str, what: str) -> str:
    """The secret that a reference stands for; raises BadCredentials, which names only `what` and the reference."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise InvalidInput(f"{what} is not a reference", hint=f"write {FORMS}")
    source, place = found.groups()
    secret = {"env": _from_environment, "file": _from_file, "keyring": _from_keyring}[source](place, what)
    if not secret:
        raise BadCredentials(f"{what}: {reference} is empty")
    return secret


def _from_environment(name: str, what: str) -> str:
    if name not in os.environ:
        raise UnsetVariable(f"{what}: the environment variable {name} is not set")
    return os.environ[name]


def _from_file(place: str, what: str) -> str:
    try:
        return Path(place).expanduser().read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise BadCredentials(f"{what}: {place} cannot be read ({error.strerror or error})") from None
    except RuntimeError:
        raise BadCredentials(f"{what}: the home directory of {place} is not known") from None
    except ValueError:
        raise BadCredentials(f"{what}: {place} is not a text file") from None


def _from_keyring(place: str, what: str) -> str:
    service, _, name = place.rpartition("/")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise BadCredentials(
            f"{what}: reading the keyring needs a package", hint="pip install keyring"
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
