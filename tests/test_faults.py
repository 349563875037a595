"""The proxy forwards every byte unchanged, and injects the faults that a test requests."""

import hashlib
import http.client
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from heron.testing.faults import FaultProxy
from heron.testing.servers import free_port
from heron_storage_s3.testing import seaweedfs

BIG = random.Random(1).randbytes(3_000_001)


class Origin(BaseHTTPRequestHandler):
    """Has objects that can be put; `/chunked` comes in chunks, `/untold` ends with the connection."""

    protocol_version = "HTTP/1.1"

    def handle(self):
        with suppress(ConnectionError):  # the proxy breaks off where it is told to
            super().handle()

    def do_GET(self):
        self.note()
        status, body = (
            (200, self.server.objects[self.path]) if self.path in self.server.objects else (404, b"no")
        )
        chunked, untold = self.path == "/chunked", self.path == "/untold"
        self.send_response(status)
        self.send_header("ETag", hashlib.md5(body).hexdigest())
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif untold:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if chunked:
            for start in range(0, len(body), 1000):
                piece = body[start : start + 1000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            body = b"0\r\nX-Sum: 1\r\n\r\n"
        self.wfile.write(body)

    do_HEAD = do_GET

    def do_PUT(self):
        self.note()
        if self.headers["Transfer-Encoding"] == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.objects[self.path] = body
        self.send_response(204)
        self.end_headers()

    def note(self):
        self.server.heads.append((self.requestline, str(self.headers)))
        self.server.peers.add(self.client_address)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def origin():
    with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server:
        server.objects = {"/small": b"abcdefghij", "/empty": b"", "/big": BIG, "/chunked": BIG[:2500]}
        server.objects["/untold"] = b"until the end"
        server.heads, server.peers = [], set()
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(origin):
    with FaultProxy(f"http://127.0.0.1:{origin.server_port}") as proxy:
        yield proxy


def connect(proxy, timeout=10):
    return http.client.HTTPConnection(proxy.endpoint.removeprefix("http://"), timeout=timeout)


def ask(proxy, path, method="GET", *, connection=None, body=None, **headers):
    """Status and body of one request, on a connection of its own unless one is given."""
    used = connection or connect(proxy)
    try:
        used.request(method, path, body=body, headers=headers)
        answer = used.getresponse()
        return answer.status, answer.read()
    finally:
        if connection is None:
            used.close()


def statuses(proxy, path="/small", count=5):
    return [ask(proxy, path)[0] for _ in range(count)]


def test_bodies_come_through_as_they_are(proxy):
    for path, body in (
        ("/small", b"abcdefghij"),
        ("/empty", b""),
        ("/big", BIG),
        ("/chunked", BIG[:2500]),
        ("/untold", b"until the end"),
    ):
        assert ask(proxy, path) == (200, body)
    assert ask(proxy, "/none") == (404, b"no")


def test_the_server_sees_the_request_as_the_client_wrote_it(proxy, origin):
    host = proxy.endpoint.removeprefix("http://")
    head = f"GET /a%2Fb//../%20?x=%2F&y HTTP/1.1\r\nHOST: {host}\r\nx-Odd:  two  blanks \r\n\r\n"
    with socket.create_connection(tuple(host.split(":"))) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 404")
    (line, headers) = origin.heads[0]
    assert line == "GET /a%2Fb//../%20?x=%2F&y HTTP/1.1"
    assert headers == f"HOST: {host}\nx-Odd: two  blanks \n\n"


def test_connections_are_kept_alive_on_both_sides(proxy, origin):
    connection = connect(proxy)
    places = set()
    for path in ("/small", "/chunked", "/empty", "/none", "/small"):
        for method in ("GET", "HEAD"):
            ask(proxy, path, method, connection=connection)
            places.add(connection.sock.getsockname())
    connection.close()
    assert len(places) == 1
    assert len(origin.peers) == 1


def test_uploads_pass_with_a_length_in_chunks_and_after_a_hundred_continue(proxy, origin):
    connection = connect(proxy)
    assert ask(proxy, "/a", "PUT", connection=connection, body=BIG) == (204, b"")
    assert ask(proxy, "/b", "PUT", connection=connection, body=iter([b"one ", b"two"])) == (204, b"")
    connection.close()
    with socket.create_connection(tuple(proxy.endpoint.removeprefix("http://").split(":"))) as raw:
        raw.settimeout(10)
        raw.sendall(b"PUT /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert raw.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(b"three")
        assert raw.recv(100).startswith(b"HTTP/1.1 204")
    assert [origin.objects[path] for path in ("/a", "/b", "/c")] == [BIG, b"one two", b"three"]


def test_requests_are_recorded_with_status_and_bytes(proxy):
    ask(proxy, "/small?x=1", Range="bytes=0-3")
    ask(proxy, "/small", "HEAD")
    ask(proxy, "/chunked")
    ask(proxy, "/big")
    assert [(seen.method, seen.path, seen.range, seen.status, seen.sent) for seen in proxy.requests] == [
        ("GET", "/small?x=1", "bytes=0-3", 404, 2),
        ("HEAD", "/small", None, 200, 0),
        ("GET", "/chunked", None, 200, 2500),
        ("GET", "/big", None, 200, len(BIG)),
    ]


@pytest.mark.slow
def test_many_connections_are_served_at_once(proxy):
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: ask(proxy, "/big"), range(96)))
    assert all(answer == (200, BIG) for answer in answers)
    assert sum(seen.sent for seen in proxy.requests) == 96 * len(BIG)


def test_leaving_the_proxy_ends_what_stalls_and_closes_all_connections(origin):
    threads = set(threading.enumerate())
    with FaultProxy(f"http://127.0.0.1:{origin.server_port}") as proxy:
        idle = connect(proxy)
        ask(proxy, "/small", connection=idle)
        proxy.fault("stall")
        stalled = connect(proxy)
        stalled.request("GET", "/small")
        while len(proxy.requests) < 2:
            time.sleep(0.01)
        begun = time.monotonic()
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        stalled.getresponse()
    assert idle.sock.recv(1) == b""
    for thread in set(threading.enumerate()) - threads:
        thread.join(30)
    assert time.monotonic() - begun < 30
    with pytest.raises(ConnectionRefusedError):
        ask(proxy, "/small")


def test_a_server_that_is_gone_gives_no_answer():
    with (
        FaultProxy(f"http://127.0.0.1:{free_port()}") as proxy,
        pytest.raises(http.client.RemoteDisconnected),
    ):
        ask(proxy, "/small")


def test_a_server_that_closes_idle_connections_is_dialled_anew(proxy, origin, monkeypatch):
    monkeypatch.setattr(Origin, "timeout", 0.1)
    connection = connect(proxy)
    for _ in range(3):
        assert ask(proxy, "/small", connection=connection)[0] == 200
        time.sleep(0.4)
    connection.close()


def test_mistakes_are_told(proxy):
    with pytest.raises(ValueError, match="unknown fault 'explode'"):
        proxy.fault("explode")
    with pytest.raises(ValueError, match="needs a hook"):
        proxy.fault("replace")
    with pytest.raises(ValueError, match="is not the http:// URL of a server"):
        FaultProxy("localhost:9000")


@pytest.mark.slow
@pytest.mark.xdist_group("s3")
def test_signatures_hold_through_the_proxy():
    server = seaweedfs()
    keys = {name: server.options()[name] for name in ("access_key_id", "secret_access_key")}
    bucket = f"faults-{uuid4()}"
    server.client().create_bucket(Bucket=bucket)
    with FaultProxy(server.endpoint) as proxy:
        good = s3_client(proxy, **keys)
        good.put_object(Bucket=bucket, Key="a b/größe+1.bin", Body=BIG)
        answer = good.get_object(Bucket=bucket, Key="a b/größe+1.bin", Range="bytes=5-104")
        assert answer["Body"].read() == BIG[5:105]
        listed = good.list_objects_v2(Bucket=bucket, Prefix="a b/")["Contents"]
        assert [found["Key"] for found in listed] == ["a b/größe+1.bin"]
        assert [(seen.method, seen.range, seen.status) for seen in proxy.requests] == [
            ("PUT", None, 200),
            ("GET", "bytes=5-104", 206),
            ("GET", None, 200),
        ]
        assert proxy.requests[1].sent == 100
        bad = s3_client(proxy, **{**keys, "secret_access_key": "another"})
        for client, fault, code in (
            (bad, None, "SignatureDoesNotMatch"),
            (good, "throttle", "SlowDown"),
            (good, "no_bucket", "NoSuchBucket"),
        ):
            if fault:
                proxy.fault(fault, times=1)
            with pytest.raises(ClientError) as refusal:
                client.list_objects_v2(Bucket=bucket)
            assert refusal.value.response["Error"]["Code"] == code


def s3_client(proxy, access_key_id, secret_access_key):
    return botocore.session.Session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=proxy.endpoint,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}, retries={"total_max_attempts": 1}),
    )
