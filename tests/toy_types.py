"""Metadata types as plugins bring them: versions stored as sortable text, addresses stored as numbers, tags without order."""

from __future__ import annotations

import re

import heron


class Semver:
    """`1.9.0`, stored as `00001.00009.00000`, which sorts as versions do."""

    def parameters(self, given):
        if given:
            raise ValueError("takes no parameters")
        return {}

    def encoder(self, parameters):
        def encode(value):
            match = (
                re.fullmatch(r"([0-9]{1,5})\.([0-9]{1,5})\.([0-9]{1,5})", value)
                if isinstance(value, str)
                else None
            )
            if match is None:
                raise ValueError("expected a version such as 1.9.0")
            return ".".join(part.zfill(5) for part in match.groups())

        return encode

    def decoder(self, parameters):
        return lambda stored: ".".join(str(int(part)) for part in stored.split("."))


class IPv4:
    """`10.0.0.1`, stored as a number."""

    def parameters(self, given):
        return Semver.parameters(self, given)

    def encoder(self, parameters):
        def encode(value):
            if type(value) is int and 0 <= value < 2**32:
                return value
            parts = value.split(".") if isinstance(value, str) else []
            if len(parts) != 4 or not all(
                re.fullmatch("[0-9]{1,3}", part) and int(part) < 256 for part in parts
            ):
                raise ValueError("expected an address such as 10.0.0.1")
            return int.from_bytes(map(int, parts), "big")

        return encode

    def decoder(self, parameters):
        return lambda stored: ".".join(map(str, stored.to_bytes(4, "big")))


class Mood:
    """A type from before decoders and orders."""

    def parameters(self, given):
        return {}

    def encoder(self, parameters):
        def encode(value):
            if value not in ("calm", "wild"):
                raise ValueError("expected calm or wild")
            return value

        return encode


SEMVER = heron.MetadataType(name="semver", summary="a version", affinity="text", load=Semver)
IPV4 = heron.MetadataType(name="ipv4", summary="an address", affinity="number", load=IPv4)
MOOD = heron.MetadataType(name="mood", summary="how it feels", affinity="text", load=Mood)
HUE = heron.MetadataType(name="hue", summary="without order", affinity="text", load=Mood, ordered=False)


class ToyTypes:
    """The plugin."""

    @heron.hookimpl
    def register_metadata_types(self):
        yield from (SEMVER, IPV4, MOOD, HUE)
