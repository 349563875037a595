"""Metrics and embedders of installed plugins as those see them who call them: each works in processes of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from heron.errors import InvalidInput, MediaError, PluginError
from heron.isolation.channel import Message
from heron.isolation.pool import Pool
from heron.isolation.process import Ended, Limits

if TYPE_CHECKING:
    from PIL.Image import Image

WORKER = "heron.isolation.picture_worker"
"""The module that runs metrics and embedders of plugins."""

UNLIMITED = -1
"""No limit of address space: models map gigabytes, and drivers of graphics cards reserve more."""

_SECONDS = 600


class Silent(PluginError):
    """A call that had no answer in the time that it may take: trying it again takes as long."""


def limits_of_embedders() -> Limits:
    """HERON_EMBEDDER_SECONDS without an answer (600), and no limit of memory and of processor time, which many cores use up fast.

    Raises InvalidInput.
    """
    given = os.environ.get("HERON_EMBEDDER_SECONDS", str(_SECONDS))
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= 10**7):
        raise InvalidInput(f"HERON_EMBEDDER_SECONDS is {given!r}, a whole number from 1 is needed")
    return Limits(0, int(given), UNLIMITED)


class _Part:
    """A part of a plugin in processes of its own. `who` names it, its plugin and distribution."""

    def __init__(
        self, pool: Pool, sort: str, plugin: str, name: str, who: str, given: Sequence[str | None] = ()
    ) -> None:
        self._pool = pool
        self._serves = (WORKER, plugin)
        self._of: Message = {"sort": sort, "name": name, "given": list(given)}
        self._who = who

    def _ask(self, verb: str, content: bytes = b"", **more: Any) -> tuple[Message, bytes]:
        try:
            return self._pool.call(self._serves, {**self._of, **more, "verb": verb}, content)
        except Ended as ended:
            sort = Silent if ended.took_too_long else PluginError
            raise sort(f"{self._who} failed in {verb}: {ended}") from ended
        except MediaError as error:  # every refusal of a process has this sort
            raise InvalidInput(error.message, hint=error.hint) from error


class IsolatedMeasure(_Part):
    """Metrics in processes of their own."""

    def __call__(self, picture: Image, width: int, height: int) -> Mapping[str, Any]:
        """As `Measure`; raises PluginError."""
        found, _ = self._ask(
            "measure", picture.tobytes(), mode=picture.mode, sizes=[picture.size], of=[width, height]
        )
        return dict(found["numbers"])


class IsolatedEmbedder(_Part):
    """An embedder in processes of its own."""

    def begin(self) -> None:
        """Load it; raises PluginError."""
        found, _ = self._ask("begin")
        self.size = found["size"]
        self.revision = found["revision"]
        self.shortest_side = found.get("shortest_side", 0)
        self.source, self.scores = found.get("source", ""), found.get("scores", "")
        if "model" in found:
            self.model = found["model"]

    def embed_images(self, images: Sequence[Image]) -> Any:
        """As `Embedder.embed_images`; raises PluginError."""
        content = b"".join(image.tobytes() for image in images)
        return _array(*self._ask("embed_images", content, mode="RGB", sizes=[image.size for image in images]))

    def embed_texts(self, texts: Sequence[str]) -> Any:
        """As `Embedder.embed_texts`; raises PluginError, InvalidInput."""
        return _array(*self._ask("embed_texts", texts=list(texts)))


class _Bounded:
    _ask: Callable[..., tuple[Message, bytes]]

    def outside(self, vectors: Any) -> Sequence[bool]:
        """As `BoundedEmbedder.outside`; raises PluginError."""
        import numpy

        given = numpy.ascontiguousarray(vectors, "float32")
        found, _ = self._ask("outside", given.tobytes(), shape=given.shape)
        return list(found["list"])

    def unknown(self, text: str) -> Sequence[str]:
        """As `BoundedEmbedder.unknown`; raises PluginError."""
        found, _ = self._ask("unknown", texts=[text])
        return list(found["list"])


class _Limited:
    _ask: Callable[..., tuple[Message, bytes]]

    def fits(self, texts: Sequence[str]) -> Sequence[bool]:
        """As `LimitedEmbedder.fits`; raises PluginError."""
        found, _ = self._ask("fits", texts=list(texts))
        return list(found["list"])


class _Turning:
    _ask: Callable[..., tuple[Message, bytes]]

    def turned(self, vectors: Any, quarters: int, *, mirrored: bool) -> Any:
        """As `TurningEmbedder.turned`; raises PluginError."""
        import numpy

        given = numpy.ascontiguousarray(vectors, "float32")
        return _array(
            *self._ask("turned", given.tobytes(), shape=given.shape, quarters=quarters, mirrored=mirrored)
        )


_ABILITIES: Mapping[str, type] = {"is_bounded": _Bounded, "is_limited": _Limited, "turns": _Turning}
"""The parts of an embedder that not every one has."""


def isolated_embedder(plugin: str, name: str, who: str, given: Iterable[str | None]) -> IsolatedEmbedder:
    """The embedder of a plugin, loaded, with the methods that it has; raises PluginError if it cannot be loaded."""
    told = "embedder", plugin, name, who, tuple(given)
    made = IsolatedEmbedder(pool := Pool(limits_of_embedders()), *told)
    found, _ = made._ask("abilities")
    if parts := tuple(part for ability, part in _ABILITIES.items() if found[ability]):
        made = type("Able", (IsolatedEmbedder, *parts), {})(pool, *told)
    made.begin()
    return made


def isolated_measure(pool: Pool, plugin: str, name: str, who: str) -> Callable[..., Mapping[str, Any]]:
    """The metrics of a plugin; they are loaded with the first picture."""
    return IsolatedMeasure(pool, "metrics", plugin, name, who)


def _array(message: Message, content: bytes) -> Any:
    import numpy

    kind = numpy.dtype(str(message["type"]))
    if kind.kind not in "fiu":
        raise PluginError("its process sent what is no array")
    return numpy.frombuffer(content, kind).reshape(message["shape"]).copy()
