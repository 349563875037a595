"""For plugin authors: contract classes to subclass, which test that a plugin does what Heron expects.

```python
from heron.testing import MetadataTypeContract
from my_plugin import PERCENT

class TestPercent(MetadataTypeContract):
    metadata_type = PERCENT
    good = [(50, 50.0)]
    bad = [101, "half"]
```

pytest runs every test of the contract for the subclass. Needs pytest.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"heron.testing.{name}"
        for name in (
            "actions",
            "choosing",
            "contracts",
            "routes",
            "query_functions",
            "metrics",
            "exporters",
            "events",
            "commands",
            "decoders",
            "derivers",
            "embedders",
            "executors",
            "frames",
            "importers",
            "metadata_types",
            "query_functions",
            "storages",
            "values",
            "viewers",
        )
    )
)

from heron.testing.actions import ActionContract  # noqa: E402
from heron.testing.choosing import ProjectionContract, SamplerContract  # noqa: E402
from heron.testing.commands import CommandContract  # noqa: E402
from heron.testing.decoders import DecoderContract  # noqa: E402
from heron.testing.derivers import DeriverContract, a_frame, an_item  # noqa: E402
from heron.testing.embedders import EmbedderContract  # noqa: E402
from heron.testing.events import EventContract  # noqa: E402
from heron.testing.executors import ExecutorContract  # noqa: E402
from heron.testing.exporters import ExporterContract  # noqa: E402
from heron.testing.faults import FaultProxy  # noqa: E402
from heron.testing.files import LocalMediaFile, damaged_copies, format_of  # noqa: E402
from heron.testing.importers import ImporterContract  # noqa: E402
from heron.testing.metadata_types import MetadataTypeContract  # noqa: E402
from heron.testing.metrics import MetricsContract  # noqa: E402
from heron.testing.query_functions import QueryFunctionContract  # noqa: E402
from heron.testing.routes import RoutesContract  # noqa: E402
from heron.testing.storages import StorageContract  # noqa: E402
from heron.testing.viewers import ViewerContract  # noqa: E402

__all__ = [
    "ActionContract",
    "CommandContract",
    "DecoderContract",
    "DeriverContract",
    "EmbedderContract",
    "EventContract",
    "ExecutorContract",
    "ExporterContract",
    "FaultProxy",
    "ImporterContract",
    "LocalMediaFile",
    "MetadataTypeContract",
    "MetricsContract",
    "ProjectionContract",
    "QueryFunctionContract",
    "RoutesContract",
    "SamplerContract",
    "StorageContract",
    "ViewerContract",
    "a_frame",
    "an_item",
    "damaged_copies",
    "format_of",
]
