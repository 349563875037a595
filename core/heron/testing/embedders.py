"""The contract of embedders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest

from heron.errors import InvalidInput
from heron.hooks import BoundedEmbedder, LimitedEmbedder, TurningEmbedder
from heron.testing.contracts import RecordContract, reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    from PIL.Image import Image

    from heron.hooks import Contribution, Embedder, EmbedderModel

SHAPES = ((64, 48), (48, 64), (1, 1), (2, 300), (500, 3), (224, 224))
"""Widths and heights of the test pictures."""

TEXTS = ("a bus in the rain", "a cat", "", "café 東京 🚌", "word " * 5000, "two\nlines")


_SUBJECTS = ("ferry", "harbour", "train", "museum", "storm", "bread", "violin", "glacier")
"""Words of which texts of items are about."""


_LOADED: dict[type, Embedder] = {}


class EmbedderContract(RecordContract):
    """Rules for an embedder. Set `embedder`; `tolerance` is how far equal inputs may differ between batches."""

    embedder: ClassVar[EmbedderModel]
    """The record that the hook yields."""

    tolerance: ClassVar[float] = 1e-4
    """How far numbers of equal inputs may differ between batches."""

    model_name: ClassVar[str | None] = None
    """The weights to load, for an embedder that takes a model."""

    def load(self) -> Embedder:
        """Load the embedder as Heron does."""
        given = (self.model_name,) if self.embedder.takes_model else ()
        return cast("Embedder", self.embedder.load(*given))

    def record(self) -> Contribution:
        """The embedder under test."""
        return self.embedder

    @pytest.fixture
    def model(self) -> Embedder:
        """The loaded embedder, shared by all tests of the class."""
        if type(self) not in _LOADED:
            _LOADED[type(self)] = self.load()
        return _LOADED[type(self)]

    @pytest.fixture
    def images(self) -> list[Image]:
        """RGB pictures of many shapes, all different; skips for an embedder of text only."""
        if "image" not in self.embedder.embeds:
            pytest.skip(f"{self.embedder.name} embeds no images")
        return pictures()

    @pytest.fixture
    def texts(self) -> Sequence[str]:
        """Short, empty and long texts, also in other scripts; skips for an embedder of images only."""
        if "text" not in self.embedder.embeds:
            pytest.skip(f"{self.embedder.name} embeds no texts")
        return TEXTS

    def check(self, vectors: numpy.ndarray[Any, Any], count: int) -> None:
        """Vectors are a finite float32 array of shape (count, size)."""
        import numpy as np

        assert isinstance(vectors, np.ndarray)
        assert vectors.shape == (count, _LOADED[type(self)].size)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()

    def test_size_is_within_the_limits(self, model: Embedder) -> None:
        """A key of the schema takes vectors of 1 to 4096 numbers, and the record gives the same size."""
        assert 1 <= model.size <= 4096
        assert self.embedder.size in (None, model.size)
        assert self.embedder.batch >= 1
        assert self.embedder.picture_size >= 32
        assert self.embedder.embeds
        assert set(self.embedder.embeds) <= {"image", "text"}
        assert self.embedder.text_overlap <= self.embedder.text_size // 4

    def test_revision_is_one_line_and_stays(self, model: Embedder) -> None:
        """The revision says whether stored vectors are still valid, so it is the same at each load."""
        assert isinstance(model.revision, str)
        assert model.revision == model.revision.strip() != ""
        assert len(model.revision.splitlines()) == 1
        assert self.load().revision == model.revision

    def test_images_become_vectors(self, model: Embedder, images: list[Image]) -> None:
        """Pictures of any shape give one finite vector each."""
        self.check(model.embed_images(images), len(images))

    def test_different_images_get_different_vectors(self, model: Embedder, images: list[Image]) -> None:
        """An embedder that gives everything the same vector is useless."""
        import numpy as np

        assert len(np.unique(model.embed_images(images), axis=0)) > len(images) // 2

    def test_same_images_get_the_same_vectors(self, model: Embedder, images: list[Image]) -> None:
        """Equal input gives equal vectors, also after the model is loaded again."""
        import numpy as np

        vectors = model.embed_images(images)
        np.testing.assert_array_equal(model.embed_images(images), vectors)
        np.testing.assert_allclose(self.load().embed_images(images), vectors, atol=self.tolerance)

    def test_vector_does_not_depend_on_the_batch(self, model: Embedder, images: list[Image]) -> None:
        """A picture has the same vector alone and among others."""
        import numpy as np

        together = model.embed_images(images)
        alone = np.concatenate([model.embed_images([image]) for image in images])
        np.testing.assert_allclose(alone, together, atol=self.tolerance)

    def test_images_are_left_alone(self, model: Embedder, images: list[Image]) -> None:
        """The pictures belong to the caller and are used again for thumbnails and metrics."""
        before = [(image.mode, image.size, image.tobytes()) for image in images]
        model.embed_images(images)
        assert [(image.mode, image.size, image.tobytes()) for image in images] == before

    def test_no_images_give_no_vectors(self, model: Embedder) -> None:
        """An empty batch gives an array of shape (0, size)."""
        if "image" not in self.embedder.embeds:
            pytest.skip(f"{self.embedder.name} embeds no images")
        self.check(model.embed_images([]), 0)

    def test_texts_become_vectors(self, model: Embedder, texts: Sequence[str]) -> None:
        """Each text gives one finite vector, always the same, also if it is empty, foreign or far too long."""
        import numpy as np

        vectors = model.embed_texts(texts)
        self.check(vectors, len(texts))
        np.testing.assert_array_equal(model.embed_texts(texts), vectors)
        assert not np.array_equal(vectors[0], vectors[1])

    def test_text_vector_does_not_depend_on_the_batch(self, model: Embedder, texts: Sequence[str]) -> None:
        """A text has the same vector alone and among longer and shorter ones."""
        import numpy as np

        alone = np.concatenate([model.embed_texts([text]) for text in texts])
        np.testing.assert_allclose(alone, model.embed_texts(texts), atol=self.tolerance)

    def test_texts_of_items_are_told_apart(self, model: Embedder, texts: Sequence[str]) -> None:
        """Texts about different things have different vectors, if the embedder reads the texts of items."""
        import numpy as np

        self._requires_texts_of_items()
        found = model.embed_texts([f"A note about the {word}, and nothing else." for word in _SUBJECTS])
        assert len(np.unique(found, axis=0)) > len(_SUBJECTS) // 2

    def test_passages_are_read_to_their_end(self, model: Embedder, texts: Sequence[str]) -> None:
        """A passage of `text_size` characters counts to its last word, or `fits` says that the model does not read all of it."""
        import numpy as np

        self._requires_texts_of_items()
        size = self.embedder.text_size
        while True:
            start = ("a quiet day at sea " * (size // 19 + 1))[: max(size - 8, 0)]
            ends = [f"{start} {word}" for word in ("ferry", "museum")]
            if not isinstance(model, LimitedEmbedder) or size < 32 or all(model.fits(ends)):
                break
            size //= 2
        first, second = model.embed_texts(ends)
        assert not np.array_equal(first, second), f"of {size:,} characters, the end counts for nothing"

    def test_limits_are_told_for_each_text(self, model: Embedder, texts: Sequence[str]) -> None:
        """A model that counts in tokens answers for each text, the same each time, and reads a word of one letter."""
        if not isinstance(model, LimitedEmbedder):
            return
        found = [bool(each) for each in model.fits(texts)]
        assert len(found) == len(texts)
        assert [bool(each) for each in model.fits(texts)] == found
        assert not len(model.fits([]))
        assert all(model.fits(["a"]))

    def _requires_texts_of_items(self) -> None:
        if "text" not in self.embedder.contents:
            pytest.skip(f"{self.embedder.name} reads no texts of items")

    def test_bounds_are_told_for_pictures_and_words(self, model: Embedder, images: list[Image]) -> None:
        """What a model says of its bounds is one line, an answer for each vector, and words of the text."""
        for line in (self.embedder.knows, self.embedder.instead):
            assert line is None or (len(line.splitlines()) == 1 and line == line.strip())
        if not isinstance(model, BoundedEmbedder):
            return
        assert self.embedder.knows is not None
        assert len(model.outside(model.embed_images(images))) == len(images)
        assert len(model.outside(model.embed_images([]))) == 0
        for text in TEXTS:
            assert all(word in text for word in model.unknown(text))

    def test_vectors_are_turned_as_pictures_are(self, model: Embedder, images: list[Image]) -> None:
        """The vector that follows for a turned or mirrored picture is about that of the picture when it is turned."""
        import numpy as np
        from PIL import ImageOps

        assert isinstance(model, TurningEmbedder) == self.embedder.turns
        if not isinstance(model, TurningEmbedder):
            return
        vectors = model.embed_images(images) * np.float32(3)
        before = vectors.copy()
        for quarters in range(4):
            for mirrored in (False, True):
                turned = [ImageOps.mirror(image) if mirrored else image for image in images]
                true = model.embed_images([image.rotate(90 * quarters, expand=True) for image in turned])
                made = model.turned(vectors, quarters, mirrored=mirrored)
                self.check(made, len(images))
                lengths = np.linalg.norm(made, axis=1) * np.linalg.norm(true, axis=1)
                cosines = (made * true).sum(axis=1)[lengths > 0] / lengths[lengths > 0]
                assert np.median(cosines) > 0.9  # noise of other sizes is scaled in other ways
        np.testing.assert_array_equal(vectors, before)

    def test_no_texts_give_no_vectors(self, model: Embedder, texts: Sequence[str]) -> None:
        """An empty batch gives an array of shape (0, size)."""
        self.check(model.embed_texts(texts[:0]), 0)

    def test_texts_are_refused_by_an_embedder_of_images(self, model: Embedder) -> None:
        """A model without a text side raises an error that says so."""
        if "text" in self.embedder.embeds:
            pytest.skip(f"{self.embedder.name} embeds texts")
        with pytest.raises(InvalidInput) as refusal:
            model.embed_texts(["a bus"])
        reason_of(refusal.value)


def pictures() -> list[Image]:
    """RGB pictures of many shapes: noise, the same at each call, and a black one."""
    import random

    from PIL import Image as PillowImage

    source = random.Random(17)  # noqa: S311 - test data
    noise = [PillowImage.frombytes("RGB", (w, h), source.randbytes(w * h * 3)) for w, h in SHAPES]
    return [*noise, PillowImage.new("RGB", (64, 64))]
