"""What a hostile plugin is, and how those of one record are made."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen


@frozen
class Hostile:
    """One plugin. Its module is `code`; `says` is a pattern of what is said of it, and must name it and its distribution.

    `tried` are the arguments of `heron` with which it is met; without them, it is met by the import of the folder `in`, to which
    it adds the file `NAME.SUFFIX`, if it is a decoder.
    """

    name: str
    sort: str
    does: str
    costs: str
    says: str
    code: str
    tried: tuple[str, ...] = ()
    ends: bool = False
    """Whether it ends the process of the command, so that nothing can be said by Heron itself."""


def dist(name: str) -> str:
    """The distribution of a plugin."""
    return f"hostile-{name.replace('_', '-')}"


def of_one_record(
    sort: str, hook: str, record: str, table: list[tuple[str, str, str, str, str, tuple[str, ...]]]
) -> Iterator[Hostile]:
    """Plugins of one record each; the body stands for `{body}` in `record`, and the name for `{name}`."""
    for name, does, costs, says, body, tried in table:
        code = f"import ctypes, os, sys, time\nimport heron\n{record.replace('{body}', body).replace('{name}', name)}"
        named = rf"{sort} {name} \(plugin {name} of {dist(name)}\)"
        pattern = says.replace("{who}", named)
        yield Hostile(name, sort, does, costs, pattern, f"{code}\n".replace("{hook}", hook), tried)


def record_of_function(hook: str, record: str, signature: str, more: str = "", *before: str) -> str:
    """The code of a plugin of one record whose `load` gives a function; `{body}` and `{name}` are left to `of_one_record`."""
    steps = "".join(f"        {line}\n" for line in (*before, "{body}"))
    return f"""
def load():
    def {signature}:
{steps}    return {signature.partition("(")[0]}

@heron.hookimpl
def {hook}():
    yield heron.{record}(name="{{name}}", summary="hostile", {more}load=load)
"""
