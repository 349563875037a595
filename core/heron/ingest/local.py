"""The source of local files: paths become units, with the metadata of their sidecars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

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
    for number, root in enumerate(paths):
        if any(root.is_relative_to(earlier) for earlier in paths[:number]):
            continue
        for folder, names in walk(root):
            listed = frozenset(names)
            if sidecar_suffix and root == folder / names[0]:  # a file named itself
                listed |= {name for name in (root.name + sidecar_suffix,) if (folder / name).is_file()}
            prefix = folder.as_uri().rstrip("/") + "/"
            for name in names:
                if (
                    sidecar_suffix
                    and name.endswith(sidecar_suffix)
                    and name.removesuffix(sidecar_suffix) in listed
                ):
                    continue
                has_sidecar = sidecar_suffix is not None and name + sidecar_suffix in listed
                yield _unit(folder, name, prefix, sidecar_suffix if has_sidecar else None)


def _unit(folder: Path, name: str, prefix: str, sidecar_suffix: str | None) -> Unit:
    path = folder / name
    place = str(path)
    if not is_unicode(place):
        shown = printable(place, limit=200)
        return Unit(
            shown, shown, path, problem=f"{shown}: the file name is no valid Unicode, rename the file"
        )
    url = prefix + quote(name)
    if sidecar_suffix is None:
        return Unit(place, url, path)
    try:
        return Unit(place, url, path, metadata=read_sidecar(folder / (name + sidecar_suffix)))
    except InvalidInput as error:
        return Unit(place, url, path, problem=str(error))
