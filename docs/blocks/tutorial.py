"""The tutorial for authors of plugins: the project that `heron plugins new` writes, kind by kind, so that its code is what the tests run."""

from __future__ import annotations

import inspect

from heron.cli.plugin_template import KINDS, project, uses

_ABOUT = {
    "storage": "Seven requests of a store, on a base class that does what all stores need.",
    "decoder": "`probe` says what is in a file; `picture` shows it. Both run in processes of their own.",
    "type": "An encoder checks a value and returns what is stored. Conditions go through it as well.",
    "metrics": "A function of a picture that gives numbers, measured with the thumbnails.",
    "deriver": "A function of an item that fills keys of its own. Change `version` whenever its values would change.",
    "function": "With `sql` in the record it runs in SQLite, which is faster; the contract checks that both agree. With an `operator` it stands between two values too.",
    "embedder": "Vectors of pictures, and of texts where the model knows some; the second one reads the text of items.",
    "exporter": "Rows come as a stream, and are written as they come.",
    "importer": "Entries go out as a stream. One that is wrong has a problem, and the others land.",
    "executor": "Any `concurrent.futures.Executor` that tells the truth about its workers.",
    "sampler": "A choice of some of many items by their vectors: the same for the same input.",
    "projection": "Points on a plane for vectors: the same for the same input.",
    "action": "What users can do with items, on the command line, from Python and over HTTP, as a job with its options.",
    "command": "A command of click, which gets the workspace by its context.",
    "event": "A function that is called after the commit, with the workspace in which it happened.",
    "routes": "Routes of Starlette. `site.call` opens the workspace as the user who asks.",
    "viewer": "One ES module that shows a file in the page of an item.",
}
"""What there is to know of each kind."""


_WORDS = {"name": "my_plugin", "dashed": "my-plugin"}


def tutorial() -> str:
    """The parts of a project, kind by kind."""
    parts = []
    for kind, brings in KINDS.items():
        files = project("my_plugin", [kind])
        parts += [
            f"### {kind}",
            "",
            f"`heron plugins new my_plugin --kind {kind}` writes {brings.replace('$name', 'my_plugin')}. {_ABOUT[kind]}",
            "",
        ]
        for place, text in files.items():
            if place.endswith((".py", ".js")):
                language = "js" if place.endswith(".js") else "python"
                parts += [f"`{place}`", f"```{language} title={place}", text.rstrip(), "```", ""]
        parts += ["Use it:", "```sh not-run", *uses(kind, _WORDS), "```", ""]
    return "\n".join(parts)


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
