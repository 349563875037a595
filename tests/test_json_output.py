"""`--json`: every command has it, prints nothing but JSON with it, and prints lists in one shape."""

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import click
import numpy as np
import pytest
from PIL import Image

import heron
from heron.cli.main import status
from heron.quickstart.bucket import LakeBucket
from tests.conftest import draw
from tests.public_keys import public_key
from tests.test_cli import commands

FOR_A_SCREEN = {
    ("completion",): "prints a script for the shell",
    ("mcp",): "speaks the protocol on standard output; plugins/mcp tests it",
    ("explore",): "runs until it is stopped; plugins/explorer tests what it prints",
    ("serve",): "runs until it is stopped; plugins/server tests what it prints",
    ("quickstart",): "is a tour to read along, and prints what its commands print",
}
"""Commands without --json, each with the reason."""

ARRAYS = {
    ("datasets", "show"),
    ("metadata", "verify"),
    ("plugins",),
    ("plugins", "list"),
    ("plugins", "tables"),
}
"""Lists that stay arrays, for scripts read them so."""

LISTS = """
items | items list | search | search --frames | folders | folders list | collections | collections list | collections show C
datasets | datasets list | datasets versions | datasets versions D | datasets verify D | presets | presets list | imports | imports list | imports report 2 | integrations
integrations list | trust --list | integrations options s3 | plugins prefer --list | plugins allow --list | plugins tables | plugins trace items | plugins configure storage_s3 | integrations check here URL | schema types | schema verify | keyframes list film.gif
org users | org users list | org users keys | org users keys list | org users tokens | org users tokens list ada@example.org
org groups | org groups list | org tags | org tags list | org roles --group crew | projects
projects list --tag urgent | projects sent | log --verb roles
vectors status | vectors verify | vectors compact | embed --list | derive --list | derive | run --list | manifest formats | sync | facets kind,width | stats | compare width>0 width>1
"""
OTHERS = """
init new | relocate in elsewhere --dry-run | import in/a.png --folder P | import --manifest m.json --folder M --dry-run --ignore-errors | manifest check m.json
manifest create in -o made.json | items show a.png | items rename a.png b
items move Q a.png | items delete a.png --yes | show a.png | show a.png -o x.png | show a.png --windows | show a.txt --text
keyframes set film.gif 1 2 | keyframes extract film.gif -o frames | keyframes remove film.gif 0
thumbnails --folder P | embed --folder P --again | run check-files --folder P | vectors rebuild visual | vectors delete visual --yes | vectors adopt visual
vectors export visual -o v.npy | vectors import mine v.npy --ids v.ids.txt --create
columns status | columns rebuild | columns push pushed | backup backups | restore kept new | schema | schema show | schema add city varchar | schema add-options weather fog | schema delete weather
schema rename-option weather sun shine | schema convert | schema undo late
schema delete weather --hard --yes | schema restore gone | schema index weather | schema dump | schema dump s.toml
schema load s.json | metadata show a.png | metadata merge x=1 --folder P | metadata replace --folder P --yes
metadata import m.csv | search --count | search --explain | search --collect Found
contact-sheet -o sheet.png | contact-sheet --where "width > 9999" -o none.png | plot visual -o plot.csv
duplicates --hash-missing | duplicates --near | select --diverse 1 --key visual --collect Few | leakage D D
presets create p --where "width > 1" | presets show saved | presets delete saved
collections create N --folder P | collections create M --names names.txt | collections add C --folder P
collections add C --names names.txt | collections remove C --folder P | collections update C --title E
collections delete C --yes | datasets create N --collection C | datasets add D --folder P
datasets remove D --folder P | datasets metadata D 0 x=1 | datasets export D -o d.csv | datasets update D --title E
export -o made.heron | export -o made.zip --dataset D --media | merge other.heron --dry-run | merge other.heron
datasets delete D --yes | datasets freeze D --hash | datasets diff D@1 D | datasets versions D@1
datasets show D@1 | datasets delete D@1 --yes | org users add new@example.org | org users update ada@example.org --role admin
org users keys add ada@example.org new.pub | org users keys remove laptop --yes | org users tokens create ada@example.org
org users tokens revoke laptop --yes | org users remove ada@example.org --yes | org groups create new --user ada@example.org | org groups add crew --user owner
org groups remove crew --user ada@example.org | org groups update crew --name team | org groups delete crew --yes
org tags create soon | org tags rename urgent soon | org tags delete urgent --yes | grant user --user ada@example.org --folder P
revoke --group crew --folder P | log -o log.jsonl | projects create New --dataset D | projects show Survey
projects send Survey tasks.json --collection C --format label-studio
projects add Survey --dataset D | projects remove Survey --tag urgent | projects update Survey --archive | projects delete Survey --yes
imports show 1 | imports resume 3 | imports cancel 3 | plugins new toy
plugins prefer storage_s3 | plugins purge notes --yes | plugins record recorded_toy
folders create P/New --description x | folders create S2 --sync URL2 | folders show P | folders rename P R | folders move Q P
folders metadata P x=1 | folders unsync S | folders sidecars S --pause | folders delete P --yes
integrations add lab --backend s3 -o region=x | integrations show here | integrations trust here | integrations remove here --yes
datasets show D | metadata verify | plugins | plugins list
"""


def stopped(progress):
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A workspace with a picture, a film, a text and a broken file, and something under every noun."""
    place = tmp_path_factory.mktemp("sample")
    draw(place / "in" / "a.png", seed=1)
    draw(place / "synced" / "s.png", seed=2)
    pages = [Image.new("RGB", (40, 30), (number * 40, 0, 0)) for number in range(4)]
    pages[0].save(place / "in" / "film.gif", save_all=True, append_images=pages[1:], duration=500)
    (place / "in" / "a.txt").write_text("plain words\n")
    (place / "broken.jpg").write_bytes(b"")
    (place / "m.csv").write_text("name,x\na.png,1\nnobody,2\n")
    (place / "names.txt").write_text("a.png\nnobody\n")
    (place / "m.json").write_text(json.dumps({"images": [{"objectUrl": str(place / "in" / "a.png")}]}))
    np.save(place / "v.npy", np.ones((1, 3), np.float32))
    (place / "v.ids.txt").write_text("a.png\n")
    (place / "new.pub").write_text(public_key(2))
    (place / "s.json").write_text(json.dumps({"city": {"type": "varchar"}}))
    with heron.open(place, discover=False) as workspace:
        workspace.schema.add_enum("weather", ["sun"])
        workspace.schema.add_scalar("gone", "varchar")
        workspace.schema.delete_key("gone")
        workspace.ingest.files([place / "in"], folder="P")
        workspace.ingest.files([place / "broken.jpg"], folder="P", ignore_errors=True)
        with pytest.raises(KeyboardInterrupt):
            workspace.ingest.files([place / "in"], folder="Stopped", progress=stopped)
        workspace.ingest.follow("S", (place / "synced").as_uri())
        workspace.folders.create("Q")
        workspace.frames.set("film.gif", {0: None})
        workspace.metadata.merge({workspace.items.get("a.png").uuid: {"weather": "sun", "late": "3"}})
        workspace.schema.add("late", "number")
        workspace.embed("visual")
        (workspace.root / ".heron/tables").mkdir()
        with closing(sqlite3.connect(workspace.root / ".heron/tables/notes.db")) as left:
            left.execute("CREATE TABLE left_by_a_plugin_that_is_gone (text TEXT)")
        workspace.collections.create("C", items=["a.png"])
        workspace.datasets.create("D", items=["a.png", "film.gif"])
        workspace.versions.freeze("D")
        workspace.backup(place / "kept")
        workspace.presets.create("saved", heron.Query(where="width > 1"))
        workspace.vectors.rebuild("visual")
        workspace.users.add("ada@example.org")
        workspace.users.add_key("ada@example.org", public_key(1), name="laptop")
        workspace.users.create_token("ada@example.org", name="laptop")
        workspace.groups.create("crew", users="ada@example.org")
        workspace.tags.create("urgent")
        workspace.projects.create("Survey", tags="urgent", datasets="D")
        workspace.roles.grant("user", group="crew", folder="P")
        workspace.portable.export(place / "other.heron", folder="P")
    with heron.open(place) as workspace:
        workspace.integrations.create("here", "local")
    return place


@pytest.fixture
def run(sample, tmp_path, monkeypatch, capsys):
    """Run a command with --json in a copy of the sample; returns its standard output, whatever its exit status."""
    shutil.copytree(sample, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    (tmp_path / "copy" / "recorded_toy.py").write_text('"""A plugin that brings nothing."""\n')
    monkeypatch.syspath_prepend(str(tmp_path / "copy"))

    def run(line, code=(0, 1, 3)):
        urls = {"URL": (tmp_path / "copy" / "in").as_uri(), "URL2": (tmp_path / "copy" / "in").as_uri()}
        got = status([urls.get(argument, argument) for argument in shlex.split(line)] + ["--json"])
        said = capsys.readouterr()
        assert got in code, said
        return said

    return run


def lines(text):
    return [line.strip() for row in text.strip().splitlines() for line in row.split("|")]


def path_of(line):
    parts = shlex.split(line)
    known = {path for path, _ in commands()}
    return next(tuple(parts[:length]) for length in (4, 3, 2, 1) if tuple(parts[:length]) in known)


@pytest.mark.slow
@pytest.mark.parametrize("line", lines(LISTS) + lines(OTHERS))
def test_nothing_but_json_is_printed(run, line):
    said = run(line)
    assert not said.err.startswith("Error"), said.err
    found = json.loads(said.out)
    if line in lines(LISTS):
        assert set(found) >= {"items", "cursor"}
        assert isinstance(found["items"], list)
    else:
        assert isinstance(found, list if path_of(line) in ARRAYS else dict)


@pytest.mark.slow
def test_signed_urls_are_json_too(run, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "guest")
    with LakeBucket(tmp_path / "copy" / "in", "lake") as bucket:
        run(
            f"integrations add lab --backend s3 -o endpoint={bucket.endpoint} -o access_key_id=guest "
            "-o secret_access_key=env:SECRET"
        )
        run("import s3://lake/a.png --folder Cloud --integration lab")
        [item] = json.loads(run("items --folder Cloud").out)["items"]
        signed = json.loads(run(f"items sign {item['uuid']} --expires 60").out)
    assert [url.partition("?")[0] for url in signed["urls"]] == [f"{bucket.endpoint}/lake/a.png"]
    assert signed["expires"] == 60


@pytest.mark.slow
def test_every_command_has_it_and_is_tried_here():
    tried = {path_of(line) for line in lines(LISTS) + lines(OTHERS)}
    for path, command in commands():
        is_only_help = isinstance(command, click.Group) and not command.invoke_without_command
        if path in FOR_A_SCREEN or path == ("items", "sign") or is_only_help:
            continue
        assert any("--json" in parameter.opts for parameter in command.params), f"{path} has no --json"
        assert path in tried, f"{path} is tried by no line of this file"


@pytest.mark.parametrize(
    "line", ["items show nobody", "imports report 99", "search --where 'nonsense ==='", "folders show X"]
)
def test_of_an_error_nothing_goes_to_standard_output(run, line):
    said = run(line, code=(1,))
    assert said.out == ""
    assert said.err.startswith("Error: ")


def test_a_limited_list_has_a_cursor_that_leads_to_the_rest(run):
    for line in ("keyframes list film.gif", "collections show C", "imports report 2", "schema verify"):
        whole = json.loads(run(line).out)
        seen, cursor = [], "0"
        while cursor is not None:
            page = json.loads(run(f"{line} --limit 1 --cursor {cursor}").out)
            seen, cursor = seen + page["items"], page["cursor"]
        assert seen == whole["items"]
        assert whole["cursor"] is None


def test_a_group_does_not_swallow_it(run, capsys):
    assert status(["folders", "--json", "list"]) == 2
    assert "--json goes after list" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["datasets export D -o - --format csv", "manifest create in -o -"])
def test_two_things_cannot_both_go_to_standard_output(run, line):
    said = run(line, code=(2,))
    assert said.out == ""
    assert "both write to standard output" in said.err


@pytest.mark.slow
def test_what_plugins_print_while_they_load_is_kept_from_it(sample, tmp_path):
    (tmp_path / "noise.py").write_text("print('noise from a plugin')\n")
    info = tmp_path / "noise-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noise\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[heron]\nnoise = noise\n")
    program = [sys.executable, "-c", "from heron.cli.main import run; run()"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for line in ("plugins", "search --where width>1", "presets show saved"):
        done = subprocess.run(
            [*program, *line.split(), "--json"], cwd=sample, env=environment, capture_output=True, check=True
        )
        json.loads(done.stdout)
        assert line != "plugins" or b"noise from a plugin" in done.stderr


def test_metadata_that_meets_no_item_exits_with_1(run, tmp_path):
    (tmp_path / "copy" / "none.csv").write_text("name,x\nnobody,1\n")
    assert json.loads(run("metadata import none.csv", code=(1,)).out)["updated"] == 0
    assert json.loads(run("metadata import m.csv", code=(0,)).out)["updated"] == 1
