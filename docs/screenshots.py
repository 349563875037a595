"""Takes the pictures of the Explorer in docs/pictures/explorer, light and dark: python docs/screenshots.py LAKE.

LAKE is the folder that `heron quickstart` makes; it is copied, and nothing in it is changed. Needs Chromium and playwright.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image

import heron
from heron_explorer.testing import ARGUMENTS, CHROMIUM, Watched, lacking, pressed, selected
from heron_server.testing import Served, served

PICTURES = Path(__file__).parent / "pictures" / "explorer"
SIZE = {"width": 1360, "height": 850}
QUALITY = 78
PAGES = (
    "folders", "imports", "collections", "datasets", "projects", "schema", "integrations", "members", "plugins",
)  # fmt: skip


def prepare(root: Path) -> None:
    """Add what the sample lake lacks: people, a project, versions, values without a type."""
    with heron.open(root) as workspace:
        for email, role in (("ada@example.org", "admin"), ("bob@example.org", "member")):
            workspace.users.add(email, role=role)
        workspace.groups.create("Labellers", description="Who draws boxes", users=["bob@example.org"])
        dataset = workspace.datasets.list()[0]
        workspace.roles.grant("user", group="Labellers", dataset=dataset)
        workspace.versions.freeze(dataset, note="first training")
        workspace.versions.freeze(dataset, note="with the rain of November")
        for tag in ("night", "urgent"):
            workspace.tags.create(tag)
        workspace.projects.create(
            "Night survey", datasets=dataset, tags=["night", "urgent"], description="Vehicles in the dark"
        )
        workspace.projects.update("Night survey", status="in_progress")
        workspace.roles.grant("annotator", user="bob@example.org", project="Night survey")
        collection = workspace.collections.list()[0]
        workspace.annotation.send("Night survey", collection, root / "tasks.json", format="label-studio")
        workspace.metadata.merge({workspace.items.list(limit=1)[0].uuid: {"photographer": "Ada"}})


def rename(root: Path, was: Path) -> None:
    """Let the imports name a folder that is nobody's, instead of the place where the lake was made."""
    with closing(sqlite3.connect(root / ".heron" / "catalog.db")) as catalogue, catalogue:
        catalogue.execute("UPDATE imports SET source = replace(source, ?, '/data/lake')", [str(was)])


def item_of(workspace: heron.Workspace, where: str) -> str:
    """The UUID of the first item that a condition finds."""
    return workspace.search(where=where, limit=1).rows[0].uuid


def views(root: Path) -> dict[str, tuple[dict[str, str], Callable[[Any], object]]]:
    """The pictures by name: the query of their address, and what is waited for or done before one is taken."""
    with heron.open(root) as workspace:
        dataset = workspace.datasets.list()[0].title
        items = {
            "image": item_of(workspace, "name = 'the-red-bus.jpg' OR kind = 'image'"),
            "video": item_of(workspace, "kind = 'video'"),
            "audio": item_of(workspace, "kind = 'audio'"),
            "volume": item_of(workspace, "kind = 'nifti' AND frame_count > 1"),
            "document": item_of(workspace, "kind = 'pdf'"),
            "group": item_of(workspace, "kind = 'image_group'"),
        }

    def shown(page: Any) -> None:
        page.locator("main img, main canvas").first.wait_for()

    def planes(page: Any) -> None:
        page.get_by_role("button", name="All planes").click()
        page.locator(".plane img").nth(2).wait_for()

    def rows(page: Any) -> None:
        page.locator("table.list tbody tr").first.wait_for()

    def tiles(page: Any) -> None:
        page.locator(".tile[data-uuid] img").first.wait_for()

    def groups(page: Any) -> None:
        page.get_by_role("region", name="Group 1").locator("img").first.wait_for()

    def drawn(page: Any) -> None:
        tiles(page)
        page.frame_locator("iframe").locator("canvas[data-shown][data-drag]").wait_for()

    def half(page: Any) -> None:
        drawn(page)
        box = page.frame_locator("iframe").locator("canvas").bounding_box()
        left, top, width, height = box["x"], box["y"], box["width"], box["height"]
        page.get_by_role("button", name="Box").click()
        page.frame_locator("iframe").locator("canvas[data-drag=box]").wait_for()
        pressed(page, (left + width * 0.6, top + 5), (left + width - 5, top + height * 0.45))
        selected(page).wait_for()
        page.mouse.move(10, 10)

    found: dict[str, tuple[dict[str, str], Callable[[Any], object]]] = {
        "grid": ({}, tiles),
        "table": ({"view": "table", "in": "folder:Lake/photos"}, lambda page: None),
        "duplicates": ({"view": "duplicates", "near": "0.94", "in": "folder:Lake"}, groups),
        "plot": (
            {"plot": "on", "colour": "city", "in": "folder:Lake/photos", "captions": "city,temperature"},
            half,
        ),
        "search": ({"text": "a red bus in the rain at night", "plot": "on", "colour": "city"}, drawn),
        "dataset": ({"page": "datasets", "name": dataset}, rows),
        "project": ({"page": "projects", "name": "Night survey"}, rows),
    }
    found |= {name: ({"page": name}, rows) for name in PAGES}
    for name, uuid in items.items():
        found[f"item-{name}"] = ({"item": uuid}, planes if name == "volume" else shown)
    return found


def take(server: Served, root: Path) -> None:
    """Take all pictures of a served lake."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for scheme in ("light", "dark"):
            watched = Watched(browser, server, viewport=SIZE, color_scheme=scheme, locale="en-GB")
            for view, (query, prepared) in views(root).items():
                page = watched.open(f"?{urlencode(query)}")
                prepared(page)
                page.wait_for_load_state("networkidle")
                image = Image.open(BytesIO(page.screenshot()))
                image.convert("RGB").save(PICTURES / f"{view}-{scheme}.webp", quality=QUALITY, method=6)
            watched.context.close()
            if watched.faults:
                sys.exit("\n".join(watched.faults))
        browser.close()


def main() -> None:
    """Copy the lake, serve it, and take the pictures."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if missing := lacking():
        sys.exit(f"There is no {missing}.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "lake"
        shutil.copytree(sys.argv[1], root)
        rename(root, Path(sys.argv[1]).resolve())
        prepare(root)
        with served(root, rate=1e9) as server:
            take(server, root)
    size = sum(path.stat().st_size for path in PICTURES.glob("*.webp"))
    sys.stdout.write(f"{len(list(PICTURES.glob('*.webp')))} pictures, {size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
