"""The tree of a parsed condition. It knows names and types, and no SQL dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from attrs import fields, frozen, has

from heron.hooks.query_functions import QueryFunction
from heron.metadata.forms import Form
from heron.models import Json

ValueType = str
"""With which type a value can be compared: `text`, `number`, `boolean`, `datetime`, or the name of a metadata type whose
values are comparable only with each other. `any` can be compared with every type, `loose` with text.
"""

Affinity = Literal["text", "number", "boolean", "json", "any"]
"""How a value is stored: as text, number, boolean, `json`, which cannot be compared, or `any` of them."""

AFFINITIES: Mapping[ValueType, Affinity] = {
    "text": "text", "datetime": "text", "loose": "text", "number": "number", "boolean": "boolean", "json": "json",
    "any": "any",
}  # fmt: skip
"""How values are stored that are not of a metadata type."""

Table = Literal["items", "frames"]
"""What a query searches for."""

Home = Literal[
    "column",
    "metadata",
    "vector",
    "fact",
    "derived",
    "frame",
    "frame metadata",
    "frame vector",
    "frame metric",
]
"""Where the value of a field is stored."""


@frozen
class Field:
    """A field of items or frames: a column, a metadata key, a media fact, a metric, or a value computed from columns.

    `encode` makes the stored form of a literal, `encode_bound` the stored form of a bound of a range; `decode` makes the
    shown form of a stored value. All are None if there is only one form. Values of a field that is not `ordered` have
    no order. A stored value that does not have this `form` counts as missing; None if all are sure to have it.
    """

    name: str
    home: Home
    path: tuple[str, ...]
    type: ValueType
    type_name: str
    affinity: Affinity
    encode: Callable[[Json], Json] | None = None
    encode_bound: Callable[[Json], Json] | None = None
    decode: Callable[[Json], Json] | None = None
    ordered: bool = True
    full_text: bool = False
    form: Form | None = None


Where = tuple[Home, tuple[str, ...]]
"""What identifies a field: a metadata key and a field of items can have one name."""


def where(field: Field) -> Where:
    """Where the values of a field are stored."""
    return field.home, field.path


@frozen
class FieldRef:
    """The value of a field."""

    field: Field


@frozen
class Value:
    """A literal, validated and in stored form."""

    value: Json
    type: ValueType


@frozen
class Arithmetic:
    """A number computed from two numbers."""

    operator: Literal["+", "-", "*", "/", "%"]
    left: Expression
    right: Expression


@frozen
class Call:
    """A call of a function of the language; each argument has the declared type or `any`."""

    function: QueryFunction
    arguments: tuple[Expression, ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.function.name

    @property
    def type(self) -> ValueType:
        """What its value compares with."""
        return self.function.result


Expression = FieldRef | Value | Arithmetic | Call


@frozen
class Comparison:
    """A comparison of two values."""

    operator: Literal["=", "<>", "<", "<=", ">", ">="]
    left: Expression
    right: Expression


@frozen
class InList:
    """A value that is equal to one of several."""

    left: Expression
    values: tuple[Expression, ...]


@frozen
class Between:
    """A value between two bounds, both included."""

    left: Expression
    low: Expression
    high: Expression


@frozen
class Like:
    """A text that matches a pattern with % and _; the case of ASCII letters is ignored."""

    left: Expression
    pattern: str
    escape: str | None


@frozen
class IsNull:
    """A value that is missing."""

    left: Expression


@frozen
class Truth:
    """A boolean that is true."""

    left: Expression


@frozen
class IsTruth:
    """A boolean that has the wanted value; never unknown."""

    left: Expression
    value: bool


@frozen
class Match:
    """A text key that contains the words, or a phrase in double quotes; a word with * at its end is a prefix."""

    field: Field
    words: str


@frozen
class InCollection:
    """A member of a collection, by title or UUID."""

    title: str


@frozen
class InDataset:
    """An item that is a row of a dataset, by title or UUID."""

    title: str


@frozen
class InProject:
    """An item of one of the datasets of a project, by title or UUID."""

    title: str


@frozen
class HasFile:
    """An item whose file, or one of whose members, has this name, or a path that ends with it; % stands for anything."""

    name: str


@frozen
class InFolder:
    """An item of a folder, or if `recursive` of a folder below it."""

    path: str
    recursive: bool = True


@frozen(eq=False)
class Among:
    """One of some rows, given by inner ids of items or frames. In a plan of frames, items mean the items of the frames."""

    table: Table
    ids: Sequence[int]


@frozen
class Not:
    """A negation."""

    part: Condition


@frozen
class All:
    """Every part is true."""

    parts: tuple[Condition, ...]


@frozen
class Any:
    """At least one part is true."""

    parts: tuple[Condition, ...]


Condition = (
    Comparison
    | InList
    | Between
    | Like
    | IsNull
    | Truth
    | IsTruth
    | Match
    | InCollection
    | InDataset
    | InProject
    | HasFile
    | InFolder
    | Among
    | Not
    | All
    | Any
)


def fields_in(node: object) -> Iterator[Field]:
    """The fields that a condition or an expression names, in its order; some of them several times."""
    if isinstance(node, Field):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from fields_in(part)
    elif has(kind := type(node)) and not isinstance(node, QueryFunction | Among):
        for attribute in fields(kind):
            yield from fields_in(getattr(node, attribute.name))
