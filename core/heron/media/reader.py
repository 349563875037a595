"""Reads a media file: recognises its format, finds its decoder, and calls it with all errors caught."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, frozen

from heron.errors import InvalidInput, MediaError, PluginError, PluginWarning
from heron.hooks import (
    FrameDecoder,
    MediaDecoder,
    MediaFile,
    PageReader,
    Part,
    PluginManager,
    QualityMetrics,
    Series,
    SeriesDecoder,
    TextReader,
    ValueDecoder,
    Values,
)
from heron.hooks.door import guarded
from heron.hooks.loading import LOADING
from heron.hooks.manager import install_hint
from heron.media import answers
from heron.media.ground import laid
from heron.media.personal import without_personal
from heron.media.sniff import Sniffed, Sniffer
from heron.media.undecoded import undecoded
from heron.models import MediaFacts

if TYPE_CHECKING:
    from PIL.Image import Image

    from heron.isolation.pool import Pool

T = TypeVar("T")

_IN_A_ROW = 3
"""The failures in a row after which metrics are not asked any more by this process: each may take a minute."""

THUMBNAIL = 256
"""Longest side of a thumbnail in pixels."""


@frozen
class Examined:
    """The result of examining a file: its facts, warnings, and its decoder if there is one."""

    facts: MediaFacts
    warnings: tuple[str, ...] = ()
    decoder: Decoding | None = None


class UnknownFormat(MediaError):
    """A file of a format that no decoder knows."""


class NoValues(InvalidInput):
    """A picture in another window or plane was asked of a file that has but one look."""


class Decoding:
    """A decoder behind the door: its own exceptions become MediaErrors, and its answers are checked.

    `who` names it and its plugin. One that runs `elsewhere`, in processes of its own, imports nothing here.
    """

    def __init__(self, record: MediaDecoder, decoder: Any, who: str, *, elsewhere: bool = False) -> None:
        self.record = record
        self.has_frames = isinstance(decoder, FrameDecoder)
        """Whether its files have several pictures."""

        self.has_text = isinstance(decoder, TextReader)
        self.has_pages = isinstance(decoder, PageReader)
        self.has_series = isinstance(decoder, SeriesDecoder)
        self.decoder = decoder
        self._who = who
        self._elsewhere = elsewhere
        self._used: set[str] = set()

    @property
    def abilities(self) -> list[str]:
        """Which of `frames`, `text`, `pages`, `values` and `series` it can give."""
        has_values = isinstance(self.decoder, ValueDecoder)
        able = (self.has_frames, self.has_text, self.has_pages, has_values, self.has_series)
        names = ("frames", "text", "pages", "values", "series")
        return [name for name, has in zip(names, able, strict=True) if has]

    def probe(self, file: MediaFile) -> MediaFacts:
        """The facts of a file."""
        with self._guarded("probe", file.name):
            return answers.facts(self.decoder.probe(file))

    def picture(self, file: MediaFile, size: int) -> Image | None:
        """The picture of a file."""
        with self._guarded("picture", file.name):
            return answers.picture(self.decoder.picture(file, size), size)

    def times(self, file: MediaFile, *, whole: bool) -> Sequence[float] | None:
        """The presentation times of a file's frames, like `FrameDecoder.times`; empty for a decoder without frames."""
        if not self.has_frames:
            return ()
        with self._guarded("times", file.name):
            return answers.times(self.decoder.times(file, whole=whole))

    def frames(
        self, file: MediaFile, numbers: Sequence[int], size: int | None
    ) -> Iterator[tuple[int, Image]]:
        """Frames by number, like `FrameDecoder.frames`; for a decoder without frames, the one picture of a
        file.
        """
        if self.has_frames:
            ask = lambda: answers.frames(self.decoder.frames(file, numbers, size), numbers, size)  # noqa: E731
            yield from self._each("frames", file, ask)
            return
        if any(numbers):
            raise MediaError(f"{file.name} has one picture, there is no frame {max(numbers)}")
        picture = self.picture(file, size or 4096) if numbers else None
        if picture is not None:
            yield 0, picture

    def text(self, file: MediaFile) -> Iterator[str]:
        """The text of a file in pieces; raises MediaError for a decoder that reads none."""
        if not self.has_text:
            raise MediaError(f"{file.name} contains no text")
        yield from self._each("text", file, lambda: answers.text(self.decoder.text(file)))

    def page_texts(self, file: MediaFile, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        """The texts of pages, like `PageReader.page_texts`; raises MediaError for a decoder without pages of text."""
        if not self.has_pages:
            raise MediaError(f"{file.name} has no pages with text")
        ask = lambda: answers.page_texts(self.decoder.page_texts(file, numbers), numbers)  # noqa: E731
        yield from self._each("page_texts", file, ask)

    def values(self, file: MediaFile, numbers: Sequence[int] | None) -> Iterator[tuple[int, Values | None]]:
        """The values of frames, like `ValueDecoder.values`; raises NoValues for a decoder that gives none."""
        self._check_values(file)
        yield from self._each(
            "values", file, lambda: answers.values(self.decoder.values(file, numbers), numbers)
        )

    def volume(self, file: MediaFile, number: int | None) -> range:
        """The frames of a volume, like `ValueDecoder.volume`; raises NoValues for a decoder that gives none."""
        self._check_values(file)
        with self._guarded("volume", file.name):
            return answers.volume(self.decoder.volume(file, number))

    def _check_values(self, file: MediaFile) -> None:
        if not isinstance(self.decoder, ValueDecoder):
            raise NoValues(
                f"{file.name} is shown in one way: its decoder {self.record.name} knows no windows and planes",
                hint="leave out window, level and plane",
            )

    def part(self, file: MediaFile) -> Part | None:
        """The file as a part of its series; None if it belongs to none."""
        with self._guarded("part", file.name):
            return answers.part(self.decoder.part(file))

    def series(self, parts: Sequence[Part], name: str) -> Series:
        """The parts of one series in their order; `name` names it in errors."""
        with self._guarded("series", name):
            return answers.series(self.decoder.series(parts), len(parts))

    def _each(self, verb: str, file: MediaFile, ask: Callable[[], Iterator[T]]) -> Iterator[T]:
        """What a generator of the decoder yields. Only its code runs behind the door, not what is done with each piece."""
        found: Iterator[T] | None = None
        while True:
            with self._guarded(verb, file.name):
                found = ask() if found is None else found
                piece = list(islice(found, 1))
            if not piece:
                return
            yield piece[0]

    @contextmanager
    def _guarded(self, verb: str, about: str) -> Iterator[None]:
        """Run code of the decoder. Its first call of each method blocks those in other threads until it has returned.

        Decoders import their libraries at the first call; modules that import each other must not be imported
        by two threads at the same time.
        """
        hint = f"see {install_hint(self.record)}" if self.record.requires else None
        with guarded(self._who, verb, about, MediaError, hint):
            try:
                if self._elsewhere or verb in self._used:
                    yield
                else:
                    with LOADING:
                        yield
            except (InvalidInput, answers.WrongAnswer) as error:
                raise MediaError(f"{about}: {self._who} failed in {verb}: {error}") from error
        self._used.add(verb)


def here(plugins: PluginManager, record: MediaDecoder, **given: Any) -> Decoding:
    """A decoder that runs in this process, perhaps with options that another one has found; raises PluginError if it cannot be loaded."""
    return Decoding(record, plugins.load(record, **given), plugins.named(record))


class MediaReader:
    """Reads files of every format that has a decoder. Each decoder is loaded when it is first needed.

    With `isolates_all`, decoders that run in this process otherwise, Heron's own among them, run in processes of their own too.
    """

    def __init__(self, plugins: PluginManager, *, isolates_all: bool = False) -> None:
        self._plugins = plugins
        self._isolates_all = isolates_all or plugins.isolates_all
        self._sniffer: Sniffer | None = None
        self._decoders: dict[str, Decoding | PluginError] = {}
        self._last: tuple[MediaFile | None, Sniffed | None] = (None, None)
        self._pool: Pool | None = None
        self._roomy: Pool | None = None
        """For Heron's own decoders, which know how much a file may take."""

    def sniff(self, file: MediaFile) -> Sniffed | None:
        """The format of a file; sets the file's media type. The last result is remembered."""
        last, found = self._last
        if last is file:
            return found
        if self._sniffer is None:
            self._sniffer = Sniffer(self._plugins.decoders(), self._plugins.is_own, self._plugins.settle)
        sniffed = self._sniffer.sniff(file.head, file.name)
        if sniffed is not None:
            file.media_type = sniffed.format.media_type
        self._last = file, sniffed
        return sniffed

    def decoding(self, record: MediaDecoder, clash: PluginError | None = None) -> Decoding:
        """The decoder of a record; raises PluginError if it cannot be loaded, and the `clash` of plugins over a format."""
        if clash is not None:
            raise clash
        if record.name not in self._decoders:
            try:
                self._decoders[record.name] = self._made(record)
            except PluginError as error:
                self._decoders[record.name] = error
        decoder = self._decoders[record.name]
        if isinstance(decoder, PluginError):
            raise decoder
        return decoder

    def _made(self, record: MediaDecoder) -> Decoding:
        home = self._plugins.home_of(record)
        if home is None or not (self._isolates_all or self._plugins.isolates(record)):
            return here(self._plugins, record)
        from heron.isolation.decoder import isolated
        from heron.isolation.pool import Pool
        from heron.isolation.process import Limits

        self._plugins.require(record)
        if self._plugins.is_own(record):
            self._roomy = pool = self._roomy or Pool(Limits.of_own())
        else:
            self._pool = pool = self._pool or Pool()
        who = str(self._plugins.named(record))  # its processes have limits of their own
        decoder = isolated(pool, home, record.name, who, self._plugins.options_of(record))
        return Decoding(record, decoder, who, elsewhere=True)

    def named(self, decoder: str) -> Decoding:
        """The decoder of that name; raises PluginError."""
        for record in self._plugins.decoders():
            if record.name == decoder:
                return self.decoding(record)
        raise PluginError(f"no decoder is called {decoder!r}", hint="heron plugins lists what is installed")

    def opened(self, file: MediaFile) -> Decoding:
        """The decoder of a file; raises UnknownFormat, PluginError."""
        sniffed = self.sniff(file)
        if sniffed is None:
            raise UnknownFormat(f"{file.name} is of no known format")
        return self.decoding(sniffed.decoder, sniffed.clash)

    def examine(self, file: MediaFile, *, personal: bool = True) -> Examined:
        """The facts of a file; without `personal`, personal facts are left out. Raises MediaError."""
        sniffed = self.sniff(file)
        slow = self._slow(file)
        if sniffed is None:
            note = undecoded(file.name)
            facts = MediaFacts(kind="other", media_type=file.media_type, note=note)
            return Examined(facts, (*slow, f"{file.name}: {note}"))
        warnings = (*slow, *((_lie(file, sniffed),) if sniffed.claimed else ()))
        try:
            decoder = self.decoding(sniffed.decoder, sniffed.clash)
        except PluginError as error:
            note = f"{error}: {error.hint}" if error.hint else str(error)
            facts = MediaFacts(kind=sniffed.format.kind, media_type=file.media_type, note=note)
            return Examined(facts, (*warnings, f"{file.name}: {note}"))
        facts = decoder.probe(file)
        if facts.note:
            warnings = (*warnings, f"{file.name}: {facts.note}")
        elif sniffed.claimed:
            facts = evolve(facts, note=_lie(file, sniffed))
        if not personal:
            facts = without_personal(facts, decoder.record)
        return Examined(facts, warnings, decoder)

    def _slow(self, file: MediaFile) -> tuple[str, ...]:
        """Warnings of signatures that took too long for this file."""
        assert self._sniffer is not None
        return tuple(
            f"{file.name}: the signature of {format.media_type} takes too long and is not used any more "
            f"({self._plugins.named(decoder)})"
            for format, decoder in self._sniffer.too_slow()
        )


class Measuring:
    """All active quality metrics, each loaded when it is first needed; metrics that cannot be loaded are left
    out.
    """

    def __init__(self, plugins: PluginManager) -> None:
        self._plugins = plugins
        self._loaded: list[tuple[str, Sequence[str], Any]] | None = None
        self._failed: dict[str, int] = {}
        """How often each has failed in a row."""

        self._told: set[str] = set()
        self._pool: Pool | None = None

    def __call__(self, picture: Image, width: int | None, height: int | None) -> dict[str, float]:
        """The metrics of a picture, which may be a smaller copy of one of `width` x `height` pixels.

        Transparent parts are laid on a plain ground.
        """
        picture = laid(picture)
        found: dict[str, float] = {}
        for who, names, measure in self._measures():
            if self._failed.get(who, 0) >= _IN_A_ROW:
                continue
            try:
                with guarded(who, "measure", "a picture", PluginError):
                    given = measure(picture, width or picture.width, height or picture.height)
                    numbers = {name: float(given[name]) for name in names if _is_number(given.get(name))}
            except (PluginError, MemoryError) as error:  # no reason to lose the picture
                self._complain(who, error)
                continue
            self._failed.pop(who, None)
            found.update((name, round(number, 6)) for name, number in numbers.items())
        return found

    def _complain(self, who: str, error: Exception) -> None:
        """Warn of the first failure in a row of some metrics, and of the last one that is waited for."""
        count = self._failed[who] = self._failed.get(who, 0) + 1
        if count == 1 and who not in self._told:
            self._told.add(who)
            warnings.warn(f"{error}; this picture is without these metrics", PluginWarning, stacklevel=3)
        elif count == _IN_A_ROW:
            text = f"{who} has failed for {_IN_A_ROW} pictures in a row, and is not asked any more"
            warnings.warn(text, PluginWarning, stacklevel=3)

    def _measures(self) -> list[tuple[str, Sequence[str], Any]]:
        if self._loaded is None:
            loaded = []
            for record in self._plugins.metrics():
                who = self._plugins.named(record)
                who = str(who) if self._plugins.isolates(record) else who
                try:
                    loaded.append((who, record.measures, self._made(record, who)))
                except PluginError as error:
                    self._complain(who, error)
            self._loaded = loaded  # set when complete, since other threads read it
        return self._loaded

    def _made(self, record: QualityMetrics, who: str) -> Any:
        if not self._plugins.isolates(record):
            return self._plugins.load(record)
        from heron.isolation.pictures import isolated_measure
        from heron.isolation.pool import Pool

        self._plugins.require(record)
        self._pool = self._pool or Pool()
        return isolated_measure(self._pool, self._plugins.plugin_of(record), record.name, who)


def _is_number(value: Any) -> bool:
    try:
        return value is not None and math.isfinite(value)
    except TypeError:
        return False


def _lie(file: MediaFile, sniffed: Sniffed) -> str:
    assert sniffed.claimed is not None
    return (
        f"{file.name} is named like {sniffed.claimed.media_type}, its content is {sniffed.format.media_type}"
    )
