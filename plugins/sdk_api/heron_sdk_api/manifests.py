"""Makes a manifest of Heron of what a client wants to register: uploaded files, objects in stores, or images that are items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from attrs import define, field

from heron import InvalidInput, Workspace
from heron_sdk_api.fields import Fields, as_uuid
from heron_sdk_api.places import as_remote, check_urls
from heron_sdk_api.uploaded import Uploaded, upload_of

_ARRAYS: Mapping[str, tuple[str, str]] = {
    "videos": ("videos", "videoMetadata"),
    "images": ("images", "imageMetadata"),
    "audio": ("audio", "audioMetadata"),
    "nifti": ("nifti", "niftiMetadata"),
    "text": ("text", "textMetadata"),
    "pdf": ("pdfs", "pdfMetadata"),
}
"""By the name of an array of data items: that of the manifest, and the field with the facts."""

_GROUPS = {"imageGroups": "images", "dicomSeries": "dicomFiles"}
_ABSENT = ("timeSeries", "scenes")


@define
class Manifest:
    """A manifest in the making, with the uploaded files that were moved for it."""

    ws: Workspace
    uploaded: Uploaded
    content: dict[str, Any] = field(factory=dict)
    taken: dict[UUID, Path] = field(factory=dict)
    names_stores: bool = False

    def give_back(self, kept: set[str]) -> None:
        """Move files back that are not the file of an item, by their URLs."""
        for upload, path in self.taken.items():
            if self.ws.storage.normalise(path.as_uri()) not in kept:
                self.uploaded.give_back(upload, path)

    def urls(self) -> list[str]:
        """The URL of each entry, of groups that of the first file; in the order of the manifest."""
        return [
            url for entries in self.content.values() if isinstance(entries, list) for url in _firsts(entries)
        ]


def manifest_of(ws: Workspace, root: Path, data_items: Any, external: Any) -> Manifest:
    """The manifest of the body of a job; raises InvalidInput."""
    if (data_items is None) == (external is None):
        raise InvalidInput("give either dataItems or externalFiles")
    made = Manifest(ws, Uploaded(root))
    if data_items is None:
        check_urls(external)
        made.content = dict(Fields(external, "the body.externalFiles").values)
        made.names_stores = True
        return made
    given = Fields(data_items, "the body.dataItems")
    for name in _ABSENT:
        if given.list(name, ()):
            raise InvalidInput(f"{given.place}.{name}: Heron has no such kind of items")
    try:
        _fill(made, given)
    except BaseException:
        made.give_back(set())
        raise
    return made


def _fill(made: Manifest, given: Fields) -> None:
    for name, (array, facts) in _ARRAYS.items():
        entries = [_single(made, each, facts) for each in _each(given, name)]
        made.content.setdefault(array, []).extend(entries)
    for name, members in _GROUPS.items():
        array = "image_groups" if name == "imageGroups" else "dicom_series"
        for each in _each(given, name):
            files = [_file(made, Fields(file, f"{each.place}.{members}")) for file in each.list(members)]
            made.content.setdefault(array, []).append(_entry(each, {members: files}))
    for each in _each(given, "imageGroupsFromItems"):
        items = made.ws.items.get_all(each.uuids("imageItems"))
        entry = _entry(each, {"images": [{"url": item.url} for item in items]})
        made.content.setdefault("image_groups", []).append(entry)
    made.content["skip_duplicate_urls"] = given.flag("skipDuplicateUrls", False)
    made.content["upsert_metadata"] = given.flag("upsertMetadata", False)


def _each(given: Fields, name: str) -> Iterator[Fields]:
    for number, each in enumerate(given.list(name, ())):
        yield Fields(each, f"{given.place}.{name}[{number}]")


def _single(made: Manifest, given: Fields, facts: str) -> dict[str, Any]:
    url, is_upload = _url(made, given, "objectUrl", given.text("title", None))
    entry = _entry(given, {"objectUrl": url})
    if given.object(facts, None) is not None and not is_upload:
        entry[facts] = given.object(facts)
    return entry


def _file(made: Manifest, given: Fields) -> dict[str, Any]:
    return {"url": _url(made, given, "url", given.text("title", None))[0]}


def _entry(given: Fields, what: dict[str, Any]) -> dict[str, Any]:
    title = given.text("title", None)
    entry = {**what, "clientMetadata": given.object("clientMetadata", {})}
    if title is not None:
        entry["title"] = title
    if given.flag("createVideo", None) is not None:
        entry["createVideo"] = given.flag("createVideo")
    return entry


def _url(made: Manifest, given: Fields, name: str, title: str | None) -> tuple[str, bool]:
    """The URL of a file, and whether it was uploaded; its bytes are moved into the workspace then."""
    url, placeholder = given.text(name), given.text("placeholderItemUuid", None)
    upload = as_uuid(placeholder, f"{given.place}.placeholderItemUuid") if placeholder else upload_of(url)
    if upload is None:
        made.names_stores = True
        return as_remote(url), False
    if upload in made.taken:
        raise InvalidInput(f"{given.place}: the upload is named twice")
    made.taken[upload] = made.uploaded.take(upload, title or "file")
    return made.taken[upload].as_uri(), True


def _firsts(entries: list[Any]) -> Iterator[str]:
    """The first URL of each entry, whatever it is called."""
    for entry in entries:
        found = entry if isinstance(entry, str) else _first(entry)
        if isinstance(found, str):
            yield found


def _first(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return None
    plain = {name.replace("_", "").lower(): value for name, value in entry.items()}
    for name in ("objecturl", "url", "objecturl0", "images", "dicomfiles"):
        value = plain.get(name)
        if isinstance(value, list) and value:
            return value[0] if isinstance(value[0], str) else _first(value[0])
        if value:
            return value
    return None
