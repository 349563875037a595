"""Series that come bit by bit: every file that was ever imported stays a member, and frames follow their files."""

import pytest

from heron.ingest.probe_groups import GroupProber
from heron.ingest.staging import Staging
from tests.test_series import scan
from tests.toy_media import ToyMedia


@pytest.fixture
def plugins():
    return [ToyMedia()]


def positions(workspace):
    """The item's members by their names, in the order of the series."""
    [item] = workspace.items.list()
    assert item.facts.frame_count == len(workspace.items.members(item))
    return [member.url.rpartition("/")[2] for member in workspace.items.members(item)]


def test_files_that_are_imported_one_by_one_make_one_series(workspace, tmp_path):
    paths = [scan(tmp_path / "in" / f"{n}.scan", "S", n) for n in range(6)]
    for some in (paths[:2], paths[2:3], paths[3:], paths[:1]):
        workspace.ingest.files(some, folder="A")
    assert positions(workspace) == [f"{n}.scan" for n in range(6)]


def test_slices_of_another_folder_join_the_series(workspace, tmp_path):
    workspace.ingest.files([scan(tmp_path / "b" / "1.scan", "S", 1).parent], folder="A")
    report = workspace.ingest.files([scan(tmp_path / "a" / "0.scan", "S", 0).parent], folder="A")
    assert (report.added, report.job.updated) == (0, 1)
    assert positions(workspace) == ["0.scan", "1.scan"]


def test_metadata_of_a_frame_follows_its_slice(workspace, tmp_path):
    workspace.ingest.files([scan(tmp_path / "in" / f"{n}.scan", "S", n) for n in (1, 2)], folder="A")
    [item] = workspace.items.list()
    workspace.frames.set_metadata(item, 1, {"finding": "nodule"})
    workspace.ingest.files([scan(tmp_path / "in" / "0.scan", "S", 0)], folder="A")
    assert [frame.metadata for frame in workspace.frames.list(item)] == [{}, {}, {"finding": "nodule"}]


def test_a_member_that_is_gone_is_left_out_with_a_warning(workspace, tmp_path):
    paths = [scan(tmp_path / "in" / f"{n}.scan", "S", n) for n in range(3)]
    workspace.ingest.files(paths[:2], folder="A")
    paths[0].unlink()
    report = workspace.ingest.files(paths[2:], folder="A")
    assert positions(workspace) == ["1.scan", "2.scan"]
    assert "1 of its files are not there any more" in report.problems[0].reason


def test_a_second_import_reads_no_slice_again(workspace, tmp_path):
    paths = [scan(tmp_path / "in" / f"{n}.scan", "S", n) for n in range(3)]
    workspace.ingest.files(paths, folder="A")
    for path in paths:
        path.write_bytes(b"")  # would be a failure
    assert workspace.ingest.files(paths, folder="A").job.skipped == 3


@pytest.mark.parametrize("dry_run", [False, True])
def test_series_are_probed_before_the_lock_and_leave_nothing_behind(
    workspace, tmp_path, monkeypatch, dry_run
):
    paths = [scan(tmp_path / "in" / f"{n}.scan", f"S{n % 3}", n) for n in range(9)]
    series, probed = GroupProber.series, []

    def probing(self, unit, parts):
        probed.append(unit.url)
        workspace._database.require_no_transaction("probing")
        return series(self, unit, parts)

    monkeypatch.setattr(GroupProber, "series", probing)
    report = workspace.ingest.files(paths, folder="A", dry_run=dry_run)
    assert (report.job.added, len(probed)) == (3, 3)
    assert workspace.items.count() == (0 if dry_run else 3)
    assert workspace._database.rows("SELECT 1 FROM series_parts") == []
    assert workspace._database.rows("SELECT name FROM sqlite_temp_master") == []


@pytest.mark.parametrize("is_new", [False, True])
def test_a_series_to_which_others_added_meanwhile_keeps_their_files(workspace, tmp_path, monkeypatch, is_new):
    paths = [scan(tmp_path / "in" / f"{n}.scan", "S", n) for n in range(6)]
    if not is_new:
        workspace.ingest.files(paths[:1], folder="A")
    keep, left = Staging.keep, [paths[1:3]]

    def kept(self, outcomes, **more):
        problems = keep(self, outcomes, **more)
        if left and more:  # the series are probed
            workspace.ingest.files(left.pop(), folder="A")
        return problems

    monkeypatch.setattr(Staging, "keep", kept)
    report = workspace.ingest.files(paths[3:], folder="A")
    assert (report.job.added, report.job.updated) == (0, 1)
    assert positions(workspace) == [f"{n}.scan" for n in range(0 if not is_new else 1, 6)]
