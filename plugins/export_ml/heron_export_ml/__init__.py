"""Exporters for training and annotation: each writes a dataset in the form that the next tool reads."""

from __future__ import annotations

from collections.abc import Iterable

import heron
from heron_export_ml.formats import exporters


@heron.hookimpl
def register_exporters() -> Iterable[heron.DatasetExporter]:
    """Formats of one file, and formats that are a folder."""
    return exporters()
