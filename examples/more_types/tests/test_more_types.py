"""The types keep Heron's contract, and conditions with them find what they say."""

import heron_more_types
import pytest

import heron
from heron.testing import MetadataTypeContract, QueryFunctionContract

SEMVER, ADDRESS, GEOHASH = heron_more_types.register_metadata_types()
SATISFIES, WITHIN = heron_more_types.register_query_functions()


class TestSemver(MetadataTypeContract):
    metadata_type = SEMVER
    good = (
        ("1.9.0", "000000001.000000009.000000000~"),
        ("1.0.0-rc.1", "000000001.000000000.000000000 1rc 0000000001 "),
    )
    shown = (("1.9.0", "1.9.0"), ("1.0.0-rc.10", "1.0.0-rc.10"))
    ascending = (
        "0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
        "1.0.0", "1.9.0", "1.10.0", "10.0.0",
    )  # fmt: skip
    bad = ("1.9", "01.2.3", "1.0.0-", "1.0.0-a..b", "1.0.0-01", 1, None)


class TestAddress(MetadataTypeContract):
    metadata_type = ADDRESS
    good = (("10.0.0.1", "4:0a000001"), ("::1", "6:00000000000000000000000000000001"))
    shown = (("10.0.0.1", "10.0.0.1"), ("2001:DB8:0::1", "2001:db8::1"))
    ascending = ("0.0.0.0", "9.0.0.1", "10.0.0.0", "192.168.0.1", "::1", "2001:db8::1")
    bad = ("10.0.0", "256.0.0.1", "fe80::1%eth0", 1, None)


class TestGeohash(MetadataTypeContract):
    metadata_type = GEOHASH
    good = (("u4pruydqqvj", "u4pruydqqvj"), ("U4", "u4"))
    ascending = ("9q8yy", "u", "u4", "u4pr", "u5")
    bad = ("", "a", "u4pruydqqvjzz", 4, None)


class TestSatisfies(QueryFunctionContract):
    function = SATISFIES
    examples = (
        (("1.10.0", ">=1.9"), True),
        (("1.10.0", ">=1.9, <1.10"), False),
        (("2.0.0-rc.1", "<2"), True),
        (("2.0.0", "=2"), True),
    )


class TestWithin(QueryFunctionContract):
    function = WITHIN
    examples = (
        (("10.1.2.3", "10.0.0.0/8"), True),
        (("11.1.2.3", "10.0.0.0/8"), False),
        (("::1", "10.0.0.0/8"), False),
        (("2001:db8::1", "2001:db8::/32"), True),
    )


def test_ranges_sorts_and_facets_follow_the_types(tmp_path):
    (tmp_path / "in").mkdir()
    for name in "abc":
        (tmp_path / "in" / f"{name}.txt").write_text(name)
    with heron.open(tmp_path, plugins=[heron_more_types], discover=False) as workspace:
        for key in ("semver", "ip", "geohash"):
            workspace.schema.add_scalar(key, key)
        workspace.ingest.files([tmp_path / "in"], folder="A")
        values = {
            "a": ("1.9.0", "9.0.0.1", "u4p"),
            "b": ("1.10.0-rc.1", "10.0.0.1", "u5"),
            "c": ("1.10.0", "::1", "u4"),
        }
        items = {
            item.uuid: dict(zip(("semver", "ip", "geohash"), values[item.name[0]], strict=True))
            for item in workspace.items.list()
        }
        workspace.metadata.replace(items)

        def found(where):
            return "".join(item.name[0] for item in workspace.search(where=where, sort="semver"))

        assert found("semver SATISFIES '>=1.10.0-rc.1'") == "bc"
        assert found("semver SATISFIES '>=1.9,<1.10' OR ip WITHIN '::/16'") == "abc"
        assert found("ip NOT WITHIN '10.0.0.0/8'") == "ac"
        with pytest.raises(heron.QueryError, match="has no bounds such as"):
            found("semver SATISFIES 'new'")

        assert found("semver > '1.9.0'") == "bc"
        assert found("semver < '1.10.0' AND ip BETWEEN '9.0.0.0' AND '10.255.255.255'") == "ab"
        assert found("geohash BETWEEN 'u4' AND 'u4zzzzzzzzzz'") == "ac"
        [facet] = workspace.facets("semver")
        assert (facet.least, facet.greatest) == ("1.9.0", "1.10.0")
