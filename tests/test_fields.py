"""The declared fields of items and frames: each goes everywhere, and a new one needs nothing but its declaration."""

import csv
import json
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve, fields, fields_dict

import heron
from heron.catalog.stored import missing_columns
from heron.ingest.manifest.facts import Facts, known_facts
from heron.models import (
    FACT_FIELDS,
    FRAME_FIELDS,
    ITEM_FIELDS,
    Frame,
    Item,
    MediaFacts,
    NewFrame,
    NewItem,
    utc_iso,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
OWN = {
    "kind": "video", "width": 640, "media_type": "video/mp4", "extra": {"video": {"depth": 10}}, "captured_at": NOON, "modified_at": NOON,
}  # fmt: skip
"""Values that are not free to choose."""

VALUES = {"TEXT": "t{}", "INTEGER": 1000, "REAL": 0.5}
"""What any other field is given, by the type of its column; numbers differ by the place of the field."""


def value_of(place, field):
    """A value for a field, another one for each."""
    if field.form == "boolean":
        return True
    value = VALUES[field.sql.split()[0]]
    return value.format(place) if isinstance(value, str) else value + place


NEW = OWN | {
    field.attribute: value_of(place, field)
    for place, (name, field) in enumerate(ITEM_FIELDS.items())
    if field.attribute not in OWN
    and (name in FACT_FIELDS or field.attribute in fields_dict(NewItem))
    and name not in ("name", "url", "metadata")
}
"""A value for each field that whoever registers an item gives; a field that is declared tomorrow has one too."""


def new_item(values, **more):
    """An item to register with these values, wherever they belong."""
    facts = {name: value for name, value in values.items() if name in fields_dict(MediaFacts)}
    own = {name: value for name, value in values.items() if name not in facts}
    return NewItem("s3://lake/a.mp4", MediaFacts(**facts), **own, **more)


def attribute(item, field):
    """The value of a declared field of an item."""
    return getattr(item.facts if field.name in FACT_FIELDS else item, field.attribute)


def test_every_attribute_of_a_record_is_declared_or_known_to_be_none():
    inner = {"id", "folder_id", "facts", "integration_id"}
    assert {a.name for a in fields(Item)} - {f.attribute for f in ITEM_FIELDS.values()} == inner
    assert {a.name for a in fields(MediaFacts)} == {f.attribute for f in FACT_FIELDS.values()}
    assert {a.name for a in fields(Frame)} - {f.attribute for f in FRAME_FIELDS.values()} == {
        "id",
        "item",
        "vectors",
    }
    made_later = {"metrics"}
    assert {a.name for a in fields(NewFrame)} == {f.attribute for f in FRAME_FIELDS.values()} - made_later


@pytest.mark.parametrize("refreshed", [False, True])
def test_what_is_registered_comes_back_everywhere(workspace, tmp_path, refreshed):
    if refreshed:
        workspace.registration.register([NewItem("s3://lake/a.mp4", MediaFacts("other", "x/y"))], "A")
        [old] = workspace.items.list()
        workspace.registration._refresh([(old.id, new_item(NEW))])
    else:
        workspace.registration.register([new_item(NEW)], "A")
    workspace.registration.register([NewItem("s3://lake/b.mp4", MediaFacts("other", "x/y"))], "A")
    item, other = workspace.items.list()
    workspace.datasets.create("all", items=[item])
    workspace.export("all", tmp_path / "all.json")
    workspace.export("all", tmp_path / "all.csv", format="csv")
    [in_json] = json.loads((tmp_path / "all.json").read_text())
    [in_csv] = csv.DictReader((tmp_path / "all.csv").open())
    for name, field in ITEM_FIELDS.items():
        value = attribute(item, field)
        if field.attribute in NEW:
            assert value == NEW[field.attribute], name
        if value is None:
            assert name in ("deleted_at", "store")  # without its plugin, nothing says a store
            continue
        if field.form == "time":
            value = utc_iso(value)
        assert in_json[name] == (list(value) if name == "tags" else value)
        assert (name in in_csv) == (field.exported or name == "tags")
        if field.exported:
            assert in_csv[name] == (value if isinstance(value, str) else json.dumps(value))
        if field.compares:
            literal = value if isinstance(value, int | float) else f"'{value}'"
            found = workspace.search(where=f"item.{name} = {literal}", sort=f"-{name}")
            assert item in found.rows, name
            is_same = attribute(other, field) == value
            assert (other in found.rows) == is_same, name
            assert len(list(workspace.search.all(sort=name))) == 2


def test_a_manifest_gives_each_fact_that_says_so():
    facts = {field.attribute: field for field in FACT_FIELDS.values() if field.given_as}
    assert set(facts) == {name for name in fields_dict(Facts) if name not in ("size", "more")}
    for name, field in facts.items():
        for key in field.given_as:
            assert known_facts({key: NEW[name]}, "$", {}) == {name: NEW[name]}


def test_a_frame_comes_back(workspace):
    workspace.registration.register([new_item(NEW, frames=[NewFrame(3, 0.5, True, {"a": 1})])], "A")
    [item] = workspace.items.list()
    frame = workspace.frames.get(item, 3)
    assert [getattr(frame, field.attribute) for field in FRAME_FIELDS.values()] == [
        3,
        0.5,
        True,
        {"a": 1},
        {},
    ]
    for name, literal in {"number": 3, "seconds": 0.5, "is_key": "TRUE"}.items():
        assert workspace.search.count_frames(where=f"frame.{name} = {literal}") == 1


def test_a_catalogue_has_every_column(workspace):
    assert missing_columns(workspace._database.connection) == {}


ADDED = {
    "    pages: int": """    grain: int | None = fact("INTEGER", "size of a grain", unit="pixels")
    has_alpha: bool | None = fact("INTEGER", "whether it has an alpha channel", compares="boolean")
""",
    "    metrics: dict": """    blur: float | None = field(metadata=stored("REAL", "how blurred"))
""",
    "\n\n@frozen(repr=False)\nclass NewItem": """    blur: float | None = None
""",
}
"""What stands before which line of the records, in a Heron that declares three fields more."""

ADDING = f"""
import os, sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import spec_from_loader

class Loader(SourceFileLoader):
    def get_code(self, name):
        source = self.get_data(self.path).decode()
        for before, line in {ADDED!r}.items():
            assert source.count(before) == 1, before
            source = source.replace(before, line + before)
        return compile(source, self.path, "exec", dont_inherit=True)

class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "heron.models":
            found = PathFinder.find_spec(name, path)
            return spec_from_loader(name, Loader(name, found.origin))

sys.meta_path.insert(0, Finder())
import heron
from heron.models import MediaFacts, NewFrame, NewItem
"""


def with_more_fields(code, directory):
    """Run code in a process where fields were added to the records; returns what it printed."""
    text = f"{ADDING}\n{textwrap.dedent(code)}"
    done = subprocess.run([sys.executable, "-c", text], cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def old(tmp_path):
    """A catalogue of before the fields were added, with one item and one frame."""
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.registration.register([new_item(NEW, frames=[NewFrame(1)])], "A")
    return tmp_path


def test_a_field_is_added_by_its_declaration_alone(old):
    printed = with_more_fields(
        """
        import json
        from pathlib import Path
        from click.testing import CliRunner
        from heron.cli.main import main

        ws = heron.open("lake", discover=False)
        facts = MediaFacts("image", "image/png", grain=16, has_alpha=True)
        ws.registration.register([NewItem("s3://lake/b.png", facts, frames=[NewFrame(0, blur=0.5)])], "A")
        Path("m.json").write_text(json.dumps({"images": [
            {"objectUrl": "s3://lake/c.png", "image_metadata": {"width": 1, "height": 1, "Grain": 8, "mime_type": "image/png"}},
            {"objectUrl": "s3://lake/d.png", "image_metadata": {"width": 1, "height": 1, "grain": "deep"}},
        ]}))
        report = ws.ingest.manifest("m.json", folder="A", ignore_errors=True)
        print(report.failed)
        a, b, c = ws.items.list()
        print([(item.facts.grain, item.facts.has_alpha) for item in (a, b, c)])
        print([f.blur for f in ws.search.frames(where="frame.blur > 0.4")], [f.blur for f in ws.frames.list(a)])
        ws.registration._refresh([(a.id, NewItem(a.url, MediaFacts("video", "video/mp4", grain=10, has_alpha=False)))])
        print([item.facts.grain for item in ws.search(where="grain >= 10 AND has_alpha IS NOT NULL", sort="-grain")])
        print([item.name for item in ws.search(where="has_alpha")])
        ws.datasets.create("all", items=[a, b, c])
        for format in ("json", "csv"):
            ws.export("all", f"all.{format}", format=format)
        print([row.get("grain") for row in json.loads(Path("all.json").read_text())])
        header, *lines = Path("all.csv").read_text().splitlines()
        print([line.split(",")[header.split(",").index("grain")] for line in lines])
        """,
        old,
    )
    assert printed.splitlines() == [
        "1",
        "[(None, None), (16, True), (8, None)]",
        "[0.5] [None]",
        "[16, 10]",
        "['b.png']",
        "[10, 16, 8]",
        "['10', '16', '8']",
    ]
    with heron.open(old / "lake", discover=False) as workspace:  # a Heron that knows no such field goes on
        assert [item.name for item in workspace.items.list()] == ["a.mp4", "b.png", "c.png"]
        workspace.registration.register([evolve(new_item(NEW), url="s3://lake/e.mp4")], "A")


def test_a_file_that_cannot_be_written_is_read_as_if_it_had_the_columns(old):
    before = (old / "lake/.heron/catalog.db").read_bytes()
    printed = with_more_fields(
        """
        os.access = lambda path, mode: not mode & os.W_OK
        ws = heron.open("lake", discover=False)
        [item] = ws.items.list()
        print(item.facts.grain, item.facts.width, [f.blur for f in ws.frames.list(item)])
        print(ws.search.count(where="grain IS NULL AND width = 640"), ws.search.count(where="grain > 1"))
        try:
            ws.items.rename(item, "b")
        except heron.HeronError as error:
            print(type(error).__name__)
        """,
        old,
    )
    assert printed.splitlines() == ["None 640 [None]", "1 0", "CatalogueError"]
    assert (old / "lake/.heron/catalog.db").read_bytes() == before


def test_two_that_open_an_old_catalogue_at_once_add_its_columns_once(old):
    text = f"{ADDING}\nheron.open('lake', discover=False).close()"
    both = [
        subprocess.Popen([sys.executable, "-c", text], cwd=old, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [(process.communicate()[1], process.returncode) for process in both] == [("", 0)] * 2


def test_declared_fields_stand_in_the_docs():
    page = (Path(__file__).parents[1] / "docs/query-language.md").read_text()
    for name, field in ITEM_FIELDS.items():
        assert (f"| `{name}` | {field.compares} |" in page) == bool(field.compares)
