"""The numbers by which the engine works, as they were measured; tests and benchmarks may take others."""

from __future__ import annotations

from attrs import frozen


@frozen
class Tuning:
    """Measured at 100,000 to 1,000,000 vectors of 512 numbers, on random and on clustered ones."""

    mark: int = 2048
    """Rows between two checksums of the codes. A graph covers a multiple of it; what is behind is scanned."""

    step: int = 16 * 8192
    """Rows that are encoded before what is done is recorded; a multiple of `mark`."""

    save: int = 8 * 8192
    """Rows that are added to the graph before it is saved; a multiple of `mark`. They take half a minute."""

    least: int = 2 * 8192
    """Rows below which no graph is made: a scan of them takes half a millisecond."""

    connectivity: int = 16
    """Edges of a vertex of the graph (M); 32 costs twice the processor time and did not find more."""

    expansion_add: int = 128
    """Candidates that the graph considers for each vector that is added."""

    expansions: tuple[int, ...] = (48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
    """Candidates that it may consider for each query; the fewest that find enough are taken (`judging`)."""

    graph_step: int = 125
    """Rows that are scanned in the time in which the graph considers one candidate."""

    whole: int = 2048
    """Up to so many vectors, a filter is asked for all its rows, and not whether it keeps some."""

    probe: int = 256
    """Candidates that a filter is asked about at first."""

    asked: int = 16
    """A filter is asked about up to 1/16 of all rows; about as dear as asking it for all its rows."""

    most: int = 4096
    """Candidates that are compared by their true vectors for the sake of certainty alone."""


DEFAULT = Tuning()
