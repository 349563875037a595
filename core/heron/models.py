"""The records that services take and return: frozen, typed, and free of any input or output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from attrs import Factory, field, frozen

Json = Any
"""A value that JSON can hold."""

Kind = Literal[
    "image", "image_group", "image_sequence", "video", "audio", "dicom", "nifti", "text", "pdf", "other"
]
"""What an item is. `other` is a file that no known format matches."""

KINDS: tuple[str, ...] = (
    "image", "image_group", "image_sequence", "video", "audio", "dicom", "nifti", "text", "pdf", "other",
)  # fmt: skip

MAX_NAME = 300
"""Longest name of an item, folder, collection or dataset, in characters."""

MAX_METADATA = 10 * 1024 * 1024
"""Largest metadata of one item as JSON, in bytes."""


@frozen
class MediaFacts:
    """What is known of a media file without its pixels or samples.

    `width` and `height` are in pixels after EXIF orientation, `fps` in frames per second, `duration` in
    seconds, `sample_rate` in hertz. `captured_at` is UTC. `extra` holds further facts by namespace, for
    instance `{"exif": {"Model": "X100"}}`, and is queried as `exif.Model`. `note` is a sentence for people about
    what is odd with the file, for instance that no plugin is installed that reads it.
    """

    kind: Kind
    media_type: str
    width: int | None = None
    height: int | None = None
    frame_count: int | None = None
    fps: float | None = None
    duration: float | None = None
    codec: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    pages: int | None = None
    captured_at: str | None = None
    extra: Mapping[str, Json] = Factory(dict)
    note: str | None = None


@frozen
class Member:
    """One file of an item that is made of several, such as a picture of a group. `size` in bytes."""

    url: str
    size: int | None = None
    etag: str | None = None
    frame_count: int = 1
    """Pictures in the file: those of the files before it come first when the item's frames are numbered."""


@frozen
class NewFrame:
    """One frame to register: its number from 0, presentation time in seconds, and metadata."""

    number: int
    seconds: float | None = None
    is_key: bool = False
    metadata: Mapping[str, Json] | None = None


@frozen
class NewItem:
    """One data unit to register: where it lies, what is known of it, its metadata, its members in their order, its frames.

    Blocks of key frames in the metadata (`keyframes`, `$heron`, `$encord`) become frames.
    """

    url: str
    facts: MediaFacts
    name: str | None = None
    size: int | None = None
    etag: str | None = None
    modified_at: str | None = None
    content_hash: str | None = None
    metadata: Mapping[str, Json] | None = None
    members: Sequence[Member] = ()
    frames: Sequence[NewFrame] = ()


@frozen
class Item:
    """A data unit of the catalogue. Times are ISO 8601 in UTC, sizes in bytes."""

    id: int
    uuid: str
    folder_id: int
    name: str
    url: str
    facts: MediaFacts
    size: int | None
    etag: str | None
    content_hash: str | None
    metadata: dict[str, Json]
    created_at: str
    updated_at: str
    modified_at: str | None = None
    deleted_at: str | None = None
    integration_id: int | None = None
    tags: tuple[str, ...] = ()
    folder_path: str = ""

    @property
    def kind(self) -> Kind:
        """What the item is: image, video, text and so on."""
        return self.facts.kind


@frozen
class Folder:
    """Where items live. `path` is the names from the root, joined by `/`."""

    id: int
    uuid: str
    name: str
    path: str
    parent_id: int | None
    description: str
    metadata: dict[str, Json]
    created_at: str


@frozen
class FolderContents:
    """What lies in a folder and below it: the things that deleting it would remove."""

    folders: int
    items: int
    dataset_rows: int
    collection_members: int


@frozen
class Frame:
    """One picture of an item with several. `item` is the item's UUID, `number` counts from 0.

    `seconds` is the presentation time. A frame that is no key frame was sampled, or is a member or a slice. `metrics`
    are there once its picture was made. Where an item is asked for, a frame stands for the item that it is of.
    """

    id: int
    item: str
    number: int
    seconds: float | None
    is_key: bool
    metadata: dict[str, Json]
    metrics: dict[str, float] = Factory(dict)


@frozen
class Collection:
    """A titled selection of items; the title is a tag on each of them."""

    id: int
    uuid: str
    title: str
    description: str
    item_count: int
    created_at: str


@frozen
class NameMatches:
    """How a list of names met the catalogue: one item each, several items each, none."""

    matched: dict[str, str]
    ambiguous: dict[str, tuple[str, ...]]
    unmatched: tuple[str, ...]


@frozen
class Dataset:
    """An ordered list of items handed on to training or annotation."""

    id: int
    uuid: str
    title: str
    description: str
    backing_folder_id: int | None
    row_count: int
    created_at: str


@frozen
class DatasetRow:
    """One row of a dataset: its place and the item there."""

    position: int
    item: Item


@frozen
class Added:
    """What adding to a collection or dataset did."""

    added: int
    skipped: int


def _likes(given: Any) -> tuple[Json, ...]:
    """What a query is to be like, in a form that JSON can hold: texts for things and files, numbers for vectors."""
    if given is None:
        return ()
    many = isinstance(given, list | tuple) and not (
        given and all(isinstance(part, int | float) for part in given)
    )
    return tuple(_like(part) for part in (given if many else [given]))


def _path(given: Any) -> Any:
    """A folder as a text: the path of a record, and a UUID."""
    if isinstance(given, Folder):
        return given.path
    return str(given) if isinstance(given, UUID) else given


def _like(given: Any) -> Json:
    if isinstance(given, Frame):
        return f"{given.item}#{given.number}"
    if isinstance(given, Item):
        return given.uuid
    if isinstance(given, DatasetRow):
        return given.item.uuid
    if hasattr(given, "tolist"):
        given = given.tolist()
    return tuple(given) if isinstance(given, list | tuple) else str(given)


@frozen
class Query:
    """One question to the catalogue; all parts are optional and combine with AND.

    `where` is a SQL condition, `words` are words that any text key has to hold, `folder` a folder path (with everything
    below it when `recursive`). `text` is natural language; `like` are items, frames, picture files, `.npy` files or
    vectors to be similar to, as texts such as a UUID, `UUID#NUMBER` or a path; `key` names the embedding by which. With
    either, rows come by their similarity: the `nearest` ones at most, none below `min_score`. `sort` is a comma-separated
    list of names, each with a leading `-` for descending order; it puts the 100 most similar rows, or the `nearest`, in
    another order. `exact` leaves the index aside.
    """

    where: str | None = None
    folder: str | None = field(default=None, converter=_path)
    recursive: bool = True
    sort: str | None = None
    limit: int | None = None
    cursor: str | None = None
    words: str | None = None
    text: str | None = None
    like: tuple[Json, ...] = field(default=(), converter=_likes)
    key: str | None = None
    nearest: int | None = None
    min_score: float | None = None
    exact: bool = False

    @property
    def is_similarity(self) -> bool:
        """Whether rows are to be similar to something."""
        return self.text is not None or bool(self.like)


@frozen
class Match:
    """How well a row fits: the cosine similarity, -1 to 1, and the frame of the item that is meant, if it is one."""

    score: float
    frame: Frame | None = None


@frozen
class Explanation:
    """How a query is answered: its SQL, and where it asks for similarity, by which embedding and in which way.

    `milliseconds` are those of the parts: `embed` for making the vector of the query, `search` for finding the nearest
    rows, conditions included, `fetch` for reading them.
    """

    sql: str
    parameters: tuple[Json, ...]
    key: str | None = None
    way: str | None = None
    reason: str | None = None
    vectors: int | None = None
    candidates: int | None = None
    milliseconds: Mapping[str, float] = Factory(dict)


@frozen
class Preset:
    """A saved query."""

    name: str
    description: str
    query: Query
    created_at: str


T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """One page of a longer answer. `cursor` leads to the next page and is None on the last.

    `matches` say of each row how similar it is, where the query asked for that, and `key` by which embedding.
    """

    rows: Sequence[T] = field(converter=tuple)
    cursor: str | None = None
    matches: Sequence[Match] = ()
    key: str | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@frozen
class Verification:
    """A place where stored metadata and schema disagree."""

    item: str
    key: str
    value: Json
    reason: str


@frozen
class User:
    """Who acts. `role` is `owner` for the first admin of a workspace."""

    email: str
    role: str


def utc_iso(moment: datetime) -> str:
    """Write an aware datetime as fixed-width ISO 8601 in UTC, so that text order is time order.

    The form is `2026-01-31T12:00:00.000000Z` (RFC 3339 with six digits of fraction).
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def now() -> str:
    """The present moment, written by `utc_iso`."""
    return utc_iso(datetime.now(UTC))
