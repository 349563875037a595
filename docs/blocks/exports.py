"""What each format of exports keeps, as the exporters declare it."""

from __future__ import annotations


def exporters() -> str:
    """The table of formats, those of one file first."""
    from heron.builtin import plugin_manager
    from heron.hooks import DatasetExporter
    from heron.hooks.contents import EVERYTHING

    contents = (*EVERYTHING, "files")
    found = sorted(
        plugin_manager().contributions(DatasetExporter),
        key=lambda exporter: (exporter.writes_folder, exporter.name),
    )
    lines = [
        f"| format | what it writes | items | {' | '.join(contents)} | read with |",
        f"|---|---|---|{'---|' * len(contents)}---|",
    ]
    for each in found:
        kept = ("yes" if content in each.contains else "" for content in contents)
        kinds = ", ".join(each.kinds) or "all"
        lines.append(f"| `{each.name}` | {each.summary} | {kinds} | {' | '.join(kept)} | {each.read_with} |")
    return "\n".join(lines)
