"""The record of derivers: functions of an item, or of a frame, that give values for metadata keys of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from attrs import field, frozen
from attrs.validators import in_

from heron.hooks.contributions import Contribution
from heron.models import Frame, Item, Json, Kind

Reads = Literal["facts", "picture", "text"]
"""What a deriver gets besides the item: nothing, its picture, or its text."""


class Derive(Protocol):
    """What a deriver loads. It is called in several threads."""

    def __call__(self, item: Item, content: Any, /) -> Mapping[str, Json]:
        """The values of an item by key; a key that is missing, or None, has no value.

        `content` is None, or an RGB picture (`PIL.Image.Image`), or the text in pieces (`Iterator[str]`), as `reads` says. What it
        raises is the failure of this item.
        """


class DeriveFrame(Protocol):
    """What a deriver of frames loads. It is called in several threads."""

    def __call__(self, item: Item, frame: Frame, content: Any, /) -> Mapping[str, Json]:
        """The values of a frame of an item by key, as for `Derive`; `content` is None, or the RGB picture of the frame.

        What it raises is the failure of this frame.
        """


@frozen
class DerivedKey:
    """A metadata key that a deriver fills: its name, its type, and the type's parameters, as `ws.schema.add` takes them."""

    name: str
    type: str
    parameters: Mapping[str, Any] = field(factory=dict, hash=False)


def _texts(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"expected a list of texts, got the text {given!r}")
    return tuple(given)


def _keys(given: Sequence[DerivedKey]) -> tuple[DerivedKey, ...]:
    return tuple(given)


def _checked_reads(deriver: MetadataDeriver, attribute: Any, reads: Reads) -> None:
    if deriver.of == "frames" and reads == "text":
        raise ValueError(f"deriver {deriver.name}: frames have no text, so it reads facts or picture")


def _checked_keys(deriver: MetadataDeriver, attribute: Any, keys: Sequence[DerivedKey]) -> None:
    names = [key.name for key in keys]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"deriver {deriver.name}: it has one key or more, each once, not {names!r}")


@frozen(kw_only=True)
class MetadataDeriver(Contribution):
    """A function of an item, or of a frame, that gives values for metadata `keys` of its own, such as day or night for each picture.

    `of` says what it applies to: `items`, or the `frames` that the catalogue has of each item (key frames, sampled ones, slices), whose values are
    queried as `frame.KEY`. For frames, `load` returns a `DeriveFrame`, which gets the item and the frame; `reads`, `uses` and `picture_size` then mean those of the frame,
    and of the item's metadata, too, it has only the keys that it `uses`. Frames are derived when `heron derive` runs, or on import if they come with their item.

    The item has its name, URL, folder, kind and facts, and of its metadata only the keys that the deriver `uses`; its other
    fields are empty, so that nothing counts that Heron does not watch. `reads` says what comes with it: nothing for `facts`, the picture
    that stands for the item with a longest side of at most `picture_size` pixels, or the text. Metrics are facts, and only there for `facts`.

    Values are computed again when what the item has there, its file or `version` has changed. `kinds` are the kinds of items that it
    takes: without any, all for `facts`, those with pictures for `picture`, those that have text for `text`. With `on_import`, values are
    computed as items are imported.
    """

    sort: ClassVar[str] = "deriver"

    keys: Sequence[DerivedKey] = field(converter=_keys, validator=_checked_keys)
    of: Literal["items", "frames"] = field(default="items", validator=in_(("items", "frames")))
    reads: Reads = field(default="facts", validator=[in_(("facts", "picture", "text")), _checked_reads])
    version: str
    load: Callable[[], Derive | DeriveFrame]
    uses: Sequence[str] = field(default=(), converter=_texts)
    kinds: Sequence[Kind] = field(default=(), converter=_texts)
    picture_size: int = 512
    on_import: bool = False

    def brings(self) -> list[str]:
        """The deriver with its keys; those of frames as they are queried."""
        before = "frame." if self.of == "frames" else ""
        return [f"{self.sort} {self.name} ({', '.join(before + key.name for key in self.keys)})"]
