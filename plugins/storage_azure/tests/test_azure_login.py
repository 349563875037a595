"""Logging in by Microsoft Entra ID, against an Azurite that takes tokens: the default chain and a service principal.

Only who hands the tokens out is ours: an `az` on PATH, and a small authority that knows one service principal.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import pytest
from azure.storage.blob import BlobServiceClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from heron.testing import servers
from heron_storage_azure.testing import ACCOUNT, command

pytestmark = [pytest.mark.xdist_group("azure"), pytest.mark.slow]

PROGRAM = """
import json, sys
import heron
from heron_storage_azure.storage import AzureStorage

storage = AzureStorage(json.loads(sys.argv[1]))
try:
    content = storage.read("az://pictures/k.txt").decode()
    listed = [found.url for found in storage.list("az://pictures/")]
    print(json.dumps({"content": content, "listed": listed, "signed": storage.sign("az://pictures/k.txt", int(sys.argv[2]))}))
except heron.HeronError as error:
    print(json.dumps({"kind": type(error).__name__, "error": str(error)}))
"""

PRINCIPAL = {"tenant_id": "a-tenant", "client_id": "a-client", "client_secret": "the right one"}


class Place(NamedTuple):
    """An Azurite that takes tokens, and the certificate by which it is trusted."""

    endpoint: str
    certificate: Path
    private_key: Path

    def run(self, options: dict[str, Any], *, expires: int = 600, **environment: str) -> dict[str, Any]:
        """What a process of its own finds, for certificates are trusted once when libraries are imported."""
        clean = {name: text for name, text in os.environ.items() if not name.startswith("AZURE_")}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps({"endpoint": self.endpoint, **options}), str(expires)],
            env={**clean, "SSL_CERT_FILE": str(self.certificate), **environment},
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("login"), servers.free_port()
    place = Place(f"https://127.0.0.1:{port}/{ACCOUNT}", folder / "certificate.pem", folder / "key.pem")
    certify(place)
    key = base64.b64encode(os.urandom(32)).decode()
    server = servers.ServerProcess(
        [
            *command(port),
            "--oauth",
            "basic",
            "--cert",
            str(place.certificate),
            "--key",
            str(place.private_key),
        ],
        lambda: servers.port_answers(port),
        environment={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
    )
    credential = {"account_name": ACCOUNT, "account_key": key}
    with BlobServiceClient(place.endpoint, credential, connection_verify=str(place.certificate)) as client:
        client.create_container("pictures")
        client.get_blob_client("pictures", "k.txt").upload_blob(b"by token")
    yield place
    server.stop()


def certify(place: Place) -> None:
    """Write a certificate for 127.0.0.1 that signs itself, and its private key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    place.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    place.private_key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def token(seconds: int = 3600) -> str:
    """A token as Azurite checks it: who made it, for whom, and until when; not its signature."""
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com", "iss": "https://sts.windows.net/a-tenant/",
        "iat": now - 7200, "nbf": now - 7200, "exp": now + seconds, "oid": "an-object", "tid": "a-tenant",
    }  # fmt: skip
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*texts, "c2lnbmF0dXJl"])


def az_on_path(folder: Path, script: str) -> dict[str, Any]:
    """The environment in which the command line of Azure is this script."""
    program = folder / "az"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential",
    }


def az_gives(folder: Path, text: str) -> dict[str, Any]:
    given = {
        "accessToken": text,
        "expires_on": int(time.time()) + 3600,
        "expiresOn": "2099-01-01 00:00:00.000000",
    }
    return az_on_path(folder, f"echo '{json.dumps(given)}'")


def check_signed(place: Place, url: str, seconds: int = 600) -> None:
    """Signed by a key that Azurite made for the login, to read, and as long as asked for.

    It cannot be fetched: Azurite 3.35 leaves out lines that the SDK signs, those for headers and parameters of requests.
    """
    place_of, _, query = url.partition("?")
    assert place_of == f"{place.endpoint}/pictures/k.txt"
    found = {name: values[0] for name, values in parse_qs(query).items()}
    assert (found["sp"], found["sr"], found["skoid"], found["sktid"]) == ("r", "b", "an-object", "a-tenant")
    begins, ends, key_ends = (datetime.fromisoformat(found[name]) for name in ("skt", "se", "ske"))
    assert abs((ends - datetime.now(UTC)).total_seconds() - seconds) < 60
    assert begins < datetime.now(UTC) < ends == key_ends <= begins + timedelta(days=7)


def test_the_login_of_az_reads_lists_and_signs(place: Place, tmp_path: Path) -> None:
    found = place.run({}, **az_gives(tmp_path, token()))
    assert (found["content"], found["listed"]) == ("by token", ["az://pictures/k.txt"])
    check_signed(place, found["signed"])


def test_without_a_login_it_says_how_to_get_one(place: Place, tmp_path: Path) -> None:
    script = "echo 'Please run: az login' >&2; exit 1"
    found = place.run({}, **az_on_path(tmp_path, script))
    assert found["kind"] == "BadCredentials"
    assert "no login to Azure was found" in found["error"]
    assert "az login" in found["error"]


def test_a_login_that_has_expired(place: Place, tmp_path: Path) -> None:
    found = place.run({}, **az_gives(tmp_path, token(seconds=-60)))
    assert found["kind"] == "BadCredentials"
    assert "has expired" in found["error"]


class _Authority(BaseHTTPRequestHandler):
    """Gives tokens to the one service principal that it knows."""

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form["client_secret"] == [PRINCIPAL["client_secret"]]:
            self._answer(200, {"access_token": token(), "expires_in": 3600, "token_type": "Bearer"})
        else:
            text = "AADSTS7000215: Invalid client secret provided."
            self._answer(
                401, {"error": "invalid_client", "error_description": text, "error_codes": [7000215]}
            )

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def authority(place: Place) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place.certificate, place.private_key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Authority) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_service_principal_reads_lists_and_signs(place: Place, authority: str) -> None:
    found = place.run(PRINCIPAL, AZURE_AUTHORITY_HOST=authority)
    assert (found["content"], found["listed"]) == ("by token", ["az://pictures/k.txt"])
    check_signed(place, found["signed"])


def test_a_service_principal_with_a_wrong_secret(place: Place, authority: str) -> None:
    found = place.run({**PRINCIPAL, "client_secret": "s3cr3t"}, AZURE_AUTHORITY_HOST=authority)
    assert found["kind"] == "BadCredentials"
    assert "refuses the service principal (AADSTS7000215)" in found["error"]
    assert "s3cr3t" not in found["error"]


def test_an_authority_that_does_not_answer(place: Place) -> None:
    found = place.run(PRINCIPAL, AZURE_AUTHORITY_HOST="https://127.0.0.1:1")
    assert found["kind"] == "Unreachable"
    assert "127.0.0.1:1" in found["error"]


def test_seven_days_are_the_longest_for_a_login(place: Place, tmp_path: Path) -> None:
    found = place.run({}, expires=7 * 86_400, **az_gives(tmp_path, token()))
    check_signed(place, found["signed"], 7 * 86_400)
    found = place.run({}, expires=7 * 86_400 + 60, **az_gives(tmp_path, token()))
    assert found["kind"] == "InvalidInput"
    assert "7 days at most" in found["error"]
