"""The tables of roles, and of the right that each public verb asks for."""

from __future__ import annotations


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
    from heron.catalog.rights import IN_PROJECT, MEMBERS, ROLES
    from heron.catalog.rules import WRITES

    def who(verb: str, noun: str) -> str:
        of = "folder" if noun in ("item", "frame") else noun
        given = [f"`{role}`" for role, verbs in ROLES.get(of, {}).items() if verb in verbs]  # type: ignore[call-overload]
        parts = [f"{' or '.join(given)} on the {of}"] if given else []
        if noun == "collection" and verb in IN_PROJECT:
            around = IN_PROJECT[verb]  # type: ignore[index]
            given = [f"`{role}`" for role, verbs in ROLES["project"].items() if around in verbs]
            parts = [f"{' or '.join(given)} on its project"]
        if verb in MEMBERS.get(noun, ()):  # type: ignore[call-overload]
            parts.append("every member")
        elif noun == "credential":
            parts.append("the user whose it is")
        elif noun in (*ROLES, "collection", "preset", "import"):
            parts.append("the creator")
        return "; ".join(["admins", *parts])

    lines = [
        f"| {', '.join(f'`{name}`' for name in names.split())} | {verb} {noun} | {who(verb, noun)} |"
        for (verb, noun), names in WRITES.items()
    ]
    return "\n".join(["| verbs | right | who has it |", "|---|---|---|", *lines])
