"""One entry of a manifest: how its keys are spelt, the records that cattrs validates, and the unit made from it."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from attrs import Factory, define, evolve, fields_dict, frozen

from heron.catalog.registration import check_url
from heron.convert import converter, faults, without_secrets
from heron.errors import BadCredentials, HeronError, InvalidInput, PluginError, Unreachable
from heron.export.headers import is_of_items
from heron.hooks import MediaKind
from heron.ingest.manifest.exported import entry_of
from heron.ingest.manifest.facts import Facts, known_facts, media_facts, picture_size
from heron.ingest.units import Unit
from heron.json_stream import Repeated
from heron.media.kinds import Kinds, plain
from heron.metadata.keys import printable, unescaped
from heron.models import Json, Kind, Member

Locate = Callable[[str], str]
"""Gives the canonical form of a URL."""

_FIELDS = {
    "objecturl": "url", "url": "url", "title": "title", "name": "title", "clientmetadata": "metadata",
    "metadata": "metadata", "videometadata": "facts", "imagemetadata": "facts", "audiometadata": "facts",
    "textmetadata": "facts", "pdfmetadata": "facts", "niftimetadata": "facts", "dicommetadata": "facts",
    "kind": "kind", "type": "kind", "createvideo": "create_video", "images": "members", "dicomfiles": "members",
    "externalfiletype": "file_type",
}  # fmt: skip
_FILE_TYPES = {"img_group": "image_group", "plain_text": "text"}
"""The values of `externalFileType` that are no names of kinds."""

_NEAR = 0.8
"""From this similarity on, an unknown key is a misspelt one of ours (the ratio of `difflib`): `titel` and `title` have 0.8."""

_FOREIGN = 100
"""The most unknown keys of a manifest that are named."""

_NUMBERED = re.compile(r"object_?url_?([0-9]{1,9})", re.IGNORECASE)


@define
class File:
    """An entry that is one file, or one member of a group."""

    url: str
    title: str | None = None
    metadata: dict[str, Any] | None = None
    facts: Facts | None = None


@frozen
class Group:
    """An entry that is several files, in their order."""

    members: list[File]
    title: str | None = None
    metadata: dict[str, Any] | None = None
    create_video: bool = False
    facts: Facts | None = None


_WRITTEN = {
    "objecturl": "objectUrl", "clientmetadata": "clientMetadata", "createvideo": "createVideo",
    "dicomfiles": "dicomFiles", "externalfiletype": "externalFileType",
    **{name: f"{name.removesuffix('metadata')}Metadata" for name in _FIELDS if _FIELDS[name] == "facts"},
}  # fmt: skip
"""Keys as the guide writes them, where that is not how they are compared."""

_OF_A_FILE, _OF_A_GROUP = frozenset(fields_dict(File)), frozenset(fields_dict(Group))
_OF_A_MEMBER = frozenset({"url", "title", "facts"})


@frozen
class Entries:
    """Turns the entries of a manifest into units. `kind_of` returns the kind of a file from its name."""

    locate: Locate
    kind_of: Callable[[str], Kind | None] = lambda name: None
    kinds: Kinds = Factory(Kinds)
    _spellings: dict[str, str] = Factory(dict)
    _foreign: set[str] = Factory(set)
    _notes: list[str] = Factory(list)
    """What is to be said of the entry at hand beside its faults."""

    def unit(self, raw: Json, place: str, kind: Kind | None = None) -> Unit:
        """The unit of an entry. A faulty entry is not raised as an error: its unit carries the reason.

        A key that is none of ours is ignored, which the unit of the first entry with it says.
        """
        self._notes.clear()
        unit = self._unit_or_problem(raw, place, kind)
        return evolve(unit, notes=tuple(self._notes)) if self._notes else unit

    def _unit_or_problem(self, raw: Json, place: str, kind: Kind | None) -> Unit:
        try:
            return self._unit(raw, place, kind)
        except (BadCredentials, Unreachable):
            raise  # it concerns all entries, not only this one
        except HeronError as error:
            url = without_secrets(as_unicode(_url_in(raw)))
            return Unit(place, url, problem=as_unicode(str(error)))

    def _unit(self, raw: Json, place: str, kind: Kind | None) -> Unit:
        if not isinstance(raw, dict):
            raise InvalidInput(f"{place}: expected an object, got {printable(raw)}")
        if isinstance(raw, Repeated):
            raise InvalidInput(f"{place}: the key {printable(raw.key)} is given twice")
        if is_of_items([*islice(raw, 2), *(name for name in ("url", "name") if name in raw)]):
            raw = entry_of(raw)
        fields, given = self._fields(raw, place)
        if "kind" in fields:
            kind = self.kind_named(fields.pop("kind"), f"{place}.{given['kind']}")
        if "file_type" in fields:
            kind = self._agreed(kind, fields.pop("file_type"), f"{place}.{given['file_type']}")
        if self._is_group(kind) or "members" in fields:
            return self._group(fields, given, place, kind)
        _check_names(fields, _OF_A_FILE, place, given, "a single file")
        entry = _structured(fields, File, place, given)
        url = self._located(entry.url, f"{place}.{given['url']}", has_facts=entry.facts is not None)
        facts = None
        if entry.facts is not None:
            kind = kind or self.kind_of(url)
            if kind is None:
                raise InvalidInput(
                    f"{place}: the kind of {url} is not given, and its name does not show it",
                    hint='give it a "kind"',
                )
            facts = media_facts(entry.facts, self._kind(kind), url)
        return Unit(
            place, url, metadata=entry.metadata, name=entry.title or None, kind=kind, facts=facts,
            size=entry.facts.size if entry.facts else None,
        )  # fmt: skip

    def _group(self, fields: dict[str, Any], given: dict[str, str], place: str, kind: Kind | None) -> Unit:
        """The unit of several files; its URL is that of the first file with a suffix that is unique to the group."""
        if "members" not in fields:
            raise InvalidInput(f"{place} names no files", hint="give it objectUrl_0, objectUrl_1 and so on")
        if kind is not None and not self._is_group(kind):
            raise InvalidInput(
                f"{place}: an item of kind {kind} is a single file",
                hint="image_groups and dicom_series can have several files",
            )
        _check_names(fields, _OF_A_GROUP, place, given, "a group of files")
        group = _structured(fields, Group, place, given)
        if not group.members:
            raise InvalidInput(f"{place} has no files in it")
        facts = group.facts or (group.members[0].facts if all(file.facts for file in group.members) else None)
        members = []
        for number, file in enumerate(group.members):
            name = given.get(f"members.{number}", f"{given.get('members', 'images')}[{number}].url")
            url = self._located(file.url, f"{place}.{name}", has_facts=facts is not None)
            members.append(Member(url, file.facts.size if file.facts else None))
        kind = kind or "image_group"
        if kind == "image_group" and group.create_video:
            kind = "image_sequence"
        if kind == "image_sequence":
            _check_sizes(group.members, place)
        found = media_facts(facts, self._kind(kind), members[0].url) if facts else None
        return Unit(
            place, group_url(kind, [member.url for member in members]), metadata=group.metadata,
            name=group.title or _folder_name(members[0].url), kind=kind, members=tuple(members),
            facts=evolve(found, frame_count=len(members)) if found else None,
            size=facts.size if facts is not None and facts is group.facts else None,
        )  # fmt: skip

    def _fields(self, raw: Mapping[str, Json], place: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The values by the names of their fields, and the spelling of each key in the manifest."""
        fields: dict[str, Any] = {}
        given: dict[str, str] = {}
        numbered: dict[int, Any] = {}
        for key, value in raw.items():
            field = self._spellings.get(key) or self._spelt(key, place)
            if field is None:
                if value is not None:
                    self._ignored(key, place)
                continue
            if field.isdigit():
                number = int(field)
                if number in numbered:
                    raise InvalidInput(
                        f"{place}.{key} is given twice, {given[f'members.{number}']} is it too"
                    )
                numbered[number] = {"url": value}
                given[f"members.{number}"] = key
                continue
            if value is None:
                continue
            if field in fields:
                raise InvalidInput(f"{place}.{key} is given twice, {given[field]} is it too")
            if field == "facts":
                value = known_facts(value, f"{place}.{key}", given)
            elif field == "members":
                value = [
                    self._member(member, f"{place}.{key}[{n}]")
                    for n, member in enumerate(_array(value, f"{place}.{key}"))
                ]
            fields[field] = value
            given[field] = key
        if numbered:
            if "members" in fields:
                raise InvalidInput(f"{place} names its files twice, as {given['members']} and one by one")
            fields["members"] = _in_order(numbered, given, place)
        return fields, given

    def _member(self, raw: Json, place: str) -> dict[str, Any]:
        if isinstance(raw, str):
            return {"url": raw}
        if not isinstance(raw, dict):
            raise InvalidInput(f"{place}: expected an object, got {printable(raw)}")
        fields, given = self._fields(raw, place)
        _check_names(fields, _OF_A_MEMBER, place, given, "one file of a group")
        return fields

    def _spelt(self, key: str, place: str) -> str | None:
        """The field that a key means, in any spelling; cached, since the next entry is probably spelt the same.

        None for a key that is none of ours; raises InvalidInput if it is a misspelt one.
        """
        numbered = _NUMBERED.fullmatch(key)
        field = numbered[1].lstrip("0") or "0" if numbered else self._field(plain(key))
        if field is None:
            close = difflib.get_close_matches(plain(key)[:100], self._names(), n=1, cutoff=_NEAR)
            if close or plain(key).startswith("objecturl"):
                meant = _WRITTEN.get(close[0], close[0]) if close else "objectUrl_0"
                raise InvalidInput(f"{place}: unknown key {printable(key)}", hint=f"did you mean {meant}?")
        elif len(self._spellings) < 10_000:
            self._spellings[key] = field
        return field

    def _names(self) -> list[str]:
        """The plain names of all keys of entries."""
        return [*_FIELDS, *(f"{name}metadata" for name in self.kinds.names_in_manifests())]

    def _ignored(self, key: str, place: str) -> None:
        """Note that a key is ignored, unless this manifest has it further up; more than `_FOREIGN` are not named."""
        if key in self._foreign or len(self._foreign) > _FOREIGN:
            return
        self._foreign.add(key)
        if len(self._foreign) > _FOREIGN:
            self._notes.append(
                f"{place}: more than {_FOREIGN} different keys are ignored, the others are not named"
            )
        else:
            self._notes.append(f"{place}: the key {printable(key)} is ignored, here and in further entries")

    def _field(self, key: str) -> str | None:
        """The field of a plain key; facts stand below the kind, such as `videoMetadata`."""
        if (
            key not in _FIELDS
            and key.endswith("metadata")
            and self.kinds.in_manifest(key[: -len("metadata")])
        ):
            return "facts"
        return _FIELDS.get(key)

    def _is_group(self, kind: Kind | None) -> bool:
        return kind is not None and self._kind(kind).files != "one"

    def _kind(self, name: Kind) -> MediaKind:
        """The record of a kind. A file name can suggest one that only its decoder knows."""
        return self.kinds.get(name) or MediaKind(name=name, summary="")

    def kind_named(self, name: Json, place: str) -> Kind:
        """The kind of that name, in either spelling and number; raises InvalidInput."""
        kind = self.kinds.in_manifest(name) if isinstance(name, str) else None
        if kind is None:
            hint = self.kinds.hint(str(name), in_manifest=True)
            raise InvalidInput(f"{place}: {printable(name)} is not a kind of data", hint=hint)
        return kind.name

    def _agreed(self, kind: Kind | None, file_type: Json, place: str) -> Kind:
        """The kind that `externalFileType` says; raises InvalidInput if another one is said beside it."""
        name = _FILE_TYPES.get(file_type.lower(), file_type) if isinstance(file_type, str) else file_type
        said = self.kind_named(name, place)
        if kind in (None, said) or (said, kind) == ("image_group", "image_sequence"):
            return kind or said
        raise InvalidInput(f"{place}: {printable(file_type)} contradicts the kind of the entry, {kind}")

    def _located(self, url: str, place: str, *, has_facts: bool) -> str:
        """The canonical URL. If facts are given, no storage needs to be able to read it. Raises InvalidInput."""
        try:
            check_url(url)
            located = self.locate(url)
            if (located.endswith("/") or url.endswith("/")) and not located.startswith(("http:", "https:")):
                raise InvalidInput(f"{located} is a folder, not an object", hint="give the URL of a file")
            return located
        except HeronError as error:
            if isinstance(error, BadCredentials | Unreachable):
                raise
            if not has_facts or not isinstance(error, PluginError):
                raise InvalidInput(f"{place}: {error}") from error
            if without_secrets(url) != url:
                raise InvalidInput(
                    f"{place}: the URL has a user name, a query or a fragment, which may be a secret",
                    hint="give it without",
                ) from error
            return url


def _check_sizes(members: list[File], place: str) -> None:
    """Raise InvalidInput if the facts of two pictures of a sequence have different sizes."""
    sizes: dict[tuple[int, int], int] = {}
    for number, file in enumerate(members):
        if file.facts is not None and (size := picture_size(file.facts)) is not None:
            sizes.setdefault(size, number)
    if len(sizes) > 1:
        (first, number), (second, other) = [*sizes.items()][:2]
        raise InvalidInput(
            f"{place}: member {other} is {second[0]}x{second[1]}, member {number} of the sequence {first[0]}x{first[1]}",
            hint="import pictures of different sizes as a group",
        )


def group_url(kind: Kind, urls: list[str]) -> str:
    """The URL of a group: its first file, and a digest of all files in their order, which makes it unique."""
    mark = hashlib.sha256(" ".join([kind, *urls]).encode()).hexdigest()[:16]
    return f"{urls[0]}#{kind}-{mark}"


def as_unicode(text: str) -> str:
    """Text that can be stored: lone surrogates, which JSON can contain, are written as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _check_names(
    fields: Iterable[str], expected: frozenset[str], place: str, given: dict[str, str], what: str
) -> None:
    """Raise InvalidInput for a key that is known but not allowed here."""
    for name in fields:
        if name not in expected:
            raise InvalidInput(f"{place}.{given[name]} is not for {what}")


def _structured(fields: dict[str, Any], record: type[Any], place: str, given: dict[str, str]) -> Any:
    try:
        return converter().structure(fields, record)
    except Exception as error:
        reasons = []
        for path, reason in faults(error):
            field = path.removeprefix("$").removeprefix(".")
            if reason == "a value is missing":
                field = field.replace("url", "objectUrl")
            name = _as_spelt(field, given)
            reasons.append(f"{place}{'.' if name else ''}{name}: {reason}")
        raise InvalidInput("; ".join(reasons)) from error


def _as_spelt(field: str, given: dict[str, str]) -> str:
    """The path of a field, spelt as in the manifest."""
    numbered = re.fullmatch(r"members\[(\d+)\]\.(?:url|objectUrl)", field)
    if numbered and f"members.{numbered[1]}" in given:
        return given[f"members.{numbered[1]}"]
    if field.startswith("facts."):
        return f"{given['facts']}.{given.get(field, field.removeprefix('facts.'))}"
    return re.sub(r"^\w+", lambda found: given.get(found[0], found[0]), field)


def _in_order(numbered: dict[int, Any], given: dict[str, str], place: str) -> list[Any]:
    """The numbered files in order from 0; raises InvalidInput for a gap."""
    for number, expected in zip(sorted(numbered), range(len(numbered)), strict=True):
        if number != expected:
            raise InvalidInput(
                f"{place}: objectUrl_{expected} is missing, though there is {given[f'members.{number}']}"
            )
    return [numbered[number] for number in range(len(numbered))]


def _array(value: Json, place: str) -> list[Json]:
    if not isinstance(value, list):
        raise InvalidInput(f"{place}: expected an array, got {printable(value)}")
    return value


def _folder_name(url: str) -> str:
    return unescaped(url.rstrip("/").rpartition("/")[0].rpartition("/")[2]) or url


def _url_in(raw: Json) -> str:
    """What looks like the URL of a faulty entry, for the report."""
    if not isinstance(raw, dict):
        return ""
    urls: list[str] = []
    for key, value in raw.items():
        if isinstance(value, str) and "url" in key.lower():
            urls.append(value)
        elif isinstance(value, list):
            urls += [url for member in value if (url := _url_in(member))]
    return " ".join(urls)[:2000]
