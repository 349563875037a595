"""The methods of the official SDK, and what each does against Heron's server."""

from __future__ import annotations


def methods() -> str:
    """A table for each class of the SDK."""
    from heron_sdk_api.sdk_methods import table

    return table()
