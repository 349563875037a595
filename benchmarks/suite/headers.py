"""Reading the headers of CT slices, beside pydicom and GDCM's scanner."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks.house.measuring import on_one_core, peak_memory, timed
from benchmarks.house.shape import Benchmark, Cases, Job, Step, way

SIDE = 512
SERIES = 50


def make_files(stage: Path, size: int) -> None:
    """Slices with the elements of a CT, private ones and sequences among them; their pixels are holes in the files."""
    for number in range(size):
        series, place = number % SERIES, number // SERIES
        content = BytesIO()
        header(series, place).save_as(content, enforce_file_format=True)
        pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, SIDE * SIDE * 2)
        path = stage / f"{number:05}.dcm"
        path.write_bytes(content.getvalue() + pixels)
        os.truncate(path, path.stat().st_size + SIDE * SIDE * 2)
    check(sorted(stage.iterdir()))


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


def tags() -> list[int]:
    """The elements that Heron keeps as facts."""
    from heron_media_dicom.dicom.tags import FACTS

    return [tag.number for tag in FACTS.values()]


def by_heron(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The facts of each slice, as a part of its series."""
    import heron_media_dicom
    from heron.media.files import look_at

    record = next(iter(heron_media_dicom.register_decoders()))
    decoder: Any = record.load()
    for path in paths:
        yield decoder.part(look_at(path, path.as_uri())).header["dicom"]


def by_pydicom(paths: Sequence[Path]) -> Iterator[Any]:
    """The same elements; pydicom converts values when they are first asked for."""
    import pydicom

    wanted = tags()
    for path in paths:
        yield pydicom.dcmread(path, stop_before_pixels=True, specific_tags=wanted)


def by_pydicom_with_values(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The same elements, with their values."""
    for dataset in by_pydicom(paths):
        yield {element.keyword: element.value for element in dataset}


def by_gdcm(paths: Sequence[Path]) -> list[Any]:
    """The same elements as texts, by GDCM's scanner."""
    import gdcm

    scanner = gdcm.Scanner()
    for tag in tags():
        scanner.AddTag(gdcm.Tag(tag >> 16, tag & 0xFFFF))
    names = [str(path) for path in paths]
    assert scanner.Scan(names)
    return [scanner.GetMapping(name) for name in names]


def check(paths: Sequence[Path]) -> None:
    """Heron's values are those of pydicom."""
    for ours, theirs in zip(by_heron(paths), by_pydicom(paths), strict=True):
        assert len(ours) == len(theirs) + len(ours.keys() & {"MediaStorageSOPClassUID", "TransferSyntaxUID"})
        for keyword, value in ours.items():
            expected = (theirs.file_meta if keyword in theirs.file_meta else theirs)[keyword]
            if expected.VR == "DA":
                assert value.replace("-", "") == expected.value
            elif expected.VR == "TM":
                whole, _, fraction = expected.value.partition(".")
                assert value.replace(":", "") in (whole, f"{whole}.{fraction:0<6}"), (
                    keyword,
                    value,
                    expected.value,
                )
            else:
                assert value == expected.value, (keyword, value, expected.value)


def reading(work: Callable[[Sequence[Path]], Iterable[Any]]) -> Step:
    """All headers on one core, after a first one."""

    def step(job: Job) -> Cases:
        on_one_core()
        paths = sorted(job.stage.iterdir())
        for _ in work(paths[:1]):
            pass
        took = timed(lambda: sum(1 for _ in work(paths)))
        return {"": {**took, "count": len(paths), "memory": peak_memory()}}

    return step


BENCHMARK = Benchmark(
    name="headers",
    title="Headers of {size} CT slices in 50 series",
    unit="files",
    about="""
Heron looks at each file as an import does and asks the decoder `dicom` what part of which series it is; the loops read the same
elements. All run on one core, warm; the headers have some 3 kB. The values of all slices are checked to equal pydicom's.
Target: at least five times pydicom.
""",
    prepare=make_files,
    ways=(
        way("Heron", reading(by_heron)),
        way("pydicom", reading(by_pydicom)),
        way("pydicom, with values", reading(by_pydicom_with_values)),
        way("GDCM scanner", reading(by_gdcm), needs=("gdcm",)),
    ),
    references={"": "pydicom, with values"},
    sizes={"tiny": 10, "small": 500, "full": 5_000},
)
