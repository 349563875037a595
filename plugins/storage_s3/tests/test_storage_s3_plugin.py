"""What the plugin storage_s3 promises, and that it promises it without importing anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import heron
import heron_storage_s3

CHECK = """
import sys, heron_storage_s3
(record,) = heron_storage_s3.register_storage()
record.normalise("https://lake.s3.amazonaws.com/a.jpg")
heavy = "s3fs botocore aiohttp fsspec gcsfs adlfs pydicom nibabel av onnxruntime numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def test_one_backend_for_its_schemes() -> None:
    (backend,) = heron_storage_s3.register_storage()
    assert isinstance(backend, heron.StorageBackend)
    assert backend.name == "s3"
    assert list(backend.schemes) == ["s3", "s3a", "s3n"]
    assert backend.summary
    assert not backend.planned


def test_it_says_what_to_install() -> None:
    (backend,) = heron_storage_s3.register_storage()
    assert list(backend.requires) == ["s3fs"]
    assert backend.extra == "s3"


def test_exactly_the_secrets_are_secret() -> None:
    (backend,) = heron_storage_s3.register_storage()
    assert [option.name for option in backend.options if option.secret] == [
        "secret_access_key",
        "session_token",
    ]


def test_the_options_are_those_that_loading_takes() -> None:
    from dataclasses import fields

    from heron_storage_s3.options import S3Options

    (backend,) = heron_storage_s3.register_storage()
    assert [option.name for option in backend.options] == [field.name for field in fields(S3Options)]


def test_loading_sends_nothing_and_looks_for_no_credentials() -> None:
    (backend,) = heron_storage_s3.register_storage()
    assert backend.load({"profile": "there-is-none", "endpoint": "http://127.0.0.1:9"})


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
