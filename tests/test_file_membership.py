"""Items are found by the names of their files: their own one, or a member of a group or series, also in an archive."""

import pytest

from heron.errors import InvalidInput
from heron.models import MediaFacts, Member, NewItem

ZIP = "s3://lake/scans/mr.zip"


@pytest.fixture
def lake(workspace):
    def series(url, members):
        return NewItem(
            url, MediaFacts("image_group", "image/png"), name=url[-4:], members=[Member(m) for m in members]
        )

    workspace.registration.register(
        [
            series(
                "s3://lake/scans/IM_1.dcm#series=2.25",
                ["s3://lake/scans/IM_1.dcm", "s3://lake/scans/IM%20%25.dcm"],
            ),
            series(f"{ZIP}#series=2.26", [f"{ZIP}#zip=IM_1.dcm", f"{ZIP}#zip=sub/IM7"]),
            NewItem(
                f"{workspace.root.as_uri()}/cats/IM7.png", MediaFacts("image", "image/png"), name="a cat"
            ),
            NewItem("s3://lake/scans/IMX1.dcm", MediaFacts("image", "image/png"), name="other"),
        ],
        "A",
    )
    return workspace


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("IM_1.dcm", "2.25 2.26"),
        ("scans/IM_1.dcm", "2.25"),
        ("im_1.DCM", "2.25 2.26"),
        ("IM %.dcm", "2.25"),
        ("IM%.dcm", "2.25 2.26 other"),
        ("M_1.dcm", ""),
        ("scans", ""),
        ("mr.zip", "2.26"),
        ("IM7", "2.26"),
        ("sub/IM7", "2.26"),
        ("IM7.png", "a cat"),
        ("cats/IM7.png", "a cat"),
    ],
)
def test_a_condition_finds_items_by_the_name_of_a_file(lake, name, found):
    assert " ".join(item.name for item in lake.search(where=f"has_file('{name}')", sort="name")) == found
    others = {item.name for item in lake.search(where=f"NOT has_file('{name}')")}
    assert others == {"2.25", "2.26", "a cat", "other"} - set(found.replace("a cat", "a_cat").split()) - (
        {"a cat"} if "cat" in found else set()
    )


def test_an_item_is_named_by_a_file_of_it(lake):
    assert lake.items.get("IM %.dcm").name == "2.25"
    assert lake.items.get("IM7").name == lake.items.get("mr.zip").name == "2.26"
    assert lake.items.get("IM7.png").name == "a cat"
    assert [
        item.name for item in lake.collections.items(lake.collections.create("C", items=["IM7", "IM7.png"]))
    ] == ["2.26", "a cat"]
    assert lake.items.find("IM%.dcm") is None, "only conditions have wildcards"
    with pytest.raises(InvalidInput, match=r"2 items are called 'IM_1\.dcm'"):
        lake.items.get("IM_1.dcm")
    assert lake.items.find("nothing.dcm") is None
