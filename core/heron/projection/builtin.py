"""The built-in projections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from heron.hooks import ProjectionMethod, hookimpl

if TYPE_CHECKING:
    from heron.hooks import ProjectVectors


def _load_pca() -> ProjectVectors:
    from heron.projection.methods import METHODS

    return METHODS["pca"]


def _load_tsne() -> ProjectVectors:
    from heron.projection.methods import METHODS

    return METHODS["tsne"]


@hookimpl
def register_projections() -> Iterable[ProjectionMethod]:
    """Principal components, and t-SNE."""
    yield ProjectionMethod(name="pca", summary="principal components", title="PCA", load=_load_pca)
    yield ProjectionMethod(
        name="tsne",
        summary="t-SNE, which shows clusters and takes longer",
        title="t-SNE",
        requires=["openTSNE"],
        extra="tsne",
        load=_load_tsne,
    )
