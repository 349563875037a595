"""The description of the API and a page that shows it; nothing of it is fetched from another machine."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from starlette.responses import Response

import heron
from heron_http_api import openapi
from heron_http_api.operations import Operation

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def page(parts: Sequence[str], method: str, operations: Mapping[str, Operation]) -> Response | None:
    """The answer for `/openapi.json` and for `/`; None for other paths."""
    if method not in ("GET", "HEAD"):
        return None
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    if list(parts) == ["openapi.json"]:
        return Response(
            openapi.written(tuple(operations.values())), headers=headers, media_type="application/json"
        )
    if list(parts) in ([], [""], ["docs"]):
        headers["Content-Security-Policy"] = POLICY
        return Response(
            shown(tuple(operations.values())), headers=headers, media_type="text/html; charset=utf-8"
        )
    return None


@cache
def shown(operations: tuple[Operation, ...]) -> str:
    """The page: every operation, by the first part of its path, and every record."""
    told = openapi.document(operations)
    tags: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    links = "".join(f'<a href="#{tag}">{tag}</a>' for tag in sorted(tags))
    sections = "".join(
        f'<h2 id="{tag}">{tag}</h2>' + "".join(_operation(*each) for each in tags[tag])
        for tag in sorted(tags)
    )
    records = "".join(_record(name, schema) for name, schema in told["components"]["schemas"].items())
    about = "".join(f"<p>{_text(part)}</p>" for part in told["info"]["description"].split("\n\n"))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Heron {heron.__version__}: HTTP API</title>'
        f'<style>{_STYLE}</style><nav><b>Heron {heron.__version__}</b>{links}<a href="#records">records</a>'
        f'<a href="openapi.json">openapi.json</a></nav><main><h1>HTTP API</h1>{about}{sections}'
        f'<h2 id="records">Records</h2>{records}</main></html>'
    )


def _operation(method: str, path: str, told: Mapping[str, Any]) -> str:
    rows = [
        (each["name"], each["in"], each["required"], each["schema"], each.get("description", ""))
        for each in told["parameters"]
    ]
    body = told.get("requestBody", {}).get("content", {})
    for kind, content in body.items():
        schema = content.get("schema", {})
        needed = schema.get("required", [])
        rows += [
            (name, "body", name in needed, each, each.get("description", ""))
            for name, each in schema.get("properties", {}).items()
        ]
        if not schema.get("properties"):
            rows.append(("", f"body, {kind}", True, schema, ""))
    table = "".join(
        f"<tr><td><code>{_text(name)}</code>{'<b>*</b>' if needed else ''}<td>{place}<td>{_kind(schema)}<td>{_text(about)}"
        for name, place, needed, schema, about in rows
    )
    answers = "".join(
        f"<li><b>{status}</b> {_text(each['description'])} {_contents(each)}"
        for status, each in told["responses"].items()
        if "$ref" not in each
    )
    return (
        f'<details id="{told["operationId"]}"><summary><span class="{method.lower()}">{method}</span> <code>{_text(path)}</code> '
        f"{_text(told['summary'])}</summary><pre>{_text(told['description'])}</pre>"
        + (f"<table><tr><th>parameter<th>in<th>type<th>{table}</table>" if rows else "")
        + f"<ul>{answers}</ul></details>"
    )


def _contents(answer: Mapping[str, Any]) -> str:
    parts = [
        f"<code>{kind}</code> {_kind(each.get('schema', {}))}"
        for kind, each in answer.get("content", {}).items()
    ]
    return "; ".join(parts)


def _record(name: str, schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{_text(part)}</code>{'<b>*</b>' if part in needed else ''}<td>{_kind(each)}<td>{_text(each.get('description', ''))}"
        for part, each in schema.get("properties", {}).items()
    )
    return f'<details id="record-{name}"><summary><code>{name}</code></summary><pre>{_text(schema.get("description", ""))}</pre><table>{rows}</table></details>'


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#record-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"<code>{_text(str(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object" and "properties" in schema:
        return (
            "{"
            + ", ".join(f"{_text(name)}: {_kind(each)}" for name, each in schema["properties"].items())
            + "}"
        )
    kind = schema.get("type", "any")
    shown = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return shown + (f" = <code>{_text(repr(schema['default']))}</code>" if "default" in schema else "")


def _text(text: str) -> str:
    return html.escape(text)


_STYLE = """
body{margin:0;font:15px/1.5 system-ui,sans-serif;color:#212529;background:#fff;display:flex}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;border-right:1px solid #dee2e6;min-width:10rem;box-sizing:border-box}
nav a{display:block;color:#0b5ed7;text-decoration:none}main{padding:1rem 2rem;max-width:70rem;min-width:0}
details{border:1px solid #dee2e6;border-radius:4px;margin:.3rem 0;padding:.3rem .6rem}summary{cursor:pointer}
pre{white-space:pre-wrap;background:#f8f9fa;padding:.5rem;font:13px/1.5 ui-monospace,monospace}
code{font:13px ui-monospace,monospace}table{border-collapse:collapse;width:100%}
td,th{border-top:1px solid #dee2e6;padding:.2rem .5rem;text-align:left;vertical-align:top}td b{color:#b02a37}
.get,.post,.put,.patch,.delete{display:inline-block;min-width:4rem;font-weight:600}
.get{color:#0a58ca}.post{color:#146c43}.put,.patch{color:#997404}.delete{color:#b02a37}
@media (prefers-color-scheme:dark){body{background:#16191d;color:#dee2e6}pre{background:#212529}nav,details,td,th{border-color:#343a40}a,nav a{color:#6ea8fe}}
"""
