"""Calls one deriver: with what the item, or the frame, stands on, in this process or in a worker of an executor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import evolve, frozen

from heron.convert import dumps, unstructure
from heron.errors import HeronError, MediaError, PluginError
from heron.executors.shipping import here
from heron.hooks import PluginManager
from heron.hooks.derivers import MetadataDeriver
from heron.hooks.door import guarded
from heron.media.ground import laid
from heron.models import Frame, Item, Json
from heron.pictures.elsewhere import Asked, Drawing, Given
from heron.pictures.files import ItemFiles
from heron.storage.waiting import working_for

METRIC = "metric"
"""The namespace of metrics among the facts."""

Values = Callable[[ItemFiles, Item], dict[str, Json]]
"""Gives the values of an item."""

Made = dict[str, Json] | HeronError
"""The values of a frame, or why it has none."""

ValuesOfFrames = Callable[[ItemFiles, Item, Sequence[Frame]], Iterator[tuple[int, Made]]]
"""Gives the values of frames of an item, by number, in ascending order."""


def given(record: MetadataDeriver, item: Item) -> Item:
    """The item as a deriver gets it: only with what counts for its fingerprint."""
    extra = item.facts.extra
    if record.reads != "facts" and METRIC in extra:
        extra = {name: facts for name, facts in extra.items() if name != METRIC}
    metadata = {key: item.metadata[key] for key in record.uses if key in item.metadata}
    return evolve(
        item,
        facts=evolve(item.facts, extra=extra),
        metadata=metadata,
        tags=(),
        updated_at=item.created_at,
        deleted_at=None,
    )


def given_frame(record: MetadataDeriver, frame: Frame) -> Frame:
    """The same for a frame."""
    return evolve(
        frame,
        metadata={key: frame.metadata[key] for key in record.uses if key in frame.metadata},
        metrics=frame.metrics if record.reads == "facts" else {},
        vectors={},
    )


def fingerprint(record: MetadataDeriver, item: Item) -> str:
    """A hash of all that a deriver may look at of an item that `given` has made, and of its version."""
    seen = unstructure(evolve(item, id=0, folder_id=0, integration_id=None))
    return _hash([record.version, record.reads, _sorted(seen)])


def fingerprint_of_frame(of_item: str, frame: Frame) -> str:
    """A hash of the fingerprint of an item and of all that a deriver may look at of its frame, which `given_frame` has made."""
    return _hash([of_item, _sorted(unstructure(evolve(frame, id=0)))])


def _hash(value: Any) -> str:
    return sha256(dumps(value).encode()).hexdigest()[:32]


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return [[str(key), _sorted(value[key])] for key in sorted(value, key=str)]
    return [_sorted(part) for part in value] if isinstance(value, list | tuple) else value


def deriving(plugins: PluginManager, record: MetadataDeriver) -> Values:
    """The function that gives the values of an item, which `given` has made; what the deriver raises becomes PluginError.

    Raises MediaError, NoPicture and NoText, too. Raises PluginError now if the deriver cannot be loaded.
    """
    derive = plugins.load(record)
    who, names = plugins.named(record), [key.name for key in record.keys]

    def values(files: ItemFiles, item: Item) -> dict[str, Json]:
        content = _content(record, files, item)
        return _asked(who, item.name, names, lambda: derive(item, content))

    return values


def deriving_frames(plugins: PluginManager, record: MetadataDeriver) -> ValuesOfFrames:
    """The same for frames, which `given_frame` has made: what the deriver raises costs its frame alone."""
    derive = plugins.load(record)
    who, names = plugins.named(record), [key.name for key in record.keys]

    def one(item: Item, frame: Frame, content: Any) -> Made:
        try:
            return _asked(who, f"{item.name}#{frame.number}", names, lambda: derive(item, frame, content))
        except PluginError as error:
            return error

    def values(files: ItemFiles, item: Item, frames: Sequence[Frame]) -> Iterator[tuple[int, Made]]:
        if record.reads == "facts":
            for frame in frames:
                yield frame.number, one(item, frame, None)
            return
        by_number = {frame.number: frame for frame in frames}
        for number, picture in files.frames(item, list(by_number), record.picture_size):
            yield number, one(item, by_number.pop(number), laid(picture))
        for number in by_number:
            yield number, MediaError(f"{item.name}: frame {number} cannot be decoded")

    return values


def _asked(who: str, about: str, names: Collection[str], ask: Callable[[], Any]) -> dict[str, Json]:
    with guarded(who, "derive", about, PluginError):
        found = ask()
        if not isinstance(found, Mapping):
            raise TypeError(f"returned {type(found).__name__}, expected a mapping of keys to values")
        if others := [key for key in found if key not in names]:
            raise ValueError(f"gave a value for {others[0]!r:.80}, which is none of its keys")
        return dict(found)


def _content(record: MetadataDeriver, files: ItemFiles, item: Item) -> Any:
    if record.reads == "picture":
        return laid(files.portrait(item, record.picture_size))
    if record.reads == "text":
        return files.text(item)
    return None


@frozen
class Deriver:
    """How a worker makes the function of a deriver of this name and version."""

    deriver: str
    version: str
    size: int = 0
    batch: int = 1
    portrait: bool = True
    shortest: int = 0

    def begin(self, plugins: PluginManager) -> Any:
        """The function; raises PluginError if this worker has not the same deriver."""
        record = plugins.deriver(self.deriver)
        if record.version != self.version:
            raise PluginError(
                f"{here()}: deriver {self.deriver} has the version {record.version}, expected {self.version}",
                hint="workers need the same plugins",
            )
        return deriving_frames(plugins, record) if record.of == "frames" else deriving(plugins, record)


class Deriving(Drawing):
    """The work: calls a deriver with each item, or with frames of each."""

    def __call__(self, units: Sequence[Asked]) -> list[Given]:
        """The values of some items."""
        with self._beginning:
            if self._make is None:
                self.begin()
        with working_for(self._patience):
            return [self._given(unit) for unit in units]

    def _given(self, unit: Asked) -> Given:
        made: list[tuple[int | None, Any]] = []
        try:
            if unit.own:
                made.append((None, self._make(self._files(unit), unit.item)))
            else:
                made.extend(self._make(self._files(unit), unit.item, unit.frames))
            return Given(tuple(made))
        except HeronError as error:
            return Given(tuple(made), error=error)
        except (OSError, MemoryError) as error:
            return Given(tuple(made), error=HeronError(f"{unit.item.name} cannot be read: {error}"))
