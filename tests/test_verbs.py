"""Verbs of one name behave alike in each service: what they take, what they return, and that their types are public."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import attrs
import pytest

import heron
from heron.holdings import Holdings
from heron.records import Record
from heron.workspace import Workspace

ELSEWHERE = {
    "Any",
    "Array",
    "Callable",
    "Image",
    "Iterable",
    "Iterator",
    "Json",
    "Mapping",
    "None",
    "Path",
    "Sequence",
    "T",
}
"""Types of other packages, and `Json`, which is any value that JSON can hold."""
LITERALS = {
    "Choice",
    "Value",
    "Compares",
    "FileState",
    "UseKind",
    "Form",
    "ImportState",
    "Kind",
    "Literal",
    "Way",
    "Why",
}
"""Texts of which there are few."""


def services():
    """The class of each service, by the name under which a workspace has it."""
    for name, value in (vars(Holdings) | vars(Workspace)).items():
        if name.startswith("_") or name == "plugins" or not hasattr(value, "func"):
            continue
        yield name, value.func.__annotations__["return"]


@pytest.fixture(scope="module")
def verbs(tmp_path_factory):
    """The signature of each public verb, by `service.verb`."""
    with heron.open(tmp_path_factory.mktemp("lake"), discover=False) as workspace:
        found = {}
        for name, _ in services():
            kind = type(getattr(workspace, name))
            for verb, function in inspect.getmembers(kind, inspect.isfunction):
                if not verb.startswith("_") or verb == "__call__":
                    found[f"{name}.{verb}"] = inspect.signature(inspect.unwrap(function))
        return found


def named(verbs, verb):
    return {name: signature for name, signature in verbs.items() if name.endswith(f".{verb}")}


def test_get_raises_and_find_gives_none(verbs):
    gets, finds = named(verbs, "get"), named(verbs, "find")
    assert len(gets) > 9 and len(finds) > 9
    for name, signature in gets.items():
        assert not str(signature.return_annotation).endswith("None"), name
    for name, signature in finds.items():
        assert str(signature.return_annotation).endswith(" | None"), name
    for name in set(gets) & {name.replace("find", "get") for name in finds}:
        get, find = gets[name], finds[name.replace("get", "find")]
        assert f"{get.return_annotation} | None" == find.return_annotation, name
        assert list(get.parameters) == list(find.parameters), name


def test_list_gives_a_list_with_a_limit(verbs):
    lists = named(verbs, "list")
    assert len(lists) > 9
    for name, signature in lists.items():
        assert signature.return_annotation.startswith("list["), name
        assert signature.parameters["limit"].default is None, name
        assert signature.parameters["limit"].kind is inspect.Parameter.KEYWORD_ONLY, name


def test_a_stream_is_an_iterator_and_has_a_list_beside_it(verbs):
    streams = named(verbs, "stream")
    assert streams
    for name, signature in streams.items():
        assert signature.return_annotation.startswith("Iterator["), name
        assert name.replace("stream", "list") in verbs, name


def test_create_rename_and_update_return_the_record(verbs):
    for verb in ("create", "rename", "update"):
        for name, signature in named(verbs, verb).items():
            get = verbs[f"{name.partition('.')[0]}.get"]
            assert signature.return_annotation == get.return_annotation, name


def test_set_metadata_returns_a_record_and_merges_by_keyword(verbs):
    for name, signature in named(verbs, "set_metadata").items():
        assert signature.return_annotation in ("Folder", "Frame", "Item"), name
        assert signature.parameters["merge"].kind is inspect.Parameter.KEYWORD_ONLY, name


def test_delete_and_remove_tell_how_much_went(verbs):
    for verb in ("delete", "remove"):
        for name, signature in named(verbs, verb).items():
            assert signature.return_annotation in ("int", "None", "FolderContents"), name


def test_one_idea_has_one_keyword(verbs):
    others = {"advanced", "callback", "on_progress", "page_size", "count_limit", "max_items", "dataset_ref"}
    for name, signature in verbs.items():
        assert not others & set(signature.parameters), name


def test_limits_are_held_and_refused_below_one(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        for title in "abc":
            workspace.collections.create(title)
            workspace.datasets.create(title)
            workspace.folders.create(title)
            workspace.presets.create(title, heron.Query())
            workspace.integrations.create(title, "local")
            workspace.imports._start(title, None, {})
            facts = heron.MediaFacts("video", "video/mp4", frame_count=9)
            workspace.registration.register([heron.NewItem(f"s3://lake/{title}", facts)], "a")
        workspace.frames.set("a", [1, 2, 3])
        for name in ("collections", "datasets", "folders", "presets", "integrations", "imports", "items"):
            verb = getattr(workspace, name).list
            assert len(verb()) == 3 and verb(limit=2) == verb()[:2], name
            with pytest.raises(heron.InvalidInput, match="limit is 0"):
                verb(limit=0)
        assert [frame.number for frame in workspace.frames.list("a", limit=2)] == [1, 2]
        assert isinstance(workspace.items.stream(), Iterator)


def test_every_type_that_a_public_verb_returns_is_a_name_of_the_package(verbs):
    for name, signature in verbs.items():
        for word in re.findall(r"[A-Z]\w*", str(signature.return_annotation)):
            assert word in heron.__all__ or word in ELSEWHERE, (name, word)


def test_types_within_returned_records_are_names_of_the_package_too():
    for name in heron.__all__:
        kind = getattr(heron, name)
        if isinstance(kind, type) and issubclass(kind, Record):
            for part in attrs.fields(kind):
                for word in re.findall(r"\b[A-Z]\w*", str(part.type)):
                    assert word in heron.__all__ or word in ELSEWHERE | LITERALS, (name, part.name, word)


def test_what_a_user_sees_of_a_workspace_is_what_the_docs_describe(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        seen = {name for name in dir(workspace) if not name.startswith("_")}
    own = {
        "access",
        "asks_often",
        "atomic",
        "close",
        "export",
        "open_as",
        "plugins",
        "root",
        "show",
        "tables",
        "user",
    }
    assert seen == {name for name, _ in services()} | own


def test_every_verb_takes_references_by_one_rule(verbs):
    takes = {
        "ref": "(?:Item|Folder|Collection|Dataset|Integration|Import|Preset|User|Key|Token|Group|Project|Tag|Version)Ref"
        "|DatasetRef . VersionRef|VersionRef . DatasetRef", "refs": "ItemRefs",
        "item": "ItemRef", "items": "ItemRefs|ItemRefs . Query . None|Iterable.NewItem.", "things": "ItemRefs",
        "thing": "ItemRef", "folder": "FolderRef|FolderRef . None|str . Path", "parent": "FolderRef . None|FolderRef",
        "backing_folder": "FolderRef . None", "collection": "CollectionRef . None|CollectionRef", "first": "DatasetRef",
        "second": "DatasetRef", "integration": "IntegrationRef . None", "job": "ImportRef", "frame": "Frame|int . None",
    }  # fmt: skip
    for name, signature in verbs.items():
        for parameter, pattern in takes.items():
            if parameter in signature.parameters:
                annotation = str(signature.parameters[parameter].annotation)
                assert re.fullmatch(pattern, annotation), (name, parameter, annotation)
