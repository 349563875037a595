"""What the things behind the records must be able to do: one small protocol for each sort of plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

from attrs import Factory, field, frozen

from heron.times import moment_or_none

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

    from heron.errors import HeronError
    from heron.models import DatasetRow, Json, MediaFacts


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

    What goes wrong is told apart: NotFound, NoSuchBucket, PermissionDenied, BadCredentials, Unreachable and
    Throttled. Heron tries again, with growing pauses, what was unreachable or throttled; a backend need not.
    """

    def normalise(self, url: str) -> str:
        """Write any accepted form of a URL in its one canonical form; raises InvalidInput."""

    def stat(self, url: str) -> StoredObject:
        """Look one object up."""

    def list(self, prefix: str, after: str | None = None) -> Iterator[StoredObject]:
        """All objects at or below a prefix, in a stable order, as a stream; with `after`, those behind that URL."""

    def peek(self, url: str, count: int) -> tuple[StoredObject, bytes]:
        """An object and its first `count` bytes, or all where there are fewer, in one request where that can be."""

    def read(self, url: str, start: int = 0, end: int | None = None, *, etag: str | None = None) -> bytes:
        """The bytes from `start` up to and without `end` (None: to the end).

        With `etag`, raises ObjectChanged when the object is another by now, as far as the backend can tell.
        """

    def open(self, url: str) -> BinaryIO:
        """A seekable binary file that reads ranges as they are asked for."""

    def sign(self, url: str, expires: int) -> str:
        """A URL that anybody can read for `expires` seconds; raises InvalidInput where that cannot be."""


class BulkStorage(Protocol):
    """What a storage backend may be able to do beside: look at several objects at once, which saves time."""

    def peek_all(self, urls: Sequence[str], count: int) -> Sequence[tuple[StoredObject, bytes] | HeronError]:
        """What `peek` gives for each URL, at the same time; where it would raise, the error stands in its place."""


class MediaFile(Protocol):
    """A file that a decoder is given, wherever it lies."""

    url: str
    name: str
    path: Path | None
    """The place on the local disk, where there is one."""

    media_type: str
    """What sniffing found."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    @property
    def head(self) -> bytes:
        """The first 1,024 bytes, or all where there are fewer."""

    def open(self) -> BinaryIO:
        """A fresh seekable binary file, to be closed by the caller."""


class Decoder(Protocol):
    """A reader of media. It refuses what it cannot read safely by raising MediaError with one sentence."""

    def probe(self, file: MediaFile) -> MediaFacts:
        """The facts of a file from as few bytes as possible, without decoding it whole."""

    def picture(self, file: MediaFile, size: int) -> Image | None:
        """An upright RGB picture that fits into `size` x `size` pixels, or None where there is none."""


@runtime_checkable
class FrameDecoder(Protocol):
    """What a decoder can do beside, where its files have several pictures. Frames are numbered from 0 as they are shown."""

    def times(self, file: MediaFile, *, whole: bool = True) -> Sequence[float] | None:
        """The presentation time of each frame in seconds, ascending from that of the first, which is 0.

        Empty where frames have no time. None where this takes reading the whole file and `whole` is not set.
        """

    def frames(
        self, file: MediaFile, numbers: Sequence[int], size: int | None = None
    ) -> Iterator[tuple[int, Image]]:
        """Frames as upright RGB pictures, in ascending order, with their numbers; memory does not grow with their count.

        With `size` they fit into `size` x `size` pixels, else they are whole. Frames behind a broken place are left
        out; raises MediaError where none can be decoded, and for a number that the file does not have.
        """


@runtime_checkable
class TextReader(Protocol):
    """What a decoder can do beside, where its files hold text."""

    def text(self, file: MediaFile) -> Iterator[str]:
        """The text of a file, in pieces: pages, or blocks of lines."""


@frozen
class Part:
    """One file of a series. `series` is what the files of one series have in common, for instance SeriesInstanceUID.

    `header` is what the decoder needs to know of the file to put the series in order; it is JSON of at most 4 kB or so.
    Facts among it stand by namespace, as in `MediaFacts.extra`, so that personal ones can be left out.
    """

    series: str
    header: Mapping[str, Json]


@frozen
class Series:
    """Files that are one item. `order` says which file stands where, as places in the list that was given.

    `frame_counts` are the pictures in each file, in the order of `order`. A file may be left out of both.
    """

    order: Sequence[int]
    frame_counts: Sequence[int]
    facts: MediaFacts
    name: str | None = None
    warnings: Sequence[str] = Factory(tuple)


@runtime_checkable
class SeriesDecoder(Protocol):
    """What a decoder can do beside, where several files make one item, as the slices of a scan do."""

    def part(self, file: MediaFile) -> Part | None:
        """What a file is in its series; None for one that stands alone and is to be probed. Raises MediaError."""

    def series(self, parts: Sequence[Part]) -> Series:
        """Put the parts of one series in order; raises MediaError for parts that cannot be one."""


class Measure(Protocol):
    """Measures of a picture."""

    def __call__(self, picture: Image, width: int, height: int) -> Mapping[str, float]:
        """The measures by name. `picture` is RGB and may be a smaller copy of one of `width` x `height` pixels."""


class Codec(Protocol):
    """The rules of one metadata type. Refusals are ValueError with a reason such as `expected a number`."""

    def parameters(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """Check and complete the parameters of a key of this type, for instance `{"size": 512}`."""

    def encoder(self, parameters: Mapping[str, Json]) -> Encode:
        """The function that checks one value and returns the form in which it is stored as JSON."""


class Encode(Protocol):
    """Check one value of a key; returns what is stored, raises ValueError with a reason."""

    def __call__(self, value: Any, /) -> Json:
        """Check and encode."""


class Embedder(Protocol):
    """A model with its weights loaded. Vectors are float32 arrays of shape (count, size)."""

    size: int
    """Numbers in a vector, 1 to 4096."""

    revision: str
    """Changes whenever the vectors of equal input would change."""

    def embed_images(self, images: Sequence[Image]) -> numpy.ndarray[Any, Any]:
        """Vectors of RGB pictures; shape (len(images), size), float32."""

    def embed_texts(self, texts: Sequence[str]) -> numpy.ndarray[Any, Any]:
        """Vectors of texts in the same space; raises InvalidInput where the model has no text side."""


class Exporter(Protocol):
    """A writer of datasets."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows as they come and return their number."""


class CommandContext(Protocol):
    """What a command of a plugin gets by `click.pass_obj`: the workspace and the plugins of this call."""

    def workspace(self) -> Any:
        """The `heron.Workspace` to work in, opened when it is first asked for; raises NotFound where there is none."""

    def plugins(self) -> Any:
        """The plugin manager, with a workspace or without."""

    def run(self, arguments: Sequence[str]) -> None:
        """Run another command line, `["items", "--limit", "5"]`, as `heron items --limit 5` with the same plugins.

        It prints what it prints, and raises HeronError and the exceptions of click instead of ending the process.
        """


PROTOCOLS = (
    "Storage", "BulkStorage", "Decoder", "FrameDecoder", "TextReader", "SeriesDecoder", "Measure", "Codec", "Embedder",
    "Exporter", "CommandContext",
)  # fmt: skip
"""The protocols in the order in which the documentation explains them."""
