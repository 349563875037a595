"""What the plugin storage_azure promises, and that it promises it without importing anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import heron
import heron_storage_azure

CHECK = """
import sys, heron_storage_azure
list(heron_storage_azure.register_storage())
heavy = "s3fs gcsfs adlfs azure aiohttp pydicom nibabel av onnxruntime numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def test_one_backend_for_its_schemes() -> None:
    (backend,) = heron_storage_azure.register_storage()
    assert isinstance(backend, heron.StorageBackend)
    assert backend.name == "azure"
    assert list(backend.schemes) == ["az", "abfs", "abfss", "wasb", "wasbs"]
    assert backend.summary


def test_it_says_what_to_install() -> None:
    (backend,) = heron_storage_azure.register_storage()
    assert list(backend.requires) == ["adlfs"]
    assert backend.extra == "azure"
    assert not backend.planned


def test_what_must_not_be_seen_is_a_secret() -> None:
    (backend,) = heron_storage_azure.register_storage()
    secret = {option.name for option in backend.options if option.secret}
    assert secret == {"account_key", "sas_token", "connection_string", "client_secret"}


def test_without_an_account_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    (backend,) = heron_storage_azure.register_storage()
    with pytest.raises(heron.InvalidInput, match="no storage account is named") as caught:
        backend.load({})
    assert "AZURE_STORAGE_ACCOUNT_NAME" in str(caught.value.hint)


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
