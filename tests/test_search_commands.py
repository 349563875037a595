"""`heron search` and its relatives by likeness: options, tables, JSON, collections, presets, refusals."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

import heron
from heron.cli.main import status

SCENES = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Twelve pictures, four of each colour, embedded by the built-in descriptor; and vectors that were given."""
    place = tmp_path_factory.mktemp("scenes")
    for name, colour in SCENES.items():
        for number in range(4):
            picture = Image.new("RGB", (160, 120), colour)
            ImageDraw.Draw(picture).ellipse((20 + 10 * number, 20, 90, 90), fill="white")
            (place / "pictures").mkdir(exist_ok=True)
            picture.save(place / "pictures" / f"{name}-{number}.png")
    with heron.open(place, discover=False) as workspace:
        workspace.schema.add_scalar("number", "number")
        workspace.schema.add_scalar("story", "text")
        workspace.schema.add_embedding("own", 2)
        workspace.ingest.files([place / "pictures"], folder="Scenes")
        items = list(workspace.items.list())
        workspace.metadata.merge(
            {i.uuid: {"number": int(i.name[-5]), "story": f"a {i.name.split('-')[0]} scene"} for i in items}
        )
        workspace.embed("visual")
        workspace.vectors.add("own", items[:3], [[1, 0], [0, 1], [1, 1]])
    np.save(place / "east.npy", np.array([1.0, 0.1]))
    return place


@pytest.fixture
def run(place, monkeypatch, capsys):
    monkeypatch.chdir(place)

    def run(*arguments, code=0):
        assert status(["--no-plugins", *arguments]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return run


def names(said):
    return [item["name"] for item in json.loads(said)["items"]]


def test_like_finds_what_looks_alike_and_not_the_thing_itself(run):
    found = names(run("search", "--like", "red-1.png", "--key", "visual", "--limit", "3", "--json"))
    assert sorted(found) == ["red-0.png", "red-2.png", "red-3.png"]


def test_like_a_file_that_is_not_in_the_catalogue(run, place):
    Image.new("RGB", (80, 60), (30, 200, 40)).save(place / "query.png")
    found = names(run("search", "--like", "query.png", "--key", "visual", "--limit", "4", "--json"))
    assert {name.split("-")[0] for name in found} == {"green"}


def test_like_a_vector_in_a_file(run):
    rows = json.loads(run("search", "--like", "east.npy", "--key", "own", "--json"))["items"]
    assert [round(row["score"], 2) for row in rows] == [1.0, 0.77, 0.1]


def test_tables_have_the_score_beside_the_name(run):
    head, first, *_ = run("search", "--like", "red-1.png", "--key", "visual", "--limit", "2").splitlines()
    assert head.split()[:3] == ["name", "score", "id"]
    assert 0.5 < float(first.split()[1]) <= 1


def test_a_condition_and_a_sort_go_with_it(run):
    found = names(
        run(
            "search", "--like", "blue-0.png", "--key", "visual", "--where", "number > 0", "--sort", "-number",
            "--nearest", "3", "--json",
        )
    )  # fmt: skip
    assert found == ["blue-3.png", "blue-2.png", "blue-1.png"]


def test_words_are_looked_for_in_every_text_key(run):
    assert {name.split("-")[0] for name in names(run("search", "--words", "blue scene", "--json"))} == {
        "blue"
    }
    assert "No item matches." in run("search", "--words", "yellow")


def test_pages_go_on_without_doubles_to_the_end(run):
    seen, cursor = [], ()
    while True:
        page = json.loads(
            run("search", "--like", "red-0.png", "--key", "visual", "--limit", "4", "--json", *cursor)
        )
        seen += [item["name"] for item in page["items"]]
        if page["cursor"] is None:
            break
        cursor = ("--cursor", page["cursor"])
    assert len(seen) == len(set(seen)) == 11


def test_least_score_and_count(run):
    arguments = ("search", "--like", "red-0.png", "--key", "visual")
    scores = [row["score"] for row in json.loads(run(*arguments, "--json"))["items"]]
    bound = str((scores[2] + scores[3]) / 2)
    assert run(*arguments, "--count").strip() == "11"
    assert run(*arguments, "--min-score", bound, "--count").strip() == "3"
    assert run(*arguments, "--nearest", "5", "--count").strip() == "5"


def test_explain_says_way_and_why(run):
    said = run("search", "--like", "red-0.png", "--key", "visual", "--where", "number = 1", "--explain")
    assert "scan" in said and "3 vectors" in said and "milliseconds" in said and "number" in said
    plain = json.loads(run("search", "--where", "number = 1", "--explain", "--json"))
    assert plain["key"] is None and plain["milliseconds"]


def test_what_was_found_becomes_a_collection(run, place):
    run("search", "--like", "red-0.png", "--key", "visual", "--limit", "3", "--collect", "Reds")
    with heron.open(place, discover=False) as workspace:
        assert {item.name.split("-")[0] for item in workspace.collections.items("Reds")} == {"red"}
    run("collections", "create", "Greens", "--like", "green-0.png", "--nearest", "3")
    with heron.open(place, discover=False) as workspace:
        assert len(list(workspace.collections.items("Greens"))) == 3


def test_a_preset_remembers_what_it_is_like(run):
    run("presets", "create", "reddish", "--like", "red-0.png", "--key", "visual", "--nearest", "2")
    assert "red-0.png" in run("presets", "show", "reddish")
    assert {name.split("-")[0] for name in names(run("search", "--preset", "reddish", "--json"))} == {"red"}


def test_a_contact_sheet_of_what_is_alike(run, place):
    run(
        "contact-sheet",
        "--like",
        "blue-1.png",
        "--key",
        "visual",
        "--limit",
        "3",
        "--size",
        "64",
        "-o",
        "blue.png",
    )
    with Image.open(place / "blue.png") as sheet:
        reds, _, blues = sheet.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert blues > reds


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a red bus", "--nearest", "2"), "no embedding takes text queries yet (heron embed --embedder clip makes one"),
        (("a red bus", "--key", "visual"), "the embedder visual of 'visual' takes no text"),
        (("a red bus", "--key", "own"), "the vectors of 'own' were imported"),
        ((" ", "--key", "visual"), "the text to search for is empty"),
        (("--like", "nothing.png"), "there is no item and no file 'nothing.png'"),
        (("--like", "red-0.png", "--key", "clip"), "there are no vectors under 'clip' (there are some under: visual, own)"),
        (("--like", "east.npy", "--key", "visual"), "expected 392 numbers, got"),
        (("--like", "blue-3.png", "--key", "own"), "has no vector under 'own'"),
        (("--nearest", "3"), "nearest needs a text, or something to be similar to"),
        (("--min-score", "0.5"), "min_score needs a text"),
        (("--like", "red-0.png#7",), "frame 7 is not in the catalogue"),
        (("--like", "pictures"), "there is no item and no file 'pictures'"),
    ],
)  # fmt: skip
def test_refusals_are_one_sentence(run, arguments, words):
    said = run("search", *arguments, code=1)
    assert words in said
    assert len(said.strip().splitlines()) == 1


def test_choosing_by_likeness_needs_a_number(run):
    assert "How many of them? Give --nearest or --min-score." in run(
        "collections", "create", "Some", "--like", "red-0.png", code=2
    )


def test_columns_print_just_the_named_fields(run):
    given = (
        "search",
        "--where",
        "name = 'red-2.png'",
        "--columns",
        "name,number,item.width,aspect_ratio,story,codec",
    )
    [row] = json.loads(run(*given, "--json"))["items"]
    expected = {
        "name": "red-2.png",
        "number": 2,
        "item.width": 160,
        "aspect_ratio": 160 / 120,
        "story": "a red scene",
    }
    assert row == {**expected, "codec": None}
    header, cells = run(*given).splitlines()
    assert header.split() == list(row)
    assert cells.split()[:3] == ["red-2.png", "2", "160"]


def test_the_id_that_tables_show_is_a_column(run):
    given = ("search", "--where", "name = 'red-2.png'", "--columns", "id,name")
    _, cells = run(*given).splitlines()
    short, name = cells.split()
    [row] = json.loads(run(*given, "--json"))["items"]
    assert name == "red-2.png" and len(short) < 36 and row["id"].endswith(short)
    assert json.loads(run("items", "show", row["id"], "--json"))["uuid"] == row["id"]


def test_columns_of_lists_follow_the_page_and_its_cursor(run):
    first = json.loads(run("items", "--columns", "name", "--limit", "2", "--json"))
    assert [list(row) for row in first["items"]] == [["name"], ["name"]]
    second = json.loads(
        run("items", "--columns", "name", "--limit", "2", "--json", "--cursor", first["cursor"])
    )
    assert not {row["name"] for row in first["items"]} & {row["name"] for row in second["items"]}
    assert "More: --cursor" in run("items", "list", "--columns", "name", "--limit", "2")


@pytest.mark.parametrize(
    "command", [["items"], ["search"], ["search", "--where", "width < 0"], ["search", "--frames"]]
)
@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("nmber", "did you mean number?"),
        ("name,,", "cannot be read"),
        ("-name", "in front"),
        ("own", "no plain"),
        ("", "no column"),
    ],
)
def test_columns_that_mean_no_field_are_refused(run, command, columns, words):
    assert words in run(*command, "--columns", columns, code=1)


def test_columns_come_in_the_form_in_which_values_are_written(workspace):
    workspace.schema.add_scalar("checked", "boolean")
    workspace.schema.add_scalar("place", "geospatial")
    facts = heron.MediaFacts(
        "video", "video/mp4", captured_at="2026-01-02T03:04:05Z", extra={"exif": {"Model": "X"}}
    )
    frames = [heron.NewFrame(0, 0.0, True, metadata={"checked": False})]
    metadata = {"checked": True, "place": [36.75, 3.06]}
    workspace.registration.register(
        [heron.NewItem("s3://b/a.mp4", facts, metadata=metadata, frames=frames)], "A"
    )
    [row] = workspace.search.values(workspace.search(), "checked,place,captured_at,exif.Model,folder")
    [item] = workspace.items.list()
    assert row.pop("captured_at").startswith("2026-01-02T03:04:05")
    assert row == {"checked": True, "place": item.metadata["place"], "exif.Model": "X", "folder": "A"}
    names = "frame.number,frame.is_key,frame.checked,checked,name"
    [row] = workspace.search.values(workspace.search.frames(), names, frames=True)
    assert list(row.values()) == [0, True, False, True, "a.mp4"]
