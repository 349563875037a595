"""The picture service: pictures, frames, times and text of items, and stored thumbnails and metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.frames import FrameService
from heron.catalog.items import ItemService, bundles
from heron.catalog.referring import ITEM, ItemRef, ItemRefs, frame_numbers, item_name
from heron.catalog.thumbnails import ThumbnailStore
from heron.errors import HeronError, InvalidInput, MediaError, NotFound, PluginError
from heron.executors.opening import ExecutorRef, opened
from heron.export.files import whole_file
from heron.hooks import PluginManager
from heron.jobs import ImportProblem
from heron.media.ground import Ground, laid
from heron.media.kinds import Kinds
from heron.media.reader import THUMBNAIL, Measuring, MediaReader
from heron.media.sizing import Sight
from heron.models import Frame, Item, Json, Kind
from heron.pictures.elsewhere import GRAIN, Asked, Drawing, by_workers
from heron.pictures.files import SIZE, ItemFiles, NoPicture, checked_size, middle
from heron.pictures.finishing import Thumbnails, finished, jpeg_of
from heron.pictures.rounds import PROBLEMS, Rounds
from heron.pictures.viewing import Plane, Viewing, window_of
from heron.records import Record
from heron.storage.service import StorageService
from heron.storage.waiting import patiently

if TYPE_CHECKING:
    from PIL.Image import Image

_BATCH = 64


@frozen(repr=False)
class Made(Record):
    """The result of making pictures: items and frames that have one now, how many failed, and the first
    problems.
    """

    items: int
    frames: int
    failed: int = 0
    problems: tuple[ImportProblem, ...] = ()
    waiting: int = 0
    """Items whose store did not answer, or refused the credentials: the same call again takes just them."""


@frozen
class _Piece:
    """The picture made of an item or a frame."""

    of: Item | Frame
    jpeg: bytes
    metrics: Mapping[str, float]


class PictureService:
    """Makes pictures of items. Files are read from their storage and not copied."""

    def __init__(
        self,
        access: Access,
        plugins: Callable[[], PluginManager],
        items: ItemService,
        frames: FrameService,
        thumbnails: ThumbnailStore,
        storage: StorageService,
    ) -> None:
        self._access = access
        self._plugins = plugins
        self._items = items
        self._frames = frames
        self._thumbnails = thumbnails
        self._storage = storage
        self._loaded: tuple[MediaReader, Measuring] | None = None
        self._files = ItemFiles(items, storage, lambda: self._tools()[0], Kinds(plugins))

    def picture(
        self,
        item: ItemRef,
        *,
        frame: int | None = None,
        size: int | None = SIZE,
        ground: Ground = "plain",
        window: float | None = None,
        level: float | None = None,
        plane: Plane | None = None,
        index: int | None = None,
    ) -> Image:
        """An item, or one of its frames, as an upright RGB picture that fits into `size` x `size` pixels.

        With `size` None, a frame keeps its own size. Transparent parts are laid on white, or on a grey on which the
        drawing is visible if white hides it; with the ground `checks` on checks. `window` values around `level` are shown
        between black and white, in the units of the values: Hounsfield units of a CT. `plane` cuts the volume of an item,
        or of a frame of it: number `index`, counted to the left, to the back or to the head, the middle one by default.
        Raises MediaError if there is no picture or the file cannot be read, PluginError if the plugin that reads it is not
        installed, InvalidInput for a window or a plane that it does not have.
        """
        chosen, size = window_of(window, level), checked_size(size)
        if plane is None and index is not None:
            raise InvalidInput("index counts the pictures of a plane", hint="give plane too")
        if plane is None and chosen is None:
            return laid(self._layered(item, frame, size), ground)
        from heron.pictures.windows import in_plane, in_window

        owner, frame = self._owner(item, frame)
        if plane is not None:
            return in_plane(self._files, owner, frame, size, chosen, plane, index)
        assert chosen is not None
        return in_window(self._files, owner, frame, size, chosen)

    def viewing(self, item: ItemRef, *, frame: int | None = None) -> Viewing:
        """The windows and planes in which an item, or one of its frames, can be shown beside its default; see `Viewing`.

        Raises MediaError if the file cannot be read, PluginError if the plugin that reads it is not installed.
        """
        from heron.pictures.windows import viewing_of

        return viewing_of(self._files, *self._owner(item, frame))

    def _owner(self, item: ItemRef, frame: int | None) -> tuple[Item, int | None]:
        """The item of a reference, and the number of its frame."""
        owner = self._items.get(item)
        return owner, item.number if frame is None and isinstance(item, Frame) else frame

    def _layered(self, item: ItemRef, frame: int | None, size: int | None) -> Image:
        """The picture as the decoder gives it: RGBA if parts are transparent."""
        owner, frame = self._owner(item, frame)
        return self._files.shown(owner, frame, size)

    def portrait(self, thing: ItemRef, *, size: int = SIZE) -> Image:
        """The one picture that represents an item: for videos, groups and sequences, that of the middle
        frame.

        For a `Frame`, and for other items, it is their picture. Raises MediaError and PluginError.
        """
        item = self._items.get(thing)
        return self.picture(thing, frame=None if isinstance(thing, Frame) else middle(item), size=size)

    def picture_of(self, file: str | Path, *, size: int = SIZE) -> Image:
        """A local file, or the file at a URL, as an upright RGB picture; it need not be in the catalogue."""
        return self._picture_seen(file, Sight(size))

    def _picture_seen(self, file: str | Path, sight: Sight) -> Image:
        """A file as a model sees it."""
        self._access.require("read", WORKSPACE)
        checked_size(sight.longest)
        picture = self._files.picture_seen(str(file), sight)
        if picture is None:
            raise MediaError(f"{file} has no picture")
        return laid(picture)

    def _text_at(self, file: Path) -> tuple[Kind, Iterator[str]]:
        """The kind and the text of a file that need not be in the catalogue."""
        self._access.require("read", WORKSPACE)
        return self._files.text_at(str(file))

    def frames(
        self, item: ItemRef, numbers: Iterable[int] | int, *, size: int | None = None
    ) -> Iterator[tuple[int, Image]]:
        """Frames of an item by number, in ascending order, as upright RGB pictures; with `size` None in their
        own size.
        """
        owner = self._items.get(item)
        checked_size(size)
        for number, picture in self._files.frames(owner, frame_numbers(numbers), size):
            yield number, laid(picture)

    def times(self, item: ItemRef) -> Sequence[float] | None:
        """The presentation times of an item's frames in seconds; None if its file cannot be read, or has
        none.
        """
        owner = self._items.get(item)
        if self._items.members(owner):
            return None
        try:
            file, decoder = self._files.opened(owner)
            return decoder.times(file, whole=True) or None
        except (MediaError, PluginError, NotFound):
            return None

    def text(self, item: ItemRef) -> Iterator[str]:
        """The text of a document, in pieces that follow each other. Raises MediaError if there is no text."""
        yield from self._files.text(self._items.get(item))

    def thumbnail(self, thing: ItemRef) -> bytes | None:
        """The JPEG thumbnail of an item or a frame: the stored one, or one made now; None if there is no
        picture.
        """
        kept = self._frames.thumbnail(thing) if isinstance(thing, Frame) else self._thumbnails.find(thing)
        if kept is not None:
            return kept
        try:
            return jpeg_of(self._layered(thing, None, THUMBNAIL))
        except HeronError:
            return None

    @patiently()
    def make(
        self,
        items: ItemRefs,
        *,
        frames: bool = False,
        again: bool = False,
        executor: ExecutorRef | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Made:
        """Store a thumbnail, and for images metrics, of each item that has none; with `frames`, of its frames
        instead.

        With `again`, existing ones are made again. `progress` is called with the number of items, or of frames, that are done and stored. Files that cannot be read are reported as problems. To
        continue an interrupted run, run it again. `executor` runs the work, as for `ingest.files`; the default are threads.
        """
        self._access.require("read", WORKSPACE)
        self._items._database.require_no_transaction("making pictures")
        made, done = {"item": 0, "frame": 0, "failed": 0}, 0
        problems: list[ImportProblem] = []
        waiting: list[_Piece] = []

        def work(item: Item, there: Collection[Hashable]) -> Iterator[_Piece]:
            return self._frame_pieces(item, again, there) if frames else self._item_pieces(item, again)

        def read(ids: Sequence[int]) -> Iterator[Item]:
            return (item for some in bundles(ids) for item in self._items._records(some).values())

        def failed(name: str, url: str, error: HeronError) -> None:
            made["failed"] += 1
            if len(problems) < PROBLEMS:
                problems.append(ImportProblem(name, url, str(error)))

        def owners() -> Iterator[Item]:
            for bundle in bundles(ITEM.many(items)):
                there = []
                for ref in bundle:
                    try:
                        there.append(self._items.get(ref))
                    except NotFound as error:  # deleted since the items were chosen
                        failed(item_name(ref), "", error)
                self._access.require_all("update", "item", (item.id for item in there))
                yield from there

        wanted: dict[int, dict[int, Frame]] = {}

        def asked(item: Item, there: Collection[Hashable]) -> Asked | None:
            if not frames:
                return self._asked(item, own=True) if self._lacks_picture(item, again) else None
            wanted[item.id] = self._frames_to_make(item, again, there)
            return self._asked(item, numbers=list(wanted[item.id]))

        def piece_of(item: Item, number: int | None, made: tuple[bytes, Mapping[str, float]]) -> _Piece:
            return _Piece(item if number is None else wanted[item.id][number], *made)

        with ExitStack() as stack:
            produce = None
            if executor is None:
                self._tools()  # in this thread, where a plugin that hangs when it is imported is ended
            else:
                workers = stack.enter_context(opened(self._plugins(), executor, grain=GRAIN))
                drawing = Drawing(self._plugins(), Thumbnails())
                produce = partial(by_workers, asked=asked, piece_of=piece_of, work=drawing, workers=workers)
            rounds = Rounds(read, work, lambda piece: piece.of.id if frames else None, produce)
            pieces = stack.enter_context(closing(rounds(owners())))
            for item, given in pieces:
                piece = None if isinstance(given, NoPicture) else given  # nothing to see is no failure
                if isinstance(piece, HeronError):
                    failed(item.name, item.url, piece)
                elif piece is not None:
                    waiting.append(piece)
                if piece is None or isinstance(piece, HeronError):
                    done += 1
                    wanted.pop(item.id, None)
                if len(waiting) >= _BATCH:
                    self._keep(waiting, made)
                if not waiting:
                    progress(sum(made.values()) if frames else done)
        self._keep(waiting, made)
        progress(sum(made.values()) if frames else done)
        told = (*problems, *rounds.problems)[:PROBLEMS]
        return Made(made["item"], made["frame"], made["failed"], told, rounds.waiting)

    def write_frames(
        self, item: ItemRef, folder: str | Path, numbers: Iterable[int] | int, *, size: int | None = None
    ) -> Iterator[Path]:
        """Write frames as PNG files `NAME-000013.png` into a folder, which is created if it is missing."""
        owner = self._items.get(item)
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"{place} cannot be made: {error.strerror or error}") from error
        stem = "".join(c if c.isalnum() or c in "._- " else "_" for c in Path(owner.name).stem) or "frame"
        for number, picture in self.frames(owner, numbers, size=size):
            short = stem.encode()[:100].decode(errors="ignore").lstrip(".")
            path = place / f"{short}-{number:06}.png"
            with whole_file(path) as stream:
                picture.save(stream, "PNG")
            yield path

    @patiently()
    def contact_sheet(self, things: ItemRefs, *, columns: int | None = None, size: int = THUMBNAIL) -> Image:
        """Items and frames side by side with their names below them, as one RGB picture; `size` is the size of a cell.

        Raises InvalidInput if there is nothing to show, or more than a thousand items and frames.
        """
        from heron.pictures.sheet import MOST, Cell, contact_sheet

        checked_size(size)
        chosen = list(islice(ITEM.many(things), MOST + 1))
        if not chosen:
            raise InvalidInput("there is nothing to show on a contact sheet")
        if len(chosen) > MOST:
            raise InvalidInput(
                f"a contact sheet shows at most {MOST:,} pictures", hint="choose fewer with --limit"
            )
        shown = (self._items.get(ref) if not isinstance(ref, Item | Frame) else ref for ref in chosen)
        cells = (Cell(self.thumbnail(thing), *self._caption(thing)) for thing in shown)
        return contact_sheet(cells, len(chosen), columns, size)

    def _caption(self, thing: Item | Frame) -> tuple[str, str]:
        if isinstance(thing, Item):
            return thing.name, thing.kind
        when = f" · {thing.seconds:.2f} s" if thing.seconds is not None else ""
        return self._items.get(thing).name, f"frame {thing.number}{when}"

    def _asked(
        self,
        item: Item,
        *,
        own: bool = False,
        numbers: Sequence[int] = (),
        metadata: Mapping[str, Json] | None = None,
        frames: Sequence[Frame] = (),
    ) -> Asked:
        """What a worker has to know to make pictures of an item; of its metadata only what is given. `frames` are in the order of their numbers."""
        members = tuple(self._items.members(item))
        lean = evolve(item, metadata=dict(metadata or {}))
        return Asked(lean, members, self._storage.of(item), own, tuple(sorted(numbers)), tuple(frames))

    def _lacks_picture(self, item: Item, again: bool) -> bool:
        is_measured = item.kind != "image" or "metric" in item.facts.extra
        return again or not is_measured or self._thumbnails.find(item) is None

    def _item_pieces(self, item: Item, again: bool) -> Iterator[_Piece]:
        if self._lacks_picture(item, again):
            picture = self._files.picture(item, THUMBNAIL)
            if picture is not None:
                yield _Piece(item, *finished(self._tools()[1], item, None, picture))

    def _frames_to_make(self, item: Item, again: bool, there: Collection[Hashable]) -> dict[int, Frame]:
        wanted = self._frames.stream(item) if again else self._frames._without_picture(item)
        count = item.facts.frame_count  # the key frames of a video that got shorter can be beyond its end
        return {
            frame.number: frame
            for frame in wanted
            if (count is None or frame.number < count) and frame.id not in there
        }

    def _frame_pieces(self, item: Item, again: bool, there: Collection[Hashable]) -> Iterator[_Piece]:
        frames = self._frames_to_make(item, again, there)
        for number, picture in self._files.frames(item, list(frames), THUMBNAIL):
            yield _Piece(frames[number], *finished(self._tools()[1], item, number, picture))

    def _keep(self, pieces: list[_Piece], made: dict[str, int]) -> None:
        """Store the pieces, and empty the list."""
        if not pieces:
            return
        made["item"] += self._thumbnails._keep(
            (p.of, p.jpeg, p.metrics) for p in pieces if isinstance(p.of, Item)
        )
        made["frame"] += self._frames._keep_pictures(
            (p.of, p.jpeg, p.metrics) for p in pieces if isinstance(p.of, Frame)
        )
        pieces.clear()

    def _tools(self) -> tuple[MediaReader, Measuring]:
        if self._loaded is None:
            self._loaded = MediaReader(self._plugins()), Measuring(self._plugins())
        return self._loaded
