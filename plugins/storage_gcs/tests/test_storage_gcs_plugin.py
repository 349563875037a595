"""What the plugin storage_gcs promises, and that it promises it without importing anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import heron
import heron_storage_gcs

CHECK = """
import sys, heron_storage_gcs
[backend] = heron_storage_gcs.register_storage()
backend.normalise("https://storage.googleapis.com/bucket/key")
heavy = "gcsfs fsspec aiohttp google.auth s3fs adlfs pydicom nibabel av onnxruntime numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def test_one_backend_for_its_schemes() -> None:
    (backend,) = heron_storage_gcs.register_storage()
    assert isinstance(backend, heron.StorageBackend)
    assert backend.name == "gcs"
    assert list(backend.schemes) == ["gs", "gcs"]
    assert backend.summary
    assert not backend.planned


def test_it_says_what_to_install() -> None:
    (backend,) = heron_storage_gcs.register_storage()
    assert list(backend.requires) == ["gcsfs"]
    assert backend.extra == "gcs"


def test_no_option_is_a_secret() -> None:
    (backend,) = heron_storage_gcs.register_storage()
    kinds = {option.name: option.type for option in backend.options}
    assert kinds == {
        "credentials_file": "text",
        "anonymous": "boolean",
        "project": "text",
        "requester_pays": "boolean",
        "endpoint": "text",
    }
    assert not any(option.secret for option in backend.options), "the file is named, its content never given"


def test_hooks_and_urls_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
