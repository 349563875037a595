"""The record of embedders: models that turn pictures and texts into vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from attrs import field, frozen

from heron.hooks.contributions import Contribution, texts
from heron.hooks.interfaces import Embedder, TextEmbedder
from heron.hooks.isolation import Isolation

Side = Literal["image", "text"]
"""What an embedder can turn into vectors."""

Content = Literal["picture", "text"]
"""What of an item is embedded."""


def _contents(given: Sequence[Content] | None) -> tuple[str, ...] | None:
    return None if given is None else texts(given)


def _checked_reads(record: EmbedderModel, attribute: Any, given: Sequence[str] | None) -> None:
    needs = {"picture": "image", "text": "text"}
    for content in given or ():
        if content in needs and needs[content] not in record.embeds:
            raise ValueError(
                f"embedder {record.name} reads the {content} of items, but embeds only {', '.join(record.embeds)}"
            )


@frozen(kw_only=True)
class EmbedderModel(Contribution):
    """A model that turns pictures, texts or both into vectors of `size` numbers.

    `embeds` says what it can turn into vectors, and `reads` what of an item it does: its `picture`, its `text`, or both, where
    items of a kind with text (`MediaKind.has_text`) are embedded by their text, unless they have none, and all others by their picture.
    Without it, that is the picture, and for an embedder of texts alone the text. An embedder of both sides whose `reads` has
    no text takes texts as queries only.

    With `--frames`, pages are embedded by their text too, where their decoder is a `PageReader`; other frames by their picture, if that is read.
    The text of an item comes from its decoder, in passages of at most `text_size` characters, of which each begins with up to
    `text_overlap` characters of the one before. They end at a line break or blank, if there is one in their second half. No text is cut short: an item with several
    passages has the mean of their vectors of length 1, each counted by its characters. A model that counts in tokens is a `LimitedEmbedder`
    too: passages that it does not read whole are halved.

    With `takes_model`, `load` gets the weights to use, as the user named them: a directory, or `NAME@REVISION` of a hub; None is
    the default. The loaded embedder may have an attribute `model`, a name that loads exactly these weights again, and
    `shortest_side`, the pixels that it looks at on the shortest side of a picture (0 to 4096); `source`, a sentence about the files
    that were loaded, which `heron embed` says; and `scores`, a sentence about what the scores of texts mean, if they are on another
    scale than others', which each search by text says too. `size` is None if it depends on the
    weights. Pictures and passages are passed in batches of `batch`, pictures with a longest side of at most `picture_size` pixels; wide and high ones with
    more, up to 4096, where their shortest side would have fewer than `shortest_side` and the file has them. `knows` is for a
    model that knows only some sort of pictures, and says which; `instead` is a command that uses a model that knows more. Heron
    says both at `heron embed` and at each search; a `BoundedEmbedder` tells for single pictures and words. An installed one runs
    in a process of its own with a limit of time; `isolation="none"` runs it in Heron's own.

    Two vectors of a cosine of `copies_from` (-1 to 1) or more are usually those of copies of one picture; None means 0.95.
    `turns` says that the embedder is a `TurningEmbedder`: `heron duplicates --turned` takes only those, and first one that gives
    `copies_from`.
    """

    sort: ClassVar[str] = "embedder"

    load: Callable[..., Embedder | TextEmbedder]
    size: int | None = None
    embeds: Sequence[Side] = field(default=("image",), converter=texts)
    reads: Sequence[Content] | None = field(default=None, converter=_contents, validator=_checked_reads)
    text_size: int = 1000
    text_overlap: int = 100
    takes_model: bool = False
    batch: int = 32
    picture_size: int = 512
    knows: str | None = None
    instead: str | None = None
    copies_from: float | None = None
    turns: bool = False
    isolation: Isolation = "process"

    @property
    def contents(self) -> tuple[str, ...]:
        """What of an item it embeds: `picture`, `text`, or both."""
        if self.reads:
            return tuple(self.reads)
        return ("picture",) if "image" in self.embeds else ("text",)

    def brings(self) -> list[str]:
        """The embedder, with what of items it embeds if that is not their picture alone."""
        if self.contents == ("picture",):
            return super().brings()
        return [f"{self.sort} {self.name} of {'s and '.join(self.contents)}s"]
