"""HEIC and HEIF, which phones write, by libheif: pi-heif makes Pillow read them."""

from __future__ import annotations

import pi_heif

from heron.media.images import ImageDecoder

pi_heif.register_heif_opener(thumbnails=False)


class HeifDecoder(ImageDecoder):
    """Reads HEIC and HEIF like other images; frames are the pictures that one file holds, such as those of a burst."""
