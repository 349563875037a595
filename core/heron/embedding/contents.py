"""What of an item an embedder gets: its picture, or its text in passages; and what tells that it has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from heron.catalog.items import ItemService
from heron.catalog.referring import ItemRef
from heron.embedders.passages import NOTHING, RULES, Passage, passages_of
from heron.errors import MediaError
from heron.hooks import EmbedderModel, PluginManager
from heron.media.kinds import Kinds
from heron.media.sizing import Sight, seen
from heron.models import Frame, Item, Kind
from heron.pictures.files import GROUPS, ItemFiles, NoText
from heron.pictures.service import PictureService
from heron.times import utc_iso

if TYPE_CHECKING:
    from PIL.Image import Image


_TRANSPARENT = ("RGBA", "LA", "PA", "P")
"""Modes of pictures that may have transparent parts."""

_NAMED = 5
"""Pages that are named in one sentence."""

_GROUND = "ground 2"
"""How transparent parts are laid on a ground (`heron.media.ground`): a change makes their vectors anew."""


@frozen
class Reading:
    """What an embedder reads of items, pictures or texts or both, and how large its passages are, in characters."""

    pictures: bool = True
    texts: bool = False
    size: int = 0
    overlap: int = 0

    @classmethod
    def of(cls, record: EmbedderModel) -> Reading:
        """What the embedder of a record reads."""
        contents = record.contents
        return cls("picture" in contents, "text" in contents, record.text_size, record.text_overlap)

    def is_text(self, kind: Kind, kinds: Kinds) -> bool:
        """Whether items of a kind are embedded by their text; one that has none is embedded by its picture after all, if pictures are read."""
        if not self.texts or not self.pictures:
            return self.texts
        found = kinds.get(kind)
        return found is not None and found.has_text

    def passes_by(self, kind: Kind, kinds: Kinds) -> bool:
        """Whether items of a kind have nothing to read, since only texts are read: then a file that cannot be opened is no failure."""
        found = kinds.get(kind)
        return not self.pictures and found is not None and not found.has_text

    def mark(self, kind: Kind, kinds: Kinds) -> str | None:
        """What a fingerprint says of how the items of a kind are cut; None for pictures."""
        return f"{RULES} {self.size} {self.overlap}" if self.is_text(kind, kinds) else None

    def passages(self, text: Callable[[], Iterator[str]], name: str) -> Iterator[Passage]:
        """The passages of a text; raises NoText if it has none."""
        is_empty = True
        for passage in passages_of(text(), self.size, self.overlap):
            is_empty = False
            yield passage
        if is_empty:
            raise NoText(f"{name} contains no text")

    def pages(self, files: ItemFiles, item: Item, numbers: Sequence[int]) -> Iterator[tuple[int, Passage]]:
        """The passages of pages by number, and an empty one for a page without text; raises NoText."""
        for number, text in files.page_texts(item, numbers):
            found = None
            for found in passages_of([text], self.size, self.overlap):
                yield number, found
            if found is None:
                yield number, NOTHING

    def frames(
        self,
        files: ItemFiles,
        item: Item,
        kinds: Kinds,
        numbers: Sequence[int],
        draw: Callable[[Sequence[int]], Iterator[tuple[Any, Image]]],
    ) -> Iterator[tuple[Any, Image | Passage]]:
        """What is embedded of frames: the passages of pages, or pictures, which `draw` makes; raises NoText where there is neither, and
        MediaError for pages that cannot be read, after the others.
        """
        left = list(numbers)
        if numbers and self.is_text(item.kind, kinds):
            try:
                for number, passage in self.pages(files, item, numbers):
                    if passage.text or not self.pictures:
                        yield number, passage
                        if passage.is_last:
                            left.remove(number)
            except NoText:
                if not self.pictures:
                    raise
        if left and self.pictures:
            yield from draw(left)
        elif left and self.is_text(item.kind, kinds):
            some = ", ".join(f"{number:,}" for number in left[:_NAMED])
            more = f" and {len(left) - _NAMED:,} others" if len(left) > _NAMED else ""
            raise MediaError(
                f"{item.name}: {'page' if len(left) == 1 else 'pages'} {some}{more} cannot be read"
            )

    def own(
        self, files: ItemFiles, item: Item, kinds: Kinds, draw: Callable[[], Image]
    ) -> Iterator[Image | Passage]:
        """The passages of an item, or its picture, which `draw` makes; raises NoText and NoPicture."""
        if self.is_text(item.kind, kinds):
            try:
                yield from self.passages(lambda: files.text(item), item.name)
            except NoText:
                if not self.pictures:
                    raise
            else:
                return
        yield draw()


PICTURES = Reading()
"""What an embedder of pictures reads."""


def contents_of(
    pictures: PictureService,
    items: ItemService,
    plugins: Callable[[], PluginManager],
    thing: ItemRef | Path,
    record: EmbedderModel,
    sight: Sight,
) -> Iterator[Image | Passage]:
    """What an embedder reads of an item, a frame or a file that is compared, and not stored; raises MediaError."""
    reading, kinds = Reading.of(record), Kinds(plugins)
    if isinstance(thing, Path):
        yield from _of_file(pictures, thing, reading, kinds, sight)
        return
    item = items.get(thing)

    def draw() -> Image:
        return seen(lambda size: pictures.portrait(thing, size=size), sight, sight.of_item(item))

    if isinstance(thing, Frame):
        number = thing.number
        found = reading.frames(pictures._files, item, kinds, [number], lambda some: iter([(number, draw())]))
        for _, content in found:
            if isinstance(content, Passage) and not content.text:
                raise NoText(f"{item.name}: page {number} contains no text")
            yield content
        return
    yield from reading.own(pictures._files, item, kinds, draw)


def _of_file(
    pictures: PictureService, path: Path, reading: Reading, kinds: Kinds, sight: Sight
) -> Iterator[Image | Passage]:
    if reading.texts:
        try:
            kind, text = pictures._text_at(path)
            if reading.is_text(kind, kinds):
                yield from reading.passages(lambda: text, path.name)
                return
        except NoText:
            if not reading.pictures:
                raise
    yield pictures._picture_seen(path, sight)


def content_of(item: Item, sight: Sight | None = None) -> str:
    """A text that changes whenever the content of an item changes, as far as the catalogue knows, or a model sees it larger."""
    modified = utc_iso(item.modified_at) if item.modified_at else None
    facts = [item.etag, modified, item.size, item.facts.frame_count]
    if _may_be_transparent(item):
        facts.append(_GROUND)
    if sight is not None and (size := sight.of_item(item)) > sight.longest:
        facts.append(f"seen {size}")
    return "|".join(str(fact) for fact in (item.url, *facts))


def _may_be_transparent(item: Item) -> bool:
    """Whether pictures of an item may have been laid on a ground, as far as its facts tell."""
    if item.kind in GROUPS:
        return True
    image = item.facts.extra.get("image")
    return isinstance(image, Mapping) and image.get("mode") in _TRANSPARENT
