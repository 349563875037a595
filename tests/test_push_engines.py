"""The queries of docs/scaling.md over pushed columns: each engine that is installed answers as Heron does."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import heron
from heron.export.pushed import parts
from heron.models import MediaFacts, NewItem

pytest.importorskip("polars")
pytestmark = pytest.mark.slow
PAGE = Path(__file__).parent.parent / "docs" / "scaling.md"
CODE = dict(re.findall(r"<!-- engine: (\w+) -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
ASKED = "kind = 'image' AND width >= 1000 AND city = 'Algiers'"
QUERY = [0.5, -1.0, 0.25, 2.0, 0.0, 1.0, -0.75, 1.5]


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    """A place with pushed columns, and Heron's answers."""
    place = tmp_path_factory.mktemp("pushed")
    with (
        pytest.MonkeyPatch.context() as patch,
        heron.open(tmp_path_factory.mktemp("lake"), discover=False) as lake,
    ):
        patch.setattr(parts, "BLOCK", 300)
        patch.setattr(parts, "VECTOR_BYTES", 300 * 32)
        types = {"city": "varchar", "when": "datetime", "at": "geospatial", "speed": "number"}
        lake.schema.set_from_dict(types)
        lake.schema.add_embedding("visual", len(QUERY))
        lake.registration.register(
            (
                NewItem(
                    f"s3://b/{n}.jpg",
                    MediaFacts("video" if n % 3 == 0 else "image", "x/y", width=n * 7 % 1009 + 500, captured_at="1890-01-01T00:00:00Z"),
                    metadata={"city": "Algiers" if n % 2 else "Oran", "when": "2026-01-31T12:00:00Z", "at": [1, 2], "speed": n / 7},
                )
                for n in range(1000)
            ),
            "A",
        )  # fmt: skip
        items = lake.items.list()
        lake.vectors.add("visual", items, np.random.default_rng(7).normal(size=(1000, 8)))
        lake.columns.push(place)
        page = [item.uuid for item in lake.search(where=ASKED, sort="-width", limit=10)]
        found = lake.search(where=ASKED, like=[QUERY], key="visual", nearest=10, exact=True)
        return place, page, [match.score for match in found.matches], {item.uuid for item in found}


@pytest.mark.parametrize("engine", ["polars", "duckdb", "dask", "daft", "pyspark"])
def test_an_engine_answers_as_heron_does(pushed, engine):
    pytest.importorskip(
        {"dask": "dask.dataframe"}.get(engine, engine), reason=f"the engine {engine} is not installed"
    )
    if engine == "pyspark" and shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java")
    place, page, scores, items = pushed
    names = {"place": str(place), "query": QUERY}
    exec(compile(CODE["all"], str(PAGE), "exec"), names)
    exec(compile(CODE[engine], str(PAGE), "exec"), names)
    assert list(names["page"]["uuid"]) == page
    assert list(names["best"]["score"]) == pytest.approx(scores, abs=1e-6)
    assert set(names["best"]["item"]) == items


def test_several_workspaces_are_asked_as_one(tmp_path):
    """The second one has neither the key of the condition nor videos, and a number where the first has a whole one."""
    places = [tmp_path / "workspace=one", tmp_path / "workspace=two", tmp_path / "workspace=three"]
    keys = ({"city": "Algiers"}, {"town": "Algiers"}, {"city": "Algiers", "speed": 1.5})
    for number, (place, key) in enumerate(zip(places, keys, strict=True)):
        with heron.open(tmp_path / f"lake{number}", discover=False) as lake:
            facts = [
                MediaFacts("image", "x/y", width=1000 + n, extra={"las": {"z": n + number / 2}})
                for n in range(3)
            ]
            lake.registration.register(
                (NewItem(f"s3://b/{n}", each, metadata=key) for n, each in enumerate(facts)), "A"
            )
            lake.columns.push(place)
    names = {"places": [str(place) for place in places]}
    exec(compile(CODE["many"], str(PAGE), "exec"), names)
    assert names["counts"].rows() == [("one", 3), ("three", 3)]


def test_every_engine_of_the_page_is_tried():
    assert set(CODE) == {"all", "many", "polars", "duckdb", "dask", "daft", "pyspark"}
