"""One small distribution that brings something of every sort to Heron, through its public names alone."""

from collections.abc import Iterable

import heron


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Objects in a zip file: `zipped:///folder/archive.zip!/member`."""
    yield heron.StorageBackend(
        name="zipped", summary="members of zip files", schemes=["zipped"], load=_storage
    )


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Farbfeld images."""
    farbfeld = heron.MediaFormat(
        media_type="image/x-farbfeld", kind="image", suffixes=[".ff"], signature=rb"farbfeld"
    )
    yield heron.MediaDecoder(name="farbfeld", summary="farbfeld images", formats=[farbfeld], load=_decoder)


@heron.hookimpl
def register_metadata_types() -> Iterable[heron.MetadataType]:
    """Percentages."""
    yield heron.MetadataType(name="percent", summary="0 to 100", affinity="number", load=_percent)


@heron.hookimpl
def register_embedders() -> Iterable[heron.EmbedderModel]:
    """The mean colour."""
    yield heron.EmbedderModel(name="mean-colour", summary="mean colour", size=3, turns=True, load=_embedder)


@heron.hookimpl
def register_exporters() -> Iterable[heron.DatasetExporter]:
    """One URL a line."""
    yield heron.DatasetExporter(name="urls", summary="one URL a line", suffix=".urls", load=_exporter)


@heron.hookimpl
def register_commands() -> Iterable[heron.CliCommand]:
    """`heron mean-colour FILE`."""
    yield heron.CliCommand(name="mean-colour", summary="Print the mean colour of a picture.", load=_command)


def _storage(options):
    from heron_example.parts import ZippedStorage

    return ZippedStorage(**options)


def _decoder():
    from heron_example.parts import FarbfeldDecoder

    return FarbfeldDecoder()


def _percent():
    from heron_example.parts import Percent

    return Percent()


def _embedder():
    from heron_example.parts import MeanColour

    return MeanColour()


def _exporter():
    from heron_example.parts import UrlExporter

    return UrlExporter()


def _command():
    from heron_example.parts import mean_colour

    return mean_colour
