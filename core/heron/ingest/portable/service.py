"""The portable service: writes exports that other workspaces can merge, and merges such exports into this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database
from heron.catalog.portable.keys import MergedKeys
from heron.catalog.portable.landing import Landing
from heron.catalog.portable.matching import Clashes, Matching
from heron.catalog.portable.staging import Staging
from heron.catalog.portable.vectors import VectorMerging
from heron.catalog.referring import CollectionRef, DatasetRef, FolderRef, ItemRefs
from heron.catalog.schema import SchemaService
from heron.catalog.vectors.store import VectorStore
from heron.errors import InvalidInput
from heron.ingest.portable.media import IncomingMedia
from heron.ingest.portable.reading import Reader
from heron.ingest.portable.source import manifest_of, opened
from heron.ingest.portable.staged import StagedExport
from heron.media.kinds import Kinds
from heron.metadata.keys import printable
from heron.models import Query
from heron.portable import CHOICES, KINDS, Choice, Merged, PortableExport, PortableManifest
from heron.wording import counted

if TYPE_CHECKING:
    from heron.catalog.integrations import IntegrationService
    from heron.catalog.items import ItemService
    from heron.export.portable.service import PortableWriter
    from heron.hooks import PluginManager

Progress = Callable[[int], None]


class PortableService:
    """Portable exports of a workspace."""

    def __init__(
        self,
        database: Database,
        access: Access,
        root: Path,
        services: tuple[SchemaService, ItemService, VectorStore, IntegrationService],
        plugins: Callable[[], PluginManager],
        writer: Callable[[], PortableWriter],
        landed: Callable[[], None],
    ) -> None:
        self._database = database
        self._access = access
        self._root = root
        self._schema, self._items, self._vectors, self._integrations = services
        self._plugins = plugins
        self._writer = writer
        self._landed = landed

    def export(
        self,
        path: str | Path,
        *,
        items: ItemRefs | Query | None = None,
        folder: FolderRef | None = None,
        collection: CollectionRef | None = None,
        dataset: DatasetRef | None = None,
        media: bool = False,
        thumbnails: bool = False,
        unreadable: list[str] | None = None,
        progress: Progress = lambda done: None,
    ) -> PortableExport:
        """Write the workspace, or the part that one of the arguments names (`items` can be a query), to a new folder, or to a `.zip` file.

        It holds all that the acting user sees: folders, items with members and frames, the schema, vectors, collections and
        presets, and the datasets whose rows all are in the part. `media` copies the files of items, of which those that cannot be
        read are named in the list `unreadable`; without one the first is raised. It appears whole or not at all.
        """
        self._access.require("read", WORKSPACE)
        return self._writer().write(
            Path(path), items=items, folder=folder, collection=collection, dataset=dataset, media=media,
            thumbnails=thumbnails, unreadable=unreadable, progress=progress,
        )  # fmt: skip

    def describe(self, path: str | Path) -> PortableManifest:
        """What an export contains, as its manifest says; raises NotFound, and InvalidInput for what is no export."""
        self._access.require("read", WORKSPACE)
        with opened(Path(path)) as source:
            return manifest_of(source)

    def merge(
        self,
        path: str | Path,
        *,
        clashes: Choice | Mapping[str, Choice] = "refuse",
        lake: str | Path | None = None,
        media: bool = True,
        dry_run: bool = False,
        progress: Progress = lambda done: None,
    ) -> Merged:
        """Merge an export into the workspace: all of it or nothing, in one transaction, once everything was read and checked.

        What is here and equal stays. `clashes` says what happens to what is here and not equal, for all kinds or for each:
        `refuse` merges nothing, `keep` keeps what is here, `take` takes what the export has. Files that come with the export are
        put below the folder of the workspace, unless `media` is False; `lake` is the folder of the local files that do not come.
        Raises InvalidInput, AlreadyExists for a file with other content, NotFound, and PermissionDenied.
        """
        self._access.require("read", WORKSPACE)
        choices = _choices(clashes)
        with opened(Path(path)) as source:
            reader = Reader(source, manifest_of(source))
            here = self._schema.current()
            staged = StagedExport(self._database, reader, here, Kinds(self._plugins))
            with Staging(self._database).open() as staging:
                staged.take(staging, Clashes(choices), media=media, lake=_folder_url(lake), progress=progress)
                coming = IncomingMedia(self._root, source)
                wanted = [number for number, row in staged.files.media() if not coming.is_here(row)]
                merging = _Merging(self, staged, reader, choices, len(wanted))
                if dry_run:
                    return self._database.in_one_state(merging.plan)
                with coming.coming():
                    numbers = set(wanted)
                    for number, row in staged.files.media():
                        if number in numbers:
                            coming.fetch(number, row)
                    done, state = staging.settled(merging.plan)
                    with self._database.doing(self, "merge"):
                        if self._schema.current().all() != here.all():
                            raise InvalidInput(
                                "the schema was changed meanwhile, nothing was merged", hint="merge again"
                            )
                        if self._database.state() != state:  # somebody has written since
                            merging = _Merging(self, staged, reader, choices, len(wanted))
                            done = merging.plan()
                        merging.land()
                        coming.put(staged.files.media)
                    coming.keep()
        self._landed()
        return Merged(
            True,
            done.new,
            done.same,
            done.clashing,
            done.clashes,
            done.needed,
            done.media,
            done.missing,
            done.notes,
        )


class _Merging:
    """One merge: what it finds, and what it writes."""

    def __init__(
        self,
        service: PortableService,
        staged: StagedExport,
        reader: Reader,
        choices: Mapping[str, Choice],
        media: int,
    ) -> None:
        self._service = service
        self._staged = staged
        self._manifest = reader.manifest
        self._choices = choices
        self._clashes = Clashes(choices)
        self._media = media
        database, access = service._database, service._access
        self._matching = Matching(database, access, self._clashes)
        self._landing = Landing(database, access)
        self._merging = VectorMerging(database, service._vectors, self._clashes, reader.blocks)
        self._keys: MergedKeys

    def plan(self) -> Merged:
        """Find out what is new, equal and clashing. In the caller's transaction."""
        service = self._service
        self._keys = MergedKeys(service._schema.current(), self._staged.keys, self._clashes)
        self._matching.find()
        new, same = self._landing.counts()
        new["keys"], same["keys"] = self._keys.new, self._keys.same
        new["vectors"] = same["vectors"] = 0
        for number, vectors in enumerate(self._manifest.vectors):
            more, equal = self._merging.match(number, vectors, self._keys.schema)
            new["vectors"] += more
            same["vectors"] += equal
        missing, first = self._staged.missing()
        needed = tuple(
            each
            for each in self._manifest.integrations
            if (known := service._integrations.find(each.name)) is None or known.backend != each.backend
        )
        return Merged(
            False,
            {kind: new[kind] for kind in KINDS},
            {kind: same[kind] for kind in KINDS},
            {kind: self._clashes.counts[kind] for kind in KINDS if self._clashes.counts.get(kind)},
            tuple(self._clashes.named),
            needed,
            self._media,
            missing,
            tuple(self._notes(missing, first)),
        )

    def _notes(self, missing: int, first: str | None) -> Sequence[str]:
        notes = list(self._merging.notes)
        for name, number in sorted(self._staged.metadata.misfits.items()):
            notes.append(
                f"of the key {name!r}, the type does not fit {counted(number, 'value')}; heron metadata verify lists them"
            )
        if missing:
            notes.append(
                f"not where the items say: {counted(missing, 'local file')}, the first is {first}; the exported workspace was "
                f"in {self._manifest.lake}, and --lake names the folder where its files are now"
            )
        return notes

    def land(self) -> range:
        """Write what the plan says; returns the inner ids of the new items."""
        self._clashes.require_chosen()
        service = self._service
        if self._keys.changed:
            with service._schema.edit() as draft:
                for key in self._keys.changed:
                    draft.put(key.name, key)
                    draft.count_again(key.name)
        new = self._landing.land()
        for number, vectors in enumerate(self._manifest.vectors):
            self._merging.land(number, vectors)
        service._schema._remember_unknown(self._staged.metadata.unknown)
        self._landing.misfits(self._staged.metadata.misfits)
        service._access.note(WORKSPACE, workspace=self._manifest.workspace, rows=self._manifest.rows)
        return new


def _choices(given: Choice | Mapping[str, Choice]) -> dict[str, Choice]:
    """The choice for each kind; raises InvalidInput for an unknown one."""
    by_kind = (
        dict.fromkeys(KINDS, given) if isinstance(given, str) else {**dict.fromkeys(KINDS, "refuse"), **given}
    )
    for kind, choice in by_kind.items():
        if kind not in KINDS:
            raise InvalidInput(f"{printable(kind)} is not a kind of clash", hint=f"one of {', '.join(KINDS)}")
        if choice not in CHOICES:
            raise InvalidInput(
                f"{printable(choice)} is not a choice for clashes", hint=f"one of {', '.join(CHOICES)}"
            )
    return by_kind  # type: ignore[return-value]


def _folder_url(lake: str | Path | None) -> str | None:
    """The URL of a folder with a slash at its end."""
    if lake is None:
        return None
    if "://" in str(lake):
        return str(lake).rstrip("/") + "/"
    return Path(lake).absolute().as_uri().rstrip("/") + "/"
