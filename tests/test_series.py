"""Series: parts of them wait until an import has seen all its files, then each series becomes one item."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

import heron
from heron.catalog.full_text import SPACED, spaced
from heron.catalog.series import SERIES_MARK, FoundPart, SeriesStore
from heron.ingest.series import SeriesParts
from heron.ingest.units import Outcome, Unit
from tests.counting import steps
from tests.toy_media import ScanDecoder, ToyMedia, scan, scan_bytes

ROOT = Path(__file__).parent.parent


@pytest.fixture
def plugins():
    return [ToyMedia()]


@pytest.fixture
def ward(tmp_path):
    """Two series of three files each, mixed over two folders in no order, and a scan that stands alone."""
    for position in (2, 0, 1):
        scan(
            tmp_path / "ward" / f"{'ab'[position % 2]}" / f"x{position}.scan",
            "1.2.3",
            position,
            patient="Ada",
        )
        scan(tmp_path / "ward" / "b" / f"y{position}.scan", "4.5", position, frames=2, patient="Bob")
    scan(tmp_path / "ward" / "alone.scan", None, patient="Cyd")
    return tmp_path / "ward"


def zipped(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def by_name(workspace):
    return {item.name: item for item in workspace.items.list()}


def members(workspace, item):
    return [(member.url.rpartition("/")[2], member.frame_count) for member in workspace.items.members(item)]


def state(workspace, *but):
    """All that the catalogue holds as text, but its jobs."""
    marks = tuple(
        f'INSERT INTO "{table}"' for table in ("imports", "import_problems", "log", "sqlite_sequence", *but)
    )
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
        return "\n".join(line for line in plain.iterdump() if not line.startswith(marks))


def waiting(workspace):
    return workspace._database.value("SELECT count(*) FROM series_parts")


# What becomes one item


def test_files_of_a_series_are_one_item_over_all_folders_in_the_order_of_the_decoder(workspace, ward):
    report = workspace.ingest.files([ward], folder="A")
    items = by_name(workspace)
    assert (report.added, report.failed) == (3, 0)
    assert set(items) == {"alone.scan", "Series 1.2.3", "Series 4.5"}
    item = items["Series 1.2.3"]
    assert members(workspace, item) == [("x0.scan", 1), ("x1.scan", 1), ("x2.scan", 1)]
    assert (item.kind, item.facts.frame_count, item.facts.extra["dicom"]["PatientName"]) == (
        "dicom",
        3,
        "Ada",
    )
    assert item.url == f"{(ward / 'a').as_uri()}/{SERIES_MARK}1.2.3"
    assert item.size == sum(path.stat().st_size for path in ward.rglob("x*.scan"))
    assert [frame.number for frame in workspace.frames.list(item)] == [0, 1, 2]
    assert members(workspace, items["Series 4.5"]) == [("y0.scan", 2), ("y1.scan", 2), ("y2.scan", 2)]
    assert workspace.search.count(where="dicom.Modality = 'CT'") == 3
    assert waiting(workspace) == 0


def test_frames_of_a_series_are_read_from_the_file_they_are_in(workspace, ward):
    workspace.ingest.files([ward], folder="A", thumbnails=True)
    item = by_name(workspace)["Series 4.5"]
    greys = [picture.getpixel((0, 0))[0] for _, picture in workspace.pictures.frames(item, range(6))]
    assert greys == [0, 1, 10, 11, 20, 21]
    with Image.open(io.BytesIO(workspace.thumbnails.find(item))) as thumbnail:
        assert thumbnail.getpixel((3, 3))[0] == pytest.approx(11, abs=1), "the middle one"


def test_series_in_an_archive_are_items_too_and_read_where_they_lie(workspace, tmp_path):
    files = {f"ward 1/x{n}.scan": scan_bytes("1.2", n) for n in (1, 0)} | {"y.scan": scan_bytes("9/ü", 0)}
    archive = zipped(tmp_path / "in" / "s cans.zip", files)
    assert workspace.ingest.files([archive], folder="A").added == 2
    items = by_name(workspace)
    assert items["Series 1.2"].url == f"{archive.as_uri()}{SERIES_MARK}1.2"
    assert members(workspace, items["Series 1.2"]) == [("x0.scan", 1), ("x1.scan", 1)]
    [(_, picture)] = workspace.pictures.frames(items["Series 1.2"], [1])
    assert picture.getpixel((0, 0)) == (10, 10, 10)
    assert workspace.ingest.files([archive], folder="A").skipped == 2


def test_a_series_half_in_a_folder_and_half_in_an_archive_is_one_item(workspace, tmp_path):
    scan(tmp_path / "in" / "0.scan", "S", 0)
    zipped(tmp_path / "in" / "z.zip", {"1.scan": scan_bytes("S", 1)})
    assert workspace.ingest.files([tmp_path / "in"], folder="A").added == 1
    [item] = workspace.items.list()
    assert item.facts.frame_count == 2


def test_a_warning_of_the_decoder_is_in_the_report_and_on_the_item(workspace, tmp_path):
    for position in (0, 1, 5):
        scan(tmp_path / "in" / f"{position}.scan", "S", position)
    report = workspace.ingest.files([tmp_path / "in"], folder="A")
    [item] = workspace.items.list()
    assert item.facts.note == "1 slices are missing"
    assert [(p.severity, p.reason) for p in report.problems] == [("warning", "1 slices are missing")]


def test_metadata_of_sidecars_belongs_to_the_series(workspace, ward):
    (ward / "a" / "x0.scan.metadata.json").write_text('{"city": "Oran", "ward": 1}')
    (ward / "b" / "x1.scan.metadata.json").write_text('{"ward": 2, "keyframes": [1]}')
    workspace.ingest.files([ward], folder="A")
    item = by_name(workspace)["Series 1.2.3"]
    assert item.metadata == {"city": "Oran", "ward": 2}
    assert [(f.number, f.is_key) for f in workspace.frames.list(item)] == [(0, False), (1, True), (2, False)]


# Failures


def test_a_series_with_an_error_is_in_the_report_and_the_others_land(workspace, ward):
    scan(ward / "b" / "x9.scan", "1.2.3", 9, study="another")
    scan(ward / "b" / "z.scan", "7", fault="broken")
    report = workspace.ingest.files([ward], folder="A", ignore_errors=True)
    assert set(by_name(workspace)) == {"alone.scan", "Series 4.5"}
    assert [problem.reason for problem in report.problems] == [
        "z.scan has no pixels", "series 1.2.3 has files of several studies",
    ]  # fmt: skip
    assert report.problems[1].place == (ward / "a" / "x0.scan").as_uri()
    assert (report.added, report.failed, waiting(workspace)) == (2, 2, 0)


def test_a_strict_import_leaves_the_catalogue_as_it_was(workspace, ward):
    before = state(workspace)
    scan(ward / "b" / "x9.scan", "1.2.3", 9, study="another")
    with pytest.raises(heron.ImportAborted, match=r"series 1\.2\.3 has files of several studies"):
        workspace.ingest.files([ward], folder="A")
    assert state(workspace) == before
    assert workspace.imports.list()[0].state == "failed"


def test_a_dry_run_counts_series_and_changes_nothing(workspace, ward):
    before = state(workspace)
    scan(ward / "b" / "x9.scan", "1.2.3", 9, study="another")
    report = workspace.ingest.files([ward], folder="A", dry_run=True)
    assert (report.added, report.failed) == (2, 1)
    assert state(workspace) == before
    assert workspace.imports.list() == []


# Once more


def test_a_second_run_adds_nothing_and_again_adds_all(workspace, ward):
    workspace.ingest.files([ward], folder="A")
    before = state(workspace)
    report = workspace.ingest.files([ward], folder="A")
    assert (report.added, report.job.updated, report.failed) == (0, 0, 0)
    assert state(workspace) == before
    assert workspace.ingest.files([ward], folder="A", skip_duplicates=False).added == 3
    assert workspace.items.count() == 6


def test_a_series_that_has_grown_is_refreshed_and_keeps_what_was_said_of_it(workspace, ward):
    workspace.ingest.files([ward], folder="A", thumbnails=True)
    item = by_name(workspace)["Series 1.2.3"]
    workspace.metadata.merge([(item, {"rating": 5})])
    workspace.frames.set(item, {1: {"finding": "x"}})
    scan(ward / "b" / "x3.scan", "1.2.3", 3)
    (ward / "b" / "x3.scan.metadata.json").write_text('{"late": true}')
    report = workspace.ingest.files([ward], folder="A")
    again = workspace.items.get(item)
    assert (report.added, workspace.items.count()) == (0, 3)
    assert (again.facts.frame_count, again.metadata) == (4, {"rating": 5, "late": True})
    assert members(workspace, again)[-1] == ("x3.scan", 1)
    assert [(f.number, f.is_key, f.metadata) for f in workspace.frames.list(item)] == [
        (0, False, {}), (1, True, {"finding": "x"}), (2, False, {}), (3, False, {}),
    ]  # fmt: skip


def test_a_part_of_a_series_that_is_imported_alone_takes_nothing_away(workspace, ward):
    workspace.ingest.files([ward], folder="A")
    before = state(workspace)
    report = workspace.ingest.files([ward / "a" / "x0.scan"], folder="A")
    assert (report.added, report.job.updated, report.skipped) == (0, 0, 1)
    assert state(workspace) == before


def test_parts_that_wait_are_given_series_by_series_in_the_order_they_were_found(workspace):
    job = workspace.imports._start("x", workspace.folders.ensure("A"), {})
    other = workspace.imports._start("y", workspace.folders.ensure("A"), {})
    parts = SeriesParts(SeriesStore(workspace._database, workspace.access))
    found = [
        FoundPart("scan", f"s{n % 300}", f"file:///{n:04}", 1, None, f'{{"n": {n}}}') for n in range(3000)
    ]
    with workspace._database.write():
        for one in (other, job, job):
            parts.keep(one, [Outcome(Unit("p", "u"), None, action="part", parts=tuple(found))])
    units = []
    cost = steps(workspace._database, lambda: units.extend(parts.units(job, None, lambda decoder: "dicom")))
    assert cost < 3000 * 1000, "a series is not looked for among all parts"
    assert [unit.parts[0].series for unit in units] == [f"s{n}" for n in range(300)]
    assert all(
        [json.loads(part.header)["n"] % 300 for part in unit.parts] == [n] * 10
        for n, unit in enumerate(units)
    )
    parts.landed(job, [Outcome(units[0], None)])
    assert [unit.parts[0].series for unit in parts.units(job, None, lambda decoder: "dicom")] == [
        f"s{n}" for n in range(1, 300)
    ]
    assert len(list(parts.units(other, None, lambda decoder: "dicom"))) == 300


# Stopped


KILLED = """
import os, signal, sys
import heron
from heron.ingest.series import SeriesParts
from tests.toy_media import ToyMedia

units = SeriesParts.units
def stop(self, job, folder, kind_of):
    for count, unit in enumerate(units(self, job, folder, kind_of)):
        if count == {after}:
            os.kill(os.getpid(), signal.SIGKILL)
        yield unit
SeriesParts.units = stop
from heron.ingest import pipeline
pipeline.SECONDS = 0
with heron.open(sys.argv[1], plugins=[ToyMedia()], discover=False) as workspace:
    workspace.ingest.files([sys.argv[2]], folder="A", ignore_errors=True, skip_duplicates={skip})
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("after", [0, 1, 12])
def test_an_import_that_is_killed_among_its_series_goes_on_without_loss_or_duplicates(tmp_path, after, skip):
    for number in range(60):
        scan(tmp_path / "in" / f"{number}.scan", f"s{number % 20}", number // 20)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'core'}{os.pathsep}{ROOT}"}
    script = KILLED.format(after=after, skip=skip)
    command = [sys.executable, "-c", script, str(tmp_path / "lake"), str(tmp_path / "in")]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert process.returncode == -signal.SIGKILL, process.stderr
    with heron.open(tmp_path / "lake", plugins=[ToyMedia()], discover=False) as workspace:
        assert waiting(workspace) >= 60 - 3 * after
        [job] = workspace.imports.list()
        workspace.ingest.resume(job)
        items = list(workspace.items.list())
        assert sorted(item.name for item in items) == sorted(f"Series s{n}" for n in range(20))
        assert {item.facts.frame_count for item in items} == {3}
        assert (workspace.imports.get(job).state, waiting(workspace)) == ("done", 0)


# Persons


def on_disk(workspace):
    """All bytes of the catalogue and its log."""
    return b"".join(path.read_bytes() for path in workspace._database.path.parent.iterdir())


@pytest.mark.parametrize("how", ["option", "environment"])
@pytest.mark.parametrize("ignore_errors", [True, False])
def test_facts_of_persons_never_reach_the_disk(workspace, tmp_path, monkeypatch, how, ignore_errors):
    for position in range(3):
        scan(tmp_path / "in" / f"{position}.scan", "S", position, patient="Zanzibar^Ada")
    scan(tmp_path / "in" / "alone.scan", None, patient="Zanzibar^Bob")
    zipped(tmp_path / "in" / "z.zip", {"1.scan": scan_bytes("T", patient="Zanzibar^Cyd")})
    if how == "environment":
        monkeypatch.setenv("HERON_PATIENT_TAGS", "0")
    personal = False if how == "option" else None
    report = workspace.ingest.files(
        [tmp_path / "in"], folder="A", personal=personal, ignore_errors=ignore_errors
    )
    assert report.added == 3
    assert b"Zanzibar" not in on_disk(workspace)
    assert [item.facts.extra["dicom"] for item in workspace.items.list()] == [{"Modality": "CT"}] * 3


def test_facts_of_persons_are_kept_unless_asked_for_otherwise(workspace, tmp_path):
    scan(tmp_path / "in" / "0.scan", "S", patient="Zanzibar^Ada")
    workspace.ingest.files([tmp_path / "in"], folder="A")
    assert b"Zanzibar" in on_disk(workspace)
    assert workspace.search.count(where="dicom.PatientName = 'Zanzibar^Ada'") == 1


# Manifests


def test_series_of_a_manifest_are_put_in_order_by_the_decoder(workspace, ward, tmp_path):
    urls = [(ward / ("a" if n != 1 else "b") / f"x{n}.scan").as_uri() for n in (2, 0, 1)]
    other = (ward / "b" / "y0.scan").as_uri()
    series = [{"title": "Thorax", "dicomFiles": urls}, {"title": "Mixed", "dicomFiles": [urls[0], other]}]
    manifest = tmp_path / "m.json"
    manifest.write_text(json.dumps({"dicom_series": series}))
    report = workspace.ingest.manifest(manifest, folder="A", ignore_errors=True)
    [item] = workspace.items.list()
    assert (item.name, [name for name, _ in members(workspace, item)]) == (
        "Thorax",
        ["x0.scan", "x1.scan", "x2.scan"],
    )
    assert (
        report.problems[0].reason
        == f"member 1: {ward / 'b' / 'y0.scan'} belongs to series 4.5, the first member to 1.2.3"
    )
    assert workspace.frames.get(item, 2).seconds is None


def test_parts_cross_the_processes_that_probe_them(workspace, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    for number in range(40):
        scan(tmp_path / "in" / f"{number}.scan", f"s{number % 4}", number // 4)
    with ThreadPoolExecutor(3) as executor:
        assert workspace.ingest.files([tmp_path / "in"], folder="A", executor=executor).added == 4
    assert isinstance(ScanDecoder(), heron.SeriesDecoder)
