"""The report on a manifest: the number of entries of each kind, and each fault with its place."""

from __future__ import annotations

from collections import Counter

from attrs import field, frozen

from heron.catalog.registration import name_of
from heron.errors import InvalidInput
from heron.ingest.datasets.imported import ImportedDataset
from heron.ingest.manifest.reading import Manifest
from heron.jobs import ImportProblem
from heron.metadata.keyframes import has_blocks, without_blocks
from heron.metadata.keys import check_name
from heron.metadata.validation import Validator
from heron.records import Record

MOST = 10_000
"""The number of faults that a report lists; further ones are only counted."""


@frozen(repr=False)
class ManifestReport(Record):
    """The number of entries by kind (`other` if only probing can tell the kind), and the faults, with warnings among them."""

    kinds: dict[str, int] = field(hash=False)
    with_facts: int = 0
    faults: int = 0
    problems: tuple[ImportProblem, ...] = ()
    left_out: int = 0


def checked(manifest: Manifest | ImportedDataset) -> ManifestReport:
    """Read a manifest to its end; no object is fetched. Raises NotFound if it does not exist."""
    kinds: Counter[str] = Counter()
    problems: list[ImportProblem] = []
    with_facts = faults = 0
    validator = Validator(manifest.schema)

    def note(place: str, url: str, reason: str) -> None:
        nonlocal faults
        faults += 1
        if len(problems) < MOST:
            problems.append(ImportProblem(place, url, reason))

    try:
        manifest.flags()
        for unit in manifest.units():
            warnings = [ImportProblem(unit.place, unit.url, text, "warning") for text in unit.notes]
            problems += warnings[: MOST - len(problems)]
            if unit.problem is not None:
                note(unit.place, unit.url, unit.problem)
                continue
            kinds[unit.kind or manifest.entries.kind_of(unit.url) or "other"] += 1
            with_facts += unit.facts is not None
            try:
                check_name(unit.name or name_of(unit.url), f"{unit.place}: item name")
                metadata = unit.metadata or {}
                if has_blocks(metadata):
                    metadata, _ = without_blocks(metadata, unit.place)
                validator.dumps(metadata, unit.place)
            except InvalidInput as error:
                note(unit.place, unit.url, str(error))
    except InvalidInput as error:
        note("", "", str(error))
    return ManifestReport(dict(kinds), with_facts, faults, tuple(problems))
