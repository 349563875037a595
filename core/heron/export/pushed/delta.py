"""Tables of Delta Lake over pushed files: each push is one commit in the log of each table (delta-rs).

The library writes the log in a temporary folder, since it does not know Heron's integrations; Heron copies the log there and back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from heron.errors import HeronError
from heron.export.pushed.manifest import PushedFile, PushedTable
from heron.export.pushed.place import PushPlace

LOG = "_delta_log"

_PRIMITIVES: Mapping[str, str] = {
    "text": "string", "integer": "long", "float": "double", "boolean": "boolean", "time": "timestamp",
}  # fmt: skip


def commit(place: PushPlace, table: PushedTable) -> None:
    """Let the log of a table say that it consists of the files that it has now; raises HeronError for a damaged log."""
    from deltalake.exceptions import DeltaError

    with TemporaryDirectory() as folder:
        root = Path(folder)
        log = root / LOG
        log.mkdir()
        known = {path.rpartition("/")[2]: path for path in place.listed(f"{table.path}/{LOG}")}
        for name, path in known.items():
            (log / name).write_bytes(place.read(path))
        try:
            _commit(root, table, is_new=not known)
        except DeltaError as error:
            raise HeronError(
                f"{place.url}{table.path}/{LOG} cannot be continued: {error}",
                hint=f"delete {LOG} there; the next push begins a new log",
            ) from error
        for file in sorted(log.iterdir()):
            if file.name not in known or file.name == "_last_checkpoint":
                place.write(f"{table.path}/{LOG}/{file.name}", file.read_bytes())


def _commit(root: Path, table: PushedTable, *, is_new: bool) -> None:
    from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties
    from deltalake.transaction import RemoveAction, create_table_with_add_actions

    schema, partitions = _schema(table), list(table.partitioned_by)
    adds = {_path(table, file): file for file in table.files}
    described = CommitProperties(custom_metadata={"writer": "heron columns push"})
    if is_new:
        actions = [_add(path, file) for path, file in adds.items()]
        create_table_with_add_actions(
            str(root), schema, actions, partition_by=partitions, commit_properties=described
        )
        return
    known = DeltaTable(root)
    there = {
        _escaped(row["path"]): row["size_bytes"]
        for row in known.get_add_actions(flatten=True).to_struct_array().to_pylist()
    }
    is_same = known.schema() == schema
    moment = int(time.time() * 1000)
    actions = [_add(path, file) for path, file in adds.items() if path not in there or not is_same]
    if is_same:
        actions += [
            RemoveAction(path, True, moment, size) for path, size in there.items() if path not in adds
        ]
    if actions or not is_same:
        known.create_write_transaction(
            actions,
            "append" if is_same else "overwrite",
            schema,
            partitions,
            commit_properties=described,
            post_commithook_properties=PostCommitHookProperties(
                create_checkpoint=True, cleanup_expired_logs=False
            ),
        )


def _path(table: PushedTable, file: PushedFile) -> str:
    return _escaped(file.path[len(table.path) + 1 :])


def _escaped(path: str) -> str:
    """A path as the log writes it: the name of a file as it is, percent signs and the like escaped once more."""
    return quote(path, safe="/=")


def _add(path: str, file: PushedFile) -> Any:
    from deltalake.transaction import AddAction

    stats = json.dumps({"numRecords": file.rows})
    return AddAction(path, file.bytes, dict(file.partition), int(time.time() * 1000), True, stats)


def _schema(table: PushedTable) -> Any:
    from deltalake import Field, Schema
    from deltalake.schema import ArrayType, PrimitiveType, StructType

    def type_of(kind: str) -> Any:
        if kind == "texts":
            return ArrayType(PrimitiveType("string"), contains_null=True)
        if kind == "floats":
            return ArrayType(PrimitiveType("float"), contains_null=True)
        if kind == "place":
            return StructType([Field(name, PrimitiveType("double")) for name in ("latitude", "longitude")])
        return PrimitiveType(_PRIMITIVES[kind])

    return Schema([Field(name, type_of(kind)) for name, kind in table.columns.items()])
