"""What a user may not see is in no answer: each reading verb answers as in a lake that holds the visible half alone."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars
import pytest

import heron
from heron.catalog.access import Access
from heron.cli.main import status
from tests.hidden_half import HalfHidden, Plain, opened, two_lakes
from tests.test_access import READS, public_verbs, state

pytestmark = pytest.mark.slow

EXAMPLES = {
    "facets.__call__": [lambda w: w.facets("name,folder,width,city,collections,datasets")],
    "stats.__call__": [lambda w: w.stats(), lambda w: w.stats("name,folder,width,city")],
    "compare.__call__": [lambda w: w.compare("width > 50", "width <= 50")],
    "collections.find": [lambda w: w.collections.find("Best")],
    "collections.get": [lambda w: w.collections.get("Best"), lambda w: w.collections.get("Bes")],
    "collections.items": [lambda w: w.collections.items("Best")],
    "collections.list": [lambda w: w.collections.list(), lambda w: w.collections.list(limit=1)],
    "collections.match_names": [
        lambda w: w.collections.match_names(["same.png", "secret-1.png", "open-1.png", "hidden"])
    ],
    "curation.diverse": [lambda w: w.curation.diverse("visual", 4)],
    "curation.exact_duplicates": [lambda w: w.curation.exact_duplicates()],
    "curation.leakage": [
        lambda w: w.curation.leakage("train", "test"),
        lambda w: w.curation.leakage("train", "test", "visual"),
    ],
    "curation.near_duplicates": [
        lambda w: w.curation.near_duplicates("visual", 0.8),
        lambda w: w.curation.near_duplicates("face"),
        lambda w: w.curation.near_duplicates("visul"),
    ],
    "curation.sheet": [lambda w: w.curation.sheet(w.curation.near_duplicates("visual", 0.8))],
    "curation.uniqueness": [lambda w: w.curation.uniqueness("visual")],
    "datasets.find": [lambda w: w.datasets.find("train")],
    "datasets.get": [lambda w: w.datasets.get("test"), lambda w: w.datasets.get("tset")],
    "datasets.list": [lambda w: w.datasets.list()],
    "datasets.rows": [lambda w: w.datasets.rows("train")],
    "embed.chosen": [lambda w: w.embed.chosen(), lambda w: w.embed.chosen(heron.Query(folder="Hidden"))],
    "export": [lambda w, name=name: exported(w, name) for name in ("json", "csv")],
    "folders.contents": [
        lambda w: w.folders.contents("Open"),
        lambda w: w.folders.contents("Hidden"),
        lambda w: w.folders.contents("Secret"),
    ],
    "folders.find": [lambda w: w.folders.find("Secret"), lambda w: w.folders.find("Open/Deep")],
    "folders.get": [lambda w: w.folders.get("Secre"), lambda w: w.folders.get("Ope")],
    "folders.list": [
        lambda w: w.folders.list(),
        lambda w: w.folders.list("Open"),
        lambda w: w.folders.list(limit=2),
        lambda w: w.folders.list("Hidden"),
    ],
    "frames.find": [
        lambda w: w.frames.find("open.gif", 1),
        lambda w: w.frames.find("secret.gif", 1),
    ],
    "frames.get": [lambda w: w.frames.get("open.gif", 4), lambda w: w.frames.get("secret.gif", 1)],
    "frames.list": [lambda w: w.frames.list("open.gif"), lambda w: w.frames.list("secret.gif")],
    "frames.stream": [lambda w: w.frames.stream("open.gif"), lambda w: w.frames.stream("secret.gif")],
    "frames.thumbnail": [lambda w: w.frames.thumbnail(w.frames.get("open.gif", 1))],
    "imports.find": [lambda w: w.imports.find(12345)],
    "imports.get": [lambda w: w.imports.get(w.imports.list()[0].uuid)],
    "imports.list": [lambda w: w.imports.list(), lambda w: w.imports.list(limit=2)],
    "imports.problems": [lambda w: [list(w.imports.problems(job)) for job in w.imports.list()]],
    "imports.report": [lambda w: [w.imports.report(job) for job in w.imports.list()]],
    "ingest.check_manifest": [lambda w: w.ingest.check_manifest(manifest(w))],
    "ingest.write_manifest": [lambda w: w.ingest.write_manifest(str(w.root / "files/Locked"), out(w))],
    "integrations.find": [lambda w: w.integrations.find("lab")],
    "integrations.get": [lambda w: w.integrations.get("lba")],
    "integrations.list": [lambda w: w.integrations.list()],
    "items.by_name": [lambda w: w.items.by_name("same.png"), lambda w: w.items.by_name("secret-1.png")],
    "items.count": [
        lambda w: w.items.count(),
        lambda w: w.items.count(folder="Open"),
        lambda w: w.items.count(folder="Hidden"),
    ],
    "items.find": [lambda w: w.items.find("secret-1.png"), lambda w: w.items.find("open-1.png")],
    "items.get": [
        lambda w: w.items.get("open-2.png"),
        lambda w: w.items.get("same.png"),
        lambda w: w.items.get("secret-1.pn"),
        lambda w: w.items.get(str(w.root / "files/Secret/secret-1.png")),
    ],
    "items.list": [
        lambda w: w.items.list(),
        lambda w: w.items.list(folder="Open"),
        lambda w: w.items.list(folder="Secret"),
    ],
    "items.members": [lambda w: w.items.members("open-1.png"), lambda w: w.items.members("secret-1.png")],
    "items.page": [
        lambda w: w.items.page(),
        lambda w: pages(lambda cursor: w.items.page(limit=4, cursor=cursor)),
    ],
    "items.stream": [lambda w: w.items.stream()],
    "metadata.verify": [lambda w: w.metadata.verify()],
    "pictures.contact_sheet": [lambda w: w.pictures.contact_sheet(w.search(where="kind = 'image'"))],
    "pictures.frames": [lambda w: w.pictures.frames("open.gif", [0, 3])],
    "pictures.picture": [
        lambda w: w.pictures.picture("open-1.png"),
        lambda w: w.pictures.picture("secret-1.png"),
    ],
    "pictures.picture_of": [lambda w: w.pictures.picture_of(w.root / "files/Open/open-1.png")],
    "pictures.portrait": [
        lambda w: w.pictures.portrait("open.gif"),
        lambda w: w.pictures.portrait("secret.gif"),
    ],
    "pictures.text": [lambda w: w.pictures.text("open.txt"), lambda w: w.pictures.text("secret.txt")],
    "pictures.thumbnail": [
        lambda w: w.pictures.thumbnail("open-1.png"),
        lambda w: w.pictures.thumbnail("secret-1.png"),
    ],
    "pictures.times": [lambda w: w.pictures.times("open.gif"), lambda w: w.pictures.times("secret.gif")],
    "pictures.write_frames": [lambda w: w.pictures.write_frames("secret.gif", out(w), [1])],
    "presets.find": [lambda w: w.presets.find("wide")],
    "presets.get": [lambda w: w.presets.get("wid")],
    "presets.list": [lambda w: w.presets.list()],
    "projections.get": [lambda w: w.projections.get("visual")],
    "projections.list": [lambda w: w.projections.list()],
    "projections.plot": [lambda w: w.projections.plot(out(w), "visual")],
    "projections.points": [lambda w: sorted_points(w)],
    "groups.find": [lambda w: w.groups.find("team")],
    "groups.get": [lambda w: w.groups.get("tea")],
    "groups.list": [lambda w: w.groups.list()],
    "log.list": [lambda w: w.log.list(user="half@example.org")],
    "log.stream": [lambda w: list(w.log.stream(user="half@example.org", verb="folders"))],
    "projects.find": [lambda w: w.projects.find("survey")],
    "projects.get": [lambda w: w.projects.get("surve")],
    "projects.list": [lambda w: w.projects.list(tags="road")],
    "roles.list": [
        lambda w: w.roles.list(),
        lambda w: w.roles.list(group="team"),
        lambda w: w.roles.list(folder="Hidden"),
        lambda w: w.roles.list(folder="Open"),
    ],
    "tags.find": [lambda w: w.tags.find("road")],
    "tags.get": [lambda w: w.tags.get("roa")],
    "tags.list": [lambda w: w.tags.list()],
    "users.find": [lambda w: w.users.find("ada@example.org")],
    "users.get": [lambda w: w.users.get("adam@example.org")],
    "users.list": [lambda w: w.users.list()],
    "schema.current": [lambda w: sorted(w.schema.current().keys())],
    "schema.keys": [lambda w: w.schema.keys()],
    "schema.not_fitting": [lambda w: w.schema.not_fitting()],
    "schema.show": [lambda w: w.schema.show()],
    "schema.to_dict": [lambda w: w.schema.to_dict()],
    "schema.unknown_keys": [lambda w: w.schema.unknown_keys()],
    "search.__call__": [
        lambda w: w.search(),
        lambda w: w.search(where="city is not null", sort="-city"),
        lambda w: w.search(like="same.png"),
        lambda w: w.search(like="open-1.png", nearest=5),
        lambda w: w.search(like="open-1.png", key="face", nearest=5, exact=True),
        lambda w: w.search(like="secret-1.png"),
        lambda w: w.search(words="notes"),
        lambda w: w.search(words="story"),
        lambda w: w.search(folder="Hidden"),
        lambda w: w.search(where="unknown_secret = 1"),
        lambda w: w.search(where="unknown_opn = 1"),
        lambda w: w.search(where="collection = 'Best'"),
        lambda w: pages(lambda cursor: w.search(sort="name", limit=3, cursor=cursor)),
        lambda w: pages(lambda cursor: w.search(like="open-1.png", limit=4, cursor=cursor)),
    ],
    "search.all": [lambda w: w.search.all(where="width > 50")],
    "search.count": [
        lambda w: w.search.count(),
        lambda w: w.search.count(where="name like '%secret%'"),
        lambda w: w.search.count(words="story"),
    ],
    "search.count_frames": [
        lambda w: w.search.count_frames(),
        lambda w: w.search.count_frames(where="weather = 'rain'"),
    ],
    "search.notes": [lambda w: w.search.notes(where="width > 1")],
    "search.explain": [lambda w: w.search.explain(like="open-1.png").way],
    "search.values": [lambda w: w.search.values(w.search(), "name,folder,weather,width")],
    "search.frames": [
        lambda w: w.search.frames(),
        lambda w: w.search.frames(where="weather = 'rain'", sort="-frame.number"),
    ],
    "storage.check": [lambda w: w.storage.check("lab", (w.root / "files/Locked").as_uri())],
    "storage.list": [lambda w: w.storage.list((w.root / "files/Locked").as_uri())],
    "storage.normalise": [lambda w: w.storage.normalise("file:///lake/./a.jpg")],
    "storage.of": [lambda w: w.storage.of("open-1.png"), lambda w: w.storage.of("secret-1.png")],
    "storage.open": [lambda w: type(w.storage.open("file:///lake/a.jpg")).__name__],
    "storage.sign": [lambda w: w.storage.sign("open-1.png"), lambda w: w.storage.sign("secret-1.png")],
    "storage.stream": [lambda w: w.storage.stream((w.root / "files/Locked").as_uri())],
    "synced.find": [lambda w: w.synced.find("Synced"), lambda w: w.synced.find("Hidden/Synced")],
    "synced.get": [lambda w: w.synced.get("Hidden/Synced"), lambda w: w.synced.get("Synce")],
    "synced.list": [lambda w: w.synced.list()],
    "thumbnails.find": [
        lambda w: w.thumbnails.find("open-1.png"),
        lambda w: w.thumbnails.find("secret-1.png"),
    ],
    "columns.push": [lambda w: pushed(w)],
    "vector_files.export_file": [
        lambda w: exported_vectors(w, "face", "npy"),
        lambda w: exported_vectors(w, "face", "jsonl"),
    ],
    "vectors.adoptable": [lambda w: w.vectors.adoptable()],
    "vectors.find": [
        lambda w: w.vectors.find("face", "open-1.png"),
        lambda w: w.vectors.find("face", "secret-1.png"),
    ],
    "vectors.get": [
        lambda w: w.vectors.get("face", "open-1.png"),
        lambda w: w.vectors.get("face", "secret-1.png"),
        lambda w: w.vectors.get("fac", "open-1.png"),
    ],
    "vectors.of": [lambda w: w.vectors.of("open-1.png"), lambda w: w.vectors.of("secret-1.png")],
    "vectors.sizes": [lambda w: w.vectors.sizes("open-1.png"), lambda w: w.vectors.sizes("secret-1.png")],
    "vectors.status": [
        lambda w: [
            (status.key, status.vectors, status.gaps, status.missing, status.coded, status.embedder)
            for status in w.vectors.status()
        ]
    ],
    "vectors.stored": [
        lambda w: [plain_owners(batch) for batch in w.vectors.stored("face")],
        lambda w: np.concatenate([batch.vectors for batch in w.vectors.stored("face")]),
    ],
    "vectors.verify": [lambda w: w.vectors.verify("visual", deep=True)],
}
"""Calls of each public verb that reads. Items, folders and the rest are named as in both lakes."""

NOT_YET: set[str] = set()
"""Calls whose answers still tell of the hidden half; this list only gets shorter."""


def out(w):
    """A file to write to."""
    return w.root.parent / f"{w.root.name}.out.json"


def manifest(w):
    """A manifest of the files of an open folder."""
    w.ingest.write_manifest(str(w.root / "files/Locked"), out(w))
    return out(w)


def exported(w, format):
    """What a dataset's export holds."""
    file = w.root / f"out-{format}"
    return [
        w.export("train", file, format=format),
        file.read_bytes() if format == "parquet" else file.read_text(),
    ]


def sorted_points(w):
    """The items of the points; where they lie depends on all vectors that were projected together."""
    found = w.projections.points("visual")
    return [found.uuids, found.names, len(found.places)]


def plain_owners(batch):
    """The items and frames of a batch of vectors."""
    return [batch.items, batch.frames, batch.vectors]


def exported_vectors(w, key, ending):
    """What an export of vectors says and holds."""
    file = w.root / f"vectors.{ending}"
    told = w.vector_files.export_file(key, file)
    return [told, file.read_text() if ending == "jsonl" else np.load(file)]


def pushed(w):
    """What pushed columns say and hold."""
    with TemporaryDirectory() as place:
        told = w.columns.push(place)
        manifest = json.loads((Path(place) / "_heron.json").read_text())
        rows = {
            name: [
                row
                for file in table["files"]
                for row in polars.read_parquet(Path(place) / file["path"], hive_partitioning=True).to_dicts()
            ]
            for name, table in manifest["tables"].items()
        }
    columns = {name: table["columns"] for name, table in manifest["tables"].items()}
    return [told.tables, told.left_out, rows, columns]


def pages(page):
    """All pages of a list."""
    found, cursor = [], None
    while True:
        one = page(cursor)
        found.append(one)
        if (cursor := one.cursor) is None:
            return found


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    """The roots of the lakes A, which is read through the double, and B."""
    return two_lakes(tmp_path_factory.mktemp("lakes"))


def test_every_public_verb_that_reads_is_compared(workspace):
    reading = {verb for verb in READS if "._" not in verb or "__call__" in verb} & set(
        public_verbs(workspace)
    )
    assert reading == set(EXAMPLES)


def calls(of, not_yet):
    """Each call by its verb and its place among the calls of that verb."""
    for verb, several in of.items():
        for place in range(len(several)):
            marks = pytest.mark.xfail(strict=True) if f"{verb} {place}" in not_yet else ()
            yield pytest.param(verb, place, id=f"{verb} {place}", marks=marks)


@pytest.mark.parametrize(("verb", "place"), [*calls(EXAMPLES, NOT_YET)])
def test_an_answer_is_that_of_a_lake_without_the_hidden_half(lakes, verb, place):
    answers = []
    for root, whole in zip(lakes, (True, False), strict=True):
        with opened(root, whole=whole) as ws:
            answers.append(Plain(root).answer(EXAMPLES[verb][place], ws))
    assert answers[0] == answers[1]


FORBIDDEN = {
    "columns.rebuild": [lambda w: w.columns.rebuild()],
    "columns.status": [lambda w: w.columns.status()],
    "columns.refresh": [lambda w: w.columns.refresh()],
    "curation.uniqueness": [lambda w: w.curation.uniqueness("visual", keep=True)],
    "datasets.set_metadata": [lambda w: w.datasets.set_metadata("test", 1, {"city": "X"}, merge=True)],
    "embed.__call__": [lambda w: w.embed("visual", ["locked-1.png"], again=True)],
    "folders.create": [lambda w: w.folders.create("Locked/New")],
    "folders.delete": [lambda w: w.folders.delete("Locked"), lambda w: w.folders.delete("Open")],
    "folders.ensure": [lambda w: w.folders.ensure("Locked/New")],
    "folders.move": [lambda w: w.folders.move("Open", "Locked"), lambda w: w.folders.move("Locked", None)],
    "folders.rename": [lambda w: w.folders.rename("Locked", "Free")],
    "folders.set_metadata": [lambda w: w.folders.set_metadata("Locked", {"city": "X"})],
    "frames.add": [lambda w: w.frames.add("locked.gif", [(2, 0.2, True)])],
    "frames.delete": [lambda w: w.frames.delete("locked.gif", 1)],
    "frames.set": [lambda w: w.frames.set("locked.gif", [3])],
    "frames.set_metadata": [lambda w: w.frames.set_metadata("locked.gif", 1, {"weather": "sun"})],
    "ingest.files": [
        lambda w: w.ingest.files([w.root / "files/Open/open-1.png"], folder="Locked"),
        lambda w: w.ingest.files([w.root / "files/Open/open-1.png"], folder="Locked/New", ignore_errors=True),
    ],
    "ingest.follow": [lambda w: w.ingest.follow("Locked/New", (w.root / "files/Open").as_uri() + "/")],
    "ingest.metadata_file": [lambda w: w.ingest.metadata_file(rows(w), by="name")],
    "ingest.sync": [lambda w: w.ingest.sync("Locked/Synced")],
    "items.delete": [lambda w: w.items.delete(["open-1.png", "locked-1.png"])],
    "items.move": [
        lambda w: w.items.move(["open-1.png"], "Locked"),
        lambda w: w.items.move(["open-1.png", "locked-1.png"], "Open/Deep"),
    ],
    "items.rename": [lambda w: w.items.rename("locked-1.png", "free.png")],
    "metadata.merge": [lambda w: w.metadata.merge(BOTH)],
    "metadata.merge_all": [lambda w: w.metadata.merge_all([*BOTH], {"city": "X"})],
    "metadata.replace": [lambda w: w.metadata.replace(BOTH)],
    "metadata.replace_all": [lambda w: w.metadata.replace_all([*BOTH], {"city": "X"})],
    "pictures.make": [lambda w: w.pictures.make([*BOTH], again=True)],
    "registration.register": [
        lambda w: w.registration.register(
            [heron.NewItem("s3://b/a.png", heron.MediaFacts("image", "image/png"))], "Locked"
        )
    ],
    "roles.grant": [lambda w: w.roles.grant("user", user="ada@example.org", folder="Locked")],
    "roles.revoke": [lambda w: w.roles.revoke(group="team", folder="Locked")],
    "storage.relocate": [
        lambda w: w.storage.relocate(w.root / "files", "/elsewhere"),
        lambda w: w.storage.relocate(w.root / "files/Locked", "/elsewhere", dry_run=True),
    ],
    "synced.bind": [lambda w: w.synced.bind("Locked/Deep", "file:///nowhere/")],
    "synced.release": [lambda w: w.synced.release("Locked/Synced")],
    "synced.set_sidecars": [lambda w: w.synced.set_sidecars("Locked/Synced", ".json")],
    "vectors.add": [lambda w: w.vectors.add("face", [*BOTH], [[1, 0, 0], [0, 1, 0]])],
    "vectors.delete": [lambda w: w.vectors.delete("face")],
    "vectors.remove": [lambda w: w.vectors.remove("face", [*BOTH])],
}
"""Calls that would write in the quarter where the user may only read; some name an item of another folder first."""

BOTH = {"open-1.png": {"city": "X"}, "locked-1.png": {"city": "X"}}

NOT_YET_REFUSED: set[str] = set()
"""Calls that are not refused as a whole yet; this list only gets shorter."""


def rows(w):
    """A file of metadata for an item of an open folder and one of a locked folder."""
    file = w.root / "rows.csv"
    file.write_text("name,city\nopen-1.png,X\nlocked-1.png,X\n")
    return file


@pytest.mark.parametrize(("verb", "place"), [*calls(FORBIDDEN, NOT_YET_REFUSED)])
def test_what_would_write_where_the_user_may_not_is_refused_and_changes_nothing(lakes, tmp_path, verb, place):
    shutil.copytree(lakes[0], tmp_path / "lake")
    with opened(tmp_path / "lake", whole=True) as ws:
        before = state(ws)
        with pytest.raises(heron.PermissionDenied) as refusal:
            FORBIDDEN[verb][place](ws)
        assert refusal.value.message.startswith("half@example.org may not ")
        assert "Secret" not in refusal.value.message
        assert "Hidden" not in refusal.value.message
        assert state(ws) == before


LINES = """
items | items list --folder Open | items show open-1.png | items show secret-1.png | items --limit 2 | folders | folders list
folders show Open | folders show Hidden | keyframes list open.gif | keyframes list secret.gif | collections | collections list
collections show Best | datasets | datasets list | datasets show train | datasets export train -o d.csv | columns push pushed | presets | presets list
presets show wide | imports | imports list | integrations | integrations list | integrations show lab | schema | schema show
schema verify | schema dump | schema types | metadata show open-1.png | metadata show secret-1.png | metadata verify | search
search --where "width > 50" | search --count | search --frames | search --like open-1.png --nearest 4 | search --like secret-1.png
search --words story | contact-sheet -o s.png | plot visual -o plot.csv | duplicates | duplicates --near | select --diverse 3
select --unique 3 | facets name,folder,width,city,collections | stats | compare width>0 width>50 | leakage train test | leakage test train | vectors verify visual | embed --list | show open-1.png
org users | org users list | org groups | org groups list | org tags | org tags list | org roles | org roles --folder Hidden
projects | projects list | projects show survey | projects show surve | log --user half@example.org
show secret-1.png | show open.txt --text | manifest create files/Locked -o made.json | plugins | trust --list
"""
"""Commands that read, with --json."""

NOT_YET_EQUAL: set[str] = set()
"""Lines whose output still tells of the hidden half; this list only gets shorter."""


def command_lines():
    for row in LINES.strip().splitlines():
        for line in map(str.strip, row.split("|")):
            marks = pytest.mark.xfail(strict=True) if line in NOT_YET_EQUAL else ()
            yield pytest.param(line, id=line, marks=marks)


@pytest.mark.parametrize("line", [*command_lines()])
def test_a_command_prints_what_it_prints_in_a_lake_without_the_hidden_half(lakes, line, monkeypatch, capsys):
    printed = []
    for root, access in zip(lakes, (HalfHidden, Access), strict=True):
        monkeypatch.chdir(root)
        monkeypatch.setattr("heron.opened.Access", access)
        code = status(["--no-plugins", *shlex.split(line), "--json"])
        said = capsys.readouterr()
        plain = Plain(root)
        printed.append([code, plain.json(said.out), plain.text(said.err)])
    assert printed[0] == printed[1]
    assert printed[0][0] in (0, 1)
