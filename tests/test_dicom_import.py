"""DICOM and NIfTI through the whole of an import, with the real plugin, on the scans of the sample lake."""

import shutil
import zipfile

import pytest

import heron
from heron.cli.main import status


@pytest.fixture
def scans(sample_lake):
    """A CT series as files, an MR series in a zip, and a volume."""
    return sample_lake / "lake" / "scans"


@pytest.fixture
def workspace(tmp_path):
    with heron.open(tmp_path / "ws") as opened:
        yield opened


def by_modality(workspace):
    found = workspace.items.list()
    return {item.facts.extra.get("dicom", {}).get("Modality", item.kind): item for item in found}


@pytest.mark.slow
def test_series_of_a_folder_and_of_a_zip_are_items_in_the_order_of_the_body(workspace, scans):
    report = workspace.ingest.files([scans], folder="S", thumbnails=True)
    assert (report.added, report.failed, report.job.warnings) == (3, 0, 0)
    found = by_modality(workspace)
    assert set(found) == {"CT", "MR", "nifti"}
    assert (found["CT"].facts.frame_count, found["MR"].facts.frame_count) == (12, 6)
    for item in (found["CT"], found["MR"]):
        members = workspace.items.members(item)
        assert len(members) == item.facts.frame_count == len(list(workspace.frames.list(item)))
        pictures = [picture.tobytes() for _, picture in workspace.pictures.frames(item, range(len(members)))]
        assert len(set(pictures)) == len(members)
        assert workspace.thumbnails.find(item) is not None
    urls = [member.url for member in workspace.items.members(found["CT"])]
    assert urls != sorted(urls), "the names of the files say nothing of the order"
    assert all("head-mr.zip#zip=" in member.url for member in workspace.items.members(found["MR"]))


@pytest.mark.slow
def test_a_second_import_adds_nothing_and_a_series_that_has_grown_is_seen_again(workspace, scans, tmp_path):
    files = sorted((scans / "head-ct").iterdir())
    place = tmp_path / "growing"
    place.mkdir()
    for file in files[:8]:
        shutil.copy(file, place)
    assert workspace.ingest.files([place], folder="S").added == 1
    assert workspace.ingest.files([place], folder="S").job.skipped == 8
    for file in files[8:]:
        shutil.copy(file, place)
    report = workspace.ingest.files([place], folder="S")
    assert (report.added, report.job.updated) == (0, 1)
    [item] = workspace.items.list()
    assert item.facts.frame_count == 12 == len(workspace.items.members(item))


@pytest.mark.slow
def test_facts_that_tell_of_a_person_never_reach_the_disk(scans, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, arguments, setting in (
        ("said", ["--no-patient-tags"], "1"),
        ("set", [], "0"),
        ("kept", [], "1"),
    ):
        monkeypatch.setenv("HERON_PATIENT_TAGS", setting)
        assert status(["init", name]) == 0
        command = ["-w", name, "import", str(scans), "--folder", "S", *arguments]
        assert status(command) == 0
        with heron.open(tmp_path / name) as workspace:
            tags = by_modality(workspace)["CT"].facts.extra["dicom"]
            assert ("PatientName" in tags) == (name == "kept")
            assert tags["Modality"] == "CT" and "SeriesInstanceUID" in tags
            person = tags.get("PatientName", person_of(scans))
        content = b"".join(path.read_bytes() for path in (tmp_path / name / ".heron").iterdir())
        assert (person.encode() in content) == (name == "kept")


def person_of(scans):
    import pydicom

    return str(pydicom.dcmread(next((scans / "head-ct").iterdir())).PatientName)


@pytest.mark.slow
def test_two_studies_under_one_series_fail_and_the_rest_lands(workspace, scans, tmp_path):
    import pydicom

    place = tmp_path / "mixed"
    shutil.copytree(scans, place)
    first = next((place / "head-ct").iterdir())
    changed = pydicom.dcmread(first)
    changed.StudyInstanceUID = "1.2.3.4"
    changed.save_as(first)
    report = workspace.ingest.files([place], folder="S", ignore_errors=True)
    assert (report.added, report.failed) == (2, 1)
    [problem] = [problem for problem in report.problems if problem.severity == "failure"]
    assert "1.2.3.4" in problem.reason and "stud" in problem.reason
    with pytest.raises(heron.ImportAborted):
        workspace.ingest.files([place], folder="Strict")
    assert "Strict" not in [folder.path for folder in workspace.folders.list()]


def test_a_zip_without_scans_is_catalogued_as_other(workspace, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "words")
    report = workspace.ingest.files([tmp_path / "a.zip"], folder="S")
    assert [item.kind for item in workspace.items.list()] == ["other"]
    assert report.job.warnings == 1
