"""The parameters of the vector search, chosen by measurement; tests and benchmarks may use others."""

from __future__ import annotations

from attrs import frozen


@frozen
class Tuning:
    """Measured at 100,000 to 1,000,000 vectors of 512 numbers, on random and on clustered ones."""

    checkpoint: int = 2048
    """Rows between two checksums of the codes. A graph covers a multiple of it; the rows behind are scanned.
    """

    step: int = 16 * 8192
    """Rows that are encoded before the record is written; a multiple of `checkpoint`."""

    save: int = 8 * 8192
    """Rows that are added to the graph before it is saved; a multiple of `checkpoint`. Adding them takes half
    a minute.
    """

    least: int = 2 * 8192
    """With fewer rows neither partitions nor a graph are made: a scan of them takes half a millisecond."""

    connectivity: int = 16
    """Edges per vertex of the graph (M); 32 takes twice the processor time and did not find more."""

    expansion_add: int = 128
    """Candidates that the graph considers for each vector that is added."""

    expansions: tuple[int, ...] = (48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
    """Candidates that it may consider for each query; `judging` chooses the lowest number that finds enough.
    """

    graph_step: int = 125
    """A scan reads this many rows in the time in which the graph considers one candidate."""

    masked: int = 2 * 8192
    """Partitions take so many allowed rows as a mask; fewer are scanned."""

    whole: int = 2048
    """Up to this many vectors, a filter is asked for all its rows at once."""

    first_asked: int = 256
    """A filter is first asked about this many candidates."""

    sampled: int = 2**26
    """Of so many numbers, 131,072 vectors of 512, a filter is asked about a few rows before the index is."""

    asked: int = 16
    """A filter is asked about up to 1/16 of all rows; this costs about as much as asking it for all its rows.
    """

    most: int = 4096
    """Once there are enough results, up to this many candidates are compared exactly to confirm them."""


DEFAULT = Tuning()
