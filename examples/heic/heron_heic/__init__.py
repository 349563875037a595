"""A decoder of HEIC pictures with libheif. It overrides the built-in reader of this format, and runs in processes of its own."""

from __future__ import annotations

from collections.abc import Iterable

import heron


def load() -> heron.Decoder:
    """Make the decoder."""
    from heron_heic.decoder import HeicDecoder

    return HeicDecoder()


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Bring the decoder."""
    heic = heron.MediaFormat(
        media_type="image/heic",
        kind="image",
        suffixes=[".heic", ".heif"],
        signature=rb".{4}ftyp(heic|heix|mif1|msf1)",
    )
    yield heron.MediaDecoder(
        name="libheif",
        summary="HEIC pictures",
        formats=[heic],
        namespaces=["heif"],
        requires=["pillow-heif"],
        load=load,
    )
