"""The settings of an import, stored with its job so that it can be resumed."""

from __future__ import annotations

import os
from typing import Literal

from attrs import Factory, frozen

from heron.catalog.sampling import SAMPLING_RATE
from heron.convert import structure, unstructure
from heron.errors import InvalidInput
from heron.ingest.rules import ImportRule, Rule, SyncRule
from heron.ingest.tree import Tree
from heron.ingest.units import ProbeOptions
from heron.jobs import ImportJob
from heron.metadata.keyframes import sampling_rate
from heron.metadata.sidecars import SUFFIX
from heron.models import Json


@frozen(kw_only=True)
class ImportPlan:
    """The sources, the target folder and the options of an import.

    One of `sources` (paths and URLs), `manifest` (a path, with the SHA-256 of the file) and `synced` (the URL
    of a synced folder) is set. `integration` is a UUID. `tree` are the roots of the tree of folders that is kept;
    without roots, everything lands in the folder itself. `format` is the importer that reads the manifest, None for Heron's own,
    with the `root` of its files and the `keys` of its annotations.
    """

    folder: str
    sources: list[str] = Factory(list)
    manifest: str | None = None
    digest: str | None = None
    synced: str | None = None
    integration: str | None = None
    ignore_errors: bool = False
    skip_duplicates: bool = True
    upsert_metadata: bool = False
    content_hash: bool = False
    skip_identical: bool = False
    thumbnails: bool = False
    sidecar_suffix: str | None = SUFFIX
    sidecars_paused: bool = False
    allow_empty: bool = False
    sampling_rate: float | None = None
    personal: bool = True
    batch_as: Literal["group", "sequence"] | None = None
    tree: dict[str, list[str]] = Factory(dict)
    format: str | None = None
    root: str | None = None
    keys: dict[str, str] = Factory(dict)

    @property
    def folders(self) -> Tree:
        """The folder in which each unit lands."""
        return Tree(self.tree, is_batched=self.batch_as is not None)

    @property
    def name(self) -> str:
        """The name of the job in lists."""
        return (self.manifest or self.synced or ", ".join(self.sources))[:2000]

    @property
    def rule(self) -> Rule:
        """The rule for units whose URL is in the folder already."""
        if self.synced is not None:
            return SyncRule()
        return ImportRule(self.skip_duplicates, self.upsert_metadata)

    @property
    def probe(self) -> ProbeOptions:
        """The options for probing each file."""
        return ProbeOptions(
            self.content_hash or self.skip_identical,
            self.thumbnails,
            SAMPLING_RATE if self.sampling_rate is None else self.sampling_rate,
            self.sampling_rate is not None,
            self.personal,
            group_series=bool(self.sources),
        )

    @property
    def keeps_position(self) -> bool:
        """Whether a resumed run continues after the last unit that was written; other runs skip units that are in
        the folder.

        A strict import has written either nothing or everything; if everything, only its job is still open.
        """
        return self.manifest is not None or not self.rule.looks_up

    def options(self) -> dict[str, Json]:
        """The plan as it is stored with the job."""
        kept: dict[str, Json] = unstructure(self)
        return kept


def plan_of(job: ImportJob) -> ImportPlan:
    """The plan of a job; raises InvalidInput if there is none or it cannot be read."""
    try:
        return structure(job.options, ImportPlan, "the plan of the import")
    except InvalidInput as error:
        raise InvalidInput(
            f"import {job.id} was made by another version of Heron and cannot be resumed",
            hint="import again, existing items are skipped",
        ) from error


def checked_rate(given: float | None) -> float | None:
    """A sampling rate in frames per second, or None for the default; raises MetadataError."""
    return None if given is None else sampling_rate(given, "import")


def keeps_personal() -> bool:
    """Whether personal facts are stored by default: HERON_PATIENT_TAGS=0 leaves them out."""
    return os.environ.get("HERON_PATIENT_TAGS", "1").lower() not in ("0", "no", "false")
