"""Patterns of hosts that overlap are found with a host that both match, and only these."""

import itertools
import re

import pytest

from heron.hooks.overlaps import common_host

PATTERNS = [
    r"a\.example\.com", r".*\.example\.com", r"a\..*", r"[a-z0-9-]+\.example\.com", r"(?:s3|store)[.-]([a-z]{2}-)?west\.net", r".*",
    r"s3\..+", r"[^.]+\.net", r"\w{3,63}\.org", r"x{2,3}\.org", r"(a|b)*c", r"a?b?c", r"\d+", r"[a-f]\d*", r"^ab$", r"a+?b", r"\D+\.\d",
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations_with_replacement(PATTERNS, 2)])
def test_a_host_that_is_found_is_matched_by_both_and_one_is_found_where_there_is_any(one, other):
    found = common_host(one, other)
    if found is not None:
        assert re.fullmatch(one, found) and re.fullmatch(other, found), found
        assert len(common_host(other, one)) == len(found)
        return
    known = {common_host(pattern, ".*") for pattern in (one, other)}
    short = ("".join(given) for size in range(1, 5) for given in itertools.product("abcdef12.x", repeat=size))
    assert not [
        host
        for host in itertools.chain(known, short)
        if re.fullmatch(one, host) and re.fullmatch(other, host)
    ]


def test_examples():
    assert common_host(r"a\.example\.com", r".*\.example\.com") == "a.example.com"
    assert common_host(r"a.*", r".*b") == "ab"
    assert common_host(r"[^.]+\.net", r"[^.]+\.org") is None
    assert common_host(r"(?=a).*", r"a") is None  # patterns that look around are not followed
    assert common_host(r"(", r"a") is None
