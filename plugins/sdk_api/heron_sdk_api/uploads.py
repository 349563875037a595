"""Addresses for uploads: a client puts the bytes there, and then starts a job that takes them."""

from __future__ import annotations

from typing import Any

from heron import PermissionDenied
from heron_sdk_api.calls import Call
from heron_sdk_api.paging import MOST
from heron_sdk_api.uploaded import Uploaded, key_of

SECONDS = 6 * 3600
"""How long an address takes an upload."""


def addresses(call: Call) -> Any:
    """As many addresses as are asked for, for files of a folder."""
    call.ws.folders.get(call.uuid("folder"))
    call.fields.text("itemType")
    return {"results": made(call, call.fields.whole("count", least=1, most=MOST))}


def addresses_of_dataset(call: Call) -> Any:
    """As many addresses as are asked for, for files of a dataset."""
    return {"results": made(call, call.query.whole("count", 1, least=1, most=MOST))}


def made(call: Call, count: int) -> list[dict[str, Any]]:
    """So many new addresses."""
    if call.site.read_only:
        raise PermissionDenied("this server only reads")
    uploaded = Uploaded(call.site.path)
    results = []
    for _ in range(count):
        upload = uploaded.announce()
        path = f"/v2/public/heron/uploads/{upload}"
        signed = call.origin + call.site.sign(path, user=call.user, seconds=SECONDS, method="PUT")
        results.append(
            {"itemUuid": str(upload), "objectKey": key_of(upload), "signedUrl": signed, "uploadHeaders": {}}
        )
    return results
