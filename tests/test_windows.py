"""Windows of images with more than 8 bits, and of decoders that know none: the caller is told, and gets no other picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import heron
from heron.cli.main import main


def grey(picture: Any) -> Any:
    return np.asarray(picture)[:, :, 0]


def deep(kind: str) -> Any:
    """Values of 3 rows and 4 columns."""
    return (np.arange(12).reshape(3, 4) * 1000).astype(kind)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[heron.Workspace]:
    place = tmp_path_factory.mktemp("lake")
    Image.fromarray(deep("u2")).save(place / "whole.tiff")
    Image.fromarray(deep("f4") / 11000).save(place / "real.tiff")
    Image.fromarray(deep("u2")).save(place / "whole.png")
    pages = [Image.fromarray(deep("u2") + 100 * page) for page in range(3)]
    pages[0].save(place / "pages.tiff", save_all=True, append_images=pages[1:])
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(deep("u2")).save(place / "turned.png", exif=turned)
    Image.new("RGB", (4, 3), "red").save(place / "colours.png")
    (place / "a.toy").write_bytes(b"TOY1")
    with heron.open(place, plugins=[Toy()]) as workspace:
        workspace.ingest.files(place, folder="Images")
        yield workspace


class Toy:
    """A plugin from before there were windows."""

    @heron.hookimpl
    def register_decoders(self) -> Iterable[heron.MediaDecoder]:
        format = heron.MediaFormat(
            media_type="image/x-toy", kind="image", suffixes=[".toy"], signature=b"TOY1"
        )
        yield heron.MediaDecoder(name="toy", summary="Toys", formats=[format], load=OldDecoder)


class OldDecoder:
    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        return heron.MediaFacts(kind="image", media_type="image/x-toy", width=2, height=2, frame_count=1)

    def picture(self, file: heron.MediaFile, size: int) -> Image.Image:
        return Image.new("RGB", (2, 2), "blue")


@pytest.mark.parametrize("name", ["whole.tiff", "whole.png"])
def test_images_of_16_bits_are_shown_in_a_window_of_their_values(lake: heron.Workspace, name: str) -> None:
    shown = grey(lake.pictures.picture(name, window=4000, level=4000))
    assert np.abs(shown - ((deep("f8") - 4000) / 4000 + 0.5).clip(0, 1) * 255).max() <= 1
    viewing = lake.pictures.viewing(name)
    assert (viewing.lowest, viewing.highest, viewing.planes) == (0, 11000, {})


@pytest.mark.parametrize("name", ["whole.tiff", "whole.png", "real.tiff", "pages.tiff", "turned.png"])
def test_the_first_window_is_that_of_the_picture_that_is_shown_by_default(
    lake: heron.Workspace, name: str
) -> None:
    [window] = lake.pictures.viewing(name).windows
    chosen = lake.pictures.picture(name, window=window.width, level=window.level)
    default = lake.pictures.picture(name)
    assert chosen.size == default.size
    assert np.abs(grey(chosen).astype(int) - grey(default)).max() <= 1


def test_real_numbers_have_windows(lake: heron.Workspace) -> None:
    shown = grey(lake.pictures.picture("real.tiff", window=0.5, level=0.5))
    assert np.abs(shown - ((deep("f8") / 11000 - 0.5) / 0.5 + 0.5).clip(0, 1) * 255).max() <= 1


def test_each_page_has_its_values(lake: heron.Workspace) -> None:
    for page in range(3):
        shown = grey(lake.pictures.picture("pages.tiff", frame=page, window=4000, level=4000, size=None))
        expected = ((deep("f8") + 100 * page - 4000) / 4000 + 0.5).clip(0, 1) * 255
        assert np.abs(shown - expected).max() <= 1
    with pytest.raises(heron.HeronError, match="frames"):
        lake.pictures.picture("pages.tiff", frame=3, window=1, level=1)


@pytest.mark.parametrize("name", ["colours.png", "a.toy"])
def test_what_has_one_look_is_refused_in_another(lake: heron.Workspace, name: str) -> None:
    assert lake.pictures.picture(name).size > (1, 1)
    assert lake.pictures.viewing(name).windows == ()
    for asked in ({"window": 1, "level": 1}, {"plane": "axial"}):
        with pytest.raises(heron.InvalidInput, match=r"window|planes"):
            lake.pictures.picture(name, **asked)  # type: ignore[arg-type]


def test_a_decoder_that_knows_no_windows_is_named(lake: heron.Workspace) -> None:
    with pytest.raises(heron.InvalidInput, match="decoder toy knows no windows"):
        lake.pictures.picture("a.toy", window=1, level=1)


WRONG: dict[str, Any] = {
    "another frame": lambda: iter([(7, heron.Values(np.zeros((2, 2)), [heron.Window(1, 1)]))]),
    "no values": lambda: iter([(0, "values")]),
    "three axes": lambda: iter([(0, heron.Values(np.zeros((2, 2, 3)), [heron.Window(1, 1)]))]),
    "texts": lambda: iter([(0, heron.Values(np.array([["a"]]), [heron.Window(1, 1)]))]),
    "no window": lambda: iter([(0, heron.Values(np.zeros((2, 2)), []))]),
    "an empty window": lambda: iter([(0, heron.Values(np.zeros((2, 2)), [heron.Window(0, 1)]))]),
    "nothing": lambda: iter([]),
    "no pairs": lambda: iter([0]),
    "an exception": lambda: 1 / 0,
}


@pytest.mark.parametrize("answer", WRONG)
def test_values_that_cannot_be_right_are_refused_and_name_the_plugin(
    lake: heron.Workspace, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OldDecoder, "values", lambda self, file, numbers=None: WRONG[answer](), raising=False)
    monkeypatch.setattr(OldDecoder, "volume", lambda self, file, number: range(1), raising=False)
    for frame in (None, 0):
        if answer == "another frame" and frame is None:
            continue
        with pytest.raises(heron.MediaError, match="toy"):
            lake.pictures.picture("a.toy", frame=frame, window=1, level=1)


def test_the_command_shows_windows_and_takes_one(lake: heron.Workspace, tmp_path: Path) -> None:
    def heron_show(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["-w", str(lake.root), "show", *arguments])

    assert "--window 16384 --level 8192" in heron_show("whole.tiff", "--windows").output
    out = tmp_path / "out.png"
    done = heron_show("whole.tiff", "--window", "4000", "--level", "4000", "-o", str(out))
    assert done.exit_code == 0, done.output
    assert grey(Image.open(out).convert("RGB"))[0].tolist() == [0, 0, 0, 64]
    assert heron_show("whole.tiff", "--window", "4000", "--level", "4000").exit_code == 2
    refused = heron_show("colours.png", "--window", "4000", "--level", "4000", "-o", str(tmp_path / "no.png"))
    assert refused.exit_code == 1
    assert not (tmp_path / "no.png").exists()
