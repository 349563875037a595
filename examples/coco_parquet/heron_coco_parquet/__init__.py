"""Two exporters: COCO with the boxes of a metadata key `boxes`, and Parquet with a few typed columns."""

from __future__ import annotations

from collections.abc import Iterable

import heron


def _coco() -> heron.Exporter:
    from heron_coco_parquet.coco import Coco

    return Coco()


def _parquet() -> heron.Exporter:
    from heron_coco_parquet.parquet import Parquet

    return Parquet()


@heron.hookimpl
def register_exporters() -> Iterable[heron.DatasetExporter]:
    """Bring the exporters."""
    yield heron.DatasetExporter(
        name="coco-boxes", summary="COCO with boxes of the key `boxes`", suffix="", kinds=["image"], contains=["metadata"],
        read_with="pycocotools", load=_coco,
    )  # fmt: skip
    yield heron.DatasetExporter(
        name="small-parquet", summary="URL, name, size and metadata", suffix="", contains=["metadata"], requires=["pyarrow"],
        read_with="pandas, Polars, DuckDB", load=_parquet,
    )  # fmt: skip
