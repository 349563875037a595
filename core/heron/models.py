"""The records that services take and return: frozen, typed, without any input or output."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from attrs import field, fields, frozen

from heron.fields import RecordField, declared, fact, stored, stored_json
from heron.records import Identified, Record, cut, in_middle, line, own_number
from heron.times import moment, moment_or_none
from heron.times import now as now
from heron.times import utc_iso as utc_iso
from heron.uuids import is_uuid_object

Json = Any
"""A value that JSON can represent."""

Kind = str
"""What an item is: the name of a `MediaKind`."""

FrameChoice = Literal["none", "metadata", "key", "marked", "all"]
"""Which frames: none, those with metadata, key frames, those with metadata and key frames (`marked`), or all."""

OTHER: Kind = "other"
"""The kind of a file that no known format matches; manifests cannot give it, and it has no facts of its own."""

MAX_NAME = 300
"""The longest name of an item, folder, collection or dataset, in characters."""

MAX_METADATA = 10 * 1024 * 1024
"""The largest metadata of one item as JSON, in bytes."""


@frozen(repr=False)
class MediaFacts(Record):
    """The facts of a media file, without its pixels or samples.

    `captured_at` is an aware datetime in UTC; it can be given as an aware datetime or as text with an offset. `extra`
    contains further facts by namespace, for instance `{"exif": {"Model": "X100"}}`, which are queried as `exif.Model`.
    `note` is a sentence for people about a problem of the file, for instance that no plugin that reads it is installed.
    An attribute declared by `fact` is a column of the catalogue, a name in conditions and sorts, a column of tables and
    exports, and a fact that manifests can give; no other module has to be changed for it.
    """

    kind: Kind = field(metadata=stored("TEXT NOT NULL", "kind of the item", given_as=(), exported=True))
    media_type: str = field(
        metadata=stored("TEXT NOT NULL", "MIME type", given_as=("mimetype", "mediatype"), exported=True)
    )
    width: int | None = fact("INTEGER", "after EXIF orientation", unit="pixels")
    height: int | None = fact("INTEGER", "after EXIF orientation", unit="pixels")
    frame_count: int | None = fact(
        "INTEGER", "number of pictures", given_as=("framecount", "frames", "numframes")
    )
    fps: float | None = fact("REAL", "frame rate", unit="frames per second")
    duration: float | None = fact("REAL", "how long it plays", unit="seconds")
    codec: str | None = fact("TEXT", "how its frames or samples are compressed, such as `h264`")
    sample_rate: int | None = fact("INTEGER", "samples of sound in each channel", unit="hertz")
    channels: int | None = fact("INTEGER", "channels of sound", given_as=("channels", "numchannels"))
    pages: int | None = fact("INTEGER", "pages of a document", given_as=("pages", "numpages", "pagecount"))
    captured_at: datetime | None = field(
        default=None,
        converter=moment_or_none,
        metadata=stored("TEXT", "when it was taken", compares="datetime", exported=True),
    )
    extra: Mapping[str, Json] = field(
        factory=dict, hash=False, metadata=stored_json("further facts by namespace", name="facts")
    )
    note: str | None = fact("TEXT", "a problem of the file", given_as=(), exported=False)


@frozen(repr=False)
class Member(Record):
    """One file of an item of several files, such as a picture of a group. `size` is in bytes."""

    url: str
    size: int | None = None
    etag: str | None = None
    frame_count: int = 1
    """The number of pictures in the file. Frames of the item are numbered file by file, in the order of the members."""
    path: str | None = field(default=None, eq=False)
    """As `Item.path`: from the workspace, absolute elsewhere; None for a member that is not read from the catalogue."""
    content_hash: str | None = field(default=None, eq=False)
    """The SHA-256 of the file, which only frozen versions of datasets may have."""


@frozen(repr=False)
class NewFrame(Record):
    """One frame to register: its number from 0, presentation time in seconds, and metadata."""

    number: int
    seconds: float | None = None
    is_key: bool = False
    metadata: Mapping[str, Json] | None = field(default=None, hash=False)


@frozen(repr=False)
class NewItem(Record):
    """One item to register: its URL, facts, metadata, ordered members, and frames.

    Blocks of key frames in the metadata (`keyframes`, `$heron`, `$encord`) become frames.
    """

    url: str
    facts: MediaFacts
    name: str | None = None
    size: int | None = None
    etag: str | None = None
    modified_at: datetime | None = field(default=None, converter=moment_or_none)
    content_hash: str | None = None
    metadata: Mapping[str, Json] | None = field(default=None, hash=False)
    members: Sequence[Member] = field(default=(), hash=False)
    frames: Sequence[NewFrame] = field(default=(), hash=False)


@frozen(eq=False, repr=False)
class Item(Identified):
    """An entry of the catalogue. Times are aware datetimes in UTC, sizes are in bytes."""

    id: int
    """its number within this catalogue; the UUID is what to keep"""
    uuid: str = field(metadata=stored("TEXT NOT NULL UNIQUE", "identifies the item", exported=True))
    folder_id: int
    """the number of its folder within this catalogue"""
    name: str = field(metadata=stored("TEXT NOT NULL", "initially the name of the file", exported=True))
    folder_path: str = field(metadata=stored(None, "path of the folder, as `Driving/2026`", name="folder"))
    path: str = field(
        metadata=stored(None, "path of the file from the workspace, absolute elsewhere", exported=True)
    )
    url: str = field(metadata=stored("TEXT NOT NULL", "location of the file", form="url", exported=True))
    size: int | None = field(
        metadata=stored("INTEGER", "of the file", unit="bytes", nullable=True, exported=True)
    )
    facts: MediaFacts
    """what a decoder or a manifest says of the file"""
    etag: str | None = field(metadata=stored("TEXT", "version of the file, as the storage names it"))
    modified_at: datetime | None = field(
        converter=moment_or_none, metadata=stored("TEXT", "when the file was changed", compares="datetime")
    )
    content_hash: str | None = field(metadata=stored("TEXT", "hash of the content of the file"))
    metadata: dict[str, Json] = field(metadata=stored_json("by the keys of the schema"))
    tags: tuple[str, ...] = field(
        metadata=stored(None, "titles of its collections", compares="no", form="lines")
    )
    created_at: datetime = field(
        converter=moment,
        metadata=stored("TEXT NOT NULL", "when it was put into the catalogue", compares="datetime"),
    )
    updated_at: datetime = field(
        converter=moment,
        metadata=stored("TEXT NOT NULL", "when it was last changed in the catalogue", compares="datetime"),
    )
    deleted_at: datetime | None = field(
        converter=moment_or_none,
        metadata=stored("TEXT", "when its file was found missing", compares="no", form="time"),
    )
    integration_id: int | None = None
    """the number of the integration that it is read with, within this catalogue"""
    store: str | None = field(
        default=None,
        metadata=stored(None, "endpoint or account of the file, where its URL does not say it"),
    )

    @property
    def kind(self) -> Kind:
        """What the item is: image, video, text and so on."""
        return self.facts.kind

    def _shown(self) -> Iterator[str]:
        yield line(self.name, 24)
        yield self.kind
        if self.facts.width and self.facts.height:
            yield f"{self.facts.width}x{self.facts.height}"
        if self.folder_path:
            yield f"in {in_middle(self.folder_path, 16)},"
        yield self.uuid

    def _repr_html_(self) -> str:
        from heron.notebooks import item_html

        return item_html(self)


@frozen(eq=False, repr=False)
class Folder(Identified):
    """A folder of the catalogue, which contains items. `path` is the names from the root, joined by `/`."""

    id: int
    uuid: str
    name: str
    path: str
    parent_id: int | None
    description: str
    metadata: dict[str, Json]
    created_at: datetime = field(converter=moment)

    def _shown(self) -> Iterator[str]:
        yield f"{in_middle(self.path, 70)}, {self.uuid}"


@frozen(eq=False, repr=False)
class Frame(Identified):
    """One picture of an item that has several. `item` is the item's UUID, `number` counts from 0.

    `seconds` is the presentation time. A frame that is not a key frame was sampled, or is a member or a slice. `metrics` exist once its picture was
    made. A verb that takes an item also takes a frame, which stands for its item.
    """

    id: int
    item: str
    number: int = field(metadata=stored("INTEGER NOT NULL", "position in the item, from 0"))
    seconds: float | None = field(metadata=stored("REAL", "presentation time", unit="seconds"))
    is_key: bool = field(metadata=stored("INTEGER NOT NULL DEFAULT 0", "a key frame", compares="boolean"))
    metadata: dict[str, Json] = field(metadata=stored_json("by the keys of the schema"))
    metrics: dict[str, float] = field(factory=dict, metadata=stored_json("measured on its picture"))
    vectors: Mapping[str, Any] = field(factory=dict)
    """By embedding key, float32 of shape (size,); only in exports with `--vectors`."""

    def _identity(self) -> Hashable:
        return self.item, self.number

    def _shown(self) -> Iterator[str]:
        yield str(self.number)
        if self.seconds is not None:
            yield f"at {self.seconds:.3f} s"
        yield f"{'key, ' if self.is_key else ''}of {self.item}"


FACT_FIELDS: Mapping[str, RecordField] = declared(MediaFacts)
"""The facts of an item, by name."""

ITEM_FIELDS: Mapping[str, RecordField] = declared(Item, facts=FACT_FIELDS)
"""The fields of items, by name, including facts."""

DERIVED_FIELDS: Mapping[str, RecordField] = {
    "area": RecordField("area", "", None, "number", "width times height", "pixels"),
    "aspect_ratio": RecordField("aspect_ratio", "", None, "number", "width divided by height"),
}
"""What conditions and sorts compute from fields of an item, by name."""

FRAME_FIELDS: Mapping[str, RecordField] = declared(Frame)
"""The fields of frames, by name."""


@frozen(eq=False, repr=False)
class Collection(Identified):
    """A set of items with a title; the title is a tag on each of them. `project` is the title of the one it belongs to, if any."""

    id: int
    uuid: str
    title: str
    description: str
    item_count: int
    created_at: datetime = field(converter=moment)
    project: str | None = None

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.title), 50)} {self.item_count} items, {self.uuid}"


@frozen(eq=False, repr=False)
class Dataset(Identified):
    """An ordered list of items to hand on, for instance to training or annotation."""

    id: int
    uuid: str
    title: str
    description: str
    backing_folder_id: int | None
    row_count: int
    created_at: datetime = field(converter=moment)

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.title), 50)} {self.row_count} rows, {self.uuid}"


@frozen(repr=False)
class DatasetRow(Record):
    """One row of a dataset. Streams are read when they are looped over, each time anew, while the workspace is open."""

    position: int
    """its place in the dataset, from 0"""
    item: Item
    """the item; in the row of a version as it was frozen"""
    members: Iterable[Member] = field(default=(), eq=False)
    """a stream of the files of an item of several files"""
    frames: Iterable[Frame] = field(default=(), eq=False)
    """a stream of the frames that were asked for"""
    since: Literal["", "same", "changed", "deleted"] = ""
    """for the row of a version: what the catalogue says of its item now"""
    vectors: Mapping[str, Any] = field(factory=dict, eq=False)
    """those of the item that were asked for, by embedding key, each float32 of shape (size,)"""

    def _shown(self) -> Iterator[str]:
        yield f"{self.position} {line(self.item.name, 40)}, {self.item.uuid}"


def _likes(given: Any) -> tuple[Json, ...]:
    """What the result of a query must be similar to, as JSON: texts for items, frames and files, numbers for vectors."""
    if given is None:
        return ()
    many = isinstance(given, list | tuple) and not (
        given and all(isinstance(part, int | float) for part in given)
    )
    return tuple(_like(part) for part in (given if many else [given]))


def _path(given: Any) -> Any:
    """A folder as a text: its path if a record is given, or the given path or UUID."""
    if isinstance(given, Folder):
        return given.path
    return str(given) if is_uuid_object(given) else given


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


@frozen(repr=False)
class Query(Record):
    """One question to the catalogue; all parts are optional and combine with AND.

    `where` is a SQL condition, `words` are words that any text key must contain, `folder` is a folder path (with everything below it if `recursive`). `text` is natural
    language; `like` are items, frames, picture files, `.npy` files or vectors to be similar to, as texts such as a UUID, `UUID#NUMBER` or a path; `key` names the embedding
    to compare by. With `text` or `like`, rows are ordered by similarity: at most `nearest` rows, none below `min_score`, and with a text alone none less sure than `min_sure`
    (`Match.sure`). `sort` is a list of names with commas, `-` in front for descending order; with similarity, it sorts the 100 most similar rows, or the `nearest`, or all
    that reach `min_score` and `min_sure`. `exact` compares with every vector instead of using the index.
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
    min_score: float | None = field(default=None, converter=own_number)
    exact: bool = False
    min_sure: float | None = field(default=None, converter=own_number)

    @property
    def is_similarity(self) -> bool:
        """Whether the query has a part about similarity."""
        return self.text is not None or bool(self.like)

    @property
    def has_floor(self) -> bool:
        """Whether rows have to reach a score, or have to be sure."""
        return (self.min_score, self.min_sure) != (None, None)

    def _shown(self) -> Iterator[str]:
        for name, default in _QUERY_DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                yield f"{name}={cut(repr(value), 60)}"


_QUERY_DEFAULTS = {part.name: part.default for part in fields(Query)}


@frozen(repr=False)
class Match(Record):
    """The similarity of a row: the cosine, -1 to 1, and the most similar frame of the item, if a frame was compared.

    `sure`, for a text alone: the share of texts without meaning whose best hit stands out less, 0 to 0.99.
    """

    score: float
    frame: Frame | None = None
    sure: float | None = None


@frozen(eq=False, repr=False)
class Preset(Identified):
    """A saved query."""

    name: str
    description: str
    query: Query
    created_at: datetime = field(converter=moment)

    def _identity(self) -> Hashable:
        return self.name

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 40)} {self.query}"
