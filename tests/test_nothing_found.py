"""What a list says when nothing is found: what was asked for in vain, and what to try instead."""

import pytest

from heron.models import MediaFacts, NewItem


@pytest.fixture
def lake(workspace):
    workspace.schema.add_scalar("city", "varchar")
    workspace.schema.add_scalar("ripe", "number")
    workspace.schema.add_scalar("note", "varchar")
    new = [
        NewItem(
            f"s3://lake/p{number}.jpg",
            MediaFacts("image", "image/jpeg", 100 * number + 100, 80),
            metadata={"city": ["Oslo", "Algiers"][number % 2], "ripe": number},
        )
        for number in range(6)
    ]
    workspace.registration.register(new, "Photos")
    return workspace


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("city = 'algiers'", "Did you mean city = 'Algiers'?"),
        ("city IN ('algirs', 'Olso')", "Did you mean city = 'Algiers' or 'Oslo'?"),
        ("city = 'Lisbon'", "There is city = 'Algiers', 'Oslo'."),
        ("width > 9999", "Values of width are from 100 to 600."),
        ("ripe BETWEEN 7 AND 9", "Values of ripe are from 0 to 5."),
        ("note = 'x'", "No item has a value of note."),
        ("name = 'P1.jpg'", "Did you mean name = 'p1.jpg'?"),
        ("city = 'Oslo' AND width = 200", "The 2 conditions alone match 3, 1 items, but none matches all of them."),
        ("city = 'Oslo' AND width = 7", "Values of width are from 100 to 600."),
        ("city = 'Oslo' AND note LIKE 'x%'", "No item has a value of note."),
        ("in_collection('Best')", "Collection Best has no items."),
        ("city = 'Algiers' OR city = 'Oslo' OR note = 'x'", None),
        ("note = 'x' OR width = 7", "No item has a value of note."),
    ],
)  # fmt: skip
def test_a_search_without_results_says_what_to_try(lake, run, condition, why):
    lake.collections.create("Best")
    said = run("search", "--where", condition).splitlines()
    if why is None:
        assert len(said) == 7
    else:
        assert said == [f"No item matches. {why}"]
        assert run("items", "--columns", "name", "--where", condition).splitlines() == said
        assert run("contact-sheet", "--where", condition, "-o", "none.png").splitlines() == said


def test_an_empty_folder_and_an_empty_workspace_are_named(lake, run):
    lake.folders.create("Empty")
    assert run("items", "--folder", "Empty") == "No item matches. Folder Empty has no items.\n"
    assert run("search", "--frames", "--folder", "Photos") == "No frame matches. There is no frame yet.\n"
    lake.items.delete(lake.items.list())
    assert (
        run("items", "--folder", "Empty")
        == "There is no item yet. Import some: heron import PATH --folder NAME\n"
    )
    assert run("search", "--where", "width > 3") == "No item matches. There is no item yet.\n"


def test_programs_get_no_hints(lake, run):
    assert run("items", "--json", "--where", "width > 9999") == '{"items":[],"cursor":null}\n'
    assert run("search", "--csv", "--columns", "name", "--where", "width > 9999").split() == ["name"]


def test_the_best_score_is_named(lake, run):
    lake.schema.add_embedding("own", 2)
    items = lake.items.list()
    lake.vectors.add("own", items, [[1.0, item.facts.width / 100] for item in items])
    said = run("search", "--like", "p0.jpg", "--key", "own", "--min-score", "0.999")
    assert said.startswith("No item matches. The best score is 0.9")
