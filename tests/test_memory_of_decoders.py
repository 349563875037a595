"""The costliest small file that each decoder accepts takes no more memory than it may; a costlier one is refused, and says why."""

import gzip
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc"),
]

BUDGET, SLACK = 32, 24
"""Megabytes that one picture may take here, and what libraries take when they are first used."""

SCRIPT = """
import json, os, sys
import heron
from heron.media.reader import MediaReader
from heron.media.files import look_at
from heron.hooks.manager import PluginManager
from pathlib import Path

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

with heron.init(sys.argv[1]) as workspace:
    reader = workspace.pictures._files._reader()
    for line in sys.stdin:
        small, path = json.loads(line)
        for place in (small, path):
            child = os.fork() if place == path else 0
            if child:
                os.waitpid(child, 0)
                continue
            file = look_at(Path(place), Path(place).as_uri())
            before = peak()
            try:
                facts = reader.examine(file)
                picture = facts.decoder.picture(file, 64)
                answer = [facts.facts.width, picture is not None]
            except heron.MediaError as error:
                answer = f"{error} ({error.hint})"
            except BaseException as error:
                answer = f"failed: {error!r}"
            if place == path:
                print(json.dumps([answer, peak() - before]), flush=True)
                os._exit(0)
"""
"""Reads a small file of a format, so that its libraries are there, then another one in a fork of its own."""


def pillow(mode, **options):
    return lambda path, side: Image.new(mode, (side, side)).save(path, **options)


def real_tiff(path, side):
    Image.fromarray(np.zeros((side, side), np.float32)).save(path, compression="tiff_lzw")


def deep_png(path, side):
    Image.fromarray(np.zeros((side, side), np.uint16)).save(path)


def planar_tiff(path, side):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(path, np.zeros((3, side, side), np.float32), photometric="rgb", planarconfig="separate",
                     compression="deflate", rowsperstrip=64)  # fmt: skip


def heic(path, side):
    pytest.importorskip("pillow_heif").from_pillow(Image.new("RGB", (side, side))).save(path, quality=10)


def nifti(path, side):
    nibabel = pytest.importorskip("nibabel")
    volume = nibabel.Nifti1Image(np.zeros((side, side, 1), np.int16), np.eye(4))
    path.write_bytes(gzip.compress(volume.to_bytes(), 1))


def dicom(path, side):
    pydicom = pytest.importorskip("pydicom")
    import imagecodecs
    from pydicom.encaps import encapsulate

    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = pydicom.uid.SecondaryCaptureImageStorage, "1.2.3"
    dataset.Modality, dataset.Rows, dataset.Columns = "OT", side, side
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 15, 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = encapsulate(
        [imagecodecs.jpeg2k_encode(np.zeros((side, side), np.uint16), codecformat="j2k", reversible=True)]
    )
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    dataset.save_as(path, enforce_file_format=True)


def video(path, side):
    pytest.importorskip("av")
    from heron_media_video.testing import write_video

    write_video(path, "mjpeg", frames=1, size=(side, side), pixels="yuvj420p")


FORMATS = {
    "a.png": (pillow("RGBA"), 1800, 2400),
    "la.png": (pillow("LA"), 1500, 1900),
    "deep.png": (deep_png, 1500, 1900),
    "palette.png": (pillow("P"), 2300, 3000),
    "a.jpg": (pillow("RGB"), 5600, None),
    "progressive.jpg": (pillow("RGB", progressive=True), 2200, 2700),
    "a.webp": (pillow("RGB"), 1300, 1600),
    "a.avif": (pillow("RGBA", speed=10), 1300, 1700),
    "a.gif": (pillow("P"), 2300, 3000),
    "a.bmp": (pillow("RGB"), 2300, 3000),
    "a.tiff": (real_tiff, 1500, None),
    "planar.tiff": (planar_tiff, 3500, None),
    "a.jp2": (pillow("RGB"), 1300, 1700),
    "a.heic": (heic, 1500, 1800),
    "a.nii.gz": (nifti, 900, 1100),
    "a.dcm": (dicom, 900, 1100),
    "a.avi": (video, 800, 1000),
}  # fmt: skip
"""What draws a file, and the sides of a square that is read, and of one that is refused; TIFF is read reduced instead."""


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    place = tmp_path_factory.mktemp("lake")
    environment = {**os.environ, "HERON_MAX_MEMORY": f"{BUDGET}MB", "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:  # fmt: skip

        def ask(small, path):
            process.stdin.write(json.dumps([str(small), str(path)]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("name", FORMATS)
def test_no_decoder_takes_more_than_it_may(ask, tmp_path, name):
    draw, accepted, refused = FORMATS[name]
    draw(tmp_path / f"small-{name}", 64)
    draw(tmp_path / name, accepted)
    answer, megabytes = ask(tmp_path / f"small-{name}", tmp_path / name)
    assert answer == [accepted, True], answer
    print(f"{name}: {(tmp_path / name).stat().st_size / 1000:,.0f} kB, {megabytes:.0f} of {BUDGET} MB")
    assert megabytes < BUDGET + SLACK
    if refused is not None:
        draw(tmp_path / f"large-{name}", refused)
        answer, megabytes = ask(tmp_path / f"small-{name}", tmp_path / f"large-{name}")
        assert "HERON_MAX_MEMORY" in answer and f"large-{name}" in answer
        assert megabytes < SLACK


def text(path, size):
    path.write_text("a word " * (size // 7))


def document(path, size):
    body = "<w:p><w:r><w:t>a word</w:t></w:r></w:p>"
    whole = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        f"{body * (size // len(body))}</w:body></w:document>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("word/document.xml", whole)


def sound(path, size):
    pytest.importorskip("av")
    from heron_media_video.testing import write_sound

    write_sound(path, "flac", seconds=size / 1000, rate=8000)


def drawing(path, size):
    pytest.importorskip("resvg_py")
    shapes = '<rect width="9" height="9" fill="red"/>' * (size // 40)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="4000">{shapes}</svg>')


def pages(path, size):
    pytest.importorskip("pypdfium2")
    Image.new("L", (size // 400, 400)).save(path, "PDF")


OTHERS = {
    "a.txt": (text, 900_000),
    "a.html": (text, 900_000),
    "a.docx": (document, 30_000_000),
    "a.flac": (sound, 400_000),
    "a.svg": (drawing, 900_000),
    "a.pdf": (pages, 4_000_000),
}
"""What draws a file of formats whose pictures have no size of their own, and how large it is made, in bytes or milliseconds: DOCX half as large as
it may be. PDF and SVG are drawn in processes with a limit of their own; what is measured is that of the reader."""


@pytest.mark.parametrize("name", OTHERS)
def test_documents_and_sounds_take_no_more_than_a_picture_may(ask, tmp_path, name):
    draw, size = OTHERS[name]
    draw(tmp_path / f"small-{name}", 4000)
    draw(tmp_path / name, size)
    assert (tmp_path / name).stat().st_size < 2_000_000
    answer, megabytes = ask(tmp_path / f"small-{name}", tmp_path / name)
    assert answer[1] is True, answer
    assert megabytes < BUDGET + SLACK
