"""One connection to a server: requests with a token, answers as plain data, and errors as the classes of the Python API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from heron import errors
from heron.convert import dumps, loads
from heron.errors import HeronError, InvalidInput, PermissionDenied, PluginError, Unreachable

if TYPE_CHECKING:
    import httpx

PREFIX = "/api/v1"
LINES = "application/x-ndjson"

Query = Mapping[str, Any]


class Connection:
    """A connection to the API of a server. It may be used by several threads."""

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        """Raises InvalidInput for a URL that is none, and PluginError if httpx is not installed."""
        try:
            import httpx
        except ImportError:
            raise PluginError("httpx is not installed", hint='pip install "heron[remote]"') from None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(
                f"{url[:100]!r} is not the URL of a server", hint="give one such as http://host:8000"
            )
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)
        self._errors = httpx.TransportError

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def json(self, method: str, path: str, query: Query | None = None, body: Any = None) -> Any:
        """The JSON of an answer; None for an empty one."""
        with self.opened(method, path, query, body) as response:
            content = response.read()
        return loads(content) if content else None

    def content(self, method: str, path: str, query: Query | None = None, body: Any = None) -> bytes | None:
        """The bytes of an answer; None for an empty one."""
        with self.opened(method, path, query, body) as response:
            content = response.read()
            return content if response.status_code != 204 else None

    def lines(self, method: str, path: str, query: Query | None = None, body: Any = None) -> Iterator[Any]:
        """The lines of a stream, as plain data; raises the error with which it ends."""
        with self.opened(method, path, query, body, accept=LINES) as response:
            for line in self._kept(response.iter_lines()):
                data = loads(line)
                if isinstance(data, dict) and set(data) == {"error"} and isinstance(data["error"], dict):
                    raise error_of(data["error"])
                yield data

    def events(self, path: str) -> Iterator[Any]:
        """The data of server-sent events."""
        with self.opened("GET", path, accept="text/event-stream", is_long=True) as response:
            for line in self._kept(response.iter_lines()):
                if line.startswith("data: "):
                    yield loads(line.removeprefix("data: "))

    def put(self, path: str, stream: IO[bytes], query: Query | None = None, method: str = "PUT") -> Any:
        """Send a file as the body; the JSON of the answer."""
        with self.opened(method, path, query, stream) as response:
            content = response.read()
        return loads(content) if content else None

    @contextmanager
    def opened(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Any = None,
        *,
        accept: str = "*/*",
        is_long: bool = False,
    ) -> Iterator[httpx.Response]:
        """An answer whose body is not read yet; raises its error, and Unreachable if no server answers."""
        content, headers = body, {"Accept": accept}
        if body is not None and not hasattr(body, "read"):
            content, headers["Content-Type"] = dumps(body), "application/json"
        elif body is not None:
            headers["Content-Type"] = "application/octet-stream"
        more: dict[str, Any] = {"timeout": None} if is_long or hasattr(body, "read") else {}
        request = self._http.build_request(
            method,
            f"{self.url}{PREFIX}{path}",
            params=list(in_url(query or {})),
            content=content,
            headers=headers,
            **more,
        )
        try:
            response = self._http.send(request, stream=True)
        except self._errors as error:
            raise self._gone(error) from error
        try:
            if response.status_code >= 400:
                raise self._refused(response)
            yield response
        except self._errors as error:
            raise self._gone(error) from error
        finally:
            response.close()

    def _kept(self, lines: Iterable[str]) -> Iterator[str]:
        return (line for line in lines if line)

    def _gone(self, error: Exception) -> Unreachable:
        return Unreachable(
            f"the server at {self.url} does not answer: {error or type(error).__name__}",
            hint="look whether heron serve runs there",
        )

    def _refused(self, response: httpx.Response) -> HeronError:
        content = response.read()
        try:
            told = loads(content)
        except InvalidInput:
            told = None
        if isinstance(told, dict) and isinstance(told.get("error"), dict) and response.status_code != 401:
            return error_of(told["error"])
        what = f"the server at {self.url} answers {response.status_code} {response.reason_phrase}".strip()
        if response.status_code == 401:
            return PermissionDenied(what, hint="give a valid token: heron org users tokens create makes one")
        return HeronError(what)


def error_of(told: Mapping[str, Any]) -> HeronError:
    """An error as a server tells it, as the class of the Python API."""
    kind = getattr(errors, str(told.get("type")), HeronError)
    is_ours = isinstance(kind, type) and issubclass(kind, HeronError)
    error: HeronError = (kind if is_ours else HeronError)(told["message"], hint=told.get("hint"))
    for name in ("place", "url"):
        if told.get(name) and hasattr(error, name):
            setattr(error, name, told[name])
    match told.get("position"):
        case [int(start), int(end)] if isinstance(error, errors.QueryError):
            error.position = (start, end)
    return error


def in_url(query: Query) -> Iterator[tuple[str, str]]:
    """The parameters of a URL; what is None is left out, and a list is repeated."""
    for name, value in query.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, Mapping):
                yield name, dumps(each)
            elif each is not None:
                yield name, str(each).lower() if isinstance(each, bool) else str(each)


def filled(path: str, given: Mapping[str, Any]) -> str:
    """A path with its parameters in place."""
    for name, value in given.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    return path


def waited(
    connection: Connection, job: Mapping[str, Any], progress: Callable[[Mapping[str, Any]], object]
) -> Any:
    """The result of a job when it has ended; raises its error."""
    while job["state"] == "running":
        for job in connection.events(f"/jobs/{job['id']}/events"):  # noqa: B020 - the newest state
            if job["progress"]:
                progress(job["progress"])
    if job["error"] is not None:
        raise error_of(job["error"])
    if job["state"] != "done":
        from heron.errors import ImportInterrupted

        raise ImportInterrupted(
            f"{job['kind']} was {job['state']} on the server", hint="the log of the server says why"
        )
    return job["result"]
