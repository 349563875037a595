"""The queries of v1: what each is about, its type and method, and its handler."""

from __future__ import annotations

from attrs import frozen

_TABLE = """
dataset dataset                GET    rows.dataset
dataset datarow                GET    rows.row
dataset datarow                POST   rows.save
dataset datarows               GET    rows.rows
dataset datasetlinkitems       POST   rows.link
dataset datasetdatalongpolling POST   rows.start
dataset datasetdatalongpolling GET    rows.state
dataset video                  POST   rows.rename
dataset video                  DELETE rows.delete
dataset datasetusers           POST   rows.add_users
dataset signedimagesurl        GET    rows.address
dataset signedvideourl         GET    rows.address
dataset signeddicomsurl        GET    rows.addresses
project projectdataset         POST   attachments.attach
project projectdataset         DELETE attachments.detach
project labelrowmetadata       GET    attachments.no_label_rows
project project                GET    attachments.project
user    project                POST   attachments.create_project
user    dataset                POST   rows.create_dataset
user    datasetwithuserrole    GET    rows.datasets
user    projectwithuserrole    GET    attachments.projects
"""


@frozen
class QueryType:
    """One query of v1: the resource that it is about, its type and method, and `MODULE.FUNCTION` of its handler."""

    resource: str
    type: str
    method: str
    handler: str


QUERIES = tuple(QueryType(*line.split()) for line in _TABLE.strip().splitlines())
"""All queries of v1."""
