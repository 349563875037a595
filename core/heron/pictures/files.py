"""The files of an item, and which file a frame number belongs to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from heron.catalog.spelling import absolute_path
from heron.errors import InvalidInput, MediaError
from heron.hooks import Values
from heron.jobs import Integration
from heron.media.kinds import CONTAINERS, Kinds
from heron.media.montage import MOST, montage
from heron.media.reader import Decoding, MediaReader
from heron.media.sizing import Sight
from heron.metadata.keys import ARCHIVE_MARK
from heron.models import OTHER, Item, Kind, Member
from heron.storage.opening import OpenedFile, media_file
from heron.storage.retries import PatientStorage

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")

GROUPS = ("image_group", "image_sequence")

SIZE = 1024
"""Default longest side of a picture in pixels."""


LARGEST = 16_384
"""The largest size of a picture that can be asked for, in pixels."""


def checked_size(size: int | None) -> int | None:
    """The size of a picture; raises InvalidInput for one that no picture can have."""
    if size is not None and not 1 <= size <= LARGEST:
        raise InvalidInput(f"a picture of {size:,} pixels cannot be made", hint=f"give 1 to {LARGEST:,}")
    return size


class NoPicture(MediaError):
    """An item of a format that has no pictures, such as a sound without a cover."""


class NoText(MediaError):
    """An item of a format that has no text, or a document without any."""


class KnowsMembers(Protocol):
    """What tells the members of an item, as the catalogue does."""

    def members(self, item: Item, /) -> Sequence[Member]:
        """The files of an item of several."""


class OpensFiles(Protocol):
    """What opens files, as the storages of a workspace do."""

    def of(self, item: Item, /) -> Integration | None:
        """The integration that reads an item."""

    def open(self, url: str, integration: Integration | None = None, /) -> PatientStorage:
        """The storage of a URL."""


class ItemFiles:
    """Reads the files of items, each with the integration of its item."""

    def __init__(
        self, items: KnowsMembers, storage: OpensFiles, reader: Callable[[], MediaReader], kinds: Kinds
    ) -> None:
        self._items = items
        self._storage = storage
        self._reader = reader
        self._kinds = kinds

    def opened(self, item: Item, url: str | None = None) -> tuple[OpenedFile, Decoding]:
        """The file of an item, or of its member with this URL, with its decoder; raises MediaError, also for
        a file whose content has become one of another kind, PluginError, NotFound.
        """
        integration = self._storage.of(item)
        file = media_file(url or item.url, lambda place: self._storage.open(place, integration))
        decoder = self._reader().opened(file)
        expected = self._expected(item, is_member=url is not None)
        able = expected | CONTAINERS if expected & CONTAINERS else expected
        if expected and able.isdisjoint(format.kind for format in decoder.record.formats):
            raise MediaError(
                f"{file.name} is no longer of kind {' or '.join(sorted(expected))}: "
                f"its content is {file.media_type}",
                hint="import or sync it again",
            )
        return file, decoder

    def _expected(self, item: Item, *, is_member: bool) -> set[Kind]:
        """The kinds that a file of an item can have; empty if nothing declares them, and for the files of a series.

        The members of a group are of the kinds of one file with the media type that the group declares, if that
        is a whole family such as `image/*`.
        """
        kind = self._kinds.get(item.kind) if item.kind != OTHER else None
        if kind is not None and kind.files == "group":
            if not kind.media_type.endswith("/*"):
                return set()
            return {
                one.name
                for one in self._kinds.all()
                if one.files == "one" and one.media_type == kind.media_type
            }
        return set() if is_member or item.kind == OTHER else {item.kind}

    def picture(self, item: Item, size: int) -> Image | None:
        """The picture of an item: its image, the middle slice of a volume, the first members of a group."""
        members = self._items.members(item)
        if not members:
            file, decoder = self.opened(item)
            return decoder.picture(file, size)
        if item.kind in GROUPS:
            shown = [self._member_picture(item, member, size) for member in members[:MOST]]
            return montage([picture for picture in shown if picture is not None], size)
        if not sum(member.frame_count for member in members):
            return None  # a report or a plan: a series of files without pixels
        return next((picture for _, picture in self.frames(item, [_middle_of(members)], size)), None)

    def shown(self, item: Item, frame: int | None, size: int | None) -> Image:
        """The picture of an item or of one of its frames, as the decoder gives it; raises NoPicture if there is none."""
        if frame is None:
            picture = self.picture(item, size or SIZE)
        else:
            picture = next((found for _, found in self.frames(item, [frame], size)), None)
        if picture is None:
            which = f"{item.name} ({item.kind})" if frame is None else f"{item.name}: frame {frame}"
            raise NoPicture(f"{which} has no picture")
        return picture

    def portrait(self, item: Item, size: int) -> Image:
        """The one picture that represents an item: for videos, groups and sequences, that of the middle frame."""
        return self.shown(item, middle(item), size)

    def picture_seen(self, place: str, sight: Sight) -> Image | None:
        """The picture of a file at a path or URL, as large as a model sees that of an item of equal content."""
        file = media_file(_url_of(place), self._storage.open)
        decoder = self._reader().opened(file)
        facts = decoder.probe(file) if sight.shortest else None
        asked = sight.of(facts.width, facts.height) if facts else sight.longest
        picture = decoder.picture(file, asked)
        more = sight.larger(picture, asked) if picture is not None else None
        return decoder.picture(file, more) if more else picture

    def text(self, item: Item) -> Iterator[str]:
        """The text of an item in pieces that follow each other; raises NoText if its format has none."""
        file, decoder = self.opened(item)
        if not decoder.has_text:
            raise NoText(f"{item.name} ({item.kind}) contains no text")
        return decoder.text(file)

    def page_texts(self, item: Item, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        """The texts of pages of an item by number, in ascending order; raises NoText if its frames are no pages with text."""

        def read(decoder: Decoding, file: OpenedFile, some: list[int]) -> Iterator[tuple[int, str]]:
            if not decoder.has_pages:
                raise NoText(f"{item.name} ({item.kind}) has no pages with text")
            return decoder.page_texts(file, some)

        return self._each(item, numbers, read)

    def text_at(self, place: str) -> tuple[Kind, Iterator[str]]:
        """The kind and the text of a file at a path or URL, which need not be in the catalogue; raises NoText, UnknownFormat."""
        file = media_file(_url_of(place), self._storage.open)
        decoder = self._reader().opened(file)
        if not decoder.has_text:
            raise NoText(f"{file.name} ({file.media_type}) contains no text")
        kind = next(each.kind for each in decoder.record.formats if each.media_type == file.media_type)
        return kind, decoder.text(file)

    def frames(self, item: Item, numbers: Sequence[int], size: int | None) -> Iterator[tuple[int, Image]]:
        """Frames of an item by number, in ascending order; raises MediaError for one that it does not have."""
        return self._each(item, numbers, lambda decoder, file, some: decoder.frames(file, some, size))

    def values(self, item: Item, numbers: Sequence[int] | None) -> Iterator[tuple[int, Values | None]]:
        """The values of frames by number, in ascending order; for None, those of the picture of an item."""
        members = self._items.members(item)
        if numbers is None and not members:
            file, decoder = self.opened(item)
            return decoder.values(file, None)
        wanted = [_middle_of(members)] if numbers is None else numbers
        return self._each(item, wanted, lambda decoder, file, some: decoder.values(file, some))

    def volume(self, item: Item, number: int | None) -> range:
        """The numbers of the frames of the volume of a frame, or of the picture of an item for None."""
        members = self._items.members(item)
        if members:
            return range(sum(member.frame_count for member in members))
        file, decoder = self.opened(item)
        return decoder.volume(file, number)

    def state(self, item: Item) -> Hashable:
        """What differs when the content of an item does: its files with their ETags or times of change."""
        members = self._items.members(item)
        tags: list[Hashable] = [(member.url, member.etag, _changed(member.url)) for member in members]
        return item.uuid, item.url, item.etag, item.content_hash, tuple(tags) or _changed(item.url)

    def _each(
        self,
        item: Item,
        numbers: Sequence[int],
        read: Callable[[Decoding, OpenedFile, list[int]], Iterator[tuple[int, T]]],
    ) -> Iterator[tuple[int, T]]:
        members = self._items.members(item)
        wanted = sorted(set(numbers))
        if not members:
            if wanted:
                file, decoder = self.opened(item)
                yield from read(decoder, file, wanted)
            return
        places = list(_places(members, wanted, item.name))
        for member, found in groupby(places, key=lambda place: place[0]):
            inside = {local: number for _, local, number in found}
            file, decoder = self.opened(item, members[member].url)
            for local, result in read(decoder, file, list(inside)):
                yield inside[local], result

    def _member_picture(self, item: Item, member: Member, size: int) -> Image | None:
        file, decoder = self.opened(item, member.url)
        return decoder.picture(file, size)


def _url_of(place: str) -> str:
    return place if "://" in place else Path(place).absolute().as_uri()


def middle(item: Item) -> int | None:
    """The number of the frame that represents an item of many; None for one that has a picture of its own."""
    count = item.facts.frame_count or 0
    return count // 2 if item.kind in (*GROUPS, "video") and count else None


def _middle_of(members: Sequence[Member]) -> int:
    return sum(member.frame_count for member in members) // 2


def _changed(url: str) -> tuple[int, int] | None:
    """Size and time of change of a local file; None for an object, of which the catalogue knows the ETag."""
    if not url.startswith("file:"):
        return None
    try:
        found = absolute_path(url.partition(ARCHIVE_MARK)[0]).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _places(members: Sequence[Member], numbers: Sequence[int], name: str) -> Iterator[tuple[int, int, int]]:
    """For each number, ascending: the position of its member, its number within that member, and the number
    itself.
    """
    position, before = 0, 0
    for number in numbers:
        while position < len(members) and number >= before + members[position].frame_count:
            before += members[position].frame_count
            position += 1
        if position == len(members) or number < 0:
            count = sum(member.frame_count for member in members)
            raise MediaError(f"{name} has {count:,} frames, there is no frame {number:,}")
        yield position, number - before, number
