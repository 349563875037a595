"""Versions: the hook API, the Heron that a plugin requires, and the packages that its contributions require."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from heron._version import __version__

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

HOOK_API = 1
"""The version of the hook API: it grows when a plugin that was written for the one before has to be changed."""

OLDEST_HOOK_API = 1
"""The oldest version for which plugins still work."""

_PLAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_LOWER_BOUNDS = (">=", ">", "~=", "==", "===")


def refused_api(given: object) -> str | None:
    """Why a plugin whose module has this `HOOK_API` cannot be used; None if it can, or has none."""
    if given is None:
        return None
    if type(given) is not int or given < 1:
        return f"failed: HOOK_API is {given!r:.40}, expected a whole number such as {HOOK_API}"
    if given > HOOK_API:
        return f"too new: it is written for hook API {given}, and Heron {__version__} has {_range()}: pip install -U heron"
    if given < OLDEST_HOOK_API:
        return f"too old: it is written for hook API {given}, and Heron {__version__} has {_range()}: install a newer release of it"
    return None


def refused_heron(required: Iterable[str]) -> str | None:
    """Why a distribution with these `Requires-Dist` cannot be used with this Heron; None if it can."""
    for text in required:
        if not re.match(r"heron\b(?![.\w-])", text, re.IGNORECASE):
            continue
        requirement = parsed(text)
        if requirement is None or not _applies(requirement):
            continue
        if not requirement.specifier.contains(__version__, prereleases=True):
            age = "new" if _wants_newer(requirement.specifier) else "old"
            return f"too {age}: it requires heron {requirement.specifier}, and this is {__version__}"
    return None


def unmet(required: Iterable[str]) -> list[str]:
    """Those of some requirements that are not met: `tapelib`, or `numpy>=99 (2.3.1 is installed)`."""
    return [text if found is None else f"{text} ({found} is installed)" for text, found in _unmet(required)]


def install_command(required: Iterable[str]) -> str:
    """The command that installs some requirements."""
    return "pip install " + " ".join(text if _PLAIN.fullmatch(text) else f'"{text}"' for text in required)


def parsed(text: str) -> Requirement | None:
    """A requirement as pip knows it, such as `numpy>=1.26`; None for a text that is none."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def is_requirement(text: object) -> bool:
    """Whether a text is a requirement, such as `numpy` or `numpy>=1.26`, and not one by a URL."""
    if not isinstance(text, str):
        return False
    if _PLAIN.fullmatch(text):
        return True
    requirement = parsed(text)
    return requirement is not None and requirement.url is None


def _unmet(required: Iterable[str]) -> Iterable[tuple[str, str | None]]:
    for text in required:
        if _PLAIN.fullmatch(text):  # most are only a name, and packaging takes time to import
            if _installed(text) is None:
                yield text, None
            continue
        requirement = parsed(text)
        if requirement is None or not _applies(requirement):
            continue
        found = _installed(requirement.name)
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            yield text, found


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except (PackageNotFoundError, ValueError):  # ValueError: the name is empty
        return None


def _range() -> str:
    return f"{OLDEST_HOOK_API} to {HOOK_API}" if OLDEST_HOOK_API < HOOK_API else str(HOOK_API)


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _wants_newer(specifier: SpecifierSet) -> bool:
    """Whether a specifier excludes this Heron by a bound from below."""
    from packaging.version import InvalidVersion, Version

    ours = Version(__version__)
    for one in specifier:
        if one.operator in _LOWER_BOUNDS and not one.contains(__version__, prereleases=True):
            try:
                return Version(one.version.removesuffix(".*")) >= ours
            except InvalidVersion:
                return False
    return False
