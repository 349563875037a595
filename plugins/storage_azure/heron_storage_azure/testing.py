"""A real Azurite for tests: `azurite()` starts one that runs until the test process ends."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient

from heron.testing import servers

VERSION = "3.35.0"
"""The last Azurite that runs on Node 20."""

ACCOUNT, OTHER_ACCOUNT = "herontests", "heronothers"


@dataclass(frozen=True)
class Azurite:
    """A running Azurite with one account."""

    endpoint: str
    """The URL of the account's blob service, without a final `/`."""

    account: str
    key: str = field(repr=False)
    pid: int

    @property
    def connection_string(self) -> str:
        """Endpoint, account and key in one text."""
        return f"AccountName={self.account};AccountKey={self.key};BlobEndpoint={self.endpoint}"

    @property
    def client(self) -> BlobServiceClient:
        """A plain client of the SDK, for writing, which Heron never does."""
        return BlobServiceClient.from_connection_string(self.connection_string)

    def make_container(self, name: str | None = None, *, public: str | None = None) -> str:
        """Make a container and return its name; `public` is `container`, `blob` (no listing) or None."""
        made = name or f"test-{secrets.token_hex(6)}"
        with self.client as client:
            client.create_container(made, public_access=public)
        return made

    def put(self, container: str, key: str, content: bytes, **more: Any) -> None:
        """Write a blob, replacing an existing one; `more` is passed to `upload_blob`."""
        with self.client as client:
            client.get_blob_client(container, key).upload_blob(content, overwrite=True, **more)


def azurite(account: str = ACCOUNT) -> Azurite:
    """The Azurite of this process, or its OTHER_ACCOUNT; without one, skips the test, or fails it if CI is set."""
    port, key, pid = _server()
    return Azurite(f"http://127.0.0.1:{port}/{account}", account, key, pid)


@cache
def _server() -> tuple[int, str, int]:
    """Port, key of both accounts, and process id of a server, started at first use."""
    port = servers.free_port()
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    server = servers.ServerProcess(
        command(port),
        lambda: servers.port_answers(port),
        environment={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key};{OTHER_ACCOUNT}:{key}"},
    )
    return port, key, server.pid


def command(port: int) -> list[str]:
    """The command that starts Azurite on a port of this machine, with all data in memory."""
    return [
        executable(), "--blobHost", "127.0.0.1", "--blobPort", str(port),
        "--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck",
    ]  # fmt: skip


def executable() -> str:
    """The path of `azurite-blob`: HERON_AZURITE, else on PATH, else installed once by npm into the cache folder."""
    given = os.environ.get("HERON_AZURITE") or shutil.which("azurite-blob")
    if given:
        return given
    folder = _cache() / f"azurite-{VERSION}"
    if not folder.is_dir():
        _install(folder)
    return str(folder / "node_modules" / ".bin" / "azurite-blob")


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "heron-tests"


def _install(folder: Path) -> None:
    """Install into another folder and move it there when complete, so that two processes do not disturb each other."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        servers.server_missing("Azurite needs node and npm, or HERON_AZURITE with the path of azurite-blob")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        done = subprocess.run(
            [npm, "install", f"azurite@{VERSION}", "--prefix", str(made),
             "--no-audit", "--no-fund", "--no-package-lock", "--no-update-notifier", "--ignore-scripts"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            servers.server_missing(f"npm cannot install azurite@{VERSION}: {done.stderr.strip()[-300:]}")
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # no other process was faster, so this is another failure
                raise
