"""The block with the hostile plugins and what each costs."""

from __future__ import annotations

from docs.hostile_plugins import HOSTILE


def hostile() -> str:
    """A table for each sort of plugins."""
    lines = [f"There are {len(HOSTILE)} of them.", ""]
    for sort in dict.fromkeys(each.sort for each in HOSTILE):
        lines += [
            f"### {sort[0].upper()}{sort[1:]}",
            "",
            "| name | what it does | what that costs |",
            "|---|---|---|",
        ]
        lines += [f"| `{each.name}` | {each.does} | {each.costs} |" for each in HOSTILE if each.sort == sort]
        lines.append("")
    return "\n".join(lines)
