"""The contract of quality metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

from heron.testing.contracts import RecordContract
from heron.testing.embedders import pictures

if TYPE_CHECKING:
    from PIL.Image import Image

    from heron.hooks import Contribution, QualityMetrics


class MetricsContract(RecordContract):
    """Rules for quality metrics. Set `metrics` and `examples`."""

    metrics: ClassVar[QualityMetrics]
    """The record that the hook yields."""

    examples: ClassVar[Sequence[tuple[Image, Mapping[str, float]]]]
    """RGB pictures, each with some of its metrics."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.metrics

    def measured(self, picture: Image) -> dict[str, float]:
        """The metrics of a picture."""
        found = self.metrics.load()(picture, *picture.size)
        assert isinstance(found, Mapping), f"it returned {type(found).__name__}, expected a mapping"
        return dict(found)

    def test_examples_have_their_numbers(self) -> None:
        """Each number is the one that is written beside the picture."""
        assert any(numbers for _, numbers in self.examples), "give some examples"
        for picture, numbers in self.examples:
            found = self.measured(picture)
            for name, number in numbers.items():
                assert math.isclose(found[name], number, abs_tol=1e-6), (
                    f"{name} is {found[name]}, not {number}"
                )

    def test_numbers_are_those_of_the_record(self) -> None:
        """Each picture has all `measures` or a part of them, and nothing else, as finite numbers; some picture has each."""
        seen: set[str] = set()
        for picture in [*pictures(), *(picture for picture, _ in self.examples)]:
            for name, number in self.measured(picture).items():
                assert name in self.metrics.measures, f"{name} is not in the measures of the record"
                assert isinstance(number, int | float) and math.isfinite(number), f"{name} is {number!r}"
                seen.add(name)
        assert seen == set(self.metrics.measures), f"no picture has {set(self.metrics.measures) - seen}"

    def test_a_picture_has_the_same_numbers_each_time(self) -> None:
        """Metrics are stored, and not measured again."""
        for picture in pictures():
            assert self.measured(picture) == self.measured(picture)

    def test_pictures_are_left_alone(self) -> None:
        """The picture becomes the thumbnail."""
        for picture in pictures():
            before = picture.tobytes()
            self.measured(picture)
            assert picture.tobytes() == before, "it has changed the picture"

    def test_it_works_in_several_threads(self) -> None:
        """Imports measure in several threads, by one loaded function."""
        measure, given = self.metrics.load(), pictures()
        expected = [self.measured(picture) for picture in given]
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda picture: dict(measure(picture, *picture.size)), given * 4))
        assert found == expected * 4
