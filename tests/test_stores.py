"""Stores: the same bucket and key on two endpoints, or in two accounts, are two objects, and never taken for one."""

from __future__ import annotations

import json
import sqlite3

import pytest

import heron
from heron.catalog.migrations import migrations
from heron.cli.main import status
from heron.errors import InvalidInput, NotFound
from heron.models import MediaFacts, NewItem
from heron.testing.faults import FaultProxy
from tests.bucket_lake import picture

pytest.importorskip("s3fs")
from heron_storage_s3.testing import forget_environment, moto, seaweedfs

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]

BUCKET = "hospital"
KEYS = ("a.jpg", "b.jpg", "c.jpg")


@pytest.fixture(scope="module")
def servers():
    """Two S3 servers with one bucket name and the same keys; pictures are 10 pixels wide on one, and 20 on the other."""
    both = {"north": seaweedfs(), "south": moto()}
    for server, width in zip(both.values(), (10, 20), strict=True):
        server.bucket(BUCKET)
        for key in KEYS:
            server.client().put_object(Bucket=BUCKET, Key=key, Body=picture(width))
    return both


@pytest.fixture
def ws(servers, tmp_path, monkeypatch):
    """A workspace with an integration for each server."""
    forget_environment(monkeypatch)
    with heron.open(tmp_path / "lake") as workspace:
        workspace.schema.add_scalar("ward", "varchar")
        for name, server in servers.items():
            pair = server.keys["admin"]
            monkeypatch.setenv(f"{name.upper()}_SECRET", pair.secret_access_key)
            options = server.options(secret_access_key=f"env:{name.upper()}_SECRET")
            workspace.integrations.create(name, "s3", options)
        yield workspace


def store(server) -> str:
    return server.endpoint.removeprefix("http://")


def url(key: str = "a.jpg") -> str:
    return f"s3://{BUCKET}/{key}"


def widths(workspace, **more) -> dict[str, list[int]]:
    """The widths of items, by store."""
    found: dict[str, list[int]] = {}
    for item in workspace.items.list(**more):
        found.setdefault(item.store, []).append(item.facts.width)
    return {key: sorted(values) for key, values in found.items()}


def manifest(folder, entries, **flags):
    file = folder / "manifest.json"
    file.write_text(json.dumps({**flags, "images": entries}))
    return file


def test_one_key_of_two_endpoints_is_two_items(ws, servers):
    for name in ("north", "south", "north", "south"):
        report = ws.ingest.files([url()], folder="in", integration=name)
        assert report.failed == 0
    assert widths(ws) == {store(servers["north"]): [10], store(servers["south"]): [20]}


def test_the_pixels_of_each_come_from_its_own_store(ws):
    for name in ("north", "south"):
        ws.ingest.files([url()], folder="in", integration=name)
    for item in ws.items.list():
        assert ws.pictures.picture(item).width == item.facts.width


def test_other_credentials_and_spellings_of_an_endpoint_are_the_same_store(ws, servers, monkeypatch):
    ws.ingest.files([url()], folder="in", integration="north")
    options = servers["north"].options(secret_access_key="env:NORTH_SECRET")
    again = {**options, "endpoint": options["endpoint"].replace("http", "HTTP") + "/"}
    ws.integrations.create("reader", "s3", again)
    assert ws.ingest.files([url()], folder="in", integration="reader").skipped == 1
    assert ws.items.count() == 1


def test_metadata_of_a_manifest_goes_to_the_item_of_its_store(ws, servers, tmp_path):
    for name in ("north", "south"):
        ws.ingest.files([url()], folder="in", integration=name)
    entries = [{"objectUrl": url(), "clientMetadata": {"ward": "B"}}]
    ws.ingest.manifest(manifest(tmp_path, entries), folder="in", integration="south", upsert_metadata=True)
    assert {i.store: i.metadata for i in ws.items.list()} == {
        store(servers["north"]): {},
        store(servers["south"]): {"ward": "B"},
    }


def test_a_manifest_that_does_not_say_the_store_is_refused_where_it_could_be_another_one(ws, tmp_path):
    ws.ingest.files([url()], folder="in", integration="north")
    facts = {"width": 8, "height": 8, "fileSize": 9, "mimeType": "image/jpeg"}
    entries = [{"objectUrl": url(), "clientMetadata": {"ward": "B"}, "imageMetadata": facts}]
    for flag in ({"upsert_metadata": True}, {"skip_duplicates": True}):
        for ignore in (False, True):
            with pytest.raises(InvalidInput, match="without an integration it means the store aws"):
                ws.ingest.manifest(manifest(tmp_path, entries), folder="in", ignore_errors=ignore, **flag)
    assert [item.metadata for item in ws.items.list()] == [{}]


def test_a_registered_url_of_another_store_is_refused(ws):
    ws.ingest.files([url()], folder="in", integration="north")
    new = NewItem(url(), MediaFacts("image", "image/jpeg"))
    with pytest.raises(InvalidInput, match="without an integration"):
        ws.registration.register([new], "in", skip_duplicates=True)
    assert ws.registration.register([new], "other", skip_duplicates=True).added == 1
    assert ws.registration.register([new], "other", skip_duplicates=True).skipped == 1


def test_sync_keeps_to_its_store(ws, servers):
    north, south = (store(servers[name]) for name in ("north", "south"))
    ws.ingest.files([url("a.jpg")], folder="in", integration="south")
    ws.ingest.follow("in", f"s3://{BUCKET}/", integration="north")
    assert ws.ingest.sync("in").added == 3
    assert widths(ws) == {north: [10, 10, 10], south: [20]}
    assert ws.storage.of(next(i for i in ws.items.list() if i.store == south)).name == "south"
    servers["north"].client().delete_object(Bucket=BUCKET, Key="a.jpg")
    try:
        assert ws.ingest.sync("in").job.removed == 1
        assert widths(ws) == {north: [10, 10], south: [20]}
    finally:
        servers["north"].client().put_object(Bucket=BUCKET, Key="a.jpg", Body=picture(10))
    assert ws.ingest.sync("in").job.restored == 1


def test_sidecars_go_to_the_item_of_their_store(ws, servers):
    for name, ward in (("north", "N"), ("south", "S")):
        client = servers[name].client()
        client.put_object(Bucket=BUCKET, Key="side/x.jpg", Body=picture(10))
        client.put_object(Bucket=BUCKET, Key="side/x.jpg.metadata.json", Body=json.dumps({"ward": ward}))
    for _ in range(2):
        for name in ("north", "south"):
            assert ws.ingest.files([url("side/")], folder="in", integration=name).failed == 0
    assert sorted(item.metadata["ward"] for item in ws.items.list()) == ["N", "S"]


def test_a_metadata_file_by_url_changes_neither_of_two(ws, tmp_path, capsys):
    for name in ("north", "south"):
        ws.ingest.files([url()], folder="in", integration=name)
    file = tmp_path / "m.json"
    file.write_text(json.dumps([{"url": url(), "ward": "B"}]))
    assert ws.ingest.metadata_file(file).ambiguous == {url(): 2}
    assert [item.metadata for item in ws.items.list()] == [{}, {}]


def test_vectors_by_url_go_to_neither_of_two(ws, tmp_path):
    ws.schema.add_embedding("look", 2)
    for name in ("north", "south"):
        ws.ingest.files([url("a.jpg")], folder="in", integration=name)
    ws.ingest.files([url("b.jpg")], folder="in", integration="north")
    file = tmp_path / "v.jsonl"
    rows = [{"url": url(key), "vector": [1.0, 0.0]} for key in ("a.jpg", "b.jpg")]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = ws.vector_files.import_file("look", file)
    assert (report.kept, report.ambiguous) == (1, 1)


def test_a_url_that_two_stores_have_is_refused_with_their_names(ws, servers):
    ws.ingest.files([url()], folder="in", integration="north")
    assert ws.items.get(url()).store == store(servers["north"])
    ws.ingest.files([url()], folder="in", integration="south")
    with pytest.raises(InvalidInput) as refusal:
        ws.items.get(url())
    assert all(store(server) in str(refusal.value) for server in servers.values())
    with pytest.raises(InvalidInput, match=store(servers["south"])):
        ws.items.delete(url())


def test_items_can_be_asked_for_by_their_store(ws, servers, capsys):
    for name in ("north", "south"):
        ws.ingest.files([url()], folder="in", integration=name)
    (item,) = ws.search(where=f"store = '{store(servers['south'])}'")
    assert item.facts.width == 20
    assert status(["-w", str(ws.root), "items", "show", item.uuid, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["store"] == store(servers["south"])


def test_an_item_whose_integration_is_deleted_is_read_by_another_one_or_not_at_all(ws, servers):
    ws.ingest.files([url()], folder="in", integration="south")
    ws.integrations.delete("south")
    (item,) = ws.items.list()
    with pytest.raises(NotFound, match=f"{store(servers['south'])}, which no integration reads"):
        ws.pictures.picture(item)
    ws.integrations.create("new", "s3", servers["south"].options(secret_access_key="env:SOUTH_SECRET"))
    assert ws.pictures.picture(item).width == 20


def test_without_integrations_the_environment_says_the_store(servers, tmp_path, monkeypatch):
    for name, width in (("north", 10), ("south", 20)):
        forget_environment(monkeypatch)
        pair = servers[name].keys["admin"]
        monkeypatch.setenv("AWS_ENDPOINT_URL", servers[name].endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", pair.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", pair.secret_access_key)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with heron.open(tmp_path / "lake") as ws:
            assert ws.ingest.files([url()], folder=name).added == 1
            assert ws.ingest.files([url()], folder=name).skipped == 1
            assert [i.facts.width for i in ws.items.list(folder=name)] == [width]
            if name == "south":
                with pytest.raises(InvalidInput, match="without an integration"):
                    ws.ingest.files([url()], folder="north")
    assert widths(ws_of(tmp_path)) == {store(servers["north"]): [10], store(servers["south"]): [20]}


def ws_of(place):
    return heron.open(place / "lake")


def make_old(root) -> None:
    """Take away what the migration `stores` has added."""
    with sqlite3.connect(root / ".heron" / "catalog.db") as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("ALTER TABLE items DROP COLUMN store_id")
        connection.execute("DROP TABLE stores")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'stores'")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_an_old_catalogue_gets_the_stores_of_its_integrations_and_of_the_defaults(ws, servers):
    ws.ingest.files([url()], folder="in", integration="north")
    ws.registration.register([NewItem(url("k.jpg"), MediaFacts("image", "image/jpeg"))], "in")
    ws.close()
    make_old(ws.root)
    assert "stores" in migrations.names
    with heron.open(ws.root) as again:
        assert [item.store for item in again.items.list()] == [None, None]
        assert again.ingest.files([url()], folder="in", integration="south").added == 1
        assert again.ingest.files([url()], folder="in", integration="north").skipped == 1
        assert [item.store for item in again.items.list()] == [
            store(servers["north"]),
            "aws",
            store(servers["south"]),
        ]


def test_an_old_catalogue_that_cannot_be_written_is_read(ws, monkeypatch):
    ws.ingest.files([url()], folder="in", integration="north")
    ws.close()
    make_old(ws.root)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with heron.open(ws.root) as again:
        (item,) = again.items.list()
        assert item.store is None
        assert again.pictures.picture(item).width == 10
        assert again.items.get(url()) == item


def test_items_of_a_deleted_integration_in_an_old_catalogue_are_taken_for_no_others(ws, servers):
    ws.ingest.files([url()], folder="in", integration="north")
    ws.integrations.delete("north")
    ws.close()
    make_old(ws.root)
    with heron.open(ws.root) as again:
        with pytest.raises(InvalidInput, match="a store that is not known"):
            again.ingest.files([url()], folder="in", integration="south")
        assert again.items.count() == 1
        place = f"s3://{BUCKET}/"
        assert again.storage.relocate(place, place, integration="south", dry_run=True).items == 1
        again.storage.relocate(place, place, integration="south")
        assert widths(again) == {store(servers["south"]): [10]}  # as the user says
        assert again.ingest.files([url()], folder="in", integration="south").skipped == 1
        with pytest.raises(NotFound, match="no file whose store is not known"):
            again.storage.relocate(place, place, integration="south")


def test_items_are_relocated_from_one_store_to_another(ws, servers):
    ws.ingest.files([url()], folder="in", integration="north")
    (item,) = ws.items.list()
    servers["south"].client().put_object(Bucket=BUCKET, Key="moved/a.jpg", Body=picture(10))
    old, new = f"s3://{BUCKET}/", f"s3://{BUCKET}/moved/"
    with pytest.raises(NotFound, match="not found at the new place"):
        ws.storage.relocate(old, f"s3://{BUCKET}/nowhere/", integration="south", verify=True)
    assert status(["-w", str(ws.root), "relocate", old, new, "--integration", "south", "--verify"]) == 0
    (moved,) = ws.items.list()
    assert (moved.uuid, moved.store) == (item.uuid, store(servers["south"]))
    assert ws.storage.of(moved).name == "south"
    assert ws.pictures.picture(moved).width == 10


def test_items_of_two_stores_are_not_relocated_as_one(ws):
    for name in ("north", "south"):
        ws.ingest.files([url()], folder="in", integration=name)
    with pytest.raises(InvalidInput, match="lie in 2 stores"):
        ws.storage.relocate(f"s3://{BUCKET}/", "s3://elsewhere/")
    with pytest.raises(InvalidInput, match="does not read file:"):
        ws.storage.relocate(f"s3://{BUCKET}/", "/mnt/copy", integration="north")


def test_two_accounts_of_azure_are_two_stores(tmp_path, monkeypatch):
    pytest.importorskip("adlfs")
    from heron_storage_azure.testing import OTHER_ACCOUNT, azurite

    accounts = {"lab": azurite(), "ward": azurite(OTHER_ACCOUNT)}
    container = accounts["lab"].make_container()
    accounts["ward"].make_container(container)
    with heron.open(tmp_path / "lake") as ws:
        ws.schema.add_scalar("ward", "varchar")
        for width, (name, account) in enumerate(accounts.items(), start=10):
            account.put(container, "a.jpg", picture(width))
            monkeypatch.setenv(f"{name.upper()}_LOGIN", account.connection_string)
            ws.integrations.create(name, "azure", {"connection_string": f"env:{name.upper()}_LOGIN"})
            ws.ingest.files([f"az://{container}/a.jpg"], folder="in", integration=name)
        host = accounts["lab"].endpoint.removeprefix("http://").partition("/")[0]
        assert widths(ws) == {f"{host}/{a.account}": [w] for w, a in enumerate(accounts.values(), start=10)}
        assert {ws.pictures.picture(i).width == i.facts.width for i in ws.items.list()} == {True}
        entries = [{"objectUrl": f"az://{container}/a.jpg", "clientMetadata": {"ward": "B"}}]
        file = manifest(tmp_path, entries)
        ws.ingest.manifest(file, folder="in", integration="ward", upsert_metadata=True)
        assert {i.facts.width: i.metadata for i in ws.items.list()} == {10: {}, 11: {"ward": "B"}}


def test_urls_that_name_an_account_say_the_store_if_nothing_else_does(tmp_path, monkeypatch):
    pytest.importorskip("adlfs")
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    facts = {"width": 8, "height": 8, "fileSize": 9, "mimeType": "image/jpeg"}
    for account in ("lab", "ward", "lab"):
        with heron.open(tmp_path / "lake") as ws:
            place = f"https://{account}.blob.core.windows.net/c/k.jpg"
            file = manifest(tmp_path, [{"objectUrl": place, "imageMetadata": facts}])
            ws.ingest.manifest(file, folder=account, skip_duplicates=True)
            with pytest.raises(InvalidInput, match=rf"names the store 'other', but .*'{account}'"):
                ws.storage.normalise("https://other.blob.core.windows.net/c/k.jpg")
            assert [item.store for item in ws.items.list(folder=account)] == [account]
    with heron.open(tmp_path / "lake") as ws:
        monkeypatch.setenv("LAB_KEY", "eA==")
        ws.integrations.create("lab", "azure", {"account": "lab", "account_key": "env:LAB_KEY"})
        with pytest.raises(InvalidInput, match="names the account ward"):
            ws.storage.normalise("https://ward.blob.core.windows.net/c/k.jpg", "lab")
        assert ws.storage.normalise("https://lab.blob.core.windows.net/c/k.jpg", "lab") == "az://c/k.jpg"


def test_series_and_groups_are_told_apart_by_their_store(ws, tmp_path):
    entries = [{"title": "pair", "objectUrl_0": url("a.jpg"), "objectUrl_1": url("b.jpg")}]
    file = tmp_path / "groups.json"
    file.write_text(json.dumps({"image_groups": entries}))
    for name in ("north", "south", "north", "south"):
        ws.ingest.manifest(file, folder="in", integration=name, skip_duplicates=True)
    assert ws.items.count() == 2
    assert len({item.store for item in ws.items.list()}) == 2
    assert [len(ws.items.members(item)) for item in ws.items.list()] == [2, 2]


def test_a_url_of_another_store_than_that_of_the_integration_is_refused(ws):
    with pytest.raises(InvalidInput, match=r"the URL names the store .aws., but integration 'north' means"):
        ws.storage.normalise("https://hospital.s3.amazonaws.com/a.jpg", "north")
    assert ws.storage.normalise("https://hospital.s3.amazonaws.com/a.jpg") == url()


def test_a_store_reached_through_another_address_is_another_store(ws, servers):
    with FaultProxy(servers["north"].endpoint) as proxy:
        options = servers["north"].options(secret_access_key="env:NORTH_SECRET", endpoint=proxy.endpoint)
        ws.integrations.create("front", "s3", options)
        for name in ("north", "front"):
            ws.ingest.files([url()], folder="in", integration=name)
    assert ws.items.count() == 2
