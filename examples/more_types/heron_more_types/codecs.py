"""The rules of the types: what is taken, what is stored, what is shown."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

_VERSION = re.compile(
    r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})(?:-([0-9A-Za-z.-]{1,64}))?"
)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_CELLS = "0123456789bcdefghjkmnpqrstuvwxyz"


class _Plain:
    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take no parameters."""
        if given:
            raise ValueError("takes no parameters")
        return {}


class Semver(_Plain):
    """Versions in the order of https://semver.org: numbers by their size, and a release behind its candidates.

    Stored are numbers of nine digits; then `~` for a release, or the parts of a candidate: numbers as `0` and nine digits, words as `1` and
    their letters, each with a final space, which sorts before every letter.
    """

    def encoder(self, parameters: Mapping[str, Any]) -> Callable[[Any], str]:
        """Check for a version, as written or as stored."""

        def encode(value: Any) -> str:
            if not isinstance(value, str):
                raise ValueError("expected a version such as 1.9.0 or 1.9.0-rc.1")
            if re.fullmatch(r"[0-9]{9}\.[0-9]{9}\.[0-9]{9}(~|( [01][0-9A-Za-z-]+)+ )", value):
                value = _shown(value)
            match = _VERSION.fullmatch(value)
            parts = match[4].split(".") if match and match[4] else []
            if (
                match is None
                or not all(parts)
                or any(p.isdecimal() and not _NUMBER.fullmatch(p) for p in parts)
            ):
                raise ValueError("expected a version such as 1.9.0 or 1.9.0-rc.1")
            numbers = ".".join(match[n].zfill(9) for n in (1, 2, 3))
            tail = "".join(f" 0{part.zfill(9)}" if part.isdecimal() else f" 1{part}" for part in parts)
            return f"{numbers}{tail} " if parts else f"{numbers}~"

        return encode

    def decoder(self, parameters: Mapping[str, Any]) -> Callable[[Any], str]:
        """The version as people write it."""
        return _shown


def _shown(stored: str) -> str:
    numbers = ".".join(str(int(part)) for part in stored[:29].split("."))
    if stored.endswith("~"):
        return numbers
    parts = [str(int(part[1:])) if part[0] == "0" else part[1:] for part in stored[29:].split()]
    return f"{numbers}-{'.'.join(parts)}"


class Address(_Plain):
    """Addresses in their order, those of IPv4 before those of IPv6; stored as `4` or `6` and hexadecimal digits."""

    def encoder(self, parameters: Mapping[str, Any]) -> Callable[[Any], str]:
        """Check for an address, as written or as stored."""

        def encode(value: Any) -> str:
            if not isinstance(value, str) or "%" in value:
                raise ValueError("expected an address such as 10.0.0.1 or 2001:db8::1")
            if re.fullmatch(r"4:[0-9a-f]{8}|6:[0-9a-f]{32}", value):
                return value
            try:
                address = ipaddress.ip_address(value)
            except ValueError:
                raise ValueError("expected an address such as 10.0.0.1 or 2001:db8::1") from None
            return f"{address.version}:{address.packed.hex()}"

        return encode

    def decoder(self, parameters: Mapping[str, Any]) -> Callable[[Any], str]:
        """The address as people write it."""
        return lambda stored: str(ipaddress.ip_address(bytes.fromhex(stored[2:])))


class Geohash(_Plain):
    """Cells of http://geohash.org: `BETWEEN 'u4' AND 'u5'` finds what lies in the cell u4. Stored as shown, in lower case."""

    def encoder(self, parameters: Mapping[str, Any]) -> Callable[[Any], str]:
        """Check for 1 to 12 letters of the alphabet of geohashes."""

        def encode(value: Any) -> str:
            if (
                isinstance(value, str)
                and 1 <= len(value) <= 12
                and value.isascii()
                and set(value.lower()) <= set(_CELLS)
            ):
                return value.lower()
            raise ValueError("expected a geohash such as u4pruydqqvj")

        return encode
