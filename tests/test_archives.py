"""Zip archives: which members are read, under which URL, what is refused in one sentence, and that nothing stays open."""

from __future__ import annotations

import os
import random
import struct
import sys
import time
import zipfile
import zlib

import pytest

from heron.errors import MediaError
from heron.media.archives import LARGEST, MEMBERS, ZipMember, member_of, members
from heron.media.files import look_at
from heron.storage.opening import media_file
from heron.testing.checks import descriptors
from tests.toy_media import ToyMedia, scan_bytes


def written(path, contents, compression=zipfile.ZIP_DEFLATED):
    """A zip archive of these names and contents, as the file that a decoder is given."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return look_at(path, path.as_uri())


def names(archive):
    return [found.member if isinstance(found, ZipMember) else str(found) for found in members(archive)]


def read(member):
    with member.open() as stream:
        return stream.read()


# What is read


def test_members_come_in_the_order_of_the_archive_with_their_beginning(tmp_path):
    contents = {"b/2.dcm": b"two" * 1000, "a.dcm": b"one", "b/1.dcm": b"x" * 5000}
    archive = written(tmp_path / "a.zip", contents)
    found = list(members(archive))
    assert [member.member for member in found] == list(contents)
    assert [member.name for member in found] == ["2.dcm", "a.dcm", "1.dcm"]
    assert [member.size for member in found] == [3000, 3, 5000]
    assert [member.head for member in found] == [content[:1024] for content in contents.values()]
    assert [read(member) for member in found] == list(contents.values())
    assert [member.path for member in found] == [None] * 3


def test_folders_hidden_files_and_empty_ones_are_passed_over(tmp_path):
    contents = {"a/": b"", "a/.DS_Store": b"x", "__MACOSX/a/._1.dcm": b"x", "empty.dcm": b"", "a/1.dcm": b"x"}
    assert names(written(tmp_path / "a.zip", contents)) == ["a/1.dcm"]


@pytest.mark.parametrize(
    "name",
    [
        "two words.dcm",
        "a#1?.dcm",
        "100%25.dcm",
        "größe/日本.dcm",
        "a#zip=b.dcm",
        "../../x",
        "/etc/x",
        "c:\\x\\y.dcm",
    ],
)
def test_a_member_of_any_name_is_found_again_by_its_url_and_nothing_is_unpacked(tmp_path, name):
    folder = tmp_path / "a b#zip"
    folder.mkdir()
    before = sorted(tmp_path.parent.rglob("*"))
    archive = written(folder / "ü 1.zip", {"other": b"y", name: b"content"})
    member = list(members(archive))[1]
    assert " " not in member.url
    again = media_file(member.url, None)
    assert (again.url, again.size, again.head, read(again)) == (member.url, 7, b"content", b"content")
    assert sorted(tmp_path.parent.rglob("*")) == sorted([*before, folder / "ü 1.zip"])


def test_a_member_is_seekable_and_can_be_opened_often(tmp_path):
    content = random.Random(1).randbytes(100_000)
    [member] = members(written(tmp_path / "a.zip", {"a": content}))
    with member.open() as first, member.open() as second:
        assert first.read(10) == content[:10]
        assert second.seek(90_000) == 90_000
        assert second.read() == content[90_000:]
        assert (first.seek(-5, os.SEEK_END), first.read(), first.tell()) == (99_995, content[-5:], 100_000)
        assert (first.seek(3), first.read(4)) == (3, content[3:7])
        assert first.read(0) == b""


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_compression_that_python_knows_is_read(tmp_path, compression):
    [member] = members(written(tmp_path / "a.zip", {"a": b"words " * 1000}, compression))
    assert read(member) == b"words " * 1000


def test_nothing_stays_open(tmp_path):
    archive = written(tmp_path / "a.zip", {f"{n}": random.Random(n).randbytes(5000) for n in range(5)})
    found = members(archive)
    first = next(found)
    stream = first.open()
    assert descriptors(tmp_path / "a.zip") or sys.platform != "linux"
    stream.close()
    found.close()
    assert not descriptors(tmp_path / "a.zip")
    with first.open() as stream:
        assert stream.read() == random.Random(0).randbytes(5000), "the archive is opened anew"
    read(member_of(archive, first.url))
    with pytest.raises(MediaError, match=r"nowhere in a\.zip is not there any more"):
        member_of(archive, f"{archive.url}#zip=nowhere")
    assert not descriptors(tmp_path / "a.zip")


# What is refused


def patched(path, mark, offset, value):
    """Write bytes behind each place where a mark stands in a file."""
    data = bytearray(path.read_bytes())
    place = -1
    while (place := data.find(mark, place + 1)) >= 0:
        data[place + offset : place + offset + len(value)] = value
    path.write_bytes(data)
    return look_at(path, path.as_uri())


def test_an_encrypted_member_is_an_error_in_its_place(tmp_path):
    written(tmp_path / "a.zip", {"a": b"x", "b": b"y"})
    archive = patched(tmp_path / "a.zip", b"PK\x01\x02", 8, b"\x01\x00")
    assert names(archive) == [
        f"{name} in a.zip is encrypted (unpack the archive and import the folder)" for name in "ab"
    ]


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(tmp_path):
    written(tmp_path / "a.zip", {"bomb": b"\0" * 1000, "good": b"x" * 50})
    data = (tmp_path / "a.zip").read_bytes()
    first = data.index(b"PK\x01\x02")
    claimed = data[: first + 24] + struct.pack("<I", 900_000_000) + data[first + 28 :]
    (tmp_path / "a.zip").write_bytes(claimed)
    archive = look_at(tmp_path / "a.zip", "file:///a.zip")
    assert names(archive) == ["bomb in a.zip is refused as a decompression bomb: 900,000,000 bytes", "good"]


def test_a_member_of_more_than_the_limit_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("large")
        archive.writestr(info, b"x" * 100)
        info.file_size = info.compress_size = LARGEST + 1
    assert names(look_at(tmp_path / "a.zip", "file:///a.zip")) == [
        f"large in a.zip is refused as a decompression bomb: {LARGEST + 1:,} bytes"
    ]


@pytest.mark.slow
def test_200_000_members_are_refused_in_seconds(tmp_path):
    central = bytearray()
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 1, 1, 1, 0) + b"ax"
    for number in range(200_000):
        name = b"%06d" % number
        central += (
            struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 1, 1, 6, 0, 0, 0, 0, 0, 0) + name
        )
    end64 = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 200_000, 200_000, len(central), len(local)
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(local) + len(central), 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(central), len(local), 0)
    (tmp_path / "a.zip").write_bytes(local + central + end64 + locator + end)
    start = time.process_time()
    with pytest.raises(MediaError, match=f"holds 200,000 files, at most {MEMBERS:,} are read"):
        next(members(look_at(tmp_path / "a.zip", "file:///a.zip")))
    assert time.process_time() - start < 60, "it takes one second"


def test_members_that_overlap_are_refused_or_read_and_nothing_else(tmp_path):
    """Many entries of a directory that lead to one member, as a bomb of quadratic size does."""
    written(tmp_path / "a.zip", {"a": zlib.compress(b"x" * 5000)})
    data = (tmp_path / "a.zip").read_bytes()
    first, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entries = data[first:end] * 500
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 500, 500, len(entries), first, 0)
    (tmp_path / "a.zip").write_bytes(data[:first] + entries + tail)
    found = list(members(look_at(tmp_path / "a.zip", "file:///a.zip")))
    assert len(found) == 500
    assert all(isinstance(member, ZipMember | MediaError) for member in found)


NO_ZIP = {
    "is cut": lambda data: data[: len(data) // 2],
    "has no directory": lambda data: data[: data.index(b"PK\x01\x02")],
    "is a mark alone": lambda data: b"PK\x03\x04" + bytes(50),
    "has a directory of garbage": lambda data: data[: data.index(b"PK\x01\x02")] + b"PK\x01\x02" + bytes(80),
}


@pytest.mark.parametrize("what", NO_ZIP)
def test_what_is_no_sound_archive_is_refused_in_one_sentence(tmp_path, what):
    written(tmp_path / "a.zip", {"a": b"x" * 3000, "b": b"y" * 3000})
    (tmp_path / "a.zip").write_bytes(NO_ZIP[what]((tmp_path / "a.zip").read_bytes()))
    with pytest.raises(MediaError, match=r"^a\.zip cannot be unpacked: [^\n]+$"):
        list(members(look_at(tmp_path / "a.zip", "file:///a.zip")))
    assert not descriptors(tmp_path / "a.zip")


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_garbled_archives_give_their_members_or_media_errors(tmp_path, compression):
    contents = {f"{number}.dcm": random.Random(number).randbytes(300) + bytes(900) for number in range(4)}
    written(tmp_path / "a.zip", contents, compression)
    data, chance = (tmp_path / "a.zip").read_bytes(), random.Random(7)
    refused = 0
    for _ in range(300):
        garbled = bytearray(data)
        for _ in range(chance.randint(1, 12)):
            garbled[chance.randrange(len(data))] = chance.randrange(256)
        (tmp_path / "b.zip").write_bytes(garbled)
        try:
            for member in members(look_at(tmp_path / "b.zip", "file:///b.zip")):
                if isinstance(member, MediaError):
                    raise member
                assert len(read(member)) <= LARGEST
        except MediaError as error:
            refused += 1
            assert "b.zip" in str(error)
            assert len(str(error).splitlines()) == 1
    assert refused > 50
    assert not descriptors(tmp_path / "b.zip")


# Imports


@pytest.fixture
def plugins():
    return [ToyMedia()]


def test_an_archive_in_an_archive_is_not_looked_into(workspace, tmp_path):
    written(tmp_path / "inner.zip", {"1.scan": scan_bytes("S")})
    contents = {"inner.zip": (tmp_path / "inner.zip").read_bytes(), "2.scan": scan_bytes("S", 1)}
    written(tmp_path / "outer.zip", contents)
    report = workspace.ingest.files([tmp_path / "outer.zip"], folder="A")
    [item] = workspace.items.list()
    assert [member.url.rpartition("=")[2] for member in workspace.items.members(item)] == ["2.scan"]
    assert [problem.reason for problem in report.problems] == [
        "outer.zip: 1 files in it that are not parts of series were skipped"
    ]


def test_an_archive_without_series_is_an_item_and_says_what_could_not_be_read(workspace, tmp_path):
    written(tmp_path / "plain.zip", {"a.txt": b"words"})
    written(tmp_path / "secret.zip", {"1.scan": scan_bytes("S")})
    patched(tmp_path / "secret.zip", b"PK\x01\x02", 8, b"\x01\x00")
    written(tmp_path / "x-cut.zip", {"1.scan": scan_bytes("S")})
    (tmp_path / "x-cut.zip").write_bytes((tmp_path / "x-cut.zip").read_bytes()[:50])
    sources = sorted(tmp_path.glob("*.zip"))
    report = workspace.ingest.files(sources, folder="A", ignore_errors=True)
    assert [(item.name, item.kind) for item in workspace.items.list()] == [
        ("plain.zip", "other"), ("secret.zip", "other"), ("x-cut.zip", "other"),
    ]  # fmt: skip
    told = [(problem.severity, problem.reason) for problem in report.problems]
    known = "no known format, catalogued by its name and size alone"
    assert told == [
        ("warning", f"plain.zip: {known}"),
        ("warning", f"secret.zip: {known}"),
        ("warning", "1.scan in secret.zip is encrypted (unpack the archive and import the folder)"),
        ("warning", f"x-cut.zip: {known}"),
        ("warning", "x-cut.zip cannot be unpacked: File is not a zip file"),
    ]


@pytest.mark.parametrize("fault", ["broken", "crash"])
def test_a_member_that_cannot_be_read_costs_no_other(workspace, tmp_path, fault):
    contents = {f"{n}.scan": scan_bytes("S", n, **({"fault": fault} if n == 1 else {})) for n in range(3)}
    written(tmp_path / "a.zip", contents)
    report = workspace.ingest.files([tmp_path / "a.zip"], folder="A")
    [item] = workspace.items.list()
    assert item.facts.frame_count == 2
    assert report.problems[0].severity == "warning"
    assert "1.scan" in report.problems[0].reason
    assert "ZeroDivisionError" in report.problems[0].reason or fault == "broken"
