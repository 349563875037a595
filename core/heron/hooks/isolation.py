"""Where code of installed plugins runs."""

from typing import Literal

Isolation = Literal["process", "none"]
"""In processes of its own, or in Heron's."""
