"""The contract of derivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from heron.models import Frame, Item, MediaFacts
from heron.testing.contracts import RecordContract

if TYPE_CHECKING:
    from heron.hooks import Contribution, MetadataDeriver

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def an_item(
    facts: MediaFacts | None = None, *, name: str = "a.png", metadata: Mapping[str, Any] | None = None
) -> Item:
    """An item as a deriver gets it, which is in no catalogue."""
    return Item(
        id=1, uuid="00000000-0000-4000-8000-000000000001", folder_id=1, name=name, folder_path="Photos", path=name,
        url=f"s3://lake/{name}", size=1000, facts=facts or MediaFacts("image", "image/png", width=40, height=30), etag="1",
        modified_at=_NOW, content_hash=None, metadata=dict(metadata or {}), tags=(), created_at=_NOW, updated_at=_NOW,
        deleted_at=None,
    )  # fmt: skip


def a_frame(
    number: int = 0,
    seconds: float | None = None,
    *,
    is_key: bool = True,
    metadata: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> Frame:
    """A frame as a deriver of frames gets it, of an item that `an_item` makes; it is in no catalogue."""
    item = "00000000-0000-4000-8000-000000000001"
    return Frame(number + 1, item, number, seconds, is_key, dict(metadata or {}), dict(metrics or {}))


Subject = Item | tuple[Item, Frame]
"""What a deriver is called with: an item, or an item and its frame."""


class DeriverContract(RecordContract):
    """Rules for a deriver. Set `deriver` and `examples`."""

    deriver: ClassVar[MetadataDeriver]
    """The record that the hook yields."""

    examples: ClassVar[Sequence[tuple[Subject, Any, Mapping[str, Any]]]]
    """An item, as `heron.testing.an_item` makes one, its content (None, a picture, or a list of texts), and the values it shall have.

    For a deriver of frames, the pair of an item and a frame (`heron.testing.a_frame`) stands in place of the item.
    """

    plugins: ClassVar[Sequence[object]] = ()
    """Plugins, beside Heron's own, that bring the types of its keys."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.deriver

    def derived(self, subject: Subject, content: Any) -> dict[str, Any]:
        """The values of an example."""
        found = self._call(self.deriver.load(), *deepcopy((subject, content)))
        assert isinstance(found, Mapping), f"it returned {type(found).__name__}, expected a mapping"
        return dict(found)

    def _call(self, derive: Any, subject: Subject, content: Any) -> Any:
        given = iter(content) if self.deriver.reads == "text" else content
        return derive(*_parts(subject), given)

    def test_examples_are_of_what_it_applies_to(self) -> None:
        """A deriver of items has items as examples, one of frames items with a frame."""
        expected = 2 if self.deriver.of == "frames" else 1
        assert self.examples, "there is no example"
        for subject, _, _ in self.examples:
            assert len(_parts(subject)) == expected, (
                f"a deriver of {self.deriver.of} has no example {subject!r:.80}"
            )

    def test_examples_have_their_values(self) -> None:
        """Each example has just the values that are written beside it; there is one with values."""
        assert any(values for _, _, values in self.examples), "no example has a value"
        for subject, content, values in self.examples:
            given = {key: value for key, value in self.derived(subject, content).items() if value is not None}
            assert given == values, _name(subject)

    def test_values_are_of_its_own_keys(self) -> None:
        """Heron refuses a value of any other key."""
        names = {key.name for key in self.deriver.keys}
        for subject, content, _ in self.examples:
            others = set(self.derived(subject, content)) - names
            assert not others, f"{others} are none of its keys"

    def test_the_schema_takes_the_values(self) -> None:
        """The keys can be added to a schema, and their types accept the values."""
        from heron.hooks import PluginManager
        from heron.metadata.schema import Schema
        from heron.metadata.validation import Validator

        manager = PluginManager(builtin=["heron.metadata.types"], plugins=self.plugins, discover=False)
        schema = Schema(lambda: manager)
        for key in self.deriver.keys:
            assert not manager.metadata_type(key.type).vector, f"{key.name}: vectors come from embedders"
            schema.add(key.name, key.type, **key.parameters)
        for subject, content, _ in self.examples:
            Validator(schema).encode(self.derived(subject, content), _name(subject))

    def test_it_gives_the_same_values_each_time(self) -> None:
        """Values are computed again only when something has changed, so they must not depend on the time or on chance."""
        for subject, content, _ in self.examples:
            assert self.derived(subject, content) == self.derived(subject, content)

    def test_what_it_gets_is_left_as_it_is(self) -> None:
        """The item, the frame and the content belong to Heron."""
        for example in self.examples:
            subject, content, _ = deepcopy(example)
            self._call(self.deriver.load(), subject, content)
            assert _state(subject, content) == _state(*example[:2]), f"it has changed {_name(subject)}"

    def test_it_works_in_several_threads(self) -> None:
        """Heron calls one loaded function in several threads."""
        derive = self.deriver.load()

        def one(example: tuple[Subject, Any, Mapping[str, Any]]) -> dict[str, Any]:
            subject, content, _ = deepcopy(example)
            found = self._call(derive, subject, content)
            return {key: value for key, value in found.items() if value is not None}

        many = [*self.examples] * 8
        with ThreadPoolExecutor(4) as threads:
            for example, values in zip(many, threads.map(one, many), strict=True):
                assert values == example[2], _name(example[0])


def _parts(subject: Subject) -> tuple[Any, ...]:
    return subject if isinstance(subject, tuple) else (subject,)


def _name(subject: Subject) -> str:
    item, *frames = _parts(subject)
    return "#".join((item.name, *(str(frame.number) for frame in frames)))


def _state(subject: Subject, content: Any) -> tuple[Any, ...]:
    item, *frames = _parts(subject)
    of_frames = [(frame.metadata, frame.metrics) for frame in frames]
    pixels = content.tobytes() if hasattr(content, "tobytes") else content
    return item.metadata, item.facts.extra, of_frames, pixels
