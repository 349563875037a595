"""The tools: each calls one verb of the workspace, and returns plain values."""

from __future__ import annotations

import functools
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

import heron
from heron_mcp.plain import plain, plain_item

_MOST = 100
"""The most items of one answer."""

_LISTED = 200
"""The most folders, collections and datasets that are described; there can be thousands."""

Where = Annotated[
    str | None,
    Field(
        description="A SQL condition on fields, metadata keys and facts: kind = 'image' AND width > 1000 AND city = 'Oran'"
    ),
]
Folder = Annotated[str | None, Field(description="Path of a folder; with everything below it")]
Words = Annotated[str | None, Field(description="Words that the text keys of an item must contain")]
Limit = Annotated[int, Field(ge=1, le=_MOST, description="The most items to return")]
Cursor = Annotated[str | None, Field(description="The cursor of the page before")]

_ABOUT = """Heron is an index over a lake of media: images, videos, audio, documents and medical scans. Call `describe` first: it
names the folders, the metadata keys with their types, and the fields for conditions. Conditions are SQL, as in a WHERE clause.
Look at pictures with `look`, and find similar ones with `similar`."""


def server_of(workspace: heron.Workspace, *, writes: bool = False) -> MCPServer[Any]:
    """A server with the tools for a workspace; without `writes`, those that change nothing."""
    server: MCPServer[Any] = MCPServer(
        "heron", instructions=_ABOUT, version=heron.__version__, log_level="ERROR"
    )
    tools = Tools(workspace)
    reading: Sequence[Callable[..., Any]] = (
        tools.describe, tools.search, tools.count, tools.facets, tools.look, tools.similar,
    )  # fmt: skip
    for tool in reading:
        reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
        server.add_tool(_told(tool), annotations=reads, structured_output=tool != tools.look)
    if writes:
        adds = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
        server.add_tool(_told(tools.make_collection), annotations=adds)
        changes = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)
        server.add_tool(_told(tools.set_metadata), annotations=changes)
    return server


def _told(tool: Callable[..., Any]) -> Callable[..., Any]:
    """The tool, whose errors are told to the model as sentences."""

    @functools.wraps(tool)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return tool(*args, **kwargs)
        except heron.HeronError as error:
            raise ToolError(str(error)) from error

    told.__signature__ = inspect.signature(tool, eval_str=True)  # type: ignore[attr-defined]
    return told


class Tools:
    """What a model can ask of one workspace."""

    def __init__(self, workspace: heron.Workspace) -> None:
        self._workspace = workspace

    def describe(self) -> dict[str, Any]:
        """Describe the workspace: how many items of which kind, folders, metadata keys, embeddings, collections and datasets."""
        ws = self._workspace
        (kinds,) = ws.facets("kind")
        folders = ws.folders.list(limit=_LISTED)
        return {
            "workspace": str(ws.root),
            "user": ws.user.email,
            "items": ws.search.count(),
            "kinds": {str(bucket.value): bucket.count for bucket in kinds.buckets},
            "folders": [folder.path for folder in folders],
            "metadata_keys": {
                key.name: plain(key.describe()) for key in ws.schema.show() if key.state == "active"
            },
            "embeddings": [plain(status) for status in ws.vectors.status()],
            "collections": {each.title: each.item_count for each in ws.collections.list(limit=_LISTED)},
            "datasets": {each.title: each.row_count for each in ws.datasets.list(limit=_LISTED)},
            "fields": "uuid, name, folder, path, url, kind, media_type, size (bytes), width, height, seconds, frame_count, captured_at, "
            "created_at, tags; metrics of pictures: metric.brightness, metric.sharpness, …; facts such as exif.Model",
            "conditions": "AND OR NOT, = <> < <= > >=, LIKE, IN, BETWEEN, IS NULL; in_collection('T'), in_dataset('T'), in_folder('P')",
        }

    def search(
        self, where: Where = None, folder: Folder = None, words: Words = None, text: Annotated[str | None, Field(description="What the picture shows, in words; needs an embedder that knows words")] = None,
        sort: Annotated[str | None, Field(description="Names of fields, with - in front for descending: -captured_at,name")] = None,
        limit: Limit = 20, cursor: Cursor = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Find items by a condition, a folder, words, or what they look like; returns one page, and the cursor of the next."""
        page = self._workspace.search(
            text=text, where=where, folder=folder, words=words, sort=sort, limit=limit, cursor=cursor
        )
        return _page(page)

    def count(self, where: Where = None, folder: Folder = None, words: Words = None) -> int:
        """Count the items that a condition, a folder or words find."""
        return self._workspace.search.count(where=where, folder=folder, words=words)

    def facets(
        self, names: Annotated[str, Field(description="Names of fields or keys, separated by commas: kind,weather,captured_at")],
        where: Where = None, folder: Folder = None, words: Words = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Count the values of fields over the items that are found: how often each value occurs, or bins of numbers and times."""
        found = self._workspace.facets(names, where=where, folder=folder, words=words)
        return [plain(facet) for facet in found]

    def look(
        self, item: Annotated[str, Field(description="UUID or name of an item")],
        frame: Annotated[int | None, Field(description="Number of a frame, slice or page, from 0")] = None,
        size: Annotated[int, Field(ge=32, le=1568, description="Longest side in pixels")] = 768,
    ) -> list[Any]:  # fmt: skip
        """Look at an item: its picture, or that of one frame, and what is known of it."""
        found = self._workspace.items.get(item)
        picture = self._workspace.pictures.picture(found, frame=frame, size=size)
        content = io.BytesIO()
        picture.convert("RGB").save(content, "JPEG", quality=85)
        return [Image(data=content.getvalue(), format="jpeg"), plain_item(found)]

    def similar(
        self, item: Annotated[str, Field(description="UUID or name of an item")], where: Where = None,
        key: Annotated[str | None, Field(description="The embedding to compare by, as describe lists them")] = None,
        limit: Limit = 10,
    ) -> dict[str, Any]:  # fmt: skip
        """Find the items that look most like an item; a score is the cosine, 1 is equal."""
        found = self._workspace.items.get(item)
        page = self._workspace.search(like=[found.uuid], where=where, key=key, limit=limit + 1)
        return _page(page, leave_out=found.uuid, most=limit)

    def make_collection(
        self, title: str, where: Where = None, items: Annotated[list[str] | None, Field(description="UUIDs or names of items")] = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Make a collection of the items that a condition finds, or of named items."""
        if (where is None) == (items is None):
            raise ToolError("give a condition or items, one of the two")
        chosen = self._workspace.search.all(where=where) if where is not None else items
        made = self._workspace.collections.create(title, items=chosen or ())
        return {"title": made.title, "uuid": made.uuid, "items": made.item_count}

    def set_metadata(
        self, items: Annotated[list[str], Field(min_length=1, max_length=1000, description="UUIDs or names of items")],
        values: Annotated[dict[str, Any], Field(description="Metadata keys with their new values; null removes a value")],
    ) -> dict[str, Any]:  # fmt: skip
        """Set metadata of items; other keys stay as they are."""
        return {"items": self._workspace.metadata.merge_all(items, values)}


def _page(page: heron.Page[heron.Item], *, leave_out: str = "", most: int = _MOST) -> dict[str, Any]:
    """A page as plain values."""
    rows: list[Mapping[str, Any]] = []
    for number, item in enumerate(page):
        if item.uuid == leave_out or len(rows) == most:
            continue
        score = {"score": round(page.matches[number].score, 4)} if page.matches else {}
        rows.append({**plain_item(item), **score})
    return {"items": rows, "cursor": None if leave_out else page.cursor, "notes": list(page.notes)}
