"""Turns errors of the Azure SDK into Heron's errors, without any part of their texts that could contain a secret."""

from __future__ import annotations

import re
import socket

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
)

import heron
from heron_storage_azure.options import Access

_NO_CONTAINER = {"ContainerNotFound", "ContainerBeingDeleted", "FilesystemNotFound", "InvalidResourceName"}
_NO_OBJECT = {"BlobNotFound", "PathNotFound", "ResourceNotFound"}
_NO_LOGIN = {
    "AuthenticationFailed", "InvalidAuthenticationInfo", "KeyBasedAuthenticationNotPermitted",
    "NoAuthenticationInformation", "PublicAccessNotPermitted",
}  # fmt: skip
_NO_RIGHT = {"AuthorizationFailure", "AuthorizationPermissionMismatch", "InsufficientAccountPermissions"}
_CHANGED = {"ConditionNotMet", "BlobOverwritten"}
_ARCHIVED = {"BlobArchived", "BlobBeingRehydrated"}

_BUSY, _BROKEN = (429, 503), (408, 500, 502, 504)


def explain(error: Exception, url: str, access: Access) -> heron.HeronError | None:
    """Heron's error for an error of the SDK; None for other errors."""
    if not isinstance(error, AzureError):
        return None
    entra = re.search(r"AADSTS\d+", str(error))
    if entra or (isinstance(error, ClientAuthenticationError) and error.response is None):
        return _no_token(entra[0] if entra else None, access)
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status is None or status < 300:
        kind = heron.NoSuchHost if _is_unknown(error) else heron.Unreachable
        return kind(f"{url} cannot be reached: {_reason(error)}", hint=_host_hint(error, access))
    return _of_answer(error, status, url, access)


def error_code(error: AzureError) -> str | None:
    """The code of the service, such as `BlobNotFound`; answers to HEAD have it only in a header."""
    code = getattr(error, "error_code", None)
    response = getattr(error, "response", None)
    if code is None and response is not None:
        code = response.headers.get("x-ms-error-code")
    return str(getattr(code, "value", code)) if code is not None else None


def _of_answer(error: AzureError, status: int, url: str, access: Access) -> heron.HeronError:
    code = error_code(error)
    if status in _BUSY:
        return heron.Throttled(f"{url} cannot be read now: the storage account asks for fewer requests")
    if status in _BROKEN:
        return heron.Unreachable(f"{url} cannot be read now: Azure answered {status} {code or ''}".rstrip())
    if code is None:
        return heron.Unreachable(
            f"{url} cannot be read: {access.endpoint} answered {status}, but not as Azure does",
            hint="check the endpoint, and whether a proxy stands between",
        )
    container = heron.address_of(url).bucket
    if code in _NO_CONTAINER or (code == "OutOfRangeInput" and not 3 <= len(container) <= 63):
        return heron.NoSuchBucket(
            f"bucket {container} does not exist",
            hint=f"check the name of the container, and that {access.account or access.endpoint} is its account",
        )
    if code in _NO_LOGIN or (code == "AuthorizationFailure" and "failed to authenticate" in str(error)):
        return _not_authenticated(code, url, access)
    if access.anonymous and code == "ResourceNotFound":
        return _not_authenticated(code, url, access)
    if code in _NO_OBJECT:
        return heron.NotFound(f"{url} is not there")
    if code in _CHANGED:
        return heron.ObjectChanged(f"{url} was replaced while it was being read", hint="try again")
    if code in _ARCHIVED:
        return heron.HeronError(
            f"{url} lies in the archive tier", hint="rehydrate it to Hot, Cool or Cold first"
        )
    if code in _NO_RIGHT or (status == 403 and code.startswith("Authorization")):
        return _no_right(error, code, url)
    return heron.HeronError(f"{url} cannot be read: Azure answered {status} {code}")


def _not_authenticated(code: str, url: str, access: Access) -> heron.BadCredentials:
    """The error for a failed login; the service gives the same code for a wrong key and an expired SAS token."""
    if access.anonymous:
        return heron.BadCredentials(
            f"{url} is not public, or does not exist", hint="use an integration that logs in"
        )
    if code == "KeyBasedAuthenticationNotPermitted":
        return heron.BadCredentials(
            f"{access.account} accepts neither account keys nor SAS tokens made with one",
            hint="log in by Microsoft Entra ID: az login, or a service principal",
        )
    if access.sas is not None:
        ended = access.sas_expired_at()
        what = f"has expired ({ended})" if ended else "is not accepted: its signature or its time is wrong"
        return heron.BadCredentials(f"the SAS token for {url} {what}", hint="make a new one for this account")
    if access.key is not None:
        return heron.BadCredentials(
            f"the key for the account {access.account} is not accepted: it is wrong, or a newer one has replaced it",
            hint="copy it again from the access keys of the account, and check the clock of this machine",
        )
    return heron.BadCredentials(
        f"the login for {url} is not accepted: it has expired, or belongs to another tenant",
        hint="az login --tenant TENANT, or check tenant_id, client_id and client_secret",
    )


def _no_token(entra: str | None, access: Access) -> heron.BadCredentials:
    """The error if there is no token, or if the key cannot be used to sign."""
    if access.key is not None:
        return heron.BadCredentials(
            f"the key for the account {access.account} is not a valid account key",
            hint="copy it whole from the access keys of the account; it ends with =",
        )
    if access.principal is not None:
        return heron.BadCredentials(
            f"Microsoft Entra ID refuses the service principal ({entra or 'no reason given'})",
            hint="check tenant_id, client_id and client_secret, and whether the secret has expired",
        )
    return heron.BadCredentials(
        f"no login to Azure was found ({entra})" if entra else "no login to Azure was found",
        hint="az login, or an integration with a service principal, a SAS token or an account key",
    )


def _no_right(error: AzureError, code: str, url: str) -> heron.PermissionDenied:
    asked = getattr(getattr(error, "response", None), "request", None)
    listing = "comp=list" in getattr(asked, "url", "")
    verb = "written" if getattr(asked, "method", "") in ("PUT", "DELETE") else "listed" if listing else "read"
    if code == "AuthorizationFailure":
        hint = "the account's firewall, or the SAS token's list of addresses, must let this machine in"
    elif verb == "written":
        hint = "it takes the role Storage Blob Data Contributor, or a SAS token with the permissions w and d"
    elif listing:
        hint = "it takes the role Storage Blob Data Reader, or a SAS token with the permission l (list)"
    else:
        hint = "it takes the role Storage Blob Data Reader, or a SAS token with the permission r (read)"
    return heron.PermissionDenied(f"{url} cannot be {verb}: permission denied ({code})", hint=hint)


def _reason(error: AzureError) -> str:
    """The reason given by the SDK on one line, cut before the query of a URL, which could contain a signature."""
    return " ".join(re.split(r"\?|, url=", str(error), maxsplit=1)[0].split())[:200] or type(error).__name__


def _is_unknown(error: AzureError) -> bool:
    """Whether the name of the host is not known."""
    return isinstance(getattr(error.inner_exception, "os_error", None), socket.gaierror)


def _host_hint(error: AzureError, access: Access) -> str | None:
    if isinstance(error, ServiceRequestError):
        return f"check the network, and that {access.endpoint} is right"
    return None
