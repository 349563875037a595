"""Reading the headers of 5,000 CT slices in 50 series, beside a pydicom loop and, where it is installed, GDCM's scanner.

Ours looks at each file as an import does and asks the decoder `dicom` what part of which series it is; the loops read
the same elements. All run on one core, warm. The slices have headers of some 3 kB and 512 x 512 pixels of 16 bits,
which are holes in the files, so that all take 40 MB on the disk.
Run: python benchmarks/dicom_headers.py [SLICES]
"""

from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from measure import in_fresh_process, median, table, timed

import heron_media_dicom
from heron.media.files import look_at
from heron_media_dicom.dicom.tags import FACTS

TAGS = [tag.number for tag in FACTS.values()]
SIDE = 512
SERIES = 50


def make_files(directory: Path, count: int) -> None:
    """Slices with the elements of a CT, private ones and sequences among them."""
    for number in range(count):
        series, place = number % SERIES, number // SERIES
        content = BytesIO()
        header(series, place).save_as(content, enforce_file_format=True)
        pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, SIDE * SIDE * 2)
        path = directory / f"{number:05}.dcm"
        path.write_bytes(content.getvalue() + pixels)
        os.truncate(path, path.stat().st_size + SIDE * SIDE * 2)


def header(series: int, place: int) -> Any:
    """The header of one slice."""
    import pydicom

    from heron_media_dicom.dicom.testing import ROOT, ct_slice

    dataset = ct_slice(
        place, rows=SIDE, columns=SIDE, PixelData=None, SpecificCharacterSet="ISO_IR 100",
        SOPInstanceUID=f"{ROOT}.3.{series}.{place}", SeriesInstanceUID=f"{ROOT}.2.{series}",
        StudyInstanceUID=f"{ROOT}.1.{series // 5}", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        PatientName=f"Müller^Jane^{series // 5}", PatientID=f"P{series // 5:05}", PatientBirthDate="19700101",
        PatientSex="F", PatientAge="056Y", PatientWeight="61.5", AccessionNumber=f"A{series}", StudyID="1",
        StudyDate="20260131", StudyTime="081530.250", SeriesDate="20260131", SeriesTime=f"0816{place % 60:02}",
        AcquisitionDate="20260131", AcquisitionTime=f"081{place % 10}00.5", ContentDate="20260131",
        StudyDescription="CT Thorax", SeriesDescription=f"Thorax 1.0 B{series}", ProtocolName="Thorax",
        Manufacturer="Heron Medical", ManufacturerModelName="Finch 64", InstitutionName="St. Elsewhere",
        StationName="CT01", DeviceSerialNumber="4711", SoftwareVersions=["1.2", "3.4"], KVP="120",
        XRayTubeCurrent="170", ExposureTime="500", Exposure="85", ConvolutionKernel="B31f", PatientPosition="HFS",
        BodyPartExamined="CHEST", SliceThickness="1.0", SpacingBetweenSlices="1.0", AcquisitionNumber="2",
        SliceLocation=f"{place}.0", ReconstructionDiameter="350", WindowCenter=["40", "-600"],
        WindowWidth=["400", "1200"], RescaleSlope="1", RescaleIntercept="-1024", RescaleType="HU",
    )  # fmt: skip
    code = pydicom.Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "CTTH", "99HERON", "CT of the thorax"
    dataset.ProcedureCodeSequence = [code]
    dataset.RequestAttributesSequence = [code, code]
    block = dataset.private_block(0x0019, "HERON", create=True)
    for element in range(1, 60):
        block.add_new(element, "LO", f"private value {element} of {place}")
    return dataset


def by_heron(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The facts of each slice, as a part of its series."""
    record = next(iter(heron_media_dicom.register_decoders()))
    decoder: Any = record.load()
    for path in paths:
        yield decoder.part(look_at(path, path.as_uri())).header["dicom"]


def by_pydicom(paths: Sequence[Path]) -> Iterator[Any]:
    """The same elements; pydicom converts values when they are first asked for."""
    import pydicom

    for path in paths:
        yield pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS)


def by_pydicom_with_values(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The same elements, with their values."""
    for dataset in by_pydicom(paths):
        yield {element.keyword: element.value for element in dataset}


def by_gdcm(paths: Sequence[Path]) -> list[Any]:
    """The same elements as texts, by GDCM's scanner."""
    import gdcm

    scanner = gdcm.Scanner()
    for tag in TAGS:
        scanner.AddTag(gdcm.Tag(tag >> 16, tag & 0xFFFF))
    names = [str(path) for path in paths]
    assert scanner.Scan(names)
    return [scanner.GetMapping(name) for name in names]


WORK = {
    "pydicom": by_pydicom,
    "pydicom, with values": by_pydicom_with_values,
    "GDCM scanner": by_gdcm,
    "Heron": by_heron,
}


def check(paths: Sequence[Path]) -> None:
    """Ours are the values of pydicom."""
    for ours, theirs in zip(by_heron(paths), by_pydicom(paths), strict=True):
        assert len(ours) == len(theirs) + len(ours.keys() & {"MediaStorageSOPClassUID", "TransferSyntaxUID"})
        for keyword, value in ours.items():
            expected = (theirs.file_meta if keyword in theirs.file_meta else theirs)[keyword]
            if expected.VR == "DA":
                assert value.replace("-", "") == expected.value
            elif expected.VR == "TM":
                assert value.replace(":", "") == expected.value.partition(".")[0]
            else:
                assert value == expected.value, (keyword, value, expected.value)


def main(count: int, runs: int = 3) -> None:
    """Run all in turn, each in a process of its own."""
    with tempfile.TemporaryDirectory() as directory:
        make_files(Path(directory), count)
        paths = sorted(Path(directory).iterdir())
        check(paths)
        work = [name for name in WORK if name != "GDCM scanner" or find_spec("gdcm")]
        results: dict[str, list[dict[str, float]]] = {name: [] for name in work}
        for _ in range(runs):
            for name in work:
                results[name].append(in_fresh_process(__file__, name, directory))
        mid = {n: {k: median([run[k] for run in found]) for k in found[0]} for n, found in results.items()}
        base = mid["pydicom, with values"]
        table(
            f"Headers of {count:,} CT slices in {SERIES} series, one core",
            ["work", "files/s (wall)", "files per CPU s", "ratio to pydicom with values (wall)", "(CPU)"],
            [
                [
                    name,
                    f"{count / m['wall']:,.0f}",
                    f"{count / m['processor']:,.0f}",
                    f"{base['wall'] / m['wall']:.2f}",
                    f"{base['processor'] / m['processor']:.2f}",
                ]
                for name, m in mid.items()
            ],
        )


def measured(name: str, directory: str) -> None:
    """Time one kind of work, once what it needs is imported, and print it."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    paths = sorted(Path(directory).iterdir())
    for _ in WORK[name](paths[:1]):
        pass
    wall, processor = timed(lambda: sum(1 for _ in WORK[name](paths)))
    print(json.dumps({"wall": wall, "processor": processor}))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measured(*sys.argv[1:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
