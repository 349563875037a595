"""Names of files in exports: safe for every file system, and made by a template where one is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from string import Formatter
from typing import Any

from attrs import frozen

from heron.convert import dumps, item_to_dict
from heron.errors import InvalidInput
from heron.models import FACT_FIELDS, ITEM_FIELDS, DatasetRow, Item, Member

LONGEST = 150
"""The most bytes of a part of a path; a longer one is cut, and keeps its suffix."""

_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])", re.IGNORECASE)
"""Names that Windows keeps for devices."""

_WIDE = re.compile(r"[0-9]{4}")
"""A width that no name can have, and that would take all memory."""

_UNKNOWN = "_"
"""What stands for a value that is not known."""

_OWN = ("position", "stem", "suffix")
_PLAIN = {name: field for name, field in ITEM_FIELDS.items() if field.form not in ("json", "lines")}


def safe_part(part: str) -> str:
    """A part of a path as file systems of all kinds take it."""
    cleaned = _UNFIT.sub("_", part).strip().rstrip(". ")
    if len(cleaned.encode()) > LONGEST:
        suffix = PurePosixPath(cleaned).suffix[:20]
        cut = cleaned.encode()[: LONGEST - len(suffix.encode())].decode("utf-8", "ignore")
        cleaned = cut.rstrip(". ") + suffix
    if _RESERVED.fullmatch(cleaned.partition(".")[0].rstrip()):
        cleaned = f"_{cleaned}"
    return cleaned or "_"


def path_of(item: Item, member: Member | None = None, *, is_flat: bool = False) -> str:
    """The path of the file of an item: its folder and name; if `is_flat`, without the folder. A member stands in a folder of its item."""
    parts = [] if is_flat else item.folder_path.split("/")
    return _with_member("/".join(safe_part(part) for part in (*parts, item.name) if part), item, member)


def _with_member(path: str, item: Item, member: Member | None) -> str:
    if member is not None:
        return f"{path}/{safe_part(PurePosixPath(member.path or _file_of(member.url)).name)}"
    name = path.rpartition("/")[2]
    if not 0 < name.rfind(".") < len(name) - 1:  # it has no suffix
        suffix = PurePosixPath(_file_of(item.url)).suffix
        path += safe_part(suffix.lower()) if suffix else ""
    return path


def _file_of(url: str) -> str:
    return url.partition("#zip=")[2] or url.partition("#")[0].partition("?")[0]


@frozen
class Template:
    """A path with places for fields of items and for metadata: `{folder}/{name}`, `{captured_at:%Y-%m}/{metadata.city}/{stem}{suffix}`.

    Each value becomes one part of a path, but `folder`, which keeps its parts; an unknown value is `_`.
    """

    text: str
    parts: tuple[tuple[str, str | None, str], ...]
    """Texts, each with the name that follows, if one does, and its form."""

    @classmethod
    def parsed(cls, text: str) -> Template:
        """Raises InvalidInput for a template that is absolute, leads out of the folder, or names something that items have not."""
        try:
            found = [*Formatter().parse(text)]
        except ValueError as error:
            raise InvalidInput(
                f"the template {text!r} cannot be read: {error}", hint="as {folder}/{name}"
            ) from error
        parts = []
        for literal, name, form, conversion in found:
            if conversion or (name is not None and not name):
                raise InvalidInput(
                    f"the template {text!r} has a place without a name, or with '!'",
                    hint="as {folder}/{name}",
                )
            if name is not None:
                _check(text, name, form or "")
            parts.append((literal, name, form or ""))
        plain = "".join(literal + ("x" if name is not None else "") for literal, name, _ in parts)
        names = plain.split("/")
        if (
            plain.startswith("/")
            or "\\" in plain
            or re.match(r"[A-Za-z]:", plain)
            or ".." in names
            or "." in names
        ):
            raise InvalidInput(
                f"the template {text!r} leads out of the folder of the export", hint="as {folder}/{name}"
            )
        if not names[-1] or any(not part for part in names):
            raise InvalidInput(f"the template {text!r} has a part without a name", hint="as {folder}/{name}")
        if not any(name is not None for _, name, _ in parts):
            raise InvalidInput(f"the template {text!r} gives all files one name", hint="as {folder}/{name}")
        return cls(text, tuple(parts))

    def path_of(self, row: DatasetRow, member: Member | None = None) -> str:
        """The path of the file of an item, or of one of its members, which stands in a folder of this path."""
        values = _values(row)
        text = "".join(
            literal + (self._written(values, name, form) if name is not None else "")
            for literal, name, form in self.parts
        )
        parts = (safe_part(part) for part in text.split("/") if part)
        return _with_member("/".join(parts) or _UNKNOWN, row.item, member)

    def _written(self, values: Mapping[str, Any], name: str, form: str) -> str:
        value = values.get(name)
        if value is None and name not in ITEM_FIELDS and name not in _OWN:
            value = values["metadata"].get(name.removeprefix("metadata."))
        if value is None or value == "":
            return "" if name in ("folder", "suffix") else _UNKNOWN
        if form:
            try:
                text = format(value, form)
            except (ValueError, TypeError) as error:
                raise InvalidInput(
                    f"the template {self.text!r}: {value!r} cannot be written as {form!r}: {error}"
                ) from error
        else:
            text = value if isinstance(value, str) else dumps(value)
        if name == "folder":
            return text
        return text.replace("/", "_") if "%" not in form else text


def _check(text: str, name: str, form: str) -> None:
    known = name in _PLAIN or name in _OWN
    if not known and not name.startswith("metadata.") and name in ITEM_FIELDS:
        raise InvalidInput(
            f"the template {text!r}: {name} is no single value", hint="metadata.KEY is the value of a key"
        )
    if ".." in form or "\\" in form or "{" in form or _WIDE.search(form):
        raise InvalidInput(
            f"the template {text!r}: {form!r} is no form of a value",
            hint="as {captured_at:%Y/%m} or {position:06}",
        )


def _values(row: DatasetRow) -> dict[str, Any]:
    item = row.item
    values = item_to_dict(item)
    for name, field in _PLAIN.items():
        if field.compares == "datetime":
            values[name] = getattr(item.facts if name in FACT_FIELDS else item, field.attribute)
    path = PurePosixPath(item.name)
    suffix = path.suffix or PurePosixPath(_file_of(item.url)).suffix.lower()
    return {**values, "position": row.position, "stem": path.stem, "suffix": suffix}
