"""The table of the SDK's methods names all of them, and operations that exist."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from heron_sdk_api.operations import OPERATIONS
from heron_sdk_api.rpc_table import QUERIES
from heron_sdk_api.sdk_methods import ALL_OTHERS_ABSENT, METHODS

pytest.importorskip("encord")


def classes() -> dict[str, Any]:
    """The classes of the SDK that scripts use, by name."""
    from encord import EncordUserClient
    from encord.collection import Collection
    from encord.dataset import Dataset
    from encord.filter_preset import FilterPreset
    from encord.group import Group
    from encord.metadata_schema import MetadataSchema
    from encord.orm.dataset import DataRow
    from encord.project import Project
    from encord.storage import StorageFolder, StorageItem

    found = (
        EncordUserClient, StorageFolder, StorageItem, Collection, FilterPreset, Dataset, DataRow, MetadataSchema, Group, Project,
    )  # fmt: skip
    return {each.__name__: each for each in found}


def methods_of(owner: Any) -> set[str]:
    """The public methods of a class, without properties."""
    return {
        name
        for name, value in vars(owner).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, staticmethod | classmethod))
    }


@pytest.mark.parametrize("name", classes())
def test_the_table_has_every_method_of_the_newest_sdk(name: str) -> None:
    listed = {method.name for method in METHODS if method.owner == name}
    own = methods_of(classes()[name])
    assert listed <= own
    assert name in ALL_OTHERS_ABSENT or own == listed


def test_methods_are_served_by_operations_that_exist_and_every_operation_serves_one() -> None:
    handlers = {each.handler for each in (*OPERATIONS, *QUERIES)}
    named = {handler for method in METHODS for handler in method.handlers} - {"client"}
    assert named <= handlers
    older = {
        "rows.address",
        "rows.addresses",
        "rows.create_dataset",
        "rows.datasets",
    }  # versions up to 0.1.165
    assert handlers - named == older | {"organisation.list_tags"} - named
