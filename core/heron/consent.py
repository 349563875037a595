"""Which workspaces and integrations a user trusts, and which plugins are preferred: stored in the user's config folder, never in a workspace.

A workspace of another owner is refused until it is trusted, as Git does with `safe.directory`. An integration that
reads secrets is trusted on the machine where it was made; one that came with a copied catalogue is not.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from heron.errors import CatalogueError, InvalidInput, PermissionDenied
from heron.inside import descriptor, open_file, own_users

_FILE = "trusted.json"
_MOST_BYTES = 16 * 1024 * 1024

Trusted = dict[str, list[str]]
"""`workspaces`: absolute paths. `integrations`: fingerprints. `preferred`: plugins, each perhaps for one claim. `scripts`: hashes with paths."""


def config_folder() -> Path:
    """HERON_CONFIG_DIR, or `heron` in XDG_CONFIG_HOME or `~/.config`; raises InvalidInput if there is no home."""
    given = os.environ.get("HERON_CONFIG_DIR")
    if given:
        return Path(given).absolute()
    base = os.environ.get("XDG_CONFIG_HOME") or ""
    try:
        return (Path(base) if os.path.isabs(base) else Path.home() / ".config") / "heron"  # noqa: PTH117
    except RuntimeError:
        raise InvalidInput(
            "there is no home directory in which to store what is trusted",
            hint="set HERON_CONFIG_DIR to a folder, or set HERON_TRUST=all to trust everything",
        ) from None


def trusts_all() -> bool:
    """Whether HERON_TRUST=all is set, for containers and CI; raises InvalidInput for any other value."""
    given = os.environ.get("HERON_TRUST", "")
    if given not in ("", "all"):
        raise InvalidInput(f"HERON_TRUST is {given!r}, but the only allowed value is all")
    return given == "all"


def trust(path: str | Path) -> Path:
    """Trust the workspace in a folder, whoever owns it; returns its absolute path. Raises CatalogueError."""
    root = Path(os.path.realpath(path))
    _change("workspaces", lambda known: [*known, *({str(root)} - set(known))])
    return root


def distrust(path: str | Path) -> bool:
    """Stop trusting a workspace; returns whether it was trusted."""
    root, was = os.path.realpath(path), trusted()
    _change("workspaces", lambda known: [one for one in known if one != root])
    return str(root) in was


def trusted() -> Sequence[str]:
    """The paths of the workspaces that were trusted by `trust`."""
    return sorted(_read()["workspaces"])


def require_trusted(root: Path, owner: int) -> None:
    """Raise PermissionDenied for a workspace that another user made, unless it is trusted."""
    if not trusts_all() and os.path.realpath(root) not in trusted():
        raise PermissionDenied(
            f"{root} is a workspace of another user ({_name(owner)}), who could let Heron read and send your files",
            hint=f"if you trust it: heron trust {root}",
        )


def fingerprint(integration: str, backend: str, options: object) -> str:
    """A hash of an integration, over everything that says where secrets are read and sent; it contains no secret."""
    text = json.dumps([integration, backend, options], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def trust_integration(mark: str) -> None:
    """Trust the integration with that fingerprint; raises CatalogueError if this cannot be stored."""
    if not trusts_all():
        _change("integrations", lambda known: [*known, *({mark} - set(known))])


def trusts_integration(mark: str) -> bool:
    """Whether this user made or trusted the integration with that fingerprint."""
    return trusts_all() or mark in _read()["integrations"]


def allowed_scripts() -> Sequence[str]:
    """The scripts of workspaces that this user allowed: the hash of the content, and the path. Raises CatalogueError."""
    return _read()["scripts"]


def allow_script(mark: str, path: str) -> None:
    """Allow a script with its present content, in place of any other content at its path; raises CatalogueError."""
    _change("scripts", lambda known: [*_elsewhere(known, path), mark])


def forbid_script(path: str) -> None:
    """Take back the consent to a script; raises CatalogueError."""
    _change("scripts", lambda known: _elsewhere(known, path))


def _elsewhere(known: Sequence[str], path: str) -> list[str]:
    return [one for one in known if one.partition(" ")[2] != path]


def preferred() -> Sequence[str]:
    """What settles conflicts among plugins: `PLUGIN`, or `PLUGIN for CLAIM`; raises CatalogueError."""
    return _read()["preferred"]


def prefer(plugin: str, claim: str | None = None, *, instead_of: Sequence[str] = ()) -> None:
    """Prefer a plugin wherever it conflicts with another, or for one claim only, and none of others; raises CatalogueError."""
    wish = f" for {claim}" if claim is not None else ""
    _change(
        "preferred",
        lambda known: [
            *(one for one in known if one not in {f"{name}{wish}" for name in (plugin, *instead_of)}),
            f"{plugin}{wish}",
        ],
    )


def prefer_no_more(plugin: str, claim: str | None = None) -> bool:
    """Forget all preferences for a plugin, or that for one claim; returns whether there was one. Raises CatalogueError."""
    found = [
        one
        for one in preferred()
        if one == f"{plugin} for {claim}" or (claim is None and one.partition(" for ")[0] == plugin)
    ]
    _change("preferred", lambda known: [one for one in known if one not in found])
    return bool(found)


def _name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user id {user}"


def _read() -> Trusted:
    """What is trusted; a file that another user owns or can write is refused."""
    empty: Trusted = {"workspaces": [], "integrations": [], "preferred": [], "scripts": []}
    path = config_folder() / _FILE
    try:
        with open_file(path, "rb") as stream:
            found = os.fstat(stream.fileno())
            if found.st_uid not in own_users() or stat.S_IMODE(found.st_mode) & 0o022:
                raise CatalogueError(
                    f"{path} is not yours, or other users can write to it", hint="chown it, and chmod 600"
                )
            data = json.loads(stream.read(_MOST_BYTES))
    except FileNotFoundError:
        return empty
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}", hint="repair it, or remove it") from None
    if not isinstance(data, dict):
        raise CatalogueError(f"{path} is not a JSON object", hint="repair it, or remove it")
    for key in empty:
        value = data.get(key)
        empty[key] = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    return empty


def _change(key: str, change: Callable[[list[str]], list[str]]) -> None:
    import tempfile

    folder = config_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = descriptor(folder / "lock", "lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            data = _read()
            data[key] = change(data[key])
            part, name = tempfile.mkstemp(dir=folder)  # made with mode 0600
            with os.fdopen(part, "w") as stream:
                json.dump(data, stream, indent=1)
                stream.flush()
                os.fsync(part)
            Path(name).replace(folder / _FILE)
        finally:
            os.close(lock)
    except OSError as error:
        raise CatalogueError(
            f"what you trust cannot be stored in {folder}: {error.strerror or error}",
            hint="set HERON_CONFIG_DIR to a writable folder, or HERON_TRUST=all",
        ) from None
