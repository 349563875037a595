"""The contract of derivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from heron.models import Item, MediaFacts
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


class DeriverContract(RecordContract):
    """Rules for a deriver. Set `deriver` and `examples`."""

    deriver: ClassVar[MetadataDeriver]
    """The record that the hook yields."""

    examples: ClassVar[Sequence[tuple[Item, Any, Mapping[str, Any]]]]
    """An item, as `heron.testing.an_item` makes one, its content (None, a picture, or a list of texts), and the values it shall have."""

    plugins: ClassVar[Sequence[object]] = ()
    """Plugins, beside Heron's own, that bring the types of its keys."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.deriver

    def derived(self, item: Item, content: Any) -> dict[str, Any]:
        """The values of an example."""
        given = iter(content) if self.deriver.reads == "text" else content
        found = self.deriver.load()(item, given)
        assert isinstance(found, Mapping), f"it returned {type(found).__name__}, expected a mapping"
        return dict(found)

    def test_examples_have_their_values(self) -> None:
        """Each example has just the values that are written beside it; there is one with values."""
        assert any(values for _, _, values in self.examples), "no example has a value"
        for item, content, values in self.examples:
            given = {key: value for key, value in self.derived(item, content).items() if value is not None}
            assert given == values, item.name

    def test_values_are_of_its_own_keys(self) -> None:
        """Heron refuses a value of any other key."""
        names = {key.name for key in self.deriver.keys}
        for item, content, _ in self.examples:
            others = set(self.derived(item, content)) - names
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
        for item, content, _ in self.examples:
            Validator(schema).encode(self.derived(item, content), item.name)

    def test_an_item_has_the_same_values_each_time(self) -> None:
        """Values are computed again only when something has changed, so they must not depend on the time or on chance."""
        for item, content, _ in self.examples:
            assert self.derived(item, content) == self.derived(item, content)

    def test_the_item_is_left_as_it_is(self) -> None:
        """The item and its content belong to Heron."""
        for item, content, _ in self.examples:
            before = deepcopy((item.metadata, item.facts.extra))
            self.derived(item, content)
            assert (item.metadata, item.facts.extra) == before, f"it has changed the item {item.name}"

    def test_it_works_in_several_threads(self) -> None:
        """Heron calls one loaded function in several threads."""
        derive = self.deriver.load()
        is_text = self.deriver.reads == "text"

        def one(example: tuple[Item, Any, Mapping[str, Any]]) -> dict[str, Any]:
            item, content, _ = example
            found = derive(item, iter(content) if is_text else content)
            return {key: value for key, value in found.items() if value is not None}

        many = [*self.examples] * 8
        with ThreadPoolExecutor(4) as threads:
            for example, values in zip(many, threads.map(one, many), strict=True):
                assert values == example[2], example[0].name
