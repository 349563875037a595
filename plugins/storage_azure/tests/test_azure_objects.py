"""Objects as Azure has them: many, changed while they are read, marked as folders, stored compressed."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.storage.blob import ContentSettings

import heron
import heron_storage_azure.storage
from heron_storage_azure.storage import AzureStorage
from heron_storage_azure.testing import azurite

pytestmark = [pytest.mark.xdist_group("azure"), pytest.mark.slow]


def storage() -> AzureStorage:
    return AzureStorage({"connection_string": azurite().connection_string})


def test_many_are_listed_in_pages_in_the_order_of_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    container = azurite().make_container()
    keys = sorted(f"{number % 7}/{number:05}.txt" for number in range(310))
    with azurite().client as client, ThreadPoolExecutor(8) as threads:
        blobs = client.get_container_client(container)
        list(threads.map(lambda key: blobs.upload_blob(key, b"x"), keys))
    assert [found.url for found in storage().list(f"az://{container}/")] == [
        f"az://{container}/{key}" for key in keys
    ]
    monkeypatch.setattr(heron_storage_azure.storage, "PAGE", 100)
    found = list(storage().list(f"az://{container}/"))
    assert [each.url for each in found] == [f"az://{container}/{key}" for key in keys]
    assert list(storage().list(f"az://{container}/", found[149].url)) == found[150:]


def test_a_change_between_two_ranges_is_noticed() -> None:
    container = azurite().make_container()
    azurite().put(container, "k", b"first" * 1000)
    reader, url = storage(), f"az://{container}/k"
    with reader.open(url) as stream:
        assert stream.read(5) == b"first"
        azurite().put(container, "k", b"other" * 100_000)
        stream.seek(4_990)
        assert stream.read(5) == b"first", "this had been fetched before"
    stored = reader.stat(url)
    azurite().put(container, "k", b"third" * 100_000)
    for start, end in ((0, 5), (10, None), (900_000, 900_001)):
        with pytest.raises(heron.ObjectChanged, match="was replaced"):
            reader.read(url, start, end, etag=stored.etag)


@pytest.mark.parametrize(
    "mark", [{"hdi_isfolder": "true"}, {"Hdi_isfolder": "true"}, {"is_directory": "true"}]
)
def test_what_stands_for_a_folder_is_no_object(mark: dict[str, str]) -> None:
    container = azurite().make_container()
    azurite().put(container, "folder", b"", metadata=mark)
    azurite().put(container, "folder/a", b"a", metadata={"hdi_isfolder": "false"})
    azurite().put(container, "other/", b"")
    azurite().put(container, "other/b", b"b")
    found = [each.url for each in storage().list(f"az://{container}/")]
    assert found == [f"az://{container}/folder/a", f"az://{container}/other/b"]
    assert [each.url for each in storage().list(f"az://{container}/folder")] == [found[0]]
    for ask in (storage().stat, storage().read, lambda url: storage().peek(url, 5)):
        with pytest.raises(heron.NotFound, match="is a folder"):
            ask(f"az://{container}/folder")


def test_compressed_content_is_read_as_it_is_stored() -> None:
    container, content = azurite().make_container(), gzip.compress(b"some text" * 1000)
    azurite().put(container, "k.gz", content, content_settings=ContentSettings(content_encoding="gzip"))
    stored, head = storage().peek(f"az://{container}/k.gz", 10)
    assert (stored.size, head) == (len(content), content[:10])
    assert storage().read(f"az://{container}/k.gz") == content


def test_a_list_goes_on_though_its_last_object_was_deleted() -> None:
    container = azurite().make_container()
    for key in ("a", "b", "c"):
        azurite().put(container, key, b"x")
    with azurite().client as client:
        client.get_blob_client(container, "b").delete_blob()
    found = [each.url for each in storage().list(f"az://{container}/", f"az://{container}/b")]
    assert found == [f"az://{container}/c"]


class ByFolder(AzureStorage):
    """Lists as an account with a hierarchical namespace does: what lies in `a/` before `a-b`."""

    def _pages(self, address: heron.ObjectAddress, after: str | None) -> Iterator[list[heron.StoredObject]]:
        for page in super()._pages(address, after):
            yield sorted(page, key=lambda found: found.url.split("/"))


def test_a_list_goes_on_in_the_order_of_the_service() -> None:
    container = azurite().make_container()
    for key in ("a/1", "a/2", "a-b/1", "a.txt"):
        azurite().put(container, key, b"x")
    by_folder = ByFolder({"connection_string": azurite().connection_string})
    found = list(by_folder.list(f"az://{container}/"))
    assert [each.url.removeprefix(f"az://{container}/") for each in found] == ["a/1", "a/2", "a-b/1", "a.txt"]
    for number, stored in enumerate(found):
        assert list(by_folder.list(f"az://{container}/", stored.url)) == found[number + 1 :]


def test_thirty_two_threads_share_one_storage() -> None:
    container = azurite().make_container()
    for number in range(32):
        azurite().put(container, str(number), str(number).encode() * 10_000)
    reader = storage()
    with ThreadPoolExecutor(32) as threads:
        read = list(threads.map(lambda number: reader.read(f"az://{container}/{number % 32}"), range(320)))
    assert read == [str(number % 32).encode() * 10_000 for number in range(320)]
