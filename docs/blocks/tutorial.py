"""The tutorial for authors of plugins: the project that `heron plugins new` writes, kind by kind, so that its code is what the tests run."""

from __future__ import annotations

import inspect
from typing import Any

from heron.cli.plugin_template import KINDS, project

_WAYS = {
    "storage": ("heron integrations add store --backend my-plugin -o root=/data; heron import my-plugin://FOLDER/ --folder Lake --integration store", "Seven requests of a store, on a base class that does what all stores need."),
    "decoder": ("heron import red.ff --folder Lake --thumbnails", "`probe` says what is in a file; `picture` shows it. Both run in processes of their own."),
    "type": ("heron schema add quality my_plugin.percent", "An encoder checks a value and returns what is stored. Conditions go through it as well."),
    "metrics": ("heron thumbnails; heron search --where 'metric.my_plugin_red > 0.5' --sort -metric.my_plugin_red", "A function of a picture that gives numbers, measured with the thumbnails."),
    "deriver": ("heron derive my_plugin; heron search --where \"my_plugin_shape = 'wide'\"", "A function of an item that fills keys of its own. Change `version` whenever its values would change."),
    "function": ("heron search --where \"my_plugin_initials(name) = 'AB'\"", "With `sql` in the record it runs in SQLite, which is faster; the contract checks that both agree."),
    "embedder": ("heron embed --embedder my_plugin; heron search red", "Vectors of pictures, and of texts where the model knows some."),
    "exporter": ("heron datasets create D --folder Lake; heron datasets export D -o labels.jsonl --format my_plugin", "Rows come as a stream, and are written as they come."),
    "importer": ("heron import --manifest labels.jsonl --format my_plugin --folder Lake", "Entries go out as a stream. One that is wrong has a problem, and the others land."),
    "executor": ("heron import photos --folder Lake --executor my-plugin:4", "Any `concurrent.futures.Executor` that tells the truth about its workers."),
    "sampler": (
        "heron embed --embedder visual; heron select --sample 10 --sampler my-plugin",
        "A choice of some of many items by their vectors: the same for the same input.",
    ),
    "projection": ("heron embed --embedder visual; heron plot --method my-plugin -o plot.png", "Points on a plane for vectors: the same for the same input."),
    "action": (
        "heron run my-plugin --where \"kind = 'text'\" --option prefix=old-",
        "What users can do with items, on the command line, from Python and over HTTP, as a job with its options.",
    ),
    "command": ("heron my-plugin --json", "A command of click, which gets the workspace by its context."),
    "event": ("heron import photos --folder Lake; heron collections show 'New by my_plugin'", "A function that is called after the commit, with the workspace in which it happened."),
    "routes": ("heron serve; curl -H \"Authorization: Bearer $TOKEN\" localhost:8421/my-plugin/count", "Routes of Starlette. `site.call` opens the workspace as the user who asks."),
    "viewer": ("heron explore", "One ES module that shows a file in the page of an item."),
}  # fmt: skip
"""How each kind is used, and what there is to know."""


def tutorial() -> str:
    """The parts of a project, kind by kind."""
    parts = []
    for kind, brings in KINDS.items():
        files = project("my_plugin", [kind])
        command, about = _WAYS[kind]
        parts += [
            f"### {kind}",
            "",
            f"`heron plugins new my_plugin --kind {kind}` writes {brings.replace('$name', 'my_plugin')}. {about}",
            "",
        ]
        for place, text in files.items():
            if place.endswith((".py", ".js")):
                language = "js" if place.endswith(".js") else "python"
                parts += [f"`{place}`", f"```{language} title={place}", text.rstrip(), "```", ""]
        parts += ["Use it:", "```sh not-run", command, "```", ""]
    return "\n".join(parts)


def contracts() -> str:
    """The contracts of `heron.testing`, each with what a subclass sets."""
    from heron import testing

    lines = ["| contract | what it is | set or write |", "|---|---|---|"]
    for name in testing.__all__:
        contract: Any = getattr(testing, name)
        if name.endswith("Contract"):
            about = inspect.cleandoc(contract.__doc__ or "").splitlines()[0]
            what, _, rest = about.partition(". ")
            tests = sum(each.startswith("test_") for each in dir(contract))
            lines.append(f"| `{name}` | {what}, {tests} tests | {rest} |")
    return "\n".join(lines)


def base_classes() -> str:
    """The base classes of storages, with the methods that a subclass writes or may write."""
    import heron

    parts = []
    for name in ("BucketStorage", "FilesystemStorage"):
        base = getattr(heron, name)
        parts.append(f"### `heron.{name}`\n\n{inspect.cleandoc(base.__doc__ or '')}\n")
        for method, function in vars(base).items():
            if inspect.isfunction(function) and method != "__init__":
                needed = "to write: " if getattr(function, "__isabstractmethod__", False) else ""
                about = inspect.cleandoc(function.__doc__ or "").replace("\n", " ")
                call = (
                    str(inspect.signature(function))
                    .replace("(self, ", "(")
                    .replace("(self)", "()")
                    .replace("'", "")
                )
                if about:
                    parts.append(f"- `{method}{call}`: {needed}{about}")
        parts.append("")
    return "\n".join(parts)
