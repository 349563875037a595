"""The elements of a DICOM header that are read: tag, value representation, keyword, and whether it is personal."""

from __future__ import annotations

import struct
from typing import NamedTuple

_TABLE = """
0010,0010 PN PatientName personal
0010,0020 LO PatientID personal
0010,0021 LO IssuerOfPatientID personal
0010,0030 DA PatientBirthDate personal
0010,0040 CS PatientSex personal
0010,1000 LO OtherPatientIDs personal
0010,1001 PN OtherPatientNames personal
0010,1010 AS PatientAge personal
0010,1020 DS PatientSize personal
0010,1030 DS PatientWeight personal
0010,2160 SH EthnicGroup personal
0010,21C0 US PregnancyStatus personal
0010,2201 LO PatientSpeciesDescription personal
0010,2292 LO PatientBreedDescription personal
0010,2297 PN ResponsiblePerson personal
0010,4000 LT PatientComments personal
0012,0062 CS PatientIdentityRemoved
0012,0063 LO DeidentificationMethod

0020,000D UI StudyInstanceUID
0008,0020 DA StudyDate
0008,0030 TM StudyTime
0020,0010 SH StudyID personal
0008,1030 LO StudyDescription personal
0008,0050 SH AccessionNumber personal
0008,0090 PN ReferringPhysicianName personal
0008,1048 PN PhysiciansOfRecord personal
0008,1060 PN NameOfPhysiciansReadingStudy personal
0008,1080 LO AdmittingDiagnosesDescription personal
0032,1032 PN RequestingPhysician personal
0032,1060 LO RequestedProcedureDescription personal

0020,000E UI SeriesInstanceUID
0008,0060 CS Modality
0020,0011 IS SeriesNumber
0008,0021 DA SeriesDate
0008,0031 TM SeriesTime
0008,103E LO SeriesDescription personal
0018,0015 CS BodyPartExamined
0018,1030 LO ProtocolName personal
0020,0060 CS Laterality
0018,5100 CS PatientPosition
0008,1050 PN PerformingPhysicianName personal
0008,1070 PN OperatorsName personal
0040,0254 LO PerformedProcedureStepDescription personal

0008,0070 LO Manufacturer
0008,1090 LO ManufacturerModelName
0008,0080 LO InstitutionName personal
0008,0081 ST InstitutionAddress personal
0008,1040 LO InstitutionalDepartmentName personal
0008,1010 SH StationName personal
0018,1000 LO DeviceSerialNumber personal
0018,1020 LO SoftwareVersions
0018,0087 DS MagneticFieldStrength
0018,700A SH DetectorID personal
0018,1008 LO GantryID personal

0008,002A DT AcquisitionDateTime
0008,0022 DA AcquisitionDate
0008,0032 TM AcquisitionTime
0008,0023 DA ContentDate
0008,0033 TM ContentTime
0008,0201 SH TimezoneOffsetFromUTC personal
0020,0012 IS AcquisitionNumber
0018,0060 DS KVP
0018,1151 IS XRayTubeCurrent
0018,1150 IS ExposureTime
0018,1152 IS Exposure
0018,1210 SH ConvolutionKernel
0018,1120 DS GantryDetectorTilt
0018,0020 CS ScanningSequence
0018,0021 CS SequenceVariant
0018,0023 CS MRAcquisitionType
0018,0024 SH SequenceName
0018,0080 DS RepetitionTime
0018,0081 DS EchoTime
0018,0086 IS EchoNumbers
0018,0082 DS InversionTime
0018,1314 DS FlipAngle
0018,0010 LO ContrastBolusAgent personal
0018,5101 CS ViewPosition
0018,1060 DS TriggerTime
0020,0100 IS TemporalPositionIdentifier
0020,0105 IS NumberOfTemporalPositions
0018,1063 DS FrameTime
0018,0040 IS CineRate
0008,2144 IS RecommendedDisplayFrameRate

0028,0010 US Rows
0028,0011 US Columns
0028,0008 IS NumberOfFrames
0028,0030 DS PixelSpacing
0018,1164 DS ImagerPixelSpacing
0028,0034 IS PixelAspectRatio
0018,0050 DS SliceThickness
0018,0088 DS SpacingBetweenSlices
0020,1041 DS SliceLocation
0020,0037 DS ImageOrientationPatient
0020,0032 DS ImagePositionPatient
0020,0020 CS PatientOrientation
0020,0052 UI FrameOfReferenceUID
0018,1100 DS ReconstructionDiameter

0002,0002 UI MediaStorageSOPClassUID
0002,0010 UI TransferSyntaxUID
0008,0016 UI SOPClassUID
0008,0018 UI SOPInstanceUID
0020,0013 IS InstanceNumber
0008,0008 CS ImageType
0020,0062 CS ImageLaterality
0008,0005 CS SpecificCharacterSet
0028,0004 CS PhotometricInterpretation
0028,0002 US SamplesPerPixel
0028,0006 US PlanarConfiguration
0028,0100 US BitsAllocated
0028,0101 US BitsStored
0028,0103 US PixelRepresentation
0028,1053 DS RescaleSlope
0028,1052 DS RescaleIntercept
0028,1054 LO RescaleType
0028,1050 DS WindowCenter
0028,1051 DS WindowWidth
0028,1055 LO WindowCenterWidthExplanation
0028,1056 CS VOILUTFunction
0028,0301 CS BurnedInAnnotation
0028,2110 CS LossyImageCompression
0028,2112 DS LossyImageCompressionRatio
0028,2114 CS LossyImageCompressionMethod
0008,2111 ST DerivationDescription personal
0020,4000 LT ImageComments personal
0054,1001 CS Units
"""


class Tag(NamedTuple):
    """One element: its number, its value representation (PS3.6), its keyword, and whether it is personal."""

    number: int
    vr: bytes
    keyword: str
    personal: bool


def tag_bytes(number: int) -> bytes:
    """A tag as it is written in a little endian file: group, then element."""
    return struct.pack("<HH", number >> 16, number & 0xFFFF)


def tag_number(tag: bytes) -> int:
    """The number of a tag; the inverse of `tag_bytes`."""
    group, element = struct.unpack("<HH", tag)
    return int(group) << 16 | int(element)


def _parsed(line: str) -> Tag:
    number, vr, keyword, *personal = line.split()
    return Tag(int(number.replace(",", ""), 16), vr.encode(), keyword, bool(personal))


FRAME_TIME_VECTOR = tag_bytes(0x00181065)
"""The times between frames in milliseconds; read, but too long to be a fact."""

FACTS = {tag_bytes(tag.number): tag for tag in map(_parsed, filter(None, _TABLE.splitlines()))}
"""The elements that become facts, by their tag as it is written in a little endian file."""

READ = {**FACTS, FRAME_TIME_VECTOR: Tag(0x00181065, b"DS", "FrameTimeVector", False)}
"""All elements that are read."""

SHARED_GROUPS, FRAME_GROUPS = tag_bytes(0x52009229), tag_bytes(0x52009230)
"""The sequences with the geometry and windows of enhanced objects: shared, and for each frame (PS3.3 C.7.6.16)."""

TABLES = tuple(
    tag_bytes(0x00280000 + element)
    for element in (0x1101, 0x1102, 0x1103, 0x1201, 0x1202, 0x1203, 0x1221, 0x1222, 0x1223, 0x3000, 0x3010)
)
"""Palettes, and the sequences of modality and VOI LUTs (PS3.3 C.7.6.3.1, C.11)."""

MARKED = frozenset((SHARED_GROUPS, FRAME_GROUPS, *TABLES))
"""Elements of which only the position is kept; they are read when they are needed."""

PERSONAL = [f"dicom.{tag.keyword}" for tag in FACTS.values() if tag.personal]
"""Facts that reveal a person or a place of care: those of the patient module, and those that the basic profile of
PS3.15 Annex E removes or replaces, except UIDs and all dates and times but the date of birth."""
