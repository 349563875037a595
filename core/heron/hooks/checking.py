"""Checks a record whole when it is registered, so that a bad one is listed with its reason and harms nothing later."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from heron.errors import PluginError
from heron.hooks.actions import ActionOption, ItemAction
from heron.hooks.backends import StorageBackend
from heron.hooks.contributions import (
    CliCommand,
    Contribution,
    DatasetExporter,
    MediaDecoder,
    MediaFormat,
    MediaKind,
    MetadataType,
    QualityMetrics,
)
from heron.hooks.derivers import DerivedKey, MetadataDeriver
from heron.hooks.embedders import EmbedderModel
from heron.hooks.importers import DatasetImporter
from heron.hooks.option import Option
from heron.hooks.query_functions import QueryFunction
from heron.hooks.versions import is_requirement
from heron.hooks.viewers import Viewer

SECONDS = 0.05
"""The most seconds that a signature may take for the beginning of one file."""

_NAME = r"[^\s/\\]{1,64}"
_WORD = r"[A-Za-z][A-Za-z0-9_]{0,63}"
_TYPE = r"[a-z]+/[A-Za-z0-9][A-Za-z0-9.+*_-]*"
_REPEATS = re.compile(rb"[*+{]")
_HEADS = [bytes(1024), b"a" * 1024, b"0 " * 512, b"\xff" * 1024, b"<!-- " * 204, bytes(range(256)) * 4]
"""Beginnings of files on which a signature that backtracks shows it."""


def check(record: Contribution, *, is_own: bool) -> None:
    """Raise PluginError that names the record and its fault. Signatures of Heron's own plugins are not timed."""
    for name, value, (expected, is_right) in _facts(record):
        if not is_right(value):
            raise _fault(record, f"{name} is {_shown(value)}, expected {expected}")
    if isinstance(record, MediaDecoder):
        if not record.formats:
            raise _fault(record, "it has no formats")
        for format in record.formats:
            _check_format(record, format, is_own=is_own)
    if isinstance(record, StorageBackend):
        _check_hosts(record)
    if isinstance(record, EmbedderModel) and record.text_overlap > record.text_size // 4:
        raise _fault(
            record, f"text_overlap is {record.text_overlap}, expected at most a quarter of text_size"
        )


def _facts(record: Contribution) -> list[tuple[str, Any, tuple[str, Callable[[Any], bool]]]]:
    """The fields of a record with their values and rules."""
    rules = {**_ALL, **next((rules for kind, rules in _RULES.items() if isinstance(record, kind)), {})}
    return [(name, getattr(record, name), rule) for name, rule in rules.items() if hasattr(record, name)]


def _check_format(record: MediaDecoder, format: MediaFormat, *, is_own: bool) -> None:
    if not isinstance(format, MediaFormat):
        raise _fault(record, f"one of its formats is {_shown(format)}, expected a MediaFormat")
    if not _matches(_TYPE)(format.media_type):
        raise _fault(record, f"media_type is {_shown(format.media_type)}, expected one such as image/png")
    where = f"format {format.media_type}"
    if not _matches(r"[a-z][a-z0-9_]{0,63}")(format.kind):
        raise _fault(record, f"{where}: kind is {_shown(format.kind)}, expected the name of a kind")
    for suffix in format.suffixes:
        if not _matches(r"\.[^\s/\\]+")(suffix) or suffix != suffix.lower():
            raise _fault(record, f"{where}: the suffix {_shown(suffix)} is not in lower case with its dot")
    if format.signature is None:
        if not format.suffixes:
            raise _fault(record, f"{where}: nothing tells its files, it has neither suffixes nor a signature")
        return
    if not isinstance(format.signature, bytes):
        raise _fault(record, f"{where}: the signature is {_shown(format.signature)}, expected bytes")
    try:
        pattern = format.pattern()
    except (re.error, RecursionError, OverflowError) as error:
        raise _fault(
            record, f"{where}: the signature {_shown(format.signature)} is no pattern: {error}"
        ) from error
    assert pattern is not None
    if not is_own:
        _time(record, format)
    if pattern.match(b""):
        raise _fault(record, f"{where}: the signature {_shown(format.signature)} matches every file")


def _time(record: MediaDecoder, format: MediaFormat) -> None:
    match = bounded(format)
    if match is None:
        return
    for head in _HEADS:
        try:
            match(head)
        except TimeoutError:
            raise _fault(
                record,
                f"format {format.media_type}: the signature {_shown(format.signature)} takes more than {SECONDS * 1000:.0f} ms for some files",
            ) from None


def bounded(format: MediaFormat) -> Callable[[bytes], re.Match[bytes] | None] | None:
    """A function that matches the signature of a format, and raises TimeoutError when it takes too long.

    None for a signature that repeats nothing: it takes no longer than it is long.
    """
    if format.signature is None or not _REPEATS.search(format.signature):
        return None
    import regex

    pattern = regex.compile(format.signature, regex.DOTALL)
    return lambda head: pattern.match(head, timeout=SECONDS)


def _check_hosts(record: StorageBackend) -> None:
    for host in record.hosts:
        try:
            re.compile(host)
        except (re.error, RecursionError, OverflowError) as error:
            raise _fault(record, f"the host {_shown(host)} is no pattern: {error}") from error


def _fault(record: Contribution, reason: str) -> PluginError:
    return PluginError(f"{record.sort} {record.name}: {reason}")


def _shown(value: object) -> str:
    try:
        return f"{value!r:.80}".encode("utf-8", "backslashreplace").decode()
    except Exception:  # noqa: BLE001 - a stranger's object
        return f"<{type(value).__name__}>"


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _each(pattern: str) -> Callable[[Any], bool]:
    is_one = _matches(pattern)
    return lambda values: all(map(is_one, values))


def _one_of(*values: str) -> tuple[str, Callable[[Any], bool]]:
    return f"one of {', '.join(values)}", lambda value: value in values


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= 300


def _is_cosine(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1 <= value <= 1


def _from_one(value: Any) -> bool:
    return type(value) is int and value >= 1


def _are_options(values: Any) -> bool:
    return all(isinstance(each, Option) and _is_option(each) for each in values) and len(
        {each.name for each in values}
    ) == len(values)


def _is_option(option: Option) -> bool:
    """Whether an option is one that can be set, with a default of its type."""
    fits: dict[str, Any] = {"text": str, "number": (int, float), "boolean": bool}
    if option.type not in fits or not _matches(_WORD)(option.name) or not _is_line(option.summary):
        return False
    if option.default is None:
        return True
    if option.secret or (isinstance(option.default, bool) and option.type != "boolean"):
        return False
    return isinstance(option.default, fits[option.type]) and (
        not option.choices or option.default in option.choices
    )


_BOOLEAN = "True or False", lambda value: type(value) is bool
_CALLABLE = "a function", callable
_OPTIONAL = "a function or None", lambda value: value is None or callable(value)

_ISOLATION = _one_of("process", "none")

_ALL: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("1 to 64 characters without blanks and slashes", _matches(_NAME)),
    "summary": ("one line of text", _is_line),
    "requires": (
        "requirements as pip knows them, such as numpy>=1.26",
        lambda values: all(map(is_requirement, values)),
    ),
    "extra": ("the name of an extra, or None", lambda value: value is None or _matches(_NAME)(value)),
    "planned": _BOOLEAN,
    "options": ("Options, each once, with a default of its type, or none if it is a secret", _are_options),
    "load": _CALLABLE,
}
"""What holds for every record: the expected values in words, and as a function."""

_RULES: Mapping[type[Contribution], Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    StorageBackend: {
        "schemes": ("URL schemes in lower case", _each(r"[a-z][a-z0-9+.-]*")),
        "hosts": ("patterns of host names", lambda value: all(isinstance(host, str) for host in value)),
        "normalise": _OPTIONAL,
        "store": _OPTIONAL,
        "store_of_url": _OPTIONAL,
    },
    MediaKind: {
        "arrays": ("names of arrays", _each(_WORD)),
        "media_type": ("a media type, or a family such as image/*", _matches(rf"{_TYPE}|[a-z]+/\*")),
        "slices": _BOOLEAN,
        "visual": _BOOLEAN,
        "has_text": _BOOLEAN,
    },
    MediaDecoder: {
        "personal": ("facts such as dicom.PatientName", _each(rf"{_WORD}\..+")),
        "isolation": _ISOLATION,
    },
    MetadataType: {
        "affinity": _one_of("text", "number", "boolean", "json"),
        "aliases": ("names", _each(_NAME)),
        "compares": ("a word or None", lambda value: value is None or _matches(_WORD)(value)),
        **dict.fromkeys(("scalar", "full_text", "indexed", "vector", "ordered"), _BOOLEAN),
    },
    QualityMetrics: {
        "measures": ("names of metrics", lambda value: bool(value) and _each(_WORD)(value)),
        "isolation": _ISOLATION,
    },
    MetadataDeriver: {
        "keys": ("DerivedKeys", lambda values: all(isinstance(each, DerivedKey) for each in values)),
        "version": ("a text of one line", lambda value: _is_line(value) and bool(value)),
        "uses": ("names of metadata keys", lambda values: all(map(_is_line, values))),
        "kinds": ("names of kinds", _each(r"[a-z][a-z0-9_]{0,63}")),
        "picture_size": ("pixels from 1 to 16384", lambda value: _from_one(value) and value <= 16_384),
        "on_import": _BOOLEAN,
    },
    EmbedderModel: {
        "size": ("1 to 4096 or None", lambda value: value is None or (_from_one(value) and value <= 4096)),
        "embeds": ("image, text or both", lambda value: bool(value) and set(value) <= {"image", "text"}),
        "takes_model": _BOOLEAN,
        "isolation": _ISOLATION,
        "reads": (
            "picture, text, both or None",
            lambda value: value is None or (bool(value) and set(value) <= {"picture", "text"}),
        ),
        "batch": ("a whole number from 1", _from_one),
        "picture_size": ("pixels from 1", _from_one),
        "text_size": ("characters from 16 to 1000000", lambda value: _from_one(value) and 16 <= value <= 10**6),
        "text_overlap": ("characters from 0", lambda value: type(value) is int and value >= 0),
        "copies_from": ("a cosine from -1 to 1 or None", lambda value: value is None or _is_cosine(value)),
        "turns": _BOOLEAN,
    },
    DatasetExporter: {
        "suffix": ("empty or with its dot", _matches(r"(\.[^\s/\\]+)?")),
        **dict.fromkeys(("writes_folder", "takes_template", "resumes"), _BOOLEAN),
    },
    QueryFunction: {"columns": _OPTIONAL},
    Viewer: {"module": ("an absolute path, such as Path(__file__).with_name('viewer.js')", Path.is_absolute)},
    ItemAction: {
        "options": (
            "ActionOptions",
            lambda values: all(isinstance(each, ActionOption) and _matches(_WORD)(each.name) for each in values),
        ),
        "kinds": ("names of kinds", _each(r"[a-z][a-z0-9_]{0,63}")),
        "changes": _BOOLEAN,
    },
    DatasetImporter: {
        "reads_folder": _BOOLEAN,
        "annotations": (
            "names of annotations with what they are",
            lambda value: isinstance(value, Mapping) and all(map(_matches(_WORD), value)) and all(map(_is_line, value.values())),
        ),
    },
    CliCommand: {"name": ("a word in lower case, perhaps with -", _matches(r"[a-z][a-z0-9-]{0,63}"))},
}  # fmt: skip
"""What holds for some sorts of records."""
