"""The pages beside the grid and the full view, in a real browser: what they do, with files that are gone or broken, and for everybody."""

from __future__ import annotations

import importlib.util
import re
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from PIL import Image

import heron
from heron_explorer.testing import Watched, expect
from heron_server.testing import Served, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("heron_http_api") is None, reason="the API is not here"),
    pytest.mark.xdist_group("explorer_page"),
]

GUIDE = Path(__file__).parents[3] / "docs" / "plugin-authors.md"
LONG = ("<img src=x onerror=alert(1)>" + "<b>name</b>" * 30)[:300]
CUBE = (
    "ply\nformat ascii 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    + "".join(f"{x} {y} {z}\n" for x in (0, 1) for y in (0, 1) for z in (0, 1))
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of one file of each sort, with a collection, a dataset, a project and a member."""
    root = tmp_path_factory.mktemp("pages")
    files = root / "files"
    files.mkdir()
    for name in ("whole.png", "gone.png", "broken.png", "named.png"):
        Image.effect_noise((64, 48), 60 + len(name)).convert("RGB").save(files / name)
    _film(files / "film.avi")
    with wave.open(str(files / "tone.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(range(256)) * 125)
    (files / "long.txt").write_text("a line of a log\n" * 40_000)
    (files / "cube.ply").write_text(CUBE)
    with heron.init(root) as workspace:
        workspace.schema.add_enum("weather", ["sun", "rain"])
        workspace.ingest.files([files], folder="Files", ignore_errors=True, sampling_rate=1)
        workspace.items.rename("named.png", LONG)
        items = workspace.items.list(limit=3)
        workspace.metadata.merge({item.uuid: {"weather": "sun", "shift": "late"} for item in items})
        workspace.collections.create("Some", items=items)
        workspace.datasets.create("Train", items=items)
        workspace.projects.create("Survey", datasets="Train")
        workspace.users.add("ada@example.org", role="admin")
    (files / "gone.png").rename(root / "kept.png")
    (files / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    return root


def _film(path: Path) -> None:
    """Ten frames that the browser cannot play, half a second each but the last ones, which are shorter."""
    import av

    with av.open(str(path), "w") as film:
        stream = film.add_stream("mjpeg", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(10):
            picture = Image.new("RGB", (64, 48), (25 * number, 80, 160))
            film.mux(stream.encode(av.VideoFrame.from_image(picture)))
        film.mux(stream.encode())


class PointClouds:
    """A plugin as its author writes it: the module of the guide, and a record that names it."""

    def __init__(self, folder: Path) -> None:
        (script,) = re.findall(r"```js\n(// heron_ply/ply\.js\n.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
        self.module = folder / "ply.js"
        self.module.write_text(script)

    @heron.hookimpl
    def register_viewers(self) -> Iterator[heron.Viewer]:
        yield heron.Viewer(name="ply", summary="Point clouds", suffixes=[".ply"], module=self.module)
        broken = self.module.with_name("broken.js")
        broken.write_text("export function mount() { throw new Error('no such format'); }\n")
        yield heron.Viewer(name="sounds", summary="Sounds", kinds=["audio"], module=broken)


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(root, plugins=[PointClouds(tmp_path_factory.mktemp("viewer"))], rate=1e9) as running:
        yield running


def opened(watched: Watched, root: Path, name: str) -> Any:
    """The full view of an item."""
    with heron.open(root) as workspace:
        uuid = workspace.items.get(name).uuid
    page = watched.open("?" + urlencode({"item": uuid}))
    expect(page.get_by_role("dialog")).to_contain_text(name)
    return page


def chosen(page: Any, of: str, what: str) -> None:
    page.get_by_role("button", name=f"Actions on {of}", exact=True).click()
    page.get_by_role("menuitem", name=what).click()


def done(page: Any, deed: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=deed, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


# The pages


def test_folders_are_made_renamed_and_moved_by_keys_alone(watched: Watched, root: Path) -> None:
    page = watched.open("?page=folders")
    page.get_by_role("button", name="New folder").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Path").fill("Driving/2026")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Actions on Driving/2026").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Add files")).to_be_focused()
    while page.locator(":focus").inner_text().strip() != "Rename":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).fill("2027")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Actions on Driving/2027").wait_for()
    chosen(page, "Driving/2027", "Move")
    page.get_by_label("Into").select_option(label="The top")
    done(page, "Move")
    page.get_by_role("button", name="Actions on 2027", exact=True).wait_for()
    with heron.open(root) as workspace:
        assert {"Driving", "2027"} <= {folder.path for folder in workspace.folders.list(recursive=True)}


def test_files_are_dropped_and_what_failed_is_reported(watched: Watched, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), (200, 30, 30)).save(tmp_path / "red.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "red.png").read_bytes()[:40])
    page = watched.open("?page=imports")
    page.get_by_label("Into the folder").fill("Dropped")
    page.locator("input[type=file]").first.set_input_files([tmp_path / "red.png", tmp_path / "cut.png"])
    page.get_by_text("Imported: 1 new, 1 failed.").wait_for()
    page.get_by_role("button", name="1 failed: report").click()
    expect(page.get_by_role("dialog")).to_contain_text("cut.png")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Folders").first.click()
    page.get_by_role("link", name="Dropped").wait_for()


def test_a_dataset_is_frozen_compared_and_checked(watched: Watched, root: Path) -> None:
    page = watched.open("?page=datasets&name=Train")
    page.get_by_role("button", name="Freeze a version").click()
    page.get_by_label("Note").fill("the first")
    done(page, "Freeze")
    page.get_by_role("button", name="Train@1").wait_for()
    with heron.open(root) as workspace:
        uuid = next(workspace.datasets.rows("Train")).item.uuid
        workspace.metadata.merge({uuid: {"weather": "rain"}})
    chosen(page, "version 1", "Compare")
    page.get_by_role("dialog").get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog", name="Train@1 → Train")
    expect(dialog.get_by_role("row", name="weather sun rain")).to_be_visible()
    page.keyboard.press("Escape")
    chosen(page, "version 1", "Check its files")
    expect(page.get_by_role("dialog", name="Files of Train@1")).to_be_visible()


def test_a_collection_is_sent_to_annotation_once(watched: Watched) -> None:
    page = watched.open("?page=projects&name=Survey")
    for again in (False, True):
        page.get_by_role("button", name="Send to annotation").click()
        page.get_by_label("For", exact=True).select_option(label="JSON lines")
        if again:
            page.get_by_role("button", name="Make the tasks").click()
            expect(page.get_by_role("alert")).to_contain_text("were sent before")
            page.keyboard.press("Escape")
        else:
            with page.expect_download() as download:
                done(page, "Make the tasks")
            assert download.value.suggested_filename == "Some.jsonl"
    expect(page.get_by_role("row", name="Some jsonl 3")).to_be_visible()


def test_a_role_is_given_and_taken_back(watched: Watched) -> None:
    page = watched.open("?page=members")
    page.get_by_role("button", name="Give a role").click()
    page.get_by_label("On", exact=True).select_option("project")
    page.get_by_label("Role", exact=True).select_option("reviewer")
    done(page, "Give")
    row = page.get_by_role("row", name="ada@example.org reviewer project Survey")
    row.get_by_role("button").click()
    page.get_by_role("menuitem", name="Take back").click()
    done(page, "Take back")
    expect(row).to_have_count(0)


def test_a_key_in_use_is_given_a_type_and_a_refused_secret_is_said_in_the_dialog(watched: Watched) -> None:
    page = watched.open("?page=schema")
    page.get_by_role("button", name="shift").click()
    page.get_by_label("Type", exact=True).select_option("enum")
    page.get_by_label("Options").fill("early\nlate")
    done(page, "Add")
    expect(page.get_by_role("row", name="shift enum early late")).to_be_visible()
    page.get_by_role("link", name="Integrations").click()
    page.get_by_role("button", name="New integration").click()
    page.get_by_label("Name", exact=True).fill("lab")
    page.get_by_label("Secret, by reference").fill("hunter2")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("secrets are never stored")
    expect(page.get_by_label("Secret, by reference")).to_have_value("hunter2")


# The full view


@pytest.mark.parametrize("name", ["gone.png", "broken.png"])
def test_a_picture_that_cannot_be_shown_says_why_and_comes_back(
    watched: Watched, root: Path, name: str
) -> None:
    page = opened(watched, root, name)
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text(re.compile(name, re.IGNORECASE))
    (root / "files" / name).write_bytes((root / "kept.png").read_bytes())
    page.get_by_role("main").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("img", name=name)).to_be_visible()
    page.wait_for_function("document.querySelector('main img[alt]:not([alt=\"\"])').naturalWidth === 64")


def test_a_video_that_cannot_be_played_is_stepped_by_its_frames(watched: Watched, root: Path) -> None:
    page = opened(watched, root, "film.avi")
    page.get_by_text("you see its frames one by one").wait_for()
    for _ in range(3):
        page.keyboard.press(".")
    expect(
        page.get_by_text("Frame 3 · 0.88 s")
    ).to_be_visible()  # the middle of a frame of a quarter of a second
    page.keyboard.press("k")
    page.get_by_text("Frame 3 is a key frame now.").wait_for()
    with heron.open(root) as workspace:
        (frame,) = [frame for frame in workspace.frames.list("film.avi", only="key") if frame.number == 3]
    assert frame.seconds == pytest.approx(0.75)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Key frame here")).to_be_enabled()


def test_a_name_of_markup_and_hundreds_of_characters_breaks_nothing(watched: Watched, root: Path) -> None:
    page = opened(watched, root, LONG)
    page.on("dialog", lambda dialog: watched.faults.append(dialog.message))
    page.get_by_role("img", name=LONG).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("img[src=x]").count() == 0


def test_a_long_text_is_shown_in_parts(watched: Watched, root: Path) -> None:
    page = opened(watched, root, "long.txt")
    text = page.get_by_role("region", name="Text of long.txt")
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    assert text.locator("pre").inner_text().count("a line of a log") == 40_000


def test_the_viewer_of_the_guide_shows_a_point_cloud(watched: Watched, root: Path) -> None:
    page = opened(watched, root, "cube.ply")
    expect(page.get_by_label("8 points")).to_be_visible()


def test_a_viewer_that_fails_gives_way_to_the_built_in_one(watched: Watched, root: Path) -> None:
    page = opened(watched, root, "tone.wav")
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text(
        "The viewer sounds failed: no such format"
    )
    page.get_by_role("button", name="Show it without the plugin").click()
    expect(page.get_by_role("slider", name="Waveform")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "seconds", "date"),
    [("de-DE", "2,50 s", r"\d+\.\d+\.\d+, "), ("en-GB", "2.50 s", r"\d+ \w+ \d+, ")],
)
def test_numbers_and_dates_are_those_of_the_locale(
    watching: Any, server: Served, root: Path, locale: str, seconds: str, date: str
) -> None:
    with watching(server, locale=locale) as watched:
        about = opened(watched, root, "film.avi").get_by_label("About the item")
        expect(about).to_contain_text(seconds)
        expect(about).to_contain_text(re.compile(date))
