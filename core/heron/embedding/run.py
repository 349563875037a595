"""One run of an embedder: pictures are decoded and texts are read in threads, both are embedded in batches, and their vectors
are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from attrs import frozen

from heron.catalog.frames import FrameService
from heron.catalog.items import ItemService, bundles
from heron.catalog.vectors.rows import Owner, VectorSet
from heron.catalog.vectors.store import VectorStore
from heron.embedders.passages import NOTHING, Mean, Passage
from heron.embedding.batches import Batches, Result
from heron.embedding.contents import Reading, content_of
from heron.errors import HeronError, MediaError, PluginError
from heron.hooks import BoundedEmbedder, EmbedderModel
from heron.jobs import ImportProblem
from heron.media.kinds import Kinds
from heron.media.reader import UnknownFormat
from heron.media.sizing import Sight, frames_seen, portrait_seen
from heron.models import Item
from heron.pictures.elsewhere import Asked
from heron.pictures.files import NoPicture, NoText
from heron.pictures.rounds import PROBLEMS, Produce, Rounds
from heron.pictures.service import PictureService
from heron.search.similar import Behind

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

_NONE = -1
"""No fingerprint: there is no vector."""

_KEPT = 256
"""Vectors that are stored in one transaction."""


Made = tuple[Owner, str, int, "numpy.ndarray[Any, Any]"]
"""The owner of a vector, the UUID of its item, the fingerprint of its content, and the vector."""


@frozen(eq=False)
class _Piece:
    """A picture or a passage to embed, with its owner, its item, and the fingerprint of its content."""

    owner: Owner
    item: Item
    fingerprint: int
    content: Image | Passage


Wanted = tuple[Owner, Item, int]
"""The owner of a vector to make, its item, and the fingerprint of its content."""


@frozen(eq=False)
class Vector:
    """What a worker has made: the vector of a picture, the mean of the passages of a text, why there is none, or None for a page
    without text.
    """

    owner: Owner
    item: Item
    fingerprint: int
    vector: Result


class Run:
    """Embeds items and counts the results. Vectors that are stored stay when the run is interrupted."""

    def __init__(
        self,
        vectors: VectorStore,
        items: ItemService,
        frames: FrameService,
        pictures: PictureService,
        kinds: Kinds,
        record: EmbedderModel,
        loaded: Behind,
        kept: VectorSet,
        *,
        with_frames: bool,
        again: bool,
    ) -> None:
        self._vectors = vectors
        self._items = items
        self._frames = frames
        self._pictures = pictures
        self._kinds = kinds
        self._record = record
        self._loaded = loaded
        self._sight = Sight(record.picture_size, loaded.shortest_side)
        self._reading = Reading.of(record)
        self._batches = Batches(loaded)
        self._means: dict[Owner, Mean] = {}
        """What was embedded of texts of which passages are still to come."""

        self._kept = kept
        self._with_frames = with_frames
        self._again = again
        self._fingerprints: dict[int, dict[Owner, int | None]] = {}
        self._not_wanted: dict[int, int] = {}
        """How many pictures and texts need no vector, by the inner id of the item, until it is done."""

        self._asked_for: dict[int, dict[int | None, Wanted]] = {}
        """What workers embed, by the inner id of the item."""

        self._pending: list[Made] = []
        self.embedded = 0
        self.skipped = 0
        self.failed = 0
        self.waiting = 0
        self.without_picture = 0
        self.without_text = 0
        self.texts = 0
        self.long = 0
        self.passages = 0
        """Texts that were embedded, those of several passages, and their passages."""

        self.outside = 0
        self.problems: list[ImportProblem] = []
        self.failure: PluginError | None = None
        """Why the embedder made no vector of the first item that it failed for."""

    def __call__(
        self,
        items: Iterable[Item],
        advanced: Callable[[int], None],
        produce: Produce[_Piece | Vector] | None = None,
    ) -> None:
        """Embed items that have no vector of their content yet; `advanced` is called with the number of items
        done. Items whose store does not answer are asked for again at the end. `produce` makes vectors by workers.
        """
        done, batch = 0, []
        rounds: Rounds[_Piece | Vector] = Rounds(self._read, self._pieces, _owner_of, produce)
        try:
            with closing(rounds(self._with_fingerprints(items))) as pieces:
                for item, piece in pieces:
                    if isinstance(piece, _Piece) and piece.content == NOTHING:
                        self.without_text += 1
                    elif isinstance(piece, _Piece):
                        batch.append(piece)
                        if len(batch) >= self._record.batch:
                            self._embed(batch)
                    elif isinstance(piece, Vector):
                        wanted = piece.owner, piece.item, piece.fingerprint
                        if piece.vector is None:
                            self.without_text += 1
                        elif isinstance(piece.vector, PluginError):
                            self._fail(item, piece.vector)
                        elif isinstance(piece.vector, Mean):
                            self._take_text(wanted, piece.vector)
                        else:
                            self._take_pictures([wanted], piece.vector[None])
                    else:
                        done += 1
                        self.skipped += self._not_wanted.pop(item.id, 0)
                        self._asked_for.pop(item.id, None)
                        advanced(done)
                        if isinstance(piece, HeronError):
                            self._leave_out_part((item.id, 0), batch)
                            self._note(item, piece)
            self._embed(batch)
            self.waiting = rounds.waiting
            self.problems = [*self.problems, *rounds.problems][:PROBLEMS]
        finally:
            self._keep()

    def _read(self, ids: Sequence[int]) -> Iterator[Item]:
        return self._with_fingerprints(
            item for some in bundles(ids) for item in self._items._records(some).values()
        )

    def _with_fingerprints(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, after the fingerprints of their vectors are read. Runs in the thread that asks for the
        next item.
        """
        for bundle in bundles(items, _KEPT):
            once = {item.id: item for item in bundle}
            fingerprints = {} if self._again else self._vectors._fingerprints(self._kept, list(once))
            for owner, fingerprint in fingerprints.items():
                self._fingerprints.setdefault(owner[0], {})[owner] = fingerprint
            yield from once.values()

    def _pieces(self, item: Item, made: Collection[Hashable]) -> Iterator[_Piece]:
        """What of an item has to be embedded, and the pictures of its frames, without those whose owners are in `made`."""
        wanted = self._wanted(item, made)
        if None in wanted:
            own = wanted.pop(None)

            def draw() -> Image:
                return portrait_seen(self._pictures, item, self._sight)

            for content in self._reading.own(self._pictures._files, item, self._kinds, draw):
                yield _Piece(*own, content)
        numbers = [number for number in wanted if number is not None]

        def draw_all(some: Sequence[int]) -> Iterator[tuple[int, Image]]:
            return frames_seen(self._pictures, item, some, self._sight)

        for number, content in self._reading.frames(
            self._pictures._files, item, self._kinds, numbers, draw_all
        ):
            yield _Piece(*wanted[number], content)

    def asked(self, item: Item, made: Collection[Hashable]) -> Asked | None:
        """What a worker is to embed of an item."""
        wanted = self._wanted(item, made)
        self._asked_for[item.id] = wanted
        numbers = [number for number in wanted if number is not None]
        return self._pictures._asked(item, own=None in wanted, numbers=numbers) if wanted else None

    def vector_of(self, item: Item, number: int | None, vector: Result) -> Vector:
        """What a worker has made."""
        return Vector(*self._asked_for[item.id][number], vector)

    def _wanted(self, item: Item, made: Collection[Hashable]) -> dict[int | None, Wanted]:
        """What has to be embedded, by frame number, None for the item itself; the number of those that need not is noted."""
        fingerprints, content = self._fingerprints.pop(item.id, {}), content_of(item, self._sight)
        mark = self._reading.mark(item.kind, self._kinds)
        fingerprint, skipped = self._fingerprint(content if mark is None else f"{content}|{mark}"), 0
        wanted: dict[int | None, Wanted] = {}
        if (item.id, 0) in made:
            pass
        elif fingerprints.get((item.id, 0), _NONE) not in (fingerprint, None):
            wanted[None] = (item.id, 0), item, fingerprint
        else:
            skipped = 1
        if self._with_frames:
            count = item.facts.frame_count  # a video that has become shorter keeps its key frames
            for frame in self._frames.stream(item):
                of_frame = f"{content}#{frame.number}" if mark is None else f"{content}#{frame.number}|{mark}"
                owner, fingerprint = (item.id, frame.id), self._fingerprint(of_frame)
                if owner in made:
                    continue
                if fingerprints.get(owner, _NONE) in (
                    fingerprint,
                    None,
                ):  # computed from this content, or given
                    skipped += 1
                elif count is None or frame.number < count:
                    wanted[frame.number] = owner, item, fingerprint
        self._not_wanted[item.id] = skipped
        return wanted

    def _fingerprint(self, content: str) -> int:
        """A 63-bit hash of the model and the content: the fingerprint of a vector."""
        digest = sha256(f"{self._loaded.revision}\n{content}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    def _embed(self, batch: list[_Piece]) -> None:
        """Embed a batch, and empty the list: keep the vectors of pictures, and put those of passages together."""
        import numpy as np

        pieces, batch[:] = list(batch), []
        found = self._batches([(piece.owner, piece.item.name, piece.content) for piece in pieces])
        pictures: list[Wanted] = []
        vectors = []
        for piece, made in zip(pieces, found, strict=True):
            wanted = piece.owner, piece.item, piece.fingerprint
            if isinstance(made, PluginError):
                self._means.pop(piece.owner, None)
                self._fail(piece.item, made)
            elif isinstance(made, Mean) and isinstance(piece.content, Passage):
                self._put_together(wanted, piece.content, made)
            elif isinstance(made, np.ndarray):
                pictures.append(wanted)
                vectors.append(made)
        if pictures:
            self._take_pictures(pictures, np.stack(vectors))

    def _leave_out_part(self, owner: Owner, batch: list[_Piece]) -> None:
        """Leave out a text that ended before its last passage; one that is whole stays, though a page could not be read after it."""
        waiting = [piece for piece in batch if piece.owner == owner]
        if waiting and _owner_of(waiting[-1]) is not None:
            return
        batch[:] = [piece for piece in batch if piece.owner != owner]
        self._means.pop(owner, None)

    def _put_together(self, wanted: Wanted, passage: Passage, vector: Mean) -> None:
        owner = wanted[0]
        if passage.is_first:
            self._means[owner] = Mean()
        mean = self._means.get(owner)
        if mean is None:  # the rest of its text could not be read
            return
        mean.join(vector)
        if passage.is_last:
            self._take_text(wanted, self._means.pop(owner))

    def _take_text(self, wanted: Wanted, mean: Mean) -> None:
        import numpy as np

        vector = mean.vector()
        if np.isfinite(vector).all():
            self.texts += 1
            if mean.count > 1:
                self.long += 1
                self.passages += mean.count
        self._take([wanted], vector[None])

    def _take_pictures(self, wanted: Sequence[Wanted], vectors: numpy.ndarray[Any, Any]) -> None:
        if isinstance(self._loaded, BoundedEmbedder):
            self.outside += sum(map(bool, self._loaded.outside(vectors)))
        self._take(wanted, vectors)

    def _take(self, wanted: Sequence[Wanted], vectors: numpy.ndarray[Any, Any]) -> None:
        """Keep vectors, of shape (len(wanted), size), to be stored soon."""
        import numpy as np

        for (owner, item, fingerprint), vector in zip(wanted, vectors, strict=True):
            if np.isfinite(vector).all():
                self._pending.append((owner, item.uuid, fingerprint, vector))
            else:
                self._note(
                    item, HeronError(f"embedder {self._record.name} returned numbers that are not finite")
                )
        if len(self._pending) >= _KEPT:
            self._keep()

    def _keep(self) -> None:
        import numpy as np

        if not self._pending:
            return
        made, self._pending = self._pending, []
        owners, uuids, fingerprints, vectors = zip(*made, strict=True)
        self.embedded += self._vectors._keep_made(
            self._kept.key, owners, uuids, np.stack(vectors), fingerprints
        )

    def _fail(self, item: Item, error: PluginError) -> None:
        self.failure = self.failure or PluginError(f"{item.name}: {error.message}", hint=error.hint)
        self._note(item, error)

    def _note(self, item: Item, error: HeronError) -> None:
        if isinstance(error, NoText) or (
            isinstance(error, MediaError) and self._reading.passes_by(item.kind, self._kinds)
        ):
            self.without_text += 1
            return
        if isinstance(error, NoPicture | UnknownFormat) and not self._is_visual(item):
            self.without_picture += 1
            return
        self.failed += 1
        if len(self.problems) < PROBLEMS:
            self.problems.append(ImportProblem(item.name, item.url, str(error)))

    def _is_visual(self, item: Item) -> bool:
        """Whether items of this kind have pictures, so that one without a picture is a failure; also if no plugin knows it."""
        kind = self._kinds.get(item.kind)
        return kind is None or kind.visual


def _owner_of(piece: _Piece | Vector) -> Owner | None:
    """The owner of what is whole: of a text, with its last passage."""
    if isinstance(piece, _Piece) and isinstance(piece.content, Passage) and not piece.content.is_last:
        return None
    return piece.owner if isinstance(piece, _Piece | Vector) else None
