"""The options that choose items: the same in every command, and an item must match all of them."""

import json

import click
import pytest

import heron
from heron.cli.main import main, status
from heron.cli.selection import _CONDITIONS, _ORDER, _SIMILARITY
from tests.conftest import draw

LISTS = {"items", "items list", "search", "contact-sheet", "presets create"}
VERBS = {
    "keyframes set", "items move", "items delete", "collections create", "collections add", "collections remove", "datasets create", "datasets add", "datasets remove",
    "metadata merge", "metadata replace", "embed", "thumbnails",
}  # fmt: skip
ANALYSES = {"duplicates", "select", "plot", "vectors export"}


def parameters(path):
    """The parameters of a command by their Python names."""
    command = main
    with click.Context(main) as context:
        for name in path.split():
            command = command.get_command(context, name)
    return {parameter.name: parameter for parameter in command.params}


@pytest.mark.parametrize("path", sorted(LISTS | VERBS | ANALYSES))
def test_every_command_on_items_takes_the_same_options_with_the_same_words(path):
    taken, model = parameters(path), parameters("items")
    expected = {*_CONDITIONS, *_SIMILARITY, *(() if path in ANALYSES else _ORDER)}
    for name in expected - ({"key"} if path == "embed" else set()):
        assert name in taken, f"{path} takes no --{name}"
        if isinstance(taken[name], click.Option):
            assert (taken[name].opts, taken[name].help) == (model[name].opts, model[name].help)
        else:
            assert name == "text", f"{name} of {path} is an argument"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Four pictures p0 to p3 in two folders, with a collection, a dataset and a text key."""
    place = tmp_path_factory.mktemp("chosen")
    for number in range(4):
        draw(place / "in" / f"p{number}.png", size=(64 + number, 48), seed=number)
    with heron.open(place, discover=False) as workspace:
        workspace.schema.add_scalar("story", "text")
        workspace.ingest.files([place / "in" / "p0.png", place / "in" / "p1.png"], folder="A")
        workspace.ingest.files([place / "in" / "p2.png", place / "in" / "p3.png"], folder="B")
        items = {item.name: item for item in workspace.items.list()}
        workspace.metadata.merge({items["p1.png"].uuid: {"story": "a red bus"}})
        workspace.collections.create("It's mine", items=[items["p1.png"], items["p2.png"]])
        workspace.datasets.create("D", items=[items["p3.png"], items["p1.png"]])
        workspace.embed("visual")
    return place


@pytest.fixture
def run(place, monkeypatch, capsys):
    monkeypatch.chdir(place)

    def run(*arguments, code=0):
        assert status(["--no-plugins", *arguments]) == code, capsys.readouterr()
        said = capsys.readouterr()
        return said.err if code else said.out

    return run


CHOICES = {
    ("--folder", "A"): "01",
    ("--where", "width > 65"): "23",
    ("--words", "bus"): "1",
    ("--collection", "It's mine"): "12",
    ("--dataset", "D"): "31",
    ("--dataset", "D", "--folder", "A"): "1",
    ("--dataset", "D", "--collection", "It's mine"): "1",
    ("--item", "p0.png", "--item", "p3.png"): "03",
    ("--item", "p0.png", "--folder", "B"): "",
    ("--collection", "It's mine", "--folder", "B"): "2",
    ("--collection", "It's mine", "--where", "width > 65", "--item", "p2.png"): "2",
    ("--like", "p0.png", "--nearest", "3", "--collection", "It's mine"): "12",
    ("--folder", "A", "--sort", "-width"): "10",
    ("--where", "width > 0", "--sort", "-width", "--limit", "2"): "32",
}


def numbers(found):
    return "".join(item["name"][1] for item in found)


@pytest.mark.parametrize(("choice", "expected"), CHOICES.items(), ids=lambda value: " ".join(value))
def test_what_is_chosen_is_the_same_in_lists_searches_and_verbs(run, place, choice, expected):
    ordered = str if "--sort" in choice else sorted
    assert ordered(numbers(json.loads(run("items", *choice, "--json"))["items"])) == ordered(expected)
    assert ordered(numbers(json.loads(run("search", *choice, "--json"))["items"])) == ordered(expected)
    run("datasets", "create", "Made", *choice)
    assert ordered(numbers(json.loads(run("datasets", "show", "Made", "--json")))) == ordered(expected)
    run("datasets", "delete", "Made", "--yes")


def test_items_that_are_named_and_those_of_a_dataset_keep_their_order(run):
    run("datasets", "create", "Named", "--item", "p3.png", "--item", "p0.png")
    run("datasets", "create", "Copy", "--dataset", "D")
    assert numbers(json.loads(run("datasets", "show", "Named", "--json"))) == "30"
    assert numbers(json.loads(run("datasets", "show", "Copy", "--json"))) == "31"
    for title in ("Named", "Copy"):
        run("datasets", "delete", title, "--yes")


def test_pages_of_chosen_items_lead_to_each_other(run):
    first = json.loads(run("items", "--sort", "-width", "--limit", "3", "--json"))
    rest = json.loads(run("items", "--sort", "-width", "--cursor", first["cursor"], "--json"))
    assert numbers(first["items"] + rest["items"]) == "3210"
    assert rest["cursor"] is None


@pytest.mark.parametrize("order", [(), ("--limit", "2"), ("--sort", "width")])
def test_a_verb_needs_to_be_told_which_items(run, order):
    said = run("metadata", "merge", "story=x", *order, code=2)
    assert "Which items? Give one or more of --item, --folder, --where, --words, --collection" in said


def test_a_preset_keeps_items_and_collection(run):
    run("presets", "create", "some", "--collection", "It's mine", "--item", "p2.png", "--item", "p3.png")
    assert numbers(json.loads(run("search", "--preset", "some", "--json"))["items"]) == "2"


def test_an_analysis_compares_by_its_key_whether_or_not_items_are_chosen_by_similarity(run):
    found = json.loads(run("select", "--diverse", "2", "--key", "visual", "--folder", "B", "--json"))
    assert {item["name"] for item in found["items"]} == {"p2.png", "p3.png"}
    near = ("--like", "p0.png", "--nearest", "2", "--key", "visual")
    assert len(json.loads(run("select", "--diverse", "9", *near, "--json"))["items"]) == 2
    assert "go with --near" in run("duplicates", "--key", "visual", code=2)


def test_a_sheet_has_its_most(run):
    assert "1,000 pictures at most" in run("contact-sheet", "--limit", "1001", "-o", "x.png", code=2)


@pytest.mark.parametrize(
    "name", ["item", "folder", "where", "words", "collection", "dataset", "preset", "text", "like"]
)
def test_an_empty_value_never_means_all_items(run, name):
    number = ("--nearest", "1") if name in ("text", "like") else ()
    for order in ((), ("--sort", "width", "--limit", "9")):
        run("metadata", "merge", "story=x", f"--{name}", "", *number, *order, code=1)
    assert run("search", "--where", "story = 'x'", "--count").strip() == "0"


def test_a_least_score_of_zero_counts(run):
    arguments = ("search", "--like", "p0.png", "--key", "visual", "--count")
    assert run(*arguments, "--min-score", "0") == run(*arguments, "--min-score", "-0.0")
    assert "min_score needs a text" in run("search", "--min-score", "0", code=1)


def test_items_are_moved_and_deleted_by_any_choice(run):
    def names(*choice):
        return numbers(json.loads(run("items", *choice, "--json"))["items"])

    assert "Which items?" in run("items", "delete", "--yes", code=2)
    assert "Moved 2 items" in run("items", "move", "B", "--folder", "A")
    assert sorted(names("--folder", "B")) == ["0", "1", "2", "3"]
    assert "Moved 1 item" in run("items", "move", "A", "p0.png", "p2.png", "--where", "width = 64")
    assert "Moved 1 item" in run("items", "move", "A", "p1.png")
    assert (names("--folder", "A"), names("--folder", "B")) == ("01", "23")
    assert "Delete 2 items from the catalogue (p2.png, p3.png)" in run(
        "items", "delete", "--folder", "B", code=2
    )
    assert names() == "0123"
    assert "Deleted 1 item" in run("items", "delete", "--where", "name = 'p3.png'", "--yes")
    assert names() == "012"
