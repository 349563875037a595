"""The built-in metadata types, contributed by the same hook as those of plugins."""

from __future__ import annotations

from collections.abc import Iterable

from heron.hooks import Codec, MetadataType, hookimpl


def _load(name: str) -> Codec:
    from heron.metadata import codecs

    codec: Codec = getattr(codecs, name)()
    return codec


@hookimpl
def register_metadata_types() -> Iterable[MetadataType]:
    """The nine types of the specification."""
    yield MetadataType(
        name="boolean", summary="true or false", affinity="boolean", load=lambda: _load("BooleanCodec")
    )
    yield MetadataType(
        name="datetime",
        summary="ISO 8601, stored in UTC",
        affinity="text",
        compares="datetime",
        load=lambda: _load("DatetimeCodec"),
    )
    yield MetadataType(
        name="number", summary="64-bit float", affinity="number", load=lambda: _load("NumberCodec")
    )
    yield MetadataType(
        name="uuid", summary="RFC 9562 UUID", affinity="text", indexed=True, load=lambda: _load("UuidCodec")
    )
    yield MetadataType(
        name="varchar",
        summary="text of up to 8192 characters",
        affinity="text",
        aliases=["string"],
        load=lambda: _load("VarcharCodec"),
    )
    yield MetadataType(
        name="text",
        summary="text of any length, searchable word by word",
        affinity="text",
        aliases=["long_string"],
        full_text=True,
        load=lambda: _load("TextCodec"),
    )
    yield MetadataType(
        name="enum",
        summary="one of 1 to 256 options",
        affinity="text",
        scalar=False,
        load=lambda: _load("EnumCodec"),
    )
    yield MetadataType(
        name="embedding",
        summary="vector of 1 to 4096 numbers",
        affinity="json",
        scalar=False,
        vector=True,
        load=lambda: _load("EmbeddingCodec"),
    )
    yield MetadataType(
        name="geospatial",
        summary="latitude and longitude in degrees (WGS 84)",
        affinity="json",
        compares="geospatial",
        load=lambda: _load("GeospatialCodec"),
    )
