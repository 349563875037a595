"""A plugin for tests that its module finds by name: local files behind `vault://`, read only with a key and a token."""

from __future__ import annotations

from pathlib import Path

import heron

SECRET = "hunter2 and more"


class Vault:
    def normalise(self, url):
        return url

    def stat(self, url):
        return self.peek(url, 0)[0]

    def peek(self, url, count):
        content = Path(url.removeprefix("vault://")).read_bytes()
        return heron.StoredObject(url, len(content), None, None), content[:count]

    def read(self, url, start=0, end=None, *, etag=None):
        return Path(url.removeprefix("vault://")).read_bytes()[start:end]

    def list(self, prefix, after=None):
        return iter(())


def load(options):
    if (options.get("key"), options.get("token")) != (SECRET, SECRET):
        raise heron.BadCredentials("the vault has another key")
    return Vault()


@heron.hookimpl
def register_storage():
    options = [heron.Option(name, name, secret=True) for name in ("key", "token")]
    yield heron.StorageBackend(name="vault", summary="a vault", schemes=["vault"], options=options, load=load)
