"""Metadata types of plugins compare, sort and are shown as they say."""

# ruff: noqa: RUF012 - the attributes of a contract are never changed

import json

import pytest
from attrs import evolve

import heron
from heron.catalog.columns import kept
from heron.cli.main import status
from heron.errors import QueryError
from heron.models import MediaFacts, NewFrame, NewItem
from heron.testing import MetadataTypeContract
from tests.toy_types import IPV4, SEMVER, Semver, ToyTypes

VERSIONS = {"a": "1.9.0", "b": "1.10.0", "c": "10.0.0"}
ADDRESSES = {"a": "9.0.0.1", "b": "10.0.0.1", "c": "192.168.0.1"}
MOODS = {"a": "calm", "b": "wild", "c": "calm"}


@pytest.fixture
def plugins():
    return [ToyTypes()]


@pytest.fixture
def workspace(workspace):
    for name, kind in {
        "ver": "semver",
        "ip": "ipv4",
        "mood": "mood",
        "hue": "hue",
        "city": "varchar",
        "other": "semver",
    }.items():
        workspace.schema.add_scalar(name, kind)
    workspace.registration.register(
        [
            NewItem(
                f"u:{name}",
                MediaFacts("video", "video/mp4", frame_count=9),
                name=name,
                metadata={
                    "ver": VERSIONS[name], "ip": ADDRESSES[name], "mood": MOODS[name], "hue": MOODS[name],
                    "other": "1.9.0", "city": "1.9.0",
                },
                frames=[NewFrame(0, metadata={"ver": VERSIONS[name]})],
            )
            for name in "cab"
        ],
        "F",
    )  # fmt: skip
    return workspace


@pytest.mark.parametrize(
    ("where", "names"),
    {
        "ver > '1.9.0'": "bc", "ver >= '1.9.0'": "abc", "ver < '1.10.0'": "a", "'1.10.0' > ver": "a", "ver = '01.9.00'": "a",
        "ver <> '1.9.0'": "bc", "ver IN ('1.9.0', '10.0.0')": "ac", "ver BETWEEN '1.9.1' AND '9.9.9'": "b",
        "ver NOT BETWEEN '1.9.1' AND '9.9.9'": "ac", "'2.0.0' BETWEEN other AND ver": "c", "ver = other": "a",
        "ver > other": "bc", "'1.9.0' IN (ver, other)": "abc",
        "ip > '10.0.0.0'": "bc", "ip < '10.0.0.2' AND ip > '9.255.255.255'": "b", "ip = '192.168.0.1'": "c",
        "ip IN ('9.0.0.1')": "a", "ip BETWEEN '10.0.0.0' AND '10.255.255.255'": "b",
        "mood > 'calm'": "b", "mood = city": "", "hue = 'wild'": "b", "hue IN ('calm')": "ac", "hue IS NULL": "",
    }.items(),
    ids=str,
)  # fmt: skip
def test_literals_are_written_as_values_are(workspace, where, names):
    assert "".join(item.name for item in workspace.search(where=where, sort="name")) == names


@pytest.mark.parametrize(
    ("where", "words"),
    {
        "ver > '1.9'": "ver (semver): expected a version such as 1.9.0, got '1.9'",
        "ver > 2": "expected a version such as 1.9.0, got 2",
        "ver = city": "of different types",
        "ver = ip": "of different types",
        "ver > now()": "expected another literal",
        "ver LIKE '1.%'": "LIKE cannot be used",
        "lower(ver) = '1'": "lower: expected a text, got ver (semver)",
        "ip > 'x'": "ip (ipv4): expected an address such as 10.0.0.1",
        "ip + 1 > 5": "not a number to calculate with",
        "hue > 'calm'": "hue (hue) has no order",
        "hue BETWEEN 'calm' AND 'wild'": "has no order",
        "'calm' < hue": "has no order",
        "mood > 'x'": "expected calm or wild",
    }.items(),
    ids=str,
)
def test_what_cannot_be_compared_is_refused_with_a_sentence(workspace, where, words):
    with pytest.raises(QueryError) as refusal:
        workspace.search(where=where)
    assert words in str(refusal.value)


def test_sorts_follow_the_order_of_the_type(workspace):
    for sort, names in {"ver": "abc", "-ver": "cba", "ip": "abc", "-ip": "cba", "mood,-ver": "cab"}.items():
        assert "".join(item.name for item in workspace.search(sort=sort)) == names
        page, found = workspace.search(sort=sort, limit=1), ""
        while True:
            found += page[0].name
            if page.cursor is None:
                break
            page = workspace.search(sort=sort, limit=1, cursor=page.cursor)
        assert found == names
    with pytest.raises(QueryError, match="has no order"):
        workspace.search(sort="hue")


def test_an_index_serves_the_stored_form(workspace):
    workspace.schema.set_indexed("ver")
    assert [item.name for item in workspace.search(where="ver > '1.9.0'", sort="name")] == ["b", "c"]


def test_people_see_the_form_that_they_write(workspace):
    item = workspace.items.get("b")
    wanted = {"ver": "1.10.0", "ip": "10.0.0.1", "mood": "wild"}
    readers = {
        "get": item, "list": workspace.items.list()[2], "page": workspace.items.page()[2], "by_name": workspace.items.by_name("b")[0],
        "search": workspace.search(where="name = 'b'")[0], "all": next(workspace.search.all(where="name = 'b'")),
    }  # fmt: skip
    workspace.collections.create("C", items=[item])
    workspace.datasets.create("D", items=[item])
    readers["collection"] = next(workspace.collections.items("C"))
    readers["dataset"] = next(workspace.datasets.rows("D")).item
    readers["set"] = workspace.datasets.set_metadata("D", 0, {"ip": "10.0.0.1"}, merge=True)
    for name, found in readers.items():
        assert wanted.items() <= found.metadata.items(), name
    frame = workspace.frames.get("b", 0)
    frames = [frame, workspace.frames.list("b")[0], workspace.search.frames(where="name = 'b'")[0]]
    assert [found.metadata for found in frames] == [{"ver": "1.10.0"}] * 3
    folder = workspace.folders.set_metadata("F", {"ver": "1.9.0"})
    assert folder.metadata == workspace.folders.list()[0].metadata == {"ver": "1.9.0"}


def test_tables_and_exports_show_the_form_that_people_write(workspace, tmp_path, monkeypatch, capsys):
    import heron.cli.context

    workspace.datasets.create("D", items=["b"])
    workspace.export("D", tmp_path / "d.json")
    assert json.loads((tmp_path / "d.json").read_text())[0]["metadata"]["ver"] == "1.10.0"
    workspace.export("D", tmp_path / "d.csv", format="csv")
    assert "1.10.0" in (tmp_path / "d.csv").read_text()
    monkeypatch.setattr(heron.cli.context.Context, "workspace", lambda self: workspace)
    for arguments in (["show", "b", "--json"], ["show", "b"], ["search", "--where", "name = 'b'", "--json"]):
        assert status(arguments) == 0
        assert "1.10.0" in capsys.readouterr().out


def test_what_was_shown_can_be_written_back_and_stored_values_stay(workspace):
    def stored(table="items"):
        return [row[0] for row in workspace._database.rows(f"SELECT metadata FROM {table}")]

    before = stored()
    assert '"ver":"00001.00010.00000"' in "".join(before)
    assert workspace.metadata.replace({item.uuid: item.metadata for item in workspace.items.list()}) == 3
    assert stored() == before
    assert workspace.metadata.merge_all(["b"], {"city": "x"}) == 1
    assert '"ver":"00001.00010.00000"' in "".join(stored())
    frame = workspace.frames.set_metadata("b", 0, {"ip": "1.2.3.4"}, merge=True)
    assert frame.metadata == {"ver": "1.10.0", "ip": "1.2.3.4"}
    assert '{"ver":"00001.00010.00000","ip":16909060}' in stored("frames")
    workspace.folders.set_metadata("F", {"ver": "1.9.0"})
    workspace.folders.set_metadata("F", {"ip": "1.2.3.4"}, merge=True)
    assert stored("folders") == ['{"ver":"00001.00009.00000","ip":16909060}']


def test_text_of_a_table_is_a_value_of_a_type_that_stores_numbers(workspace, tmp_path):
    (tmp_path / "m.csv").write_text("name,ip,ver\nb,1.2.3.4,2.0.0\n")
    workspace.ingest.metadata_file(tmp_path / "m.csv", by="name")
    assert workspace.items.get("b").metadata["ip"] == "1.2.3.4"


def test_stored_values_are_shown_where_the_plugin_is_gone_or_a_value_is_older_than_its_key(workspace):
    with heron.open(workspace.root, discover=False) as without:
        assert without.items.get("b").metadata["ver"] == "00001.00010.00000"
    workspace.metadata.merge_all(["b"], {"late": "old"})
    workspace.schema.add_scalar("late", "semver")
    assert workspace.items.get("b").metadata["late"] == "old"


@pytest.mark.parametrize("engine", ["sqlite", "columns"])
def test_every_reader_shows_the_form_that_people_write(workspace, tmp_path, monkeypatch, engine):
    polars = pytest.importorskip("polars")
    if engine == "columns":
        monkeypatch.setattr(kept, "MANY", 1)
        monkeypatch.setattr(kept, "PENDING", 1)
        workspace.columns.rebuild()
    assert workspace.search.explain(where="ver > '1.9.0'").engine.lower() == engine
    versions, addresses = workspace.facets("ver,ip")
    assert [(bucket.value, bucket.count) for bucket in versions.buckets] == [
        ("1.9.0", 1),
        ("1.10.0", 1),
        ("10.0.0", 1),
    ]
    assert (addresses.least, addresses.greatest, addresses.form) == ("9.0.0.1", "192.168.0.1", "values")
    statistics = workspace.stats("ver,ip")
    assert [(found.least, found.greatest, found.mean) for found in statistics] == [
        ("1.9.0", "10.0.0", None),
        ("9.0.0.1", "192.168.0.1", None),
    ]
    assert [item.metadata["ver"] for item in workspace.search.window(sort="-ver", limit=2)] == [
        "10.0.0",
        "1.10.0",
    ]
    assert workspace.search.count_frames(where="frame.ver BETWEEN '1.9.1' AND '1.99.0'") == 1
    workspace.presets.create("late", heron.Query(where="ver IN ('1.10.0', '10.0.0')", sort="-ip"))
    found = workspace.search(workspace.presets.get("late").query)
    assert [item.name for item in found] == ["c", "b"]
    assert workspace.search.values(found, "ver,ip")[1] == {"ver": "1.10.0", "ip": "10.0.0.1"}
    workspace.datasets.create("D", items=["b"])
    workspace.export("D", tmp_path / "d.parquet", format="parquet")
    [row] = polars.read_parquet(tmp_path / "d.parquet").to_dicts()
    assert (row["metadata.ver"], row["metadata.ip"]) == ("1.10.0", "10.0.0.1")
    assert row["frames"][0]["metadata"] == '{"ver":"1.10.0"}'
    workspace.columns.push((tmp_path / "pushed").as_uri())
    [pushed] = (tmp_path / "pushed" / "items").rglob("*.parquet")
    assert sorted(polars.read_parquet(pushed)["metadata.ip"]) == ["10.0.0.1", "192.168.0.1", "9.0.0.1"]


def test_a_type_that_is_shown_otherwise_than_stored_does_not_compare_as_what_it_stores(tmp_path):
    class Plugin:
        @heron.hookimpl
        def register_metadata_types(self):
            yield evolve(IPV4, compares="number")

    with heron.open(tmp_path, plugins=[Plugin()], discover=False) as workspace:
        workspace.schema.add_scalar("ip", "ipv4")
        with pytest.raises(
            QueryError, match="shows other values than it stores, so they do not compare as number"
        ):
            workspace.search(where="ip > '10.0.0.1'")


def test_a_codec_that_does_not_store_what_it_says_is_named(tmp_path):
    class Liar(Semver):
        def encoder(self, parameters):
            return lambda value: 5

    class Plugin:
        @heron.hookimpl
        def register_metadata_types(self):
            yield heron.MetadataType(name="liar", summary="lies", affinity="text", load=Liar)

    with heron.open(tmp_path, plugins=[Plugin()], discover=False) as workspace:
        workspace.schema.add_scalar("x", "liar")
        with pytest.raises(
            QueryError,
            match=r"metadata type liar \(plugin Plugin\) failed in encode: it gave 5, the type does not store text",
        ):
            workspace.search(where="x > 'a'")


class TestSemver(MetadataTypeContract):
    metadata_type = SEMVER
    good = [("1.9.0", "00001.00009.00000"), ("01.2.3", "00001.00002.00003")]
    shown = [("1.9.0", "1.9.0"), ("01.2.3", "1.2.3")]
    ascending = ["0.0.1", "1.9.0", "1.10.0", "2.0.0", "10.0.0"]
    bad = ["1.9", 1.9, "", None]


class TestIPv4(MetadataTypeContract):
    metadata_type = IPV4
    good = [("10.0.0.1", 167772161)]
    shown = [("10.0.0.1", "10.0.0.1")]
    ascending = ["0.0.0.0", "9.0.0.1", "10.0.0.0", "192.168.0.1"]
    bad = ["10.0.0", "256.0.0.1", 1.5, None]


def broken(**changes):
    """The contract over a version type with something changed."""

    class Contract(TestSemver):
        metadata_type = heron.MetadataType(
            name="semver", summary="a version", affinity="text", load=type("Changed", (Semver,), changes)
        )

    return Contract()


def test_the_contract_catches_a_wrong_order():
    def encoder(self, parameters):
        return lambda value: Semver.encoder(self, {})(value) and value

    with pytest.raises(AssertionError, match="is not sorted after"):
        broken(encoder=encoder).test_ascending_values_are_stored_in_ascending_order()


def test_the_contract_catches_a_shown_form_that_is_wrong_or_lost_when_written_back():
    shouted = broken(decoder=lambda self, parameters: lambda stored: stored + "!")
    with pytest.raises(AssertionError, match="shown differently"):
        shouted.test_shown_values_are_the_ones_promised_and_can_be_written_back()
    cut = broken(decoder=lambda self, parameters: lambda stored: "1.9.0")
    cut.shown = [("1.9.0", "1.9.0")]
    with pytest.raises(AssertionError, match="changed when it is written back"):
        cut.test_shown_values_are_the_ones_promised_and_can_be_written_back()
