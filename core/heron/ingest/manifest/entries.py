"""One entry of a manifest: its spellings, its records that cattrs checks, and the unit that becomes of it."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from mimetypes import guess_type
from typing import Any

from attrs import Factory, define, frozen

from heron.catalog.registration import check_url
from heron.convert import converter, faults
from heron.errors import HeronError, InvalidInput, PluginError
from heron.ingest.units import Unit
from heron.json_stream import Repeated
from heron.metadata.keys import printable
from heron.models import Json, Kind, MediaFacts, Member

Locate = Callable[[str], str]
"""Gives the canonical form of a URL."""

KINDS: dict[str, Kind] = {
    "videos": "video", "video": "video", "images": "image", "image": "image", "audio": "audio", "audios": "audio",
    "nifti": "nifti", "niftis": "nifti", "text": "text", "texts": "text", "pdfs": "pdf", "pdf": "pdf",
    "imagegroups": "image_group", "imagegroup": "image_group", "imagesequences": "image_sequence",
    "imagesequence": "image_sequence", "dicomseries": "dicom", "dicom": "dicom",
}  # fmt: skip
"""The names that arrays of a manifest can have, in lower case without underscores."""

_GROUPS = frozenset({"image_group", "image_sequence", "dicom"})
_FIELDS = {
    "objecturl": "url", "url": "url", "title": "title", "name": "title", "clientmetadata": "metadata",
    "metadata": "metadata", "videometadata": "facts", "imagemetadata": "facts", "audiometadata": "facts",
    "textmetadata": "facts", "pdfmetadata": "facts", "niftimetadata": "facts", "dicommetadata": "facts",
    "kind": "kind", "type": "kind", "createvideo": "create_video", "images": "members", "dicomfiles": "members",
}  # fmt: skip
_FACTS = {
    "width": "width", "height": "height", "fps": "fps", "duration": "duration", "filesize": "size", "size": "size",
    "mimetype": "media_type", "mediatype": "media_type", "framecount": "frame_count", "frames": "frame_count",
    "numframes": "frame_count", "codec": "codec", "samplerate": "sample_rate", "channels": "channels",
    "numchannels": "channels", "pages": "pages", "numpages": "pages", "pagecount": "pages",
}  # fmt: skip
_FACTS.update({"fileSize": "size", "file_size": "size", "mimeType": "media_type", "mime_type": "media_type"})
_NUMBERED = re.compile(r"object_?url_?(\d+)", re.IGNORECASE)
_MEDIA_TYPES = {"image": "image/*", "video": "video/*", "audio": "audio/*", "text": "text/plain", "pdf": "application/pdf", "nifti": "application/x-nifti", "dicom": "application/dicom"}  # fmt: skip


@define
class Facts:
    """What a manifest says of a file. `size` in bytes, `duration` in seconds, `fps` in frames per second."""

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    duration: float | None = None
    size: int | None = None
    media_type: str | None = None
    frame_count: int | None = None
    codec: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    pages: int | None = None
    more: dict[str, Any] = Factory(dict)


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


@frozen
class Entries:
    """Turns what a manifest holds into units. `kind_of` tells the kind of a file by its name."""

    locate: Locate
    kind_of: Callable[[str], Kind | None] = lambda name: None
    _spellings: dict[str, str] = Factory(dict)

    def unit(self, raw: Json, place: str, kind: Kind | None = None) -> Unit:
        """The unit of an entry; one that is faulty carries the reason, and is never raised."""
        try:
            return self._unit(raw, place, kind)
        except HeronError as error:
            return Unit(place, _url_in(raw), problem=str(error))

    def _unit(self, raw: Json, place: str, kind: Kind | None) -> Unit:
        if not isinstance(raw, dict):
            raise InvalidInput(f"{place}: expected an object, got {printable(raw)}")
        if isinstance(raw, Repeated):
            raise InvalidInput(f"{place}.{raw.key} is given twice")
        fields, given = self._fields(raw, place)
        if "kind" in fields:
            kind = kind_named(fields.pop("kind"), f"{place}.{given['kind']}")
        if kind in _GROUPS or "members" in fields:
            return self._group(fields, given, place, kind)
        entry = _structured(fields, File, place, given)
        url, problem = self._located(
            entry.url, place, given.get("url", "objectUrl"), has_facts=entry.facts is not None
        )
        if problem:
            return Unit(place, url, problem=problem)
        facts = None
        if entry.facts is not None:
            kind = kind or self.kind_of(url)
            if kind is None:
                raise InvalidInput(f"{place}: nothing says what kind {url} is", hint='give it a "kind"')
            facts = media_facts(entry.facts, kind, url)
        return Unit(
            place, url, metadata=entry.metadata, name=entry.title, kind=kind, facts=facts,
            size=entry.facts.size if entry.facts else None,
        )  # fmt: skip

    def _group(self, fields: dict[str, Any], given: dict[str, str], place: str, kind: Kind | None) -> Unit:
        """The unit of several files; its URL is that of the first one, with a mark that tells such groups apart."""
        if "members" not in fields:
            raise InvalidInput(f"{place} names no files", hint="give it objectUrl_0, objectUrl_1 and so on")
        group = _structured(fields, Group, place, given)
        if not group.members:
            raise InvalidInput(f"{place} has no files in it")
        members = []
        for number, file in enumerate(group.members):
            name = given.get(f"members.{number}", f"{given.get('members', 'images')}[{number}].url")
            url, problem = self._located(file.url, place, name, has_facts=False)
            if problem:
                raise InvalidInput(problem)
            members.append(Member(url, file.facts.size if file.facts else None))
        kind = kind or "image_group"
        if kind == "image_group" and group.create_video:
            kind = "image_sequence"
        facts = group.facts or (group.members[0].facts if all(file.facts for file in group.members) else None)
        found = media_facts(facts, kind, members[0].url) if facts else None
        return Unit(
            place, group_url(kind, [member.url for member in members]), metadata=group.metadata,
            name=group.title or _folder_name(members[0].url), kind=kind, members=tuple(members),
            facts=MediaFacts(kind, found.media_type, found.width, found.height, len(members)) if found else None,
        )  # fmt: skip

    def _fields(self, raw: Mapping[str, Json], place: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The values by the name of their field, and how each was spelt."""
        fields: dict[str, Any] = {}
        given: dict[str, str] = {}
        numbered: dict[int, Any] = {}
        for key, value in raw.items():
            field = self._spellings.get(key) or self._spelt(key, place)
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
                value = _known_facts(value, f"{place}.{key}")
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
        return self._fields(raw, place)[0]

    def _spelt(self, key: str, place: str) -> str:
        """The field that a key means, in whichever spelling; remembered, for the next entry spells it so too."""
        numbered = _NUMBERED.fullmatch(key)
        field = numbered[1].lstrip("0") or "0" if numbered else _FIELDS.get(plain(key))
        if field is None:
            close = difflib.get_close_matches(
                key, ["objectUrl", "title", "clientMetadata", "createVideo"], n=1
            )
            raise InvalidInput(
                f"{place}: unknown key {printable(key)}", hint=f"did you mean {close[0]}?" if close else None
            )
        if len(self._spellings) < 10_000:
            self._spellings[key] = field
        return field

    def _located(self, url: str, place: str, name: str, *, has_facts: bool) -> tuple[str, str | None]:
        """The canonical URL, or the URL and what is wrong with it; one that nothing reads will do where facts are given."""
        try:
            check_url(url)
            return self.locate(url), None
        except PluginError as error:
            return url, None if has_facts else f"{place}.{name}: {error}"
        except HeronError as error:
            return url[:200], f"{place}.{name}: {error}"


def plain(key: str) -> str:
    """A key in lower case without underscores, so that both spellings are one."""
    return key.replace("_", "").lower()


def kind_named(name: Json, place: str) -> Kind:
    """The kind of that name, in either spelling and number; raises InvalidInput."""
    kind = KINDS.get(plain(name)) if isinstance(name, str) else None
    if kind is None:
        close = difflib.get_close_matches(plain(str(name)), KINDS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(dict.fromkeys(KINDS.values()))}"
        raise InvalidInput(f"{place}: {printable(name)} is no kind of data", hint=hint)
    return kind


def media_facts(facts: Facts, kind: Kind, url: str) -> MediaFacts:
    """The facts as the catalogue has them; what a manifest says beyond them is kept by the name of the kind."""
    media_type = facts.media_type or guess_type(url)[0] or _MEDIA_TYPES.get(kind, "application/octet-stream")
    return MediaFacts(
        kind, media_type, facts.width, facts.height, facts.frame_count, facts.fps, facts.duration, facts.codec,
        facts.sample_rate, facts.channels, facts.pages, extra={kind: facts.more} if facts.more else {},
    )  # fmt: skip


def group_url(kind: Kind, urls: list[str]) -> str:
    """The URL of a group: its first file, and a mark by which groups of other files, or another order, differ."""
    mark = hashlib.sha256(" ".join([kind, *urls]).encode()).hexdigest()[:16]
    return f"{urls[0]}#{kind}-{mark}"


def _structured(fields: dict[str, Any], record: type[Any], place: str, given: dict[str, str]) -> Any:
    try:
        return converter().structure(fields, record)
    except Exception as error:
        reasons = []
        for path, reason in faults(error):
            field = path.removeprefix("$").removeprefix(".")
            if reason == "a value is missing":
                field = field.replace("url", "objectUrl")
            name = re.sub(r"^\w+", lambda found: given.get(found[0], found[0]), field)
            reasons.append(f"{place}{'.' if name else ''}{name}: {reason}")
        raise InvalidInput("; ".join(reasons)) from error


def _known_facts(raw: Json, place: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidInput(f"{place}: expected an object, got {printable(raw)}")
    found: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for key, value in raw.items():
        field = _FACTS.get(key) or _FACTS.get(plain(key))
        if field is None:
            more[key] = value
        elif value is not None:
            found[field] = value
    if more:
        found["more"] = more
    return found


def _in_order(numbered: dict[int, Any], given: dict[str, str], place: str) -> list[Any]:
    """The numbered files from 0 on; raises InvalidInput for a gap."""
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
    return url.rstrip("/").rpartition("/")[0].rpartition("/")[2] or url


def _url_in(raw: Json) -> str:
    """Whatever may be the URL of a faulty entry, for the report."""
    if not isinstance(raw, dict):
        return ""
    urls = [value for key, value in raw.items() if "url" in str(key).lower() and isinstance(value, str)]
    return " ".join(urls)[:2000]
