"""Point clouds in PCD files: a kind of items, a decoder with facts and a picture from above, and the namespace of facts `pcd`."""

from __future__ import annotations

from collections.abc import Iterable

import heron


def load() -> heron.Decoder:
    """Make the decoder."""
    from heron_point_cloud.pcd import PcdDecoder

    return PcdDecoder()


@heron.hookimpl
def register_kinds() -> Iterable[heron.MediaKind]:
    """Bring the kind."""
    yield heron.MediaKind(name="point_cloud", summary="points in space", arrays=["point_clouds"])


@heron.hookimpl
def register_decoders() -> Iterable[heron.MediaDecoder]:
    """Bring the decoder."""
    pcd = heron.MediaFormat(
        media_type="model/x-pcd", kind="point_cloud", suffixes=[".pcd"], signature=rb"# \.PCD v"
    )
    yield heron.MediaDecoder(
        name="pcd",
        summary="point clouds of PCL",
        formats=[pcd],
        namespaces=["pcd"],
        requires=["numpy"],
        load=load,
    )
