"""Which library decodes which transfer syntax: Pillow, imagecodecs or pydicom, as plugins of pydicom's decoders.
The C libraries libjpeg-turbo, OpenJPEG and CharLS were tested with thousands of damaged streams. GDCM's lossless JPEG is
not used, because damaged streams crashed the process.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

from pydicom.pixels.decoders.base import Decoder, DecodeRunner, get_decoder
from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes

import heron
from heron_media_dicom.dicom.syntaxes import is_compressed, name_of
from heron_media_dicom.dicom.values import printable

_PILLOW = ("pillow", ("pydicom.pixels.decoders.pillow", "_decode_frame"))
_RLE = ("pydicom", ("pydicom.pixels.decoders.rle", "_decode_frame"))
_IMAGECODECS = ("imagecodecs", (__name__, "decode_frame"))

_PLUGINS = {
    "1.2.840.10008.1.2.4.50": [_PILLOW],
    "1.2.840.10008.1.2.4.51": [_PILLOW, _IMAGECODECS],
    "1.2.840.10008.1.2.4.57": [_IMAGECODECS],
    "1.2.840.10008.1.2.4.70": [_IMAGECODECS],
    "1.2.840.10008.1.2.4.80": [_IMAGECODECS],
    "1.2.840.10008.1.2.4.81": [_IMAGECODECS],
    "1.2.840.10008.1.2.4.90": [_IMAGECODECS, _PILLOW],
    "1.2.840.10008.1.2.4.91": [_IMAGECODECS, _PILLOW],
    "1.2.840.10008.1.2.4.201": [_IMAGECODECS],
    "1.2.840.10008.1.2.4.202": [_IMAGECODECS],
    "1.2.840.10008.1.2.4.203": [_IMAGECODECS],
    "1.2.840.10008.1.2.5": [_RLE],
}

DECODER_DEPENDENCIES = {
    UID(uid): ("imagecodecs",) for uid, plugins in _PLUGINS.items() if _IMAGECODECS in plugins
}
"""What each syntax needs; read by pydicom."""


def is_available(uid: str) -> bool:
    """Whether this plugin can decode a syntax; called by pydicom."""
    return find_spec("imagecodecs") is not None


@cache
def decoder_of(syntax: str) -> Decoder:
    """The decoder of a transfer syntax; raises MediaError that says what to install, or that it is not supported."""
    if not is_compressed(syntax):
        return get_decoder(syntax)
    name = printable(name_of(syntax))
    if syntax not in _PLUGINS:
        raise heron.MediaError(f"pictures in the transfer syntax {name} are not read")
    decoder = Decoder(UID(syntax))
    decoder.add_plugins(_PLUGINS[syntax])
    if not decoder.is_available:
        raise heron.MediaError(
            f"pictures in the transfer syntax {name} need imagecodecs", hint="pip install imagecodecs"
        )
    return decoder


def decode_frame(source: bytes, runner: DecodeRunner) -> bytes:
    """Decode one frame by imagecodecs, without converting its colours; called by pydicom."""
    import imagecodecs

    found: Any
    if runner.transfer_syntax in JPEG2000TransferSyntaxes:
        found = imagecodecs.jpeg2k_decode(source)
        if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
            runner.set_option(
                "photometric_interpretation", "RGB"
            )  # the stream itself says how it was converted
    elif runner.transfer_syntax in JPEGLSTransferSyntaxes:
        found = imagecodecs.jpegls_decode(source)
    elif runner.samples_per_pixel == 3:
        found = imagecodecs.jpeg8_decode(source, colorspace="RGB", outcolorspace="RGB")
    else:
        found = imagecodecs.jpeg8_decode(source)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    runner.set_option("bits_allocated", 8 * found.dtype.itemsize)
    content: bytes = found.tobytes()
    return content
