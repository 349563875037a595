"""The built-in decoders, images by Pillow and text of several kinds, and the built-in quality metrics."""

from __future__ import annotations

from collections.abc import Iterable

from heron.hooks import Decoder, Measure, MediaDecoder, MediaFormat, QualityMetrics, hookimpl


def _load_images() -> Decoder:
    from heron.media.images import ImageDecoder

    return ImageDecoder()


def _load_text() -> Decoder:
    from heron.media.text import TextDecoder

    return TextDecoder()


def _load_quality() -> Measure:
    from heron.media.metrics import measure

    return measure


def _image(subtype: str, signature: bytes, *suffixes: str) -> MediaFormat:
    return MediaFormat(media_type=f"image/{subtype}", kind="image", suffixes=suffixes, signature=signature)


def _text(media_type: str, *suffixes: str, signature: bytes | None = None) -> MediaFormat:
    return MediaFormat(media_type=media_type, kind="text", suffixes=suffixes, signature=signature)


_PERSONAL = [
    "exif.Artist", "exif.Copyright", "exif.BodySerialNumber", "exif.GPSLatitude", "exif.GPSLongitude",
    "exif.GPSAltitude",
]  # fmt: skip
"""Facts of an image that reveal who took it, and where."""


@hookimpl
def register_decoders() -> Iterable[MediaDecoder]:
    """Images and text; the signatures are those of the formats' own specifications."""
    yield MediaDecoder(
        name="image",
        summary="JPEG, PNG, WebP, AVIF, BMP, TIFF and GIF images (Pillow)",
        formats=[
            _image("jpeg", rb"\xff\xd8\xff", ".jpg", ".jpeg", ".jpe", ".jfif"),
            _image("png", rb"\x89PNG\r\n\x1a\n", ".png"),
            _image("webp", rb"RIFF....WEBP", ".webp"),
            _image("avif", rb"....ftyp(avif|avis)", ".avif"),
            _image("bmp", rb"BM.{4}\0\0\0\0", ".bmp"),
            _image("tiff", rb"II\*\0|MM\0\*|II\+\0|MM\0\+", ".tif", ".tiff"),
            _image("gif", rb"GIF8[79]a", ".gif"),
        ],
        load=_load_images,
        namespaces=["exif", "image"],
        personal=_PERSONAL,
    )
    bom = rb"(?:\xef\xbb\xbf)?\s*"
    yield MediaDecoder(
        name="text",
        summary="plain text, Markdown, CSV, JSON, HTML and XML",
        formats=[
            _text("text/plain", ".txt", ".log", ".text"),
            _text("text/markdown", ".md", ".markdown"),
            _text("text/csv", ".csv", ".tsv"),
            _text("application/json", ".json", ".jsonl", ".geojson"),
            _text("text/html", ".html", ".htm", signature=bom + rb"<(?i:!doctype html|html[\s>])"),
            _text("application/xml", ".xml", signature=bom + rb"<\?xml\s"),
        ],
        load=_load_text,
        namespaces=["text"],
    )


@hookimpl
def register_metrics() -> Iterable[QualityMetrics]:
    """Size, brightness, sharpness and colour; `heron.media.metrics` has the formulas and their sources."""
    yield QualityMetrics(
        name="quality",
        summary="size, brightness, contrast, sharpness and colour of a picture",
        measures=[
            "width", "height", "area", "aspect_ratio", "brightness", "contrast", "sharpness", "red", "green", "blue",
        ],
        load=_load_quality,
    )  # fmt: skip
