"""The source of local groups and sequences: the images of each folder are one unit; images given one by one
are one too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath
from urllib.parse import quote

from heron.errors import NotFound
from heron.ingest.manifest.entries import group_url
from heron.ingest.units import Unit
from heron.metadata.keys import file_name, is_unicode, not_unicode, shown_path
from heron.models import Kind, Member
from heron.storage.local_files import walk

_DIGITS = re.compile(r"(\d+)")


def batched_units(paths: Sequence[Path], kind: Kind, kind_of: Callable[[str], Kind | None]) -> Iterator[Unit]:
    """The images at and below the paths: one unit for each folder, and one for the images named one by one.

    Files of a folder are sorted by name, with numbers sorted by value; images named one by one keep the
    order given. In folders, files whose suffix is not that of an image are skipped. Raises NotFound if
    there is no image at all.
    """
    named = [path for path in dict.fromkeys(paths) if not path.is_dir()]
    found = 0
    if named:
        found += 1
        yield _unit(named, kind, named[0].parent.name)
    for root in dict.fromkeys(path for path in paths if path.is_dir()):
        for folder, names in walk(root):
            images = [folder / name for name in sorted(names, key=natural) if kind_of(name) == "image"]
            if images:
                found += 1
                yield _unit(images, kind, folder.name)
    if not found:
        raise NotFound(
            f"there is no image below {', '.join(map(str, paths))}",
            hint="images are recognised by their suffix here",
        )


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """The key that sorts file names as people do: `frame.png`, `frame2.png`, `frame10.png`."""
    parts = filter(None, _DIGITS.split(PurePath(name).stem.lower()))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name


def _unit(paths: Sequence[Path], kind: Kind, name: str) -> Unit:
    place = str(paths[0].parent)
    broken = next((path for path in paths if not is_unicode(str(path))), None)
    if broken is not None:
        return Unit(shown_path(place), broken.as_uri(), problem=str(not_unicode(broken)))
    urls = [path.parent.as_uri().rstrip("/") + "/" + quote(path.name) for path in paths]
    members = tuple(Member(url) for url in urls)
    return Unit(
        place, group_url(kind, urls), kind=kind, name=file_name(name) if name else None, members=members
    )
