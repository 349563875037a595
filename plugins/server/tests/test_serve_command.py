"""`heron serve` as a process: where it listens, who may enter, how it stops, and what its workers share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import heron

pytestmark = pytest.mark.slow
HERON = str(Path(sys.executable).with_name("heron"))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    with heron.init(root, discover=False) as workspace:
        workspace.folders.create("Runs")
    return root


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def serving(lake: Path, *options: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """A server of a workspace, and what it has said of itself."""
    command = [HERON, "-w", str(lake), "serve", "--port", "0", "--json", *options]
    environment = {**os.environ, "HERON_PLUGINS": "server"}  # with a front page of its own
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=300)


def answers(url: str, **more: Any) -> httpx.Response:
    """The answer, once the server answers."""
    for _ in range(600):
        try:
            return httpx.get(url, **more)
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


def refused(lake: Path, *options: str) -> str:
    done = subprocess.run(
        [HERON, "-w", str(lake), "serve", *options], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_serves_and_stops_with_a_signal(lake: Path, tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    with serving(lake, "--access-log", str(log)) as (said, process):
        owner = {"Authorization": f"Bearer {said['token']}"}
        assert answers(f"{said['url']}/healthz").json() == {"status": "ok"}
        note = json.loads((lake / ".heron" / "server.json").read_text())
        assert note["url"] == said["url"] and note["frame_in"] == []
        assert "Runs" in str(lake) or str(lake) in httpx.get(said["url"], headers=owner).text
        with httpx.Client() as browser:
            assert browser.get(said["browser"]).status_code == 200
            assert browser.get(said["url"]).status_code == 200
        assert httpx.get(said["browser"]).status_code == 403
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
    assert not (lake / ".heron" / "server.json").exists()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert ("/login", 200) in [(line["path"], line["status"]) for line in lines]
    for secret in (said["token"], said["browser"].rpartition("=")[2]):
        assert secret not in log.read_text()


def test_workers_share_the_tokens_the_counters_and_tls(lake: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    trusted = ssl.create_default_context(cafile=str(cert))
    with serving(lake, "--workers", "2", "--tls-cert", str(cert), "--tls-key", str(key)) as (said, process):
        url = said["url"].replace("127.0.0.1", "localhost")
        owner = {"Authorization": f"Bearer {said['token']}"}
        answers(f"{url}/healthz", verify=trusted)
        once = said["browser"].replace("127.0.0.1", "localhost")
        entered = httpx.get(once, verify=trusted)
        assert "Secure" in entered.headers["set-cookie"]
        assert [httpx.get(once, verify=trusted).status_code for _ in range(4)] == [403] * 4
        cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
        assert [httpx.get(url, headers=cookie, verify=trusted).status_code for _ in range(8)] == [200] * 8
        text = httpx.get(f"{url}/metrics", headers=owner, verify=trusted).text
        assert 'heron_requests_total{method="GET",routes="front",status="200"} 8.0' in text
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if workers.exists():
            for worker in workers.read_text().split()[-1:]:
                os.kill(int(worker), signal.SIGKILL)
        assert answers(f"{url}/healthz", verify=trusted).status_code == 200


def test_what_others_could_reach_must_be_safe(
    lake: Path, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    tls = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    assert "would not be encrypted" in refused(lake, "--host", "0.0.0.0", "--port", "0")
    assert "nobody could enter" in refused(lake, "--host", "0.0.0.0", "--port", "0", *tls)
    own = tmp_path / "lake"
    shutil.copytree(lake, own)
    with heron.open(own, discover=False) as workspace:
        workspace.users.add("ada@example.org")
        secret = workspace.users.create_token("ada@example.org").secret
    with serving(own, "--host", "0.0.0.0", *tls) as (said, _):
        assert said["token"] is None and said["browser"] is None
        url = said["url"].replace("0.0.0.0", "127.0.0.1")
        client = httpx.Client(verify=False, headers={"Authorization": f"Bearer {secret}"})
        for _ in range(600):
            try:
                assert "ada@example.org" in client.get(url).text
                break
            except httpx.TransportError:
                time.sleep(0.05)
        client.close()


def test_a_port_that_is_taken_is_told(lake: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"cannot listen at 127.0.0.1:{port}" in refused(lake, "--port", port)
    assert "cannot listen at nowhere.invalid" in refused(lake, "--host", "nowhere.invalid")


def test_the_tour_of_the_docs_runs_as_written(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "server.md"
    if not page.exists() or shutil.which("curl") is None:
        pytest.skip("the folder stands alone, or there is no curl")
    tour = page.read_text().split("```sh tour\n")[1].split("```")[0]
    path = f"{Path(HERON).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tour], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '{"status":"ok"}' in done.stdout
    assert '"email":"ada@example.org"' in done.stdout
    assert "401" in done.stdout.splitlines()[-2:][0]
