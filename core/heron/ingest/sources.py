"""The sources of imports: what a plan names becomes a stream of units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from heron.catalog.integrations import IntegrationService
from heron.catalog.paths import path_of
from heron.catalog.schema import SchemaService
from heron.errors import InvalidInput, NotFound
from heron.hooks import PluginManager, StoredObject
from heron.ingest.batches import batched_units
from heron.ingest.datasets.builtin import OWN
from heron.ingest.datasets.imported import ImportedDataset
from heron.ingest.local import Count, local_units
from heron.ingest.manifest.entries import Entries
from heron.ingest.manifest.reading import Manifest
from heron.ingest.plan import ImportPlan
from heron.ingest.runner import Source
from heron.ingest.stored import is_remote, stored_units
from heron.ingest.tree import roots_of
from heron.ingest.units import Unit
from heron.jobs import Integration
from heron.media.kinds import Kinds
from heron.media.sniff import Sniffer
from heron.models import Kind
from heron.storage.retries import PatientStorage
from heron.storage.service import StorageService


class Sources:
    """Opens the sources of plans."""

    def __init__(
        self,
        plugins: PluginManager,
        schema: SchemaService,
        storage: StorageService,
        integrations: IntegrationService,
    ) -> None:
        self._plugins = plugins
        self._schema = schema
        self._storage = storage
        self._integrations = integrations

    def of(self, plan: ImportPlan, *, with_count: bool = False) -> Source:
        """The source of a plan's units; local files are counted ahead if `with_count`."""
        by = self._integrations.get(plan.integration) if plan.integration is not None else None
        if by is not None:
            self._storage.open(f"{by.backend}://", by)  # so that a missing secret is reported first
        opener = self._storage._reader(by)
        origin_of = self._storage._origins(by)

        if plan.manifest is not None:
            manifest = self.of_plan(plan, by)
            return Source(manifest.units, manifest.share, opener, origin_of, integration=by)
        urls = [plan.synced] if plan.synced is not None else [url for url in plan.sources if is_remote(url)]
        paths = [Path(path) for path in plan.sources if not is_remote(path)]

        def units() -> Iterator[Unit]:
            below = (
                stored_units(
                    self._listed(opener, url, may_be_empty=plan.synced is not None),
                    plan.sidecar_suffix,
                    paused=plan.sidecars_paused,
                )
                for url in urls
            )
            if plan.batch_as is not None:
                kind_of = Sniffer(self._plugins.decoders(), settle=self._plugins.settle).kind_of
                kind: Kind = "image_group" if plan.batch_as == "group" else "image_sequence"
                return batched_units(paths, kind, kind_of)
            return chain(local_units(paths, sidecar_suffix=plan.sidecar_suffix), *below)

        below = [*paths, *(Path(path_of(url)) for url in urls if not is_remote(url))]
        counts = with_count and len(below) == len(paths) + len(urls) and plan.batch_as is None
        total = Count(below, plan.sidecar_suffix) if counts else lambda: None
        return Source(
            units, opener=opener if urls else None, origin_of=origin_of, total=total, integration=by
        )

    def _listed(
        self, opener: Callable[[str], PatientStorage], url: str, *, may_be_empty: bool
    ) -> Iterator[StoredObject]:
        storage = opener(url)
        objects = storage.list(storage.normalise(url))
        first = next(objects, None)
        if first is not None:
            yield first
            yield from objects
        elif not may_be_empty:
            raise NotFound(
                f"there is nothing at or below {url}", hint="check the spelling; * is not a wildcard here"
            )

    def of_plan(self, plan: ImportPlan, integration: Integration | None = None) -> Manifest | ImportedDataset:
        """The manifest of a plan that has one."""
        assert plan.manifest is not None
        return self.manifest(Path(plan.manifest), integration, plan.format, plan.root, plan.keys)

    def manifest(
        self,
        path: Path,
        integration: Integration | None,
        format: str | None = None,
        root: str | Path | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> Manifest | ImportedDataset:
        """A manifest, whose URLs are read with an integration; with the name of an importer, a dataset that this reads.

        Raises PluginError for an unknown format, InvalidInput for a root or keys of Heron's own manifests.
        """
        sniffer = Sniffer(self._plugins.decoders(), settle=self._plugins.settle)
        entries = Entries(
            self._storage._normaliser(integration),
            sniffer.kind_of,
            Kinds(lambda: self._plugins),
        )
        schema = self._schema.current()
        record = self._plugins.importer(format or OWN)
        if record.name != OWN:
            place = None if root is None else Path(root).absolute()
            return ImportedDataset(self._plugins, record, path, entries, schema, place, keys)
        if root is not None or keys:
            raise InvalidInput("root and keys are for datasets of other tools", hint="give their format too")
        own: Manifest = self._plugins.load(record)(path, entries, schema)
        return own


def tree_of(sources: Sequence[str]) -> dict[str, list[str]]:
    """The roots of the tree of folders that an import of these paths and URLs keeps, for `Tree`."""
    folders = [f"{url.rstrip('/')}/" for url in sources if is_remote(url)]
    paths = (Path(path) for path in sources if not is_remote(path))
    return roots_of([*folders, *(f"{path.as_uri().rstrip('/')}/" for path in paths if path.is_dir())])
