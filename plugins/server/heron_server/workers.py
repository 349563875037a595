"""What worker processes share: a folder of mode 0700 with the settings, the jobs and the counters."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import asdict, evolve

from heron_server.settings import Settings

_FOLDER = "HERON_SERVE_FOLDER"
_FILE = "settings.json"


@contextmanager
def shared(settings: Settings) -> Iterator[Settings]:
    """The settings with a folder that is shared while the server runs; worker processes find them."""
    with TemporaryDirectory(prefix="heron-serve-") as folder:
        (Path(folder) / "metrics").mkdir(mode=0o700)
        within = evolve(settings, folder=Path(folder))
        values = asdict(within) | {"key": within.key.hex(), "path": str(within.path), "folder": folder}
        file = Path(folder) / _FILE
        file.touch(mode=0o600)
        file.write_text(json.dumps(values))
        os.environ[_FOLDER] = folder
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(Path(folder) / "metrics")
        yield within


def settings_of_parent() -> Settings:
    """The settings that the parent process has left."""
    values = json.loads((Path(os.environ[_FOLDER]) / _FILE).read_text())
    return Settings(**values | {"key": bytes.fromhex(values["key"]), "folder": Path(values["folder"])})
