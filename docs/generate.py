"""Writes the generated blocks of README and docs; a test fails when they are not up to date.

A block stands between `<!-- begin: NAME -->` and `<!-- end -->`. Run: python docs/generate.py
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
sys.path += [str(folder) for folder in sorted((ROOT / "plugins").iterdir())]  # also those not installed yet

from docs.blocks import (  # noqa: E402 - found by the path above
    commands,
    contracts,
    exports,
    hostile,
    language,
    media,
    packages,
    plugins,
    portable,
    rights,
    routes,
    sdk,
    tutorial,
    verbs,
)

PAGES = (
    "README.md", "docs/metadata.md", "docs/query-language.md", "docs/plugin-authors.md", "docs/command-line.md", "docs/storage-s3.md",
    "docs/storage-gcs.md", "docs/storage-azure.md", "docs/storage-otc.md", "docs/images.md", "docs/video.md",
    "docs/audio.md", "docs/dicom.md", "docs/nifti.md", "docs/documents.md",
    "docs/python-api.md", "docs/rights.md", "docs/portable-exports.md", "docs/sdk.md",
    "docs/exports.md", "docs/http-routes.md", "docs/hostile-plugins.md", "docs/compatibility.md", "docs/installing.md",
    "docs/plugin-tutorial.md",
)  # fmt: skip
BLOCK = re.compile(r"(<!-- begin: ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Write all pages anew."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(rewritten(path.read_text()))


def rewritten(text: str) -> str:
    """A page with its blocks generated."""
    return BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]().strip()}\n{found[3]}", text)


BLOCKS: dict[str, Callable[[], str]] = {
    "portable-parts": portable.parts,
    "extras": packages.extras,
    "packages": packages.packages,
    "exit-statuses": commands.exit_statuses,
    "rights": rights.rights,
    "verb-rights": rights.verb_rights,
    "commands": commands.commands,
    "exporters": exports.exporters,
    "item-fields": language.item_fields,
    "kinds": media.kinds,
    "namespaces": media.namespaces,
    "query-functions": language.query_functions,
    "hooks": plugins.hooks,
    "hostile-plugins": hostile.hostile,
    "tutorial": tutorial.tutorial,
    "contracts": contracts.contracts,
    "contract-attributes": contracts.contract_attributes,
    "base-classes": tutorial.base_classes,
    "hook-reference": plugins.hook_reference,
    "records": plugins.records,
    "plugins": plugins.plugins,
    "deprecations": plugins.deprecations,
    "types": language.types,
    "protocols": plugins.protocols,
    "personal": media.personal,
    "formats-image": partial(media.formats, "image"),
    "formats-video": partial(media.formats, "video"),
    "formats-audio": partial(media.formats, "audio"),
    "formats-medical": partial(media.formats, "dicom", "nifti"),
    "formats-document": partial(media.formats, "text", "pdf"),
    "help-texts": commands.help_texts,
    "python-api": verbs.python_api,
    "sdk-methods": sdk.methods,
    "http-routes": routes.routes,
    **{f"options-{backend}": partial(plugins.options, backend) for backend in ("s3", "gcs", "azure", "otc")},
}

if __name__ == "__main__":
    main()
