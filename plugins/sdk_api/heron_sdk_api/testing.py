"""For tests: a workspace like that of the quickstart, keys of users, and the SDK in some version in a process of its own."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

if TYPE_CHECKING:
    from heron import Workspace

SCHEMA = {
    "city": "varchar",
    "weather": {"type": "enum", "options": ["sun", "rain"]},
    "captured_at": "datetime",
    "night": "boolean",
    "temperature": "number",
}


@frozen
class Key:
    """A key of a user: the file of the private one, and the text of the public one, as OpenSSH writes them."""

    private: Path
    public: str

    @property
    def raw(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.signer.public_key().public_bytes_raw()

    @property
    def signer(self) -> Ed25519PrivateKey:
        """The private key."""
        return _loaded(self.private)


@functools.cache
def _loaded(private: Path) -> Ed25519PrivateKey:
    key = load_ssh_private_key(private.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def make_key(folder: Path, name: str) -> Key:
    """A new key in a folder."""
    key = Ed25519PrivateKey.generate()
    private = folder / name
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    private.chmod(0o600)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return Key(private, f"{public} {name}")


def fill(ws: Workspace, photos: int = 12, folder: str = "Lake") -> None:
    """Photos with metadata, and a picture with 20 frames, which stands for a video, in folders below one."""
    from PIL import Image

    files = ws.root / "files" / folder
    (files / "photos").mkdir(parents=True)
    (files / "media").mkdir()
    for number in range(photos):
        colour = (number * 20, 80, 120)
        Image.new("RGB", (64, 48), colour).save(files / "photos" / f"photo-{number:03}.jpg")
    frames = [Image.new("L", (32, 24), number * 12) for number in range(20)]
    frames[0].save(files / "media" / "waves.gif", save_all=True, append_images=frames[1:], duration=100)
    (files / "media" / "notes.txt").write_text("The ferry leaves at nine.\n")
    ws.schema.set_from_dict(SCHEMA)
    ws.ingest.files([str(files)], folder=folder)
    for number, item in enumerate(ws.items.list(folder=f"{folder}/photos")):
        weather = "rain" if number % 3 == 0 else "sun"
        values = {
            "city": "Algiers",
            "weather": weather,
            "night": number % 2 == 0,
            "temperature": number + 0.5,
        }
        ws.metadata.replace({item.uuid: values})


def run_script(script: Path, *arguments: str, packages: Path | None = None) -> Any:
    """The JSON that a Python script prints last, with packages of a folder before the installed ones."""
    path = os.pathsep.join([*([str(packages)] if packages else []), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def installed(requirement: str) -> Path:
    """A folder in the user's cache with one package of a version, without what it needs; it is filled once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "heron-tests" / requirement.replace("==", "-")
    if not (place / "done").is_file():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(place),
            requirement,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        (place / "done").touch()
    return place


def signed_headers(
    key: Key, method: str, target: str, body: bytes, *, age: float = 0, v1: bool = False
) -> dict[str, str]:
    """The headers with which the SDK signs a request: of v2 to a path and query, or with `v1` of a query of v1.

    `age` is how many seconds ago the signature was made.
    """
    digest = hashlib.sha256(body).digest()
    if v1:
        return {"Authorization": f"{key.raw.hex()}:{key.signer.sign(digest).hex()}"}
    told = f"sha-256=:{base64.b64encode(digest).decode()}:"
    covered = '("@method" "@request-target" "content-digest")'
    parameters = f'{covered};created={int(time.time() - age)};keyid="{key.raw.hex()}";alg="ed25519"'
    text = f'"@method": {method}\n"@request-target": {target}\n"content-digest": {told}\n"@signature-params": {parameters}'
    signature = base64.b64encode(key.signer.sign(text.encode())).decode()
    return {
        "Content-Digest": told,
        "Signature-Input": f"encord-sig={parameters}",
        "Signature": f"encord-sig=:{signature}:",
    }


HTTP = httpx.Client(timeout=30, trust_env=False)
"""What tests send with; no proxy of the machine stands between."""


@frozen
class Sender:
    """Sends signed requests to a server: `owner` is the key of its owner, `dataset` the UUID of the dataset that queries of v1 are about."""

    url: str
    owner: Key
    dataset: str

    def send(
        self, method: str, path: str, body: Any = None, *, key: Key | None = None, **signing: Any
    ) -> httpx.Response:
        """Send a signed request of v2."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        target = path if path.startswith("/") else f"/v2/public/{path}"
        headers = signed_headers(key or self.owner, method, target, content, **signing)
        return HTTP.request(method, self.url + target, content=content, headers=headers)

    def ask(
        self, type: str, method: str, *, uid: Any = None, payload: Any = None, resource: str | None = None,
        key: Key | None = None, kind: str = "dataset",
    ) -> dict[str, Any]:  # fmt: skip
        """Post a signed query of v1."""
        content = json.dumps(
            {"query_type": type, "query_method": method, "values": {"uid": uid, "payload": payload}}
        )
        headers = signed_headers(key or self.owner, "", "", content.encode(), v1=True)
        headers |= {"ResourceType": kind, "ResourceID": resource or self.dataset}
        answer = HTTP.post(f"{self.url}/public", content=content, headers=headers)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found
