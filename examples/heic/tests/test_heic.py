"""The decoder keeps Heron's contract."""

import pytest

from heron.testing import DecoderContract

pillow_heif = pytest.importorskip("pillow_heif")

import heron_heic  # noqa: E402
from PIL import Image  # noqa: E402


class TestHeic(DecoderContract):
    decoder = next(iter(heron_heic.register_decoders()))

    @pytest.fixture
    def good_files(self, tmp_path):
        path = tmp_path / "a.heic"
        pillow_heif.from_pillow(Image.linear_gradient("L").resize((64, 48)).convert("RGB")).save(
            path, quality=80
        )
        return {path: {"width": 64, "height": 48, "extra": {"heif": {"pictures": 1, "has_alpha": False}}}}
