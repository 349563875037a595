"""Portable exports of workspaces made at random come back as they were."""

from __future__ import annotations

import shutil

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import heron
from tests.portable_lakes import contents, seen

NAMES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12).filter(
    lambda name: "/" not in name and name.strip() and name not in (".", "..")
)
VALUES = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=9),
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.booleans(),
    st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip
KEYS = st.sampled_from(["city", "score", "sunny", "place", "free", "when", "Ünknown"])
ITEMS = st.lists(
    st.tuples(NAMES, st.integers(0, 3), st.dictionaries(KEYS, VALUES, max_size=4), st.integers(0, 3)),
    max_size=7,
)


@given(
    folders=st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=4, max_size=4), items=ITEMS,
    titles=st.lists(NAMES, max_size=3, unique=True), chosen=st.randoms(use_true_random=False),
    schema_first=st.booleans(),
)  # fmt: skip
@settings(
    max_examples=12,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_workspace_comes_back(tmp_path_factory, folders, items, titles, chosen, schema_first):
    place = tmp_path_factory.mktemp("random")

    def schema(ws):
        ws.schema.set_from_dict({"city": "varchar", "score": "number", "sunny": "boolean"})
        ws.schema.add_embedding("look", 2)

    with heron.open(place / "a", discover=False) as ws:
        if schema_first:
            schema(ws)
        for number, (name, folder, metadata, frames) in enumerate(items):
            if schema_first:
                metadata = {
                    key: value for key, value in metadata.items() if key not in ("city", "score", "sunny")
                }
            new = heron.NewItem(
                f"s3://b/{number}.gif", heron.MediaFacts("image", "image/gif", 4, 3, 5), name, metadata=metadata,
                frames=[heron.NewFrame(n, n / 3, bool(n % 2), metadata) for n in range(frames)],
            )  # fmt: skip
            ws.registration.register([new], "/".join(folders[folder]))
        if not schema_first:
            schema(ws)  # values that do not fit stay
        there = ws.items.list()
        ws.vectors.add("look", some(chosen, there), [[chosen.random(), -1.0]] * len(there[: len(there) // 2]))
        for title in titles:
            ws.collections.create(title, items=some(chosen, there))
            ws.datasets.create(title, items=some(chosen, there))
        if there:
            ws.items.delete(there[:1])
        ws.portable.export(place / "one")
        before = seen(ws)
    with heron.open(place / "b", discover=False) as other:
        other.portable.merge(place / "one")
        assert seen(other) == before
        other.portable.export(place / "two")
    assert contents(place / "one") == contents(place / "two")
    shutil.rmtree(place)


def some(chosen, items):
    """Half of the items, in any order."""
    return chosen.sample(items, len(items) // 2)
