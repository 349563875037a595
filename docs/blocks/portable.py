"""The tables of portable exports, for their page."""

from __future__ import annotations

from heron.catalog.portable.parts import OPTIONAL, OWNERS, TABLES


def parts() -> str:
    """Each file of an export with its fields."""
    text = []
    for part in (*TABLES, OWNERS):
        name = f"vectors/N.jsonl ({part.name})" if part is OWNERS else part.file
        asked = " Only if asked for." if part.name in OPTIONAL else ""
        text += [
            f"### {name}",
            f"Each row is {part.what}.{asked}",
            "",
            "| field | type | what it is |",
            "|---|---|---|",
        ]
        for field, value in part.fields.items():
            needed = ", always there" if value.required else ""
            text.append(f"| `{field}` | {value.type}{needed} | {value.about} |")
        text.append("")
    return "\n".join(text)
