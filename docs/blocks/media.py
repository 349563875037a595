"""The formats of files and their decoders, the kinds of items, and the facts."""

from __future__ import annotations


def formats(*kinds: str) -> str:
    """The table of formats of some kinds, with the decoders that read them."""
    from heron.builtin import plugin_manager

    rows: dict[tuple[str, str, str, str, str, str, str], list[str]] = {}
    for decoder in plugin_manager().decoders():
        for known in decoder.formats:
            if known.kind in kinds:
                by = f"`heron[{decoder.extra}]`" if decoder.extra else "built in"
                facts = " ".join(f"`{name}`" for name in decoder.namespaces)
                pictures = ", ".join(what for what in decoder.gives if what != "text")
                text = "yes" if "text" in decoder.gives else ""
                key = (known.media_type, facts, pictures, text, known.checked, decoder.summary, by)
                suffixes = rows.setdefault(key, [])
                suffixes += [f"`{suffix}`" for suffix in known.suffixes if f"`{suffix}`" not in suffixes]
    lines = [
        f"| {media} | {' '.join(suffixes)} | {' | '.join(rest)} |"
        for (media, *rest), suffixes in rows.items()
    ]
    head = "| media type | suffixes | facts | pictures | text | checked | decoder | install |"
    legend = (
        "*Facts* are namespaces of conditions beside size, length and time of capture. *Checked* is how far an import checks a local file: "
        "its header, its header and a first frame, that it goes on to its end, or all of it."
    )
    return "\n".join([head, "|---" * 8 + "|", *lines, "", legend])


def personal() -> str:
    """The facts that tell of a person, which `--no-patient-tags` leaves out."""
    from heron.builtin import plugin_manager

    names = [f"`{name}`" for decoder in plugin_manager().decoders() for name in decoder.personal]
    return ", ".join(dict.fromkeys(names))


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
