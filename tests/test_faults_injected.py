"""Each fault of the proxy: what a client sees of it, which requests it strikes, and when it ends."""

import http.client
import socket
import time
from collections import Counter

import pytest

from heron.testing.faults import FaultProxy
from tests.test_faults import BIG, ask, connect, origin, proxy, statuses  # noqa: F401 - fixtures


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 503, b"<Code>SlowDown</Code>"),
        ("too_many", 429, b"<Code>TooManyRequests</Code>"),
        ("error", 500, b"<Code>InternalError</Code>"),
        ("missing", 404, b"<Code>NoSuchKey</Code>"),
        ("no_bucket", 404, b"<Code>NoSuchBucket</Code>"),
        ("forbidden", 403, b"<Code>AccessDenied</Code>"),
        ("expired", 400, b"<Code>ExpiredToken</Code>"),
    ],
)
def test_a_refusal_has_its_status_and_code_and_the_server_is_not_asked(proxy, origin, kind, status, code):
    proxy.fault(kind)
    connection = connect(proxy)
    found, body = ask(proxy, "/small", connection=connection)
    assert (found, code in body) == (status, True)
    assert ask(proxy, "/small", "PUT", connection=connection, body=BIG)[0] == status
    assert ask(proxy, "/small", "HEAD", connection=connection) == (status, b"")
    connection.close()
    assert origin.heads == []
    assert [(seen.status, seen.sent) for seen in proxy.requests] == [
        (status, len(body)),
        (status, len(body)),
        (status, 0),
    ]


def test_cut_announces_all_and_sends_half(proxy):
    proxy.fault("cut")
    for path, half in (("/small", b"abcde"), ("/big", BIG[:1_500_000])):
        with pytest.raises(http.client.IncompleteRead) as refusal:
            ask(proxy, path)
        assert refusal.value.partial == half
        assert len(half) + refusal.value.expected == len(half) * 2 + (path == "/big")
    assert [(seen.status, seen.sent) for seen in proxy.requests] == [(200, 5), (200, 1_500_000)]


def test_cut_ends_within_the_first_chunk(proxy):
    proxy.fault("cut")
    connection = connect(proxy)
    connection.request("GET", "/chunked")
    answer = connection.getresponse()
    assert answer.read(1) == BIG[:1]
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    assert 0 < proxy.requests[0].sent <= 500
    connection.close()


def test_cut_of_an_answer_without_a_body_closes_the_connection(proxy):
    proxy.fault("cut")
    connection = connect(proxy)
    assert ask(proxy, "/small", "HEAD", connection=connection) == (200, b"")
    assert connection.sock.recv(1) == b""
    connection.close()


def test_garbage_has_the_length_and_the_headers_but_other_bytes(proxy):
    proxy.fault("garbage", seed=3)
    for path, body in (("/small", b"abcdefghij"), ("/big", BIG), ("/chunked", BIG[:2500])):
        status, found = ask(proxy, path)
        assert (status, len(found)) == (200, len(body))
        assert found != body
    first, second = ask(proxy, "/small")[1], ask(proxy, "/small")[1]
    assert first == second, "the same seed gives the same noise"


def test_reset_gives_no_answer(proxy):
    proxy.fault("reset")
    with socket.create_connection(tuple(proxy.endpoint.removeprefix("http://").split(":"))) as raw:
        raw.settimeout(10)
        raw.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)
    assert [seen.status for seen in proxy.requests] == [None]


def test_nonsense_is_no_http(proxy, origin):
    proxy.fault("nonsense")
    with pytest.raises(http.client.BadStatusLine):
        ask(proxy, "/small")
    assert origin.heads == []


def test_stall_is_silent_and_then_answers(proxy):
    proxy.fault("stall", times=1, seconds=60)
    with pytest.raises(TimeoutError):
        ask(proxy, "/small", connection=connect(proxy, timeout=0.2))
    proxy.fault("stall", times=1, seconds=0.6)
    begun = time.monotonic()
    assert ask(proxy, "/small") == (200, b"abcdefghij")
    assert time.monotonic() - begun >= 0.6


def test_replace_changes_an_object_between_two_reads(proxy, origin):
    def replace(seen):
        origin.objects["/small"] = b"another"

    proxy.fault("replace", matching="/small", after=1, times=1, hook=replace)
    proxy.fault("throttle", matching="/big")
    assert [ask(proxy, "/small")[1] for _ in range(2)] == [b"abcdefghij", b"another"]
    origin.objects["/small"] = b"third"
    assert ask(proxy, "/small")[1] == b"third"


def test_a_hook_that_fails_is_told_at_the_end(origin):
    def fail(seen):
        raise AssertionError("the hook is wrong")

    with (
        pytest.raises(AssertionError, match="the hook is wrong"),
        FaultProxy(f"http://127.0.0.1:{origin.server_port}") as proxy,
    ):
        proxy.fault("replace", hook=fail)
        with pytest.raises(http.client.RemoteDisconnected):
            ask(proxy, "/small")


def test_faults_strike_only_what_matches(proxy):
    proxy.fault("error", matching="sma")
    proxy.fault("forbidden", matching=lambda seen: seen.method == "HEAD")
    assert ask(proxy, "/small")[0] == 500
    assert ask(proxy, "/empty")[0] == 200
    assert ask(proxy, "/empty", "HEAD")[0] == 403


def test_faults_begin_after_some_requests_and_end_after_some(proxy):
    proxy.fault("error", matching="/small", after=2, times=1)
    ask(proxy, "/empty")
    assert statuses(proxy) == [200, 200, 500, 200, 200]


def test_faults_follow_one_another(proxy):
    proxy.fault("throttle", times=2)
    proxy.fault("error", times=1)
    assert statuses(proxy) == [503, 503, 500, 200, 200]


@pytest.mark.slow
def test_a_share_is_drawn_the_same_way_each_time(origin):
    def drawn(seed):
        with FaultProxy(f"http://127.0.0.1:{origin.server_port}") as proxy:
            proxy.fault("too_many", share=0.3, seed=seed)
            return statuses(proxy, "/empty", 100)

    first = drawn(1)
    assert 15 <= Counter(first)[429] <= 45
    assert drawn(1) == first
    assert drawn(2) != first


def test_heal_removes_all_faults(proxy):
    proxy.fault("error")
    proxy.fault("reset")
    assert ask(proxy, "/small")[0] == 500
    proxy.heal()
    assert statuses(proxy) == [200] * 5
