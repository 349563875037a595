"""What the plugin storage_s3 promises, and that it promises it without importing anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import heron
import heron_storage_s3

CHECK = """
import sys, heron_storage_s3
list(heron_storage_s3.register_storage())
heavy = "s3fs gcsfs adlfs pydicom nibabel av onnxruntime numpy PIL".split()
sys.exit(" ".join(name for name in heavy if name in sys.modules) or 0)
"""


def test_one_backend_for_its_schemes() -> None:
    (backend,) = heron_storage_s3.register_storage()
    assert isinstance(backend, heron.StorageBackend)
    assert backend.name == "s3"
    assert list(backend.schemes) == ["s3", "s3a"]
    assert backend.summary


def test_it_says_what_to_install() -> None:
    (backend,) = heron_storage_s3.register_storage()
    assert not backend.requires, "named once there is something that needs it"
    assert backend.extra == "s3"


def test_loading_says_that_it_is_not_built_yet() -> None:
    (backend,) = heron_storage_s3.register_storage()
    with pytest.raises(heron.PluginError) as caught:
        backend.load({})
    assert caught.value.message == "plugin storage_s3 knows s3:// URLs, but reading them is not built yet"
    assert caught.value.hint == "follow the changelog"


def test_the_hooks_import_nothing_heavy() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
