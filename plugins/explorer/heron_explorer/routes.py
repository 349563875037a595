"""The routes of the Explorer: its pages, the viewers of plugins, and the files that everybody may have."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

import heron
from heron_explorer.built import FOLDER, File, assets, file_at, pages

if TYPE_CHECKING:
    from starlette.requests import Request

HOME = "/explore/"

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; frame-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing comes from another server, no text becomes a script, and no other page shows this one in a frame."""

FRAME_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self'; worker-src blob:; "
    "connect-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The frame of the plot makes code from texts, for WebGL: it has no origin, and it reaches no address but its scripts."""

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
CHECKED = "no-cache"
FOR_GOOD = "public, max-age=31536000, immutable"


def page(site: heron.Site, folder: Path = FOLDER) -> Sequence[Route]:
    """The pages, which want a user, and what tells them of viewers."""
    try:
        found = pages(folder)
    except heron.PluginError as error:
        return _without_page(error)

    def front(request: Request) -> Response:
        return RedirectResponse(HOME, 307, {"Cache-Control": "no-store"})

    def index(request: Request) -> Response:
        headers = {
            "Content-Security-Policy": PAGE_POLICY,
            "Permissions-Policy": PERMISSIONS,
            "Cache-Control": CHECKED,
        }
        return answered(request, file_at(found["index.html"]), headers)

    def plot(request: Request) -> Response:
        headers = {
            "Content-Security-Policy": FRAME_POLICY,
            "Permissions-Policy": PERMISSIONS,
            "X-Frame-Options": "SAMEORIGIN",
            "Cache-Control": CHECKED,
        }
        return answered(request, file_at(found["plot.html"]), headers)

    async def viewers(request: Request) -> Response:
        rows = [
            {
                "name": viewer.name,
                "summary": viewer.summary,
                "kinds": list(viewer.kinds),
                "suffixes": list(viewer.suffixes),
                "module": f"{HOME}viewers/{viewer.name}.js",
            }
            for viewer in (await _viewers(site, request)).values()
        ]
        return JSONResponse(rows, headers={"Cache-Control": CHECKED})

    async def viewer(request: Request) -> Response:
        name = request.path_params["name"]
        record = (await _viewers(site, request)).get(name)
        if record is None:
            raise HTTPException(404, f"no plugin brings a viewer {name}")
        return answered(
            request, await site.call(request, lambda _: _module(record)), {"Cache-Control": CHECKED}
        )

    return [
        Route("/", front),
        Route(HOME.rstrip("/"), front),
        Route(HOME, index),
        Route(f"{HOME}plot.html", plot),
        Route(f"{HOME}viewers.json", viewers),
        Route(f"{HOME}viewers/{{name}}.js", viewer),
    ]


def files(site: heron.Site, folder: Path = FOLDER) -> Sequence[Route]:
    """The scripts and styles: their names contain a hash, so that browsers keep them. The frame of the plot has no origin, and may read them."""
    known: Mapping[str, Path] = assets(folder)
    headers = {"Cache-Control": FOR_GOOD, "Access-Control-Allow-Origin": "*"}

    def asset(request: Request) -> Response:
        path = known.get(request.path_params["name"])
        if path is None:
            raise HTTPException(404, "the page has no such file")
        return answered(request, file_at(path), headers)

    return [Route(f"{HOME}assets/{{name}}", asset)]


def answered(request: Request, file: File, headers: Mapping[str, str]) -> Response:
    """A file: compressed where the client understands that, and not at all where it has it already."""
    content, more = file.content, dict(headers)
    tag = f'"{file.tag}"'
    if file.zipped is not None:
        more["Vary"] = "Accept-Encoding"
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            content, tag = file.zipped, f'"{file.tag}-gzip"'
            more["Content-Encoding"] = "gzip"
    more["ETag"] = tag
    given = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in given or "*" in given:
        more.pop("Content-Encoding", None)
        return Response(status_code=304, headers=more)
    more["Content-Type"] = file.media_type
    return Response(content, headers=more)


def _takes_gzip(accepted: str) -> bool:
    """Whether a value of Accept-Encoding names gzip, and not with `q=0`."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


async def _viewers(site: heron.Site, request: Request) -> Mapping[str, heron.Viewer]:
    """The viewers that plugins bring and that can be used, by name."""

    def work(workspace: heron.Workspace) -> Mapping[str, heron.Viewer]:
        brought = workspace.plugins.contributions(heron.Viewer)
        return {
            each.name: each
            for each in brought
            if not each.planned and not workspace.plugins.missing(*each.requires)
        }

    return await site.call(request, work)


def _module(viewer: heron.Viewer) -> File:
    try:
        content = viewer.module.read_bytes()
    except OSError as error:
        raise heron.PluginError(f"the viewer {viewer.name} cannot be read: {error.strerror}") from error
    return File.of(content, ".js")


def _without_page(error: heron.PluginError) -> Sequence[Route]:
    """What stands at the address where the page was not built."""

    def index(request: Request) -> Response:
        text = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Heron</title><h1>Heron</h1><p>{html.escape(str(error))}</p></html>'
        return HTMLResponse(text, 503, {"Cache-Control": "no-store"})

    return [Route(HOME.rstrip("/"), index), Route(HOME, index)]
