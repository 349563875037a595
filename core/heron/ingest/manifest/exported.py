"""Rows of exported datasets as entries of a manifest, so that what one workspace exports another one imports."""

from __future__ import annotations

from collections.abc import Mapping

from heron.models import OTHER, Json


def entry_of(row: Mapping[str, Json]) -> dict[str, Json]:
    """The entry for an exported row: its file, or the files of a group or series, its name, its metadata and its frames.

    Facts are left out, since the files are read again. Frames with metadata become key frames.
    """
    entry: dict[str, Json] = {"title": row["name"], "clientMetadata": _with_frames(row)}
    if row.get("kind") != OTHER:
        entry["kind"] = row.get("kind")
    members = row.get("members")
    if isinstance(members, list) and members:
        entry["images"] = [
            {"objectUrl": each.get("url")} if isinstance(each, dict) else each for each in members
        ]
    else:
        entry["objectUrl"] = row["url"]
    return entry


def _with_frames(row: Mapping[str, Json]) -> Json:
    metadata, frames = row.get("metadata"), row.get("frames")
    if not isinstance(frames, list) or not frames or not isinstance(metadata, dict | None):
        return metadata
    marked = {
        str(frame["number"]): frame.get("metadata") or {}
        for frame in frames
        if isinstance(frame, dict) and "number" in frame and (frame.get("is_key") or frame.get("metadata"))
    }
    return {**(metadata or {}), "$heron": {"frames": marked}} if marked else metadata
