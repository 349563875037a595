"""Probing objects of an S3 server and syncing a bucket, beside the bare driver; needs the extra `test`.

The bare loops use the same driver with the same concurrency: `s3fs` reads the first 32 kB of each object, 32 at a time,
and lists the bucket page by page. The server (SeaweedFS) runs on the same cores. Run:
python benchmarks/storage.py [OBJECTS] [KEYS]
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from measure import in_fresh_process, median, peak_memory_mb, table, timed

CONCURRENCY = 32
BEGINNING = 32 * 1024


def options() -> dict[str, Any]:
    """How to reach the server that the main process started."""
    found: dict[str, Any] = json.loads(os.environ["HERON_BENCHMARK_S3"])
    return found


def filesystem() -> Any:
    """The bare driver."""
    import s3fs

    given = options()
    return s3fs.S3FileSystem(
        key=given["access_key_id"],
        secret=given["secret_access_key"],
        endpoint_url=given["endpoint"],
        config_kwargs={"max_pool_connections": 64, "s3": {"addressing_style": "path"}},
        skip_instance_cache=True,
        use_listings_cache=False,
    )


def workspace(directory: str) -> Any:
    """A workspace with an integration for the server."""
    import heron

    given = options()
    os.environ["HERON_BENCHMARK_SECRET"] = given.pop("secret_access_key")
    opened = heron.open(directory)
    opened.integrations.create("s3", "s3", {**given, "secret_access_key": "env:HERON_BENCHMARK_SECRET"})
    return opened


def measured(work: Callable[[], Any]) -> dict[str, float]:
    """Wall and processor time, and peak memory."""
    wall, processor = timed(work)
    return {"wall": wall, "processor": processor, "memory": peak_memory_mb()}


def bare_read(bucket: str, count: int) -> dict[str, float]:
    """Read the beginning of each object, 32 at a time, in the driver's own event loop."""
    driver = filesystem()
    names = driver.find(bucket)
    assert len(names) == count

    async def read_all() -> int:
        gate = asyncio.Semaphore(CONCURRENCY)

        async def read(name: str) -> int:
            async with gate:
                return len(await driver._cat_file(name, start=0, end=BEGINNING))

        return sum(await asyncio.gather(*map(read, names)))

    import fsspec.asyn

    return measured(lambda: fsspec.asyn.sync(driver.loop, read_all))


def bare_list(bucket: str, count: int) -> dict[str, float]:
    """List the bucket page by page."""
    driver = filesystem()

    def walk() -> None:
        found, token = 0, {}
        while True:
            page = driver.call_s3("list_objects_v2", Bucket=bucket, **token)
            found += len(page["Contents"])
            if not page["IsTruncated"]:
                break
            token = {"ContinuationToken": page["NextContinuationToken"]}
        assert found == count

    driver.ls("")  # connects
    return measured(walk)


def our_import(bucket: str, count: int) -> dict[str, float]:
    """Import the pictures from a manifest of their URLs: look at each, and write the catalogue."""
    with tempfile.TemporaryDirectory() as directory, workspace(directory) as opened:
        os.environ["HERON_CONCURRENCY"] = str(CONCURRENCY)
        manifest = f"{directory}/manifest.json"
        opened.ingest.write_manifest(f"s3://{bucket}/", manifest, integration="s3")
        found = measured(
            lambda: opened.ingest.manifest(manifest, folder="A", integration="s3", ignore_errors=True)
        )
        assert opened.items.count() == count
        assert opened.search.count(where="width = 1024") == count
    return found


def our_sync(bucket: str, count: int) -> dict[str, float]:
    """Sync a folder that knows every object already."""
    import heron

    with tempfile.TemporaryDirectory() as directory, workspace(directory) as opened:
        opened.ingest.follow("A", f"s3://{bucket}/", integration="s3")
        facts = heron.MediaFacts("text", "text/plain")
        opened.registration.register(
            (
                heron.NewItem(o.url, facts, size=o.size, etag=o.etag, modified_at=o.modified_at)
                for o in opened.storage.stream(f"s3://{bucket}/", "s3")
            ),
            "A",
        )
        assert opened.items.count() == count
        found = measured(lambda: opened.ingest.sync("A"))
        job = opened.imports.list()[0]
        assert (job.skipped, job.removed, job.added) == (count, 0, 0), job
    return found


def bytes_read(bucket: str, count: int) -> float:
    """Bytes that importing reads an object, counted by a proxy in front of the server."""
    from heron.testing.faults import FaultProxy

    with FaultProxy(options()["endpoint"]) as proxy, tempfile.TemporaryDirectory() as directory:
        os.environ["HERON_BENCHMARK_S3"] = json.dumps({**options(), "endpoint": proxy.endpoint})
        with workspace(directory) as opened:
            report = opened.ingest.files(
                [f"s3://{bucket}/"], folder="A", integration="s3", ignore_errors=True
            )
        assert report.added == count
        read = [request for request in proxy.requests if "list-type" not in request.path]
        return sum(request.sent for request in read) / count


def picture(seed: int) -> bytes:
    """A JPEG of some 100 kB with EXIF."""
    from PIL import Image

    random.seed(seed)
    noise = Image.frombytes("L", (256, 192), random.randbytes(256 * 192)).resize((1024, 768))
    exif = Image.Exif()
    exif[0x0110] = f"Model {seed}"
    buffer = io.BytesIO()
    Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180))).save(
        buffer, "JPEG", quality=22, exif=exif
    )
    return buffer.getvalue()


def fill(server: Any, objects: int, keys: int) -> tuple[str, str]:
    """Two buckets: one of pictures, one of tiny objects."""
    pictures, tiny = server.bucket(), server.bucket()
    contents = [picture(seed) for seed in range(20)]
    print(f"pictures of {sum(map(len, contents)) // 20:,} bytes on average", file=sys.stderr)
    client = server.client()
    with ThreadPoolExecutor(16) as threads:
        list(
            threads.map(
                lambda n: client.put_object(
                    Bucket=pictures, Key=f"run-{n // 1000:03}/{n:06}.jpg", Body=contents[n % 20]
                ),
                range(objects),
            )
        )
        list(
            threads.map(
                lambda n: client.put_object(Bucket=tiny, Key=f"run-{n // 1000:03}/{n:06}.txt", Body=b"x"),
                range(keys),
            )
        )
    return pictures, tiny


def main(objects: int, keys: int, runs: int = int(os.environ.get("RUNS", "3"))) -> None:
    """Start the server, fill it, and run each loop in turn, in processes of their own."""
    from heron_storage_s3.testing import seaweedfs

    server = seaweedfs()
    os.environ["HERON_BENCHMARK_S3"] = json.dumps(server.options())
    pictures, tiny = fill(server, objects, keys)
    for title, bucket, count, bare, ours in (
        (f"Probing {objects:,} JPEGs on an S3 server", pictures, objects, "bare_read", "our_import"),
        (f"Listing and syncing {keys:,} keys", tiny, keys, "bare_list", "our_sync"),
    ):
        results: dict[str, list[dict[str, float]]] = {bare: [], ours: []}
        for _ in range(runs):
            for name in results:
                results[name].append(in_fresh_process(__file__, name, bucket, str(count)))
        middle = {n: {k: median([run[k] for run in r]) for k in r[0]} for n, r in results.items()}
        table(
            title,
            ["work", "objects/s (wall)", "objects per CPU s", "peak memory", "ratio to bare (wall)", "(CPU)"],
            [
                [
                    {"bare_read": "s3fs, first 32 kB of each", "bare_list": "s3fs, list page by page"}.get(
                        name,
                        {
                            "our_import": "heron import --manifest",
                            "our_sync": "heron sync, nothing changed",
                        }.get(name, ""),
                    ),
                    f"{count / m['wall']:,.0f}",
                    f"{count / m['processor']:,.0f}",
                    f"{m['memory']:,.0f} MB",
                    f"{middle[bare]['wall'] / m['wall']:.2f}",
                    f"{middle[bare]['processor'] / m['processor']:.2f}",
                ]
                for name, m in middle.items()
            ],
        )
    average = in_fresh_process(__file__, "bytes_read", pictures, str(objects))["bytes"]
    print(f"\nAn import read {average / 1024:,.1f} kB of each picture.")


if __name__ == "__main__":
    if len(sys.argv) > 3 or (len(sys.argv) > 1 and not sys.argv[1].isdigit()):
        work = globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
        print(json.dumps(work if isinstance(work, dict) else {"bytes": work}))
    else:
        given = [int(argument) for argument in sys.argv[1:]]
        main(*(given + [10_000, 100_000][len(given) :]))
