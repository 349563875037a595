"""Namespaces of facts: decoders declare them, and conditions, sorts and columns then need no `facts.`."""

import pytest

import heron
from heron.errors import QueryError
from heron.hooks import MediaDecoder, PluginManager
from heron.models import ITEM_FIELDS, MediaFacts, NewItem
from heron.testing import DecoderContract
from tests.toy_clouds import CloudDecoder, ToyClouds, cloud


def decoder(*namespaces, name="d", **more):
    return MediaDecoder(name=name, summary="", formats=[], load=object, namespaces=namespaces, **more)


class Given:
    """A plugin that brings these decoders."""

    def __init__(self, make):
        self.make = make

    @heron.hookimpl
    def register_decoders(self):
        yield from self.make()


@pytest.fixture
def lake(tmp_path):
    with heron.open(tmp_path / "lake", plugins=[ToyClouds()], discover=False) as workspace:
        files = [cloud(tmp_path / f"{n}.cloud", points=n, sensor={"name": f"s{n}"}) for n in (9, 10, 2000)]
        workspace.ingest.files(files, folder="A")
        yield workspace


def names(page):
    return [item.name for item in page]


def test_a_declared_namespace_needs_no_prefix(lake):
    assert names(lake.search(where="las.points > 9", sort="-las.points")) == ["2000.cloud", "10.cloud"]
    assert len(lake.search(where="las.points = facts.las.points AND las.sensor.name LIKE 's%'")) == 3
    page = lake.search(sort="las.points")
    assert lake.search.values(page, "las.points") == [{"las.points": n} for n in (9, 10, 2000)]


def test_without_the_plugin_the_prefix_is_needed_and_the_error_says_so(lake):
    with heron.open(lake.root, discover=False) as bare:
        with pytest.raises(QueryError, match="there is no field") as refusal:
            bare.search(where="las.points > 9")
        assert "facts.las.points" in refusal.value.hint
        assert len(bare.search(where="facts.las.points > 9")) == 2


@pytest.mark.parametrize(
    ("given", "meant"),
    {
        "laz.points": "las.points", "LAS.points": "las.points", "exfi.Model": "exif.Model", "metrics.x": "metric.x",
    }.items(),
)  # fmt: skip
def test_a_misspelt_namespace_is_suggested(lake, given, meant):
    for parts in ({"where": f"{given} > 9"}, {"sort": given}):
        with pytest.raises(QueryError, match="there is no field") as refusal:
            lake.search(**parts)
        assert refusal.value.hint == f"did you mean {meant}?"


def test_a_name_that_is_a_fact_and_an_unknown_key_is_refused_without_its_prefix(lake):
    facts = MediaFacts("other", "application/x-cloud", extra={"las": {"points": 5}})
    lake.registration.register([NewItem("s3://lake/x", facts, metadata={"las.points": "many"})], "B")
    with pytest.raises(QueryError, match="is a media fact, and a key") as refusal:
        lake.search(where="las.points > 9")
    assert refusal.value.hint == "write facts.las.points or metadata.las.points"
    assert lake.search.count(where="facts.las.points = 5 AND metadata.las.points = 'many'") == 1
    assert lake.search.count(where="las.other IS NULL") == 4, "other facts of the namespace are not ambiguous"
    with heron.open(lake.root, discover=False) as bare:
        assert bare.search.count(where="las.points = 'many'") == 1


def test_a_key_of_the_schema_takes_precedence_over_a_fact(lake):
    lake.schema.add_scalar("las.points", "varchar")
    assert lake.search.count(where="las.points IS NULL AND facts.las.points > 0") == 3


@pytest.mark.parametrize("name", ["item", "metadata", "facts", "frame", "metric", "area", *ITEM_FIELDS])
def test_a_namespace_that_means_something_else_is_refused_with_its_plugin(name):
    manager = PluginManager(discover=False, plugins=[Given(lambda: [decoder("fine", name)])])
    (status,) = manager.statuses
    assert status.status.startswith(
        f"failed: ValueError: decoder d: {name!r} cannot be a namespace of facts:"
    )
    assert manager.fact_namespaces() == []


@pytest.mark.parametrize("name", ["", "las.points", "las-2", "2d", "a b", "a" * 65])
def test_a_namespace_is_a_plain_name(name):
    with pytest.raises(ValueError, match="cannot be a namespace of facts: it starts with a letter"):
        decoder(name)


def test_a_text_in_place_of_a_list_is_refused():
    with pytest.raises(TypeError, match="expected a list of texts"):
        MediaDecoder(name="d", summary="", formats=[], load=object, namespaces="las")


def test_decoders_share_a_namespace(lake):
    def make():
        return [decoder("las", "exif", name="other clouds")]

    with heron.open(lake.root, plugins=[ToyClouds(), Given(make)], discover=False) as opened:
        found = opened.plugins.fact_namespaces()
        assert found[:7] == ["exif", "image", "xmp", "text", "office", "svg", "las"] and len(found) == len(
            set(found)
        )
        assert opened.search.count(where="las.points > 9") == 2


def test_namespaces_are_listed_with_what_plugins_bring(lake):
    assert lake.plugins.statuses[-1].contributions == ["kind point_cloud", "decoder clouds", "facts las"]


class TestClouds(DecoderContract):
    """The toy decoder passes the contract."""

    (decoder,) = ToyClouds().register_decoders()

    @pytest.fixture
    def good_files(self, tmp_path):
        return {cloud(tmp_path / "a.cloud", points=3): {"extra": {"las": {"points": 3}}}}


def test_the_contract_finds_a_namespace_that_is_not_declared(tmp_path):
    files = {cloud(tmp_path / "a.cloud", points=3): {}}
    form = next(iter(ToyClouds().register_decoders())).formats
    contract = DecoderContract()
    for more, words in (
        ({}, "has facts in"),
        ({"namespaces": ["las"], "personal": ["x.y"]}, "personal facts"),
    ):
        contract.decoder = MediaDecoder(name="d", summary="", formats=form, load=CloudDecoder, **more)
        with pytest.raises(AssertionError, match=words):
            contract.test_namespaces_of_facts_are_declared(files)
