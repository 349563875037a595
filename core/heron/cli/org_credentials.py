"""`heron org users keys` and `tokens`: by what a server knows users."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.output import (
    confirm,
    example,
    json_option,
    list_options,
    listing,
    page_options,
    print_json,
    print_records,
    tell,
    yes_option,
)
from heron.cli.tables import say

days_option = click.option("--days", type=float, metavar="N", help="Days for which it is valid.")
name_option = click.option("--name", metavar="NAME", help="Name to know it by.")


@click.group("keys", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron org users keys\nheron org users keys add ada@example.org ~/.ssh/id_ed25519.pub")
def keys(context: click.Context, as_json: bool) -> None:
    """Manage the public keys with which users sign requests to a server."""
    listing(context, list_keys, as_json)


@keys.command("list")
@click.argument("email", required=False, shell_complete=completing.users)
@page_options
@click.pass_obj
@example("heron org users keys list ada@example.org")
def list_keys(
    context: Context, limit: int | None, cursor: int, as_json: bool, email: str | None = None
) -> None:
    """List the public keys of a user, or of all."""
    print_records(
        context.workspace().users.keys(email),
        as_json,
        ["user", "name", "fingerprint", "expires", "last used"],
        lambda key: (key.user, key.name, key.fingerprint, _at(key.expires_at), _at(key.last_used_at)),
        "There is no key yet: heron org users keys add EMAIL FILE",
        limit,
        cursor,
    )


@keys.command("add")
@click.argument("email", shell_complete=completing.users)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@name_option
@days_option
@json_option
@click.pass_obj
@example("heron org users keys add ada@example.org ~/.ssh/id_ed25519.pub --days 365")
def add_key(
    context: Context, email: str, file: Path, name: str | None, days: float | None, as_json: bool
) -> None:
    """Add the ed25519 public key in a file, as ssh-keygen writes it."""
    text = file.read_bytes()[:10_000].decode("utf-8", "replace")
    added = context.workspace().users.add_key(email, text, name=name, days=days)
    tell(as_json, added, f"Added key {added.name!r} of {added.user}, {added.fingerprint}")


@keys.command("remove")
@click.argument("key")
@yes_option
@json_option
@click.pass_obj
@example("heron org users keys remove laptop")
def remove_key(context: Context, key: str, yes: bool, as_json: bool) -> None:
    """Remove a public key by its name or UUID."""
    users = context.workspace().users
    found = users._get_key(key)
    confirm(f"Remove key {found.name!r} of {found.user}?", yes)
    users.remove_key(found)
    tell(as_json, found, f"Removed key {found.name!r} of {found.user}")


@click.group("tokens", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron org users tokens\nheron org users tokens create ada@example.org --name laptop")
def tokens(context: click.Context, as_json: bool) -> None:
    """Manage the tokens with which programs act as a user at a server."""
    listing(context, list_tokens, as_json)


@tokens.command("list")
@click.argument("email", required=False, shell_complete=completing.users)
@page_options
@click.pass_obj
@example("heron org users tokens list ada@example.org")
def list_tokens(
    context: Context, limit: int | None, cursor: int, as_json: bool, email: str | None = None
) -> None:
    """List the tokens of a user, or of all, without their texts."""
    print_records(
        context.workspace().users.tokens(email),
        as_json,
        ["user", "name", "expires", "last used", "uuid"],
        lambda token: (token.user, token.name, _at(token.expires_at), _at(token.last_used_at), token.uuid),
        "There is no token yet: heron org users tokens create EMAIL",
        limit,
        cursor,
    )


@tokens.command("create")
@click.argument("email", shell_complete=completing.users)
@name_option
@click.option(
    "--days", type=float, default=90.0, show_default=True, metavar="N", help="Days for which it is valid."
)
@click.option("--no-expiry", is_flag=True, help="It is valid until it is revoked.")
@json_option
@click.pass_obj
@example("heron org users tokens create ada@example.org --name laptop --days 30")
def create_token(
    context: Context, email: str, name: str | None, days: float, no_expiry: bool, as_json: bool
) -> None:
    """Create a token, and print its text: it is shown only this once."""
    made = context.workspace().users.create_token(email, name=name, days=None if no_expiry else days)
    if as_json:
        print_json(made)
        return
    say(
        f"Created token {made.token.name!r} of {made.token.user}, valid until {_at(made.token.expires_at) or 'it is revoked'}."
    )
    say(f"It is shown only now:  {made.secret}")


@tokens.command("revoke")
@click.argument("token")
@yes_option
@json_option
@click.pass_obj
@example("heron org users tokens revoke laptop")
def revoke_token(context: Context, token: str, yes: bool, as_json: bool) -> None:
    """Revoke a token by its name or UUID; servers that run refuse it from now on."""
    users = context.workspace().users
    found = users._get_token(token)
    confirm(f"Revoke token {found.name!r} of {found.user}?", yes)
    users.revoke_token(found)
    tell(as_json, found, f"Revoked token {found.name!r} of {found.user}")


def _at(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
