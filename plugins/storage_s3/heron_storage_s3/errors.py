"""Turns errors of S3 and its driver into Heron's errors."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from botocore import exceptions as driver
from botocore.parsers import ResponseParserError

import heron

NOT_S3 = "the answer is not from an S3 store"

_CREDENTIALS = {
    "InvalidAccessKeyId": (
        "the access key is unknown",
        "check access_key_id, and that it belongs to this store",
    ),
    "SignatureDoesNotMatch": (
        "the secret does not belong to the access key",
        "check secret_access_key and region",
    ),
    "ExpiredToken": ("the session token has expired", "fetch new temporary credentials"),
    "InvalidToken": ("the session token is not valid", "fetch new temporary credentials"),
    "RequestTimeTooSkewed": (
        "the clock of this machine is wrong, so signatures are refused",
        "set the clock",
    ),
    "AuthorizationHeaderMalformed": (
        "the credentials are malformed",
        "check access_key_id and region",
    ),
    "CredentialsNotSupported": ("the store does not accept such credentials", "check the credentials in use"),
}
_CREDENTIALS |= {
    "InvalidClientTokenId": _CREDENTIALS["InvalidAccessKeyId"],
    "AuthFailure": _CREDENTIALS["InvalidAccessKeyId"],
    "ExpiredTokenException": _CREDENTIALS["ExpiredToken"],
    "RequestExpired": _CREDENTIALS["ExpiredToken"],
    "TokenRefreshRequired": _CREDENTIALS["ExpiredToken"],
}
_WRONG_REGION = {
    "301", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException", "IllegalLocationConstraint",
}  # fmt: skip
_THROTTLED = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
_FAILED = {"InternalError", "RequestTimeout"}
_NO_BUCKET = {"NoSuchBucket", "InvalidBucketName"}
_WANTS_HOST = re.compile(
    "VirtualHostDomainRequired|SecondLevelDomainForbidden|PathStyleDomainForbidden|InvalidPathAccess|virtual[- ]?host",
    re.IGNORECASE,
)
"""How OBS, OSS, COS and TOS refuse a bucket in the path, by code or in words."""

_WANTS_PAYER = re.compile("requester[- ]?pay|RequestPayer", re.IGNORECASE)
_LOGIN = (driver.SSOError, driver.TokenRetrievalError, driver.LoginError, driver.NoAuthTokenError)
_NO_CREDENTIALS = (
    driver.CredentialRetrievalError,
    driver.PartialCredentialsError,
    driver.MetadataRetrievalError,
    driver.InvalidConfigError,
    driver.ConfigParseError,
    driver.UnknownCredentialError,
    driver.RefreshWithMFAUnsupportedError,
)


@dataclass(frozen=True)
class Request:
    """A request, for its error messages: URL, bucket, role, how the bucket is addressed, whether the requester pays, and the
    hints for missing rights.
    """

    url: str
    bucket: str
    role: str | None
    addressing: str
    pays: bool
    to_read: str
    to_list: str


def explain(error: Exception, request: Request) -> heron.HeronError | None:
    """Heron's error for an error of the driver; None for other errors."""
    if isinstance(error, driver.ClientError):
        return _of_answer(error, request)
    if isinstance(error, driver.ParamValidationError) and "Invalid bucket name" in str(error):
        return _no_bucket(request)
    return _of_credentials(error, request) or _of_connection(error, request)


def is_bare(error: driver.ClientError) -> bool:
    """Whether an error has no reason, because answers to HEAD have no body."""
    told_by_status = status_of(error) in (412, 416, 429) or not 400 <= status_of(error) < 500
    return not told_by_status and str(error.response["Error"].get("Code")).isdecimal()


def status_of(error: driver.ClientError) -> int:
    """The HTTP status of an answer."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _of_answer(error: driver.ClientError, request: Request) -> heron.HeronError:
    code, status, url = str(error.response["Error"].get("Code")), status_of(error), request.url
    region = _region(error)
    if code in _THROTTLED or status in (429, 503):
        return heron.Throttled(f"{url}: the store asks for fewer requests ({code})")
    if code in _FAILED or status in (500, 502, 504):
        return heron.Unreachable(f"{url} cannot be reached: the store answers with an error ({code})")
    if region and (code in _WRONG_REGION or code == "AuthorizationHeaderMalformed"):
        return heron.InvalidInput(f"{url} is in the region {region}", hint=f"set the option region={region}")
    if code in _WRONG_REGION or 300 <= status < 400:
        return heron.InvalidInput(
            f"{url} is at another endpoint or in another region ({code})",
            hint="check the options endpoint and region",
        )
    if error.operation_name == "AssumeRole" and code not in _CREDENTIALS:
        return heron.BadCredentials(
            f"{url}: no permission to assume the role {request.role} ({code})",
            hint="the credentials need sts:AssumeRole, and the role has to trust them and the external_id",
        )
    said = f"{code} {error.response['Error'].get('Message', '')}"
    if 400 <= status < 500 and request.addressing != "virtual" and _WANTS_HOST.search(said):
        return heron.InvalidInput(
            f"{url}: the store wants the bucket in the name of its host ({code})",
            hint="set the option addressing=virtual",
        )
    if status in (400, 403) and not request.pays and _WANTS_PAYER.search(said):
        return heron.PermissionDenied(
            f"{url}: the bucket is one for which the requester pays ({code})",
            hint="set the option requester_pays=true",
        )
    if code in _CREDENTIALS:
        reason, hint = _CREDENTIALS[code]
        return heron.BadCredentials(f"{url}: {reason}", hint=hint)
    if code in _NO_BUCKET or (status == 404 and error.operation_name == "ListObjectsV2"):
        return _no_bucket(request)
    return _of_object(error, code, status, request)


def _of_object(error: driver.ClientError, code: str, status: int, request: Request) -> heron.HeronError:
    url = request.url
    if status == 404:
        return heron.NotFound(f"{url} is not there")
    if status == 412:
        return heron.ObjectChanged(f"{url} was replaced while it was being read")
    if code == "InvalidObjectState":
        return heron.HeronError(f"{url} is archived", hint="restore it to a class that can be read at once")
    if status == 401:
        return heron.BadCredentials(f"{url}: the credentials are refused ({code})")
    if status == 403:
        reason = "" if code in ("AccessDenied", "403") else f" ({code})"
        if error.operation_name == "ListObjectsV2":
            return heron.PermissionDenied(
                f"{url} cannot be listed: permission denied{reason}", hint=request.to_list
            )
        if error.operation_name in ("PutObject", "DeleteObject"):
            return heron.PermissionDenied(
                f"{url} cannot be written: permission denied{reason}",
                hint="the credentials need s3:PutObject and s3:DeleteObject on it",
            )
        return heron.PermissionDenied(
            f"{url} cannot be read: permission denied{reason}", hint=request.to_read
        )
    text = " ".join(str(error.response["Error"].get("Message", "")).split())[:200]
    verb = "written" if error.operation_name in ("PutObject", "DeleteObject") else "read"
    return heron.HeronError(f"{url} cannot be {verb}: {code} {text}".rstrip())


def _of_credentials(error: Exception, request: Request) -> heron.HeronError | None:
    url = request.url
    if isinstance(error, driver.NoCredentialsError):
        return heron.BadCredentials(
            f"{url}: there are no credentials", hint="set a key pair or a profile, or anonymous=true"
        )
    if isinstance(error, driver.ProfileNotFound):
        return heron.BadCredentials(
            f"{url}: there is no profile {error.kwargs.get('profile')}",
            hint="check ~/.aws/config and the option profile",
        )
    if isinstance(error, _LOGIN):
        return heron.BadCredentials(f"{url}: the login of the profile has expired", hint="run: aws sso login")
    if isinstance(error, _NO_CREDENTIALS):
        # Its text is left out: it may contain a secret that a credential program printed.
        return heron.BadCredentials(
            f"{url}: the AWS configuration gives no credentials ({type(error).__name__})",
            hint="try: aws sts get-caller-identity",
        )
    return None


def _of_connection(error: Exception, request: Request) -> heron.HeronError | None:
    if isinstance(error, ResponseParserError):
        return not_s3(request.url)
    connection = (
        driver.HTTPClientError, driver.ConnectionError, driver.IncompleteReadError, aiohttp.ClientError,
    )  # fmt: skip
    if isinstance(error, connection):
        text = f"{request.url} cannot be reached: {_reason(error)}"
        if not _is_unknown(error):
            return heron.Unreachable(text)
        wants_path = request.addressing == "virtual" and f" {request.bucket}." in text
        hint = "if the store wants the bucket in the path, set the option addressing=path"
        return heron.NoSuchHost(text, hint=hint if wants_path else None)
    return None


def not_s3(url: str) -> heron.Unreachable:
    """The error for an answer that is not from an S3 store."""
    return heron.Unreachable(f"{url} cannot be reached: {NOT_S3}", hint="check the endpoint and the network")


def _reason(error: Any) -> str:
    """Why there is no answer, without the URL, which may contain a signature or a proxy's password."""
    known = getattr(error, "kwargs", {})
    cause = known.get("error", error)
    asked = urlsplit(str(known.get("endpoint_url") or ""))
    reached = getattr(cause, "host", asked.hostname)  # another one than requested, after a redirect
    host = asked.netloc if reached == asked.hostname else reached
    if isinstance(error, driver.ProxyConnectionError):
        return "the proxy does not answer"
    if isinstance(error, driver.SSLError):
        return f"the certificate of {host} is not trusted"
    if isinstance(error, driver.ConnectTimeoutError | driver.ReadTimeoutError):
        return f"{host} takes too long to answer"
    if isinstance(error, driver.EndpointConnectionError):
        return f"there is no host {host}" if _is_unknown(error) else f"{host} refuses the connection"
    if isinstance(cause, aiohttp.ClientResponseError):
        return NOT_S3
    return f"the connection was cut ({type(cause).__name__})"


def _is_unknown(error: Any) -> bool:
    """Whether the name of the host is not known."""
    cause = getattr(error, "kwargs", {}).get("error", error)
    return isinstance(getattr(cause, "os_error", None), socket.gaierror)


def _region(error: driver.ClientError) -> str | None:
    """The region of the bucket, if the answer contains it."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = error.response["Error"].get("Region") or headers.get("x-amz-bucket-region")
    return str(region) if region else None


def _no_bucket(request: Request) -> heron.NoSuchBucket:
    return heron.NoSuchBucket(
        f"bucket {request.bucket} does not exist",
        hint="check its name, and the endpoint and region of the integration",
    )
