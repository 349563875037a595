"""A storage backend in memory, on the base class of plugins: its objects, its failures, and the requests that it got."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import heron
from heron.storage.buckets import address_of, object_url

WHEN = "2026-01-31T12:00:00.000000Z"


class Lake:
    """Buckets in memory, what goes wrong in them, and what was asked of them.

    `faults` are errors by request (`stat`, `get`, `list` or `sign`), raised one after the other; None lets one pass.
    `broken` are errors that stay after those.
    """

    def __init__(self, page=3):
        self.buckets = {}
        self.page = page
        self.faults = defaultdict(list)
        self.broken = {}
        self.asked = []
        self.loaded = []

    def put(self, url, content=b"x"):
        address = address_of(url)
        self.buckets.setdefault(address.bucket, {})[address.key] = content
        return url

    def ask(self, what, *about):
        self.asked.append((what, *about))
        if self.faults[what]:
            if (fault := self.faults[what].pop(0)) is not None:
                raise fault
        elif what in self.broken:
            raise self.broken[what]


class LakeStorage(heron.BucketStorage):
    """Objects of a lake, as a plugin would read them."""

    def __init__(self, lake, **options):
        self.lake = lake
        self.options = options

    def normalise(self, url):
        return normalise(url)

    def explain(self, error, url):
        return super().explain(error, url)

    def _objects(self, address):
        if address.bucket not in self.lake.buckets:
            raise heron.NoSuchBucket(f"bucket {address.bucket} does not exist")
        return self.lake.buckets[address.bucket]

    def _stored(self, address):
        content = self._objects(address)[address.key]
        url = object_url("mem", address.bucket, address.key)
        return heron.StoredObject(url, len(content), hashlib.md5(content).hexdigest(), WHEN)

    def _stat(self, address):
        self.lake.ask("stat", address.key)
        if address.key not in self._objects(address):
            raise FileNotFoundError(address.key)
        return self._stored(address)

    def _get(self, address, start, end, etag):
        self.lake.ask("get", address.key, start, end)
        if address.key not in self._objects(address):
            raise FileNotFoundError(address.key)
        stored = self._stored(address)
        if etag not in (None, stored.etag):
            raise heron.ObjectChanged(f"{stored.url} was replaced while it was being read")
        return stored, self._objects(address)[address.key][start:end]

    def _pages(self, address, after):
        keys = sorted(key for key in self._objects(address) if key.startswith(address.key))
        keys = [key for key in keys if after is None or key > after]
        for first in range(0, max(len(keys), 1), self.lake.page):
            self.lake.ask("list", address.key, after)
            page = keys[first : first + self.lake.page]
            yield [self._stored(heron.ObjectAddress(address.bucket, key)) for key in page]

    def _sign(self, address, expires):
        self.lake.ask("sign", address.key)
        return f"https://mem.example/{address.bucket}/{address.key}?expires={expires}"


def normalise(url):
    """mem://bucket/key and https://mem.example/bucket/key as the first of the two."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() == "https" and rest.partition("/")[0].lower() == "mem.example":
        scheme, rest = "mem", rest.partition("/")[2]
    if scheme.lower() != "mem":
        raise heron.InvalidInput(f"{scheme!a} begins no URL of the memory", hint="write mem://bucket/key")
    address = address_of(f"mem://{rest}")
    return object_url("mem", address.bucket, address.key)


class LakePlugin:
    """A plugin with the storage backend `mem`, over one lake."""

    def __init__(self, lake=None, options=(), **record):
        self.lake = lake or Lake()
        self.record = heron.StorageBackend(
            name="mem", summary="memory", schemes=["mem"], hosts=[r"mem\.example"], options=options,
            normalise=normalise, load=self.load, **record,
        )  # fmt: skip

    def load(self, options):
        self.lake.loaded.append(dict(options))
        if "load" in self.lake.broken:
            raise self.lake.broken["load"]
        return LakeStorage(self.lake, **options)

    @heron.hookimpl
    def register_storage(self):
        yield self.record
