"""The contract between Heron and its plugins: every hook that is asked once, each with a complete example.

These hooks are asked when a workspace is opened, and yield records from `heron.hooks`; `events.py` has those that are told what
has happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from heron.hooks.actions import ItemAction
    from heron.hooks.backends import StorageBackend
    from heron.hooks.choosing import ProjectionMethod, Sampler
    from heron.hooks.contributions import (
        DatasetExporter,
        MediaDecoder,
        MediaKind,
        MetadataType,
        QualityMetrics,
    )
    from heron.hooks.derivers import MetadataDeriver
    from heron.hooks.embedders import EmbedderModel
    from heron.hooks.importers import DatasetImporter
    from heron.hooks.query_functions import QueryFunction
    from heron.hooks.tables import PluginTables

hookspec = pluggy.HookspecMarker("heron")
hookimpl = pluggy.HookimplMarker("heron")


@hookspec
def register_storage() -> Iterable[StorageBackend]:  # type: ignore[empty-body]
    """Bring storage backends: places where data lies.

    Example:
        ```python
        import heron

        def load(options):
            from my_plugin.tape import TapeStorage
            return TapeStorage(**options)

        @heron.hookimpl
        def register_storage():
            yield heron.StorageBackend(
                name="tape", summary="Tape library", schemes=["tape"], requires=["tapelib"], load=load
            )
        ```
    """


@hookspec
def register_kinds() -> Iterable[MediaKind]:  # type: ignore[empty-body]
    """Bring kinds of items, for files that are none of Heron's own: `kind = 'point_cloud'`.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def register_kinds():
            yield heron.MediaKind(
                name="point_cloud", summary="points in space", arrays=["point_clouds"], visual=False
            )
        ```
    """


@hookspec
def register_decoders() -> Iterable[MediaDecoder]:  # type: ignore[empty-body]
    """Bring media decoders: readers that turn a file into facts and pictures.

    Example:
        ```python
        import heron

        def load():
            from my_plugin.flif import FlifDecoder
            return FlifDecoder()

        @heron.hookimpl
        def register_decoders():
            flif = heron.MediaFormat(
                media_type="image/flif", kind="image", suffixes=[".flif"], signature=b"FLIF"
            )
            yield heron.MediaDecoder(
                name="flif", summary="FLIF images", formats=[flif], requires=["pyflif"], load=load
            )
        ```
    """


@hookspec
def register_metrics() -> Iterable[QualityMetrics]:  # type: ignore[empty-body]
    """Bring quality metrics: measures of pictures to sort and filter by.

    Example:
        ```python
        import heron

        def load():
            def measure(picture, width, height):
                return {"extremes": sum(low + 255 - high for low, high in picture.getextrema()) / 765}
            return measure

        @heron.hookimpl
        def register_metrics():
            yield heron.QualityMetrics(
                name="range", summary="Unused part of the range of values", measures=["extremes"], load=load
            )
        ```
    """


@hookspec
def register_derivers() -> Iterable[MetadataDeriver]:  # type: ignore[empty-body]
    """Bring derivers: functions of an item that give values for metadata keys of their own.

    Example:
        ```python
        import heron

        def load():
            def derive(item, picture):
                from PIL import ImageStat

                mean = ImageStat.Stat(picture.convert("L")).mean[0]
                return {"light": "night" if mean < 60 else "day"}
            return derive

        @heron.hookimpl
        def register_derivers():
            light = heron.DerivedKey("light", "enum", {"options": ["day", "night"]})
            yield heron.MetadataDeriver(
                name="light", summary="Day or night", keys=[light], reads="picture", version="1", load=load
            )
        ```
    """


@hookspec
def register_metadata_types() -> Iterable[MetadataType]:  # type: ignore[empty-body]
    """Bring metadata types: what a key of the schema can hold.

    Example:
        ```python
        import heron

        class Percent:
            def parameters(self, given):
                return dict(given)

            def encoder(self, parameters):
                def encode(value):
                    if isinstance(value, (int, float)) and 0 <= value <= 100:
                        return float(value)
                    raise ValueError("expected a number from 0 to 100")
                return encode

        @heron.hookimpl
        def register_metadata_types():
            yield heron.MetadataType(
                name="percent", summary="0 to 100", affinity="number", load=Percent
            )
        ```
    """


@hookspec
def register_query_functions() -> Iterable[QueryFunction]:  # type: ignore[empty-body]
    """Bring functions of the query language, for conditions such as `soundex(city) = 'A426'`, and operators such as `ver SATISFIES '>=1.2'`.

    Example:
        ```python
        import heron

        def load():
            from my_plugin.phonetics import soundex
            return soundex

        @heron.hookimpl
        def register_query_functions():
            yield heron.QueryFunction(
                name="soundex", summary="how a text sounds", arguments=["text"], result="text", load=load
            )
        ```
    """


@hookspec
def register_embedders() -> Iterable[EmbedderModel]:  # type: ignore[empty-body]
    """Bring embedders: models that turn pictures and text into vectors.

    Example:
        ```python
        import heron

        def load():
            from my_plugin.model import Model
            return Model()

        @heron.hookimpl
        def register_embedders():
            yield heron.EmbedderModel(
                name="my-model", summary="Street scenes", size=512, embeds=["image", "text"],
                requires=["onnxruntime"], load=load,
            )
        ```
    """


@hookspec
def register_exporters() -> Iterable[DatasetExporter]:  # type: ignore[empty-body]
    """Bring exporters: formats that a dataset can be written in.

    Where a format has several files, the record has `writes_folder=True`, and the exporter `write_folder(rows, folder)` in place of
    `write`: `with folder.create("image/0.txt") as stream:` makes a file. The folder appears whole or not at all.

    A row has the item, its `members` (the files of a group, sequence or series) and the `frames` that the user chose, as
    streams. A format that writes them says so, `contains=["members", "frames"]`; else the user is told what was left out.

    Example:
        ```python
        import heron

        class Urls:
            def write(self, rows, stream):
                count = 0
                for count, row in enumerate(rows, start=1):
                    stream.write(row.item.url.encode() + b"\\n")
                return count

        @heron.hookimpl
        def register_exporters():
            yield heron.DatasetExporter(name="urls", summary="One URL a line", suffix=".txt", load=Urls)
        ```
    """


@hookspec
def register_importers() -> Iterable[DatasetImporter]:  # type: ignore[empty-body]
    """Bring importers: formats of datasets and manifests of other tools, for `heron import --manifest FILE --format NAME`.

    Example:
        ```python
        import heron

        class Captions:
            def entries(self, source):
                for place, row in source.rows(source.path.name):
                    caption = {"caption": row.get("caption")}
                    yield heron.ImportEntry(place, row["picture"], annotations=caption)

        @heron.hookimpl
        def register_importers():
            yield heron.DatasetImporter(
                name="captions", summary="A CSV file with captions", suffixes=[".csv"], load=Captions,
                annotations={"caption": "what the picture shows"},
            )
        ```
    """


@hookspec
def register_actions() -> Iterable[ItemAction]:  # type: ignore[empty-body]
    """Bring actions: what users can do with items, or with the workspace, by `heron run NAME`, `ws.actions.run` and over HTTP.

    Example:
        ```python
        import heron

        def load():
            def act(workspace, item, options):
                workspace.items.rename(item, options["prefix"] + item.name)
            return act

        @heron.hookimpl
        def register_actions():
            prefix = heron.ActionOption("prefix", "what to put before each name", required=True)
            yield heron.ItemAction(name="add-prefix", summary="Rename items", options=[prefix], load=load)
        ```
    """


@hookspec
def register_projections() -> Iterable[ProjectionMethod]:  # type: ignore[empty-body]
    """Bring methods that project vectors to two dimensions, for `heron plot --method NAME`.

    Example:
        ```python
        import heron

        def load():
            import numpy as np

            def project(units, seed):
                axes = np.random.default_rng(seed).standard_normal((units.shape[1], 2), np.float32)
                return units @ axes
            return project

        @heron.hookimpl
        def register_projections():
            yield heron.ProjectionMethod(name="thrown", summary="A random plane", title="Random plane", load=load)
        ```
    """


@hookspec
def register_samplers() -> Iterable[Sampler]:  # type: ignore[empty-body]
    """Bring samplers: methods that choose some of many items by their vectors, for `heron select --sample N --sampler NAME`.

    Example:
        ```python
        import heron

        def load():
            import numpy as np

            def sample(units, count, seed):
                middle = units.mean(axis=0)
                return np.argsort(-(units @ middle), kind="stable")[:count]
            return sample

        @heron.hookimpl
        def register_samplers():
            yield heron.Sampler(name="typical", summary="The items nearest to the mean", load=load)
        ```
    """


@hookspec
def register_tables() -> Iterable[PluginTables]:  # type: ignore[empty-body]
    """Bring tables of the plugin's own in a workspace, which `workspace.tables.open(NAME)` opens.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def register_tables():
            first = "CREATE TABLE notes (item TEXT PRIMARY KEY, text TEXT NOT NULL)"
            yield heron.PluginTables(name="notes", summary="Notes on items", migrations=[first])

        def note(workspace, item, text):
            with workspace.tables.open("notes") as database:
                database.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", [item.uuid, text])
        ```
    """
