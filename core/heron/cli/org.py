"""`heron org`: users, groups of users, tags of projects, and the roles that were given."""

from __future__ import annotations

from typing import Any

import click

from heron.cli import completing
from heron.cli.context import Context
from heron.cli.org_credentials import keys, tokens
from heron.cli.output import (
    confirm,
    example,
    json_option,
    list_options,
    listing,
    page_options,
    print_records,
    tell,
    yes_option,
)
from heron.cli.sharing import grant_cells, holder_options, resource_options
from heron.convert import unstructure
from heron.wording import counted

ROLE = click.Choice(["admin", "member"])
TYPE = click.Choice(["internal", "external", "workforce"])


@click.group("org")
@example("heron org users add ada@example.org\nheron org groups create Reviewers --user ada@example.org")
def command() -> None:
    """Manage users, groups of users and tags of projects."""


@command.group("users", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron org users\nheron org users add ada@example.org --type external")
def users(context: click.Context, as_json: bool) -> None:
    """Add, list, change and remove users."""
    listing(context, list_users, as_json)


@users.command("list")
@page_options
@click.pass_obj
@example("heron org users list")
def list_users(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the users."""
    print_records(
        context.workspace().users.list(),
        as_json,
        ["email", "role", "type"],
        lambda user: (user.email, user.role, user.member_type),
        "There is no user that you may see.",
        limit,
        cursor,
    )


@users.command("add")
@click.argument("email")
@click.option("--role", type=ROLE, default="member", help="Role in the organisation (default: member).")
@click.option("--type", "member_type", type=TYPE, default="internal", help="Type (default: internal).")
@json_option
@click.pass_obj
@example("heron org users add ada@example.org\nheron org users add bob@example.org --role admin")
def add_user(context: Context, email: str, role: Any, member_type: Any, as_json: bool) -> None:
    """Add a user; only an internal one can be admin."""
    added = context.workspace().users.add(email, role=role, member_type=member_type)
    tell(as_json, added, f"Added {added.email}, {added.member_type} {added.role}")


@users.command("update")
@click.argument("email", shell_complete=completing.users)
@click.option("--role", type=ROLE, help="The new role in the organisation.")
@click.option("--type", "member_type", type=TYPE, help="The new type.")
@json_option
@click.pass_obj
@example("heron org users update ada@example.org --role admin")
def update_user(context: Context, email: str, role: Any, member_type: Any, as_json: bool) -> None:
    """Change the role or the type of a user; the last admin stays admin."""
    changed = context.workspace().users.update(email, role=role, member_type=member_type)
    tell(as_json, changed, f"{changed.email} is {changed.member_type} {changed.role} now")


@users.command("remove")
@click.argument("email", shell_complete=completing.users)
@yes_option
@json_option
@click.pass_obj
@example("heron org users remove ada@example.org")
def remove_user(context: Context, email: str, yes: bool, as_json: bool) -> None:
    """Remove a user with all roles; what the user created stays."""
    users = context.workspace().users
    user = users.get(email)
    confirm(f"Remove {user.email} with all roles? What they created stays.", yes)
    users.remove(user)
    tell(as_json, user, f"Removed {user.email}")


users.add_command(keys)
users.add_command(tokens)


@command.group("groups", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron org groups\nheron org groups add Reviewers --user bob@example.org")
def groups(context: click.Context, as_json: bool) -> None:
    """Put users into groups, which can be given roles."""
    listing(context, list_groups, as_json)


@groups.command("list")
@page_options
@click.pass_obj
@example("heron org groups list")
def list_groups(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the groups of users."""
    print_records(
        context.workspace().groups.list(),
        as_json,
        ["name", "users", "groups", "description"],
        lambda group: (group.name, ", ".join(group.users), ", ".join(group.groups), group.description),
        "There is no group yet: heron org groups create NAME --user EMAIL",
        limit,
        cursor,
    )


def _members(function: Any) -> Any:
    """Add --user and --group for members of a group."""
    function = click.option(
        "--group", "groups", multiple=True, metavar="NAME", help="A group, with its users."
    )(function)
    return click.option("--user", "users", multiple=True, metavar="EMAIL", help="A user.")(function)


@groups.command("create")
@click.argument("name")
@_members
@click.option("--description", default="", help="What the group is for.")
@json_option
@click.pass_obj
@example("heron org groups create Reviewers --user ada@example.org --user bob@example.org")
def create_group(
    context: Context,
    name: str,
    users: tuple[str, ...],
    groups: tuple[str, ...],
    description: str,
    as_json: bool,
) -> None:
    """Make a group of users, and of other groups."""
    made = context.workspace().groups.create(name, description=description, users=users, groups=groups)
    tell(as_json, made, f"Made group {name} of {counted(len(made.users) + len(made.groups), 'member')}")


@groups.command("add")
@click.argument("name", shell_complete=completing.user_groups)
@_members
@json_option
@click.pass_obj
@example(
    "heron org groups add Reviewers --user bob@example.org\nheron org groups add Staff --group Reviewers"
)
def add_to_group(
    context: Context, name: str, users: tuple[str, ...], groups: tuple[str, ...], as_json: bool
) -> None:
    """Add users and groups to a group; its roles hold for them at once."""
    done = context.workspace().groups.add(name, users=users, groups=groups)
    tell(as_json, done, f"Added {counted(done.added, 'member')}, {done.skipped:,} were in it already")


@groups.command("remove")
@click.argument("name", shell_complete=completing.user_groups)
@_members
@json_option
@click.pass_obj
@example("heron org groups remove Reviewers --user bob@example.org")
def remove_from_group(
    context: Context, name: str, users: tuple[str, ...], groups: tuple[str, ...], as_json: bool
) -> None:
    """Take users and groups out of a group."""
    removed = context.workspace().groups.remove(name, users=users, groups=groups)
    tell(as_json, {"removed": removed}, f"Removed {counted(removed, 'member')}")


@groups.command("update")
@click.argument("name", shell_complete=completing.user_groups)
@click.option("--name", "new_name", help="The new name.")
@click.option("--description", help="The new description.")
@json_option
@click.pass_obj
@example("heron org groups update Reviewers --name 'Second look'")
def update_group(
    context: Context, name: str, new_name: str | None, description: str | None, as_json: bool
) -> None:
    """Change the name or the description of a group."""
    changed = context.workspace().groups.update(name, name=new_name, description=description)
    tell(as_json, changed, f"It is now {changed.name}")


@groups.command("delete")
@click.argument("name", shell_complete=completing.user_groups)
@yes_option
@json_option
@click.pass_obj
@example("heron org groups delete Reviewers")
def delete_group(context: Context, name: str, yes: bool, as_json: bool) -> None:
    """Delete a group with the roles that it was given; its users stay."""
    groups = context.workspace().groups
    group = groups.get(name)
    confirm(f"Delete group {group.name} with its roles? Its users stay.", yes)
    groups.delete(group)
    tell(as_json, group, f"Deleted group {group.name}")


@command.group("tags", invoke_without_command=True)
@list_options
@click.pass_context
@example("heron org tags\nheron org tags create urgent")
def tags(context: click.Context, as_json: bool) -> None:
    """Make the tags that projects can have."""
    listing(context, list_tags, as_json)


@tags.command("list")
@page_options
@click.pass_obj
@example("heron org tags list")
def list_tags(context: Context, limit: int | None, cursor: int, as_json: bool) -> None:
    """List the tags, with the number of projects that have each."""
    print_records(
        context.workspace().tags.list(),
        as_json,
        ["name", "projects"],
        lambda tag: (tag.name, tag.project_count),
        "There is no tag yet: heron org tags create NAME",
        limit,
        cursor,
    )


@tags.command("create")
@click.argument("name")
@json_option
@click.pass_obj
@example("heron org tags create urgent")
def create_tag(context: Context, name: str, as_json: bool) -> None:
    """Make a tag."""
    tell(as_json, context.workspace().tags.create(name), f"Made tag {name}")


@tags.command("rename")
@click.argument("name", shell_complete=completing.tags)
@click.argument("new_name")
@json_option
@click.pass_obj
@example("heron org tags rename urgent soon")
def rename_tag(context: Context, name: str, new_name: str, as_json: bool) -> None:
    """Rename a tag on all projects that have it."""
    tell(as_json, context.workspace().tags.rename(name, new_name), f"It is now {new_name}")


@tags.command("delete")
@click.argument("name", shell_complete=completing.tags)
@yes_option
@json_option
@click.pass_obj
@example("heron org tags delete urgent")
def delete_tag(context: Context, name: str, yes: bool, as_json: bool) -> None:
    """Delete a tag, and take it off all projects."""
    tags = context.workspace().tags
    tag = tags.get(name)
    confirm(f"Delete tag {tag.name}, which {counted(tag.project_count, 'project')} have?", yes)
    count = tags.delete(tag)
    tell(as_json, {**unstructure(tag), "project_count": count}, f"Deleted tag {tag.name}")


@command.command("roles")
@holder_options
@resource_options
@page_options
@click.pass_obj
@example("heron org roles --user ada@example.org\nheron org roles --folder Driving/2026")
def list_roles(
    context: Context,
    limit: int | None,
    cursor: int,
    as_json: bool,
    **given: Any,
) -> None:
    """List the roles that were given, to a user or a group, or on one resource."""
    print_records(
        context.workspace().roles.list(**given),
        as_json,
        ["role", "on", "resource", "to", "given by"],
        grant_cells,
        "No role was given: heron grant ROLE --user EMAIL --folder PATH",
        limit,
        cursor,
    )
