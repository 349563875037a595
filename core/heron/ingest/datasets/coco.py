"""COCO: one JSON file with `images`, `annotations` and `categories` (https://cocodataset.org/#format-data)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from heron.errors import InvalidInput
from heron.hooks import ImportEntry, ImportSource
from heron.ingest.datasets.joined import Joined
from heron.models import Json

_MEMBER = re.compile(r"\$\.(images|annotations|categories|licenses)\[\d+\]")


class Coco:
    """Each image with its annotations, which may stand before or behind it; the names of categories take the place of their ids."""

    def entries(self, source: ImportSource) -> Iterator[ImportEntry]:
        """The images in their order; then a problem for annotations of images that the file does not have."""
        names: dict[str, str] = {}
        licenses: dict[str, str] = {}
        seen: set[str] = set()

        def annotations() -> Iterator[tuple[str, Json]]:
            for path, value in source.elements(source.path.name):
                member = _MEMBER.fullmatch(path)
                if member is None:
                    continue
                seen.add(member[1])
                if not isinstance(value, dict):
                    raise InvalidInput(f"{path}: expected an object")
                if member[1] == "categories":
                    names[_id(value, "id", path)] = str(value.get("name", value["id"]))
                elif member[1] == "licenses":
                    with suppress(InvalidInput):
                        licenses[_id(value, "id", path)] = str(
                            value.get("name") or value.get("url") or value["id"]
                        )
                elif member[1] == "annotations":
                    yield _id(value, "image_id", path), value

        with Joined(annotations()) as joined:
            if "images" not in seen:
                raise InvalidInput(f"{source.path.name} has no images, so it is not COCO")
            for path, value in source.elements(source.path.name):
                if path.startswith("$.images["):
                    assert isinstance(value, dict)
                    yield _entry(path[2:], value, joined, names, licenses)
            for id, count in joined.left():
                yield ImportEntry(
                    "annotations", problem=f"{count} of the image {id} which is not among the images"
                )


def _entry(
    place: str,
    image: Mapping[str, Any],
    joined: Joined,
    names: Mapping[str, str],
    licenses: Mapping[str, str],
) -> ImportEntry:
    try:
        id = _id(image, "id", place)
    except InvalidInput as error:
        return ImportEntry(place, problem=error.message)
    found = [dict(each) for each in joined.of(id) if isinstance(each, dict)]
    unknown = set()
    for each in found:
        if (category := each.get("category_id")) is not None:
            if str(category) not in names:
                unknown.add(str(category))
            each["category"] = names.get(str(category), str(category))
    file = image.get("file_name") or image.get("coco_url")
    notes = [f"there is no category {category}: its number is kept" for category in sorted(unknown)]
    return ImportEntry(
        place,
        file=file if isinstance(file, str) else "",
        annotations={
            "labels": list(dict.fromkeys(each["category"] for each in found if "category" in each)),
            "objects": found,
            "license": licenses.get(str(image.get("license"))),
            "date_captured": image.get("date_captured"),
        },
        problem=None if isinstance(file, str) else "it has no file_name",
        notes=notes,
    )


def _id(value: Mapping[str, Any], name: str, place: str) -> str:
    id = value.get(name)
    if type(id) not in (int, str):
        raise InvalidInput(f"{place}: {name} is missing, or no number")
    return str(id)
