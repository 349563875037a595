"""Vectors in two dimensions, and the plots of them: what they show, and what is refused."""

import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from heron.errors import InvalidInput, PluginError
from heron.projection.colouring import MARKERS, MISSING, MOST, OTHER, PALETTE, Scale, coloured
from heron.projection.frame import FLATTEST, PICTURE, framed, spread_out
from heron.projection.methods import METHODS, principal_components, project
from heron.projection.picture import draw_plot


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def clusters(count, size=16, each=60):
    """Vectors around far centres, and which centre each belongs to."""
    labels = np.repeat(np.arange(count), each)
    return (np.eye(count, size, dtype=np.float32) * 20)[labels] + random(len(labels), size), labels


def drawn(points, suffix=".png", **options):
    stream = io.BytesIO()
    draw_plot(points, stream, suffix, **options)
    return stream.getvalue()


def pixels(points, **options):
    return np.asarray(Image.open(io.BytesIO(drawn(points, **options))).convert("RGB")).reshape(-1, 3)


def share(found, colour):
    """The share of pixels of exactly a colour, `#rrggbb`, in thousandths."""
    return (found == [int(colour[at : at + 2], 16) for at in (1, 3, 5)]).all(axis=1).mean() * 1000


@pytest.mark.parametrize("shape", [(300, 20), (12, 40), (20, 20), (5000, 3)])
def test_pca_equals_the_decomposition_of_all_vectors(shape):
    vectors = random(*shape) * np.linspace(5, 1, shape[1]).astype(np.float32) + 7
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    expected = (left * strengths)[:, :2]
    found = project(vectors)
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=2e-2)


def test_pca_of_several_blocks_equals_that_of_one(monkeypatch):
    vectors = np.sort(random(1000, 8), axis=0)  # so that the first block is not like the others
    whole = project(vectors)
    monkeypatch.setattr("heron.projection.methods._BLOCK", 8 * 64)
    np.testing.assert_allclose(project(vectors), whole, atol=1e-3)


def test_pca_does_not_turn_over_when_vectors_are_mixed():
    vectors = random(200, 6) * np.arange(6, 0, -1, dtype=np.float32)
    mixed = np.random.default_rng(3).permutation(200)
    np.testing.assert_allclose(project(vectors[mixed]), project(vectors)[mixed], atol=1e-3)


@pytest.mark.slow
def test_pca_reads_a_mapped_file_in_little_memory(tmp_path):
    mapped = np.memmap(tmp_path / "vectors", np.float16, "w+", shape=(60_000, 512))
    for start in range(0, len(mapped), 5000):
        mapped[start : start + 5000] = random(5000, 512, seed=start)
    mapped.flush()
    script = """
import sys, numpy, tracemalloc
from heron.projection.methods import project
vectors = numpy.memmap(sys.argv[1], numpy.float16, "r", shape=(60_000, 512))
tracemalloc.start()
assert project(vectors).shape == (60_000, 2)
print(tracemalloc.get_traced_memory()[1])
"""
    command = [sys.executable, "-c", script, str(tmp_path / "vectors")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 70_000_000  # the vectors as float32 are 123 MB


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 4), (2, 4), (3, 1), (4, 2), (5, 3), (7, 1), (30, 5)])
def test_few_vectors_have_places_and_the_same_ones_each_time(method, shape):
    found = project(random(*shape), method)
    assert (found.shape, found.dtype) == ((shape[0], 2), np.float32)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(project(random(*shape), method), found)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [3, 40, 400])
def test_equal_vectors_have_one_place(method, count):
    assert not project(np.full((count, 32), 0.1, np.float32), method).any()


def test_vectors_on_a_line_have_no_second_coordinate():
    line = np.outer(np.arange(100), np.ones(8)).astype(np.float32)
    found = project(line)
    assert np.ptp(found[:, 0]) > 200
    assert not found[:, 1].any()


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_clusters_stay_together(method):
    vectors, labels = clusters(3)
    found = project(vectors, method)
    centres = np.stack([found[labels == label].mean(axis=0) for label in range(3)])
    nearest = np.linalg.norm(found[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == labels).mean() > 0.99


@pytest.mark.slow
def test_tsne_depends_on_the_seed_alone():
    vectors, _ = clusters(3, each=20)
    first, again, other = (project(vectors, "tsne", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert other.shape == first.shape


def test_principal_components_come_in_the_order_of_their_variance():
    spread = principal_components(random(400, 10) * np.arange(1, 11, dtype=np.float32), 4).std(axis=0)
    assert (np.diff(spread) < 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, 1e300])
@pytest.mark.parametrize("method", METHODS)
def test_what_has_no_distance_is_refused(bad, method):
    vectors = random(50, 4).astype(np.float64)
    vectors[17, 2] = bad
    with pytest.raises(InvalidInput, match="vector 17 holds"):
        project(vectors, method)


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        (np.empty((0, 8), np.float32), "no vectors"),
        (np.empty((8, 0), np.float32), "shape"),
        (np.zeros(8, np.float32), "shape"),
        (np.array([["a"]]), "real numbers"),
        (np.zeros((3, 3), complex), "real numbers"),
    ],
)
def test_what_are_no_vectors_is_refused(vectors, reason):
    with pytest.raises(InvalidInput, match=reason):
        project(vectors)


def test_an_unknown_method_is_told_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"'umap'.*pca, tsne"):
        project(random(9, 3), "umap")


def test_missing_packages_are_told_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(PluginError, match=r'pip install "heron\[tsne\]"'):
        project(random(9, 3), "tsne")
    monkeypatch.delitem(sys.modules, "heron.projection.drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PluginError, match=r'pip install "heron\[plot\]"'):
        drawn(random(9, 2))


def test_the_most_frequent_categories_have_colours_of_their_own():
    names = [f"city {n:02}" for n in range(25) for _ in range(30 - n)]
    groups = coloured([*names, None, ""])
    assert [group.name for group in groups[:MOST]] == [f"city {n:02}" for n in range(20)]
    assert [(g.name, g.colour, len(g.points)) for g in groups[MOST:]] == [
        ("other", OTHER, 10 + 9 + 8 + 7 + 6),
        ("missing", MISSING, 2),
    ]
    assert (
        len({(group.colour, group.marker) for group in groups[:MOST]}) == MOST <= len(PALETTE) * len(MARKERS)
    )
    assert sorted(np.concatenate([group.points for group in groups])) == list(range(len(names) + 2))


def test_numbers_and_dates_go_along_a_scale():
    numbers = coloured([1, 2.5, None, float("nan")])
    assert isinstance(numbers, Scale)
    np.testing.assert_array_equal(numbers.values, [1, 2.5, np.nan, np.nan])
    dates = coloured([datetime(1970, 1, 2, tzinfo=UTC), datetime(1970, 1, 1, 1), None])
    assert dates.are_dates
    np.testing.assert_array_equal(dates.values, [86400, 3600, np.nan])


@pytest.mark.parametrize("values", [[True, False, None], ["1", 2, True], [None, None], [float("nan")]])
def test_truth_values_and_mixtures_are_categories(values):
    assert not isinstance(coloured(values), Scale)


def test_points_keep_their_shape_in_the_frame():
    found, height = framed(np.array([[0, 0], [100, 0], [0, 80]]))
    assert height == pytest.approx(0.8)
    assert found.min() > 0
    assert (found.max(axis=0) < (1, height)).all()
    sides = found[1, 0] - found[0, 0], found[2, 1] - found[0, 1]
    assert sides[0] / sides[1] == pytest.approx(100 / 80)


@pytest.mark.parametrize(
    "points", [np.full((3, 2), 9.0), np.array([[0, 0], [7, 0]]), np.array([[1, 0], [1, 5]])]
)
def test_flat_clouds_have_a_frame(points):
    found, height = framed(points)
    assert FLATTEST <= height <= 1
    assert found.mean(axis=0) == pytest.approx((0.5, height / 2))


def test_pictures_are_spread_and_do_not_overlap():
    points = random(500, 2)
    chosen = spread_out(points, 25)
    assert len(chosen) == len(set(chosen)) == 25
    assert spread_out(points, 25) == chosen
    places = framed(points)[0][chosen].clip(PICTURE / 2, 1 - PICTURE / 2)
    apart = np.abs(places[:, None] - places).max(axis=2) + np.eye(25)
    assert apart.min() > PICTURE


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_plots_are_written_by_suffix_and_the_same_each_time(suffix, start):
    options = {"title": "visual", "colour": [*"abc"] * 10, "colour_name": "city"}
    found = drawn(random(30, 2), suffix, **options)
    assert found.startswith(start)
    if suffix != ".svg":  # which has random ids
        assert drawn(random(30, 2), suffix, **options) == found


def test_a_legend_tells_how_many_there_are():
    svg = drawn(random(1300, 2), ".svg", colour=["Oslo"] * 1200 + ["Algiers"] * 99 + [None]).decode()
    said = re.findall(r"<!-- (.*?) -->", svg)
    assert [text.replace("\u200e", "") for text in said if "  " in text] == [
        "Oslo  1,200",
        "Algiers  99",
        "missing  1",
    ]


def test_categories_are_drawn_in_their_colours():
    found = pixels(random(60, 2), colour=["a"] * 30 + ["b"] * 29 + [None])
    assert min(share(found, colour) for colour in (*PALETTE[:2], MISSING)) > 0
    assert share(found, PALETTE[2]) == 0


def test_categories_may_be_called_as_the_rest_is():
    names = [*("other", "missing") * 30, *(f"city {n}" for n in range(40)), None]
    assert [group.name for group in coloured(names)].count("other") == 2
    assert drawn(random(len(names), 2), colour=names)


@pytest.mark.slow
def test_numbers_and_dates_are_drawn_with_a_bar():
    numbers = [float(n) if n % 3 else None for n in range(100)]
    plain, found = pixels(random(100, 2)), pixels(random(100, 2), colour=numbers, colour_name="temperature")
    assert len(np.unique(found, axis=0)) > len(np.unique(plain, axis=0)) + 100
    start = datetime(2024, 1, 1, tzinfo=UTC)
    svg = drawn(random(100, 2), ".svg", colour=[start + timedelta(days=n) for n in range(100)]).decode()
    assert re.search(r"<!-- (Feb|Mar|Feb-15|Mar-01) -->", svg)
    assert drawn(random(3, 2), colour=[5, 5, 5])
    assert drawn(random(3, 2), colour=[start, None, start])


def test_pictures_are_drawn_where_they_do_not_overlap():
    red, lime = Image.new("RGB", (64, 48), "#ff0000"), Image.new("RGBA", (30, 90), "#00ff00")
    points = np.array([[0.0, 0.0], [0.001, 0.001], [1.0, 1.0]])
    found = pixels(points, pictures=[(0, red), (1, lime)])
    assert share(found, "#ff0000") > 2
    assert share(found, "#00ff00") == 0
    assert share(pixels(points, pictures=[(0, red), (2, lime)]), "#00ff00") > 1


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "text",
    [
        "東京 café 🚌",
        "الجزائر",
        "$x_1^",
        "_hidden",
        "\x00\x1b[31m",
        "word " * 99,
        "two\nlines",
        "\ud800",
        "%s {0}",
    ],
)
def test_any_text_can_be_drawn(text):
    points = random(3, 2)
    assert drawn(points, title=text, colour=[text, text, None], colour_name=text)
    assert drawn(points, ".svg", title=text, colour=[1, 2, None], colour_name=text)
    assert drawn(points, ".pdf", title=text)


@pytest.mark.parametrize(
    ("points", "options", "reason"),
    [
        (np.empty((0, 2)), {}, "no points"),
        (np.zeros((4, 3)), {}, "shape"),
        (np.array([[0, np.nan]]), {}, "NaN"),
        (np.zeros((2, 2)), {"suffix": ".gif"}, r"'\.gif'.*\.png, \.svg, \.pdf"),
        (np.zeros((2, 2)), {"colour": ["a"]}, "2 points cannot have 1 colours"),
        (np.zeros((2, 2)), {"pictures": [(2, Image.new("RGB", (9, 9)))]}, "no point 2"),
    ],
)
def test_what_cannot_be_drawn_is_refused(points, options, reason):
    with pytest.raises(InvalidInput, match=reason):
        drawn(points, **options)


@pytest.mark.parametrize(
    "points", [np.zeros((1, 2)), np.full((50, 2), 1e300), np.array([[-1.7e308, 0], [1.7e308, 1]])]
)
def test_odd_points_are_drawn(points):
    assert drawn(points)


def test_many_points_are_drawn_as_pixels_in_every_format():
    assert len(drawn(random(200_000, 2), ".svg")) < 3_000_000


@pytest.mark.slow
def test_several_threads_can_draw():
    points = random(200, 2)
    expected = drawn(points, colour=[*"ab"] * 100)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: drawn(points, colour=[*"ab"] * 100), range(8)))
    assert set(found) == {expected}
