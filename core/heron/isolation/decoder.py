"""A decoder that runs in processes of its own, with the methods of the one that it stands for."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from heron.errors import MediaError, PluginError
from heron.hooks import MediaFile, Part, Series, Values
from heron.isolation.channel import Message
from heron.isolation.files import sent
from heron.isolation.packing import unpack
from heron.isolation.pool import Pool
from heron.isolation.process import Ended

WORKER = "heron.isolation.worker"
"""The module that runs decoders of plugins."""


class Isolated:
    """The methods of every decoder. `who` names it, its plugin and distribution; `given` are its options."""

    def __init__(self, pool: Pool, plugin: str, decoder: str, who: str, given: Mapping[str, Any]) -> None:
        self._pool = pool
        self._serves = (WORKER, plugin)
        self._decoder = decoder
        self._who = who
        self._given = given

    def probe(self, file: MediaFile) -> Any:
        """As `Decoder.probe`."""
        return self._one("probe", file, file.name)

    def picture(self, file: MediaFile, size: int) -> Any:
        """As `Decoder.picture`."""
        return self._one("picture", file, file.name, size)

    def _one(self, verb: str, file: MediaFile | None, about: str, *arguments: Any) -> Any:
        try:
            return unpack(verb, *self._pool.call(self._serves, *self._request(verb, file, arguments), file))
        except Ended as ended:
            self._fail(verb, about, ended)

    def _many(self, verb: str, file: MediaFile, *arguments: Any) -> Iterator[Any]:
        pieces = self._pool.stream(self._serves, *self._request(verb, file, arguments), file)
        try:
            for piece in pieces:
                yield unpack(verb, *piece)
        except Ended as ended:
            self._fail(verb, file.name, ended)
        finally:
            pieces.close()  # type: ignore[attr-defined]

    def _request(
        self, verb: str, file: MediaFile | None, arguments: tuple[Any, ...]
    ) -> tuple[Message, bytes]:
        content = pickle.dumps((sent(file), arguments, self._given), pickle.HIGHEST_PROTOCOL)
        return {"decoder": self._decoder, "verb": verb}, content

    def _fail(self, verb: str, about: str, ended: Ended) -> NoReturn:
        raise MediaError(f"{about}: {self._who} failed in {verb}: {ended}") from ended


class _Frames(Isolated):
    def times(self, file: MediaFile, *, whole: bool = True) -> Any:
        """As `FrameDecoder.times`."""
        return self._one("times", file, file.name, whole)

    def frames(self, file: MediaFile, numbers: Sequence[int], size: int | None = None) -> Iterator[Any]:
        """As `FrameDecoder.frames`."""
        return self._many("frames", file, list(numbers), size)


class _Text(Isolated):
    def text(self, file: MediaFile) -> Iterator[str]:
        """As `TextReader.text`."""
        return self._many("text", file)


class _Pages(Isolated):
    def page_texts(self, file: MediaFile, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        """As `PageReader.page_texts`."""
        return self._many("page_texts", file, list(numbers))


class _Values(Isolated):
    def values(
        self, file: MediaFile, numbers: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Values | None]]:
        """As `ValueDecoder.values`."""
        return self._many("values", file, None if numbers is None else list(numbers))

    def volume(self, file: MediaFile, number: int | None) -> Any:
        """As `ValueDecoder.volume`."""
        return self._one("volume", file, file.name, number)


class _Series(Isolated):
    def part(self, file: MediaFile) -> Part | None:
        """As `SeriesDecoder.part`."""
        found: Part | None = self._one("part", file, file.name)
        return found

    def series(self, parts: Sequence[Part]) -> Series:
        """As `SeriesDecoder.series`."""
        name = f"series {parts[0].series}" if parts else "a series"
        found: Series = self._one("series", None, name, list(parts), name)
        return found


_ABILITIES = {"frames": _Frames, "text": _Text, "pages": _Pages, "values": _Values, "series": _Series}


def isolated(
    pool: Pool, plugin: str, decoder: str, who: str, given: Mapping[str, Any] = MappingProxyType({})
) -> Isolated:
    """The decoder of a plugin with its options, and the methods that it has; raises PluginError if it cannot be loaded."""
    try:
        request = {"decoder": decoder, "verb": "abilities"}
        answer, _ = pool.call((WORKER, plugin), request, pickle.dumps((None, (), dict(given))))
    except Ended as ended:
        raise PluginError(f"{who} cannot be loaded: {ended}") from ended
    bases = [kind for name, kind in _ABILITIES.items() if name in answer["abilities"]]
    made: Isolated = type("IsolatedDecoder", (*bases, Isolated), {})(pool, plugin, decoder, who, dict(given))
    return made
