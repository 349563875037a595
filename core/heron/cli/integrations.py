"""`heron integrations`: named ways to reach storage backends, and checks whether they work."""

from __future__ import annotations

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
    print_json_list,
    print_records,
    tell,
    yes_option,
)
from heron.cli.stdout import echo
from heron.cli.tables import print_fields, say
from heron.hooks import StorageBackend
from heron.jobs import Integration


@click.group("integrations", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron integrations\nheron integrations add lab --backend s3 -o profile=lab -o region=eu-central-1")
def command(context: click.Context, as_json: bool) -> None:
    """Add, list, check and remove integrations with storage backends."""
    listing(context, list_integrations, as_json)


@command.command("list")
@page_options
@click.pass_obj
@example("heron integrations list")
def list_integrations(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the integrations."""
    print_records(
        context.workspace().integrations.list(),
        as_json,
        ["name", "backend", "options"],
        lambda found: (found.name, found.backend, _options(found)),
        "There is no integration yet. Add one: heron integrations add NAME --backend s3",
        limit,
        cursor,
    )


@command.command("add")
@click.argument("name")
@click.option(
    "--backend",
    shell_complete=completing.backends,
    required=True,
    metavar="NAME",
    help="Storage backend, such as s3, gcs, azure or otc.",
)
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the backend; heron integrations options BACKEND lists them.",
)
@json_option
@click.pass_obj
@example(
    "heron integrations add lab --backend s3 -o profile=lab\n"
    "heron integrations add store --backend s3 -o endpoint=https://minio.example.org -o access_key_id=reader "
    "-o secret_access_key=env:STORE_SECRET"
)
def add(context: Context, name: str, backend: str, options: tuple[str, ...], as_json: bool) -> None:
    """Add an integration.

    Secrets are never stored: give env:NAME for an environment variable, file:PATH for a file, or keyring:SERVICE/NAME for the system's keyring.
    """
    values = {}
    for pair in options:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise click.UsageError("An option is KEY=VALUE.")
        if key in values:
            raise click.UsageError(f"Option {key} is given twice.")
        values[key] = value
    added = context.workspace().integrations.create(name, backend, values)
    tell(
        as_json,
        added,
        f"Added integration {added.name}. Check it: heron integrations check {added.name} URL",
    )


@command.command("show")
@click.argument("name", shell_complete=completing.integrations)
@json_option
@click.pass_obj
@example("heron integrations show lab")
def show(context: Context, name: str, as_json: bool) -> None:
    """Show an integration, with references in place of secrets."""
    found = context.workspace().integrations.get(name)
    if as_json:
        print_json(found)
        return
    rows = [
        ("name", found.name),
        ("uuid", found.uuid),
        ("backend", found.backend),
        ("made", found.created_at),
    ]
    print_fields([*rows, *((key, str(value)) for key, value in found.options.items())])


@command.command("check")
@click.argument("name", shell_complete=completing.integrations)
@click.argument("url")
@json_option
@click.pass_obj
@example("heron integrations check lab s3://bucket/2026/")
def check(context: Context, name: str, url: str, as_json: bool) -> int:
    """Try to list and to read below a URL, and print what is missing. Exits with 1 if anything is missing."""
    results = context.workspace().storage.check(name, url)
    if as_json:
        print_json_list(results)
    else:
        for result in results:
            echo("ok    " if result.ok else "failed", fg="green" if result.ok else "red", nl=False)
            say(f"  {result.message}")
    return 0 if all(result.ok for result in results) else 1


@command.command("trust")
@click.argument("name", shell_complete=completing.integrations)
@json_option
@click.pass_obj
@example("heron integrations trust lab")
def trust(context: Context, name: str, as_json: bool) -> None:
    """Let an integration that came with a workspace use your secrets and logins, with its present options.

    Look at it first: heron integrations show NAME prints which secrets it reads and its endpoint.
    """
    found = context.workspace().integrations.trust(name)
    if as_json:
        print_json(found)
    else:
        say(f"You trust integration {found.name} ({found.backend}: {_options(found)})")


@command.command("options")
@click.argument("backend", shell_complete=completing.backends)
@list_options
@click.pass_obj
@example("heron integrations options s3")
def options(context: Context, backend: str, as_json: bool) -> None:
    """List the options of a storage backend."""
    record: StorageBackend = context.plugins().storage(backend)
    print_records(
        record.options,
        as_json,
        ["option", "what it is", "value"],
        lambda option: (
            option.name,
            option.summary,
            "a reference" if option.secret else " | ".join(option.choices) or option.type,
        ),
        f"Storage {record.name} has no options.",
    )


@command.command("remove")
@click.argument("name", shell_complete=completing.integrations)
@yes_option
@json_option
@click.pass_obj
@example("heron integrations remove lab")
def remove(context: Context, name: str, yes: bool, as_json: bool) -> None:
    """Remove an integration. Items imported with it stay."""
    integrations = context.workspace().integrations
    found = integrations.get(name)
    confirm(
        f"Remove integration {found.name}? Its items stay, but can only be read with default credentials.",
        yes,
    )
    integrations.delete(found)
    tell(as_json, found, f"Removed integration {found.name}")


def _options(found: Integration) -> str:
    return ", ".join(f"{key}={value}" for key, value in found.options.items())
