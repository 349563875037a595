"""`heron plugins new`: writes a plugin project of the kinds that are asked for, whose tests pass."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from heron.errors import AlreadyExists, InvalidInput

KINDS = {
    "storage": "a storage",
    "decoder": "a decoder for farbfeld images",
    "type": "the metadata type `$name.percent`",
    "metrics": "a metric of pictures",
    "deriver": "a deriver of the shape of pictures, and one of the place of frames",
    "function": "a function and an operator of the query language",
    "embedder": "an embedder of colours, and one of words of texts",
    "exporter": "a format to export datasets in",
    "importer": "a format of datasets to import",
    "executor": "an executor",
    "sampler": "a sampler",
    "projection": "a projection for plots",
    "action": "an action that renames items",
    "command": "a command",
    "event": "a collection of what was imported, made by an event",
    "routes": "a route of the server",
    "viewer": "a viewer of tables for the Explorer",
}
"""The kinds of parts, each with what the project brings."""

USES = {
    "storage": ["heron integrations add store --backend $dashed -o root=/data", "heron import $dashed://FOLDER/ --folder Lake --integration store"],
    "decoder": ["heron import red.ff --folder Lake --thumbnails"],
    "type": ["heron schema add quality $name.percent"],
    "metrics": ["heron thumbnails --folder Lake", "heron search --where 'metric.${name}_red > 0.5' --sort -metric.${name}_red"],
    "deriver": [
        "heron derive $name ${name}_frames", "heron search --where \"${name}_shape = 'wide'\"",
        "heron search --frames --where 'frame.${name}_third = 1'",
    ],
    "function": [
        "heron search --where \"${name}_initials(name) = 'AB'\"", "heron search --where \"name RESEMBLES 'a bus'\"",
    ],
    "embedder": [
        "heron embed --embedder $name", "heron search red --key $name",
        "heron embed --embedder ${name}_words", "heron search ferry --key ${name}_words",
    ],
    "exporter": ["heron datasets create D --folder Lake", "heron datasets export D -o labels.jsonl --format $name"],
    "importer": ["heron import --manifest labels.jsonl --format $name --folder Lake"],
    "executor": ["heron import photos --folder Lake --executor $dashed:4"],
    "sampler": ["heron embed --embedder visual", "heron select --sample 10 --sampler $dashed"],
    "projection": ["heron embed --embedder visual", "heron plot --method $dashed -o plot.png"],
    "action": ["heron run $dashed --where \"kind = 'text'\" --option prefix=old-"],
    "command": ["heron $dashed --json"],
    "event": ["heron import photos --folder Lake", "heron collections show 'New by $name'"],
    "routes": ["heron serve", "curl -H \"Authorization: Bearer $$TOKEN\" localhost:8421/$dashed/count"],
    "viewer": ["heron explore"],
}  # fmt: skip
"""How the part of each kind is used, in commands."""

USUAL = ("decoder", "type")
"""The kinds of a project for which none are given."""

_IMPORTS = {
    "Callable": "collections.abc", "Iterable": "collections.abc", "Mapping": "collections.abc", "Sequence": "collections.abc",
    "Executor": "concurrent.futures", "Path": "pathlib", "TYPE_CHECKING": "typing", "Any": "typing",
}  # fmt: skip
"""The names that the parts use, and their modules."""


def write_plugin(name: str, directory: Path, kinds: Sequence[str] = USUAL) -> list[Path]:
    """Write the project `heron-NAME` with parts of some kinds into a new folder below `directory`; returns the files.

    Raises InvalidInput for a name that is not a Python name, AlreadyExists if the folder exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise InvalidInput(
            f"{name!r} cannot name a plugin",
            hint="a small letter, then small letters, digits and _, such as media_flif",
        )
    root = directory / f"heron-{name.replace('_', '-')}"
    if root.exists():
        raise AlreadyExists(f"{root} is there already", hint="choose another name")
    written = []
    try:
        for place, text in project(name, tuple(dict.fromkeys(kinds)) or USUAL).items():
            path = root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            written.append(path)
    except OSError as error:
        raise InvalidInput(f"{root} cannot be written: {error.strerror or error}") from error
    return written


def uses(kind: str, words: Mapping[str, str]) -> list[str]:
    """The commands that use the part of a kind."""
    return [Template(command).substitute(words) for command in USES[kind]]


def project(name: str, kinds: Sequence[str]) -> dict[str, str]:
    """The files of a project by their paths."""
    words = {"name": name, "dashed": name.replace("_", "-")}
    parts = [part(kind, "init.py", words) for kind in kinds]
    brings = ", ".join(Template(KINDS[kind]).substitute(words) for kind in kinds)
    commands = [command for kind in kinds for command in uses(kind, words)]
    head = _filled("init.py.txt", {**words, "imports": _imports("".join(parts))})
    found = {
        "pyproject.toml": _filled("pyproject.toml.txt", words),
        "README.md": _filled("README.md.txt", {**words, "brings": brings, "uses": "\n".join(commands)}),
        f"heron_{name}/__init__.py": f"{head.rstrip()}\n\n\n" + "\n\n".join(parts),
        f"heron_{name}/py.typed": "",
    }
    for kind in kinds:
        for file in sorted(
            each.name for each in files("heron.cli").joinpath("template", "kinds", kind).iterdir()
        ):
            if file not in ("init.py.txt", "test.py.txt"):
                found[f"heron_{name}/{file.removesuffix('.txt')}"] = part(
                    kind, file.removesuffix(".txt"), words
                )
        found[f"tests/test_{name}_{kind}.py"] = part(kind, "test.py", words)
    return found


def part(kind: str, file: str, words: dict[str, str]) -> str:
    """One file of the part of a kind."""
    return _filled(f"kinds/{kind}/{file}.txt", words)


def _filled(template: str, words: dict[str, str]) -> str:
    text = files("heron.cli").joinpath("template", *template.split("/")).read_text("utf-8")
    return Template(text).safe_substitute(words)


def _imports(code: str) -> str:
    """The imports of what the code uses, as ruff sorts them."""
    used = [name for name in _IMPORTS if re.search(rf"\b{name}\b", code)]
    uses_click = "click." in code
    if uses_click and "TYPE_CHECKING" not in used:
        used.append("TYPE_CHECKING")
    modules = sorted({_IMPORTS[name] for name in used})
    lines = []
    for module in modules:
        names = sorted(
            (name for name in used if _IMPORTS[name] == module), key=lambda name: (not name.isupper(), name)
        )
        lines.append(f"from {module} import {', '.join(names)}")
    lines += [""] if lines else []
    lines.append("import heron")
    if uses_click:
        lines += ["", "if TYPE_CHECKING:", "    import click"]
    return "\n".join(lines)
