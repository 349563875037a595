"""What the plugin storage_otc promises, and that it promises it without importing anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import heron
import heron_storage_otc

CHECK = """
import sys, heron_storage_otc
(record,) = heron_storage_otc.register_storage()
record.normalise("https://lake.obs.eu-de.otc.t-systems.com/a.jpg")
heavy = "s3fs botocore aiohttp fsspec gcsfs adlfs pydicom nibabel av onnxruntime numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def test_one_backend_for_its_schemes() -> None:
    (backend,) = heron_storage_otc.register_storage()
    assert isinstance(backend, heron.StorageBackend)
    assert backend.name == "otc"
    assert list(backend.schemes) == ["obs"]
    assert backend.summary
    assert not backend.planned


def test_it_says_what_to_install() -> None:
    (backend,) = heron_storage_otc.register_storage()
    assert list(backend.requires) == ["s3fs"]
    assert backend.extra == "otc"


def test_exactly_the_secrets_are_secret() -> None:
    (backend,) = heron_storage_otc.register_storage()
    assert [option.name for option in backend.options if option.secret] == [
        "secret_access_key",
        "session_token",
    ]


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
