"""The records that a plugin yields: what it adds, what that matches, what it needs, and how to load it.

A record is cheap. It never holds a loaded model, an open client or an imported third-party library; `load`
does that when the thing is first used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from attrs import evolve, field, frozen
from attrs.validators import in_

from heron.hooks.contents import Content, contents
from heron.hooks.interfaces import Codec, Decoder, Exporter, FolderExporter, Measure
from heron.hooks.isolation import Isolation
from heron.hooks.option import Option
from heron.hooks.serving import Site
from heron.models import DERIVED_FIELDS, ITEM_FIELDS, Kind

if TYPE_CHECKING:
    from concurrent.futures import Executor

PREFIXES = ("item", "metadata", "facts", "frame", "metric")
"""What stands in front of a name in conditions to say what is meant, so that it cannot be a namespace of facts."""


def texts(given: Sequence[str]) -> tuple[str, ...]:
    """A tuple of texts; refuses a single text, which would be split into its letters."""
    if isinstance(given, str):
        raise TypeError(f"expected a list of texts, got the text {given!r}")
    return tuple(given)


def _formats(given: Sequence[MediaFormat]) -> tuple[MediaFormat, ...]:
    return tuple(given)


def _options(given: Sequence[Option]) -> tuple[Option, ...]:
    return tuple(given)


@frozen(kw_only=True)
class Contribution:
    """The fields of every record: a name that is unique among records of its sort, a summary, and
    requirements.

    `requires` are names of distributions as pip knows them; `extra` is the extra of Heron that brings them.
    A `planned` one is listed by name and format, but cannot be loaded: it is not built yet.

    `options` are what people can set by `heron plugins configure` or in the environment; `load` gets the values by name as `options=`, where
    there are any. Those of a storage backend are set by an integration too, and those of an action in each run: what is configured counts
    where these say nothing, and is called `NAME.OPTION` there, such as `tape.quality`.
    """

    sort: ClassVar[str]
    set_elsewhere: ClassVar[bool] = False
    """Whether its options are set in another way too, so that `load` does not get them as `options=`."""

    name: str
    summary: str
    requires: Sequence[str] = field(default=(), converter=texts)
    extra: str | None = None
    planned: bool = False
    options: Sequence[Option] = field(default=(), converter=_options)

    def brings(self) -> list[str]:
        """What `heron plugins` says of it."""
        return [f"{self.sort} {self.name}"]

    def settable(self) -> Sequence[Option]:
        """The options that `heron plugins configure` sets, by the names that they have there."""
        if not self.set_elsewhere:
            return self.options
        return [evolve(each, name=f"{self.name}.{each.name}", required=False) for each in self.options]

    def claims(self) -> list[str]:
        """What only one plugin can be used for."""
        return [f"{self.sort} {self.name}"]


@frozen(kw_only=True)
class MediaFormat:
    """One file format and how to recognise it.

    `signature` is a regular expression that is matched at the start of the first 1,024 bytes; of several that
    match, the longest match wins. `suffixes` are lower-case with their dot. A format with `needs_suffix` only
    matches if the file name has one of its suffixes too (for instance gzip of a NIfTI volume). `checked` says how far an
    import checks a file of this machine: its `header`, its header and a `first frame`, that it goes on to its `end`, or `all` of it.
    """

    media_type: str
    kind: Kind
    suffixes: Sequence[str] = field(converter=texts)
    signature: bytes | None = None
    needs_suffix: bool = False
    checked: Literal["header", "first frame", "end", "all"] = field(
        default="header", validator=in_(("header", "first frame", "end", "all"))
    )

    def pattern(self) -> re.Pattern[bytes] | None:
        """The compiled signature."""
        return re.compile(self.signature, re.DOTALL) if self.signature is not None else None


def _meant_otherwise(name: str) -> str | None:
    """What a name means in conditions that is no namespace of facts; None if it can be one."""
    if name in PREFIXES:
        return f"{name}. has another meaning in conditions"
    if name in ITEM_FIELDS or name in DERIVED_FIELDS:
        return "an item has a field of this name"
    return None


def _checked_namespaces(decoder: MediaDecoder, attribute: Any, namespaces: Sequence[str]) -> None:
    for name in namespaces:
        reason = _meant_otherwise(name)
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
            reason = "it starts with a letter and has letters, digits and _"
        if reason:
            raise ValueError(f"decoder {decoder.name}: {name!r} cannot be a namespace of facts: {reason}")


@frozen(kw_only=True)
class MediaDecoder(Contribution):
    """A reader of media formats.

    `load` returns a `Decoder`; if its files have several pictures, text or series, it is also a
    `FrameDecoder`, `TextReader`, `ValueDecoder` or `SeriesDecoder`. `namespaces` are the namespaces of `MediaFacts.extra` that it fills:
    with `namespaces=["las"]`, the fact `points` is queried as `las.points`. Decoders may share a namespace; then both mean
    the same facts. `personal` names personal facts, such as `dicom.PatientName`; an import leaves them out on request.
    An installed one runs in processes with limits of time and memory; `isolation="none"` runs it in Heron's own.
    `gives` says for the documentation what it gives beside facts: `picture`, `frames`, `values`, `text`, `series`.
    """

    sort: ClassVar[str] = "decoder"

    formats: Sequence[MediaFormat] = field(converter=_formats)
    load: Callable[[], Decoder]
    namespaces: Sequence[str] = field(default=(), converter=texts, validator=_checked_namespaces)
    personal: Sequence[str] = field(default=(), converter=texts)
    isolation: Isolation = "process"
    gives: Sequence[str] = field(default=(), converter=texts)

    def brings(self) -> list[str]:
        """The decoder, then the namespaces of its facts."""
        return [*super().brings(), *(f"facts {name}" for name in self.namespaces)]

    def claims(self) -> list[str]:
        """Its name, its formats, and the suffixes by which alone texts are told apart."""
        texts = (format for format in self.formats if format.kind == "text" and format.signature is None)
        return [
            *super().claims(),
            *(f"format {format.media_type}" for format in self.formats),
            *(f"suffix {suffix}" for format in texts for suffix in format.suffixes),
        ]


def _checked_kind(kind: MediaKind, attribute: Any, name: str) -> None:
    reason = _meant_otherwise(name)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        reason = "it starts with a-z and has a-z, 0-9 and _"
    if reason:
        raise ValueError(
            f"{name!r} cannot be the name of a kind, which is a namespace of facts too: {reason}"
        )


@frozen(kw_only=True)
class MediaKind(Contribution):
    """A kind of items, such as `video`: what `kind` is in conditions, and what manifests can give.

    Manifests name it by its `name`, or by one of `arrays`; `heron manifest create` writes the first of these. `media_type`
    is that of an entry for which neither the manifest nor the file name gives a better one. An item of it is one of these
    `files`: `one` file, a `group` of files in the order that is given, or a `series`, which a `SeriesDecoder` sorts. With
    `slices`, its frames are slices, and become rows when it is imported. An item that is not `visual` has no pictures, and is
    not embedded by default, but by embedders of texts if the kind `has_text`; derivers of texts take these kinds too.
    """

    sort: ClassVar[str] = "kind"

    name: str = field(validator=_checked_kind)
    arrays: Sequence[str] = field(default=(), converter=texts)
    media_type: str = "application/octet-stream"
    files: Literal["one", "group", "series"] = field(default="one", validator=in_(("one", "group", "series")))
    slices: bool = False
    visual: bool = True
    has_text: bool = False

    def claims(self) -> list[str]:
        """Its name, and its names in manifests."""
        return [*super().claims(), *(f"array {name}" for name in self.in_manifests())]

    def in_manifests(self) -> list[str]:
        """Its names in manifests, in lower case without underscores, as they are compared."""
        return [name.replace("_", "").lower() for name in (*self.arrays, self.name)]


@frozen(kw_only=True)
class QualityMetrics(Contribution):
    """Metrics of pictures, which are stored with thumbnails and queried as `metric.NAME`; `measures` are the
    names. Installed ones run in processes with limits of time and memory; `isolation="none"` runs them in Heron's own.
    """

    sort: ClassVar[str] = "quality metrics"

    measures: Sequence[str] = field(converter=texts)
    load: Callable[[], Measure]
    isolation: Isolation = "process"


@frozen(kw_only=True)
class MetadataType(Contribution):
    """A type that a metadata key can have.

    `affinity` says how SQL compares and sorts stored values: as text, as a number, as a boolean, or not at all (json).
    Literals in conditions go through the codec, so they are written as values are. Where the order of stored values means
    nothing, `ordered` is False, and `<`, `>`, BETWEEN and sorting are refused. Values compare with others of the same
    `compares`; without it, that is the name of the type where its codec is a `ShownCodec`, and else the affinity.
    `full_text` types are indexed word by word, `indexed` types get a look-up index with their key.
    `scalar` types need no parameters and can be given to `add_scalar`. Values of `vector` types are lists of numbers,
    as many as the parameter `size` says; those of items and frames go to the vector store.
    """

    sort: ClassVar[str] = "metadata type"

    affinity: Literal["text", "number", "boolean", "json"]
    load: Callable[[], Codec]
    aliases: Sequence[str] = field(default=(), converter=texts)
    scalar: bool = True
    full_text: bool = False
    indexed: bool = False
    vector: bool = False
    ordered: bool = True
    compares: str | None = None

    def claims(self) -> list[str]:
        """Its name, and its aliases."""
        return [*super().claims(), *(f"metadata type {name}" for name in self.aliases)]


@frozen(kw_only=True)
class DatasetExporter(Contribution):
    """A format that a dataset can be written in; `suffix` is the usual file ending with its dot, or empty.

    `load` returns an `Exporter`, which writes one file, or with `writes_folder` a `FolderExporter`. `contains` says what it
    writes besides the items: `metadata`, `tags`, further `facts`, the `members` of items of several files, chosen `frames`,
    `vectors` that are asked for, and `files`, as copies. An export says how many members and frames were left out, and
    refuses vectors for a format without them. `kinds` are the kinds of items that it takes, all if there are none, and
    `read_with` is what reads it: both are for people. With `takes_template`, files are named by `ExportFolder.name`; one that
    `resumes` writes all files by the methods of its folder, and goes on with its copies when it was interrupted.
    """

    sort: ClassVar[str] = "exporter"

    suffix: str
    load: Callable[[], Exporter | FolderExporter]
    writes_folder: bool = False
    contains: Sequence[Content] = field(default=(), converter=contents)
    kinds: Sequence[Kind] = field(default=(), converter=texts)
    read_with: str = ""
    takes_template: bool = False
    resumes: bool = False


def _checked_scheme(backend: ExecutorBackend, attribute: Any, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name):
        raise ValueError(
            f"{name!r} cannot be the name of an executor: it starts with a-z and has a-z, 0-9, - and _"
        )


@frozen(kw_only=True)
class ExecutorBackend(Contribution):
    """A way to run work on many cores or machines: `--executor NAME:ADDRESS`, or `NAME://ADDRESS`.

    `load` gets the address, which is empty if there is none, and returns a `concurrent.futures.Executor`, connected and
    ready; it raises InvalidInput for an address that it does not understand and Unreachable if nothing answers there.
    `address` shows the form of an address in messages, such as `HOST:PORT`.

    If the worker of a task has ended, `Future.result` raises `heron.WorkerLost`, and the executor goes on; if the whole
    executor has ended, it raises `concurrent.futures.BrokenExecutor`, or the task is cancelled, and `load` is called again.
    `shutdown(wait=False, cancel_futures=True)` ends at once what runs for this executor, as far as it can. An attribute
    `workers`, if there is one, is the number of tasks that run at the same time.
    """

    sort: ClassVar[str] = "executor"

    name: str = field(validator=_checked_scheme)
    load: Callable[[str], Executor]
    address: str = ""


@frozen(kw_only=True)
class CliCommand(Contribution):
    """A command for the command line; `load` returns the `click.Command`, which gets a `CommandContext` by `click.pass_obj`."""

    sort: ClassVar[str] = "command"

    load: Callable[[], Any]


@frozen(kw_only=True)
class Routes(Contribution):
    """Routes of the server that `heron serve` starts, such as those of an API.

    `load` imports the module with the routes, and returns a function that gets the `Site` and returns them: a list of
    `starlette.routing.BaseRoute`, made once for each application. Paths of two plugins must differ; the server refuses to
    start where one hides another.

    A request reaches them with its user in `request.scope["heron.user"]`: an e-mail address, or None for the owner. Requests
    without a valid token or cookie are answered with 401 before that. Where the routes find out the user by themselves, as by a
    signature, `authenticates` is True: then every request reaches them, and they set `request.scope["heron.user"]` before they
    use `Site.call`. `open` names paths that everybody may read, such as the description of an API.
    """

    sort: ClassVar[str] = "routes"

    load: Callable[[], Callable[[Site], Sequence[Any]]]
    authenticates: bool = False
    open: Sequence[str] = field(default=(), converter=texts)


@frozen(kw_only=True)
class PluginOptions(Contribution):
    """Options of a plugin as a whole, such as one that only hears events: `workspace.plugins.options("my_plugin")` has their values."""

    sort: ClassVar[str] = "options"
