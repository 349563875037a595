"""Declares the fields of records: the metadata of an attribute says how it is stored, compared and exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import evolve, field, fields, frozen

Compares = Literal["text", "number", "boolean", "datetime"]
"""The type by which the values of a field are compared in conditions and sorts."""

Form = Literal["plain", "boolean", "time", "json", "lines", "url"]
"""How a value is stored: unchanged, as 0 or 1, as a text by `utc_iso`, as JSON, as a text with a line per part, or as a URL by
`catalog/places.py`.
"""

_KEY = "heron.field"
_FORMS: dict[str, Form] = {"boolean": "boolean", "datetime": "time"}
_COMPARES: dict[str, Compares] = {"INTEGER": "number", "REAL": "number", "TEXT": "text"}


@frozen
class RecordField:
    """One field of items or frames, declared on an attribute of the record.

    `name` is the name of the field in conditions, sorts, JSON and tables, and of its column; `sql` is the type of the
    column, with constraints. A field without `sql` is computed by the SELECT. A field with `compares` None cannot be
    used in conditions. `unit` and `about` are for people. `given_as` are the keys of manifests that give the field, in
    lower case and without underscores. JSON leaves out an unknown value unless the field is `nullable`. The CSV export
    has a column for the field if it is `exported`.
    """

    name: str
    attribute: str
    sql: str | None
    compares: Compares | None
    about: str
    unit: str | None = None
    form: Form = "plain"
    given_as: tuple[str, ...] = ()
    nullable: bool = False
    exported: bool = False


def stored(
    sql: str | None,
    about: str,
    *,
    unit: str | None = None,
    name: str = "",
    compares: Compares | Literal["no"] | None = None,
    form: Form | None = None,
    given_as: tuple[str, ...] = (),
    nullable: bool = False,
    exported: bool = False,
) -> dict[str, RecordField]:
    """The metadata of an attribute that declares a field: `size: int = field(metadata=stored("INTEGER", "…"))`.

    `sql` is the type of its column, with constraints, or None if the SELECT computes it. The type says how its values
    are compared, unless `compares` is given; with `no` they are not compared. The field has the name of the attribute
    unless `name` is given. With `exported` it is a column of the CSV export.
    """
    if compares is None:
        compares = _COMPARES[(sql or "TEXT").split()[0]]
    if form is None:
        form = _FORMS.get(compares, "plain")
    in_conditions = None if compares == "no" else compares
    return {_KEY: RecordField(name, "", sql, in_conditions, about, unit, form, given_as, nullable, exported)}


def stored_json(about: str, *, name: str = "") -> dict[str, RecordField]:
    """The metadata of an attribute that is stored as a JSON object."""
    sql = "TEXT NOT NULL DEFAULT '{}'"
    return stored(sql, about, name=name, compares="no", form="json", nullable=True)


def fact(
    sql: str,
    about: str,
    *,
    unit: str | None = None,
    compares: Compares | None = None,
    given_as: tuple[str, ...] | None = None,
    exported: bool = True,
) -> Any:
    """A field that is None if it is not known.

    It is declared as `width: int | None = fact("INTEGER", "after EXIF orientation", unit="pixels")`. A manifest gives it by its name, or by the keys of `given_as`, in lower case and without underscores; with `()`, manifests cannot give it. It is a column of the CSV export unless `exported` is False.
    """
    declaration = stored(
        sql,
        about,
        unit=unit,
        compares=compares,
        given_as=("",) if given_as is None else given_as,
        exported=exported,
    )
    return field(default=None, metadata=declaration)


def declared(
    record: type[Any], *, facts: Mapping[str, RecordField] | None = None
) -> Mapping[str, RecordField]:
    """The fields that a record declares, by name, in the order of its attributes; `facts` are the fields of its facts."""
    found: dict[str, RecordField] = {}
    for attribute in fields(record):
        declaration: RecordField | None = attribute.metadata.get(_KEY)
        if declaration is not None:
            name = declaration.name or attribute.name
            found[name] = evolve(
                declaration,
                name=name,
                attribute=attribute.name,
                given_as=tuple(key or name.replace("_", "") for key in declaration.given_as),
            )
        elif attribute.name == "facts" and facts is not None:
            found.update(facts)
    return found
