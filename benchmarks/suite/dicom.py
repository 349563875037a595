"""Importing CT slices: Heron, which leaves the files where they are, beside a DICOM server that takes them over."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time

from benchmarks.house import peers
from benchmarks.house.measuring import disk, peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Job, way
from benchmarks.suite.headers import SERIES, make_files


def heron_imports(job: Job) -> Cases:
    """Files become items, one for each series."""
    import heron

    with heron.open(job.own) as workspace:
        took = timed(lambda: workspace.ingest.files([job.stage], folder="A"))
        assert workspace.items.count() == min(SERIES, job.size)
    return {"": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}


def orthanc_takes(job: Job) -> Cases:
    """Each file is sent to the server over one connection."""
    folder = peers.place("orthanc")
    port = _free_port()
    settings = {
        "StorageDirectory": str(job.own / "db"), "HttpPort": port, "DicomServerEnabled": False, "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
    }  # fmt: skip
    (job.own / "orthanc.json").write_text(json.dumps(settings))
    libraries = f"{folder}/usr/lib/x86_64-linux-gnu:{folder}/lib/x86_64-linux-gnu"
    words = ":".join(str(folder / "usr/share/libdcmtk17" / name) for name in ("dicom.dic", "private.dic"))
    server = subprocess.Popen(
        [folder / "usr/sbin/Orthanc", job.own / "orthanc.json"],
        env={**os.environ, "LD_LIBRARY_PATH": libraries, "DCMDICTPATH": words},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        connection = _connected(port)
        contents = sorted(job.stage.iterdir())

        def send() -> None:
            for path in contents:
                connection.request("POST", "/instances", path.read_bytes())
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 200, text

        took = timed(send)
        connection.request("GET", "/statistics")
        counts = json.loads(connection.getresponse().read())
        assert (counts["CountInstances"], counts["CountSeries"]) == (job.size, min(SERIES, job.size))
        memory = peak_memory()
    finally:
        server.terminate()
        server.wait()
    return {"": {**took, "count": job.size, "memory": memory, "disk": disk(job.own)}}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def _connected(port: int) -> http.client.HTTPConnection:
    """A connection, once the server answers; raises OSError after a minute."""
    end = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", "/system")
            connection.getresponse().read()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return connection


BENCHMARK = Benchmark(
    name="dicom",
    title="Importing {size} CT slices in 50 series",
    unit="files",
    about="""
Heron reads the headers, finds the series and leaves the files where they are; Orthanc, the DICOM server of Debian, takes a copy of each file
over HTTP. So the two do not do the same work: the table shows what a lake of slices costs with each. The pixels are zeros.
""",
    prepare=make_files,
    ways=(way("Heron", heron_imports), way("Orthanc", orthanc_takes, peer="orthanc")),
    references={"": "Orthanc"},
    sizes={"tiny": 10, "small": 200, "full": 1_000},
)
