"""The protocols of what records load: one small protocol for each sort of plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

from attrs import Factory, field, frozen

from heron.times import moment_or_none

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

    from heron.errors import HeronError
    from heron.models import DatasetRow, Item, Json, MediaFacts, Member


@frozen
class StoredObject:
    """One object of a storage backend. `size` in bytes.

    `modified_at` is an aware datetime in UTC, and is given as one or as text with an offset.
    """

    url: str
    size: int
    etag: str | None = None
    modified_at: datetime | None = field(default=None, converter=moment_or_none)


class Storage(Protocol):
    """A storage backend with its credentials, ready to use in several threads. All methods take normalised URLs.

    Failures raise NotFound, NoSuchBucket, PermissionDenied, BadCredentials, Unreachable, NoSuchHost or Throttled. Heron
    retries unreachable and throttled requests, with growing pauses; a backend need not.
    """

    def normalise(self, url: str) -> str:
        """Write any accepted form of a URL in its one canonical form; raises InvalidInput."""

    def stat(self, url: str) -> StoredObject:
        """Look up one object."""

    def list(self, prefix: str, after: str | None = None) -> Iterator[StoredObject]:
        """All objects at or below a prefix, in a stable order, as a stream; with `after`, those behind that URL."""

    def peek(self, url: str, count: int) -> tuple[StoredObject, bytes]:
        """An object and its first `count` bytes, or all if there are fewer, in one request if possible."""

    def read(self, url: str, start: int = 0, end: int | None = None, *, etag: str | None = None) -> bytes:
        """The bytes from `start` to `end` (exclusive; None: to the end).

        With `etag`, raises ObjectChanged if the object has been replaced, as far as the backend can tell.
        """

    def open(self, url: str) -> BinaryIO:
        """A seekable binary file that reads ranges on demand."""

    def sign(self, url: str, expires: int) -> str:
        """A URL that anybody can read for `expires` seconds; raises InvalidInput if that is not possible."""


class BulkStorage(Protocol):
    """Optional for a storage backend: reading the beginnings of several objects at once, which saves time."""

    def peek_all(self, urls: Sequence[str], count: int) -> Sequence[tuple[StoredObject, bytes] | HeronError]:
        """The result of `peek` for each URL, read concurrently; an error takes the place of a result."""


@runtime_checkable
class WritableStorage(Protocol):
    """Optional for a storage backend: writing and deleting objects, for what Heron pushes. It never writes to files of a lake."""

    def write(self, url: str, content: bytes) -> None:
        """Write an object, in place of one that is there. A reader sees all of the old content or all of the new."""

    def delete(self, url: str) -> None:
        """Delete an object; nothing happens if it is not there."""


class MediaFile(Protocol):
    """A file as a decoder gets it, local or stored."""

    url: str
    name: str
    path: Path | None
    """The local path, if there is one."""

    media_type: str
    """The media type that sniffing found."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    @property
    def head(self) -> bytes:
        """The first 1,024 bytes, or all if there are fewer."""

    def open(self) -> BinaryIO:
        """A new seekable binary file, to be closed by the caller."""


class Decoder(Protocol):
    """A reader of media. It refuses what it cannot read safely by raising MediaError with one sentence."""

    def probe(self, file: MediaFile) -> MediaFacts:
        """The facts of a file from as few bytes as possible, without decoding it whole."""

    def picture(self, file: MediaFile, size: int) -> Image | None:
        """An upright picture that fits into `size` x `size` pixels, or None if there is none; RGB, or RGBA for transparency."""


@runtime_checkable
class FrameDecoder(Protocol):
    """Optional for a decoder whose files have several pictures. Frames are numbered from 0 as they are shown."""

    def times(self, file: MediaFile, *, whole: bool = True) -> Sequence[float] | None:
        """The presentation time of each frame in seconds, ascending from that of the first, which is 0.

        Times that do not ascend are refused. Empty if frames have no time. None if this needs reading the whole file and `whole` is not set.
        """

    def frames(
        self, file: MediaFile, numbers: Sequence[int], size: int | None = None
    ) -> Iterator[tuple[int, Image]]:
        """Frames as upright pictures like `picture`, in ascending order, with their numbers; memory does not grow with their count.

        With `size` they fit into `size` x `size` pixels, else they keep their size. Frames behind a damaged
        part are left out; raises MediaError if none can be decoded, and for a number that the file does not
        have.
        """


@runtime_checkable
class TextReader(Protocol):
    """Optional for a decoder whose files contain text."""

    def text(self, file: MediaFile) -> Iterator[str]:
        """The text of a file, in pieces that follow each other: one after the other they are the text. A page ends with a line break."""


@runtime_checkable
class PageReader(Protocol):
    """Optional for a `FrameDecoder` and `TextReader` whose frames are pages: so single pages are embedded, and found, by what they say."""

    def page_texts(self, file: MediaFile, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        """The texts of pages by number, in ascending order, empty ones too. Broken pages are left out."""


@frozen
class Part:
    """One file of a series. `series` is an identifier that the files of one series share, for instance
    SeriesInstanceUID. `header` is what the decoder needs to sort the series; it is JSON of at most about 4
    kB. Facts in it are grouped by namespace, as in `MediaFacts.extra`, so that personal ones can be left out.
    """

    series: str
    header: Mapping[str, Json]


@frozen
class Series:
    """Files that are one item. `order` lists the positions of the files in the given list, in their order.

    `frame_counts` are the pictures in each file, in the order of `order`. A file may be left out of both.
    """

    order: Sequence[int]
    frame_counts: Sequence[int]
    facts: MediaFacts
    name: str | None = None
    warnings: Sequence[str] = Factory(tuple)


@runtime_checkable
class SeriesDecoder(Protocol):
    """Optional for a decoder for which several files make one item, such as the slices of a scan."""

    def part(self, file: MediaFile) -> Part | None:
        """The file as a part of its series; None if it belongs to none and is to be probed. Raises
        MediaError.
        """

    def series(self, parts: Sequence[Part]) -> Series:
        """Sort the parts of one series; raises MediaError for parts that do not fit together."""


class Measure(Protocol):
    """Computes metrics of a picture."""

    def __call__(self, picture: Image, width: int, height: int) -> Mapping[str, float]:
        """The metrics by name. `picture` is RGB and may be a smaller copy of one of `width` x `height`
        pixels.
        """


class Codec(Protocol):
    """The rules of one metadata type. Refusals are ValueError with a reason such as `expected a number`."""

    def parameters(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """Check and complete the parameters of a key of this type, for instance `{"size": 512}`."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """The function that checks one value and returns the form in which it is stored as JSON."""


@runtime_checkable
class ShownCodec(Protocol):
    """Optional for a codec whose stored form differs from the form that people read and write."""

    def decoder(self, parameters: Mapping[str, Json]) -> Decode:
        """The function that makes the shown form of a stored value: JSON, from which the encoder makes the same stored value."""


@runtime_checkable
class RangeCodec(Protocol):
    """Optional for a codec where the bound of a range need not be a value of the key, such as any text for an enum."""

    def bound_encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """The function that encodes a literal after `<`, `<=`, `>`, `>=` and BETWEEN; without it, `encoder` does."""


class Encode(Protocol):
    """Check one value of a key; returns what is stored, raises ValueError with a reason."""

    def __call__(self, value: Any, /) -> Json:
        """Check and encode."""


class Decode(Protocol):
    """Make the shown form of one stored value of a key."""

    def __call__(self, stored: Json, /) -> Json:
        """Decode."""


class Embedder(Protocol):
    """A model with its weights loaded. Vectors are float32 arrays of shape (count, size)."""

    size: int
    """Numbers in a vector, 1 to 4096."""

    revision: str
    """Changes whenever the vectors of equal input would change."""

    def embed_images(self, images: Sequence[Image]) -> numpy.ndarray[Any, Any]:
        """Vectors of RGB pictures; shape (len(images), size), float32."""

    def embed_texts(self, texts: Sequence[str]) -> numpy.ndarray[Any, Any]:
        """Vectors of texts in the same space; raises InvalidInput if the model takes no texts."""


class TextEmbedder(Protocol):
    """An embedder of texts alone, whose record says `embeds=["text"]`; its parts are those of `Embedder`."""

    size: int
    revision: str

    def embed_texts(self, texts: Sequence[str]) -> numpy.ndarray[Any, Any]:
        """Vectors of texts of any length, passages of items and queries; shape (len(texts), size), float32."""


@runtime_checkable
class BoundedEmbedder(Protocol):
    """Optional for an embedder that knows only some sort of pictures and words, beside `knows` of its record."""

    def outside(self, vectors: numpy.ndarray[Any, Any]) -> Sequence[bool]:
        """For vectors of pictures, of shape (n, size), whether each is of a picture that the model cannot know."""

    def unknown(self, text: str) -> Sequence[str]:
        """The words of a text that the model does not know."""


@runtime_checkable
class LimitedEmbedder(Protocol):
    """Optional for an embedder of texts that counts in tokens: so no text is cut short by its model without a word."""

    def fits(self, texts: Sequence[str]) -> Sequence[bool]:
        """For each text, whether the model reads it to its end."""


@runtime_checkable
class TurningEmbedder(Protocol):
    """Optional for an embedder whose vectors tell those of the turned and mirrored picture, so that such copies are found."""

    def turned(
        self, vectors: numpy.ndarray[Any, Any], quarters: int, *, mirrored: bool
    ) -> numpy.ndarray[Any, Any]:
        """For vectors of pictures, of shape (n, size) and any length, those of the same pictures after they were mirrored, left
        to right, if `mirrored`, and then turned by `quarters` (0 to 3) quarters of a circle, counterclockwise; float32, same shape.
        """


class Exporter(Protocol):
    """A writer of datasets.

    A row has `position`, `item`, `members` (the files of a group, sequence or series, in order) and `frames` (those that
    the user asked for, by number). Rows, members and frames are streams: an item may have 100,000 files and a million
    frames, so write them as they come. `members` and `frames` can be read again until the next row is taken.
    """

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows as a stream and return their number."""


class ExportFolder(Protocol):
    """A new, empty folder into which an exporter writes; it gets its name once the exporter has returned."""

    path: Path
    """Where it is meanwhile, for libraries that write files themselves."""

    def name(self, row: DatasetRow, member: Member | None = None, *, below: str | None = None) -> str:
        """A path for the file of an item, or of one of its members, that no other file of the export has.

        It is made by the user's template, or else is the folder and the name of the item, and `below` a folder, the name alone. It
        fits every file system, also those that do not tell case or forms of Unicode apart; a second file of one name gets a number.
        """

    def create(self, name: str) -> IO[bytes]:
        """A new file of this name to write, to be closed by the caller; `/` in the name leads into folders, which are made.

        Raises InvalidInput for a name that is not below the folder, and for one that exists. So names of
        items, which may be anything, are safe.
        """

    def copy(self, item: Item, name: str, member: Member | None = None) -> bool:
        """Copy the file of an item, or of one of its members, from wherever it is stored; `name` as for `create`.

        Returns False if the file cannot be read. The export goes on then, and the user is told which files are missing.
        """

    def copy_all(self, wanted: Sequence[tuple[Item, str]]) -> Sequence[bool]:
        """The same for the files of several items, each with its name; small local files are copied at the same time."""

    def remove(self, name: str) -> None:
        """Remove a file that was copied or linked, as for an item of which another file cannot be read."""

    def link(self, item: Item, name: str, member: Member | None = None) -> bool:
        """Make a symbolic link to a local file, in place of a copy; False, as for `copy`, for objects of a storage."""

    def open(self, item: Item, member: Member | None = None) -> AbstractContextManager[tuple[IO[bytes], int]]:
        """The file of an item, or of a member, to read in a `with` statement, and its size in bytes.

        Raises HeronError if it cannot be read; give that to `failed` and go on.
        """

    def failed(self, item: Item, error: HeronError, member: Member | None = None) -> None:
        """Tell the user that a file could not be read and is not in the export."""


class FolderExporter(Protocol):
    """A writer of datasets that are a folder of files. It stands in place of an `Exporter`."""

    def write_folder(self, rows: Iterator[DatasetRow], folder: ExportFolder) -> int:
        """Write the rows as a stream into a folder and return their number."""


class CommandContext(Protocol):
    """The object that a plugin's command gets by `click.pass_obj`: the workspace and the plugins of this
    call.
    """

    def workspace(self) -> Any:
        """The `heron.Workspace` to work in, opened at the first call; raises NotFound if there is none."""

    def plugins(self) -> Any:
        """The plugin manager, with a workspace or without."""

    def run(self, arguments: Sequence[str]) -> None:
        """Run another command line, `["items", "--limit", "5"]`, as `heron items --limit 5` with the same plugins.

        It prints what it prints, and raises HeronError and the exceptions of click instead of ending the process.
        """


PROTOCOLS = (
    "Storage", "BulkStorage", "WritableStorage", "Decoder", "FrameDecoder", "TextReader", "PageReader", "SeriesDecoder", "Measure", "Codec", "ShownCodec",
    "RangeCodec", "Embedder", "TextEmbedder", "BoundedEmbedder", "LimitedEmbedder", "TurningEmbedder",
    "Exporter", "FolderExporter", "ExportFolder", "CommandContext",
)  # fmt: skip
"""The protocols in the order in which the documentation explains them."""
