"""The tree of a parsed condition. It knows names and types, and no SQL dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from attrs import frozen

from heron.hooks.contributions import QueryFunction
from heron.models import Json

ValueType = str
"""What a value compares with: `text`, `number`, `boolean`, `datetime`, or the name of a metadata type whose values compare
with each other only; `any` with whatever it is, `loose` with text.
"""

Affinity = Literal["text", "number", "boolean", "json", "any"]
"""What is stored: text, a number, a truth value, `json` that does not compare, or `any` of them."""

AFFINITIES: Mapping[ValueType, Affinity] = {
    "text": "text", "datetime": "text", "loose": "text", "number": "number", "boolean": "boolean", "json": "json",
    "any": "any",
}  # fmt: skip
"""What is stored for values that are of no metadata type."""

Table = Literal["items", "frames"]
"""What a query finds."""

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
"""Where the value of a field is kept."""


@frozen
class Field:
    """Something that an item, or a frame, has: a column, a metadata key, a media fact, a metric, or derived from columns.

    `encode` makes the stored form of a literal, `encode_bound` that of a bound of a range; `decode` makes the shown form of
    what is stored. All are None where there is only one form. Values of a field that is not `ordered` have no order.
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


@frozen
class FieldRef:
    """The value of a field."""

    field: Field


@frozen
class Value:
    """A literal, checked and in stored form."""

    value: Json
    type: ValueType


@frozen
class Arithmetic:
    """A number made of two."""

    operator: Literal["+", "-", "*", "/", "%"]
    left: Expression
    right: Expression


@frozen
class Call:
    """A function of the language, with as many arguments as it takes, each of its type or `any`."""

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
    """Two values side by side."""

    operator: Literal["=", "<>", "<", "<=", ">", ">="]
    left: Expression
    right: Expression


@frozen
class InList:
    """A value among several."""

    left: Expression
    values: tuple[Expression, ...]


@frozen
class Between:
    """A value within two bounds, both included."""

    left: Expression
    low: Expression
    high: Expression


@frozen
class Like:
    """A text that follows a pattern with % and _, whatever the case of ASCII letters."""

    left: Expression
    pattern: str
    escape: str | None


@frozen
class IsNull:
    """A value that is not there."""

    left: Expression


@frozen
class Truth:
    """A boolean that is true."""

    left: Expression


@frozen
class IsTruth:
    """A boolean that is just this; never unknown."""

    left: Expression
    value: bool


@frozen
class Match:
    """A text key that holds the words, or a phrase in double quotes; a word with * at its end is a beginning."""

    field: Field
    words: str


@frozen
class InCollection:
    """A member of a collection, by title or UUID."""

    title: str


@frozen
class InDataset:
    """An item that a dataset has a row of, by title or UUID."""

    title: str


@frozen
class InFolder:
    """An item of a folder, and of those below it if `recursive`."""

    path: str
    recursive: bool = True


@frozen(eq=False)
class Among:
    """One of some rows, given by inner ids: items, or frames. For a plan of frames, items are those that the frames are of."""

    table: Table
    ids: Sequence[int]


@frozen
class Not:
    """The opposite."""

    part: Condition


@frozen
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]


@frozen
class Any:
    """At least one part holds."""

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
    | InFolder
    | Among
    | Not
    | All
    | Any
)
