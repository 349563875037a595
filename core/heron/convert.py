"""The one cattrs converter of the project, and JSON in and out of the database."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from heron.errors import InvalidInput

if TYPE_CHECKING:
    from cattrs import Converter

    from heron.models import Item

T = TypeVar("T")


@cache
def converter() -> Converter:
    """The converter for every record that comes in from, or goes out to, JSON and TOML.

    Keys that a record does not have are refused.
    """
    from cattrs.preconf.orjson import make_converter

    return make_converter(forbid_extra_keys=True)


def structure(data: object, record: type[T], what: str) -> T:
    """Make a record of plain data.

    Raises InvalidInput that names each faulty field and its path.
    """
    from cattrs import transform_error
    from cattrs.errors import BaseValidationError

    try:
        return converter().structure(data, record)
    except (BaseValidationError, ValueError, TypeError, KeyError) as error:
        reasons = transform_error(error) if isinstance(error, BaseValidationError) else [str(error)]
        raise InvalidInput(f"{what}: {'; '.join(reasons)}") from error


def unstructure(record: Any) -> Any:
    """Turn records, and containers of records, into plain data that JSON can hold."""
    return converter().unstructure(record)


def dumps(value: Any) -> str:
    """Write compact JSON text in UTF-8.

    Raises InvalidInput for what JSON cannot hold: lone surrogates, keys that are no text, foreign objects.
    """
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the value cannot be written as JSON: {error}") from error


def loads(text: str | bytes) -> Any:
    """Read JSON text; raises InvalidInput with line and column when it is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"not valid JSON: {error}") from error


_FACTS = (
    "kind", "media_type", "width", "height", "frame_count", "fps", "duration", "codec", "sample_rate", "channels",
    "pages", "captured_at", "note",
)  # fmt: skip


def item_to_dict(item: Item) -> dict[str, Any]:
    """An item as plain data for JSON and for tables; what is not known is left out."""
    facts = {name: value for name in _FACTS if (value := getattr(item.facts, name)) is not None}
    kept = {"etag": item.etag, "modified_at": item.modified_at, "content_hash": item.content_hash}
    return {
        "uuid": item.uuid,
        "name": item.name,
        "folder": item.folder_path,
        "url": item.url,
        "size": item.size,
        **facts,
        **{name: value for name, value in kept.items() if value is not None},
        "facts": dict(item.facts.extra),
        "metadata": item.metadata,
        "tags": list(item.tags),
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }
