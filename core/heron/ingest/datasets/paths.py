"""Lists of paths or URLs: CSV with a column of them, of which the others are metadata, or text with one a line."""

from __future__ import annotations

from collections.abc import Iterator

from heron.errors import InvalidInput
from heron.hooks import ImportEntry, ImportSource

COLUMNS = (
    "path",
    "file",
    "filepath",
    "file_path",
    "filename",
    "file_name",
    "image",
    "image_path",
    "url",
    "uri",
)
"""Names of the column with the paths, in any case; the first of these that the header has."""


class Paths:
    """Each row, or line, is one item."""

    def entries(self, source: ImportSource) -> Iterator[ImportEntry]:
        """The items in their order."""
        name = source.path.name
        if name.lower().removesuffix(".gz").endswith(".txt"):
            yield from _lines(source, name)
            return
        column: str | None = None
        for place, row in source.rows(name):
            if column is None:
                known = {each.lower(): each for each in row}
                column = next((known[each] for each in COLUMNS if each in known), None)
                if column is None:
                    raise InvalidInput(
                        f"{name} has no column of paths", hint=f"name it one of {', '.join(COLUMNS)}"
                    )
            file = row.get(column, "").strip()
            metadata = {key: text for key, text in row.items() if key and key != column and text.strip()}
            yield ImportEntry(
                place, file=file, metadata=metadata, problem=None if file else f"its {column} is empty"
            )


def _lines(source: ImportSource, name: str) -> Iterator[ImportEntry]:
    with source.open(name) as stream:
        for number, line in enumerate(stream, start=1):
            place = f"{name}, line {number}"
            try:
                text = line.decode("utf-8-sig").strip()
            except UnicodeDecodeError:
                yield ImportEntry(place, problem="it is not UTF-8 text")
                continue
            if text:
                yield ImportEntry(place, file=text)
