"""Personal facts: they are left out where an import is asked to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from heron.hooks import MediaDecoder
from heron.models import MediaFacts


def without_personal(facts: MediaFacts, record: MediaDecoder) -> MediaFacts:
    """Facts without personal ones, which the record of their decoder names."""
    extra: dict[str, Any] = dict(facts.extra)
    for name in record.personal:
        space, _, key = name.partition(".")
        if isinstance(extra.get(space), Mapping) and key in extra[space]:
            extra[space] = {other: value for other, value in extra[space].items() if other != key}
    return evolve(facts, extra=extra)
