"""Samplers and projections of plugins: what they choose and where they put points is checked, and a bad one is named."""

from __future__ import annotations

import json

import numpy as np
import pytest

import heron
from heron.cli.main import status
from heron.curation.samplers import register_samplers
from heron.models import MediaFacts, NewItem
from heron.projection.builtin import register_projections
from heron.testing import ProjectionContract, SamplerContract

VECTORS = np.array([[1, 0], [0.9, 0.1], [0, 1], [-1, 0], [0.1, 0.9]], np.float32)


class Plugin:
    def __init__(self, sample=None, project=None):
        self.sample = sample
        self.project = project

    @heron.hookimpl
    def register_samplers(self):
        yield heron.Sampler(name="mine", summary="x", load=lambda: self.sample)

    @heron.hookimpl
    def register_projections(self):
        yield heron.ProjectionMethod(name="mine", summary="x", title="Mine", load=lambda: self.project)


class TestRandom(SamplerContract):
    [sampler] = register_samplers()
    module = "heron.curation.samplers"


class TestPrincipalComponents(ProjectionContract):
    projection = next(iter(register_projections()))
    module = "heron.projection.builtin"


@pytest.fixture
def lake(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        items = [NewItem(f"s3://b/{n}.png", MediaFacts("image", "image/png")) for n in range(len(VECTORS))]
        workspace.registration.register(items, "F")
        workspace.schema.add_embedding("look", 2)
        workspace.vectors.add("look", [f"{n}.png" for n in range(len(VECTORS))], VECTORS)
    return tmp_path


def opened(lake, **given):
    return heron.open(lake, plugins=[Plugin(**given)], discover=False)


def test_a_sampler_chooses_in_its_order(lake):
    with opened(lake, sample=lambda units, count, seed: np.array([3, 0, 2])[:count]) as workspace:
        found = workspace.curation.sample("mine", 2)
        assert [item.name for item in found.items] == ["3.png", "0.png"]
        assert [item.score for item in found.items] == [None, -1.0]
        units = VECTORS / np.linalg.norm(VECTORS, axis=1)[:, None]
        assert found.covered == pytest.approx((units @ units[[3, 0]].T).max(axis=1).min(), abs=1e-6)
        assert found.compared == 5


def test_a_random_sample_is_the_same_for_a_seed_and_ends_with_all(lake):
    with opened(lake) as workspace:
        names = [
            [item.name for item in workspace.curation.sample(count=3, seed=seed).items] for seed in (1, 1, 2)
        ]
        assert names[0] == names[1] != names[2] and len(set(names[0])) == 3
        everything = workspace.curation.sample(count=99)
        assert (
            len(everything.items) == 5 and "only 5 items" in everything.notes[0] and everything.covered == 1
        )


BAD_SAMPLES = {
    "too few": (lambda units, count, seed: np.array([0]), "of shape"),
    "twice": (lambda units, count, seed: np.array([1, 1]), "twice"),
    "beyond": (lambda units, count, seed: np.array([0, 5]), "not there"),
    "before": (lambda units, count, seed: np.array([0, -1]), "not there"),
    "floats": (lambda units, count, seed: np.array([0.0, 1.0]), "float64"),
    "nothing": (lambda units, count, seed: None, "expected 2 whole numbers"),
    "raises": (lambda units, count, seed: 1 / 0, "ZeroDivisionError"),
}


@pytest.mark.parametrize("case", BAD_SAMPLES)
def test_a_bad_sample_is_refused(lake, case):
    sample, reason = BAD_SAMPLES[case]
    with (
        opened(lake, sample=sample) as workspace,
        pytest.raises(
            heron.PluginError, match=rf"sampler mine \(plugin Plugin\) failed in sample .*{reason}"
        ),
    ):
        workspace.curation.sample("mine", 2)


BAD_PROJECTIONS = {
    "shape": (lambda units, seed: units[:, :1], "of shape"),
    "nan": (lambda units, seed: units * np.nan, "not finite"),
    "text": (lambda units, seed: np.full(units.shape, "x"), "<U1"),
    "raises": (lambda units, seed: exit(2), "SystemExit"),
}


@pytest.mark.parametrize("case", BAD_PROJECTIONS)
def test_a_bad_projection_is_refused_and_nothing_is_kept(lake, case):
    project, reason = BAD_PROJECTIONS[case]
    with opened(lake, project=project) as workspace:
        with pytest.raises(
            heron.PluginError, match=rf"projection mine \(plugin Plugin\) failed in project .*{reason}"
        ):
            workspace.projections.make("look", "mine")
        assert workspace.projections.list() == []


def test_points_of_a_plugins_projection_stay_when_it_is_gone(lake):
    with opened(lake, project=lambda units, seed: units[:, ::-1] + seed) as workspace:
        workspace.projections.make("look", "mine", seed=2)
        with pytest.raises(heron.InvalidInput, match="there are pca, tsne, mine"):
            workspace.projections.make("look", "umap")
    with heron.open(lake, discover=False) as workspace:
        found = workspace.projections.points("look", "mine")
        assert np.allclose(found.places[0], [2, 3])
        workspace.projections.plot(lake / "out.svg", "look", "mine")


def test_the_command_samples(lake, capsys):
    where = ["-w", str(lake), "--no-plugins", "select", "--key", "look"]
    assert status([*where, "--sample", "2", "--seed", "3", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["items"]) == 2
    assert status([*where, "--sample", "2", "--sampler", "randm"]) == 1
    assert "did you mean random" in capsys.readouterr().err
    assert status([*where, "--sample", "2", "--diverse", "2"]) == 2
