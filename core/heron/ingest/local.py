"""The source of local files: paths become units, with the metadata of their sidecars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from heron.errors import InvalidInput, NotFound
from heron.ingest.units import Unit
from heron.metadata.keys import is_unicode, printable
from heron.metadata.sidecars import SUFFIX, read_sidecar
from heron.storage.local_files import path_of_url, walk


def check_paths(paths: Sequence[str | Path]) -> list[Path]:
    """The absolute paths to import; raises NotFound for the first one that is not there."""
    absolute = [path_of_url(str(path)) for path in paths]
    for given, path in zip(paths, absolute, strict=True):
        if not path.exists() and not path.is_symlink():
            raise NotFound(f"{given} is not there", hint="check the spelling, or quote a name with blanks")
    return absolute


def local_units(paths: Sequence[Path], *, sidecar_suffix: str | None = SUFFIX) -> Iterator[Unit]:
    """The files at and below the paths as units, each once. `sidecar_suffix` None reads no sidecars."""
    for root in paths:
        for path in walk(root):
            if any(root.is_relative_to(other) for other in paths[: paths.index(root)]):
                break  # came already with an earlier path
            if sidecar_suffix and path.name.endswith(sidecar_suffix) and _owner(path, sidecar_suffix).is_file():
                continue
            yield _unit(path, sidecar_suffix)


def _unit(path: Path, sidecar_suffix: str | None) -> Unit:
    if not is_unicode(str(path)):
        shown = printable(str(path), limit=200)
        return Unit(shown, shown, path, problem=f"{shown}: the file name is no valid Unicode, rename the file")
    unit = Unit(str(path), path.as_uri(), path)
    if sidecar_suffix:
        sidecar = path.with_name(path.name + sidecar_suffix)
        if sidecar.is_file():
            try:
                return Unit(unit.place, unit.url, path, metadata=read_sidecar(sidecar))
            except InvalidInput as error:
                return Unit(unit.place, unit.url, path, problem=str(error))
    return unit


def _owner(sidecar: Path, suffix: str) -> Path:
    return sidecar.with_name(sidecar.name.removesuffix(suffix))
