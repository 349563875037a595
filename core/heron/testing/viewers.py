"""The contract of viewers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from heron.testing.contracts import RecordContract

if TYPE_CHECKING:
    from heron.hooks import Contribution, Viewer

_EXPORTS_MOUNT = re.compile(
    r"^\s*export\s+(async\s+)?(function\s+mount\b|const\s+mount\b)|^\s*export\s*\{[^}]*\bmount\b", re.M
)
_IMPORTS = re.compile(r"^\s*(import\b(?!\.meta)|export\s+[^;=(]*\bfrom\b)|\bimport\s*\(", re.M)
_ELSEWHERE = re.compile(r"""["'`](https?:|wss?:)?//\w""")
_WRITES_CODE = re.compile(r"\beval\s*\(|\bnew\s+Function\b")


class ViewerContract(RecordContract):
    """Rules for a viewer. Set `viewer`, and `module` to the name of the Python module that yields it."""

    viewer: ClassVar[Viewer]
    """The record that the hook yields."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.viewer

    def test_the_module_is_one_file_that_exports_mount(self) -> None:
        """The page calls `mount(element, item)` of it."""
        path = self.viewer.module
        assert path.is_file(), f"there is no file {path}"
        assert path.suffix in (".js", ".mjs"), f"{path.name} is not called .js or .mjs"
        text = path.read_text(encoding="utf-8")
        assert _EXPORTS_MOUNT.search(text), f"{path.name} does not export a function mount"
        assert not _IMPORTS.search(text), f"{path.name} imports a module: a viewer is one file"

    def test_the_module_keeps_to_its_server(self) -> None:
        """The page refuses what comes from elsewhere, and code that is made from texts."""
        text = self.viewer.module.read_text(encoding="utf-8")
        assert not _ELSEWHERE.search(text), "the module names the address of another server"
        assert not _WRITES_CODE.search(text), "the module makes code from a text"
