"""The formats of files and their decoders, the kinds of items, and the facts."""

from __future__ import annotations


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
