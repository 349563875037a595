"""The lake in programs for datasets: DataChain and FiftyOne."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.house.measuring import disk, peak_memory, timed
from benchmarks.house.records import batches, facets_answer, page_answer
from benchmarks.house.shape import Cases, Job, way

_COLUMNS = ("name", "url", "width", "share", "captured_at", "dark", "weather", "city", "shot")


def rows(size: int) -> Iterator[dict[str, Any]]:
    """The records one by one."""
    for columns in batches(size):
        for values in zip(*(columns[key] for key in _COLUMNS), strict=True):
            yield dict(zip(_COLUMNS, values, strict=True))


def datachain_in(job: Job) -> Any:
    """DataChain with its database in the folder of the way."""
    os.environ |= {
        "DATACHAIN_ROOT_DIR": str(job.own),
        "DATACHAIN_NO_ANALYTICS": "1",
        "DATACHAIN_SHOW_PREFETCH_PROGRESS": "0",
    }
    import datachain

    return datachain


def datachain_loads(job: Job) -> Cases:
    """A dataset made of values, in batches."""
    datachain = datachain_in(job)

    def load() -> None:
        columns: dict[str, list[Any]] = {key: [] for key in _COLUMNS}
        for batch in batches(job.size):
            for key, values in columns.items():
                values += batch[key]
        datachain.read_values(**columns).save("lake")

    took = timed(load)
    return {"registering": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}}


def datachain_asks(job: Job) -> Cases:
    """A filter on the saved dataset."""
    datachain = datachain_in(job)
    from benchmarks.suite.lake import asked

    column = datachain.C

    def page(share: float) -> Callable[[], str]:
        def work() -> str:
            found = datachain.read_dataset("lake").filter(
                (column("share") < share) & (column("width") >= 1000) & column("city").glob("city*")
            )
            names = found.order_by("captured_at", descending=True).limit(100).to_values("name")
            return page_answer(names, found.count())

        return work

    return asked(page, None)


def fiftyone_in(job: Job) -> Any:
    """FiftyOne with its database server in the folder of the way."""
    os.environ |= {
        "FIFTYONE_DATABASE_DIR": str(job.own / "db"), "FIFTYONE_DO_NOT_TRACK": "true", "FIFTYONE_SHOW_PROGRESS_BARS": "false",
        "HOME": str(job.own), "FIFTYONE_CONFIG_PATH": str(job.own / "config.json"),
    }  # fmt: skip
    import fiftyone

    return fiftyone


def fiftyone_loads(job: Job) -> Cases:
    """Samples with fields, and an index of the number that decides."""
    fiftyone = fiftyone_in(job)
    dataset = fiftyone.Dataset("lake", persistent=True)

    def load() -> None:
        dataset.add_samples(
            (fiftyone.Sample(filepath=f"/lake/{row['name']}", **row) for row in rows(job.size)),
            num_samples=job.size, progress=False,
        )  # fmt: skip
        dataset.create_index("share")

    took = timed(load)
    return {"registering": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own / "db")}}


def fiftyone_asks(job: Job) -> Cases:
    """A view of the dataset."""
    fiftyone = fiftyone_in(job)
    from fiftyone import ViewField

    from benchmarks.suite.lake import asked

    dataset = fiftyone.load_dataset("lake")

    def page(share: float) -> Callable[[], str]:
        condition = (
            (ViewField("share") < share)
            & (ViewField("width") >= 1000)
            & ViewField("city").starts_with("city")
        )

        def work() -> str:
            found = dataset.match(condition)
            newest = found.sort_by("captured_at", reverse=True).limit(100)
            return page_answer([sample["name"] for sample in newest], found.count())

        return work

    def facets(share: float) -> Callable[[], str]:
        def work() -> str:
            found = dataset.match(ViewField("share") < share)
            counts = [fiftyone.CountValues(key) for key in ("weather", "city", "dark", "width")]
            months = fiftyone.CountValues(ViewField("captured_at").month())
            keys = ("weather", "city", "dark", "width", "captured_at")
            answers = found.aggregate([*counts, months])
            return facets_answer({key: list(part.values()) for key, part in zip(keys, answers, strict=True)})

        return work

    return asked(page, facets)


WAYS = (
    way("DataChain", datachain_loads, datachain_asks, peer="datachain", most=100_000),
    way("FiftyOne", fiftyone_loads, fiftyone_asks, peer="fiftyone", most=100_000),
)
