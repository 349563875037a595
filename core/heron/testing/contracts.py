"""Rules that all contracts share: for a record, and for the text of an error."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from heron.hooks import Contribution

LONGEST_REASON = 1000
"""The most characters of the text of an error."""

_WHAT_AN_IMPORT_BRINGS = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[1])
import heron.hooks, heron.models, heron.errors
before = set(sys.modules)
try:
    importlib.import_module(sys.argv[2])
except ModuleNotFoundError as error:
    if error.name != sys.argv[2].partition(".")[0] and error.name != sys.argv[2]:
        raise
    sys.exit(3)
print(json.dumps(sorted(name for name in set(sys.modules) - before if "." not in name)))
"""


def reason_of(error: BaseException) -> str:
    """The text of an error, which must be one readable line."""
    text = str(error)
    assert text.strip(), f"{type(error).__name__} has no text"
    assert len(text.splitlines()) == 1, f"the text of an error is one line, not {text!r}"
    assert len(text) <= LONGEST_REASON, f"the text of an error has {len(text):,} characters: {text[:80]!r}…"
    text.encode()  # fails for a lone surrogate, which a terminal cannot print
    return text


class RecordContract:
    """Rules for every record that a hook yields, the base of the other contracts."""

    heavy: ClassVar[frozenset[str]] = frozenset((
        "PIL", "adlfs", "av", "boto3", "botocore", "cv2", "duckdb", "fsspec", "gcsfs", "nibabel",
        "numpy", "onnxruntime", "pandas", "pyarrow", "pydicom", "s3fs", "scipy", "tokenizers", "torch", "usearch",
    ))  # fmt: skip
    """Modules that importing a plugin must not import."""

    module: ClassVar[str | None] = None
    """The module that the entry point names; by default, the one that defines the record's `load`."""

    def record(self) -> Contribution:
        """The record under test."""
        raise NotImplementedError("subclass one of the contracts of heron.testing")

    def test_record_has_a_name_and_a_one_line_summary(self) -> None:
        """Lists show the name and the summary, so both exist and are on one line."""
        record = self.record()
        for text in (record.name, record.summary):
            assert isinstance(text, str)
            assert text == text.strip()
            assert len(text.splitlines()) == 1, f"{text!r} is not one line"

    def test_heron_takes_the_record(self) -> None:
        """Records are checked whole when they are registered; one with a fault is listed as failed, and not used."""
        from heron.hooks.checking import check

        check(self.record(), is_own=False)

    def test_record_needs_only_what_is_installed_here(self) -> None:
        """`requires` names distributions as pip does, and a test run has all of them."""
        from heron.hooks.versions import unmet

        assert not unmet(self.record().requires)

    def test_static_record_says_what_the_module_yields(self) -> None:
        """Heron trusts the static record of an installed plugin, if there is one, and does not import the module."""
        from heron.hooks.describing import has_record, stale

        module = self.module or getattr(getattr(self.record(), "load", None), "__module__", None) or ""
        if module and has_record(module):
            fault = stale(module)
            assert fault is None, f"{fault}: heron plugins record {module}"

    def test_importing_the_plugin_imports_nothing_heavy(self) -> None:
        """The module of the record is imported when a workspace is opened, so third-party imports wait for `load`."""
        load = getattr(self.record(), "load", None)
        module = self.module or getattr(load, "__module__", None) or ""
        requires = {re.split(r"[^A-Za-z0-9._-]", name)[0] for name in self.record().requires}
        needed = {name for name, owners in _owners_of_packages().items() if requires & set(owners)}
        found = _import_in_another_process(module)
        if found.returncode == 3:
            pytest.skip(
                f"module {module!r} cannot be imported by itself; set `module` to that of the entry point"
            )
        assert found.returncode == 0, found.stderr
        imported = set(json.loads(found.stdout.splitlines()[-1]))
        assert not imported & (self.heavy | needed), f"import of {module} imports a heavy library"


@cache
def _owners_of_packages() -> Mapping[str, list[str]]:
    """The distributions of each importable package; reading them takes a tenth of a second."""
    from importlib.metadata import packages_distributions

    return packages_distributions()


@cache
def _import_in_another_process(module: str) -> subprocess.CompletedProcess[str]:
    """Import a module alone, once for the contracts of all its records."""
    return subprocess.run(
        [sys.executable, "-c", _WHAT_AN_IMPORT_BRINGS, json.dumps(sys.path), module],
        capture_output=True,
        text=True,
        check=False,
    )
