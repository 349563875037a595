"""The contract of storage backends."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pytest

from heron.errors import HeronError, InvalidInput, NotFound, ObjectChanged
from heron.hooks import WritableStorage
from heron.testing.contracts import RecordContract, reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heron.hooks import Contribution, Storage, StorageBackend

Put = Callable[[str, bytes], str]
"""Writes an object with a name such as `a/b.txt` below the root, without Heron; returns its canonical URL."""

NAMES = (
    "a.txt", "b/c.bin", "b/d/e.txt", "b-side/f.txt", "b.txt", "empty", "z/größe.txt", "z/two words.txt",
    "z/100%25.txt", "z/a+b&c=d.txt", "z/no#1.txt", "z/really?.txt", "z/[x]*.txt",
)  # fmt: skip
"""The objects below the root. Their names contain characters that are special in URLs, globs and shells."""


class StorageContract(RecordContract):
    """Rules for a storage backend. Set `backend`, and write the fixtures `storage`, `root` and `put`."""

    backend: ClassVar[StorageBackend]
    """The record that the hook yields."""

    names: ClassVar[Sequence[str]] = NAMES
    """The objects to write; leave names out only if the store itself does not allow them."""

    other_forms: ClassVar[Mapping[str, str]] = {}
    """Other forms of URLs, each with its canonical form."""

    bad_urls: ClassVar[Sequence[str]] = ("", "no-such-scheme://bucket/key")
    """URLs that are refused."""

    same_store: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Options that all mean one store, for a backend with `store`: other credentials, other spellings of its endpoint."""

    other_stores: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Options that each mean another store, in which the same URLs are other objects."""

    secrets: ClassVar[Sequence[str]] = ()
    """Texts that must not occur in errors or in `repr`."""

    changes_are_noticed: ClassVar[bool] = True
    """Whether a read with an old etag reports that the object was replaced."""

    can_be_written: ClassVar[bool] = False
    """Whether objects can be written; the fixture `writer` then gives a storage that may write."""

    signed_urls_can_be_fetched: ClassVar[bool] = False
    """Whether the tests can reach the store and read a signed URL."""

    def record(self) -> Contribution:
        """The backend under test."""
        return self.backend

    @pytest.fixture
    def storage(self) -> Storage:
        """The storage, ready to use: `backend.load({...})`."""
        raise NotImplementedError("write the fixture storage")

    @pytest.fixture
    def root(self) -> str:
        """The canonical URL of an empty, writable place, with a final `/`."""
        raise NotImplementedError("write the fixture root")

    @pytest.fixture
    def put(self) -> Put:
        """A function that writes an object, by its name below the root, and returns its canonical URL."""
        raise NotImplementedError("write the fixture put")

    @pytest.fixture
    def writer(self, storage: Storage) -> Storage:
        """The storage with the rights to write and to delete, if that is another one."""
        return storage

    @pytest.fixture
    def objects(self, put: Put) -> dict[str, bytes]:
        """The objects below the root: content by URL."""
        return {put(name, content): content for name, content in self.contents().items()}

    def contents(self) -> dict[str, bytes]:
        """Content by name: one is empty, one has 100,000 bytes, the others are short."""
        long = random.Random(7).randbytes(100_000)  # noqa: S311 - test data
        special = {"empty": b"", "b/c.bin": long}
        return {name: special.get(name, f"this is {name}".encode()) for name in self.names}

    @pytest.fixture
    def long(self, put: Put) -> tuple[str, bytes]:
        """URL and content of an object of 100,000 bytes."""
        content = self.contents()["b/c.bin"]
        return put("b/c.bin", content), content

    def test_normalise_keeps_canonical_urls(
        self, storage: Storage, objects: dict[str, bytes], root: str
    ) -> None:
        """A canonical URL does not change, and a normalised URL is canonical."""
        for url in objects:
            assert storage.normalise(url) == url
        once = storage.normalise(root)
        assert storage.normalise(once) == once

    def test_normalise_reads_other_forms(self, storage: Storage) -> None:
        """All forms of a URL have the same canonical form, so that one URL identifies an object."""
        for form, canonical in self.other_forms.items():
            assert storage.normalise(form) == canonical
            assert storage.normalise(canonical) == canonical

    def test_record_normalises_as_the_storage_does(
        self, storage: Storage, objects: dict[str, bytes], root: str
    ) -> None:
        """URLs are compared without loading the backend, if the record can normalise them."""
        normalise = self.backend.normalise
        if normalise is None:
            return
        for url in [*objects, root, *self.other_forms]:
            assert normalise(url) == storage.normalise(url)
        for url in self.bad_urls:
            with pytest.raises(InvalidInput) as refusal:
                pytest.fail(f"{url!r} became {normalise(url)!r}")
            self.check_reason(refusal.value)

    def test_options_are_described(self) -> None:
        """Each option has a unique name that can be typed, and a summary."""
        names = [option.name for option in self.backend.options]
        assert len(set(names)) == len(names)
        for option in self.backend.options:
            assert re.fullmatch("[a-z][a-z0-9_]*", option.name), option.name
            assert option.summary
            assert "\n" not in option.summary

    def test_stores_have_names(self) -> None:
        """Options that mean one store give one name, and those of another store give another one."""
        store = self.backend.store
        if store is None:
            assert not self.same_store and not self.other_stores, "the record has no store"
            return
        assert self.same_store, "list options in same_store"
        assert self.other_stores, "list options in other_stores"
        (same, *differing) = dict.fromkeys(store(options) for options in self.same_store)
        assert not differing
        names = [same, *(store(options) for options in self.other_stores)]
        assert len(set(names)) == len(names)
        for name in names:
            assert name is not None
            assert name.isprintable()
            assert name.strip()

    def test_other_forms_belong_to_the_record(self) -> None:
        """Forms that begin with https:// are recognised by their host."""
        for form in self.other_forms:
            scheme, _, rest = form.partition("://")
            if scheme.lower() in ("http", "https"):
                host = rest.partition("/")[0].partition(":")[0].lower()
                assert any(re.fullmatch(pattern, host) for pattern in self.backend.hosts), host
            else:
                assert scheme.lower() in self.backend.schemes

    def test_urls_have_a_scheme_of_the_record(self, objects: dict[str, bytes], storage: Storage) -> None:
        """The backend of a URL is found by its scheme."""
        for url in objects:
            assert url.partition("://")[0] in self.backend.schemes

    def test_foreign_urls_are_refused(self, storage: Storage) -> None:
        """A URL of another store, or a text that is not a URL, is refused with one line."""
        for url in self.bad_urls:
            with pytest.raises(InvalidInput) as refusal:
                pytest.fail(f"{url!r} became {storage.normalise(url)!r}")
            self.check_reason(refusal.value)

    def test_stat_tells_the_size(self, storage: Storage, objects: dict[str, bytes]) -> None:
        """An object has its URL and size; its time, if known, is in UTC; a second call gives the same answer."""
        for url, content in objects.items():
            found = storage.stat(url)
            assert (found.url, found.size) == (url, len(content))
            if found.modified_at is not None:
                assert found.modified_at.utcoffset() == timedelta(0)
            assert storage.stat(url) == found

    def test_read_gives_the_whole_object(self, storage: Storage, objects: dict[str, bytes]) -> None:
        """Every object is read as it was written, also the empty one and those with unusual names."""
        for url, content in objects.items():
            assert storage.read(url) == content

    def test_read_gives_ranges_as_slices(self, storage: Storage, long: tuple[str, bytes]) -> None:
        """A range equals the slice of the content: to the end, in the middle, past the end, or empty."""
        url, content = long
        end = len(content)
        ranges = [(0, None), (0, 1), (0, end), (5, None), (3, 70_000), (end - 1, None), (end - 5, end + 50)]
        for start, stop in [*ranges, (0, 0), (5, 5), (end, None), (end, end + 1)]:
            assert storage.read(url, start, stop) == content[start:stop], f"range {start} to {stop}"

    def test_peek_gives_the_object_and_its_beginning(
        self, storage: Storage, objects: dict[str, bytes]
    ) -> None:
        """The result of stat and the first bytes come together, also for short and empty objects."""
        for url, content in objects.items():
            for count in (1, 10, 40_000, 200_000):
                stored, head = storage.peek(url, count)
                assert stored == storage.stat(url)
                assert head == content[:count]

    def test_read_notices_a_change(self, storage: Storage, put: Put) -> None:
        """Two ranges are of the same content: reading with an old etag reports the change."""
        url = put("changing.bin", b"the first content")
        etag = storage.stat(url).etag
        assert storage.read(url, 4, 9, etag=etag) == b"first"
        if not self.changes_are_noticed:
            return
        assert etag
        put("changing.bin", b"another one, longer")
        with pytest.raises(ObjectChanged) as refusal:
            storage.read(url, 4, 9, etag=etag)
        self.check_reason(refusal.value)

    def test_read_of_nothing_is_empty(self, storage: Storage, put: Put) -> None:
        """An empty object can be read in every way."""
        url = put("empty", b"")
        assert storage.read(url) == storage.read(url, 0, 10) == b""
        with storage.open(url) as stream:
            assert stream.read() == b""

    def test_open_gives_a_seekable_file(self, storage: Storage, long: tuple[str, bytes]) -> None:
        """Decoders seek in a file, and read the same as from a local file."""
        url, content = long
        local = io.BytesIO(content)
        with storage.open(url) as stream:
            assert stream.readable()
            assert stream.seekable()
            for offset, whence, count in [
                (0, 0, 10),
                (-100, 2, 100),
                (500, 0, 70_000),
                (10, 1, 5),
                (0, 2, 5),
            ]:
                assert stream.seek(offset, whence) == local.seek(offset, whence)
                assert stream.read(count) == local.read(count)
                assert stream.tell() == local.tell()
            stream.seek(0)
            assert stream.read() == content
        assert stream.closed

    def test_two_open_files_are_independent(self, storage: Storage, long: tuple[str, bytes]) -> None:
        """Each call of `open` gives a new file with its own position."""
        url, content = long
        with storage.open(url) as one, storage.open(url) as other:
            one.seek(50_000)
            assert other.read(10) == content[:10]
            assert one.read(10) == content[50_000:50_010]

    def test_list_finds_every_object(self, storage: Storage, objects: dict[str, bytes], root: str) -> None:
        """A listing contains each object once with its size, at any depth, and no folders."""
        found = [(found.url, found.size) for found in storage.list(root)]
        assert sorted(found) == sorted((url, len(content)) for url, content in objects.items())

    def test_list_is_a_stream_in_a_stable_order(
        self, storage: Storage, objects: dict[str, bytes], root: str
    ) -> None:
        """A bucket can have a hundred million objects, and an interrupted sync continues where it stopped."""
        stream = storage.list(root)
        assert iter(stream) is stream
        assert list(stream) == list(storage.list(root))

    def test_list_goes_on_behind_an_object(
        self, storage: Storage, objects: dict[str, bytes], root: str
    ) -> None:
        """An interrupted listing continues where it stopped."""
        found = list(storage.list(root))
        for number, stored in enumerate(found):
            assert list(storage.list(root, after=stored.url)) == found[number + 1 :]

    def test_list_agrees_with_stat(self, storage: Storage, objects: dict[str, bytes], root: str) -> None:
        """A sync compares listed facts with stored ones, so `list` and `stat` agree."""
        for found in storage.list(root):
            assert storage.stat(found.url) == found

    def test_list_stays_below_its_prefix(
        self, storage: Storage, objects: dict[str, bytes], root: str
    ) -> None:
        """`b/` contains neither `b-side/` nor `b.txt`."""
        found = [found.url for found in storage.list(f"{root}b/")]
        assert sorted(found) == sorted(url for url in objects if url.startswith(f"{root}b/"))

    def test_list_of_one_object_is_that_object(self, storage: Storage, long: tuple[str, bytes]) -> None:
        """A prefix can be the URL of an object."""
        url, _ = long
        assert [found.url for found in storage.list(url)] == [url]

    def test_list_of_an_empty_place_is_empty(
        self, storage: Storage, objects: dict[str, bytes], root: str
    ) -> None:
        """Listing an empty place gives nothing, or raises NotFound."""
        try:
            assert list(storage.list(f"{root}nothing-here/")) == []
        except NotFound as refusal:
            self.check_reason(refusal)

    def test_changes_are_seen(self, storage: Storage, put: Put, root: str) -> None:
        """Nothing is cached: a replaced or added object is found as it is now."""
        url = put("changing.txt", b"before")
        assert [found.size for found in storage.list(root)] == [6]
        assert storage.read(url) == b"before"
        assert put("changing.txt", b"after that") == url
        added = put("added.txt", b"new")
        assert storage.stat(url).size == 10
        assert storage.read(url) == b"after that"
        assert {found.url: found.size for found in storage.list(root)} == {url: 10, added: 3}

    def test_written_objects_are_read_replaced_and_deleted(self, writer: Storage, root: str) -> None:
        """Everything that can be read can be written; to delete what is not there is no error."""
        if not self.can_be_written:
            return
        assert isinstance(writer, WritableStorage)
        contents = self.contents()
        urls = {f"{root}{quote(name)}": content for name, content in contents.items()}
        for url, content in urls.items():
            writer.write(url, b"before")
            writer.write(url, content)
            assert writer.read(url) == content
        assert {found.url: found.size for found in writer.list(root)} == {
            writer.normalise(url): len(content) for url, content in urls.items()
        }
        for url in [*urls, *urls]:
            writer.delete(url)
        with pytest.raises(NotFound):
            writer.read(next(iter(urls)))

    def test_missing_object_is_not_found(
        self, storage: Storage, objects: dict[str, bytes], root: str
    ) -> None:
        """A missing object raises NotFound with one line, in every method."""

        def open_and_read(url: str) -> None:
            with storage.open(url) as stream:
                stream.read()

        for name in ("missing.txt", "b/missing.txt", "missing/a.txt"):
            for ask in (storage.stat, storage.read, open_and_read, lambda url: storage.peek(url, 10)):
                with pytest.raises(NotFound) as refusal:
                    ask(f"{root}{name}")
                self.check_reason(refusal.value)

    def test_folder_is_no_object(self, storage: Storage, objects: dict[str, bytes], root: str) -> None:
        """A folder is not an object, and cannot be read."""
        for ask in (storage.stat, storage.read, lambda url: storage.peek(url, 10)):
            with pytest.raises(HeronError) as refusal:
                pytest.fail(f"a folder gave {ask(f'{root}b')!r}")
            self.check_reason(refusal.value)

    def test_sign_gives_a_url_or_says_that_it_cannot(self, storage: Storage, long: tuple[str, bytes]) -> None:
        """Anyone can open a signed URL until it expires; a backend that cannot sign raises an error that says so."""
        url, content = long
        try:
            signed = storage.sign(url, 600)
        except InvalidInput as refusal:
            self.check_reason(refusal)
            assert not self.signed_urls_can_be_fetched
            return
        assert signed.startswith(("http://", "https://"))
        if self.signed_urls_can_be_fetched:
            from urllib.request import urlopen

            with urlopen(signed, timeout=30) as answer:  # noqa: S310 - http, as checked above
                assert answer.read() == content

    def test_storage_serves_several_threads(self, storage: Storage, long: tuple[str, bytes]) -> None:
        """Imports probe in threads, with one storage for all of them."""
        url, content = long
        starts = [number * 997 for number in range(64)]
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda start: storage.read(url, start, start + 500), starts))
        assert found == [content[start : start + 500] for start in starts]

    def test_secrets_are_not_shown(self, storage: Storage) -> None:
        """Credentials never appear in logs: `repr` and `str` do not contain them."""
        for secret in self.secrets:
            assert secret not in f"{storage!r} {storage}"

    def check_reason(self, error: Exception) -> None:
        """An error has one readable line without secrets."""
        reason = reason_of(error)
        assert not any(secret in reason for secret in self.secrets)
