"""The table of the routes of the HTTP API, with the verb that each one is."""

from __future__ import annotations


def routes() -> str:
    """All routes, by the first part of their path."""
    from heron_http_api.api import operations
    from heron_http_api.operations import first_line

    tags: dict[str, list[str]] = {}
    for operation in operations().values():
        verb = f"`ws.{operation.route.verb.removesuffix('.__call__')}`" if operation.route else ""
        about = first_line(operation.about).replace("|", "\\|")
        row = f"| `{operation.method} {operation.path}` | {verb} | {about} |"
        tags.setdefault(operation.tag, []).append(row)
    parts = []
    for tag in sorted(tags):
        parts.append(f"### {tag}\n| route | verb | what |\n|---|---|---|\n" + "\n".join(tags[tag]))
    return "\n\n".join(parts)
