"""The contracts of samplers and projections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from heron.testing.contracts import RecordContract

if TYPE_CHECKING:
    from heron.hooks import Contribution, ProjectionMethod, Sampler

_SIZES = ((1, 3), (2, 3), (40, 8))


def _units(count: int, size: int, *, equal: bool = False) -> Any:
    """Vectors of length 1, which cannot be written to, as those of a file; float32 of shape (count, size)."""
    import numpy as np

    vectors = np.random.default_rng(count).standard_normal((count, size)).astype(np.float32)
    if equal:
        vectors[:] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    vectors.flags.writeable = False
    return vectors


class SamplerContract(RecordContract):
    """Rules for a sampler. Set `sampler`."""

    sampler: ClassVar[Sampler]
    """The record that the hook yields."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.sampler

    def test_it_chooses_as_many_different_rows_as_are_asked_for(self) -> None:
        """For one vector, all of them, and equal ones too."""
        import numpy as np

        sample = self.sampler.load()
        for count, size in _SIZES:
            for wanted in {1, max(1, count // 2), count}:
                for equal in (False, True):
                    found = np.asarray(sample(_units(count, size, equal=equal), wanted, 0))
                    assert found.dtype.kind in "iu", f"rows are whole numbers, not {found.dtype}"
                    assert found.shape == (wanted,), f"it chose {found.shape}, {wanted} were asked for"
                    assert len(set(found.tolist())) == wanted, "it chose a row twice"
                    assert 0 <= found.min() <= found.max() < count, "it chose a row that is not there"

    def test_equal_input_gives_an_equal_sample(self) -> None:
        """A sample can be made again with its seed."""
        sample, units = self.sampler.load(), _units(40, 8)
        assert list(sample(units, 7, 3)) == list(sample(units, 7, 3))


class ProjectionContract(RecordContract):
    """Rules for a projection. Set `projection`."""

    projection: ClassVar[ProjectionMethod]
    """The record that the hook yields."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.projection

    def test_each_vector_has_a_point(self) -> None:
        """Two finite coordinates for each vector, also for one vector and for equal ones."""
        import numpy as np

        project = self.projection.load()
        for count, size in _SIZES:
            for equal in (False, True):
                found = np.asarray(project(_units(count, size, equal=equal), 0))
                assert found.shape == (count, 2), f"it gave the shape {found.shape}, expected {(count, 2)}"
                assert found.dtype.kind in "fiu", f"coordinates are real numbers, not {found.dtype}"
                assert np.isfinite(found).all(), "coordinates are finite"

    def test_equal_input_gives_equal_points(self) -> None:
        """A map can be made again with its seed."""
        import numpy as np

        project, units = self.projection.load(), _units(40, 8)
        assert np.array_equal(project(units, 3), project(units, 3))
