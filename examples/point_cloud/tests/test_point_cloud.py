"""The decoder keeps Heron's contract, and its kind and facts are found."""

import struct

import heron_point_cloud
import pytest

import heron
from heron.testing import DecoderContract

HEADER = "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 3\nHEIGHT 1\nPOINTS 3\nDATA {}\n"


def write(folder):
    (folder / "text.pcd").write_text(HEADER.format("ascii") + "0 0 0\n1 2 3\n4 4 nan\n")
    packed = b"".join(struct.pack("<3f", *point) for point in ((0, 0, 0), (1, 2, 3), (4, 4, 4)))
    (folder / "binary.pcd").write_bytes(HEADER.format("binary").encode() + packed)
    return [folder / "text.pcd", folder / "binary.pcd"]


class TestPcd(DecoderContract):
    decoder = next(iter(heron_point_cloud.register_decoders()))

    @pytest.fixture
    def good_files(self, tmp_path):
        text, binary = write(tmp_path)
        return {
            text: {"extra": {"pcd": {"points": 3, "data": "ascii"}}},
            binary: {"extra": {"pcd": {"data": "binary"}}},
        }


def test_clouds_are_found_by_their_kind_and_points(tmp_path):
    write(tmp_path)
    with heron.open(tmp_path, plugins=[heron_point_cloud], discover=False) as workspace:
        workspace.ingest.files(write(tmp_path), folder="Clouds", thumbnails=True)
        assert workspace.search.count(where="kind = 'point_cloud' AND pcd.points = 3") == 2
