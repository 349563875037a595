"""Finds the rows of items in columns: those that the acting user sees, and what folders and collections mean."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from heron.catalog.access import Access
from heron.catalog.columns.kept import Opened, TableColumns
from heron.catalog.database import Database
from heron.catalog.file_names import of_several_files, patterns
from heron.catalog.folders import FolderService
from heron.catalog.paths import HERE, path_of
from heron.columns.segments import Segment
from heron.metadata.keys import ARCHIVE_MARK
from heron.search import tree
from heron.search.column_finding import visible
from heron.search.column_parts import NotInColumns, Part, Parts, calculated, like
from heron.search.column_writer import ColumnWriter
from heron.search.columns_engine import ColumnsEngine
from heron.search.plan import Plan
from heron.search.sqlite_engine import SqliteEngine

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]
    Expr = polars.Expr

Found = TypeVar("Found")


class Memberships(Protocol):
    """What names in conditions mean."""

    def folders(self, path: str, recursive: bool) -> Sequence[int]:
        """The inner ids of a folder, and if `recursive` of those below it."""

    def folder_paths(self) -> Mapping[int, str]:
        """The paths of all folders by their inner ids."""

    def items(self, condition: tree.Condition) -> Array:
        """The inner ids of the items for which a condition is true that SQLite answers from an index."""

    def of_several_files(self, name: str) -> Sequence[int]:
        """The inner ids of the items of several files that have a file of a name."""

    def located(self, url: str) -> str:
        """The absolute URL of a file, which may be given in stored form or by another path of the workspace."""


class ItemColumnWriter(ColumnWriter):
    """Writes conditions on items for one segment, folders and what they are members of among them."""

    def __init__(self, segment: Segment, names: Memberships) -> None:
        super().__init__(segment)
        self._names = names

    def condition(self, node: tree.Condition) -> Expr:
        """A condition: a boolean expression, null where it is unknown."""
        match node:
            case tree.InFolder(path, recursive):
                return self._column("folder_id").is_in(self._names.folders(path, recursive))
            case tree.InCollection() | tree.InDataset() | tree.InProject() | tree.Match():
                return self._among(self._names.items(node))
            case tree.HasFile(name):
                return self._has_file(name)
            case tree.Comparison("=", tree.FieldRef(field), tree.Value(str(url))) if _is_url(field):
                given = tree.Value(self._names.located(url), "text")
                return self._comparison("=", tree.FieldRef(field), given)
        return super().condition(node)

    def _field(self, field: tree.Field) -> Parts:
        if field.home == "derived":
            return self._derived(field.path[0])
        parts = super()._field(field)
        return {sort: self._located(part) for sort, part in parts.items()} if _is_url(field) else parts

    def _located(self, part: Part) -> Part:
        """URLs as they are shown: those of files below the workspace are stored relative to it."""
        import polars as pl

        if part.family != "text":
            raise NotInColumns
        self.is_slow = True
        whole = pl.lit(self._names.located(HERE)) + part.expr.str.slice(len(HERE))
        is_below = part.expr.str.starts_with(HERE)
        return Part("text", pl.when(is_below).then(whole).otherwise(part.expr))

    def _has_file(self, name: str) -> Expr:
        """As `catalog.file_names.has_file_sql` says it."""
        import polars as pl

        path = pl.lit("/") + self._derived("path")["text"].expr
        wanted: Sequence[str] = patterns(name)
        if self._segment.column(self._segment.derived("in archives", _in_archives)).any():
            path = path.str.replace_all(ARCHIVE_MARK, f"{ARCHIVE_MARK}/", literal=True)
        else:
            wanted = wanted[:1]  # the second one is for an archive of that name
        named = (like(Part("text", path), pattern, "!") for pattern in wanted)
        return reduce(or_, named, self._among(self._names.of_several_files(name)))

    def _derived(self, name: str) -> Parts:
        import polars as pl

        if name == "path":
            self.is_slow = True
            return {"text": Part("text", pl.col(self._segment.derived("path", _paths)))}
        if name == "folder":
            self.is_slow = True
            known = self._names.folder_paths()
            return {
                "text": Part(
                    "text",
                    self._column("folder_id").replace_strict(known, default=None, return_dtype=pl.String),
                )
            }
        if name not in ("area", "aspect_ratio"):
            raise NotInColumns
        width, height = (
            self._of_place(("column", (side,))).get("number", Part("whole", pl.lit(None, pl.Int64), 0))
            for side in ("width", "height")
        )
        return {"number": calculated("*" if name == "area" else "/", width, height)}

    def _column(self, name: str) -> Expr:
        import polars as pl

        title = self._segment.columns.get(("column", (name,), "whole"))
        return pl.lit(None, pl.Int64) if title is None else pl.col(title)


def _is_url(field: tree.Field) -> bool:
    return field.home == "column" and field.path == ("url",)


def _paths(segment: Segment) -> polars.Series:
    """The paths of the URLs of a segment, as `catalog/paths.py` makes them."""
    import polars as pl

    title_of_url = segment.columns.get(("column", ("url",), "text"))
    if title_of_url is None:
        return pl.Series([None] * len(segment.ids), dtype=pl.String)
    frame = segment.table([title_of_url])
    url = pl.col(title_of_url)
    is_local = url.str.starts_with(HERE) | url.str.starts_with("file:///")
    plain = frame.select(pl.when(is_local).then(url.str.slice(len(HERE))).otherwise(url)).to_series()
    places = frame.select(url.str.contains("%", literal=True).fill_null(False)).to_series().arg_true()
    if not len(places):
        return plain
    return plain.scatter(places, [path_of(given) for given in frame[title_of_url].gather(places)])


def _in_archives(segment: Segment) -> polars.Series:
    """Whether each path is that of a file in an archive."""
    return segment.column(segment.derived("path", _paths)).str.contains(ARCHIVE_MARK, literal=True)


class ItemColumnsEngine(ColumnsEngine):
    """Answers plans of items by their columns."""

    def __init__(
        self,
        database: Database,
        access: Access,
        sqlite: SqliteEngine,
        columns: TableColumns,
        folders: FolderService,
    ) -> None:
        super().__init__(database, sqlite, columns)
        self._access = access
        self._folders = folders
        self._names: Memberships = _Names(database, sqlite, folders)
        self._reached = _Reached(())

    def _begin(self, opened: Opened | None) -> None:
        self._names = _Names(self._database, self._sqlite, self._folders)

    def _writer(self, segment: Segment) -> ColumnWriter:
        return ItemColumnWriter(segment, self._names)

    def _is_elsewhere(self, part: tree.Condition) -> bool:
        return False

    def _there(self, opened: Opened, elsewhere: Sequence[tree.Condition]) -> Sequence[Array]:
        reach = self._access.reach()
        if reach is not None and self._reached.folders != reach.folders:
            self._reached = _Reached(reach.folders)
        found = []
        for segment in opened.segments:
            there = visible(segment, opened.pending)
            if reach is not None:
                there &= self._reached.rows(segment, reach.items)
            found.append(there)
        self._reached.keep(opened.segments)
        return found


class _Names:
    """Finds what names mean in SQLite, once in a query."""

    def __init__(self, database: Database, sqlite: SqliteEngine, folders: FolderService) -> None:
        self._database = database
        self._sqlite = sqlite
        self._folders = folders
        self._found: dict[Hashable, Any] = {}

    def folders(self, path: str, recursive: bool) -> Sequence[int]:
        """The inner ids of a folder, and if `recursive` of those below it."""
        return self._once(
            (path, recursive), lambda: self._folders._ids_from(self._folders.get(path), recursive=recursive)
        )

    def folder_paths(self) -> Mapping[int, str]:
        """The paths of all folders by their inner ids."""
        return self._once("folders", self._folders._paths_by_id)

    def items(self, condition: tree.Condition) -> Array:
        """The inner ids of the items for which a condition is true."""
        return self._once(condition, lambda: self._sqlite.ids(Plan("items", condition)))

    def of_several_files(self, name: str) -> Sequence[int]:
        """The inner ids of the items of several files that have a file of a name."""
        return self._once(("file", name), lambda: of_several_files(self._database, name))

    def located(self, url: str) -> str:
        """The absolute URL of a file, which may be given in stored form or by another path of the workspace."""
        places = self._database.places
        return places.located(places.kept(url)) or ""

    def _once(self, key: Hashable, find: Callable[[], Found]) -> Found:
        if key not in self._found:
            self._found[key] = find()
        found: Found = self._found[key]
        return found


class _Reached:
    """Which rows of segments are in the folders that a user reads. Segments never change, so each is looked at once."""

    def __init__(self, folders: Sequence[int]) -> None:
        self.folders = folders
        self._rows: dict[Hashable, Array] = {}

    def keep(self, segments: Sequence[Segment]) -> None:
        """Forget the rows of all other segments, which are in use no more."""
        files = {segment.file for segment in segments}
        if self._rows.keys() - files:
            self._rows = {file: rows for file, rows in self._rows.items() if file in files}

    def rows(self, segment: Segment, items: Sequence[int]) -> Array:
        """The rows of a segment in one of the folders, and those of some items: bool."""
        import numpy as np

        if segment.file not in self._rows:
            is_reached = np.zeros(max([0, *self.folders]) + 1, dtype=bool)
            is_reached[list(self.folders)] = True
            self._rows[segment.file] = is_reached[_folders_of(segment, len(is_reached))]
        rows = self._rows[segment.file]
        return rows | np.isin(segment.ids, np.asarray(items, np.int64)) if items else rows


def _folders_of(segment: Segment, end: int) -> Array:
    """The folder of each row; 0, which no folder is, for items that are gone and for folders from `end` on."""
    import numpy as np

    title = segment.columns.get(("column", ("folder_id",), "whole"))
    if title is None:
        return np.zeros(len(segment.ids), np.int64)  # all of its items are gone
    held: Array = segment.column(title).fill_null(0).to_numpy()
    return np.where(held < end, held, 0)
