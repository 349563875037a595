"""Manifests as streams: files that are no JSON or end too early, JSONL line by line, and what that costs."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron import InvalidInput, NotFound, json_stream
from heron.ingest.manifest.entries import Entries
from heron.ingest.manifest.reading import Manifest
from heron.metadata.schema import Schema
from heron.models import MAX_METADATA

GOOD = {"objectUrl": "s3://lake/good.jpg", "imageMetadata": {"width": 3, "height": 2}}
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture
def load(workspace, tmp_path):
    """Import a manifest of this content with errors ignored; returns the report."""

    def load(content, name="manifest.json", **options):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return workspace.ingest.manifest(file, **{"folder": "A", "ignore_errors": True} | options)

    return load


def faults(workspace, report):
    return {problem.place: problem.reason for problem in workspace.imports.problems(report.job)}


def manifest(path):
    """A manifest by itself, without a catalogue."""
    return Manifest(path, Entries(lambda url: url, lambda name: None), Schema(lambda: {}))


def units(content, name="m.json", chunk=None):
    """The units of a manifest of this content, and the error that its end was, if any."""
    before, json_stream.CHUNK = json_stream.CHUNK, chunk or json_stream.CHUNK
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        try:
            for unit in manifest(path).units():
                found.append(unit)
        except InvalidInput as error:
            return found, error
        finally:
            json_stream.CHUNK = before
    return found, None


# Whole files


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1, column 1: it ends too early (expected an object or an array)"),
        (" \n\n", "line 3, column 1: it ends too early"),
        ("null", "line 1, column 1: expected an object or an array"),
        ("objectUrl,title\n", "line 1, column 1: expected an object or an array"),
        (json.dumps({"images": [GOOD]}).encode("utf-16"), "is not UTF-8 text"),
        (json.dumps({"images": [GOOD]}).encode("utf-16-le"), "line 1, column 2: expected a key in double quotes"),
        (b'{"images": [{"title": "\xe9"}]}', "is not UTF-8 text"),
        ('{"images": [{"objectUrl": "s3://a", "metadata": {"a": NaN}}]}', "NaN is not a JSON number"),
        ('{"images": [{"objectUrl": "s3://a", "metadata": {"a": -Infinity}}]}', "-Infinity is not a JSON number"),
        ('{"images": [{"metadata": {"a": %s}}]}' % ("9" * 5000), "line 1, column 13: a number has too many digits"),
        (DEEP, "line 1, column 2: nested too deeply"),
        ('{"images": [{"objectUrl": "s3://a", "imageMetadata": {}},]}', "line 1, column 58: Expecting value"),
        ('{"images": [{"objectUrl": \'s3://a\'}]}', "line 1, column 27: Expecting value"),
        ('{"images": [],\n "videos": [ {"objectUrl": "s3://a" "title"}]}', "line 2, column 37: Expecting ',' delim"),
        ('{"images": [{"title": "a\nb"}]}', "line 1, column 25: Invalid control character"),
        ('{"images": []} {"videos": []}', "line 1, column 16: unexpected text after the end"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_file_that_is_no_json_is_refused_with_line_and_column(workspace, load, content, said):
    with pytest.raises(InvalidInput) as refusal:
        load(content, ignore_errors=False)
    assert said in str(refusal.value) and "manifest.json" in str(refusal.value)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 300
    assert list(workspace.items.list()) == []
    [job] = workspace.imports.list()
    assert (job.state, job.added, job.failed) == ("failed", 0, 1)
    [problem] = workspace.imports.problems(job)
    assert said in problem.reason


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"images": [], "videos": []}', '{"image_groups": null}', " [ ] "]
)
def test_a_manifest_of_nothing_imports_nothing(load, content):
    report = load(content)
    assert (report.added, report.failed, report.job.state) == (0, 0, "done")


def test_a_byte_order_mark_and_odd_blanks_do_no_harm(workspace, load):
    text = json.dumps({"images": [GOOD, GOOD]}, indent=9).replace("\n", "\r\n\t")
    assert load(b"\xef\xbb\xbf" + text.encode()).added == 2


def test_a_fault_after_many_entries_has_its_own_line_and_column(monkeypatch, tmp_path):
    monkeypatch.setattr(json_stream, "CHUNK", 64)
    lines = ['{"images": [', *[json.dumps(GOOD) + "," for _ in range(300)], '  {"objectUrl": nothing}]}']
    path = tmp_path / "m.json"
    for text, place in [("\n".join(lines), "line 302, column 17"), ("".join(lines), "line 1, column ")]:
        path.write_text(text)
        with pytest.raises(InvalidInput) as refusal:
            list(manifest(path).units())
        column = text.index("nothing") + 1 if "\n" not in text else ""
        assert f"{place}{column}: Expecting value" in str(refusal.value)


def test_a_broken_entry_at_the_beginning_is_told_without_reading_the_rest(tmp_path):
    path = tmp_path / "m.json"
    with path.open("wb") as stream:
        stream.write(b'{"images": [{"objectUrl" "s3://a"}, ')
        stream.truncate(20 << 20)
    source = manifest(path)
    read = source.units()
    with pytest.raises(InvalidInput, match=r"line 1, column 26: Expecting ':' delimiter"):
        next(read)
    with path.open("rb") as stream:
        read = json_stream.elements(stream, "m.json")
        with pytest.raises(InvalidInput):
            next(read)
        assert stream.tell() <= 2 * json_stream.CHUNK


def test_an_entry_beyond_ten_megabytes_stands_amid_good_ones(workspace, load):
    large = {**GOOD, "clientMetadata": {"a": "x" * (MAX_METADATA + 1 - len('{"a":""}'))}}
    report = load(json.dumps({"images": [GOOD, large, GOOD]}))
    assert (report.added, report.failed) == (2, 1)
    assert "10,485,761 bytes, at most 10,485,760" in faults(workspace, report)["$.images[1]"]


@pytest.mark.parametrize("name", ["manifest.txt", "manifest", "manifest.json.bz2", "manifest.gz"])
def test_a_file_of_another_ending_is_refused_and_the_endings_are_named(load, name):
    with pytest.raises(InvalidInput, match=r"a manifest ends with \.json, \.jsonl, \.ndjson, \.csv"):
        load("{}", name)


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv"])
def test_a_manifest_that_is_not_there_or_a_folder_leaves_no_job(workspace, tmp_path, suffix):
    (tmp_path / f"folder.{suffix}").mkdir()
    for name in ("gone", "folder"):
        with pytest.raises(NotFound, match=rf"{name}\.{suffix} cannot be read"):
            workspace.ingest.manifest(tmp_path / f"{name}.{suffix}", folder="A")
    assert workspace.imports.list() == [] and workspace.folders.list() == []


# JSONL


def test_jsonl_has_an_entry_of_any_kind_in_each_line(workspace, load):
    lines = [
        {**GOOD, "kind": "image"}, {"object_url": "s3://lake/v", "kind": "videos", "video_metadata": {}}, {
            "images": ["s3://lake/0", "s3://lake/1"], "type": "image_groups", "imageMetadata": {}},
        {"dicomFiles": ["s3://lake/d"], "kind": "dicomSeries", "dicomMetadata": {}},
    ]  # fmt: skip
    text = "\ufeff" + "\n\r\n  \n".join(map(json.dumps, lines))
    assert load(text, "manifest.jsonl").failed == 0
    assert load(text, "manifest.ndjson", folder="B").added == 4
    kinds = [item.kind for item in workspace.items.list(folder="A")]
    assert kinds == ["image", "video", "image_group", "dicom"]


@pytest.mark.parametrize("name", ["m.json", "m.json.gz", "m.jsonl.gz"])
def test_lines_are_read_under_the_name_of_json_and_packed(workspace, load, name):
    lines = [{**GOOD, "title": "a"}, {"kind": "image_group", "images": ["s3://l/0"], "imageMetadata": {}}, {"upsert_metadata": True}]  # fmt: skip
    for number, some in enumerate(
        [lines, lines[::-1], lines[:1], [lines[1], lines[0]], [{**GOOD, "title": "a"}, {}]]
    ):
        text = "\ufeff" + "\n\n".join(map(json.dumps, some))
        report = load(
            gzip.compress(text.encode()) if name.endswith(".gz") else text, name, folder=f"F{number}"
        )
        faulty = sum(entry == {} for entry in some)
        assert (report.added, report.failed) == (
            sum("upsert" not in str(one) for one in some) - faulty,
            faulty,
        )
        assert all(found.place.startswith("line ") for found in workspace.imports.problems(report.job))


def test_documents_of_json_one_after_the_other_are_not_taken_for_entries(load):
    with pytest.raises(InvalidInput, match="line 2, column 1: unexpected text after the end"):
        load(json.dumps({"images": [GOOD]}) + "\n" + json.dumps({"images": [GOOD]}))
    assert load(json.dumps({"url": "https://made.here", "type": "image", "images": [GOOD, GOOD]})).added == 2


def test_each_broken_line_fails_alone_with_its_number(workspace, load):
    good = json.dumps(GOOD)
    lines = ["{", good, "[]", "5", "{}", good + good, '{"metadata": {"a": NaN}}', DEEP, "9" * 5000, good[:-3]]
    report = load(
        "\n".join(lines).encode() + b'\n{"title": "\xe9"}\n' + good.encode("utf-16"), "manifest.jsonl"
    )
    told = faults(workspace, report)
    assert report.added == 1
    said = {
        "line 1": "not valid JSON: column 2: Expecting property name",
        "line 3": "expected an object, got []",
        "line 4": "expected an object, got 5",
        "line 5": "line 5.objectUrl: a value is missing",
        "line 6": f"not valid JSON: column {len(good) + 1}: unexpected text after the end",
        "line 7": "not valid JSON: NaN is not a JSON number",
        "line 8": "not valid JSON: nested too deeply",
        "line 9": "not valid JSON: a number has too many digits",
        "line 10": "not valid JSON: column ",
        "line 11": "not UTF-8 text",
        "line 12": "not UTF-8 text",
    }
    assert told.keys() == said.keys()
    assert [place for place in said if said[place] not in told[place]] == []


def test_numbers_that_no_catalogue_can_keep_are_not_changed_silently(workspace, load):
    line = '{"objectUrl": "s3://a.jpg", "imageMetadata": {}, "metadata": {"n": %s}}'
    report = load("\n".join([line % 2**64, line % (2**63 - 1)]), "manifest.jsonl")
    assert "Integer exceeds 64-bit range" in faults(workspace, report)["line 1"]
    assert [item.metadata for item in workspace.items.list()] == [{"n": 2**63 - 1}]


# Cut anywhere

ENTRY = st.fixed_dictionaries(
    {"objectUrl": st.just("s3://lake/a.jpg"), "imageMetadata": st.just({})},
    optional={"title": st.text(st.characters(exclude_categories=["Cs"]), min_size=1), "metadata": st.dictionaries(
        st.text("ab\\\"\u00e9\U0001f426", min_size=1), st.integers(-(2**60), 2**60) | st.text("{}[],\"\\") | st.none() | st.booleans())},
)  # fmt: skip
ARRAYS = st.dictionaries(st.sampled_from(["images", "video", "Audio", "pdfs"]), st.lists(ENTRY, max_size=4))


@pytest.mark.slow
@given(ARRAYS, st.integers(1, 60), st.sampled_from([None, 0, 40]), st.booleans())
def test_chunks_of_any_size_give_the_same_units(arrays, chunk, indent, is_ascii):
    content = json.dumps(arrays, indent=indent, ensure_ascii=is_ascii).encode()
    found, error = units(content, chunk=chunk)
    assert error is None
    assert [unit.place for unit in found] == [f"$.{a}[{n}]" for a in arrays for n in range(len(arrays[a]))]
    assert [unit.problem for unit in found] == [None] * len(found)
    expected = [entry.get("metadata") for entries in arrays.values() for entry in entries]
    assert [unit.metadata for unit in found] == expected


@pytest.mark.slow
@given(ARRAYS, st.integers(1, 60), st.data())
def test_a_manifest_cut_anywhere_gives_what_came_before_and_then_says_so(arrays, chunk, draw):
    content = json.dumps(arrays, ensure_ascii=False).encode()
    whole, _ = units(content)
    cut = draw.draw(st.integers(0, len(content) - 1))
    found, error = units(content[:cut], chunk=chunk)
    assert found == whole[: len(found)]
    assert error is not None
    assert "it ends too early" in str(error) or "not UTF-8 text" in str(error)


@pytest.mark.slow
@given(st.lists(ENTRY, min_size=1, max_size=5), st.data())
def test_jsonl_cut_anywhere_loses_one_line_at_most(entries, draw):
    content = "\n".join(json.dumps({"kind": "image", **entry}) for entry in entries).encode()
    whole, _ = units(content, "m.jsonl")
    cut = draw.draw(st.integers(0, len(content)))
    found, error = units(content[:cut], "m.jsonl")
    complete = content[:cut].count(b"\n") + (cut == len(content) or content[cut : cut + 1] == b"\n")
    assert error is None
    assert found[:complete] == whole[:complete]
    assert [unit.problem is not None for unit in found[complete:]] in ([], [True])
