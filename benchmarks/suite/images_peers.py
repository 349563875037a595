"""Importing pictures into FiftyOne, LightlyStudio and DataChain, and three conditions there."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.house.measuring import disk, peak_memory, repeated, timed
from benchmarks.house.records import page_answer
from benchmarks.house.shape import Cases, Job, way
from benchmarks.suite.lake_datasets import datachain_in, fiftyone_in


def imported(job: Job, work: Callable[[], Any]) -> Cases:
    """The figures of an import on all cores."""
    took = timed(work)
    return {
        "importing, all cores": {**took, "count": job.size, "memory": peak_memory(), "disk": disk(job.own)}
    }


def asked(page: Callable[[], tuple[Sequence[str], int]]) -> Cases:
    """The figures of a query that gives the names of a page and the count."""
    took, answer = repeated(lambda: page_answer(*page()), 5)
    return {"three conditions": {**took, "memory": peak_memory(), "answer": answer}}


def fiftyone_imports(job: Job) -> Cases:
    """Samples of a folder, and their metadata."""
    fiftyone = fiftyone_in(job)
    dataset = fiftyone.Dataset("lake", persistent=True)

    def work() -> None:
        dataset.add_images_dir(str(job.stage))
        dataset.compute_metadata(progress=False)

    return imported(job, work)


def fiftyone_asks(job: Job) -> Cases:
    """A view of the dataset."""
    fiftyone = fiftyone_in(job)
    from fiftyone import ViewField

    dataset = fiftyone.load_dataset("lake")
    found = dataset.match(
        (ViewField("metadata.width") >= 1000)
        & (ViewField("metadata.height") > 740)
        & (ViewField("metadata.height") < 765)
    )

    def page() -> tuple[Sequence[str], int]:
        newest = found.sort_by("filepath", reverse=True).limit(100)
        return [sample.filename for sample in newest], found.count()

    return asked(page)


def lightly_in(job: Job) -> Any:
    """LightlyStudio with its database in the folder of the way."""
    os.environ["LIGHTLY_STUDIO_ANALYTICS_ENABLED"] = "false"
    import lightly_studio
    from lightly_studio.database import db_manager

    logging.disable(logging.INFO)
    db_manager.connect(db_file=str(job.own / "lightly.db"))
    return lightly_studio


def lightly_imports(job: Job) -> Cases:
    """Pictures of a folder, without embeddings."""
    dataset = lightly_in(job).ImageDataset.create("lake")
    return imported(job, lambda: dataset.add_images_from_path(job.stage, embed=False))


def lightly_asks(job: Job) -> Cases:
    """A query of the dataset; there is no count, so all that is found is listed."""
    dataset = lightly_in(job).ImageDataset.load("lake")
    from lightly_studio.core.dataset_query import AND, ImageSampleField, OrderByField

    condition = AND(
        ImageSampleField.width >= 1000,
        ImageSampleField.height > 740,
        ImageSampleField.height < 765,
    )

    def page() -> tuple[Sequence[str], int]:
        newest = dataset.query().match(condition).order_by(OrderByField(ImageSampleField.file_name).desc())
        names = [sample.file_name for sample in newest.slice(0, 100)]
        return names, len(dataset.query().match(condition).to_list())

    return asked(page)


def datachain_imports(job: Job) -> Cases:
    """Files of a folder, with the size of each picture."""
    datachain = datachain_in(job)

    def work() -> None:
        chain = datachain.read_storage(job.stage.as_uri())
        chain.map(picture_size, params=["file"], output={"width": int, "height": int}).save("lake")

    return imported(job, work)


def picture_size(file):  # type: ignore[no-untyped-def] # DataChain would check annotations
    """Width and height of a picture."""
    from PIL import Image

    with file.open() as stream, Image.open(stream) as image:
        return image.size


def datachain_asks(job: Job) -> Cases:
    """A filter on the dataset."""
    datachain = datachain_in(job)
    column = datachain.C

    def page() -> tuple[Sequence[str], int]:
        found = datachain.read_dataset("lake").filter(
            (column("width") >= 1000) & (column("height") > 740) & (column("height") < 765)
        )
        newest = found.order_by("file.path", descending=True).limit(100)
        return newest.to_values("file.path"), found.count()

    return asked(page)


WAYS = (
    way("FiftyOne", fiftyone_imports, fiftyone_asks, peer="fiftyone"),
    way("LightlyStudio", lightly_imports, lightly_asks, peer="lightly"),
    way("DataChain", datachain_imports, datachain_asks, peer="datachain"),
)
