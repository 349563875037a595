"""What the operators SATISFIES and WITHIN mean."""

from __future__ import annotations

import ipaddress
import operator
import re
from functools import lru_cache

from heron_more_types.codecs import Semver

_BOUND = re.compile(r"\s*(>=|<=|>|<|=)\s*([0-9][^\s,]*)\s*")
_COMPARES = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}


def satisfies(version: str, bounds: str) -> bool:
    """Whether a version is within all bounds, such as `>=1.2,<2`; missing numbers are 0. Raises ValueError for other bounds."""
    mine = _sorting(version)
    return all(_COMPARES[sign](mine, _sorting(bound)) for sign, bound in _bounds(bounds))


def within(address: str, network: str) -> bool:
    """Whether an address is in a network; never where one is of IPv4 and the other of IPv6. Raises ValueError for no network."""
    return ipaddress.ip_address(address) in _network(network)


@lru_cache(maxsize=256)
def _bounds(text: str) -> tuple[tuple[str, str], ...]:
    found = [_BOUND.fullmatch(part) for part in text.split(",")]
    if not all(found):
        raise ValueError(f"{text!r} has no bounds such as >=1.2,<2")
    return tuple((match[1], match[2]) for match in found if match)


@lru_cache(maxsize=256)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


@lru_cache(maxsize=4096)
def _sorting(version: str) -> str:
    """A version in the form in which it is stored, and sorts."""
    numbers, dash, rest = version.partition("-")
    numbers += ".0" * (2 - numbers.count("."))
    return Semver().encoder({})(f"{numbers}{dash}{rest}")
