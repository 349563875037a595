"""A bucket on a real S3 server with small pictures in it, and manifests of them."""

from __future__ import annotations

import io
import json

from PIL import Image

import heron
from heron_storage_s3.testing import seaweedfs


def picture(width: int, height: int = 8, form: str = "JPEG", **options) -> bytes:
    """A picture of that size, told by it from others; `padding` bytes stand before what says its size."""
    padding = options.pop("padding", 0)
    if padding:
        options["icc_profile"] = bytes(padding)  # Pillow writes it before the frame header
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (width % 256, height, 7)).save(stream, form, **options)
    return stream.getvalue()


class BucketLake:
    """A bucket of its own with `count` pictures, of which the n-th is n + 1 pixels wide."""

    def __init__(self, count: int, endpoint: str | None = None):
        self.server = seaweedfs()
        self.client = self.server.client()
        self.bucket = self.server.bucket()
        self.endpoint = endpoint or self.server.endpoint
        self.keys = [f"{number:04}.jpg" for number in range(count)]
        self.urls = [self.url(key) for key in self.keys]
        for number, key in enumerate(self.keys):
            self.put(key, picture(number + 1))

    def url(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, content: bytes) -> str:
        """Write an object and return its etag."""
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=content)["ETag"].strip('"')

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def vanish(self) -> None:
        """Delete the bucket and all that is in it."""
        keys = [{"Key": key} for key in self.keys]
        self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})
        self.client.delete_bucket(Bucket=self.bucket)

    def open(self, root, monkeypatch, who: str = "reader") -> heron.Workspace:
        """A workspace with the integration `lab` for the bucket."""
        pair = self.server.keys[who]
        monkeypatch.setenv("LAB_SECRET", pair.secret_access_key)
        workspace = heron.open(root)
        workspace.integrations.create(
            "lab",
            "s3",
            {
                "endpoint": self.endpoint,
                "access_key_id": pair.access_key_id,
                "secret_access_key": "env:LAB_SECRET",
                "region": "us-east-1",
                "addressing": "path",
            },
        )
        return workspace

    def manifest(self, folder, urls=None):
        """A manifest of all pictures, or of those URLs."""
        file = folder / "manifest.json"
        entries = [{"objectUrl": url} for url in urls or self.urls]
        file.write_text(json.dumps({"images": entries}))
        return file


def widths(workspace) -> list[int]:
    """The widths of all items, by which pictures are told apart, in the order of the catalogue."""
    return [item.facts.width for item in workspace.items.list()]


def is_sound(workspace) -> bool:
    """Whether SQLite finds nothing wrong with the catalogue."""
    return workspace._database.value("PRAGMA integrity_check") == "ok"
