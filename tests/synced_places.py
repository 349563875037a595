"""Places that synced folders follow in tests, a folder on disk and a bucket in memory, and what a sync did there."""

import os
import re
import sqlite3
from contextlib import closing

from heron.catalog.full_text import SPACED, spaced
from heron.storage.buckets import object_url
from tests.memory_storage import Lake

COUNTS = ("added", "updated", "restored", "removed", "skipped", "failed", "warnings")


class FolderPlace:
    """A folder of this machine; each file that is put there is newer than the one before."""

    def __init__(self, root):
        self.root = root
        self.prefix = root.as_uri() + "/"
        self.clock = 1_700_000_000
        self.gone = {}
        root.mkdir()

    def url(self, name):
        return (self.root / name).as_uri()

    def put(self, name, content=b"words\n", at=None):
        self.clock += 1
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (at or self.clock,) * 2)
        return self.url(name)

    def remove(self, name):
        path = self.root / name
        self.gone[name] = path.read_bytes(), path.stat().st_mtime
        path.unlink()

    def put_back(self, name):
        """What was removed, as it was."""
        content, at = self.gone[name]
        self.put(name, content, at)


class BucketPlace:
    """What lies below `runs/1/` in a bucket in memory; etags are by content, and all times are the same."""

    def __init__(self, lake=None):
        self.lake = lake or Lake()
        self.lake.buckets["bucket"] = self.objects = {}
        self.prefix = "mem://bucket/runs/1/"
        self.gone = {}

    def url(self, name):
        return object_url("mem", "bucket", f"runs/1/{name}")

    def put(self, name, content=b"words\n"):
        self.objects[f"runs/1/{name}"] = content
        return self.url(name)

    def remove(self, name):
        self.gone[name] = self.objects.pop(f"runs/1/{name}")

    def put_back(self, name):
        self.put(name, self.gone[name])


def counts(report):
    """What a sync did, without the zeroes."""
    return {name: getattr(report.job, name) for name in COUNTS if getattr(report.job, name)}


def names(workspace, **selection):
    return [item.name for item in workspace.items.list(**selection)]


def item(workspace, url):
    """The item of that URL, though it be marked as deleted."""
    [found] = [item for item in workspace.items.list(deleted=True) if item.url == url]
    return found


def catalogue(workspace):
    """All that the catalogue holds, without the jobs and the time of the last sync."""
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
        lines = [
            line
            for line in plain.iterdump()
            if not re.match(
                r'INSERT INTO "(imports|import_problems|log|sqlite_sequence|synced_folders)"', line
            )
        ]
        return [
            *lines,
            *plain.execute("SELECT folder_id, prefix, integration_id, sidecar_suffix FROM synced_folders"),
        ]
