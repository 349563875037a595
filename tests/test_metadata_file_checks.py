"""Files of metadata: our own exports, and what is checked before anything is written."""

from __future__ import annotations

import json

import pytest

import heron
from heron.cli.main import status
from heron.errors import HeronError, InvalidInput, MetadataError
from tests.conftest import draw
from tests.test_metadata_files import apply, register, stored, workspace  # noqa: F401 - fixtures

# Our own exports


@pytest.fixture
def groups(workspace, tmp_path):
    """A group of two files with metadata, one of its frames with some too, as dataset D."""
    for number in range(2):
        draw(tmp_path / "views" / f"{number}.png", seed=number)
    workspace.ingest.files([tmp_path / "views"], folder="V", batch_as="group")
    workspace.metadata.merge_all(workspace.items.list(), {"city": "Oran", "speed": 1})
    workspace.frames.set_metadata("views", 1, {"city": "left"})
    workspace.datasets.create("D", items=workspace.items.list())
    return workspace


@pytest.mark.parametrize("table", ["frames", "members"])
@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("trimmed", [False, True])
def test_a_table_of_frames_or_members_is_refused_and_changes_nothing(
    groups, tmp_path, table, replace, trimmed
):
    file = tmp_path / "table.csv"
    groups.export("D", file, format=f"csv-{table}")
    if trimmed:
        lines = file.read_text().splitlines()
        file.write_text("\n".join(line.partition(",")[2] for line in lines))
    for by in (None, "uuid", "name"):
        with pytest.raises(InvalidInput, match=f"is an exported table of {table}"):
            groups.ingest.metadata_file(file, replace=replace, by=by)
    assert stored(groups) == [{"city": "Oran", "speed": 1}]


def test_keys_of_ones_own_that_begin_with_frame_are_imported(workspace, apply):
    register(workspace)
    workspace.schema.add_scalar("frame.number", "number")
    apply("rows.csv", "name,frame.number,frame.colour,member.of\n0.jpg,3,red,crew\n")
    assert stored(workspace) == [{"frame.number": 3, "frame.colour": "red", "member.of": "crew"}]


@pytest.mark.parametrize("by", ["path", "name", "url"])
@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv"])
def test_an_export_is_imported_where_the_lake_lies_elsewhere(tmp_path, monkeypatch, capsys, suffix, by):
    def lake(root):
        for number in range(3):
            draw(root / "in" / f"{number}.png", seed=number)
        opened = heron.open(root)
        opened.ingest.files([root / "in"], folder="A")
        return opened

    with lake(tmp_path / "here") as here:
        for number, item in enumerate(here.items.list()):
            here.metadata.merge({item: {"city": f"Oran {number}", "path": "north"}})
        here.datasets.create("D", items=here.items.list())
        here.export("D", tmp_path / f"d.{suffix}", format=suffix)
    with lake(tmp_path / "there") as there:
        monkeypatch.chdir(there.root)
        code = status(["metadata", "import", str(tmp_path / f"d.{suffix}"), "--by", by])
        said = capsys.readouterr().out
        [sentence] = [line for line in said.splitlines() if line.startswith("Passed over")]
        assert "that are not metadata: position, " in sentence
        assert "size" in sentence
        found = {item.name: item.metadata for item in there.items.list()}
        if by == "url":  # it names the files of the other lake
            assert (code, set(map(str, found.values()))) == (1, {"{}"})
        else:
            assert code == 0
            assert found == {f"{n}.png": {"city": f"Oran {n}", "path": "north"} for n in range(3)}


def test_columns_beside_nested_metadata_are_said(workspace, apply):
    register(workspace)
    rows = [{"name": "0.jpg", "speed": 3, "empty": None, "metadata": {"city": "Oran"}}]
    assert apply("rows.json", rows).passed_over == ("speed",)
    assert stored(workspace) == [{"city": "Oran"}]


# What is checked before anything is written


@pytest.mark.parametrize(
    "header", ["name,city,speed,city", "city,name,city,name", "uuid,metadata.city,metadata.city"]
)
def test_doubled_headers_are_refused(workspace, apply, header):
    (item,) = register(workspace)
    cells = {"name": item.name, "uuid": item.uuid, "speed": "1"}
    row = ",".join(cells.get(column, "Oran") for column in header.split(","))
    with pytest.raises(InvalidInput, match=r"several columns '(metadata\.)?city'"):
        apply("rows.csv", f"{header}\n{row}\n")
    assert stored(workspace) == [{}]


def test_columns_without_a_name_may_be_empty_and_lose_no_cell(workspace, apply):
    register(workspace)
    assert apply("rows.csv", "name,,city,\n0.jpg,,Oran,\n").updated == 1
    for cells in ("0.jpg,lost,Oran,", "0.jpg,,Oran,lost"):
        with pytest.raises(MetadataError, match=r"metadata key .* empty"):
            apply("rows.csv", f"name,,city,\n{cells}\n", replace=True)
    assert stored(workspace) == [{"city": "Oran"}]


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.json"])
def test_a_key_of_another_case_is_refused_unless_it_is_meant(workspace, apply, name):
    register(workspace, 2)
    rows = [{"name": "0.jpg", "speed": 1}, {"name": "1.jpg", "City": "Oran"}]
    content = {
        "rows.csv": "name,speed,City\n0.jpg,1,\n1.jpg,,Oran\n",
        "rows.jsonl": "\n".join(map(json.dumps, rows)),
        "rows.json": rows,
    }[name]
    for dry_run in (True, False):
        with pytest.raises(InvalidInput, match=r"1 key differs .* only by case: 'City' .*'city'") as refusal:
            apply(name, content, dry_run=dry_run)
        assert "--as-is" in refusal.value.hint
    assert stored(workspace) == [{}, {}]
    report = apply(name, content, as_is=True)
    assert (report.updated, report.unknown_keys) == (2, ("City",))
    assert stored(workspace) == [{"speed": 1}, {"City": "Oran"}]
    assert apply("remove.json", [{"name": "1.jpg", "City": None, "CITY": None}]).updated == 1
    assert stored(workspace)[1] == {}


def test_two_keys_of_the_schema_may_differ_by_case(workspace, apply):
    register(workspace)
    workspace.schema.add_scalar("City", "varchar")
    assert apply("rows.csv", "name,City,city\n0.jpg,a,b\n").updated == 1
    assert stored(workspace) == [{"City": "a", "city": "b"}]


@pytest.mark.slow
@pytest.mark.parametrize("key", ["Speed", "a\nb", " "])
def test_a_key_that_is_refused_in_row_1500_leaves_all_as_it_was(workspace, apply, key):
    register(workspace, 2000)
    rows = [{"name": f"{number}.jpg", "speed": number} for number in range(2000)]
    rows[1500][key] = 1
    with pytest.raises(HeronError, match=r"rows\.jsonl"):
        apply("rows.jsonl", "\n".join(map(json.dumps, rows)))
    assert stored(workspace) == [{}] * 2000


def test_a_dry_run_counts_what_would_change_and_writes_nothing(workspace, apply):
    items = register(workspace, 4, metadata={"speed": 1})
    rows = [
        {"name": "0.jpg", "speed": 1}, {"name": "1.jpg", "speed": 2}, {"name": "2.jpg", "clip": [1, 2, 3]},
        {"name": "3.jpg", "speed": 1, "wether": "sun"}, {"name": "4.jpg", "speed": 7},
    ]  # fmt: skip
    before = [item.updated_at for item in items]
    report = apply("rows.json", rows, dry_run=True)
    assert (report.updated, report.would_change, report.rows) == (0, 3, 5)
    assert (report.unmatched, report.unknown_keys) == (("4.jpg",), ("wether",))
    assert apply("rows.json", rows[:1], dry_run=True).would_change == 0
    assert (
        apply("rows.json", [{"name": "0.jpg", "city": "Oran"}] * 2, dry_run=True, replace=True).would_change
        == 1
    )
    with pytest.raises(MetadataError, match="expected a number"):
        apply("rows.json", [{"name": "0.jpg", "speed": "fast"}], dry_run=True)
    assert stored(workspace) == [{"speed": 1}] * 4
    assert [item.updated_at for item in workspace.items.list()] == before
    assert workspace.vectors.find("clip", items[2]) is None
    assert workspace.schema.current().get("wether") is None
    done = apply("rows.json", rows)
    assert (done.updated, done.would_change) == (4, None)


def test_the_command_says_unknown_keys_in_one_sentence(workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(workspace.root)
    register(workspace)
    keys = ["spede", *(f"k{number}" for number in range(30))]
    (tmp_path / "rows.json").write_text(json.dumps([{"name": "0.jpg", **dict.fromkeys(keys, 1)}]))
    assert status(["metadata", "import", str(tmp_path / "rows.json"), "--dry-run"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "A dry run, nothing was changed. Would change 1 item."
    assert second.startswith(
        "31 keys are not in the schema, stored as given: spede (did you mean speed?), k0"
    )
    assert second.endswith("k18 and 11 more.")
    (tmp_path / "none.json").write_text('[{"name": "no.jpg", "speed": 1}]')
    assert status(["metadata", "import", str(tmp_path / "none.json"), "--dry-run"]) == 1
    (tmp_path / "case.json").write_text('[{"name": "0.jpg", "Speed": 1}]')
    assert status(["metadata", "import", str(tmp_path / "case.json")]) == 1
    assert "--as-is" in capsys.readouterr().err
    assert status(["metadata", "import", str(tmp_path / "case.json"), "--as-is"]) == 0
    assert stored(workspace) == [{"Speed": 1}]
