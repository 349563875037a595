"""Writes the generated blocks of README and docs; a test fails when they are not up to date.

A block stands between `<!-- begin: NAME -->` and `<!-- end -->`. Run: python docs/generate.py
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
import tomllib
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
sys.path += [str(folder) for folder in sorted((ROOT / "plugins").iterdir())]  # also those not installed yet
PAGES = (
    "README.md", "docs/metadata.md", "docs/query-language.md", "docs/plugin-authors.md", "docs/command-line.md", "docs/storage-s3.md",
    "docs/storage-gcs.md", "docs/storage-azure.md", "docs/storage-otc.md", "docs/images.md", "docs/video.md",
    "docs/audio.md", "docs/dicom.md", "docs/nifti.md", "docs/documents.md",
    "docs/python-api.md", "docs/rights.md",
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


def commands() -> str:
    """The table of commands."""
    from heron.cli.main import COMMANDS

    rows = [f"| `heron {name}` | {summary} |" for name, summary in COMMANDS.items()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def rights() -> str:
    """The table of roles: what each allows."""
    from typing import get_args

    from heron.catalog.rights import MEMBERS, ROLES, Verb

    verbs = get_args(Verb)
    rows = [
        ("`admin` of the organisation", "everything", set(verbs)),
        ("creator", "what they created", set(verbs)),
    ]
    for noun, roles in ROLES.items():
        where = "folder and all below, with its items" if noun == "folder" else noun
        rows += [(f"`{role}`", where, set(allowed)) for role, allowed in roles.items()]
    rows += [
        ("member", f"{noun}, in the workspace as a whole", set(allowed)) for noun, allowed in MEMBERS.items()
    ]
    lines = [
        f"| {role} | {where} | {' | '.join('yes' if verb in allowed else '' for verb in verbs)} |"
        for role, where, allowed in rows
    ]
    return "\n".join([f"| role | on | {' | '.join(verbs)} |", "|---" * (2 + len(verbs)) + "|", *lines])


def verb_rights() -> str:
    """The table of public verbs that change something: the right that each asks for, and who has it."""
    from heron.catalog.rights import MEMBERS, ROLES
    from heron.catalog.rules import WRITES

    def who(verb: str, noun: str) -> str:
        of = "folder" if noun in ("item", "frame") else noun
        given = [f"`{role}`" for role, verbs in ROLES.get(of, {}).items() if verb in verbs]  # type: ignore[call-overload]
        parts = [f"{' or '.join(given)} on the {of}"] if given else []
        if verb in MEMBERS.get(noun, ()):  # type: ignore[call-overload]
            parts.append("every member")
        elif noun in (*ROLES, "collection", "preset", "import"):
            parts.append("the creator")
        return "; ".join(["admins", *parts])

    lines = [
        f"| {', '.join(f'`{name}`' for name in names.split())} | {verb} {noun} | {who(verb, noun)} |"
        for (verb, noun), names in WRITES.items()
    ]
    return "\n".join(["| verbs | right | who has it |", "|---|---|---|", *lines])


def exit_statuses() -> str:
    """The table of exit statuses."""
    from heron.cli.exits import STATUSES

    rows = [f"| {status} | {meaning} |" for status, meaning in STATUSES.items()]
    return "\n".join(["| exit status | meaning |", "|---|---|", *rows])


def hooks() -> str:
    """The table of hooks."""
    rows = [f"| `{signature(hook)}` | {first_line(hook)} |" for hook in _hooks()]
    return "\n".join(["| hook | what it is for |", "|---|---|", *rows])


def hook_reference() -> str:
    """Every hook with its complete example, laid out as ruff lays out Python in Markdown."""
    parts = []
    for hook in _hooks():
        about, _, example = inspect.cleandoc(hook.__doc__ or "").partition("Example:\n")
        parts.append(f"### `{signature(hook)}`\n\n{about.strip()}\n\n{inspect.cleandoc(example)}\n")
    return "\n".join(parts)


def records() -> str:
    """The fields of every record that a hook yields, and of what they hold."""
    import attrs

    from heron.hooks import StorageOption
    from heron.hooks.manager import REGISTER_HOOKS

    parts = []
    for record in (*REGISTER_HOOKS.values(), StorageOption):
        parts.append(f"### `heron.{record.__name__}`\n\n{inspect.cleandoc(record.__doc__ or '')}\n")
        parts += ["| field | type | default |", "|---|---|---|"]
        for attribute in attrs.fields(record):
            default = "required" if attribute.default is attrs.NOTHING else f"`{attribute.default!r}`"
            parts.append(
                f"| `{attribute.name}` | `{_written(record, attribute.name).replace('|', 'or')}` | {default} |"
            )
        parts.append("")
    return "\n".join(parts)


def _written(record: type, name: str) -> str:
    """The type of a field as it is written in the source; attrs may have resolved that of the attribute meanwhile."""
    return next(
        str(vars(base)["__annotations__"][name])
        for base in record.__mro__
        if name in vars(base).get("__annotations__", {})
    )


def protocols() -> str:
    """What the things behind the records can do: the methods of each protocol, with what they promise."""
    from heron.hooks import interfaces

    parts = []
    for name in interfaces.PROTOCOLS:
        protocol = getattr(interfaces, name)
        parts.append(f"### `heron.{name}`\n\n{inspect.cleandoc(protocol.__doc__ or '')}\n")
        for method, function in vars(protocol).items():
            if inspect.isfunction(function) and (not method.startswith("_") or method == "__call__"):
                about = inspect.cleandoc(function.__doc__ or "").replace("\n", " ")
                call = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
                parts.append(f"- `{method}{call}`: {about}".replace("'", "").replace("  ", " "))
        parts.append("")
    return "\n".join(parts)


def formats(*kinds: str) -> str:
    """The table of formats of some kinds, with the decoders that read them."""
    from heron.builtin import plugin_manager

    rows: dict[tuple[str, str, str], list[str]] = {}
    for decoder in plugin_manager().decoders():
        for known in decoder.formats:
            if known.kind in kinds:
                by = f"`heron[{decoder.extra}]`" if decoder.extra else "built in"
                suffixes = rows.setdefault((known.media_type, decoder.summary, by), [])
                suffixes += [f"`{suffix}`" for suffix in known.suffixes if f"`{suffix}`" not in suffixes]
    lines = [
        f"| {media} | {' '.join(suffixes)} | {about} | {by} |"
        for (media, about, by), suffixes in rows.items()
    ]
    return "\n".join(["| media type | suffixes | decoder | install |", "|---|---|---|---|", *lines])


def personal() -> str:
    """The facts that tell of a person, which `--no-patient-tags` leaves out."""
    from heron.builtin import plugin_manager

    names = [f"`{name}`" for decoder in plugin_manager().decoders() for name in decoder.personal]
    return ", ".join(names)


def types() -> str:
    """The table of metadata types."""
    from heron.metadata.types import register_metadata_types

    rows = []
    for kind in register_metadata_types():
        about = inspect.cleandoc(type(kind.load()).__doc__ or "").replace("\n", " ").replace("|", "or")
        names = ", ".join(f"`{name}`" for name in (kind.name, *kind.aliases))
        rows.append(f"| {names} | {about} |")
    return "\n".join(["| type | what it holds |", "|---|---|", *rows])


def plugins() -> str:
    """The table of plugins: the built-in ones, then those in `plugins/`."""
    from heron.builtin import BUILTIN
    from heron.hooks import PluginManager
    from heron.hooks.manager import REGISTER_HOOKS

    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["heron"]
    rows = []
    for name, module in [*((m.split(".")[-2], m) for m in BUILTIN), *points.items()]:
        manager = PluginManager(discover=False, plugins=[importlib.import_module(module)])
        brought = [c for record in REGISTER_HOOKS.values() for c in manager.contributions(record)]
        sorts: dict[str, list[str]] = {}
        for contribution in brought:
            sorts.setdefault(contribution.sort, []).append(contribution.name)
        brings = "; ".join(
            f"{sort}{'s' if len(names) > 1 and sort[-1] != 's' else ''} {', '.join(names)}"
            for sort, names in sorts.items()
        )
        extra = sorted({c.extra for c in brought if c.extra})
        install = f'`pip install "heron[{",".join(extra)}]"`' if extra else "built in"
        if extra and module in BUILTIN:
            alone = ", ".join(c.name for c in brought if c.extra)
            install = f"built in; {alone}: {install}"
        rows.append(f"| {name} | {brings} | {install} |")
    return "\n".join(["| plugin | brings | install |", "|---|---|---|", *rows])


def item_fields() -> str:
    """The table of the names that mean something of every item."""
    from heron.search.fields import ITEM_NAMES

    rows = [f"| `{f.name}` | {f.compares} | {f.unit or ''} | {f.about} |" for f in ITEM_NAMES.values()]
    return "\n".join(["| field | type | unit | what it is |", "|---|---|---|---|", *rows])


def kinds() -> str:
    """The built-in kinds of items."""
    from heron.media.kinds import BUILT_IN

    rows = [f"| `{kind.name}` | {kind.summary} |" for kind in BUILT_IN.values()]
    return "\n".join(["| kind | what it is |", "|---|---|", *rows])


def namespaces() -> str:
    """The namespaces of facts, with what fills them."""
    from heron.builtin import plugin_manager

    filled: dict[str, list[str]] = {}
    for decoder in plugin_manager().decoders():
        for name in decoder.namespaces:
            filled.setdefault(name, []).append(f"`{decoder.name}`")
    rows = [f"| `{name}` | the decoder {' and '.join(by)} |" for name, by in filled.items()]
    rows += [
        "| `metric` | the quality metrics |",
        "| each kind but `other` | what manifests say of files of this kind |",
    ]
    return "\n".join(["| namespace | filled by |", "|---|---|", *rows])


def query_functions() -> str:
    """The functions of the query language, and the conditions that look like functions."""
    from heron.search.functions import BUILT_IN

    names = {"geospatial": "key", "datetime": "time"}
    lines = ["| function | value |", "|---|---|"]
    for function in BUILT_IN.values():
        given = [names.get(kind, kind) for kind in function.arguments]
        arguments = "key, latitude, longitude" if given == ["key", "number", "number"] else ", ".join(given)
        lines.append(f"| `{function.name}({arguments})` | {function.summary} |")
    lines += [
        "| `now()` | this moment; also `CURRENT_TIMESTAMP` |",
        "| `match(key, words)` | condition: a text key holds these words, see below |",
        "| `in_collection(title)` | condition: the item is in the collection of this title or UUID |",
        "| `in_dataset(title)` | condition: the dataset of this title or UUID has a row of the item |",
        "| `has_file(name)` | condition: the file of the item, or a member of it, has this name, or a path that ends with it; % stands for anything |",
        "| `in_folder(path)` | condition: the item is in this folder or one below it |",
    ]
    return "\n".join(lines)


def options(backend: str) -> str:
    """The table of options of a storage backend in `plugins/`."""
    module = importlib.import_module(f"heron_storage_{backend}")
    (record,) = module.register_storage()
    rows = []
    for option in record.options:
        kind = "a reference to a secret" if option.secret else " or ".join(option.choices) or option.type
        rows.append(f"| `{option.name}` | {kind} | {option.summary} |")
    return "\n".join(["| option | value | what it is |", "|---|---|---|", *rows])


def help_texts() -> str:
    """The help of every command."""
    from heron.cli.main import COMMANDS
    from heron.cli.main import main as root

    parts = []
    with click.Context(root, info_name="heron", help_option_names=["-h", "--help"]) as top:
        for name in COMMANDS:
            command = root.get_command(top, name)
            assert command is not None
            parts += _help(command, top, name)
    return "\n".join(parts)


def _help(command: click.Command, parent: click.Context, name: str) -> list[str]:
    with click.Context(
        command, info_name=name, parent=parent, terminal_width=100, max_content_width=100
    ) as context:
        parts = [f"## `{context.command_path}`\n", "```text", command.get_help(context), "```\n"]
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                found = command.get_command(context, sub)
                assert found is not None
                parts += _help(found, context, sub)
    return parts


def python_api() -> str:
    """Every public verb of a workspace, service by service, with its example."""
    from heron.workspace import Workspace

    examples = _examples()
    parts = []
    for name, service in _services():
        about = first_line(vars(Workspace)[name]).rstrip(".")
        parts += [f"## `ws.{name}`\n", f"{about}.\n", f"{inspect.cleandoc(service.__doc__ or '')}\n"]
        for verb, function in verbs_of(service):
            call = f"ws.{name}" if verb == "__call__" else f"ws.{name}.{verb}"
            parts.append(_verb(call, function, examples[f"{name}.{verb}"]))
    parts += ["## The workspace\n", _verb("ws.export", Workspace.export, examples["export"])]
    return "\n".join(parts)


def _verb(call: str, function: Callable[..., object], example: str) -> str:
    about = inspect.cleandoc(function.__doc__ or "")
    head = f"### `{call}`\n\n```text\n{_call(call, function)}\n```\n{about}\n"
    return f"{head}\n```python\n{example}\n```\n"


def _call(call: str, function: Callable[..., object]) -> str:
    """A verb with its parameters and their types, one a line where they are many."""
    found = inspect.signature(inspect.unwrap(function))
    given, starred = [], False
    for parameter in list(found.parameters.values())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            given.append("*")
            starred = True
        default = parameter.default
        shown = "…" if callable(default) else repr(default)
        prefix = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        value = "" if default is parameter.empty else f" = {shown}"
        given.append(f"{prefix}{parameter.name}: {parameter.annotation}{value}")
    line = f"{call}({', '.join(given)}) -> {found.return_annotation}"
    if len(line) <= 110:
        return line
    return "\n".join([f"{call}(", *(f"    {part}," for part in given), f") -> {found.return_annotation}"])


def _services() -> list[tuple[str, type]]:
    """The service classes of a workspace, by the names under which it has them."""
    import tempfile

    import heron
    from heron.workspace import Workspace

    names = [
        name
        for name, value in vars(Workspace).items()
        if isinstance(value, cached_property) and not name.startswith("_") and name != "plugins"
    ]
    with tempfile.TemporaryDirectory() as directory, heron.open(directory, discover=False) as workspace:
        return [(name, type(getattr(workspace, name))) for name in names]


def verbs_of(service: type) -> list[tuple[str, Callable[..., object]]]:
    """The public verbs of a service, in the order in which they stand in its class."""
    return [
        (name, value)
        for name, value in vars(service).items()
        if inspect.isfunction(value) and (not name.startswith("_") or name == "__call__")
    ]


def _examples() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("python_examples", ROOT / "docs" / "python_examples.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, str] = module.EXAMPLES
    return found


def _hooks() -> list[Callable[..., object]]:
    from heron.hooks import specs

    return [value for value in vars(specs).values() if hasattr(value, "heron_spec")]


def signature(hook: Callable[..., object]) -> str:
    """A hook as one writes it."""
    return f"{hook.__name__}({', '.join(inspect.signature(hook).parameters)})"


def first_line(thing: object) -> str:
    """The first sentence of a docstring."""
    return inspect.cleandoc(thing.__doc__ or "").splitlines()[0]


BLOCKS: dict[str, Callable[[], str]] = {
    "exit-statuses": exit_statuses,
    "rights": rights,
    "verb-rights": verb_rights,
    "commands": commands,
    "item-fields": item_fields,
    "kinds": kinds,
    "namespaces": namespaces,
    "query-functions": query_functions,
    "hooks": hooks,
    "hook-reference": hook_reference,
    "records": records,
    "plugins": plugins,
    "types": types,
    "protocols": protocols,
    "personal": personal,
    "formats-image": partial(formats, "image"),
    "formats-video": partial(formats, "video"),
    "formats-audio": partial(formats, "audio"),
    "formats-medical": partial(formats, "dicom", "nifti"),
    "formats-document": partial(formats, "text", "pdf"),
    "help-texts": help_texts,
    "python-api": python_api,
    **{f"options-{backend}": partial(options, backend) for backend in ("s3", "gcs", "azure", "otc")},
}

if __name__ == "__main__":
    main()
