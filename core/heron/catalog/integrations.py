"""Integrations: named ways to reach storage backends, with references in place of secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.referring import INTEGRATION, IntegrationRef
from heron.consent import fingerprint, trust_integration, trusts_integration
from heron.convert import dumps, loads
from heron.errors import AlreadyExists, BadCredentials, InvalidInput
from heron.jobs import Integration
from heron.metadata.keys import check_name, printable
from heron.models import Json, now
from heron.references import is_reference
from heron.uuids import new_uuid

if TYPE_CHECKING:
    from heron.hooks import PluginManager, StorageBackend


class IntegrationService:
    """The integrations of a workspace."""

    def __init__(self, database: Database, access: Access, plugins: Callable[[], PluginManager]) -> None:
        self._database = database
        self._access = access
        self._plugins = plugins

    @one_transaction
    def create(self, name: str, backend: str, options: Mapping[str, Json] | None = None) -> Integration:
        """Add an integration for the backend with that name or URL scheme.

        Raises PluginError for an unknown backend, InvalidInput for an unknown option, a value of the wrong type, or
        a secret instead of a reference to one.
        """
        self._access.require("create", WORKSPACE, "integration")
        check_name(name, "integration name")
        record = self._plugins().storage(backend)
        kept = check_options(record, options or {})
        if self._database.row("SELECT 1 FROM integrations WHERE name = ?", [name]):
            raise AlreadyExists(f"there is an integration {name!r} already", hint="heron integrations remove")
        uuid = new_uuid()
        self._database.execute(
            "INSERT INTO integrations (uuid, name, backend, options, created_at, created_by) VALUES (?,?,?,?,?,?)",
            [uuid, name, record.name, dumps(kept), now(), self._access.user.email],
        )
        made = self.get(uuid)
        if needs_consent(made):
            trust_integration(_fingerprint(made))
        self._access.note(made)
        return made

    def get(self, ref: IntegrationRef) -> Integration:
        """The integration that is meant; raises NotFound with a suggestion."""
        integration = self.find(ref)
        if integration is None:
            raise missing("integration", INTEGRATION.key(ref), (found.name for found in self.list()))
        return integration

    def find(self, ref: IntegrationRef) -> Integration | None:
        """The integration that is meant, or None."""
        meant, parameters = INTEGRATION.condition(ref, "name")
        row = self._database.row(
            f"SELECT * FROM integrations WHERE {meant} AND {self._access.scope('integration', 'integrations')}",
            parameters,
        )
        return _integration(row) if row is not None else None

    def _by_id(self, id: int) -> Integration:
        """The integration with an inner id, which items and folders refer to; raises NotFound."""
        row = self._database.row(
            f"SELECT * FROM integrations WHERE id = ? AND {self._access.scope('integration', 'integrations')}",
            [id],
        )
        if row is None:
            raise missing("integration", str(id), ())
        return _integration(row)

    def list(self, *, limit: int | None = None) -> list[Integration]:
        """All, or the first `limit`, integrations by name."""
        rows = self._database.rows(
            f"SELECT * FROM integrations WHERE {self._access.scope('integration', 'integrations')} ORDER BY name LIMIT ?",
            [at_most(limit)],
        )
        return [_integration(row) for row in rows]

    def trust(self, ref: IntegrationRef) -> Integration:
        """Allow an integration that was made elsewhere to read the secrets that it names, and to send them to its endpoint.

        The trust is for its present options, and for this user on this machine only; it ends if the options change.
        """
        integration = self.get(ref)
        self._access.require("update", integration)
        trust_integration(_fingerprint(integration))
        return integration

    def _require_trusted(self, integration: Integration) -> None:
        """Raise BadCredentials for an integration that was made elsewhere and would use secrets of this user."""
        if needs_consent(integration) and not trusts_integration(_fingerprint(integration)):
            shown = ", ".join(f"{key}={printable(value)}" for key, value in integration.options.items())
            raise BadCredentials(
                f"integration {integration.name!r} came with this workspace and uses your secrets or logins "
                f"({integration.backend}: {shown})",
                hint=f"if you trust it: heron integrations trust {integration.name!r}",
            )

    @one_transaction
    def delete(self, ref: IntegrationRef) -> None:
        """Delete an integration; items imported with it stay. Raises InvalidInput if a synced folder uses it."""
        integration = self.get(ref)
        self._access.require("delete", integration)
        scope = self._access.scope("folder", "folders")
        user = self._database.row(
            f"SELECT path, {scope} FROM synced_folders JOIN folders ON folders.id = folder_id "
            f"WHERE integration_id = ? ORDER BY {scope} DESC",
            [integration.id],
        )
        if user is not None:
            path, is_seen = user
            raise InvalidInput(
                f"integration {integration.name!r} is in use by "
                + (f"the synced folder {path!r}" if is_seen else "a synced folder that you cannot see"),
                hint=f"heron folders unsync {path!r}" if is_seen else None,
            )
        self._database.execute("DELETE FROM integrations WHERE id = ?", [integration.id])


def needs_consent(integration: Integration) -> bool:
    """Whether an integration could use a secret or a login of the user: any, except anonymous ones and without options.

    Without options, the backend uses its defaults, as it does without any integration.
    """
    options = integration.options
    has_reference = any(is_reference(value) for value in options.values())
    return bool(options) and (has_reference or options.get("anonymous") is not True)


def _fingerprint(integration: Integration) -> str:
    return fingerprint(integration.uuid, integration.backend, integration.options)


def check_options(record: StorageBackend, given: Mapping[str, Json]) -> dict[str, Json]:
    """The options as they are stored: known options, each of its type, with references in place of secrets."""
    from heron.hooks.option import stored_options  # and with it all hooks, which take a tenth of a second

    return stored_options(f"storage {record.name}", record.options, given)


def resolved_options(record: StorageBackend, integration: Integration) -> dict[str, Any]:
    """The options with their secrets, only for `load`."""
    from heron.hooks.option import resolved_value

    known = {option.name: option for option in record.options}
    return {
        name: resolved_value(known.get(name), value, f"integration {integration.name!r}, option {name}")
        for name, value in integration.options.items()
    }


def _integration(row: Row) -> Integration:
    return Integration(
        id=row["id"],
        uuid=row["uuid"],
        name=row["name"],
        backend=row["backend"],
        options=loads(row["options"]),
        created_at=row["created_at"],
    )
