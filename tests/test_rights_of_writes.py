"""Verbs and commands that write: they answer as in a lake that holds the visible half alone, and forbidden ones change nothing."""

from __future__ import annotations

import re
import shlex
import shutil

import click
import pytest
from attrs import evolve

import heron
from heron.cli.main import status
from tests.every_verb import WRITES
from tests.hidden_half import HalfHidden, Plain, draw, opened, two_lakes
from tests.rights_examples import out
from tests.test_access import public_verbs, state
from tests.test_cli import commands
from tests.test_json_output import path_of
from tests.test_rights import FORBIDDEN, LINES, calls

pytestmark = pytest.mark.slow


def a_new_file(w, folder):
    """A file that no import has read yet."""
    draw(w.root / "new" / folder / "new.png", 77)
    return w.root / "new" / folder / "new.png"


def a_manifest(w):
    """A manifest of a new file."""
    w.ingest.write_manifest(str(a_new_file(w, "a").parent), out(w))
    return out(w)


def a_stopped_import(w, folder):
    """The UUID of an import into a folder that was stopped before its first file."""
    done = w.ingest.files([a_new_file(w, "first")], folder="Open", dry_run=True).job
    options = {**done.options, "folder": folder, "sources": [str(a_new_file(w, "second"))]}
    job = w.imports._start("second", w.folders.get(folder), options)
    return w.imports._finish(job, "interrupted").job.uuid


def values_to_adopt(w, names):
    """Vectors that were given as metadata before their key was in the schema."""
    w.metadata.merge({name: {"look": [1, 2]} for name in names})
    w.schema.add_embedding("look", 2)


def texts_beside_numbers(w, first, second):
    """A key of numbers, under which an item has a text that can be converted."""
    w.metadata.merge({first: {"fresh": 1}, second: {"fresh": "3"}})
    return w.schema.add("fresh", "number")


def vectors_file(w, *names):
    """A file with a vector for each of some items."""
    file = w.root / "given.jsonl"
    file.write_text("".join(f'{{"name": "{name}", "face": [1, 0, 0]}}\n' for name in names))
    return file


def unhashed(w, *folders):
    """Items of files that were not hashed."""
    for folder in folders:
        w.ingest.files([a_new_file(w, folder)], folder=folder)


def foreign_export(w):
    """An export of another workspace, with an item for a folder where the user may not write."""
    with heron.open(w.root.parent / "foreign", discover=False) as foreign:
        foreign.ingest.files([a_new_file(foreign, "a")], folder="Locked")
        foreign.portable.export(w.root / "foreign.zip")
    return w.root / "foreign.zip"


ALLOWED = {
    "annotation.send": [
        lambda w: evolve(
            w.annotation.send("survey", "Best", w.root / "tasks.jsonl", format="jsonl", again=True), sent=None
        ),
        lambda w: w.annotation.send("survey", "Best", w.root / "tasks.jsonl", format="jsonl"),
    ],
    "collections.add": [lambda w: w.collections.add("Best", w.items.list(folder="Open/Deep"))],
    "collections.create": [
        lambda w: w.collections.create("New", items=["open-1.png"]),
        lambda w: w.collections.create("Best"),
    ],
    "collections.delete": [lambda w: w.collections.delete("Best")],
    "collections.remove": [lambda w: w.collections.remove("Best", ["open-1.png", "locked-1.png"])],
    "collections.update": [lambda w: w.collections.update("Best", title="Better")],
    "curation.carry_over": [
        lambda w: w.curation.carry_over(w.curation.exact_duplicates(heron.Query(where="in_folder('Open')")))
    ],
    "curation.hash_missing": [lambda w: unhashed(w, "Open") or w.curation.hash_missing()],
    "curation.uniqueness": [lambda w: w.curation.uniqueness("visual")],
    "datasets.add": [lambda w: w.datasets.add("test", items=["open-1.png"])],
    "datasets.create": [
        lambda w: w.datasets.create("best", collection="Best"),
        lambda w: w.datasets.create("whole", backing_folder="Open"),
        lambda w: w.datasets.create("train"),
    ],
    "datasets.delete": [lambda w: w.datasets.delete("train")],
    "datasets.remove": [lambda w: w.datasets.remove("train", ["open-1.png"])],
    "datasets.set_metadata": [lambda w: w.datasets.set_metadata("test", 0, {"city": "X"})],
    "datasets.update": [lambda w: w.datasets.update("test", title="tested")],
    "versions.delete": [lambda w: w.versions.delete("test@1")],
    "versions.freeze": [lambda w: w.versions.freeze("train"), lambda w: w.versions.freeze("test", note="x")],
    "groups.add": [lambda w: w.groups.add("team", users="owner")],
    "groups.create": [lambda w: w.groups.create("crew"), lambda w: w.groups.create("team")],
    "groups.delete": [lambda w: w.groups.delete("team")],
    "groups.remove": [lambda w: w.groups.remove("team", users="ada@example.org")],
    "groups.update": [lambda w: w.groups.update("team", name="crew")],
    "projects.add": [lambda w: w.projects.add("survey", datasets="train")],
    "projects.create": [lambda w: w.projects.create("new", datasets="train")],
    "plugin_options.set": [lambda w: w.plugin_options.set("actions", {"check-files.hash": True})],
    "plugin_options.show": [lambda w: w.plugin_options.show("actions")],
    "projects.delete": [lambda w: w.projects.delete("survey")],
    "projects.remove": [lambda w: w.projects.remove("survey", datasets="train", tags="road")],
    "projects.update": [lambda w: w.projects.update("survey", status="completed")],
    "tags.create": [lambda w: w.tags.create("city"), lambda w: w.tags.create("road")],
    "tags.delete": [lambda w: w.tags.delete("road")],
    "tags.rename": [lambda w: w.tags.rename("road", "street")],
    "users.add": [lambda w: w.users.add("bob@example.org"), lambda w: w.users.add("ADA@example.org")],
    "users.remove": [lambda w: w.users.remove("ada@example.org")],
    "users.add_key": [lambda w: w.users.add_key("ada@example.org", "ssh-ed25519 AAAA")],
    "users.create_token": [lambda w: w.users.create_token("nobody@example.org")],
    "users.note_use": [lambda w: w.users.note_use([])],
    "users.remove_key": [lambda w: w.users.remove_key("laptop")],
    "users.revoke_token": [lambda w: w.users.revoke_token("laptop")],
    "users.update": [lambda w: w.users.update("ada@example.org", role="admin")],
    "imports.cancel": [lambda w: w.imports.cancel(w.imports._start("x", None, {}))],
    "ingest.files": [lambda w: w.ingest.files([a_new_file(w, "a")], folder="Open", content_hash=True)],
    "ingest.manifest": [lambda w: w.ingest.manifest(a_manifest(w), folder="Open")],
    "ingest.metadata_file": [lambda w: w.ingest.metadata_file(rows_file(w), by="name")],
    "ingest.resume": [lambda w: w.ingest.resume(a_stopped_import(w, "Open"))],
    "ingest.sync": [lambda w: w.ingest.sync("Synced")],
    "integrations.create": [
        lambda w: w.integrations.create("other", "local"),
        lambda w: w.integrations.create("lab", "local"),
    ],
    "integrations.delete": [lambda w: w.integrations.delete("lab")],
    "integrations.trust": [lambda w: w.integrations.trust("lab")],
    "items.delete": [lambda w: w.items.delete(["open-1.png"]), lambda w: w.items.delete(["secret-1.png"])],
    "items.move": [lambda w: w.items.move(["secret-1.png"], "Open")],
    "metadata.merge": [lambda w: w.metadata.merge({"secret-1.png": {"city": "X"}})],
    "presets.create": [lambda w: w.presets.create("new", heron.Query())],
    "presets.delete": [lambda w: w.presets.delete("wide")],
    "projections.delete": [lambda w: w.projections.delete("visual")],
    "schema.add": [lambda w: w.schema.add("fresh", "number")],
    "schema.add_embedding": [lambda w: w.schema.add_embedding("fresh", 3)],
    "schema.add_enum": [lambda w: w.schema.add_enum("fresh", ["a"])],
    "schema.add_enum_options": [lambda w: w.schema.add_enum_options("weather", ["fog"])],
    "schema.add_scalar": [lambda w: w.schema.add_scalar("fresh", "number")],
    "schema.delete_key": [lambda w: w.schema.delete_key("city")],
    "schema.edit": [lambda w: w.schema.edit().__enter__().keys()],
    "schema.restore_key": [lambda w: w.schema.delete_key("city") or w.schema.restore_key("city")],
    "schema.set_from_dict": [lambda w: w.schema.set_from_dict({"city": "varchar"})],
    "schema.set_indexed": [lambda w: w.schema.set_indexed("city")],
    "vector_files.import_file": [
        lambda w: w.vector_files.import_file(
            "face", vectors_file(w, "open-1.png", "secret-1.png", "same.png")
        )
    ],
    "vectors.compact": [lambda w: w.vectors.compact("visual")],
    "vectors.rebuild": [lambda w: w.vectors.rebuild("visual")],
    "vectors.refresh": [lambda w: w.vectors.refresh("visual")],
}
"""Calls that the user may make, or that name what is not there for the user."""

NOT_YET_ALIKE: set[str] = set()
"""Calls whose answers still tell of the hidden half; this list only gets shorter."""

PREPARED_AND_FORBIDDEN = {
    "curation.hash_missing": (
        lambda own: unhashed(own, "Open", "Locked"),
        lambda w, found: w.curation.hash_missing(),
    ),
    "ingest.manifest": (a_manifest, lambda w, found: w.ingest.manifest(found, folder="Locked")),
    "ingest.resume": (
        lambda own: a_stopped_import(own, "Locked"),
        lambda w, found: w.ingest.resume(found),
    ),
    "portable.merge": (foreign_export, lambda w, found: w.portable.merge(found)),
    "schema.convert": (
        lambda own: texts_beside_numbers(own, "open-1.png", "locked-1.png"),
        lambda w, found: w.schema.convert("fresh"),
    ),
    "schema.rename_option": (
        lambda own: own.metadata.merge({"locked-1.png": {"weather": "rain"}}),
        lambda w, found: w.schema.rename_option("weather", "rain", "drizzle"),
    ),
    "schema.undo": (
        lambda own: texts_beside_numbers(own, "open-1.png", "locked-1.png") and own.schema.convert("fresh"),
        lambda w, found: w.schema.undo("fresh"),
    ),
    "vector_files.import_file": (
        lambda own: vectors_file(own, "open-1.png", "locked-1.png"),
        lambda w, found: w.vector_files.import_file("face", found),
    ),
    "vectors.adopt": (
        lambda own: values_to_adopt(own, ["open-1.png", "locked-1.png"]),
        lambda w, found: w.vectors.adopt("look"),
    ),
}
"""What the owner does first, and the call that is forbidden then, which gets what the owner's verb returned."""

DERIVED = {"projections.make"}
"""Verbs whose answer is made of all vectors together, so that the lakes differ."""


def rows_file(w):
    """A file of metadata for an item of an open folder, a hidden one and a name that many items have."""
    file = w.root / "rows.csv"
    file.write_text("name,city\nopen-1.png,X\nsecret-1.png,X\nsame.png,X\n")
    return file


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    """The roots of the lakes A, which is written through the double, and B."""
    return two_lakes(tmp_path_factory.mktemp("lakes"))


@pytest.fixture
def copies(lakes, tmp_path):
    """Copies of both lakes."""
    for lake in lakes:
        shutil.copytree(lake, tmp_path / lake.name)
    return [tmp_path / lake.name for lake in lakes]


def test_every_public_verb_that_writes_is_tried(workspace):
    writing = {verb for verb in WRITES if "._" not in verb or "__call__" in verb} & set(
        public_verbs(workspace)
    )
    assert writing == {*ALLOWED, *FORBIDDEN, *PREPARED_AND_FORBIDDEN, *DERIVED} - {"curation.uniqueness"}


@pytest.mark.parametrize(("verb", "place"), [*calls(ALLOWED, NOT_YET_ALIKE)])
def test_a_verb_that_writes_answers_as_without_the_hidden_half(copies, verb, place):
    answers = []
    for root, whole in zip(copies, (True, False), strict=True):
        with opened(root, whole=whole) as ws:
            said = Plain(root).answer(ALLOWED[verb][place], ws)
        with opened(root, whole=whole) as ws:
            after = [
                ws.items.list(),
                ws.folders.list(),
                ws.collections.list(),
                [*map(list, map(ws.datasets.rows, ws.datasets.list()))],
            ]
            answers.append([said, Plain(root).of(after)])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("verb", PREPARED_AND_FORBIDDEN)
def test_what_is_forbidden_is_refused_whole(copies, verb):
    prepare, call = PREPARED_AND_FORBIDDEN[verb]
    with heron.open(copies[0], discover=False) as own:
        found = prepare(own)
    with opened(copies[0], whole=True) as ws:
        before = state(ws)
        with pytest.raises(heron.PermissionDenied) as refusal:
            call(ws, found)
        assert re.match(r"half@example.org may not ", refusal.value.message)
        assert not re.search("Secret|Hidden", refusal.value.message)
        assert state(ws) == before


WRITING_LINES = """
relocate files/Locked /elsewhere | relocate files/Open/Deep /elsewhere | relocate files/Secret /elsewhere
import files/Locked --folder Deep | import files/Open/open-1.png --folder Locked | manifest check m.json | sync | sync Synced
integrations add other --backend local | integrations check lab files/Open | integrations options s3 | integrations remove lab --yes
integrations trust lab | folders create New | folders create Locked/New
folders delete Synced --yes | folders delete Hidden --yes | folders metadata Synced city=x
folders metadata Locked city=x | folders move Synced Open/Deep | folders move Locked Open | folders rename Synced Fresh
folders rename Locked Fresh | folders sidecars Synced --pause | folders sidecars Hidden/Synced --pause | folders unsync Synced
folders unsync Locked/Synced | items delete open-1.png --yes | items delete locked-1.png --yes | items delete secret-1.png --yes
items move Open/Deep open-1.png | items move Locked open-1.png | items rename open-1.png b | items rename locked-1.png b
items rename secret-1.png b | items sign open-1.png | keyframes extract open.gif 0 -o frames | keyframes extract secret.gif 0 -o frames
keyframes remove open.gif 1 | keyframes remove locked.gif 1 | keyframes set open.gif 2 | keyframes set secret.gif 2
thumbnails --folder Open | thumbnails --folder Locked --again | thumbnails --folder Hidden | vectors adopt face
columns status | columns rebuild | backup ../backups | restore ../none . --dry-run | vectors compact | vectors delete face --yes | vectors export face -o v.npy | vectors import face v.jsonl | vectors rebuild visual
vectors status | schema add fresh varchar | schema add-options weather fog | schema delete city | schema delete city --hard --yes
schema convert | schema undo city | schema rename-option weather gone fog
schema index city | schema load s.json | schema restore city | metadata import rows.csv | metadata merge city=x --folder Open
metadata merge city=x --folder Locked | metadata merge city=x --folder Hidden | metadata replace city=x --folder Open/Deep --yes
presets create new --where "width > 1" | presets delete wide | collections add Best --folder Open
collections create New --where "width > 50" | collections create New --names names.txt | collections delete Best --yes
collections remove Best --folder Open | collections update Best --title Better | datasets add test --folder Open
datasets create new --collection Best | datasets freeze train | datasets delete test@1 --yes | datasets delete test --yes | datasets metadata test 0 city=x | datasets metadata test 1 city=x
datasets remove train --folder Open | datasets update test --title tested | imports report 99 | imports resume 99 | imports show 99
org users keys add ada@example.org nothing.pub | org users keys remove nothing --yes | org users tokens create nobody@example.org
org users tokens revoke nothing --yes | org users add bob@example.org | org users update ada@example.org --role admin | org users remove ada@example.org --yes
org groups create crew --user ada@example.org | org groups add team --user owner | org groups remove team --user ada@example.org
org groups update team --name crew | org groups delete team --yes | org tags create city | org tags rename road city
org tags delete road --yes | grant user --user ada@example.org --folder Open | grant user --user ada@example.org --folder Locked
grant user --user ada@example.org --folder Hidden | revoke --group team --folder Open | revoke --group team --folder Hidden
projects create new --dataset train | projects add survey --dataset train | projects remove survey --tag road
projects update survey --status completed | projects send survey tasks.json --collection Best --format json --dry-run | projects delete survey --yes
imports cancel 99 | merge files | plugins list | embed --folder Open --again | embed --folder Locked --again
plugins purge notes --yes | derive --folder Open --again | derive --folder Locked --again
"""
"""Commands that write, or need a file, with --json.

Two things cannot be as without the hidden half, and are refused: to make a folder at a path that a hidden one has, and to
delete what holds something hidden.
"""

ELSEWHERE = {
    ("init",): "makes a new workspace",
    ("plugins", "new"): "writes a plugin and opens no catalogue",
    ("plugins", "record"): "writes a file beside a plugin",
    ("plugins", "trace"): "is another command, and what it calls",
    ("plugins", "configure"): "says of plugins alone",
    ("plugins", "allow"): "says of plugins alone",
    ("plugins", "prefer"): "says of plugins alone",
    ("quickstart",): "makes a new workspace",
    ("mcp",): "runs until its client goes; plugins/mcp tests its rights",
    ("serve",): "runs until it is stopped; plugins/server tests its rights",
    ("explore",): "is serve, and opens the browser",
    ("completion",): "prints a script for the shell",
}
"""Commands that are not tried on the lakes, each with the reason."""

NOT_YET_EQUAL: set[str] = set()
"""Lines whose output still tells of the hidden half; this list only gets shorter."""


def lines_of(text):
    return [line.strip() for row in text.strip().splitlines() for line in row.split("|")]


def test_every_command_is_tried():
    tried = {path_of(line) for line in lines_of(LINES) + lines_of(WRITING_LINES)}
    for path, command in commands():
        if not (isinstance(command, click.Group) and not command.invoke_without_command):
            assert (path in tried) != (path in ELSEWHERE), path


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(line, id=line, marks=pytest.mark.xfail(strict=True) if line in NOT_YET_EQUAL else ())
        for line in lines_of(WRITING_LINES)
    ],
)
def test_a_command_prints_what_it_prints_without_the_hidden_half(copies, line, monkeypatch, capsys):
    """Both lakes are opened through the double; what names Locked changes nothing."""
    monkeypatch.setattr("heron.opened.Access", HalfHidden)
    printed = []
    for root in copies:
        monkeypatch.chdir(root)
        with heron.open(root, discover=False) as ws:
            vectors_file(ws, "open-1.png", "secret-1.png").rename(root / "v.jsonl")
            rows_file(ws)
            before = state(ws)
        (root / "names.txt").write_text("open-1.png\nsecret-1.png\nsame.png\n")
        (root / "s.json").write_text('{"city": "varchar"}')
        (root / "m.json").write_text('{"images": [{"objectUrl": "files/Open/open-1.png"}]}')
        code = status(["--no-plugins", *shlex.split(line), "--json"])
        said = capsys.readouterr()
        plain = Plain(root)
        printed.append([code, plain.json(said.out), plain.text(said.err)])
        if "may not" in said.err and line != "sync":  # which goes on with the next folder
            with heron.open(root, discover=False) as ws:
                assert state(ws) == before
    assert printed[0] == printed[1]
