"""Any history of a synced folder: files come, change, go and come back, people edit, and every sync tells the truth."""

import json
import tempfile
from pathlib import Path

import pytest
from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import heron
from tests.memory_storage import LakePlugin
from tests.synced_places import BucketPlace, FolderPlace, catalogue, counts

pytestmark = pytest.mark.slow

NAMES = ("a.txt", "a.txt.jpg", "b c.txt", "deep/a.txt", "größe #1%.txt")
CONTENTS = (b"1\n", b"2\n", b"1\n2\n3\n")
BROKEN = b"\x89PNG\r\n\x1a\nbroken"
SIDECAR = ".metadata.json"


@define
class Expected:
    """What the catalogue should hold of one name, and as which state of its object."""

    uuid: str
    stamp: object
    metadata: dict = field(factory=dict)
    is_live: bool = True
    sidecar: object = None


class History(RuleBasedStateMachine):
    """A folder that follows a place, and a plain model of what it should hold."""

    def __init__(self):
        super().__init__()
        self.place = self.make_place()
        plugins = [LakePlugin(self.place.lake)] if isinstance(self.place, BucketPlace) else []
        self.workspace = heron.open(Path(self.directory.name) / "lake", plugins=plugins, discover=False)
        self.workspace.datasets.create("mirror", backing_folder="Runs")
        self.files, self.items, self.edits = {}, {}, 0

    def teardown(self):
        self.workspace.close()
        self.directory.cleanup()

    @initialize(flat=st.booleans())
    def follow(self, flat):
        self.workspace.ingest.follow("Runs", self.place.prefix, flat=flat)
        self.flat = flat

    # What happens to the files

    @rule(name=st.sampled_from(NAMES), content=st.sampled_from([*CONTENTS, BROKEN]))
    def put(self, name, content):
        self._put(name, content)

    @rule(name=st.sampled_from(NAMES), value=st.sampled_from([1, 2]))
    def put_sidecar(self, name, value):
        self._put(name + SIDECAR, json.dumps({"side": value}).encode())

    def _put(self, name, content):
        self.place.put(name, content)
        self.files[name] = content

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def remove(self, data):
        name = data.draw(st.sampled_from(sorted(self.files)))
        self.place.remove(name)
        del self.files[name]

    @precondition(lambda self: self.place.gone.keys() - self.files.keys())
    @rule(data=st.data())
    def put_back(self, data):
        name = data.draw(st.sampled_from(sorted(self.place.gone.keys() - self.files.keys())))
        gone = self.place.gone[name]
        self.place.put_back(name)
        self.files[name] = gone if isinstance(gone, bytes) else gone[0]

    # What people do

    @precondition(lambda self: self.items)
    @rule(data=st.data(), key=st.sampled_from(["city", "side"]))
    def edit(self, data, key):
        expected = self.items[data.draw(st.sampled_from(sorted(self.items)))]
        self.edits += 1
        self.workspace.metadata.merge({expected.uuid: {key: f"by hand {self.edits}"}})
        expected.metadata[key] = f"by hand {self.edits}"

    @rule(allow_empty=st.booleans())
    def sync(self, allow_empty):
        if not self.files and not allow_empty and any(item.is_live for item in self.items.values()):
            before = catalogue(self.workspace)
            with pytest.raises(heron.InvalidInput, match="--allow-empty"):
                self.workspace.ingest.sync("Runs")
            assert catalogue(self.workspace) == before
            return
        foretold = self._foretell()
        assert counts(self.workspace.ingest.sync("Runs", allow_empty=allow_empty)) == foretold
        self._learn()
        before = catalogue(self.workspace)
        again = counts(self.workspace.ingest.sync("Runs"))
        assert again.keys() <= {"skipped", "failed", "warnings"}
        assert catalogue(self.workspace) == before

    def _foretell(self):
        """What a sync will do; the model is then as the catalogue should be."""
        done = dict.fromkeys(("added", "updated", "restored", "removed", "skipped", "failed", "warnings"), 0)
        objects = {name: content for name, content in self.files.items() if not name.endswith(SIDECAR)}
        new = objects.keys() - self.items.keys()
        for name, content in objects.items():
            known, stamp = self.items.get(name), self.stamp(name)
            if known is not None and stamp == known.stamp:
                done["skipped" if known.is_live else "restored"] += 1
                known.is_live = True
            elif content == BROKEN:
                done["failed"] += 1
            elif known is None:
                done["added"] += 1
                done["warnings"] += name.endswith(".jpg")  # its name says something else
                done["warnings"] += "/" in name and not self.flat  # it is no row of the dataset
                self.items[name] = Expected("new", stamp)
            else:
                done["updated"] += 1
                done["warnings"] += name.endswith(".jpg")
                done["restored"] += not known.is_live
                known.stamp, known.is_live = stamp, True
        for sidecar in self.files.keys() - objects.keys():
            owner, stamp = self.items.get(sidecar.removesuffix(SIDECAR)), self.stamp(sidecar)
            if owner is not None and owner.sidecar == stamp:
                continue
            if owner is None or not owner.is_live:
                done["warnings"] += 1
                continue
            done["updated"] += sidecar.removesuffix(SIDECAR) not in new
            owner.metadata.update(json.loads(self.files[sidecar]))
            owner.sidecar = stamp
        for name, known in self.items.items():
            if known.is_live and name not in objects:
                done["removed"] += 1
                known.is_live = False
        return {name: count for name, count in done.items() if count}

    def _learn(self):
        """Take over the UUIDs of items that are new, each of which must be there once."""
        found = {found.url: found.uuid for found in self.workspace.items.list(deleted=True)}
        for name, expected in self.items.items():
            if expected.uuid == "new":
                expected.uuid = found[self.place.url(name)]

    # What always holds

    @invariant()
    def the_catalogue_is_as_foretold(self):
        found = list(self.workspace.items.list(deleted=True))
        assert {found.url: (found.uuid, found.metadata, found.deleted_at is None) for found in found} == {
            self.place.url(name): (expected.uuid, expected.metadata, expected.is_live)
            for name, expected in self.items.items()
        }
        assert len(found) == len(self.items), "no URL is there twice"
        live = {expected.uuid for expected in self.items.values() if expected.is_live}
        assert {found.uuid for found in self.workspace.search.all()} == live

    @invariant()
    def the_dataset_keeps_every_item_that_ever_was(self):
        """If the folder is not flat, those in folders below it are no rows."""
        rows = sorted(row.item.uuid for row in self.workspace.datasets.rows("mirror"))
        there = {name: of for name, of in self.items.items() if "/" not in name or self.flat}
        assert rows == sorted(expected.uuid for expected in there.values())
        for found in self.workspace.items.list(deleted=True):
            deep = "/deep/" in found.url and not self.flat
            assert found.folder_path == ("Runs/deep" if deep else "Runs")


class FolderHistory(History):
    """On disk, where a file is known by its time and its size."""

    def make_place(self):
        self.directory = tempfile.TemporaryDirectory()
        return FolderPlace(Path(self.directory.name) / "inbox")

    def stamp(self, name):
        stat = (self.place.root / name).stat()
        return stat.st_size, stat.st_mtime


class BucketHistory(History):
    """In a bucket, where an object is known by its etag and its size."""

    def make_place(self):
        self.directory = tempfile.TemporaryDirectory()
        return BucketPlace()

    def stamp(self, name):
        return self.files[name]


TestFolderHistory = FolderHistory.TestCase
TestBucketHistory = BucketHistory.TestCase
for case in (TestFolderHistory, TestBucketHistory):
    case.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
del case
