"""The codecs of strangers' types behind the door: a refusal is a ValueError, and so is whatever else they raise or give."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from heron import deadline
from heron.hooks.door import PASSED, Stranger, reason

if TYPE_CHECKING:
    from heron.hooks import MetadataType
    from heron.models import Json

    Convert = Callable[[Json], Json]


def behind(who: str, kind: MetadataType, verb: str, convert: Convert) -> Convert:
    """A function of a codec, `verb` of the type that `who` names. Those of Heron's own types stay as they are."""
    return _behind(who, kind, verb, convert) if isinstance(who, Stranger) else convert


def _behind(who: str, kind: MetadataType, verb: str, convert: Convert) -> Convert:
    whose = f"{verb} of {who}"

    def converted(value: Json) -> Json:
        begun = deadline.begin(whose)
        try:
            try:
                found = convert(value)
            finally:
                deadline.end(begun)
        except (ValueError, *PASSED):
            raise
        except deadline.TookTooLong as error:  # which may have come as the time was ended
            deadline.end(begun)
            raise ValueError(f"{who} failed in {verb}: {error}") from None
        except BaseException as error:
            raise ValueError(f"{who} failed in {verb} with {reason(error)}") from error
        fault = _fault(found, kind.affinity if verb == "encode" else "json")
        if fault is not None:
            raise ValueError(f"{who} failed in {verb}: {fault}")
        return found

    return converted


def _fault(found: object, affinity: str) -> str | None:
    """Why a value cannot be what a type stores; None if it can."""
    if affinity == "text" and type(found) is str:
        return (
            None if found.isascii() or _is_unicode(found) else f"it gave {found!r:.80}, which is no Unicode"
        )
    if affinity == "number" and type(found) in (int, float):
        return None if abs(found) < 2**63 else f"it gave {found!r:.80}, which is no number of 64 bits"  # type: ignore[arg-type]
    if affinity == "boolean" and type(found) is bool:
        return None
    if affinity != "json":
        return f"it gave {_shown(found)}, the type does not store {affinity}"
    try:
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError) as error:
        return f"it gave {_shown(found)}, which is no JSON: {error}"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(found: object) -> str:
    try:
        return f"{found!r:.80}"
    except Exception:  # noqa: BLE001 - a stranger's object
        return f"<{type(found).__name__}>"
