"""The source of local files: paths become units, with the metadata of their sidecars."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from heron.catalog.spelling import absolute_path
from heron.convert import without_secrets
from heron.errors import HeronError, InvalidInput, NotFound
from heron.ingest.units import Unit
from heron.metadata.keys import is_unicode, not_unicode, shown_path
from heron.metadata.sidecars import SUFFIX, read_sidecar
from heron.storage.local_files import walk


def check_paths(paths: Sequence[str | Path]) -> list[Path]:
    """The absolute paths to import; raises NotFound for the first one that does not exist."""
    absolute = [absolute_path(str(path)) for path in paths]
    for given, path in zip(paths, absolute, strict=True):
        if not os.path.lexists(path):
            raise NotFound(
                f"{without_secrets(str(given))} is not there",
                hint="check the spelling, or quote a name with spaces",
            )
    return absolute


def local_units(paths: Sequence[Path], *, sidecar_suffix: str | None = SUFFIX) -> Iterator[Unit]:
    """The files at and below the paths as units, each once. With `sidecar_suffix` None, sidecars are not read.

    Raises InvalidInput for an empty suffix.
    """
    if sidecar_suffix == "":
        raise InvalidInput("the suffix of sidecars cannot be empty", hint="--no-sidecars reads none")
    return _walk_all(paths, sidecar_suffix)


class Count:
    """The number of files at and below some paths, without sidecars, counted by a thread of its own meanwhile."""

    def __init__(self, paths: Sequence[Path], sidecar_suffix: str | None) -> None:
        self._paths = paths
        self._suffix = sidecar_suffix
        self._total: int | None = None
        threading.Thread(target=self._count, name="count", daemon=True).start()

    def __call__(self) -> int | None:
        """The number, or None as long as it is not known."""
        return self._total

    def _count(self) -> None:
        try:
            self._total = sum(1 for _ in _named(self._paths, self._suffix))
        except (HeronError, OSError, ValueError):
            pass  # the import itself reports it


def _walk_all(paths: Sequence[Path], sidecar_suffix: str | None) -> Iterator[Unit]:
    for folder, name, prefix, suffix in _named(paths, sidecar_suffix):
        yield _unit(folder, name, prefix, suffix)


def _named(paths: Sequence[Path], sidecar_suffix: str | None) -> Iterator[tuple[Path, str, str, str | None]]:
    """Each file: its folder, its name, the URL of the folder, and the suffix of its sidecar if it has one."""
    given = dict.fromkeys(paths)
    for root in given:
        if any(parent in given for parent in root.parents):
            continue  # the folder above it is a source too
        for folder, names in walk(root):
            alone = root == folder / names[0]
            listed = frozenset(names)
            prefix = folder.as_uri().rstrip("/") + "/"
            for name in names:
                if sidecar_suffix and name.endswith(sidecar_suffix):
                    owner = name.removesuffix(sidecar_suffix)
                    if owner in listed or (alone and folder / owner in given):
                        continue
                beside = name + (sidecar_suffix or "")
                has_sidecar = bool(sidecar_suffix) and (
                    beside in listed or (alone and _is_file(folder / beside))
                )
                yield folder, name, prefix, sidecar_suffix if has_sidecar else None


def _is_file(path: Path) -> bool:
    """Whether a file is there; none is whose name would be too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def _unit(folder: Path, name: str, prefix: str, sidecar_suffix: str | None) -> Unit:
    path = folder / name
    place = str(path)
    if not is_unicode(place):
        return Unit(
            shown_path(place), prefix + quote(os.fsencode(name)), path, problem=str(not_unicode(place))
        )
    url = prefix + quote(name)
    if sidecar_suffix is None:
        return Unit(place, url, path)
    try:
        return Unit(place, url, path, metadata=read_sidecar(folder / (name + sidecar_suffix)))
    except InvalidInput as error:
        return Unit(place, url, path, problem=str(error))
