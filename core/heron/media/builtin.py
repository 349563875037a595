"""The built-in decoders, images by Pillow, text of several kinds, office documents and drawings, and the built-in quality metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from heron.hooks import Decoder, Measure, MediaDecoder, MediaFormat, MediaKind, QualityMetrics, hookimpl


def _load_images() -> Decoder:
    from heron.media.images import ImageDecoder

    return ImageDecoder()


def _load_heif() -> Decoder:
    from heron.media.heif import HeifDecoder

    return HeifDecoder()


def _load_text() -> Decoder:
    from heron.media.text import TextDecoder

    return TextDecoder()


def _load_office() -> Decoder:
    from heron.media.office import OfficeDecoder

    return OfficeDecoder()


def _load_svg() -> Decoder:
    from heron.media.svg.decoder import SvgDecoder

    return SvgDecoder()


def _load_quality() -> Measure:
    from heron.media.metrics import measure

    return measure


_DECODED = frozenset(
    (
        "x-sgi",
        "x-sun-raster",
        "vnd.ms-dds",
        "vnd.microsoft.icon",
        "vnd.zbrush.pcx",
        "x-tga",
        "vnd.adobe.photoshop",
    )
)
"""Images that do not say where they end, so that they are decoded to check them."""


def _image(subtype: str, signature: bytes, *suffixes: str, needs_suffix: bool = False) -> MediaFormat:
    return MediaFormat(
        checked="all" if subtype in _DECODED or subtype == "svg+xml" else "end",
        media_type=f"image/{subtype}",
        kind="image",
        suffixes=suffixes,
        signature=signature,
        needs_suffix=needs_suffix,
    )


_BEFORE_ROOT = (
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE\s+(?:[\w.-]+:)?svg[^>\[]*(?:\[.*?\]\s*)?>\s*)*"
)
"""What can stand before the root element of XML: a declaration, comments, and the document type of SVG."""

_BETWEEN, _NUMBER = rb"(?:\s|#[^\r\n]*[\r\n])+", rb"[0-9]{1,10}"
"""What stands between the numbers of a header of netpbm: blanks and comments; and such a number (netpbm, ppm(5))."""


def _portable(
    subtype: str, magic: bytes, numbers: Sequence[bytes], *suffixes: str, is_text: bool = False
) -> MediaFormat:
    """A format of netpbm: a magic number and numbers. Variants that are text need their suffix: a letter can begin like them."""
    header = magic + b"".join(_BETWEEN + number for number in numbers)
    return _image(subtype, header + rb"(?:[\s#]|\Z)", *suffixes, needs_suffix=is_text)


def _text(
    media_type: str, *suffixes: str, signature: bytes | None = None, needs_suffix: bool = False
) -> MediaFormat:
    return MediaFormat(
        checked="all",
        media_type=media_type,
        kind="text",
        suffixes=suffixes,
        signature=signature,
        needs_suffix=needs_suffix,
    )


_ODT = rb"application/vnd\.oasis\.opendocument\.text(?!-)"
"""The content of the first member of an OpenDocument text, stored as it is (ODF 1.3, part 2, 3.3)."""

_PERSONAL = [
    "exif.Artist", "exif.Copyright", "exif.BodySerialNumber", "exif.GPSLatitude", "exif.GPSLongitude",
    "exif.GPSAltitude", "xmp.creator", "xmp.rights",
]  # fmt: skip
"""Facts of an image that reveal who took it, and where."""


@hookimpl
def register_kinds() -> Iterable[MediaKind]:
    """The kinds of Heron's own decoders, those of its plugins too, so that a catalogue without them can be read."""
    dicom, nifti = "application/dicom", "application/x-nifti"
    yield MediaKind(name="image", summary="one picture", arrays=["images"], media_type="image/*")
    yield MediaKind(
        name="image_group",
        summary="pictures that belong together",
        arrays=["image_groups"],
        media_type="image/*",
        files="group",
    )
    yield MediaKind(
        name="image_sequence",
        summary="pictures in the order of time",
        arrays=["image_sequences"],
        media_type="image/*",
        files="group",
    )
    yield MediaKind(name="video", summary="moving pictures", arrays=["videos"], media_type="video/*")
    yield MediaKind(
        name="audio", summary="sound", arrays=["audio", "audios"], media_type="audio/*", visual=False
    )
    yield MediaKind(
        name="dicom",
        summary="a DICOM series",
        arrays=["dicom_series"],
        media_type=dicom,
        files="series",
        slices=True,
    )
    yield MediaKind(
        name="nifti", summary="a NIfTI volume", arrays=["nifti", "niftis"], media_type=nifti, slices=True
    )
    yield MediaKind(
        name="text",
        summary="text",
        arrays=["text", "texts"],
        media_type="text/plain",
        visual=False,
        has_text=True,
    )
    yield MediaKind(
        name="pdf",
        summary="a PDF document",
        arrays=["pdfs"],
        media_type="application/pdf",
        has_text=True,
    )
    yield MediaKind(name="other", summary="a file that no known format matches", visual=False)


@hookimpl
def register_decoders() -> Iterable[MediaDecoder]:
    """Images and text; the signatures are those of the formats' own specifications."""
    yield MediaDecoder(
        name="image",
        summary="JPEG, PNG, WebP, AVIF, BMP, TIFF, GIF and other images (Pillow)",
        formats=[
            _image("jpeg", rb"\xff\xd8\xff", ".jpg", ".jpeg", ".jpe", ".jfif"),
            _image("png", rb"\x89PNG\r\n\x1a\n", ".png"),
            _image("webp", rb"RIFF....WEBP", ".webp"),
            _image("avif", rb"....ftyp(?:avif|avis|mif1.{4}(?:.{4}){0,8}avif)", ".avif"),
            _image("bmp", rb"BM.{4}\0\0\0\0", ".bmp"),
            _image("tiff", rb"II\*\0|MM\0\*|II\+\0|MM\0\+", ".tif", ".tiff"),
            _image("gif", rb"GIF8[79]a", ".gif"),
            _image("jp2", rb"\0\0\0\x0cjP  \r\n\x87\n", ".jp2", ".jpx", ".jpf"),
            _image("x-jp2-codestream", rb"\xff\x4f\xff\x51\0", ".j2k", ".j2c", ".jpc"),
            _image("vnd.adobe.photoshop", rb"8BPS\x00\x01\x00{6}", ".psd"),
            _portable("x-portable-pixmap", rb"P6", [_NUMBER] * 3, ".ppm", ".pnm"),
            _portable("x-portable-pixmap", rb"P3", [_NUMBER] * 3, ".ppm", ".pnm", is_text=True),
            _portable("x-portable-graymap", rb"P5", [_NUMBER] * 3, ".pgm"),
            _portable("x-portable-graymap", rb"P2", [_NUMBER] * 3, ".pgm", ".pnm", is_text=True),
            _portable("x-portable-bitmap", rb"P4", [_NUMBER] * 2, ".pbm"),
            _portable("x-portable-bitmap", rb"P1", [_NUMBER] * 2, ".pbm", ".pnm", is_text=True),
            _portable("x-portable-floatmap", rb"Pf", [_NUMBER] * 2 + [rb"-?[0-9.]{1,10}"], ".pfm"),
            _image("qoi", rb"qoif.{8}[\x03\x04][\0\x01]", ".qoi"),
            _image("x-sgi", rb"\x01\xda[\0\x01][\x01\x02]\0[\x01-\x03]", ".sgi", ".rgb", ".rgba", ".bw"),
            _image("x-sun-raster", rb"\x59\xa6\x6a\x95", ".ras", ".sun"),
            _image("vnd.ms-dds", rb"DDS \x7c\0\0\0", ".dds"),
            _image("vnd.microsoft.icon", rb"\0\0\x01\0[^\0]\0.{3}\0", ".ico", needs_suffix=True),
            _image(
                "vnd.zbrush.pcx",
                rb"\x0a[\0\x02\x03\x05][\0\x01][\x01\x02\x04\x08]",
                ".pcx",
                needs_suffix=True,
            ),
            _image(
                "x-tga",
                rb".[\0\x01][\x01-\x03\x09-\x0b].{13}[\x01\x08\x0f\x10\x18\x20]",
                ".tga",
                ".icb",
                ".vda",
                ".vst",
                needs_suffix=True,
            ),
        ],
        load=_load_images,
        gives=["picture", "frames", "values"],
        namespaces=["exif", "image", "xmp"],
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
        gives=["picture", "text"],
        namespaces=["text"],
    )
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    odt, is_odt = "application/vnd.oasis.opendocument.text", rb"PK\x03\x04.{26}mimetype" + _ODT
    yield MediaDecoder(
        name="office",
        summary="Word documents and OpenDocument texts",
        formats=[
            _text(word, ".docx", signature=rb"PK\x03\x04", needs_suffix=True),
            _text(odt, ".odt", signature=rb"PK\x03\x04", needs_suffix=True),
            _text(odt, ".odt", signature=is_odt),
        ],
        load=_load_office,
        gives=["picture", "text"],
        namespaces=["text", "office"],
        personal=["office.author", "office.title", "office.subject", "office.keywords"],
    )
    yield MediaDecoder(
        name="svg",
        summary="SVG drawings (resvg)",
        formats=[
            _image("svg+xml", bom + _BEFORE_ROOT + rb"<(?:[A-Za-z_][\w.-]*:)?svg(?=[\s>/])", ".svg"),
            _image(
                "svg+xml",
                bom + rb"<(?:\?xml\s|!--|!DOCTYPE\s+svg).|\xff\xfe<\0|\xfe\xff\0<",
                ".svg",
                needs_suffix=True,
            ),
            _image("svg+xml", rb"\x1f\x8b\x08", ".svgz", needs_suffix=True),
        ],
        requires=["resvg_py"],
        extra="svg",
        load=_load_svg,
        gives=["picture"],
        namespaces=["svg"],
        personal=["svg.title", "svg.description", "svg.text"],
    )
    yield MediaDecoder(
        name="heif",
        summary="HEIC and HEIF (libheif)",
        formats=[
            _image("heic", rb"....ftyp(?:hei[cxms]|hev[cxms])", ".heic"),
            _image("heif", rb"....ftyp(?:mif[12]|msf1|miaf)", ".heif", ".hif"),
        ],
        requires=["pi_heif"],
        extra="images",
        load=_load_heif,
        gives=["picture", "frames", "values"],
        namespaces=["exif", "image", "xmp"],
        personal=_PERSONAL,
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
